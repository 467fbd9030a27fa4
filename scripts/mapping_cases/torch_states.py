# ruff: noqa: E501 - one row of a table stays one line
"""State dictionaries of PyTorch saved as npz, and fused TensorFlow 1 cells kept fused.

Source of the layouts: pytorch/pytorch ``torch/nn/modules/rnn.py`` (LSTM i, f, g, o; GRU r, z, n; two
biases), ``activation.py`` (``in_proj_weight`` holds q, k, v as rows), ``conv.py``; pytorch/vision
``models/vgg.py`` and ``mobilenetv2.py``; keras-team/keras ``layers/rnn/gru.py`` (z, r, h).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.mapping_cases.case import ADAM, Case
from scripts.mapping_cases.rnn_cells import keras_rnn

if TYPE_CHECKING:
    from collections.abc import Iterator

OIHW = "transpose:2,3,1,0"
NORM = (
    ("weight", "gamma"),
    ("bias", "beta"),
    ("running_mean", "moving_mean"),
    ("running_var", "moving_variance"),
)


def _case(name: str, provenance: str, basis: str, *tags: str) -> Case:
    return Case(
        name=name,
        provenance=f"{provenance}; state dict saved with np.savez",
        truth_basis=basis,
        source_format="npz",
        order="file",
        tags=("torch", *tags),
    )


def _dense(case: Case, name: str, path: str, inputs: int, out: int) -> None:
    case.pair(
        f"{name}.weight",
        f"{path}/kernel",
        (out, inputs),
        "Dense",
        want=(inputs, out),
        transform="transpose:1,0",
    )
    case.pair(f"{name}.bias", f"{path}/bias", (out,), "Dense")


def _norm(case: Case, name: str, path: str, width: int) -> None:
    for leaf, role in NORM:
        case.pair(
            f"{name}.{leaf}",
            f"{path}/{role}",
            (width,),
            "BatchNormalization",
            trainable=not role.startswith("moving"),
        )
    case.source(f"{name}.num_batches_tracked", (), "int64")


def _lstm() -> Case:
    case = _case(
        "torch_bilstm_two_layers_npz__keras3",
        "nn.Embedding, nn.LSTM with 2 bidirectional layers, nn.Linear (pytorch/pytorch rnn.py: weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, _reverse); target Keras 3 Bidirectional LSTM",
        "rule: layer numbers, _reverse is backward; gates i, f, g, o are i, f, c, o; the two biases are added",
        "rnn",
        "lstm",
        "bidirectional",
        "two_biases",
        "transposed",
    )
    case.pair("embedding.weight", "model/embedding/embeddings", (12000, 100), "Embedding")
    for layer, inputs in ((0, 100), (1, 128)):
        for suffix, way in (("", "forward"), ("_reverse", "backward")):
            path = "model/bidirectional" + ("_1" if layer else "") + f"/{way}_lstm"
            kernel, recurrent, bias = keras_rnn(case, path, (inputs, 64))
            end = f"_l{layer}{suffix}"
            case.edge(case.source(f"lstm.weight_ih{end}", (256, inputs)), kernel, "transpose:1,0")
            case.edge(case.source(f"lstm.weight_hh{end}", (256, 64)), recurrent, "transpose:1,0")
            case.edge(case.source(f"lstm.bias_ih{end}", (256,)), bias)
            case.edge(case.source(f"lstm.bias_hh{end}", (256,)), bias)
    _dense(case, "fc", "model/dense", 128, 5)
    return case


def _gru() -> Case:
    case = _case(
        "torch_gru_npz__keras3_reset_after",
        "nn.GRU with 2 layers and nn.Linear (pytorch/pytorch rnn.py: gates r, z, n); target Keras 3 GRU with reset_after",
        "rule: layer numbers; gates r, z, n to z, r, h; the input bias is row 0, the recurrent bias row 1",
        "rnn",
        "gru",
        "gate_order",
        "two_biases",
        "transposed",
    )
    for layer, inputs in ((0, 40), (1, 96)):
        path = "sequential/gru" + ("_1" if layer else "") + "/gru_cell"
        end = f"_l{layer}"
        for word, leaf, rows in (("ih", "kernel", inputs), ("hh", "recurrent_kernel", 96)):
            name = f"gru.weight_{word}{end}"
            case.pair(
                name,
                f"{path}/{leaf}",
                (288, rows),
                "GRUCell",
                want=(rows, 288),
                transform="transpose:1,0|blocks:axis=1:order=1,0,2",
            )
        bias = case.target(f"{path}/bias", (2, 288), "GRUCell")
        for row, word in enumerate(("ih", "hh")):
            case.edge(
                case.source(f"gru.bias_{word}{end}", (288,)),
                bias,
                f"blocks:axis=0:order=1,0,2|into:{row},:",
            )
    _dense(case, "head", "sequential/dense", 96, 11)
    return case


def _transformer() -> Case:
    case = _case(
        "torch_transformer_encoder_npz__keras3_mha",
        "nn.TransformerEncoder with 4 layers (pytorch/pytorch transformer.py, activation.py: in_proj_weight, out_proj, linear1, linear2, norm1, norm2); target Keras 3 MultiHeadAttention with 8 heads",
        "rule: layer numbers; rows of in_proj_weight are query, key, value; heads are the leading part of a column",
        "attention",
        "fused_qkv",
        "transposed",
        "same_shape",
    )
    width, heads = 256, 8
    size = width // heads
    for layer in range(4):
        name, path = f"encoder.layers.{layer}", f"encoder/layer_{layer}"
        weight = case.source(f"{name}.self_attn.in_proj_weight", (3 * width, width))
        bias = case.source(f"{name}.self_attn.in_proj_bias", (3 * width,))
        for part, role in enumerate(("query", "key", "value")):
            cut = f"slice:axis=0:{part * width}:{(part + 1) * width}"
            kernel = case.target(
                f"{path}/attention/{role}/kernel", (width, heads, size), "EinsumDense"
            )
            case.edge(weight, kernel, f"{cut}|transpose:1,0|reshape")
            case.edge(
                bias,
                case.target(f"{path}/attention/{role}/bias", (heads, size), "EinsumDense"),
                f"{cut}|reshape",
            )
        out = f"{path}/attention/attention_output"
        case.pair(
            f"{name}.self_attn.out_proj.weight",
            f"{out}/kernel",
            (width, width),
            "EinsumDense",
            want=(heads, size, width),
            transform="transpose:1,0|reshape",
        )
        case.pair(f"{name}.self_attn.out_proj.bias", f"{out}/bias", (width,), "EinsumDense")
        _dense(case, f"{name}.linear1", f"{path}/mlp_in", width, 1024)
        _dense(case, f"{name}.linear2", f"{path}/mlp_out", 1024, width)
        for number, word in ((1, "attention"), (2, "mlp")):
            for leaf, role in (("weight", "gamma"), ("bias", "beta")):
                case.pair(
                    f"{name}.norm{number}.{leaf}",
                    f"{path}/{word}_norm/{role}",
                    (width,),
                    "LayerNormalization",
                )
    return case


def _vgg() -> Case:
    case = _case(
        "torchvision_vgg11_bn_npz__keras3_channels_last",
        "vgg11_bn of pytorch/vision (features.N, classifier.N); target Keras 3, channels last: the first dense kernel reads (7, 7, 512) where the file has (512, 7, 7)",
        "rule: module numbers in order; kernels (out, in, h, w); the flattened input of classifier.0 is reordered",
        "cnn",
        "oihw",
        "flatten_order",
    )
    index, channels, number = 0, 3, 0
    for width in (64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0):
        if not width:
            index += 1
            continue
        case.pair(
            f"features.{index}.weight",
            f"conv_{number}/kernel",
            (width, channels, 3, 3),
            "Conv2D",
            want=(3, 3, channels, width),
            transform=OIHW,
        )
        case.pair(f"features.{index}.bias", f"conv_{number}/bias", (width,), "Conv2D")
        _norm(case, f"features.{index + 1}", f"norm_{number}", width)
        index, channels, number = index + 3, width, number + 1
    how = "reshape:4096,512,7,7|transpose:2,3,1,0|reshape"
    case.pair(
        "classifier.0.weight",
        "fc_0/kernel",
        (4096, 25088),
        "Dense",
        want=(25088, 4096),
        transform=how,
    )
    case.pair("classifier.0.bias", "fc_0/bias", (4096,), "Dense")
    _dense(case, "classifier.3", "fc_1", 4096, 4096)
    _dense(case, "classifier.6", "logits", 4096, 1000)
    return case


def _mobilenet() -> Case:
    case = _case(
        "torchvision_mobilenet_v2_npz__keras3",
        "mobilenet_v2 of pytorch/vision (features.N.conv.N, depthwise kernels (channels, 1, h, w)); target Keras 3 with expand, depthwise, project",
        "rule: module numbers in order; depthwise kernels become (h, w, channels, 1)",
        "cnn",
        "oihw",
        "depthwise",
        "same_shape",
        "natural_order",
    )

    def unit(name: str, norm: str, path: str, shape: tuple[int, int, int]) -> None:
        size, inputs, out = shape
        if not inputs:
            want, how, stored = (size, size, out, 1), "transpose:2,3,0,1", (out, 1, size, size)
        else:
            want, how, stored = (size, size, inputs, out), OIHW, (out, inputs, size, size)
        kind = "Conv2D" if inputs else "DepthwiseConv2D"
        case.pair(f"{name}.weight", f"{path}/kernel", stored, kind, want=want, transform=how)
        _norm(case, norm, f"{path}_norm", out)

    unit("features.0.0", "features.0.1", "stem", (3, 3, 32))
    channels, block = 32, 0
    for expand, width, count in (
        (1, 16, 1),
        (6, 24, 2),
        (6, 32, 3),
        (6, 64, 4),
        (6, 96, 3),
        (6, 160, 3),
        (6, 320, 1),
    ):
        for _ in range(count):
            name, path = f"features.{block + 1}.conv", f"block_{block}"
            wide, at = channels * expand, 0
            if expand > 1:
                unit(f"{name}.0.0", f"{name}.0.1", f"{path}/expand", (1, channels, wide))
                at = 1
            unit(f"{name}.{at}.0", f"{name}.{at}.1", f"{path}/depthwise", (3, 0, wide))
            unit(f"{name}.{at + 1}", f"{name}.{at + 2}", f"{path}/project", (1, wide, width))
            channels, block = width, block + 1
    unit("features.18.0", "features.18.1", "last", (1, 320, 1280))
    _dense(case, "classifier.1", "logits", 1280, 1000)
    return case


def _fused() -> Case:
    case = Case(
        name="tf1_basic_lstm__tf2_module_fused",
        provenance="tf.nn.rnn_cell.BasicLSTMCell layers (tensorflow/tensorflow r1.15) into a hand-written tf.Module that keeps the fused kernel over [input; state] and the gate order",
        truth_basis="construction: the same cell in the target; nothing is cut or reordered",
        tags=("rnn", "lstm", "fused_target", "slots"),
    )
    for cell in range(3):
        scope, path = (
            f"lm/rnn/multi_rnn_cell/cell_{cell}/basic_lstm_cell",
            f"language_model/cells/{cell}",
        )
        rows = 300 + 300
        case.pair(f"{scope}/kernel", f"{path}/kernel", (rows, 1200), trainable=True)
        case.pair(f"{scope}/bias", f"{path}/bias", (1200,), trainable=True)
    case.pair("lm/embedding", "language_model/embedding", (10000, 300), trainable=True)
    case.pair("lm/softmax/w", "language_model/softmax_w", (300, 10000), trainable=True)
    case.pair("lm/softmax/b", "language_model/softmax_b", (10000,), trainable=True)
    case.slots(ADAM, list(case.sources))
    case.source("lm/global_step", (), "int32")
    return case


def cases() -> Iterator[Case]:
    """Yield the cases of this family."""
    for build in (_lstm, _gru, _transformer, _vgg, _mobilenet, _fused):
        yield build()
