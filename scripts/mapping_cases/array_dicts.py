# ruff: noqa: E501 - tables with long rows
"""Pickled dictionaries of arrays: converted Caffe models, MTCNN, SoundNet, PyTorch state.

Names and shapes after davidsandberg/facenet ``src/align/detect_face.py``, ethereon/caffe-tensorflow
(``kaffe``), the AlexNet page of the University of Toronto (``bvlc_alexnet.npy``), tensorpack
``examples/CaffeModels``, eborboihuc/SoundNet-tensorflow and pytorch/vision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.mapping_cases.case import Case

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

VGG16 = (("conv1", (64, 64)), ("conv2", (128, 128)), ("conv3", (256,) * 3))
VGG16 += (("conv4", (512,) * 3), ("conv5", (512,) * 3))


def _case(name: str, provenance: str, basis: str, *tags: str) -> Case:
    return Case(
        name=name,
        provenance=provenance,
        truth_basis=basis,
        source_format="npy_dict",
        order="none",
        tags=tags,
    )


def _mtcnn() -> Iterator[Case]:
    nets = {
        "det1": [("conv1", 3, 3, 10), ("conv2", 3, 10, 16), ("conv3", 3, 16, 32)],
        "det2": [("conv1", 3, 3, 28), ("conv2", 3, 28, 48), ("conv3", 2, 48, 64)],
        "det3": [("conv1", 3, 3, 32), ("conv2", 3, 32, 64), ("conv3", 3, 64, 64)],
    }
    nets["det3"].append(("conv4", 2, 64, 128))
    denses = {"det1": [], "det2": [("conv4", 576, 128)], "det3": [("conv5", 1152, 256)]}
    heads = {
        "det1": [("conv4-1", 2, "face"), ("conv4-2", 4, "box")],
        "det2": [("conv5-1", 2, "face"), ("conv5-2", 4, "box")],
        "det3": [("conv6-1", 2, "face"), ("conv6-2", 4, "box"), ("conv6-3", 10, "landmark")],
    }
    for net, convolutions in nets.items():
        case = _case(
            f"facenet_{net}_npy__keras3",
            f"{net}.npy of davidsandberg/facenet (src/align/detect_face.py), flattened to "
            "layer/parameter; target a Keras 3 functional model for the same transposed images",
            "rule: layer numbers; the heads by their size",
            "detection",
            "prelu",
        )
        prelu = "PReLU" if net == "det1" else "prelu"
        layers = [*convolutions, *denses[net]]
        for number, (name, *shape) in enumerate(layers, 1):
            kind = "Conv2D" if len(shape) == 3 else "Dense"
            want = (shape[0], *shape) if len(shape) == 3 else tuple(shape)
            path = f"conv{number}" if kind == "Conv2D" else "hidden"
            case.pair(f"{name}/weights", f"{path}/kernel", want, kind)
            case.pair(f"{name}/biases", f"{path}/bias", want[-1:], kind)
            alpha = case.source(f"{prelu}{number}/alpha", want[-1:])
            slopes = want[-1:] if kind == "Dense" else (1, 1, want[-1])
            target = case.target(f"act{number}/alpha", slopes, "PReLU")
            case.edge(alpha, target, "reshape" if kind == "Conv2D" else "identity")
        width = layers[-1][-1]
        for name, out, path in heads[net]:
            shape = (1, 1, width, out) if net == "det1" else (width, out)
            kind = "Conv2D" if net == "det1" else "Dense"
            case.pair(f"{name}/weights", f"{path}/kernel", shape, kind)
            case.pair(f"{name}/biases", f"{path}/bias", (out,), kind)
        case.sources = dict(reversed(case.sources.items()))
        yield case


def _alexnet() -> Iterator[Case]:
    case = _case(
        "bvlc_alexnet_npy__keras3",
        "bvlc_alexnet.npy (Caffe AlexNet converted with ethereon/caffe-tensorflow): name -> "
        "[weights, biases], flattened to name/0 and name/1; target Keras 3, grouped convolutions",
        "rule: layer numbers; grouped kernels are stored as (h, w, in / 2, out)",
        "cnn",
        "grouped",
    )
    rows = [("conv1", (11, 11, 3, 96)), ("conv2", (5, 5, 48, 256)), ("conv3", (3, 3, 256, 384))]
    rows += [("conv4", (3, 3, 192, 384)), ("conv5", (3, 3, 192, 256)), ("fc6", (9216, 4096))]
    rows += [("fc7", (4096, 4096)), ("fc8", (4096, 1000))]
    for number, (name, shape) in enumerate(rows):
        kind = "Conv2D" if len(shape) == 4 else "Dense"
        index = number if kind == "Conv2D" else number - 5
        word = ("conv2d" if kind == "Conv2D" else "dense") + (f"_{index}" if index else "")
        case.pair(f"{name}/0", f"alexnet/{word}/kernel", shape, kind)
        case.pair(f"{name}/1", f"alexnet/{word}/bias", shape[-1:], kind)
    yield case


def _vgg_rows() -> list[tuple[str, tuple[int, ...]]]:
    rows: list[tuple[str, tuple[int, ...]]] = []
    channels = 3
    for block, widths in VGG16:
        for number, width in enumerate(widths, 1):
            rows.append((f"{block}_{number}", (3, 3, channels, width)))
            channels = width
    return [*rows, ("fc6", (25088, 4096)), ("fc7", (4096, 4096)), ("fc8", (4096, 1000))]


def _keras_vgg(name: str) -> str:
    if name.startswith("fc"):
        return {"fc6": "fc1", "fc7": "fc2", "fc8": "predictions"}[name]
    block, number = name.removeprefix("conv").split("_")
    return f"block{block}_conv{number}"


def _vgg() -> Iterator[Case]:
    spellings = (
        ("vgg16_caffe_npy", "{}/{}", ("weights", "biases"), "ethereon/caffe-tensorflow vgg16.npy"),
        ("vgg16_tensorpack_npz", "{}/{}:0", ("W", "b"), "tensorpack examples/CaffeModels vgg16"),
        ("vgg16_toronto_npz", "{}_{}", ("W", "b"), "vgg16_weights.npz (sorted keys)"),
    )
    for word, spelling, leaves, provenance in spellings:
        case = _case(
            f"{word}__keras_applications_vgg16",
            f"{provenance}; target keras.applications.VGG16; its fc1, fc2 and predictions are fc6, "
            "fc7 and fc8 of the source",
            "rule: block and layer numbers",
            "cnn",
            "natural_order",
        )
        case.source_format = "npz" if word.endswith("npz") else "npy_dict"
        for name, shape in _vgg_rows():
            kind = "Dense" if name.startswith("fc") else "Conv2D"
            for leaf, role, dims in zip(
                leaves, ("kernel", "bias"), (shape, shape[-1:]), strict=True
            ):
                case.pair(spelling.format(name, leaf), f"{_keras_vgg(name)}/{role}", dims, kind)
        case.sources = dict(sorted(case.sources.items()))
        yield case
    case = _case(
        "vgg16_caffe_npy__fully_convolutional",
        "vgg16.npy of ethereon/caffe-tensorflow; target an FCN (fc6 and fc7 as convolutions, other "
        "class count), layers numbered by Keras 3",
        "rule: block and layer numbers; fc6 becomes a (7, 7) kernel, fc8 has no place",
        "cnn",
        "dense_to_conv",
        "other_head",
    )
    for number, (name, shape) in enumerate(_vgg_rows()):
        path = f"fcn/conv2d_{number}" if number else "fcn/conv2d"
        want = {"fc6": (7, 7, 512, 4096), "fc7": (1, 1, 4096, 4096)}.get(name, shape)
        if name == "fc8":
            case.source("fc8/weights", shape)
            case.source("fc8/biases", shape[-1:])
            case.target(f"{path}/kernel", (1, 1, 4096, 21), "Conv2D")
            case.target(f"{path}/bias", (21,), "Conv2D")
            continue
        how = "identity" if want == shape else "reshape"
        case.pair(f"{name}/weights", f"{path}/kernel", shape, "Conv2D", want=want, transform=how)
        case.pair(f"{name}/biases", f"{path}/bias", shape[-1:], "Conv2D")
    yield case


def _soundnet() -> Iterator[Case]:
    case = _case(
        "soundnet_npy__keras3_conv2d",
        "sound8.npy of eborboihuc/SoundNet-tensorflow (conv1..conv8, conv8_2; weights, biases, "
        "mean, var, gamma, beta); target Keras 3 with Conv2D over (time, 1)",
        "rule: layer numbers; the two heads by their size",
        "audio",
        "same_shape",
    )
    widths = (1, 16, 32, 64, 128, 256, 512, 1024)
    sizes = (64, 32, 16, 8, 4, 4, 4)
    for number, size in enumerate(sizes, 1):
        inputs, filters = widths[number - 1], widths[number]
        shape = (size, 1, inputs, filters)
        case.pair(f"conv{number}/weights", f"conv_{number}/kernel", shape, "Conv2D")
        case.pair(f"conv{number}/biases", f"conv_{number}/bias", (filters,), "Conv2D")
        names = {"gamma": "gamma", "beta": "beta", "mean": "moving_mean", "var": "moving_variance"}
        for leaf, role in names.items():
            case.pair(
                f"conv{number}/{leaf}",
                f"bn_{number}/{role}",
                (filters,),
                "BatchNormalization",
                trainable=role in {"gamma", "beta"},
            )
    for name, path, out in (("conv8", "objects", 1000), ("conv8_2", "scenes", 401)):
        case.pair(f"{name}/weights", f"{path}/kernel", (8, 1, 1024, out), "Conv2D")
        case.pair(f"{name}/biases", f"{path}/bias", (out,), "Conv2D")
    yield case


def _state_dict(case: Case, blocks: Sequence[int]) -> None:
    """Add a PyTorch-like ResNet of basic blocks and its Keras twin."""
    pairs = [("conv1", "bn1", "stem_conv", "stem_bn", (3, 64, 7))]
    channels = 64
    for stage, count in enumerate(blocks, 1):
        width = 32 << stage
        for block in range(count):
            old, new = f"layer{stage}.{block}", f"stage{stage}_block{block + 1}"
            pairs.append(
                (f"{old}.conv1", f"{old}.bn1", f"{new}_1_conv", f"{new}_1_bn", (channels, width, 3))
            )
            pairs.append(
                (f"{old}.conv2", f"{old}.bn2", f"{new}_2_conv", f"{new}_2_bn", (width, width, 3))
            )
            if channels != width:
                pairs.append(
                    (
                        f"{old}.downsample.0",
                        f"{old}.downsample.1",
                        f"{new}_0_conv",
                        f"{new}_0_bn",
                        (channels, width, 1),
                    )
                )
            channels = width
    for conv, norm, new_conv, new_norm, (inputs, out, size) in pairs:
        stored, want = (out, inputs, size, size), (size, size, inputs, out)
        case.pair(
            f"{conv}.weight",
            f"{new_conv}/kernel",
            stored,
            "Conv2D",
            want=want,
            transform="transpose:2,3,1,0",
        )
        names = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean"}
        names |= {"running_var": "moving_variance"}
        for leaf, role in names.items():
            case.pair(
                f"{norm}.{leaf}",
                f"{new_norm}/{role}",
                (out,),
                "BatchNormalization",
                trainable=not role.startswith("moving"),
            )
        case.source(f"{norm}.num_batches_tracked", (), "int64")
    case.pair(
        "fc.weight",
        "logits/kernel",
        (1000, 512),
        "Dense",
        want=(512, 1000),
        transform="transpose:1,0",
    )
    case.pair("fc.bias", "logits/bias", (1000,), "Dense")


def _torch() -> Iterator[Case]:
    case = _case(
        "torchvision_resnet18_state_npz__keras3",
        "state dict of resnet18 (pytorch/vision, torchvision/models/resnet.py), np.savez; "
        "target a Keras 3 model named by stage and block",
        "rule: stage and block numbers; kernels (out, in, h, w), dense (out, in)",
        "cnn",
        "oihw",
        "same_shape",
    )
    case.source_format, case.order = "npz", "file"
    _state_dict(case, (2, 2, 2, 2))
    yield case


def _esrgan() -> Iterator[Case]:
    case = _case(
        "esrgan_rrdb_state_npz__keras3",
        "xinntao/ESRGAN RRDBNet_arch.py state dict as npz (RRDB_trunk.N.RDBn.convn, trunk_conv, upconv1, HRconv, conv_last), 8 blocks; target Keras 3 counted from 0",
        "rule: block, dense block and convolution numbers; kernels (out, in, h, w)",
        "super_resolution",
        "oihw",
        "natural_order",
        "same_shape",
    )
    case.source_format, case.order = "npz", "file"
    rows = [("conv_first", "shallow", 3, 64)]
    for block in range(8):
        for dense in range(3):
            for number in range(5):
                inputs, out = 64 + 32 * number, 32 if number < 4 else 64
                old = f"RRDB_trunk.{block}.RDB{dense + 1}.conv{number + 1}"
                rows.append((old, f"rrdb_{block}/dense_{dense}/conv_{number}", inputs, out))
    rows += [("trunk_conv", "trunk", 64, 64), ("upconv1", "upsample_0", 64, 64)]
    rows += [("upconv2", "upsample_1", 64, 64), ("HRconv", "high_resolution", 64, 64)]
    rows += [("conv_last", "output", 64, 3)]
    for old, new, inputs, out in rows:
        case.pair(
            f"{old}.weight",
            f"{new}/kernel",
            (out, inputs, 3, 3),
            "Conv2D",
            want=(3, 3, inputs, out),
            transform="transpose:2,3,1,0",
        )
        case.pair(f"{old}.bias", f"{new}/bias", (out,), "Conv2D")
    yield case


def cases() -> Iterator[Case]:
    """Yield the cases of this family."""
    for family in (_mtcnn, _alexnet, _vgg, _soundnet, _torch, _esrgan):
        yield from family()
