"""Translation transformers of tensor2tensor and OpenNMT-tf, and the Vision Transformer.

Sources: tensorflow/tensor2tensor models/transformer.py and layers/modalities.py (the shared
embedding is sharded, the first shards one row larger), OpenNMT/OpenNMT-tf v1
opennmt/layers/transformer.py (fused 1-wide convolutions) and google-research/vision_transformer
(flattened names of the published ``.npz`` files). Targets: OpenNMT-tf v2 (its map_v1_weights is the
truth), faustomorales/vit-keras, transformers 4.41.2, keras-hub 0.26.0 and a hand-written model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.mapping_cases.draft import Draft, third, together

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scripts.mapping_cases.case import Case

HIDDEN, HEADS, INNER, VOCAB = 64, 4, 256, 1003
SIZE = HIDDEN // HEADS
NORM = "gamma beta"


def tensor2tensor() -> Iterator[Draft]:
    """Yield the tensor2tensor Transformer with sharded embedding and Adam slots."""
    case = Draft(
        name="tensor2tensor_transformer_adam__keras3_handwritten",
        provenance="tensorflow/tensor2tensor models/transformer.py, layers/common_attention.py and "
        "layers/modalities.py, sizes reduced; target a Keras 3 transformer made for this case",
        truth_basis="rule: component names and layer numbers; shards in the order of their numbers",
        tags=("transformer", "tensor2tensor", "shards", "slots", "encoder_decoder"),
    )
    table = case.target("transformer/shared_embedding/embeddings", (VOCAB, HIDDEN), "Embedding")
    start = 0
    for shard in range(16):
        rows = VOCAB // 16 + (shard < VOCAB % 16)
        name = f"transformer/symbol_modality_{VOCAB}_{HIDDEN}/shared/weights_{shard}"
        case.edge(case.source(name, (rows, HIDDEN)), table, f"into:{start}:{start + rows},:")
        start += rows
    norm = "layer_prepostprocess/layer_norm/layer_norm"
    for side, parts in (
        ("encoder", (("self_attention", "self_attention"),)),
        (
            "decoder",
            (("self_attention", "self_attention"), ("encdec_attention", "cross_attention")),
        ),
    ):
        for index in range(3):
            name, path = f"transformer/body/{side}/layer_{index}", f"{side}/{side}_block_{index}"
            for part, own in parts:
                for leaf, want in (
                    ("q", "query"),
                    ("k", "key"),
                    ("v", "value"),
                    ("output_transform", "attention_output"),
                ):
                    kernel = f"{name}/{part}/multihead_attention/{leaf}/kernel"
                    shape = (HEADS, SIZE, HIDDEN) if "out" in leaf else (HIDDEN, HEADS, SIZE)
                    path_kernel = f"transformer/{path}/{own}/{want}/kernel"
                    case.fill(kernel, path_kernel, (HIDDEN, HIDDEN), "EinsumDense", want=shape)
                _scaled(case, f"{name}/{part}/{norm}", f"transformer/{path}/{own}_norm")
            case.dense(f"{name}/ffn/conv1", f"transformer/{path}/ffn/inner", (HIDDEN, INNER))
            case.dense(f"{name}/ffn/conv2", f"transformer/{path}/ffn/outer", (INNER, HIDDEN))
            _scaled(case, f"{name}/ffn/{norm}", f"transformer/{path}/ffn_norm")
        _scaled(case, f"transformer/body/{side}/{norm}", f"transformer/{side}/final_norm")
    case.slots_of_all(("/Adam", "/Adam_1"), prefix="training/")
    case.source("training/beta1_power")
    case.source("training/beta2_power")
    case.source("global_step", (), "int64")
    for loss in ("extra", "total", "training"):
        case.source(f"losses_avg/problem_0/{loss}_loss")
    yield case


def _scaled(case: Draft, name: str, path: str) -> None:
    """Pair a layer norm whose leaves are ``NAME_scale`` and ``NAME_bias``."""
    for leaf, want in (("_scale", "gamma"), ("_bias", "beta")):
        case.fill(f"{name}{leaf}", f"{path}/{want}", (HIDDEN,), "LayerNormalization")


def opennmt() -> Iterator[Draft]:
    """Yield OpenNMT-tf v1 into v2: fused convolutions into separate linear layers."""
    case = Draft(
        name="opennmt_tf_v1_transformer__opennmt_tf_v2",
        provenance="OpenNMT/OpenNMT-tf v1 opennmt/layers/transformer.py, encoders and decoders, "
        "sizes reduced; target the object paths of OpenNMT-tf v2 (opennmt/layers/transformer.py)",
        truth_basis="rule: map_v1_weights of v2 splits conv1d into queries, keys, values",
        tags=("transformer", "opennmt", "fused_qkv", "slots", "encoder_decoder"),
    )
    for side, inputter in (("encoder", "features_inputter"), ("decoder", "labels_inputter")):
        size = VOCAB if side == "encoder" else VOCAB - 100
        path = f"examples_inputter/{inputter}/embedding"
        case.fill(f"transformer/{side}/w_embs", path, (size, HIDDEN), "WordEmbedder")
    for side in ("encoder", "decoder"):
        _norm(case, f"transformer/{side}/LayerNorm", f"{side}/layer_norm")
        for index in range(3):
            name, path = f"transformer/{side}/layer_{index}", f"{side}/layers/{index}"
            own = "multi_head" if side == "encoder" else "masked_multi_head"
            _fused(case, f"{name}/{own}", f"{path}/self_attention", 3)
            if side == "decoder":
                _fused(case, f"{name}/multi_head", f"{path}/attention/0", 2)
            for leaf, want, shape in (
                ("conv1d", "inner", (1, HIDDEN, INNER)),
                ("conv1d_1", "outer", (1, INNER, HIDDEN)),
            ):
                where = f"{path}/ffn/layer/{want}"
                case.fill(
                    f"{name}/ffn/{leaf}/kernel", f"{where}/kernel", shape, "Dense", want=shape[1:]
                )
                case.fill(f"{name}/ffn/{leaf}/bias", f"{where}/bias", shape[2:], "Dense")
            _norm(case, f"{name}/ffn/LayerNorm", f"{path}/ffn/layer_norm")
    case.dense("transformer/decoder/dense", "decoder/output_layer", (HIDDEN, VOCAB - 100))
    case.slots_of_all(("/Adam", "/Adam_1"), prefix="optim/")
    case.source("optim/beta1_power")
    case.source("optim/beta2_power")
    case.source("global_step", (), "int64")
    case.source("words_per_sec/features", (), "int64")
    case.source("words_per_sec/labels", (), "int64")
    yield case


def _norm(case: Draft, name: str, path: str) -> None:
    case.norm(name, path, HIDDEN, NORM, NORM, "LayerNorm")


def _fused(case: Draft, name: str, path: str, fused: int) -> None:
    """Pair an attention whose last `fused` projections are one convolution."""
    parts = ("queries", "keys", "values")
    first = 3 - fused
    layer = f"{path}/layer/linear"
    for number, part in enumerate(parts[:first]):
        leaf = f"{name}/conv1d{f'_{number}' if number else ''}"
        want = (HIDDEN, HIDDEN)
        case.fill(
            f"{leaf}/kernel", f"{layer}_{part}/kernel", (1, HIDDEN, HIDDEN), "Dense", want=want
        )
        case.fill(f"{leaf}/bias", f"{layer}_{part}/bias", (HIDDEN,), "Dense")
    leaf = f"{name}/conv1d{f'_{first}' if first else ''}"
    kernel = case.source(f"{leaf}/kernel", (1, HIDDEN, fused * HIDDEN))
    bias = case.source(f"{leaf}/bias", (fused * HIDDEN,))
    for number, part in enumerate(parts[first:]):
        target = case.target(f"{layer}_{part}/kernel", (HIDDEN, HIDDEN), "Dense")
        case.edge(kernel, target, third(number, HIDDEN, 2, then="reshape"))
        target = case.target(f"{layer}_{part}/bias", (HIDDEN,), "Dense")
        case.edge(bias, target, third(number, HIDDEN, 0))
    leaf = f"{name}/conv1d_{first + 1}"
    shape, want = (1, HIDDEN, HIDDEN), (HIDDEN, HIDDEN)
    case.fill(f"{leaf}/kernel", f"{layer}_output/kernel", shape, "Dense", want=want)
    case.fill(f"{leaf}/bias", f"{layer}_output/bias", (HIDDEN,), "Dense")
    _norm(case, f"{name}/LayerNorm", f"{path}/layer_norm")


VIT = "google-research/vision_transformer vit_jax (names of the .npz files), sizes reduced; target "
ATTENTION = "MultiHeadDotProductAttention_1"


def vit() -> Iterator[Draft]:
    """Yield the JAX Vision Transformer into vit-keras, transformers and keras-hub."""
    layers = 12
    case = Draft(
        name="vit_jax_npz__vit_keras",
        provenance=VIT + "names of faustomorales/vit-keras vit.py, layers.py and utils.py",
        truth_basis="rule: equal layer names; scale is gamma, the head axes are flattened",
        source_format="npz",
        tags=("transformer", "vit", "heads", "natural_order"),
    )
    _vit_entry(case, "embedding", "class_token/cls", "Transformer/posembed_input/pos_embedding")
    for index in range(layers):
        block = f"Transformer/encoderblock_{index}"
        _vit_block(case, block, block, "vit_keras")
    _vit_norm(case, "Transformer/encoder_norm", "Transformer/encoder_norm")
    case.dense("head", "head", (HIDDEN, 10))
    case.source("pre_logits/kernel", (HIDDEN, HIDDEN))
    case.source("pre_logits/bias", (HIDDEN,))
    yield case
    case = Draft(
        name="vit_jax_npz__hf_tfvit_changed_head",
        provenance=VIT + "TFViTForImageClassification of transformers 4.41.2, 5 classes for 10",
        truth_basis="rule: block numbers; LayerNorm_0 precedes the attention, LayerNorm_2 follows",
        source_format="npz",
        tags=("transformer", "vit", "heads", "natural_order", "changed_head", "missing_targets"),
    )
    top = "vit/embeddings"
    projection = f"{top}/patch_embeddings/projection"
    _vit_entry(case, projection, f"{top}/cls_token", f"{top}/position_embeddings")
    for index in range(layers):
        block = f"Transformer/encoderblock_{index}"
        _vit_block(case, block, f"vit/encoder/layer_._{index}", "hf")
    _vit_norm(case, "Transformer/encoder_norm", "vit/layernorm")
    case.source("head/kernel", (HIDDEN, 10))
    case.source("head/bias", (10,))
    case.target("classifier/kernel", (HIDDEN, 5), "Dense")
    case.target("classifier/bias", (5,), "Dense")
    yield case
    yield _vit_hub()


def _vit_entry(case: Draft, projection: str, token: str, places: str) -> None:
    shape = (16, 16, 3, HIDDEN)
    case.fill("cls", token, (1, 1, HIDDEN), "ClassToken")
    if "vit" in places:
        case.fill("Transformer/posembed_input/pos_embedding", places, (1, 50, HIDDEN))
    case.fill("embedding/kernel", f"{projection}/kernel", shape, "Conv2D")
    case.fill("embedding/bias", f"{projection}/bias", (HIDDEN,), "Conv2D")
    if "vit" not in places:
        layer = "AddPositionEmbs"
        case.fill("Transformer/posembed_input/pos_embedding", places, (1, 50, HIDDEN), layer)


def _vit_norm(case: Draft, name: str, path: str) -> None:
    case.norm(name, path, HIDDEN, "scale bias", NORM, "LayerNormalization")


VIT_PATHS = {
    "vit_keras": {
        "query": f"{ATTENTION}/query",
        "key": f"{ATTENTION}/key",
        "value": f"{ATTENTION}/value",
        "out": f"{ATTENTION}/out",
        "LayerNorm_0": "LayerNorm_0",
        "LayerNorm_2": "LayerNorm_2",
        "Dense_0": "Dense_0",
        "Dense_1": "Dense_1",
    },
    "hf": {
        "query": "attention/attention/query",
        "key": "attention/attention/key",
        "value": "attention/attention/value",
        "out": "attention/output/dense",
        "LayerNorm_0": "layernorm_before",
        "LayerNorm_2": "layernorm_after",
        "Dense_0": "intermediate/dense",
        "Dense_1": "output/dense",
    },
    "hub": {
        "query": "mha/query",
        "key": "mha/key",
        "value": "mha/value",
        "out": "mha/attention_output",
        "LayerNorm_0": "ln_1",
        "LayerNorm_2": "ln_2",
        "Dense_0": "mlp/dense_1",
        "Dense_1": "mlp/dense_2",
    },
}


def _vit_block(case: Draft, name: str, path: str, port: str) -> None:
    names = VIT_PATHS[port]
    heads, hub = (HIDDEN, HEADS, SIZE), port == "hub"
    layer = "EinsumDense" if hub else "Dense"
    if port != "hf":
        _vit_norm(case, f"{name}/LayerNorm_0", f"{path}/{names['LayerNorm_0']}")
    for part in ("query", "key", "value"):
        have, want = f"{name}/{ATTENTION}/{part}", f"{path}/{names[part]}"
        shape = heads if hub else (HIDDEN, HIDDEN)
        case.fill(f"{have}/kernel", f"{want}/kernel", heads, layer, want=shape)
        bias = (HEADS, SIZE) if hub else (HIDDEN,)
        case.fill(f"{have}/bias", f"{want}/bias", (HEADS, SIZE), layer, want=bias)
    have, want = f"{name}/{ATTENTION}/out", f"{path}/{names['out']}"
    shape = (HEADS, SIZE, HIDDEN) if hub else (HIDDEN, HIDDEN)
    case.fill(f"{have}/kernel", f"{want}/kernel", (HEADS, SIZE, HIDDEN), layer, want=shape)
    case.fill(f"{have}/bias", f"{want}/bias", (HIDDEN,), layer)
    if port != "hf":
        _vit_norm(case, f"{name}/LayerNorm_2", f"{path}/{names['LayerNorm_2']}")
    for part, size in (("Dense_0", (HIDDEN, INNER)), ("Dense_1", (INNER, HIDDEN))):
        case.dense(f"{name}/MlpBlock_3/{part}", f"{path}/{names[part]}", size)
    if port == "hf":
        for part in ("LayerNorm_0", "LayerNorm_2"):
            _vit_norm(case, f"{name}/{part}", f"{path}/{names[part]}")


def _vit_hub() -> Draft:
    case = Draft(
        name="vit_jax_npz__keras_hub_vit_backbone",
        provenance=VIT + "keras_hub.models.ViTBackbone 0.26.0 (listed under Keras 3.15.1)",
        truth_basis="rule: block i is tranformer_block_(i+1) (spelled so there)",
        source_format="npz",
        tags=("transformer", "vit", "off_by_one", "natural_order"),
    )
    top = "vit_patching_and_embedding"
    case.fill("cls", f"{top}/class_token", (1, 1, HIDDEN), "ViTPatchingAndEmbedding")
    case.dense("embedding", f"{top}/patch_embedding", (16, 16, 3, HIDDEN), layer="Conv2D")
    case.fill(
        "Transformer/posembed_input/pos_embedding",
        f"{top}/position_embedding/embeddings",
        (1, 50, HIDDEN),
        "Embedding",
        want=(50, HIDDEN),
    )
    for index in range(12):
        block = f"Transformer/encoderblock_{index}"
        _vit_block(case, block, f"vit_encoder/tranformer_block_{index + 1}", "hub")
    _vit_norm(case, "Transformer/encoder_norm", "vit_encoder/ln")
    case.source("head/kernel", (HIDDEN, 10))
    case.source("head/bias", (10,))
    return case


def cases() -> tuple[Case, ...]:
    """Return the cases of translation transformers and the Vision Transformer."""
    return together(tensor2tensor(), opennmt(), vit())
