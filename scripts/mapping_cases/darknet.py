"""Darknet weights as lists: beta, gamma, mean, variance, kernel for each normalized convolution.

Source of the order: ``load_convolutional_weights`` in pjreddie/darknet ``src/parser.c``; of the
networks: ``cfg/yolov2.cfg``, ``cfg/yolov3.cfg``, ``cfg/yolov3-tiny.cfg`` of the same repository; of
the target names: qqwweee/keras-yolo3 ``yolo3/model.py`` and allanzelener/YAD2K.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scripts.mapping_cases.case import Case

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

OIHW = "transpose:2,3,1,0"


@dataclass(frozen=True, slots=True)
class Convolution:
    """One ``[convolutional]`` section and the number of the sections that feed it."""

    size: int
    inputs: int
    filters: int
    normalized: bool = True


@dataclass(kw_only=True)
class Network:
    """Convolutions in the order of the configuration, with the depth at which Keras lists them."""

    convolutions: list[Convolution] = field(default_factory=list)
    order: list[int] = field(default_factory=list)

    def add(self, size: int, inputs: int, filters: int, *, normalized: bool = True) -> int:
        """Append a convolution; return its output channels."""
        self.convolutions.append(Convolution(size, inputs, filters, normalized))
        return filters


def darknet53() -> Network:
    """Return the 52 convolutions of the backbone of YOLOv3."""
    network = Network()
    channels = network.add(3, 3, 32)
    for filters, count in ((64, 1), (128, 2), (256, 8), (512, 8), (1024, 4)):
        channels = network.add(3, channels, filters)
        for _ in range(count):
            network.add(1, filters, filters // 2)
            network.add(3, filters // 2, filters)
    return network


def yolo3(classes: int) -> Network:
    """Return the 75 convolutions of YOLOv3; Keras lists the three heads side by side at the end."""
    network, out = darknet53(), 3 * (classes + 5)
    heads, channels = [], 1024
    for filters, skip in ((512, 512), (256, 256), (128, 0)):
        for _ in range(2):
            channels = network.add(1, channels, filters)
            channels = network.add(3, channels, filters * 2)
        network.add(1, channels, filters)
        heads.append(len(network.convolutions))
        network.add(3, filters, filters * 2)
        network.add(1, filters * 2, out, normalized=False)
        if skip:
            channels = network.add(1, filters, filters // 2) + skip
    last = [(heads[0], heads[1], heads[2]), (heads[0] + 1, heads[1] + 1, heads[2] + 1)]
    late = [number for group in last for number in group]
    network.order = [n for n in range(len(network.convolutions)) if n not in late] + late
    return network


def yolo2(classes: int) -> Network:
    """Return the 23 convolutions of YOLOv2 (passthrough: 64 filters from a 512 channel layer)."""
    network, channels = Network(), 3
    plan = "32 64 128 64. 128 256 128. 256 512 256. 512 256. 512 1024 512. 1024 512. 1024 1024 1024"
    for word in plan.split():
        size = 1 if word.endswith(".") else 3
        channels = network.add(size, channels, int(word.rstrip(".")))
    network.add(1, 512, 64)
    network.add(3, 1280, 1024)
    network.add(1, 1024, 5 * (classes + 5), normalized=False)
    return network


def tiny(classes: int) -> Network:
    """Return the 13 convolutions of YOLOv3-tiny."""
    network, channels = Network(), 3
    for filters in (16, 32, 64, 128, 256, 512, 1024):
        channels = network.add(3, channels, filters)
    network.add(1, 1024, 256)
    network.add(3, 256, 512)
    network.add(1, 512, 3 * (classes + 5), normalized=False)
    network.add(1, 256, 128)
    network.add(3, 384, 256)
    network.add(1, 256, 3 * (classes + 5), normalized=False)
    network.order = [0, 1, 2, 3, 4, 5, 6, 7, 10, 8, 11, 9, 12]
    return network


def _list(case: Case, network: Network, *, names: Sequence[str], norms: Sequence[str]) -> None:
    """Add the list and the model; ``names`` and ``norms`` are the layers in creation order."""
    rows: dict[int, list[tuple[str, tuple[int, ...], str]]] = {}
    order = network.order or list(range(len(network.convolutions)))
    norm_of, used = {}, 0
    for number, conv in enumerate(network.convolutions):
        if conv.normalized:
            norm_of[number] = norms[used]
            used += 1
    for number in order:
        conv = network.convolutions[number]
        shape = (conv.size, conv.size, conv.inputs, conv.filters)
        kernel = case.target(f"{names[number]}/kernel", shape, "Conv2D")
        stored = (conv.filters, conv.inputs, conv.size, conv.size)
        vectors = _vectors(case, conv, names[number], norm_of.get(number, ""))
        rows[number] = [(path, (conv.filters,), "identity") for path in vectors]
        rows[number].append((kernel, stored, OIHW))
    for number in range(len(network.convolutions)):
        for path, shape, transform in rows[number]:
            case.edge(case.source(f"arr_{len(case.sources)}", shape), path, transform)


def _vectors(case: Case, conv: Convolution, name: str, norm: str) -> list[str]:
    """Add bias or batch normalization; return the targets in the order of the file."""
    if not conv.normalized:
        return [case.target(f"{name}/bias", (conv.filters,), "Conv2D")]
    path = {
        leaf: case.target(
            f"{norm}/{leaf}",
            (conv.filters,),
            "BatchNormalization",
            trainable=not leaf.startswith("moving"),
        )
        for leaf in ("gamma", "beta", "moving_mean", "moving_variance")
    }
    return [path["beta"], path["gamma"], path["moving_mean"], path["moving_variance"]]


def _auto(word: str, count: int, first: int) -> list[str]:
    return [f"{word}_{n}" if n else word for n in range(first, first + count)]


def _case(name: str, provenance: str, *tags: str) -> Case:
    return Case(
        name=name,
        provenance=provenance,
        truth_basis="rule: sections of the configuration in order; kernels are (out, in, h, w)",
        source_format="npy_list",
        order="file",
        tags=("nameless", "darknet", *tags),
    )


def cases() -> Iterator[Case]:
    """Yield the cases of this family."""
    plans = (
        ("yolov3", yolo3(80), 0, "heads side by side in model.weights, numbers by creation"),
        ("yolov2", yolo2(80), 1, "names from 1 on"),
        ("yolov3_tiny", tiny(20), 0, "heads side by side"),
    )
    for word, network, first, what in plans:
        case = _case(
            f"darknet_{word}_list__keras",
            f"arrays of {word}.weights in file order (pjreddie/darknet src/parser.c, cfg/); target "
            f"the Keras model after qqwweee/keras-yolo3 and allanzelener/YAD2K: {what}",
            "detection",
            "oihw",
        )
        count = len(network.convolutions)
        _list(
            case,
            network,
            names=_auto("conv2d", count, first),
            norms=_auto("batch_normalization", count, first),
        )
        yield case
    network = darknet53()
    case = _case(
        "darknet53_backbone_list__keras3_named",
        "darknet53.conv.74 as a list (the backbone of YOLOv3); target a Keras 3 model whose layers "
        "are named by stage and unit",
        "backbone",
        "oihw",
    )
    names = _stage_names()
    _list(case, network, names=names, norms=[f"{name}_bn" for name in names])
    yield case


def _stage_names() -> list[str]:
    names = ["stem"]
    for stage, count in enumerate((1, 2, 8, 8, 4), 1):
        names.append(f"stage{stage}_down")
        for unit in range(1, count + 1):
            names += [f"stage{stage}_unit{unit}_reduce", f"stage{stage}_unit{unit}_expand"]
    return names
