"""TF-Slim classification models into keras.applications and into hand-written ports.

Names and shapes: tensorflow/models, research/slim/nets (resnet_v1.py, resnet_v2.py, vgg.py,
inception_v1.py, inception_v3.py, inception_v4.py, inception_resnet_v2.py, mobilenet_v1.py,
mobilenet/mobilenet_v2.py, mobilenet/mobilenet_v3.py); the first five listed under TensorFlow
1.15.5. Truth: scope numbers against the layer numbers, and, for the Inception family, the order in
which both sources create the convolutions, every shape agreeing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scripts.mapping_cases.applications import Variable, variables
from scripts.mapping_cases.draft import Draft, together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scripts.mapping_cases.case import Case

SLIM = "tensorflow/models research/slim/nets"
KERAS = "target keras.applications.{} (weights=None) of Keras 3.15.1"
LEAVES = {"kernel": "weights", "bias": "biases"}
NORM_LEAVES = ("gamma", "beta", "moving_mean", "moving_variance")


def _fill(case: Draft, have: str | None, variable: Variable, shape: tuple[int, ...]) -> None:
    """Add the variable, and its source where it has one."""
    if have is None:
        case.target(
            variable.path, variable.shape, variable.layer_class, trainable=variable.trainable
        )
        return
    case.fill(
        have,
        variable.path,
        shape,
        variable.layer_class,
        want=variable.shape,
        trainable=variable.trainable,
    )


def _from_scopes(
    case: Draft,
    rows: tuple[Variable, ...],
    scope: Callable[[Variable], str | None],
    shapes: Callable[[Variable], tuple[int, ...]] = lambda v: v.shape,
) -> Draft:
    """Fill every variable from the tensor that `scope` names, of the shape that `shapes` tells."""
    for row in rows:
        _fill(case, scope(row), row, shapes(row))
    return case


def _head_as_convolution(row: Variable) -> tuple[int, ...]:
    return (1, 1, *row.shape) if row.layer == "predictions" and len(row.shape) == 2 else row.shape


RESNET_PARTS = {"0": "shortcut", "1": "conv1", "2": "conv2", "3": "conv3"}


def _resnet_scope(version: int) -> Callable[[Variable], str | None]:
    top = f"resnet_v{version}_50"

    def scope(row: Variable) -> str | None:
        if row.layer == "predictions":
            return f"{top}/logits/{LEAVES[row.leaf]}"
        if row.layer == "post_bn":
            return f"{top}/postnorm/{row.leaf}"
        found = re.match(r"conv(\d)_block(\d)_(\w+?)_(conv|bn)$", row.layer)
        if found:
            block, unit, part, kind = found.groups()
            inner = RESNET_PARTS.get(part, part)
            where = f"{top}/block{int(block) - 1}/unit_{unit}/bottleneck_v{version}/{inner}"
        else:
            where, part, kind = f"{top}/conv1", "", row.layer[6:]
        if part == "preact":
            return f"{where}/{row.leaf}"
        if kind == "bn":
            return f"{where}/BatchNorm/{row.leaf}"
        if version == 1 and row.leaf == "bias":
            return None
        return f"{where}/{LEAVES[row.leaf]}"

    return scope


def _resnet(version: int, **options: int) -> Draft:
    model = "ResNet50" if version == 1 else "ResNet50V2"
    case = Draft(
        name=f"slim_resnet_v{version}_50__keras_applications",
        provenance=f"{SLIM}/resnet_v{version}.py (listed under TensorFlow 1.15.5); "
        + KERAS.format(model),
        truth_basis="rule: block, unit and convolution numbers; the head is a 1x1 convolution",
        tags=("cnn", "slim", "same_shape"),
    )
    rows = variables(model, **options)
    _from_scopes(case, rows, _resnet_scope(version), _head_as_convolution)
    if version == 1:
        case.provenance += "; the convolutions' biases of the port have no source"
        case.tags = (*case.tags, "missing_targets")
    return case


def resnets() -> Iterator[Draft]:
    """Yield ResNet v1 and v2, and changed files and heads of theirs."""
    first = _resnet(1)
    yield first
    moved = first.changed(
        "slim_resnet_v1_50_finetuned__keras_applications_37_classes",
        "scope renamed to tower_0/backbone/resnet50, Momentum slots and a step added, "
        "the architecture ends after conv2 and has a head of 37 classes, the file lost block4",
        "slots",
        "changed_head",
    )
    moved.slots_of_all(("/Momentum",), keep=lambda name: "block1" not in name)
    moved.source("global_step", (), "int64")
    moved.rename_sources(lambda n: n.replace("resnet_v1_50/", "tower_0/backbone/resnet50/"))
    moved.resize("^predictions/", 37)
    moved.drop_targets(r"conv[345]_block")
    moved.drop_sources(r"block[34]/.*Momentum|block4/")
    yield moved
    second = _resnet(2, classes=1001)
    yield second
    other = second.changed(
        "slim_resnet_v2_50_truncated_shuffled__keras_applications",
        "the file lost block3 from unit_4 on, block4 and the head; order shuffled",
        "missing_targets",
        "shuffled",
    )
    other.drop_sources(r"block3/unit_[456]|block4|logits|postnorm")
    other.shuffle(5)
    yield other


def vgg() -> Iterator[Draft]:
    """Yield VGG16: dense layers stored as 7x7 and 1x1 convolutions."""

    def scope(row: Variable) -> str:
        found = re.match(r"block(\d)_conv(\d)", row.layer)
        leaf = LEAVES[row.leaf]
        if found:
            return "vgg_16/conv{0}/conv{0}_{1}/".format(*found.groups()) + leaf
        return f"vgg_16/{ {'fc1': 'fc6', 'fc2': 'fc7', 'predictions': 'fc8'}[row.layer] }/{leaf}"

    def shape(row: Variable) -> tuple[int, ...]:
        if row.layer == "fc1" and row.leaf == "kernel":
            return (7, 7, 512, 4096)
        dense = row.layer in {"fc2", "predictions"} and row.leaf == "kernel"
        return (1, 1, *row.shape) if dense else row.shape

    case = Draft(
        name="slim_vgg_16__keras_applications",
        provenance=f"{SLIM}/vgg.py (listed under TensorFlow 1.15.5); " + KERAS.format("VGG16"),
        truth_basis="rule: convolution numbers; fc6 flattens height, width, channels as Keras does",
        tags=("cnn", "slim", "conv_to_dense"),
    )
    _from_scopes(case, variables("VGG16"), scope, shape)
    case.source("vgg_16/mean_rgb", (3,))
    case.source("global_step", (), "int64")
    yield case
    slots = case.changed(
        "slim_vgg_16_adam_renamed__keras_port",
        "the layers of the port are conv1_1 ... fc8, the file has Adam slots under train/",
        "slots",
    )
    names = {"fc1": "fc6", "fc2": "fc7", "predictions": "fc8"}

    def port(path: str) -> str:
        layer, leaf = path.split("/")
        plain = re.sub(r"block(.)_conv", r"conv\1_", layer)
        return f"vgg/{names.get(layer, plain)}/{leaf}"

    slots.rename_targets(port)
    slots.slots_of_all(("/Adam", "/Adam_1"), prefix="train/", keep=lambda n: "mean_rgb" not in n)
    slots.source("train/beta1_power")
    slots.source("train/beta2_power")
    yield slots


def vgg_arrays() -> Iterator[Draft]:
    """Yield the well-known array file of VGG16: ``conv1_1_W``, ``fc6_b``; another class count."""
    case = Draft(
        name="vgg16_weights_npz__keras_applications_10_classes",
        provenance="names and shapes of vgg16_weights.npz (vgg16.py of David Frossard, "
        "cs.toronto.edu/~frossard); " + KERAS.format("VGG16(classes=10)"),
        truth_basis="rule: convolution numbers; fc1 is fc6",
        source_format="npz",
        tags=("cnn", "old_names", "changed_head", "missing_targets"),
    )
    for row in variables("VGG16", classes=10):
        leaf = "W" if row.leaf == "kernel" else "b"
        found = re.match(r"block(\d)_conv(\d)", row.layer)
        if found:
            name = f"conv{found[1]}_{found[2]}_{leaf}"
        elif row.layer == "predictions":
            case.source(f"fc8_{leaf}", (4096, 1000) if leaf == "W" else (1000,))
            case.target(row.path, row.shape, row.layer_class)
            continue
        else:
            name = f"fc{int(row.layer[2]) + 5}_{leaf}"
        case.fill(name, row.path, row.shape, row.layer_class)
    yield case


def mobilenets() -> Iterator[Draft]:
    """Yield MobileNet v1 (with shadows and slots), v2 and v3."""
    case = Draft(
        name="slim_mobilenet_v1_025_ema__keras_applications",
        provenance=f"{SLIM}/mobilenet_v1.py and mobilenet_v1_train.py (depth 0.25); "
        + KERAS.format("MobileNet(alpha=0.25)"),
        truth_basis="rule: layer numbers; shadows as a whole or raw values as a whole",
        tags=("cnn", "slim", "ema", "slots", "missing_targets"),
    )

    def first(row: Variable) -> str:
        found = re.match(r"conv_(dw|pw)_(\d+)", row.layer)
        where = "MobilenetV1/Conv2d_0"
        if found:
            kind = "depthwise" if found[1] == "dw" else "pointwise"
            where = f"MobilenetV1/Conv2d_{found[2]}_{kind}"
        if row.layer == "conv_preds":
            return f"MobilenetV1/Logits/Conv2d_1c_1x1/{LEAVES[row.leaf]}"
        if row.leaf in NORM_LEAVES:
            return f"{where}/BatchNorm/{row.leaf}"
        return f"{where}/{'depthwise_weights' if '_dw_' in row.layer else 'weights'}"

    rows = variables("MobileNet", alpha=0.25, classes=1001)
    _from_scopes(case, rows, first)
    raw = list(case.truth)
    case.slots_of_all(("/RMSProp", "/RMSProp_1"))
    for edge in raw:
        shape = case.sources[edge["source"]]["shape"]
        case.source(edge["source"] + "/ExponentialMovingAverage", shape)
    case.source("global_step", (), "int64")
    shadow = [{**edge, "source": edge["source"] + "/ExponentialMovingAverage"} for edge in raw]
    case.alternatives = [{"why": "shadows instead of raw values", "truth": shadow}]
    yield case
    yield _mobilenet_v2()
    yield _mobilenet_v3()


def _inverted(row: Variable, names: dict[str, str]) -> tuple[str, str]:
    """Return block scope and part of an inverted residual layer."""
    found = re.match(r"(?:expanded_conv|block)(?:_(\d+))?_(\w+?)(?:_BN|_bn)?$", row.layer)
    if not found:
        return names[row.layer], ""
    number, part = found.groups()
    return f"expanded_conv_{number}" if number else "expanded_conv", part


def _mobilenet_v2() -> Draft:
    names = {"Conv1": "Conv", "bn_Conv1": "Conv", "Conv_1": "Conv_1", "Conv_1_bn": "Conv_1"}

    def scope(row: Variable) -> str:
        if row.layer == "predictions":
            return f"MobilenetV2/Logits/Conv2d_1c_1x1/{LEAVES[row.leaf]}"
        block, part = _inverted(row, names)
        where = f"MobilenetV2/{block}/{part}".rstrip("/")
        if row.leaf in NORM_LEAVES:
            return f"{where}/BatchNorm/{row.leaf}"
        return f"{where}/{'depthwise_weights' if part == 'depthwise' else 'weights'}"

    case = Draft(
        name="slim_mobilenet_v2_035__keras_applications",
        provenance=f"{SLIM}/mobilenet/mobilenet_v2.py (depth 0.35); "
        + KERAS.format("MobileNetV2(alpha=0.35)"),
        truth_basis="rule: block numbers; the head is a 1x1 convolution",
        tags=("cnn", "slim", "natural_order"),
    )
    rows = variables("MobileNetV2", alpha=0.35, classes=1001)
    _from_scopes(case, rows, scope, _head_as_convolution)
    case.source("global_step", (), "int64")
    return case


def _mobilenet_v3() -> Draft:
    names = {"conv": "Conv", "conv_bn": "Conv", "conv_1": "Conv_1", "conv_1_bn": "Conv_1"}
    names |= {"conv_2": "Conv_2"}
    inner = {"squeeze_excite_conv": "squeeze_excite/Conv"}
    inner |= {"squeeze_excite_conv_1": "squeeze_excite/Conv_1"}

    def scope(row: Variable) -> str:
        if row.layer == "logits":
            return f"MobilenetV3/Logits/Conv2d_1c_1x1/{LEAVES[row.leaf]}"
        block, part = _inverted(row, names)
        where = f"MobilenetV3/{block}/{inner.get(part, part)}".rstrip("/")
        if row.leaf in NORM_LEAVES:
            return f"{where}/BatchNorm/{row.leaf}"
        return f"{where}/{'depthwise_weights' if part == 'depthwise' else LEAVES[row.leaf]}"

    case = Draft(
        name="slim_mobilenet_v3_small__keras_applications",
        provenance=f"{SLIM}/mobilenet/mobilenet_v3.py; " + KERAS.format("MobileNetV3Small"),
        truth_basis="rule: block numbers; squeeze_excite/Conv reduces, Conv_1 expands",
        tags=("cnn", "slim", "natural_order"),
    )
    rows = variables("MobileNetV3Small", classes=1001)
    _from_scopes(case, rows, scope)
    case.source("global_step", (), "int64")
    return case


def cases() -> tuple[Case, ...]:
    """Return the TF-Slim cases."""
    return together(resnets(), vgg(), vgg_arrays(), mobilenets())
