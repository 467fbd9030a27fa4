"""The Inception family of TF-Slim and facenet into keras.applications and into known ports.

Sources: tensorflow/models research/slim/nets/inception_v1.py, inception_v3.py (both listed under
TensorFlow 1.15.5), inception_v4.py, inception_resnet_v2.py, and davidsandberg/facenet
src/models/inception_resnet_v1.py. No gamma: the normalizations have ``scale=False``. Both sides
create the convolutions in the same order; Keras numbers them in that order and lists them by depth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.mapping_cases.applications import Variable, variables
from scripts.mapping_cases.draft import Draft, together

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scripts.mapping_cases.case import Case

Convolution = tuple[str, tuple[int, int, int, int]]
"""Scope and kernel shape; one whose scope ends in ``!`` has biases and no normalization."""

NORM = "beta moving_mean moving_variance"


def _branches(scope: str, width: int, text: str) -> Iterator[Convolution]:
    """Yield the convolutions of ``Branch_i`` from text such as ``0a_1x1:48 0b_5x5:64 / ...``.

    A leaf may be followed by ``=HxW`` where the kernel is not what its name says, and by ``<N``
    where it reads `N` channels instead of what the one before it wrote.
    """
    for number, branch in enumerate(text.split("/")):
        inputs = width
        for part in branch.split():
            leaf, _, outputs = part.partition(":")
            outputs, _, other = outputs.partition("<")
            leaf, _, size = leaf.partition("=")
            high, wide = (size or leaf.rpartition("_")[2]).split("x")
            shape = (int(high), int(wide), int(other or inputs), int(outputs))
            name = leaf if leaf.startswith("Conv") else f"Conv2d_{leaf}"
            yield f"{scope}/Branch_{number}/{name}", shape
            inputs = int(outputs)


def _stem(top: str, text: str) -> Iterator[Convolution]:
    """Yield plain convolutions from text such as ``1a_3x3:32 2a_3x3:32``; 3 channels enter."""
    for scope, shape in _branches(top, 3, text):
        yield scope.replace("/Branch_0", ""), shape


V1_BLOCKS = {
    "3b": (192, 64, 96, 128, 16, 32, 32),
    "3c": (256, 128, 128, 192, 32, 96, 64),
    "4b": (480, 192, 96, 208, 16, 48, 64),
    "4c": (512, 160, 112, 224, 24, 64, 64),
    "4d": (512, 128, 128, 256, 24, 64, 64),
    "4e": (512, 112, 144, 288, 32, 64, 64),
    "4f": (528, 256, 160, 320, 32, 128, 128),
    "5b": (832, 256, 160, 320, 32, 128, 128),
    "5c": (832, 384, 192, 384, 48, 128, 128),
}
V1_PARTS = {
    ("Branch_0", "Conv2d_0a_1x1"): "1x1",
    ("Branch_1", "Conv2d_0a_1x1"): "3x3_reduce",
    ("Branch_1", "Conv2d_0b_3x3"): "3x3",
    ("Branch_2", "Conv2d_0a_1x1"): "5x5_reduce",
    ("Branch_2", "Conv2d_0b_3x3"): "5x5",
    ("Branch_2", "Conv2d_0a_3x3"): "5x5",
    ("Branch_3", "Conv2d_0b_1x1"): "pool_proj",
}


def _v1() -> Iterator[Convolution]:
    yield from _stem("InceptionV1", "1a_7x7:64 2b_1x1:64 2c_3x3:192")
    for block, (width, *sizes) in V1_BLOCKS.items():
        one, three_in, three, five_in, five, pool = sizes
        last = "0a_3x3" if block == "5b" else "0b_3x3"
        text = f"0a_1x1:{one} / 0a_1x1:{three_in} 0b_3x3:{three} / "
        text += f"0a_1x1:{five_in} {last}:{five} / 0b_1x1:{pool}"
        yield from _branches(f"InceptionV1/Mixed_{block}", width, text)


def _unit(case: Draft, scope: str, shape: Sequence[int], conv: str, norm: str) -> None:
    """Pair a convolution without bias and its normalization without gamma."""
    case.fill(f"{scope}/weights", f"{conv}/kernel", shape, "Conv2D")
    case.norm(f"{scope}/BatchNorm", norm, shape[-1], NORM, NORM)


def v1() -> Iterator[Draft]:
    """Yield Inception v1 into GoogLeNet names, counted 3a for what slim calls 3b."""
    case = Draft(
        name="slim_inception_v1__googlenet_names",
        provenance="tensorflow/models research/slim/nets/inception_v1.py (listed under TensorFlow "
        "1.15.5); target a Keras 3 GoogLeNet with the layer names of the Caffe model",
        truth_basis="rule: branches by kernel size and order, Mixed_3b is inception_3a",
        tags=("cnn", "slim", "off_by_one", "same_shape"),
    )
    stem = iter(("conv1_7x7_s2", "conv2_3x3_reduce", "conv2_3x3"))
    for scope, shape in _v1():
        parts = scope.split("/")
        if len(parts) == 2:
            layer = next(stem)
        else:
            block = parts[1].removeprefix("Mixed_")
            letter = chr(ord(block[1]) - 1)
            layer = f"inception_{block[0]}{letter}_{V1_PARTS[parts[2], parts[3]]}"
        _unit(case, scope, shape, layer, f"{layer}_bn")
    case.fill(
        "InceptionV1/Logits/Conv2d_0c_1x1/weights",
        "loss3_classifier/kernel",
        (1, 1, 1024, 1001),
        "Dense",
        want=(1024, 1001),
    )
    bias = "loss3_classifier/bias"
    case.fill("InceptionV1/Logits/Conv2d_0c_1x1/biases", bias, (1001,), "Dense")
    case.source("global_step", (), "int64")
    yield case


def _v3() -> Iterator[Convolution]:
    yield from _stem("InceptionV3", "1a_3x3:32 2a_3x3:32 2b_3x3:64 3b_1x1:80 4a_3x3:192")
    top = "InceptionV3/Mixed_"
    for block, width, pool in (("5b", 192, 32), ("5c", 256, 64), ("5d", 288, 64)):
        five = "0b_1x1:48 Conv_1_0c_5x5:64" if block == "5c" else "0a_1x1:48 0b_5x5:64"
        text = f"0a_1x1:64 / {five} / 0a_1x1:64 0b_3x3:96 0c_3x3:96 / 0b_1x1:{pool}"
        yield from _branches(top + block, width, text)
    text = "1a_1x1=3x3:384 / 0a_1x1:64 0b_3x3:96 1a_1x1=3x3:96"
    yield from _branches(f"{top}6a", 288, text)
    for block, size in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)):
        text = f"0a_1x1:192 / 0a_1x1:{size} 0b_1x7:{size} 0c_7x1:192 / 0a_1x1:{size} "
        text += f"0b_7x1:{size} 0c_1x7:{size} 0d_7x1:{size} 0e_1x7:192 / 0b_1x1:192"
        yield from _branches(top + block, 768, text)
    text = "0a_1x1:192 1a_3x3:320 / 0a_1x1:192 0b_1x7:192 0c_7x1:192 1a_3x3:192"
    yield from _branches(f"{top}7a", 768, text)
    for block, width, second in (("7b", 1280, "0b_3x1"), ("7c", 2048, "0c_3x1")):
        text = f"0a_1x1:320 / 0a_1x1:384 0b_1x3:384 {second}:384 / "
        text += "0a_1x1:448 0b_3x3:384 0c_1x3:384 0d_3x1:384 / 0b_1x1:192"
        yield from _branches(top + block, width, text)


def _number(layer: str) -> int:
    """Return the number of an auto-named layer: ``conv2d`` is 0."""
    tail = layer.rpartition("_")[2]
    return int(tail) if tail.isdigit() else 0


def _by_creation(
    case: Draft,
    rows: Sequence[Variable],
    plain: Sequence[Convolution],
    scopes: dict[str, str],
    shapes: dict[str, tuple[int, ...]],
) -> None:
    """Fill auto-numbered layers in the order of creation and named layers from `scopes`."""
    for row in rows:
        leaf = {"kernel": "weights", "bias": "biases"}.get(row.leaf, f"BatchNorm/{row.leaf}")
        named = row.layer in scopes
        scope = scopes[row.layer] if named else plain[_number(row.layer)][0]
        name = f"{scope}/{leaf}"
        shape = shapes.get(name, row.shape)
        case.fill(name, row.path, shape, row.layer_class, want=row.shape, trainable=row.trainable)


def v3() -> Iterator[Draft]:
    """Yield Inception v3 into keras.applications, whole and with an aux head lost or renamed."""
    case = Draft(
        name="slim_inception_v3__keras_applications",
        provenance="tensorflow/models research/slim/nets/inception_v3.py (listed under TensorFlow "
        "1.15.5, with auxiliary head); target keras.applications.InceptionV3 of Keras 3.15.1",
        truth_basis="rule: both sides create the convolutions in the same order, shapes agree",
        tags=("cnn", "slim", "auto_numbered", "same_shape", "other_head"),
    )
    head = "InceptionV3/Logits/Conv2d_1c_1x1"
    shapes = {f"{head}/weights": (1, 1, 2048, 1001)}
    rows = variables("InceptionV3", classes=1001)
    _by_creation(case, rows, tuple(_v3()), {"predictions": head}, shapes)
    aux = "InceptionV3/AuxLogits/Conv2d_"
    for scope, shape in ((f"{aux}1b_1x1", (1, 1, 768, 128)), (f"{aux}2a_5x5", (5, 5, 128, 768))):
        case.source(f"{scope}/weights", shape)
        for leaf in NORM.split():
            case.source(f"{scope}/BatchNorm/{leaf}", shape[-1:])
    case.source(f"{aux}2b_1x1/weights", (1, 1, 768, 1001))
    case.source(f"{aux}2b_1x1/biases", (1001,))
    case.source("global_step", (), "int64")
    yield case
    named = case.changed(
        "slim_inception_v3_retrained_5_classes__keras_named_branches",
        "layers of the port named mixed5b_branch1_0 and so on, head of 5 classes in the port",
        "changed_head",
        "missing_targets",
    )
    named.resize("^predictions/", 5)
    named.drop_sources("AuxLogits|global_step")
    named.rename_sources(lambda name: name.replace("InceptionV3/", "model/features/"))
    names = _branch_names(tuple(_v3()))

    def rename(path: str) -> str:
        layer, leaf = path.split("/")
        kind = "_bn" if layer.startswith("batch") else ""
        return path if layer == "predictions" else f"{names[_number(layer)]}{kind}/{leaf}"

    named.rename_targets(rename)
    yield named


def _branch_names(plain: Sequence[Convolution]) -> list[str]:
    names, last, count = [], "", 0
    for scope, _ in plain:
        parts = scope.split("/")
        where = "stem" if len(parts) == 2 else f"{parts[1]}_{parts[2]}".lower().replace("_", "")
        count = count + 1 if where == last else 0
        last = where
        names.append(f"{where.replace('branch', '_branch')}_{count}")
    return names


def _v4() -> Iterator[Convolution]:
    yield from _stem("InceptionV4", "1a_3x3:32 2a_3x3:32 2b_3x3:64")
    top = "InceptionV4/Mixed_"
    yield f"{top}3a/Branch_1/Conv2d_0a_3x3", (3, 3, 64, 96)
    text = "0a_1x1:64 1a_3x3:96 / 0a_1x1:64 0b_1x7:64 0c_7x1:64 1a_3x3:96"
    yield from _branches(f"{top}4a", 160, text)
    yield f"{top}5a/Branch_0/Conv2d_1a_3x3", (3, 3, 192, 192)
    for block in "bc":
        text = "0a_1x1:96 / 0a_1x1:64 0b_3x3:96 / 0a_1x1:64 0b_3x3:96 0c_3x3:96 / 0b_1x1:96"
        yield from _branches(f"{top}5{block}", 384, text)
    text = "1a_3x3:384 / 0a_1x1:192 0b_3x3:224 1a_3x3:256"
    yield from _branches(f"{top}6a", 384, text)
    for block in "bcd":
        text = "0a_1x1:384 / 0a_1x1:192 0b_1x7:224 0c_7x1:256 / 0a_1x1:192 0b_7x1:192 0c_1x7:224 "
        text += "0d_7x1:224 0e_1x7:256 / 0b_1x1:128"
        yield from _branches(f"{top}6{block}", 1024, text)
    text = "0a_1x1:192 1a_3x3:192 / 0a_1x1:256 0b_1x7:256 0c_7x1:320 1a_3x3:320"
    yield from _branches(f"{top}7a", 1024, text)
    for block in "bc":
        text = "0a_1x1:256 / 0a_1x1:384 0b_1x3:256 0c_3x1:256<384 / 0a_1x1:384 0b_3x1:448 "
        text += "0c_1x3:512 0d_1x3:256 0e_3x1:256<512 / 0b_1x1:256"
        yield from _branches(f"{top}7{block}", 1536, text)


def v4() -> Iterator[Draft]:
    """Yield Inception v4 (fewer repeats) into a Keras port that numbers from 1."""
    case = Draft(
        name="slim_inception_v4_short__keras_auto_numbered",
        provenance="tensorflow/models research/slim/nets/inception_v4.py, blocks repeated 2, 3, 2 "
        "times; target the layer names of kentsommer/keras-inceptionV4 (conv2d_1, "
        "batch_normalization_1 in the order of creation)",
        truth_basis="rule: both sides create the convolutions in the same order",
        tags=("cnn", "slim", "auto_numbered", "same_shape", "other_head"),
    )
    for number, (scope, shape) in enumerate(_v4(), 1):
        _unit(case, scope, shape, f"conv2d_{number}", f"batch_normalization_{number}")
    case.dense("InceptionV4/Logits/Logits", "dense_1", (1536, 1001), "weights biases")
    aux = "InceptionV4/AuxLogits"
    for scope, shape in (("Conv2d_1b_1x1", (1, 1, 1024, 128)), ("Conv2d_2a", (5, 5, 128, 768))):
        case.source(f"{aux}/{scope}/weights", shape)
        for leaf in NORM.split():
            case.source(f"{aux}/{scope}/BatchNorm/{leaf}", shape[-1:])
    case.source(f"{aux}/Aux_logits/weights", (768, 1001))
    case.source(f"{aux}/Aux_logits/biases", (1001,))
    case.source("global_step", (), "int64")
    yield case


RESIDUAL = {
    "block35": "1x1:{0} / 0a_1x1:{0} 0b_3x3:{0} / 0a_1x1:{0} 0b_3x3:{1} 0c_3x3:{2}",
    "block17": "1x1:{0} / 0a_1x1:{1} 0b_1x7:{2} 0c_7x1:{0}",
    "block8": "1x1:192 / 0a_1x1:192 0b_1x3:{0} 0c_3x1:{1}",
}


def _residual(scope: str, kind: str, width: int, mixed: int, *sizes: int) -> Iterator[Convolution]:
    yield from _branches(scope, width, RESIDUAL[kind].format(*sizes))
    yield f"{scope}/Conv2d_1x1!", (1, 1, mixed, width)


def _resnet_v2(counts: tuple[int, int, int]) -> Iterator[Convolution]:
    top = "InceptionResnetV2"
    yield from _stem(top, "1a_3x3:32 2a_3x3:32 2b_3x3:64 3b_1x1:80 4a_3x3:192")
    text = "1x1:96 / 0a_1x1:48 0b_5x5:64 / 0a_1x1:64 0b_3x3:96 0c_3x3:96 / 0b_1x1:64"
    yield from _branches(f"{top}/Mixed_5b", 192, text)
    for i in range(1, counts[0] + 1):
        yield from _residual(f"{top}/Repeat/block35_{i}", "block35", 320, 128, 32, 48, 64)
    yield from _branches(f"{top}/Mixed_6a", 320, "1a_3x3:384 / 0a_1x1:256 0b_3x3:256 1a_3x3:384")
    for i in range(1, counts[1] + 1):
        yield from _residual(f"{top}/Repeat_1/block17_{i}", "block17", 1088, 384, 192, 128, 160)
    text = "0a_1x1:256 1a_3x3:384 / 0a_1x1:256 1a_3x3:288 / 0a_1x1:256 0b_3x3:288 1a_3x3:320"
    yield from _branches(f"{top}/Mixed_7a", 1088, text)
    for i in range(1, counts[2] + 1):
        yield from _residual(f"{top}/Repeat_2/block8_{i}", "block8", 2080, 448, 224, 256)
    yield from _residual(f"{top}/Block8", "block8", 2080, 448, 224, 256)
    yield f"{top}/Conv2d_7b_1x1", (1, 1, 2080, 1536)


def resnet_v2() -> Iterator[Draft]:
    """Yield Inception-ResNet v2 into the first part of keras.applications' model."""
    case = Draft(
        name="slim_inception_resnet_v2__keras_applications_to_block17_3",
        provenance="tensorflow/models research/slim/nets/inception_resnet_v2.py; target "
        "keras.applications.InceptionResNetV2 of Keras 3.15.1 up to block17_3",
        truth_basis="rule: both sides create the convolutions in the same order; block numbers",
        tags=("cnn", "slim", "auto_numbered", "same_shape", "truncated_target"),
    )
    convolutions = tuple(_resnet_v2((10, 20, 9)))
    plain = [item for item in convolutions if not item[0].endswith("!")]
    last = "InceptionResnetV2/Repeat_1/block17_3/Branch_1/Conv2d_0c_7x1"
    end = [scope for scope, _ in plain].index(last)
    top = "InceptionResnetV2"
    scopes = {f"block35_{i}_conv": f"{top}/Repeat/block35_{i}/Conv2d_1x1" for i in range(1, 11)}
    scopes |= {f"block17_{i}_conv": f"{top}/Repeat_1/block17_{i}/Conv2d_1x1" for i in range(1, 4)}

    def kept(row: Variable) -> bool:
        if row.layer in scopes:
            return True
        auto = row.layer.startswith(("conv2d", "batch_normalization"))
        return auto and _number(row.layer) <= end

    rows = [row for row in variables("InceptionResNetV2") if kept(row)]
    _by_creation(case, rows, plain, scopes, {})
    for scope, shape in convolutions:
        if f"{scope.removesuffix('!')}/weights" not in case.sources:
            case.source(f"{scope.removesuffix('!')}/weights", shape)
            leaves = ["biases"] if scope.endswith("!") else [f"BatchNorm/{n}" for n in NORM.split()]
            for leaf in leaves:
                case.source(f"{scope.removesuffix('!')}/{leaf}", shape[-1:])
    case.source(f"{top}/Logits/Logits/weights", (1536, 1001))
    case.source(f"{top}/Logits/Logits/biases", (1001,))
    case.source("global_step", (), "int64")
    yield case


def _resnet_v1(counts: tuple[int, int, int]) -> Iterator[Convolution]:
    top = "InceptionResnetV1"
    text = "1a_3x3:32 2a_3x3:32 2b_3x3:64 3b_1x1:80 4a_3x3:192 4b_3x3:256"
    yield from _stem(top, text)
    for i in range(1, counts[0] + 1):
        yield from _residual(f"{top}/Repeat/block35_{i}", "block35", 256, 96, 32, 32, 32)
    yield from _branches(f"{top}/Mixed_6a", 256, "1a_3x3:384 / 0a_1x1:192 0b_3x3:192 1a_3x3:256")
    for i in range(1, counts[1] + 1):
        yield from _residual(f"{top}/Repeat_1/block17_{i}", "block17", 896, 256, 128, 128, 128)
    text = "0a_1x1:256 1a_3x3:384 / 0a_1x1:256 1a_3x3:256 / 0a_1x1:256 0b_3x3:256 1a_3x3:256"
    yield from _branches(f"{top}/Mixed_7a", 896, text)
    for i in range(1, counts[2] + 1):
        yield from _residual(f"{top}/Repeat_2/block8_{i}", "block8", 1792, 384, 192, 192)
    yield from _residual(f"{top}/Block8", "block8", 1792, 384, 192, 192)


def facenet() -> Iterator[Draft]:
    """Yield facenet with shadows and Adam slots into the names of keras-facenet."""
    counts = (3, 4, 3)
    case = Draft(
        name="facenet_inception_resnet_v1_ema__keras_facenet",
        provenance="davidsandberg/facenet src/models/inception_resnet_v1.py (blocks repeated 3, 4, "
        "3 times, shadows of facenet.train); target layer names of nyoki-mtl/keras-facenet",
        truth_basis="rule: tf_to_keras notebook of keras-facenet; the last Block8 is Block8_4; "
        "raw values as a whole or shadows as a whole",
        tags=("cnn", "facenet", "ema", "other_head", "same_shape"),
    )
    for scope, shape in _resnet_v1(counts):
        parts = scope.removesuffix("!").split("/")[1:]
        if parts[0] == "Block8":
            parts[0] = f"Block8_{counts[2] + 1}"
        else:
            parts = [p for p in parts if not p.startswith("Repeat")]
        layer = "_".join(parts)
        layer = layer[0].upper() + layer[1:]
        if scope.endswith("!"):
            case.dense(scope[:-1], layer, shape, "weights biases", layer="Conv2D")
        else:
            _unit(case, scope, shape, layer, f"{layer}_BatchNorm")
    top = "InceptionResnetV1/Bottleneck"
    case.fill(f"{top}/weights", "Bottleneck/kernel", (1792, 128), "Dense")
    case.norm(f"{top}/BatchNorm", "Bottleneck_BatchNorm", 128, NORM, NORM)
    case.source("Logits/weights", (128, 500))
    case.source("Logits/biases", (500,))
    raw = list(case.truth)
    case.slots_of_all(("/ExponentialMovingAverage",))
    shadow = [
        {**e, "source": f"{e['source']}/ExponentialMovingAverage"}
        if f"{e['source']}/ExponentialMovingAverage" in case.sources
        else e
        for e in raw
    ]
    case.alternatives = [{"why": "shadows instead of raw values", "truth": shadow}]
    case.source("global_step", (), "int64")
    yield case


def cases() -> tuple[Case, ...]:
    """Return the cases of the Inception family."""
    return together(v1(), v3(), v4(), resnet_v2(), facenet())
