"""NASNet, EfficientNet, the official ResNet and DenseNet into keras.applications and ports.

Sources: tensorflow/models research/slim/nets/nasnet (nasnet.py, nasnet_utils.py), tensorflow/tpu
models/official/efficientnet (efficientnet_model.py; names as in Keras' own
efficientnet_weight_update_util.py), tensorflow/models official/r1/resnet/resnet_model.py (layers
numbered in the order of creation) and pudae/tensorflow-densenet nets/densenet.py.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scripts.mapping_cases.applications import variables
from scripts.mapping_cases.draft import Draft, together

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scripts.mapping_cases.applications import Variable
    from scripts.mapping_cases.case import Case

NORM = ("gamma", "beta", "moving_mean", "moving_variance")
SEPARABLE = {"depthwise_kernel": "depthwise_weights", "pointwise_kernel": "pointwise_weights"}
COMBINATIONS = {
    "normal_left1": "comb_iter_0/left",
    "normal_right1": "comb_iter_0/right",
    "normal_left2": "comb_iter_1/left",
    "normal_right2": "comb_iter_1/right",
    "normal_left5": "comb_iter_4/left",
    "reduction_left1": "comb_iter_0/left",
    "reduction_right1": "comb_iter_0/right",
    "reduction_right2": "comb_iter_1/right",
    "reduction_right3": "comb_iter_2/right",
    "reduction_left4": "comb_iter_4/left",
}
"""Which half of which combination of a cell a separable pair of Keras is: the NASNet-A cells."""
ENTRIES = {
    "normal_conv_1": "1x1",
    "normal_bn_1": "beginning_bn",
    "reduction_conv_1": "1x1",
    "reduction_bn_1": "beginning_bn",
    "adjust_conv_1": "path1_conv",
    "adjust_conv_2": "path2_conv",
    "adjust_conv_projection": "prev_1x1",
}


def _nasnet_cell(identity: str, blocks: int) -> str:
    """Return the scope of a cell: Keras counts the reductions among the normal cells."""
    if identity.startswith("stem_"):
        return f"cell_stem_{int(identity[5:]) - 1}"
    kind, _, number = identity.rpartition("_")
    if kind == "reduce":
        return f"reduction_cell_{int(number) // blocks - 1}"
    return f"cell_{int(number) - (int(number) > blocks)}"


def nasnet() -> Iterator[Draft]:
    """Yield a short NASNet-A (one normal cell between reductions) into Keras' own."""
    blocks = 1
    case = Draft(
        name="slim_nasnet_short__keras_applications",
        provenance="tensorflow/models research/slim/nets/nasnet (mobile, num_cells 3); target "
        "keras.src.applications.nasnet.NASNet(num_blocks=1) of Keras 3.15.1",
        truth_basis="rule: the combinations of the NASNet-A cells; Keras counts reductions too",
        tags=("cnn", "slim", "off_by_one", "same_shape", "missing_targets"),
    )
    rows = variables(
        "applications.nasnet.NASNet",
        input_shape=(224, 224, 3),
        penultimate_filters=1056,
        num_blocks=blocks,
        stem_block_filters=32,
        skip_reduction=False,
        filter_multiplier=2,
        default_size=224,
        classes=1000,
    )
    kernels = {
        row.layer.rpartition("/")[2]: row.shape for row in rows if row.leaf == "depthwise_kernel"
    }
    for row in rows:
        name = _nasnet_name(row, blocks, kernels)
        case.fill(name, row.path, row.shape, row.layer_class, trainable=row.trainable)
    for name, shape in (("proj", (1, 1, 528, 128)), ("Conv", (7, 7, 128, 768))):
        case.source(f"aux_1/aux_logits/{name}/weights", shape)
    for norm, size in (("aux_bn0", 128), ("aux_bn1", 768)):
        for leaf in NORM:
            case.source(f"aux_1/aux_logits/{norm}/{leaf}", (size,))
    case.source("aux_1/aux_logits/FC/weights", (768, 1000))
    case.source("aux_1/aux_logits/FC/biases", (1000,))
    case.source("global_step", (), "int64")
    yield case


def _nasnet_name(row: Variable, blocks: int, kernels: dict[str, tuple[int, ...]]) -> str:
    layer = row.layer.rpartition("/")[2]
    if layer == "predictions":
        return f"final_layer/FC/{'weights' if row.leaf == 'kernel' else 'biases'}"
    if layer.startswith("stem_"):
        return "conv0/weights" if layer == "stem_conv1" else f"conv0_bn/{row.leaf}"
    found = re.match(r"separable_conv_(\d)_(bn_)?(\w+?\d)_(\w+)$", layer)
    if found:
        step, norm, place, identity = found.groups()
        high = kernels[layer.replace("_bn_", "_")][0]
        what = f"{'bn_sep' if norm else 'separable'}_{high}x{high}_{step}"
        leaf = SEPARABLE.get(row.leaf, row.leaf)
        return f"{_nasnet_cell(identity, blocks)}/{COMBINATIONS[place]}/{what}/{leaf}"
    if layer.startswith("adjust_bn_"):
        what = "prev_bn" if "adjust_projection" in row.layer else "final_path_bn"
        return f"{_nasnet_cell(layer[10:], blocks)}/{what}/{row.leaf}"
    entry = next(name for name in ENTRIES if layer.startswith(f"{name}_"))
    cell = _nasnet_cell(layer[len(entry) + 1 :], blocks)
    return f"{cell}/{ENTRIES[entry]}/{'weights' if row.leaf == 'kernel' else row.leaf}"


REPEATS = (1, 2, 2, 3, 3, 4, 1)
"""Blocks in each stage of EfficientNet-B0."""


def _efficientnet_name(row: Variable) -> str | None:
    plain = {
        "stem_conv": "stem/conv2d",
        "stem_bn": "stem/tpu_batch_normalization",
        "top_conv": "head/conv2d",
        "top_bn": "head/tpu_batch_normalization",
        "predictions": "head/dense",
    }
    if row.layer == "normalization":
        return None
    if row.layer in plain:
        return f"efficientnet-b0/model/{plain[row.layer]}/{row.leaf}"
    stage, letter, part = re.match(r"block(\d)([a-d])_(\w+)$", row.layer).groups()  # type: ignore[union-attr]
    number = sum(REPEATS[: int(stage) - 1]) + ord(letter) - ord("a")
    first = number == 0
    norms = {"expand_bn": 0, "bn": int(not first), "project_bn": 2 - first}
    if part in norms:
        count = norms[part]
        where = f"tpu_batch_normalization{f'_{count}' if count else ''}"
    else:
        where = {
            "expand_conv": "conv2d",
            "dwconv": "depthwise_conv2d",
            "se_reduce": "se/conv2d",
            "se_expand": "se/conv2d_1",
            "project_conv": "conv2d" if first else "conv2d_1",
        }[part]
    leaf = "depthwise_kernel" if part == "dwconv" else row.leaf
    return f"efficientnet-b0/model/blocks_{number}/{where}/{leaf}"


def efficientnet() -> Iterator[Draft]:
    """Yield EfficientNet-B0 with shadows into keras.applications; then with slots, without them."""
    case = Draft(
        name="efficientnet_b0_tpu_ema__keras_applications",
        provenance="tensorflow/tpu models/official/efficientnet efficientnet_model.py; target "
        "keras.applications.EfficientNetB0 of Keras 3.15.1 (its normalization has no source)",
        truth_basis="rule: efficientnet_weight_update_util.py of Keras; shadows as a whole or raw "
        "values as a whole",
        tags=("cnn", "efficientnet", "ema", "natural_order", "missing_targets"),
    )
    for row in variables("EfficientNetB0"):
        name = _efficientnet_name(row)
        if name is None:
            case.target(row.path, row.shape, row.layer_class, trainable=row.trainable)
        else:
            case.fill(name, row.path, row.shape, row.layer_class, trainable=row.trainable)
    plain = case.changed(
        "efficientnet_b0_rmsprop_no_ema__keras_renamed_20_classes",
        "no shadows, RMSProp slots, blocks after stage 4 missing in both, head of 20 classes, "
        "the target nested as backbone/",
        "slots",
        "changed_head",
    )
    raw = list(case.truth)
    for edge in raw:
        shape = case.sources[edge["source"]]["shape"]
        case.source(f"{edge['source']}/ExponentialMovingAverage", shape)
        edge["source"] += "/ExponentialMovingAverage"
    other = [{**e, "source": e["source"].removesuffix("/ExponentialMovingAverage")} for e in raw]
    case.alternatives = [{"why": "raw values instead of shadows", "truth": other}]
    case.source("global_step", (), "int64")
    yield case
    plain.drop_targets(r"block[567]")
    plain.drop_sources(r"blocks_(8|9|1\d)/")
    plain.slots_of_all(("/RMSProp", "/RMSProp_1"))
    plain.source("global_step", (), "int64")
    plain.resize("^predictions/", 20)
    plain.drop_targets("^top_")
    plain.rename_targets(lambda path: f"backbone/{path}")
    yield plain


def _numbered(name: str, count: int) -> str:
    return f"{name}_{count}" if count else name


def official_resnet() -> Iterator[Draft]:
    """Yield the official ResNet-50 v1 into ResNet50, and a small v2 into the old Keras names."""
    case = Draft(
        name="official_resnet50_v1_momentum__keras_applications",
        provenance="tensorflow/models official/r1/resnet/resnet_model.py (version 1, Momentum); "
        "target keras.applications.ResNet50 of Keras 3.15.1; its convolution biases have no source",
        truth_basis="rule: order of creation (the projection comes first in a block on both sides)",
        tags=("cnn", "auto_numbered", "slots", "same_shape", "missing_targets"),
    )
    rows = variables("ResNet50", classes=1001)

    def place(row: Variable) -> tuple[int, int, int]:
        found = re.match(r"conv(\d)_block(\d)_(\d)_", row.layer)
        return tuple(map(int, found.groups())) if found else (1, 0, 0)  # type: ignore[return-value]

    order = sorted({place(row) for row in rows if row.layer != "predictions"})
    for row in rows:
        if row.layer == "predictions":
            name: str | None = f"resnet_model/dense/{row.leaf}"
        elif row.layer_class == "Conv2D":
            scope = _numbered("conv2d", order.index(place(row)))
            name = None if row.leaf == "bias" else f"resnet_model/{scope}/kernel"
        else:
            scope = _numbered("batch_normalization", order.index(place(row)))
            name = f"resnet_model/{scope}/{row.leaf}"
        if name is None:
            case.target(row.path, row.shape, row.layer_class, trainable=row.trainable)
        else:
            case.fill(name, row.path, row.shape, row.layer_class, trainable=row.trainable)
    case.slots_of_all(("/Momentum",))
    case.source("global_step", (), "int64")
    yield case
    yield _official_cifar()


def _official_cifar() -> Draft:
    case = Draft(
        name="official_resnet_cifar_v2__keras3_named_stages",
        provenance="tensorflow/models official/r1/resnet/resnet_model.py (version 2, building "
        "blocks, 5 in each of 3 layers: ResNet-32); target a Keras 3 functional model written for "
        "this case (stage1_unit1_bn1 ...)",
        truth_basis="rule: order of creation: normalization, projection, convolutions",
        tags=("cnn", "auto_numbered", "slots", "same_shape"),
    )
    convolutions = norms = 0

    def convolution(path: str, shape: tuple[int, ...]) -> None:
        nonlocal convolutions
        name = f"resnet_model/{_numbered('conv2d', convolutions)}/kernel"
        case.fill(name, f"{path}/kernel", shape, "Conv2D")
        convolutions += 1

    def norm(path: str, size: int) -> None:
        nonlocal norms
        case.norm(f"resnet_model/{_numbered('batch_normalization', norms)}", path, size)
        norms += 1

    convolution("stem", (3, 3, 3, 16))
    width = 16
    for stage in range(1, 4):
        size = 8 << stage
        for unit in range(1, 6):
            path = f"stage{stage}_unit{unit}"
            norm(f"{path}_bn1", width)
            if unit == 1:
                convolution(f"{path}_sc", (1, 1, width, size))
            convolution(f"{path}_conv1", (3, 3, width, size))
            norm(f"{path}_bn2", size)
            convolution(f"{path}_conv2", (3, 3, size, size))
            width = size
    norm("final_bn", width)
    case.dense("resnet_model/dense", "logits", (width, 10))
    case.slots_of_all(("/Momentum",))
    case.source("global_step", (), "int64")
    return case


def densenet() -> Iterator[Draft]:
    """Yield a short pudae DenseNet into auto-numbered layers; the file sorts 10 before 2."""
    blocks, growth = (6, 12, 4), 16
    case = Draft(
        name="pudae_densenet_short__keras2_auto_numbered",
        provenance="pudae/tensorflow-densenet nets/densenet.py (blocks of 6, 12, 4, growth 16); "
        "target a Keras 2 model with auto-named layers (conv2d_1, batch_normalization_1 ...) in "
        "the order of creation, written for this case",
        truth_basis="rule: order of creation; block and unit numbers",
        tags=("cnn", "auto_numbered", "natural_order", "same_shape"),
    )
    convolutions = norms = 0

    def convolution(name: str, shape: tuple[int, ...]) -> None:
        nonlocal convolutions
        convolutions += 1
        case.fill(f"densenet/{name}/weights", f"conv2d_{convolutions}/kernel", shape, "Conv2D")

    def norm(name: str, size: int) -> None:
        nonlocal norms
        norms += 1
        scope = f"densenet/{name}BatchNorm"
        case.norm(scope, f"batch_normalization_{norms}", size)

    width = 2 * growth
    convolution("conv1", (7, 7, 3, width))
    norm("", width)
    for block, units in enumerate(blocks, 1):
        for unit in range(1, units + 1):
            scope = f"dense_block{block}/conv_block{unit}"
            norm(f"{scope}/x1/", width)
            convolution(f"{scope}/x1/Conv", (1, 1, width, 4 * growth))
            norm(f"{scope}/x2/", 4 * growth)
            convolution(f"{scope}/x2/Conv", (3, 3, 4 * growth, growth))
            width += growth
        if block < len(blocks):
            scope = f"transition_block{block}/blk"
            norm(f"{scope}/", width)
            convolution(f"{scope}/Conv", (1, 1, width, width // 2))
            width //= 2
    norm("final_block/", width)
    head = "densenet/logits"
    shape, want = (1, 1, width, 1000), (width, 1000)
    case.fill(f"{head}/weights", "dense_1/kernel", shape, "Dense", want=want)
    case.fill(f"{head}/biases", "dense_1/bias", (1000,), "Dense")
    case.source("global_step", (), "int64")
    yield case


def cases() -> tuple[Case, ...]:
    """Return the cases of further classification models."""
    return together(nasnet(), efficientnet(), official_resnet(), densenet())
