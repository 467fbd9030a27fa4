"""BERT, ALBERT and ELECTRA checkpoints into the ports that people load them with.

Sources: google-research/bert modeling.py, run_pretraining.py and optimization.py (slots ``adam_m``
and ``adam_v``), google-research/albert modeling.py (group and inner_group scopes) and
google-research/electra model/modeling.py and run_pretraining.py (tied embeddings under electra/).
Targets: the variables of transformers 4.41.2 under TensorFlow 2.15, of keras-hub 0.26.0 under Keras
3.15.1 (both listed with small sizes), of CyberZHG/keras-bert and of a hand-written encoder.
Truth: component names and layer numbers; heads are the C-order halves of the hidden axis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.mapping_cases.draft import Draft, together

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scripts.mapping_cases.case import Case

HIDDEN, HEADS, INNER, VOCAB, PLACES = 64, 4, 256, 1000, 128
SIZE = HIDDEN // HEADS
NORM = "gamma beta"
BERT = "google-research/bert modeling.py"


def _layer_norm(case: Draft, name: str, path: str, size: int = HIDDEN) -> None:
    case.norm(name, path, size, NORM, NORM, "LayerNormalization")


def _embeddings(case: Draft, scope: str, paths: dict[str, str], size: int = HIDDEN) -> None:
    """Pair the three tables and their normalization (paths: word, position, token_type, norm)."""
    shapes = {"word": VOCAB, "position": PLACES, "token_type": 2}
    layer = "TFBertEmbeddings" if paths["word"].endswith("/weight") else "Embedding"
    layers = {"position": "PositionEmbedding" if paths is HUB_EMBEDDINGS else layer}
    layers |= {"word": "ReversibleEmbedding"} if paths is HUB_EMBEDDINGS else {}
    for kind in (k for k in paths if k in shapes):
        name = f"{scope}/{kind}_embeddings"
        case.fill(name, paths[kind], (shapes[kind], size), layers.get(kind, layer))
    _layer_norm(case, f"{scope}/LayerNorm", paths["norm"], size)


HF_EMBEDDINGS = {
    "word": "bert/embeddings/word_embeddings/weight",
    "token_type": "bert/embeddings/token_type_embeddings/embeddings",
    "position": "bert/embeddings/position_embeddings/embeddings",
    "norm": "bert/embeddings/LayerNorm",
}
HUB_EMBEDDINGS = {
    "word": "token_embedding/embeddings",
    "position": "position_embedding/embeddings",
    "token_type": "segment_embedding/embeddings",
    "norm": "embeddings_layer_norm",
}


def _hf_layer(case: Draft, scope: str, path: str) -> None:
    for part in ("query", "key", "value"):
        case.dense(f"{scope}/attention/self/{part}", f"{path}/attention/self/{part}", (HIDDEN,) * 2)
    for block, shape in (
        ("attention/output", (HIDDEN, HIDDEN)),
        ("intermediate", (HIDDEN, INNER)),
        ("output", (INNER, HIDDEN)),
    ):
        case.dense(f"{scope}/{block}/dense", f"{path}/{block}/dense", shape)
        if block != "intermediate":
            _layer_norm(case, f"{scope}/{block}/LayerNorm", f"{path}/{block}/LayerNorm")


def _hub_heads(case: Draft, scope: str, output: str, path: str) -> None:
    """Pair square projections with the three-axis kernels of an EinsumDense."""
    for part in ("query", "key", "value"):
        case.fill(
            f"{scope}/{part}/kernel",
            f"{path}/{part}/kernel",
            (HIDDEN, HIDDEN),
            "EinsumDense",
            want=(HIDDEN, HEADS, SIZE),
        )
        case.fill(
            f"{scope}/{part}/bias",
            f"{path}/{part}/bias",
            (HIDDEN,),
            "EinsumDense",
            want=(HEADS, SIZE),
        )
    case.fill(
        f"{output}/kernel",
        f"{path}/attention_output/kernel",
        (HIDDEN, HIDDEN),
        "EinsumDense",
        want=(HEADS, SIZE, HIDDEN),
    )
    case.fill(f"{output}/bias", f"{path}/attention_output/bias", (HIDDEN,), "EinsumDense")


def _hub_layer(case: Draft, scope: str, path: str, names: dict[str, str]) -> None:
    """Pair an encoder layer with a TransformerEncoder of keras-hub (names: see `BERT_NAMES`)."""
    attention = f"{path}/self_attention_layer"
    _hub_heads(case, f"{scope}/{names['self']}", f"{scope}/{names['out']}", attention)
    _layer_norm(case, f"{scope}/{names['norm']}", f"{attention}_norm")
    _layer_norm(case, f"{scope}/{names['norm_1']}", f"{path}/feedforward_layer_norm")
    case.dense(
        f"{scope}/{names['inner']}", f"{path}/feedforward_intermediate_dense", (HIDDEN, INNER)
    )
    case.dense(f"{scope}/{names['outer']}", f"{path}/feedforward_output_dense", (INNER, HIDDEN))


BERT_NAMES = {
    "self": "attention/self",
    "out": "attention/output/dense",
    "norm": "attention/output/LayerNorm",
    "norm_1": "output/LayerNorm",
    "inner": "intermediate/dense",
    "outer": "output/dense",
}
ALBERT_NAMES = {
    "self": "attention_1/self",
    "out": "attention_1/output/dense",
    "norm": "LayerNorm",
    "norm_1": "LayerNorm_1",
    "inner": "ffn_1/intermediate/dense",
    "outer": "ffn_1/intermediate/output/dense",
}


def _pretraining_sources(case: Draft, size: int = HIDDEN) -> None:
    """Add the heads of pre-training to a file whose target has none."""
    case.source("cls/predictions/output_bias", (VOCAB,))
    case.source("cls/predictions/transform/dense/kernel", (HIDDEN, size))
    case.source("cls/predictions/transform/dense/bias", (size,))
    case.source("cls/predictions/transform/LayerNorm/gamma", (size,))
    case.source("cls/predictions/transform/LayerNorm/beta", (size,))
    case.source("cls/seq_relationship/output_weights", (2, HIDDEN))
    case.source("cls/seq_relationship/output_bias", (2,))


def _adam(case: Draft) -> None:
    case.slots_of_all(("/adam_m", "/adam_v"))
    case.source("global_step", (), "int64")


def _hf_bert(name: str, layers: int, *tags: str) -> Draft:
    case = Draft(
        name=name,
        provenance=f"{BERT} and run_pretraining.py, sizes reduced; target TFBertForPreTraining of "
        "transformers 4.41.2 (variable names listed under TensorFlow 2.15)",
        truth_basis="rule: equal components and layer numbers; output_weights is stored transposed",
        tags=("transformer", "bert", *tags),
    )
    _embeddings(case, "bert/embeddings", HF_EMBEDDINGS)
    for index in range(layers):
        _hf_layer(case, f"bert/encoder/layer_{index}", f"bert/encoder/layer_._{index}")
    case.dense("bert/pooler/dense", "bert/pooler/dense", (HIDDEN, HIDDEN))
    return case


def _hf_pretraining_heads(case: Draft) -> None:
    case.fill(
        "cls/seq_relationship/output_weights",
        "nsp___cls/seq_relationship/kernel",
        (2, HIDDEN),
        "Dense",
        want=(HIDDEN, 2),
        transform="transpose:1,0",
    )
    case.fill("cls/seq_relationship/output_bias", "nsp___cls/seq_relationship/bias", (2,), "Dense")
    head = "mlm___cls/predictions"
    case.fill("cls/predictions/output_bias", f"{head}/bias", (VOCAB,), "TFBertLMPredictionHead")
    case.dense("cls/predictions/transform/dense", f"{head}/transform/dense", (HIDDEN, HIDDEN))
    _layer_norm(case, "cls/predictions/transform/LayerNorm", f"{head}/transform/LayerNorm")


def huggingface() -> Iterator[Draft]:
    """Yield BERT into transformers: pre-training, a classifier, another head."""
    case = _hf_bert("bert_pretraining_adam__hf_tfbert", 12, "slots", "natural_order")
    _hf_pretraining_heads(case)
    _adam(case)
    case.rename_targets(lambda path: f"tf_bert_for_pre_training/{path}:0")
    yield case
    for count, name in ((3, "bert_classifier__hf_tfbert_sequence"), (7, "")):
        case = _hf_bert(name or "bert_classifier_3__hf_tfbert_sequence_7_labels", 4)
        case.provenance = f"{BERT} and run_classifier.py (3 labels), sizes reduced; target "
        case.provenance += (
            f"TFBertForSequenceClassification ({count} labels) of transformers 4.41.2"
        )
        case.source("output_weights", (3, HIDDEN))
        case.source("output_bias", (3,))
        kernel = case.target("classifier/kernel", (HIDDEN, count), "Dense")
        bias = case.target("classifier/bias", (count,), "Dense")
        if count == 3:
            case.edge("output_weights", kernel, "transpose:1,0")
            case.edge("output_bias", bias)
        else:
            case.tags = (*case.tags, "changed_head", "missing_targets")
        _adam(case)
        yield case


def hub_bert() -> Iterator[Draft]:
    """Yield BERT into keras-hub, and a renamed, shuffled file."""
    case = Draft(
        name="bert_pretraining__keras_hub_bert_backbone",
        provenance=f"{BERT} and run_pretraining.py, sizes reduced; target "
        "keras_hub.models.BertBackbone 0.26.0 (listed under Keras 3.15.1)",
        truth_basis="rule: component names and layer numbers; heads are halves of the hidden axis",
        tags=("transformer", "bert", "heads", "natural_order"),
    )
    _embeddings(case, "bert/embeddings", HUB_EMBEDDINGS)
    for index in range(12):
        _hub_layer(case, f"bert/encoder/layer_{index}", f"transformer_layer_{index}", BERT_NAMES)
    case.dense("bert/pooler/dense", "pooled_dense", (HIDDEN, HIDDEN))
    _pretraining_sources(case)
    yield case
    other = case.changed(
        "bert_renamed_shuffled__keras_hub_6_layers",
        "scope bert renamed to student/text_encoder, sources shuffled, six layers in both, "
        "layer_3 lost from the file",
        "shuffled",
        "missing_targets",
    )
    other.drop_targets(r"transformer_layer_([6-9]|1\d)/")
    other.drop_sources(r"layer_([6-9]|1\d)/|layer_3/")
    other.rename_sources(lambda n: n.replace("bert/", "student/text_encoder/"))
    other.shuffle(3)
    yield other


def keras_bert() -> Iterator[Draft]:
    """Yield BERT into CyberZHG/keras-bert, which counts layers from 1."""
    case = Draft(
        name="bert_pretraining__cyberzhg_keras_bert",
        provenance=f"{BERT}, sizes reduced; target names of CyberZHG/keras-bert (bert.py, "
        "loader.py), keras-transformer, keras-multi-head and keras-position-wise-feed-forward",
        truth_basis="rule: loader.py of keras-bert; layer 0 is Encoder-1",
        tags=("transformer", "bert", "off_by_one"),
    )
    paths = {"word": "Embedding-Token/embeddings", "token_type": "Embedding-Segment/embeddings"}
    paths |= {"position": "Embedding-Position/embeddings", "norm": "Embedding-Norm"}
    _embeddings(case, "bert/embeddings", paths)
    square = (HIDDEN, HIDDEN)
    for index in range(11):
        scope, path = f"bert/encoder/layer_{index}", f"Encoder-{index + 1}"
        heads = f"{path}-MultiHeadSelfAttention/{path}-MultiHeadSelfAttention"
        for part, short in (("self/query", "q"), ("self/key", "k"), ("self/value", "v")):
            where = f"{scope}/attention/{part}"
            case.fill(f"{where}/kernel", f"{heads}_W{short}", square, "MultiHeadAttention")
            case.fill(f"{where}/bias", f"{heads}_b{short}", (HIDDEN,), "MultiHeadAttention")
        where = f"{scope}/attention/output"
        case.fill(f"{where}/dense/kernel", f"{heads}_Wo", square, "MultiHeadAttention")
        case.fill(f"{where}/dense/bias", f"{heads}_bo", (HIDDEN,), "MultiHeadAttention")
        _layer_norm(case, f"{where}/LayerNorm", f"{path}-MultiHeadSelfAttention-Norm")
        feed = f"{path}-FeedForward/{path}-FeedForward"
        for number, part, shape in (
            (1, "intermediate", (HIDDEN, INNER)),
            (2, "output", (INNER, HIDDEN)),
        ):
            case.fill(f"{scope}/{part}/dense/kernel", f"{feed}_W{number}", shape, "FeedForward")
            case.fill(f"{scope}/{part}/dense/bias", f"{feed}_b{number}", shape[1:], "FeedForward")
        _layer_norm(case, f"{scope}/output/LayerNorm", f"{path}-FeedForward-Norm")
    case.dense("cls/predictions/transform/dense", "MLM-Dense", square)
    _layer_norm(case, "cls/predictions/transform/LayerNorm", "MLM-Norm")
    case.fill("cls/predictions/output_bias", "MLM-Sim/bias", (VOCAB,), "EmbeddingSimilarity")
    case.dense("bert/pooler/dense", "NSP-Dense", square)
    case.fill(
        "cls/seq_relationship/output_weights",
        "NSP/kernel",
        (2, HIDDEN),
        "Dense",
        want=(HIDDEN, 2),
        transform="transpose:1,0",
    )
    case.fill("cls/seq_relationship/output_bias", "NSP/bias", (2,), "Dense")
    case.source("global_step", (), "int64")
    yield case


def separate_heads() -> Iterator[Draft]:
    """Yield BERT into two hand-written encoders: one dense layer a head, one fused projection."""
    case = Draft(
        name="bert__handwritten_one_dense_per_head",
        provenance=f"{BERT}, sizes reduced; target a hand-written Keras 3 encoder with one Dense "
        "for each head, written for this case",
        truth_basis="construction: head i takes columns i*16 to (i+1)*16",
        tags=("transformer", "bert", "heads", "split"),
    )
    fused = Draft(
        name="bert__handwritten_fused_qkv",
        provenance=f"{BERT}, sizes reduced; target a hand-written Keras 3 encoder with one qkv "
        "projection, written for this case",
        truth_basis="construction: query, key and value beside each other, in this order",
        tags=("transformer", "bert", "fused_qkv"),
    )
    paths = {"word": "encoder/tokens/embeddings", "position": "encoder/positions/embeddings"}
    paths |= {"token_type": "encoder/segments/embeddings", "norm": "encoder/embed_norm"}
    for draft in (case, fused):
        _embeddings(draft, "bert/embeddings", paths)
        for index in range(3):
            _own_layer(draft, f"bert/encoder/layer_{index}", f"encoder/block_{index}")
        draft.dense("bert/pooler/dense", "encoder/pooler", (HIDDEN, HIDDEN))
        _pretraining_sources(draft)
        yield draft


def _own_layer(case: Draft, scope: str, path: str) -> None:
    parts = ("query", "key", "value")
    for part in parts:
        case.source(f"{scope}/attention/self/{part}/kernel", (HIDDEN, HIDDEN))
        case.source(f"{scope}/attention/self/{part}/bias", (HIDDEN,))
    if "split" in case.tags:
        for head in range(HEADS):
            for part in parts:
                name, where = f"{scope}/attention/self/{part}", f"{path}/head_{head}/{part}"
                cut = f"{head * SIZE}:{(head + 1) * SIZE}"
                kernel = case.target(f"{where}/kernel", (HIDDEN, SIZE), "Dense")
                case.edge(f"{name}/kernel", kernel, f"slice:axis=1:{cut}")
                bias = case.target(f"{where}/bias", (SIZE,), "Dense")
                case.edge(f"{name}/bias", bias, f"slice:axis=0:{cut}")
    else:
        kernel = case.target(f"{path}/attn/qkv/kernel", (HIDDEN, 3 * HIDDEN), "Dense")
        bias = case.target(f"{path}/attn/qkv/bias", (3 * HIDDEN,), "Dense")
        for number, part in enumerate(parts):
            name, cut = (
                f"{scope}/attention/self/{part}",
                f"{number * HIDDEN}:{(number + 1) * HIDDEN}",
            )
            case.edge(f"{name}/kernel", kernel, f"into::,{cut}")
            case.edge(f"{name}/bias", bias, f"into:{cut}")
    case.dense(f"{scope}/attention/output/dense", f"{path}/attn/proj", (HIDDEN, HIDDEN))
    _layer_norm(case, f"{scope}/attention/output/LayerNorm", f"{path}/attn_norm")
    case.dense(f"{scope}/intermediate/dense", f"{path}/mlp/up", (HIDDEN, INNER))
    case.dense(f"{scope}/output/dense", f"{path}/mlp/down", (INNER, HIDDEN))
    _layer_norm(case, f"{scope}/output/LayerNorm", f"{path}/mlp_norm")


def albert() -> Iterator[Draft]:
    """Yield ALBERT (one and two groups) into transformers and keras-hub."""
    small = HIDDEN // 2
    tags = ("transformer", "albert", "slots", "groups")
    case = Draft(
        name="albert_two_groups_adam__hf_tfalbert",
        provenance="google-research/albert modeling.py (2 groups of 2 inner layers), sizes "
        "reduced; target TFAlbertForPreTraining of transformers 4.41.2",
        truth_basis="rule: the renaming of transformers' load_tf_weights_in_albert; LayerNorm_1 "
        "closes the layer; decoder/bias is tied to predictions/bias",
        tags=tags,
        dont_care={"targets": ["predictions/decoder/bias"], "sources": []},
    )
    paths = {k: v.replace("bert/", "albert/", 1) for k, v in HF_EMBEDDINGS.items()}
    _embeddings(case, "bert/embeddings", paths, small)
    mapping = "encoder/embedding_hidden_mapping_in"
    case.dense(f"bert/{mapping}", f"albert/{mapping}", (small, HIDDEN))
    for group in range(2):
        for inner in range(2):
            _hf_albert_layer(
                case,
                f"bert/encoder/transformer/group_{group}/inner_group_{inner}",
                f"albert/encoder/albert_layer_groups_._{group}/albert_layers_._{inner}",
            )
    case.dense("bert/pooler/dense", "albert/pooler", (HIDDEN, HIDDEN))
    case.fill("cls/predictions/output_bias", "predictions/bias", (VOCAB,), "TFAlbertMLMHead")
    case.target("predictions/decoder/bias", (VOCAB,), "TFAlbertMLMHead")
    case.dense("cls/predictions/transform/dense", "predictions/dense", (HIDDEN, small))
    _layer_norm(case, "cls/predictions/transform/LayerNorm", "predictions/LayerNorm", small)
    case.fill(
        "cls/seq_relationship/output_weights",
        "sop_classifier/classifier/kernel",
        (2, HIDDEN),
        "Dense",
        want=(HIDDEN, 2),
        transform="transpose:1,0",
    )
    case.fill("cls/seq_relationship/output_bias", "sop_classifier/classifier/bias", (2,), "Dense")
    _adam(case)
    yield case
    case = Draft(
        name="albert__keras_hub_albert_backbone",
        provenance="google-research/albert modeling.py, sizes reduced; target "
        "keras_hub.models.AlbertBackbone 0.26.0 (listed under Keras 3.15.1)",
        truth_basis="rule: LayerNorm follows the attention, LayerNorm_1 closes the layer",
        tags=("transformer", "albert", "heads"),
    )
    _embeddings(case, "bert/embeddings", HUB_EMBEDDINGS, small)
    case.dense(f"bert/{mapping}", "embedding_projection", (small, HIDDEN))
    scope = "bert/encoder/transformer/group_0/inner_group_0"
    _hub_layer(case, scope, "group_0_inner_layer_0", ALBERT_NAMES)
    case.dense("bert/pooler/dense", "pooled_dense", (HIDDEN, HIDDEN))
    _pretraining_sources(case, small)
    case.source("global_step", (), "int64")
    yield case


def _hf_albert_layer(case: Draft, scope: str, path: str) -> None:
    for part in ("query", "key", "value"):
        case.dense(f"{scope}/attention_1/self/{part}", f"{path}/attention/{part}", (HIDDEN,) * 2)
    case.dense(f"{scope}/attention_1/output/dense", f"{path}/attention/dense", (HIDDEN,) * 2)
    _layer_norm(case, f"{scope}/LayerNorm", f"{path}/attention/LayerNorm")
    case.dense(f"{scope}/ffn_1/intermediate/dense", f"{path}/ffn", (HIDDEN, INNER))
    case.dense(f"{scope}/ffn_1/intermediate/output/dense", f"{path}/ffn_output", (INNER, HIDDEN))
    _layer_norm(case, f"{scope}/LayerNorm_1", f"{path}/full_layer_layer_norm")


def electra() -> Iterator[Draft]:
    """Yield ELECTRA: the discriminator alone, and both networks of equal size in one model."""
    provenance = "google-research/electra model/modeling.py, run_pretraining.py (generator as wide "
    provenance += "as the discriminator), sizes reduced; target "
    for both in (False, True):
        case = Draft(
            name="electra_pretraining__hf_tfelectra_both"
            if both
            else "electra_pretraining_adam__hf_tfelectra_discriminator",
            provenance=provenance + "TFElectraForPreTraining" + both * " and TFElectraForMaskedLM",
            truth_basis="rule: generator/ and electra/ scopes; the embeddings are shared under "
            "electra/ and fill both models",
            tags=("transformer", "electra", "lookalike", *(("tied",) if both else ("slots",))),
        )
        _electra_network(case, "electra", "discriminator/" if both else "", 2)
        head = ("discriminator/" if both else "") + "discriminator_predictions"
        case.dense("discriminator_predictions/dense", f"{head}/dense", (HIDDEN, HIDDEN))
        case.dense("discriminator_predictions/dense_1", f"{head}/dense_prediction", (HIDDEN, 1))
        if both:
            _electra_network(case, "generator", "generator/", 2)
            head = "generator/generator_predictions"
            _layer_norm(case, "generator_predictions/LayerNorm", f"{head}/LayerNorm", 32)
            case.dense("generator_predictions/dense", f"{head}/dense", (HIDDEN, 32))
            bias = "generator/generator_lm_head/bias"
            case.fill("generator_predictions/output_bias", bias, (VOCAB,), "TFElectraMaskedLMHead")
        else:
            spare = Draft(name="spare", provenance="", truth_basis="")
            _electra_network(spare, "generator", "", 2)
            for row in spare.sources.values():
                if row["name"] not in case.sources:
                    case.source(row["name"], row["shape"])
            case.source("generator_predictions/LayerNorm/gamma", (32,))
            case.source("generator_predictions/LayerNorm/beta", (32,))
            case.source("generator_predictions/dense/kernel", (HIDDEN, 32))
            case.source("generator_predictions/dense/bias", (32,))
            case.source("generator_predictions/output_bias", (VOCAB,))
            _adam(case)
        yield case


def _electra_network(case: Draft, scope: str, top: str, layers: int) -> None:
    paths = {k: top + v.replace("bert/", "electra/", 1) for k, v in HF_EMBEDDINGS.items()}
    if "electra/embeddings/word_embeddings" in case.sources:
        first = next(edge["target"].split("electra/")[0] for edge in case.truth)
        shared = [e for e in case.truth if e["target"].startswith(f"{first}electra/embeddings/")]
        for edge in shared:
            row = case.targets[edge["target"]]
            path = edge["target"].replace(first, top, 1)
            case.edge(edge["source"], case.target(path, row["shape"], row.get("layer_class")))
    else:
        _embeddings(case, "electra/embeddings", paths, 32)
    case.dense(f"{scope}/embeddings_project", f"{top}electra/embeddings_project", (32, HIDDEN))
    for index in range(layers):
        _hf_layer(case, f"{scope}/encoder/layer_{index}", f"{top}electra/encoder/layer_._{index}")


def cases() -> tuple[Case, ...]:
    """Return the cases of BERT and its relatives."""
    return together(huggingface(), hub_bert(), keras_bert(), separate_heads(), albert(), electra())
