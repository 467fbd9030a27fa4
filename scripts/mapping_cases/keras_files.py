# ruff: noqa: E501 - tables with long rows
"""Keras H5 files of Keras 1 and 2 against Keras 3 models: numbers, Theano kernels, CuDNN, nesting.

Names after keras-team/keras 1.2.2 and 2.2.4, minimaxir/textgenrnn ``textgenrnn/model.py``,
oarriaga/face_classification ``src/models/cnn.py``, bfelbo/DeepMoji ``deepmoji/model_def.py``,
qubvel/segmentation_models and qubvel/classification_models ``resnet``,
idealo/image-super-resolution ``ISR/models/rdn.py``, XifengGuo/CapsNet-Keras ``capsulenet.py``,
keras-team/keras-contrib ``instancenormalization.py``, zhixuhao/unet ``model.py``.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from scripts.mapping_cases.case import Case
from scripts.mapping_cases.keras_layers import (
    KERAS1,
    KERAS1_LEAVES,
    Layer,
    Variable,
    add_targets,
    bidirectional,
    conv,
    dense,
    embedding,
    norm,
    numbered,
    recurrent,
)
from scripts.mapping_cases.rnn_cells import cudnn_lstm, keras_rnn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


def _case(name: str, provenance: str, basis: str, *tags: str) -> Case:
    return Case(
        name=name,
        provenance=provenance,
        truth_basis=basis,
        source_format="keras_h5",
        order="file",
        tags=tags,
    )


def _keras2(layer: Layer, variable: Variable) -> str:
    """Return the name of a weight in a Keras 2 file: no cell, directions numbered like the layer."""
    leaf = re.sub(r"(lstm|gru)_cell/", "", variable.leaf)
    number = re.search(r"_(\d+)$", layer.name)
    inner = f"_{number.group(1)}" if number else ""
    leaf = re.sub(r"^(forward|backward)_(\w+)/", rf"\1_\2{inner}/", leaf)
    return f"{layer.name}/{leaf}"


def _keras1(layer: Layer, variable: Variable) -> str:
    """Return the name of a weight in a Keras 1 file written with Theano (no ``:0``)."""
    return f"{layer.name}/{layer.name}_{KERAS1_LEAVES.get(variable.leaf, variable.leaf)}"


def _keras1_tf(layer: Layer, variable: Variable) -> str:
    return f"{_keras1(layer, variable)}:0"


def _full(layer: Layer, variable: Variable) -> str:
    """Return group and weight name as a Keras 2 file spells them: the layer comes twice."""
    return f"{layer.name}/{_keras2(layer, variable)}:0"


def _fill(
    case: Case,
    old: Sequence[Layer],
    new: Sequence[Layer],
    *,
    spell: Callable[[Layer, Variable], str] = _keras2,
    order: Sequence[int] | None = None,
    kernels: str = "",
) -> None:
    """Add old layers in file order and their twins; ``order`` is that of the target.

    ``kernels`` is the transform of rank-4 kernels that are stored as ``(out, in, h, w)``.
    """
    indexes = list(order or range(len(new)))
    paths = dict(zip(indexes, add_targets(case, [new[i] for i in indexes]), strict=True))
    for index, layer in enumerate(old):
        for variable, path in zip(layer.variables, paths[index], strict=True):
            shape, how = variable.shape, "identity"
            if kernels and len(shape) == 4:
                shape, how = (shape[3], shape[2], shape[0], shape[1]), kernels
            case.edge(case.source(spell(layer, variable), shape), path, how)


def _cnn() -> list[Layer]:
    layers, channels = [], 3
    for width in (32, 64, 64, 128):
        layers += [conv(3, 3, channels, width), norm(width), conv(3, 3, width, width), norm(width)]
        channels = width
    return [*layers, dense(128, 256), norm(256), dense(256, 7)]


def _keras1_files() -> Iterator[Case]:
    for backend in ("theano", "tensorflow"):
        theano = backend == "theano"
        case = _case(
            f"keras1_{backend}_ordering_th_h5__keras3",
            f"Keras 1.2.2 file, {backend} backend, dim ordering th (kernels out, in, rows, columns), "
            "global pooling before the dense layers; target Keras 3 Sequential",
            "construction: layer order; Theano convolves with kernels turned by 180 degrees and "
            "writes names without :0; running_std holds the variance",
            "cnn",
            "oihw",
            *(("theano_flip",) if theano else ()),
        )
        old = numbered(_cnn(), first=1, words=KERAS1)
        new = numbered(_cnn(), prefix="sequential/")
        how = "transpose:2,3,1,0" + ("|flip:0,1" if theano else "")
        _fill(case, old, new, spell=_keras1 if theano else _keras1_tf, kernels=how)
        yield case
    case = _case(
        "keras1_theano_ordering_tf_h5__keras3",
        "Keras 1.2.2 file, Theano backend, dim ordering tf: the kernels have the shape of Keras 3 (rows, columns, in, out) and are turned; target Keras 3 functional with names",
        "construction: layer order and names; Theano writes names without :0 and turns kernels by 180 degrees",
        "cnn",
        "theano_flip",
        "same_shape",
    )
    layers = [
        conv(3, 3, 1, 32),
        norm(32),
        *(layer for _ in range(4) for layer in (conv(3, 3, 32, 32), norm(32))),
        dense(32, 50),
    ]
    words = [f"{('conv', 'bn')[n % 2]}{n // 2 + 1}" for n in range(10)]
    old = [
        replace(layer, name=name) for layer, name in zip(layers, [*words, "output"], strict=True)
    ]
    new = [replace(layer, name=f"tagger/{layer.name}") for layer in old]
    _fill(case, old, new, spell=_keras1)
    flips = [row for row in case.truth if len(case.sources[row["source"]]["shape"]) == 4]
    for row in flips:
        row["transform"] = "flip:0,1"
    yield case


def _theano_vgg() -> Iterator[Case]:
    for backend, spell in (("th_kernels", _keras1), ("tf_kernels", _keras1_tf)):
        case = _case(
            f"keras1_vgg16_th_dim_ordering_{backend}_h5__keras3",
            f"fchollet/deep-learning-models vgg16.py, weights for dim ordering th with {backend} (convolutions (out, in, rows, columns), fc1 reads (512, 7, 7)); target keras.applications.VGG16, channels last",
            "rule: block and layer names; Theano kernels are turned by 180 degrees; the flattened input of fc1 is reordered",
            "cnn",
            "oihw",
            "flatten_order",
            *(("theano_flip",) if backend == "th_kernels" else ()),
        )
        layers, channels = [], 3
        for block, (width, count) in enumerate(
            ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)), 1
        ):
            for number in range(1, count + 1):
                layers.append(conv(3, 3, channels, width, name=f"block{block}_conv{number}"))
                channels = width
        layers += [
            dense(25088, 4096, name="fc1"),
            dense(4096, 4096, name="fc2"),
            dense(4096, 1000, name="predictions"),
        ]
        flip = "|flip:0,1" if backend == "th_kernels" else ""
        _fill(case, layers, layers, spell=spell, kernels=f"transpose:2,3,1,0{flip}")
        for row in case.truth:
            if row["target"] == "fc1/kernel":
                row["transform"] = "reshape:512,7,7,4096|transpose:1,2,0,3|reshape"
        yield case


def _numbers() -> Iterator[Case]:
    for word, first, spell, what in (
        ("off_by_one", 1, _keras2, "numbers from 1 on"),
        ("session_offset", 95, _keras2, "the model was the second of its session"),
        ("double_names", 1, _full, "group and weight name in full"),
    ):
        case = _case(
            f"keras2_resnet_h5_{word}__keras3",
            f"Keras 2.2.4 file of a residual network, {what}; the file lists layers as model.layers "
            "does, projections after the block; target the same functional model in Keras 3",
            "rule: creation numbers keep their order",
            "cnn",
            "auto_numbered",
            "same_shape",
            "lookalike",
        )
        old, new, order = _residual(first), _residual(0), _late_projections()
        old = [old[index] for index in order]
        new = [new[index] for index in order]
        _fill(case, old, new, spell=spell)
        yield case
    case = _case(
        "keras2_unet_numbers_h5__keras3_stages",
        "zhixuhao/unet model.py (24 numbered convolutions, no names); target a Keras 3 model whose "
        "layers are called by side, level and position",
        "rule: creation numbers follow the network: down, bottom, up, head",
        "segmentation",
        "auto_numbered",
        "natural_order",
    )
    new = _unet()
    old = [replace(layer, name=f"conv2d_{n}") for n, layer in enumerate(new, 1)]
    _fill(case, old, new)
    yield case


def _residual(first: int) -> list[Layer]:
    """Return the layers in creation order: each block makes a, b, then the projection."""
    layers, channels = [conv(3, 3, 3, 16), norm(16)], 16
    for width in (16, 32, 64):
        for _ in range(3):
            layers += [conv(3, 3, channels, width), norm(width)]
            if channels != width:
                layers += [conv(1, 1, channels, width), norm(width)]
            layers += [conv(3, 3, width, width), norm(width)]
            channels = width
    return numbered([*layers, dense(64, 10)], first=first)


def _late_projections() -> list[int]:
    """Return the order of ``model.layers``: the projection stands after the second convolution."""
    order, layers = [], _residual(0)
    index = 0
    while index < len(layers):
        shape = layers[index].variables[0].shape
        if shape[:2] == (1, 1):
            order += [index + 2, index + 3, index, index + 1]
            index += 4
        else:
            order.append(index)
            index += 1
    return order


def _unet() -> list[Layer]:
    layers, channels = [], 1
    for level, width in enumerate((64, 128, 256, 512)):
        layers.append(conv(3, 3, channels, width, name=f"down{level}_conv_a"))
        layers.append(conv(3, 3, width, width, name=f"down{level}_conv_b"))
        channels = width
    layers += [conv(3, 3, 512, 1024, name="bottom_conv_a")]
    layers += [conv(3, 3, 1024, 1024, name="bottom_conv_b")]
    for level, width in reversed(list(enumerate((64, 128, 256, 512)))):
        layers.append(conv(2, 2, 2 * width, width, name=f"up{level}_resize"))
        layers.append(conv(3, 3, 2 * width, width, name=f"up{level}_conv_a"))
        layers.append(conv(3, 3, width, width, name=f"up{level}_conv_b"))
    layers.append(conv(3, 3, 64, 2, name="head_conv"))
    return [*layers, conv(1, 1, 2, 1, name="head_logits")]


def _dilated() -> Iterator[Case]:
    case = _case(
        "keras2_dilated_tower_h5__keras3_units",
        "Keras 2.0 file of a dilated residual tower in the manner of Illumina/SpliceAI (all layers numbered; the 1-wide skip convolutions are made between the units and listed last); target Keras 3 units of its own",
        "rule: creation numbers follow the network",
        "genomics",
        "auto_numbered",
        "natural_order",
        "same_shape",
        "lookalike",
    )
    new = [
        conv(1, 4, 48, kind="Conv1D", name="stem"),
        conv(1, 48, 48, kind="Conv1D", name="skip_0"),
    ]
    for unit in range(12):
        width = (9, 15, 25)[unit // 4]
        for part in "ab":
            new.append(norm(48, name=f"unit_{unit}/norm_{part}"))
            new.append(conv(width, 48, 48, kind="Conv1D", name=f"unit_{unit}/conv_{part}"))
        if unit % 4 == 3:
            new.append(conv(1, 48, 48, kind="Conv1D", name=f"skip_{unit // 4 + 1}"))
    new.append(conv(1, 48, 3, kind="Conv1D", name="logits"))
    old = numbered([replace(layer, name="") for layer in new], first=1)
    late = [n for n, layer in enumerate(new) if layer.name.startswith("skip")]
    order = [n for n in range(len(new) - 1) if n not in late] + [*late, len(new) - 1]
    _fill(case, [old[n] for n in order], [new[n] for n in order])
    yield case


def _recurrent() -> Iterator[Case]:
    case = _case(
        "textgenrnn_cudnn_h5__keras3_lstm",
        "minimaxir/textgenrnn weights file (CuDNNLSTM rnn_1 and rnn_2, attention, output); target "
        "the same model with Keras 3 LSTM layers",
        "rule: CuDNN kernels are stored gate by gate transposed, the two bias halves are added",
        "rnn",
        "lstm",
        "cudnn",
    )
    case.pair("embedding/embeddings", "embedding/embeddings", (465, 100), "Embedding")
    for number, inputs in ((1, 100), (2, 128)):
        targets = keras_rnn(case, f"rnn_{number}", (inputs, 128))
        leaves = ("kernel", "recurrent_kernel", "bias")
        names = [f"rnn_{number}/{leaf}" for leaf in leaves]
        cudnn_lstm(case, (names[0], names[1], names[2]), targets, (inputs, 128))
    case.pair("attention/attention_W", "attention/W", (356, 1), "AttentionWeightedAverage")
    case.pair("output/kernel", "output/kernel", (356, 465), "Dense")
    case.pair("output/bias", "output/bias", (465,), "Dense")
    yield case
    case = _case(
        "cudnn_gru_h5__keras3_gru_reset_after",
        "Keras 2.2.4 file with two CuDNNGRU layers; target Keras 3 GRU with reset_after",
        "rule: CuDNN kernels gate by gate transposed; 6 bias parts become two rows",
        "rnn",
        "gru",
        "cudnn",
    )
    case.pair("embedding_1/embeddings", "sequential/embedding/embeddings", (9000, 64), "Embedding")
    for number, inputs in ((1, 64), (2, 96)):
        _cudnn_gru(case, number, (inputs, 96))
    case.pair("dense_1/kernel", "sequential/dense/kernel", (96, 20), "Dense")
    case.pair("dense_1/bias", "sequential/dense/bias", (20,), "Dense")
    yield case
    case = _case(
        "deepmoji_h5__keras3",
        "bfelbo/DeepMoji model_def.py in Keras 2 (embedding, bi_lstm_0, bi_lstm_1, attlayer, "
        "softmax); target Keras 3 with layer names of its own and 2 classes",
        "rule: layer numbers, forward and backward; the softmax has other classes",
        "rnn",
        "lstm",
        "bidirectional",
        "other_head",
    )
    old = [
        embedding(50000, 256, name="embedding"),
        bidirectional("LSTM", 256, 512, name="bi_lstm_0"),
    ]
    old.append(bidirectional("LSTM", 1024, 512, name="bi_lstm_1"))
    attention = Variable(leaf="attlayer_W", shape=(2304, 1))
    old.append(Layer(kind="AttentionWeightedAverage", variables=(attention,), name="attlayer"))
    names = ("token_embedding", "encoder_first", "encoder_second", "pooling")
    new = [replace(layer, name=name) for layer, name in zip(old, names, strict=True)]
    weight = replace(attention, leaf="context_weights")
    new[-1] = replace(new[-1], variables=(weight,))
    _fill(case, old, new)
    case.source("softmax/kernel", (2304, 64))
    case.source("softmax/bias", (64,))
    case.target("sentiment/kernel", (2304, 2), "Dense")
    case.target("sentiment/bias", (2,), "Dense")
    yield case
    case = _case(
        "keras2_deepspeech2_bigru_h5__keras3",
        "Keras 2.2.4 file: 2 convolutions, 5 bidirectional GRU (reset_after off) with batch "
        "normalization after each, dense; target Keras 3 functional, numbers from 0 on",
        "rule: creation numbers, forward and backward",
        "audio",
        "rnn",
        "gru",
        "bidirectional",
        "auto_numbered",
        "same_shape",
    )
    layers = [
        conv(11, 161, 256, kind="Conv1D"),
        norm(256),
        conv(11, 256, 256, kind="Conv1D"),
        norm(256),
    ]
    for layer in range(5):
        layers += [bidirectional("GRU", 400 if layer else 256, 200), norm(400)]
    layers.append(dense(400, 29))
    _fill(case, numbered(layers, first=1), numbered(layers))
    yield case


def _cudnn_gru(case: Case, number: int, sizes: tuple[int, int]) -> None:
    n, u = sizes
    path = "sequential/gru" + (f"_{number - 1}" if number > 1 else "") + "/gru_cell"
    name = f"cu_dnngru_{number}"
    kernel = f"reshape:{n},3,{u}|transpose:1,0,2|reshape:3,{u},{n}|transpose:2,0,1|reshape"
    rows = [("kernel", (n, 3 * u), (n, 3 * u), kernel)]
    recurrent = f"reshape:{u},3,{u}|transpose:2,1,0|reshape"
    rows.append(("recurrent_kernel", (u, 3 * u), (u, 3 * u), recurrent))
    rows.append(("bias", (6 * u,), (2, 3 * u), "reshape"))
    for leaf, shape, want, how in rows:
        case.pair(f"{name}/{leaf}", f"{path}/{leaf}", shape, "GRUCell", want=want, transform=how)


def _separable(inputs: int, out: int) -> Layer:
    rows = (("depthwise_kernel", (3, 3, inputs, 1)), ("pointwise_kernel", (1, 1, inputs, out)))
    variables = tuple(Variable(leaf=leaf, shape=shape) for leaf, shape in rows)
    return Layer(kind="SeparableConv2D", variables=variables)


def _named() -> Iterator[Case]:
    case = _case(
        "mini_xception_h5__keras3",
        "oarriaga/face_classification src/models/cnn.py (mini_XCEPTION, Keras 2.0: residual "
        "convolutions are made first, listed after the separable ones); target Keras 3 functional",
        "rule: creation numbers",
        "cnn",
        "auto_numbered",
        "lookalike",
    )
    layers = [conv(3, 3, 1, 8, bias=False), norm(8), conv(3, 3, 8, 8, bias=False), norm(8)]
    channels, order = 8, [0, 1, 2, 3]
    for width in (16, 32, 64, 128):
        start = len(layers)
        layers += [conv(1, 1, channels, width, bias=False), norm(width)]
        layers += [_separable(channels, width), norm(width), _separable(width, width), norm(width)]
        order += [start + offset for offset in (2, 3, 4, 0, 5, 1)]
        channels = width
    layers.append(conv(3, 3, 128, 7))
    order.append(len(layers) - 1)
    old, new = numbered(layers, first=1), numbered(layers)
    _fill(case, [old[n] for n in order], [new[n] for n in order])
    yield case
    case = _case(
        "qubvel_unet_resnet18_h5__keras3",
        "qubvel/segmentation_models Unet with a resnet18 of qubvel/classification_models (Keras 2 "
        "names bn_data, conv0, stage1_unit1_conv1, decoder_stage0a_conv); target a Keras 3 model "
        "counted from 0, three classes there and one here",
        "rule: stage and unit numbers; the last layer has other classes",
        "segmentation",
        "same_shape",
        "other_head",
    )
    old, new = _qubvel()
    _fill(case, old, new)
    case.source("final_conv/kernel", (3, 3, 16, 1))
    case.source("final_conv/bias", (1,))
    case.target("mask_logits/kernel", (3, 3, 16, 3), "Conv2D")
    case.target("mask_logits/bias", (3,), "Conv2D")
    yield case
    case = _case(
        "idealo_rdn_h5__keras3",
        "idealo/image-super-resolution ISR/models/rdn.py (F_m1, F_0, F_d_c, LFF_d, GFF_1, GFF_2, "
        "UPN); target Keras 3, blocks and convolutions counted from 0",
        "rule: block and convolution numbers",
        "super_resolution",
        "same_shape",
        "natural_order",
    )
    old, new = _rdn()
    _fill(case, old, new)
    yield case
    case = _case(
        "keras_contrib_instance_norm_generator_h5__keras3",
        "CycleGAN generator with keras-team/keras-contrib InstanceNormalization (beta, gamma listed "
        "as gamma, beta); target Keras 3 with GroupNormalization",
        "rule: creation numbers; instance normalization is group normalization by channel",
        "generative",
        "auto_numbered",
        "same_shape",
    )
    old, new = _generator()
    _fill(case, old, new)
    yield case


def _qubvel() -> tuple[list[Layer], list[Layer]]:
    pairs = [(norm(3, scale=False, name="bn_data"), "input_norm")]
    pairs += [
        (conv(7, 7, 3, 64, bias=False, name="conv0"), "stem_conv"),
        (norm(64, name="bn0"), "stem_norm"),
    ]
    channels = 64
    for stage, width in enumerate((64, 128, 256, 512), 1):
        for unit in (1, 2):
            name, new = f"stage{stage}_unit{unit}", f"stage{stage - 1}_block{unit - 1}"
            pairs.append((norm(channels, name=f"{name}_bn1"), f"{new}_norm_a"))
            kernel = conv(3, 3, channels, width, bias=False, name=f"{name}_conv1")
            pairs.append((kernel, f"{new}_conv_a"))
            pairs.append((norm(width, name=f"{name}_bn2"), f"{new}_norm_b"))
            kernel = conv(3, 3, width, width, bias=False, name=f"{name}_conv2")
            pairs.append((kernel, f"{new}_conv_b"))
            if unit == 1:
                kernel = conv(1, 1, channels, width, bias=False, name=f"{name}_sc")
                pairs.append((kernel, f"{new}_shortcut"))
            channels = width
    pairs.append((norm(512, name="bn1"), "encoder_norm"))
    skips = (256, 128, 64, 64, 0)
    for stage, (skip, width) in enumerate(zip(skips, (256, 128, 64, 32, 16), strict=True)):
        for part, inputs in (("a", channels + skip), ("b", width)):
            name, new = f"decoder_stage{stage}{part}", f"up{stage}_{part}"
            kernel = conv(3, 3, inputs, width, bias=False, name=f"{name}_conv")
            pairs += [(kernel, f"{new}_conv"), (norm(width, name=f"{name}_bn"), f"{new}_norm")]
        channels = width
    return [old for old, _ in pairs], [replace(old, name=name) for old, name in pairs]


def _rdn() -> tuple[list[Layer], list[Layer]]:
    pairs = [
        (conv(3, 3, 3, 64, name="F_m1"), "shallow_0"),
        (conv(3, 3, 64, 64, name="F_0"), "shallow_1"),
    ]
    for block in range(1, 11):
        for number in range(1, 7):
            kernel = conv(3, 3, 64 + 32 * (number - 1), 32, name=f"F_{block}_{number}")
            pairs.append((kernel, f"rdb_{block - 1}_conv_{number - 1}"))
        pairs.append((conv(1, 1, 256, 64, name=f"LFF_{block}"), f"rdb_{block - 1}_fusion"))
    pairs += [(conv(1, 1, 640, 64, name="GFF_1"), "global_fusion_0")]
    pairs += [(conv(3, 3, 64, 64, name="GFF_2"), "global_fusion_1")]
    pairs += [
        (conv(5, 5, 64, 64, name="UPN1"), "upscale_0"),
        (conv(3, 3, 64, 32, name="UPN2"), "upscale_1"),
    ]
    pairs += [
        (conv(3, 3, 32, 12, name="UPN3"), "upscale_2"),
        (conv(3, 3, 3, 3, name="SR"), "output"),
    ]
    return [old for old, _ in pairs], [replace(old, name=name) for old, name in pairs]


def _generator() -> tuple[list[Layer], list[Layer]]:
    kernels = [conv(7, 7, 3, 64), conv(3, 3, 64, 128), conv(3, 3, 128, 256)]
    kernels += [conv(3, 3, 256, 256) for _ in range(18)]
    kernels += [
        conv(3, 3, 128, 256, kind="Conv2DTranspose"),
        conv(3, 3, 64, 128, kind="Conv2DTranspose"),
    ]
    kernels.append(conv(7, 7, 64, 3))
    layers: list[Layer] = []
    for kernel in kernels:
        width = kernel.variables[-1].shape[0]
        gains = tuple(Variable(leaf=leaf, shape=(width,)) for leaf in ("gamma", "beta"))
        layers += [kernel, Layer(kind="InstanceNormalization", variables=gains)]
    layers.pop()
    words = {"InstanceNormalization": "group_normalization"}
    old, new = numbered(layers, first=1), numbered(layers, words=words, prefix="generator/")
    kinds = {"InstanceNormalization": "GroupNormalization"}
    return old, [replace(layer, kind=kinds.get(layer.kind, layer.kind)) for layer in new]


def _nested() -> Iterator[Case]:
    case = _case(
        "capsnet_h5__keras3",
        "XifengGuo/CapsNet-Keras capsulenet.py: conv1, primarycap_conv2d, digitcaps W, nested "
        "decoder (Sequential of three dense layers); target Keras 3 subclass",
        "rule: layer names; the decoder by order",
        "capsules",
        "nested",
    )
    case.pair("conv1/kernel", "stem/kernel", (9, 9, 1, 256), "Conv2D")
    case.pair("conv1/bias", "stem/bias", (256,), "Conv2D")
    case.pair(
        "primarycap_conv2d/kernel", "primary_capsules/conv/kernel", (9, 9, 256, 256), "Conv2D"
    )
    case.pair("primarycap_conv2d/bias", "primary_capsules/conv/bias", (256,), "Conv2D")
    case.pair("digitcaps/W", "digit_capsules/W", (10, 1152, 16, 8), "CapsuleLayer")
    for number, shape in enumerate(((160, 512), (512, 1024), (1024, 784)), 1):
        last = f"_{number - 1}" if number > 1 else ""
        case.pair(f"decoder/dense_{number}/kernel", f"decoder/dense{last}/kernel", shape, "Dense")
        case.pair(f"decoder/dense_{number}/bias", f"decoder/dense{last}/bias", shape[1:], "Dense")
    yield case
    case = _case(
        "keras2_vae_conv_h5__keras3",
        "keras-team/keras examples/variational_autoencoder_deconv.py: nested encoder and decoder, "
        "z_mean and z_log_var of one shape; target the Keras 3 code example",
        "rule: z_mean and z_log_var by name, the rest by number within encoder and decoder",
        "generative",
        "nested",
        "auto_numbered",
        "same_shape",
    )
    pairs = [(conv(3, 3, 1, 32, name="encoder/conv2d_1"), "encoder/conv2d")]
    pairs += [(conv(3, 3, 32, 64, name="encoder/conv2d_2"), "encoder/conv2d_1")]
    pairs += [(dense(3136, 16, name="encoder/dense_1"), "encoder/dense")]
    pairs += [(dense(16, 2, name="encoder/z_mean"), "encoder/z_mean")]
    pairs += [(dense(16, 2, name="encoder/z_log_var"), "encoder/z_log_var")]
    pairs += [(dense(2, 3136, name="decoder/dense_2"), "decoder/dense_1")]
    for number, shape in enumerate(((3, 3, 64, 64), (3, 3, 32, 64), (3, 3, 1, 32)), 1):
        old = "decoder/decoder_output" if number == 3 else f"decoder/conv2d_transpose_{number}"
        last = f"_{number - 1}" if number > 1 else ""
        kernel = conv(*shape, kind="Conv2DTranspose", name=old)
        pairs.append((kernel, f"decoder/conv2d_transpose{last}"))
    _fill(case, [old for old, _ in pairs], [replace(old, name=name) for old, name in pairs])
    yield case
    case = _case(
        "keras2_siamese_h5__keras3",
        "keras-team/keras examples/mnist_siamese.py: one shared base network nested as model_1; "
        "target Keras 3 embedding network plus a distance head that the file does not have",
        "rule: creation numbers inside the nested model; the head has no source",
        "nested",
        "shared",
        "new_head",
    )
    pairs = []
    for number, inputs in enumerate((784, 128, 128), 1):
        last = f"_{number - 1}" if number > 1 else ""
        pairs.append((dense(inputs, 128, name=f"model_1/dense_{number}"), f"embedding/dense{last}"))
    _fill(case, [old for old, _ in pairs], [replace(old, name=name) for old, name in pairs])
    case.target("similarity/kernel", (1, 1), "Dense")
    case.target("similarity/bias", (1,), "Dense")
    yield case
    case = _case(
        "keras2_pointnet_tnets_h5__keras3",
        "PointNet in Keras 2 (two T-nets of equal layers but the last, all layers numbered); target "
        "Keras 3 subclass with input_tnet, feature_tnet, trunk and head",
        "rule: creation numbers follow the network",
        "point_cloud",
        "auto_numbered",
        "twins",
        "natural_order",
    )
    new = _pointnet()
    bare = [replace(layer, name="") for layer in new]
    _fill(case, numbered(bare, first=1), new)
    yield case
    case = _case(
        "keras2_stateful_lstm_h5__keras3",
        "keras-team/keras examples/lstm_stateful.py in the style of two LSTM layers and a dense one, "
        "saved with optimizer weights; target Keras 3 Sequential",
        "rule: creation numbers; the optimizer weights are left over",
        "rnn",
        "lstm",
        "slots",
    )
    layers = [recurrent("LSTM", 1, 50), recurrent("LSTM", 50, 50), dense(50, 1)]
    _fill(case, numbered(layers, first=1), numbered(layers, prefix="sequential/"))
    shapes = [variable.shape for layer in layers for variable in layer.variables]
    case.source("optimizer_weights/RMSprop/iterations", (), "int64")
    for number, shape in enumerate(shapes):
        last = f"_{number}" if number else ""
        case.source(f"optimizer_weights/training/RMSprop/Variable{last}", shape)
    yield case


def _pointnet() -> list[Layer]:
    layers: list[Layer] = []

    def tower(name: str, inputs: int, widths: Sequence[int], units: Sequence[int]) -> None:
        for number, width in enumerate(widths):
            layers.append(conv(1, inputs, width, kind="Conv1D", name=f"{name}/conv_{number}"))
            layers.append(norm(width, name=f"{name}/conv_norm_{number}"))
            inputs = width
        for number, width in enumerate(units):
            layers.append(dense(inputs, width, name=f"{name}/fc_{number}"))
            layers.append(norm(width, name=f"{name}/fc_norm_{number}"))
            inputs = width

    tower("input_tnet", 3, (32, 64, 512), (256, 128))
    layers.append(dense(128, 9, name="input_tnet/matrix"))
    tower("trunk_a", 3, (32, 32), ())
    tower("feature_tnet", 32, (32, 64, 512), (256, 128))
    layers.append(dense(128, 1024, name="feature_tnet/matrix"))
    tower("trunk_b", 32, (32, 64, 512), (256, 128))
    return [*layers, dense(128, 10, name="head")]


def cases() -> Iterator[Case]:
    """Yield the cases of this family."""
    for family in (_keras1_files, _theano_vgg, _numbers, _dilated, _recurrent, _named, _nested):
        yield from family()
