"""GPT-2, T5, XLNet and Transformer-XL checkpoints into transformers and keras-hub.

Sources: openai/gpt-2 src/model.py (1x convolution kernels ``[1, n, 3n]``), Mesh TensorFlow T5
(google-research/text-to-text-transfer-transformer; names as listed in huggingface/transformers
issue 2334), zihangdai/xlnet modeling.py (position biases stacked over the layers) and
kimiyoung/transformer-xl tf/model.py. Targets: transformers 4.41.2 under TensorFlow 2.15 and
keras-hub 0.26.0 under Keras 3.15.1, both listed with small sizes.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from scripts.mapping_cases.draft import Draft, per_layer, third, together

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scripts.mapping_cases.case import Case

HIDDEN, HEADS, INNER, VOCAB = 64, 4, 256, 1000
SIZE = HIDDEN // HEADS
NORM = "gamma beta"
HEAD_SHAPE = (HIDDEN, HEADS, SIZE)


def _layer_norm(case: Draft, name: str, path: str, leaves: str = NORM) -> None:
    case.norm(name, path, HIDDEN, leaves, NORM, "LayerNormalization")


def gpt2() -> Iterator[Draft]:
    """Yield OpenAI's GPT-2 into transformers and keras-hub, and a fine-tuned Adam file."""
    case = Draft(
        name="gpt2_openai__hf_tfgpt2",
        provenance="openai/gpt-2 src/model.py, sizes reduced; target TFGPT2LMHeadModel of "
        "transformers 4.41.2 (listed under TensorFlow 2.15)",
        truth_basis="rule: equal component names and layer numbers; [1, n, m] lose the axis",
        tags=("transformer", "gpt2", "natural_order", "conv_to_dense"),
    )
    case.fill("model/wte", "transformer/wte/embeddings", (VOCAB, HIDDEN), "TFSharedEmbeddings")
    case.fill("model/wpe", "transformer/wpe/embeddings", (128, HIDDEN), "Embedding")
    blocks = (("attn/c_attn", HIDDEN, 3 * HIDDEN), ("attn/c_proj", HIDDEN, HIDDEN))
    feed = (("mlp/c_fc", HIDDEN, INNER), ("mlp/c_proj", INNER, HIDDEN))
    for index in range(12):
        name, path = f"model/h{index}", f"transformer/h_._{index}"
        for norm, parts in (("ln_1", blocks), ("ln_2", feed)):
            _layer_norm(case, f"{name}/{norm}", f"{path}/{norm}", "g b")
            for part, rows, columns in parts:
                shape = (1, rows, columns)
                case.fill(
                    f"{name}/{part}/w",
                    f"{path}/{part}/weight",
                    shape,
                    "TFConv1D",
                    want=(rows, columns),
                )
                bias = f"{path}/{part}/bias"
                case.fill(f"{name}/{part}/b", bias, (columns,), "TFConv1D", want=(1, columns))
    _layer_norm(case, "model/ln_f", "transformer/ln_f", "g b")
    yield case
    tuned = case.changed(
        "gpt2_finetuned_adam__hf_tfgpt2_renamed",
        "Adam slots and a counter of a fine-tuning script (nshepperd/gpt-2), six layers, "
        "the target under tfgp_t2lm_head_model with :0",
        "slots",
    )
    tuned.drop_sources(r"model/h([6-9]|1\d)/")
    tuned.drop_targets(r"h_._([6-9]|1\d)/")
    tuned.adam_of_all(step=False)
    tuned.source("counter", (1,), "int32")
    tuned.rename_targets(lambda path: f"tfgp_t2lm_head_model/{path}:0")
    yield tuned
    yield _gpt2_hub()


def _gpt2_hub() -> Draft:
    case = Draft(
        name="gpt2_openai__keras_hub_gpt2_backbone",
        provenance="openai/gpt-2 src/model.py, sizes reduced; target "
        "keras_hub.models.GPT2Backbone 0.26.0 (listed under Keras 3.15.1)",
        truth_basis="rule: c_attn holds query, key, value beside each other; layer numbers",
        tags=("transformer", "gpt2", "fused_qkv", "heads", "natural_order"),
    )
    case.fill("model/wte", "token_embedding/embeddings", (VOCAB, HIDDEN), "ReversibleEmbedding")
    case.fill("model/wpe", "position_embedding/embeddings", (128, HIDDEN), "PositionEmbedding")
    for index in range(12):
        name, path = f"model/h{index}", f"transformer_layer_{index}"
        kernel = case.source(f"{name}/attn/c_attn/w", (1, HIDDEN, 3 * HIDDEN))
        bias = case.source(f"{name}/attn/c_attn/b", (3 * HIDDEN,))
        attention = f"{path}/self_attention"
        for number, part in enumerate(("query", "key", "value")):
            where = f"{attention}/{part}"
            target = case.target(f"{where}/kernel", HEAD_SHAPE, "EinsumDense")
            case.edge(kernel, target, third(number, HIDDEN, 2, then="reshape"))
            target = case.target(f"{where}/bias", (HEADS, SIZE), "EinsumDense")
            case.edge(bias, target, third(number, HIDDEN, 0, then="reshape"))
        output = f"{attention}/attention_output"
        shape = (1, HIDDEN, HIDDEN)
        case.fill(
            f"{name}/attn/c_proj/w",
            f"{output}/kernel",
            shape,
            "EinsumDense",
            want=(HEADS, SIZE, HIDDEN),
        )
        case.fill(f"{name}/attn/c_proj/b", f"{output}/bias", (HIDDEN,), "EinsumDense")
        _layer_norm(case, f"{name}/ln_1", f"{path}/self_attention_layer_norm", "g b")
        for part, dense, (rows, columns) in (
            ("c_fc", "feedforward_intermediate_dense", (HIDDEN, INNER)),
            ("c_proj", "feedforward_output_dense", (INNER, HIDDEN)),
        ):
            where = f"{path}/{dense}"
            case.fill(
                f"{name}/mlp/{part}/w",
                f"{where}/kernel",
                (1, rows, columns),
                "Dense",
                want=(rows, columns),
            )
            case.fill(f"{name}/mlp/{part}/b", f"{where}/bias", (columns,), "Dense")
        _layer_norm(case, f"{name}/ln_2", f"{path}/feedforward_layer_norm", "g b")
    _layer_norm(case, "model/ln_f", "layer_norm", "g b")
    return case


T5 = "Mesh TensorFlow T5 (google-research/text-to-text-transfer-transformer; names as in "
T5 += "huggingface/transformers issue 2334), sizes reduced; target "
PROJECTED = HEADS * 24
"""Width of the heads together: not the hidden size, so that no projection is square."""


def _adafactor(case: Draft) -> None:
    """Add the slots of Adafactor: factored for matrices, whole for the rest."""
    for name, row in list(case.sources.items()):
        shape = row["shape"]
        if len(shape) == 2 and "relative" not in name:
            case.source(f"{name}_slot_vc", shape[1:])
            case.source(f"{name}_slot_vr", shape[:1])
        else:
            case.source(f"{name}_slot_v", shape)
    case.source("global_step", (), "int64")


def _t5_attention(case: Draft, name: str, path: str, names: str = "q k v o") -> None:
    for part, leaf in zip("qkvo", names.split(), strict=True):
        shape = (PROJECTED, HIDDEN) if part == "o" else (HIDDEN, PROJECTED)
        case.fill(f"{name}/{part}", f"{path}/{leaf}/kernel", shape, "Dense")


def _t5_bias(case: Draft, name: str, path: str, layer: str) -> None:
    case.fill(
        f"{name}/relative_attention_bias",
        path,
        (HEADS, 32),
        layer,
        want=(32, HEADS),
        transform="transpose:1,0",
    )


def t5() -> Iterator[Draft]:
    """Yield T5 into transformers (with and without gate) and into keras-hub."""
    for gated in (False, True):
        case = Draft(
            name=f"t5_mesh_tf_{'v1_1_gated' if gated else 'adafactor'}__hf_tft5",
            provenance=T5 + "TFT5ForConditionalGeneration of transformers 4.41.2",
            truth_basis="rule: block and layer numbers; relative_attention_bias is transposed",
            tags=("transformer", "t5", "encoder_decoder"),
        )
        case.fill("shared/embedding", "shared/shared/embeddings", (VOCAB, HIDDEN), "Embedding")
        for side in ("encoder", "decoder"):
            for block in range(3):
                _t5_block(case, side, block, gated=gated)
            path = f"{side}/final_layer_norm/weight"
            case.fill(f"{side}/final_layer_norm/scale", path, (HIDDEN,), "TFT5LayerNorm")
        if gated:
            shape = (HIDDEN, VOCAB)
            case.fill("decoder/logits/kernel", "lm_head/kernel", shape, "Dense")
            case.source("global_step", (), "int64")
            case.rename_targets(lambda path: f"tft5_for_conditional_generation/{path}:0")
        else:
            _adafactor(case)
            case.tags = (*case.tags, "slots")
        yield case
    yield _t5_hub()


def _t5_block(case: Draft, side: str, block: int, *, gated: bool) -> None:
    name, path = f"{side}/block_{block:03d}", f"{side}/block_._{block}"
    parts = ["SelfAttention", "DenseReluDense"]
    if side == "decoder":
        parts.insert(1, "EncDecAttention")
    for number, part in enumerate(parts):
        where, into = f"{name}/layer_{number:03d}", f"{path}/layer_._{number}"
        if part == "SelfAttention" and not block:
            bias = f"{into}/{part}/relative_attention_bias/embeddings"
            _t5_bias(case, f"{where}/{part}", bias, "TFT5Attention")
        if part == "DenseReluDense":
            for leaf in ("wi_0", "wi_1", "wo") if gated else ("wi", "wo"):
                shape = (INNER, HIDDEN) if leaf == "wo" else (HIDDEN, INNER)
                kernel = f"{part}/{leaf}/kernel"
                case.fill(f"{where}/{kernel}", f"{into}/{kernel}", shape, "Dense")
        else:
            _t5_attention(case, f"{where}/{part}", f"{into}/{part}")
        norm = f"{into}/layer_norm/weight"
        case.fill(f"{where}/layer_norm/scale", norm, (HIDDEN,), "TFT5LayerNorm")


def _t5_hub() -> Draft:
    case = Draft(
        name="t5_mesh_tf__keras_hub_t5_backbone",
        provenance=T5 + "keras_hub.models.T5Backbone 0.26.0 (use_gated_activation=False)",
        truth_basis="rule: block numbers; norms are numbered in the order of the layers; the "
        "encoder is built before the decoder (self_attention/embeddings comes twice)",
        tags=("transformer", "t5", "encoder_decoder", "duplicate_paths", "auto_numbered"),
    )
    case.fill(
        "shared/embedding", "token_embedding/embeddings", (VOCAB, HIDDEN), "ReversibleEmbedding"
    )
    projectors = "query_projector key_projector value_projector output_projector"
    count = 0

    def norm(name: str, path: str) -> None:
        nonlocal count
        leaf = f"{path}/t5_layer_norm{f'_{count}' if count else ''}/weight"
        case.fill(f"{name}/layer_norm/scale", leaf, (HIDDEN,), "T5LayerNorm")
        count += 1

    for side in ("encoder", "decoder"):
        bias = f"{side}/block_000/layer_000/SelfAttention"
        _t5_bias(case, bias, "self_attention/embeddings", "T5MultiHeadAttention")
        for block in range(3):
            name, path = f"{side}/block_{block:03d}", f"transformer_{side}_layer_{block}"
            own = f"{name}/layer_000"
            _t5_attention(case, f"{own}/SelfAttention", f"{path}/self_attention", projectors)
            norm(own, path)
            if side == "decoder":
                cross = f"{name}/layer_001"
                where = f"{path}/cross_attention"
                _t5_attention(case, f"{cross}/EncDecAttention", where, projectors)
                norm(cross, path)
            last = f"{name}/layer_{2 if side == 'decoder' else 1:03d}"
            dense = f"{last}/DenseReluDense"
            inner, outer = f"{path}/input_projector/kernel", f"{path}/output_projector/kernel"
            case.fill(f"{dense}/wi/kernel", inner, (HIDDEN, INNER), "Dense")
            case.fill(f"{dense}/wo/kernel", outer, (INNER, HIDDEN), "Dense")
            norm(last, path)
        final = f"{side}_output_layer_norm/weight"
        case.fill(f"{side}/final_layer_norm/scale", final, (HIDDEN,), "T5LayerNorm")
    _adafactor(case)
    return case


def _relative(case: Draft, names: tuple[str, ...], layers: int, shape: tuple[int, ...]) -> None:
    for name in names:
        case.source(name, (layers, *shape))


def xlnet() -> Iterator[Draft]:
    """Yield XLNet into transformers: biases stacked over the layers are cut."""
    layers = 3
    case = Draft(
        name="xlnet_adam_stacked_biases__hf_tfxlnet",
        provenance="zihangdai/xlnet modeling.py and model_utils.py (untie_r, adam_m and adam_v), "
        "sizes reduced; target TFXLNetLMHeadModel of transformers 4.41.2",
        truth_basis="rule: equal component names; row i of a stacked bias belongs to layer i",
        tags=("transformer", "xlnet", "stacked", "slots"),
    )
    top = "model/transformer"
    case.fill(
        f"{top}/mask_emb/mask_emb", "transformer/mask_emb", (1, 1, HIDDEN), "TFXLNetMainLayer"
    )
    table = "transformer/word_embedding/weight"
    case.fill(f"{top}/word_embedding/lookup_table", table, (VOCAB, HIDDEN), "TFSharedEmbeddings")
    stacked = ("r_r_bias", "r_s_bias", "r_w_bias", "seg_embed")
    _relative(case, tuple(f"{top}/{name}" for name in stacked[:3]), layers, (HEADS, SIZE))
    _relative(case, (f"{top}/seg_embed",), layers, (2, HEADS, SIZE))
    for index in range(layers):
        name, path = f"{top}/layer_{index}", f"transformer/layer_._{index}"
        attention = f"{path}/rel_attn"
        for part in "qkvor":
            kernel = f"{name}/rel_attn/{part}/kernel"
            case.fill(kernel, f"{attention}/{part}", HEAD_SHAPE, "TFXLNetRelativeAttention")
        for part in stacked:
            shape = (2, HEADS, SIZE) if part == "seg_embed" else (HEADS, SIZE)
            target = case.target(f"{attention}/{part}", shape, "TFXLNetRelativeAttention")
            case.edge(f"{top}/{part}", target, per_layer(index))
        _layer_norm(case, f"{name}/rel_attn/LayerNorm", f"{attention}/layer_norm")
        _layer_norm(case, f"{name}/ff/LayerNorm", f"{path}/ff/layer_norm")
        case.dense(f"{name}/ff/layer_1", f"{path}/ff/layer_1", (HIDDEN, INNER))
        case.dense(f"{name}/ff/layer_2", f"{path}/ff/layer_2", (INNER, HIDDEN))
    case.fill("model/lm_loss/bias", "lm_loss/bias", (VOCAB,), "TFXLNetLMHead")
    case.slots_of_all(("/adam_m", "/adam_v"))
    case.source("global_step", (), "int64")
    yield case


def transformer_xl() -> Iterator[Draft]:
    """Yield Transformer-XL into transformers: one qkv projection on both sides."""
    layers = 4
    for tied in (True, False):
        case = Draft(
            name=f"transformer_xl_{'tied' if tied else 'untied'}_biases__hf_tftransfoxl",
            provenance="kimiyoung/transformer-xl tf/model.py (div_val 1, "
            + ("biases shared, no cutoffs" if tied else "untie_r, 3 cutoffs")
            + "), sizes reduced; target names of TFTransfoXLLMHeadModel in "
            "huggingface/transformers modeling_tf_transfo_xl.py",
            truth_basis="rule: tf_to_pt map of transformers; parts in the order of the cutoffs",
            tags=(
                "transformer",
                "transformer_xl",
                "slots",
                *(() if tied else ("stacked", "partition")),
            ),
        )
        table = "transformer/word_emb/emb_layers_._0/embeddings"
        name = "transformer/adaptive_embed/lookup_table"
        case.fill(name, table, (VOCAB, HIDDEN), "TFTransfoEmbeddings")
        biases = ("r_r_bias", "r_w_bias")
        for bias in biases:
            name = f"transformer/{bias}"
            if tied:
                case.fill(name, name, (HEADS, SIZE), "TFTransfoXLMainLayer")
            else:
                case.source(name, (layers, HEADS, SIZE))
        for index in range(layers):
            _transformer_xl_layer(case, index, tied=tied)
        _adaptive_softmax(case, () if tied else (200, 500, 800))
        case.adam_of_all()
        yield case


def _adaptive_softmax(case: Draft, cutoffs: tuple[int, ...]) -> None:
    """Pair the output biases: one vector, or a part for each range of the vocabulary."""
    name, layer = "transformer/adaptive_softmax", "TFAdaptiveSoftmaxMask"
    if cutoffs:
        size = len(cutoffs)
        first = f"{name}/cutoff_0"
        case.fill(f"{first}/cluster_W", "crit/cluster_weight", (size, HIDDEN), layer)
        case.fill(f"{first}/cluster_b", "crit/cluster_bias", (size,), layer)
        bias = case.target("crit/out_layers_._0_._bias", (VOCAB,), layer)
        ends = (0, *cutoffs, VOCAB)
        for number, (start, stop) in enumerate(pairwise(ends)):
            part = case.source(f"{name}/cutoff_{number}/b", (stop - start,))
            case.edge(part, bias, f"into:{start}:{stop}")
    else:
        case.fill(f"{name}/bias", "crit/out_layers_._0_._bias", (VOCAB,), layer)


def _transformer_xl_layer(case: Draft, index: int, *, tied: bool) -> None:
    name, path = f"transformer/layer_{index}", f"transformer/layers_._{index}"
    attention = f"{path}/dec_attn"
    for have, want, columns in (("qkv", "qkv_net", 3 * HIDDEN), ("o", "o_net", HIDDEN)):
        kernel = f"{name}/rel_attn/{have}/kernel"
        case.fill(kernel, f"{attention}/{want}/kernel", (HIDDEN, columns), "Dense")
    _layer_norm(case, f"{name}/rel_attn/LayerNorm", f"{attention}/layer_norm")
    kernel = f"{name}/rel_attn/r/kernel"
    case.fill(kernel, f"{attention}/r_net/kernel", (HIDDEN, HIDDEN), "Dense")
    for bias in () if tied else ("r_r_bias", "r_w_bias"):
        layer = "TFRelPartialLearnableMultiHeadAttn"
        target = case.target(f"{attention}/{bias}", (HEADS, SIZE), layer)
        case.edge(f"transformer/{bias}", target, per_layer(index))
    case.dense(f"{name}/ff/layer_1", f"{path}/pos_ff/CoreNet_._0", (HIDDEN, INNER))
    case.dense(f"{name}/ff/layer_2", f"{path}/pos_ff/CoreNet_._3", (INNER, HIDDEN))
    _layer_norm(case, f"{name}/ff/LayerNorm", f"{path}/pos_ff/layer_norm")


def cases() -> tuple[Case, ...]:
    """Return the cases of generative language models."""
    return together(gpt2(), t5(), xlnet(), transformer_xl())
