"""Segmentation networks: DeepLab v3+ with Xception, and a U-Net and a SegNet of TF1.

Sources: tensorflow/models research/deeplab (core/xception.py, model.py), jakeret/tf_unet
tf_unet/unet.py and layers.py, tkuanlun350/Tensorflow-SegNet model.py. Targets: the layer names of
bonlime/keras-deeplab-v3-plus (extract_weights.py is the truth) and Keras 3 models of our own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.mapping_cases.draft import Draft, together

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scripts.mapping_cases.case import Case


def _convolution(case: Draft, name: str, layer: str, shape: tuple[int, ...]) -> None:
    case.fill(f"{name}/weights", f"{layer}/kernel", shape, "Conv2D")
    case.norm(f"{name}/BatchNorm", f"{layer}_BN", shape[-1])


def _separable(case: Draft, name: str, layer: str, width: int, size: int) -> int:
    """Pair a depthwise and a pointwise convolution, each with its normalization."""
    depthwise = f"{name}_depthwise"
    kernel = f"{layer}_depthwise/depthwise_kernel"
    case.fill(f"{depthwise}/depthwise_weights", kernel, (3, 3, width, 1), "DepthwiseConv2D")
    case.norm(f"{depthwise}/BatchNorm", f"{layer}_depthwise_BN", width)
    _convolution(case, f"{name}_pointwise", f"{layer}_pointwise", (1, 1, width, size))
    return size


def deeplab() -> Iterator[Draft]:
    """Yield DeepLab v3+ (four middle units) into the names of keras-deeplab-v3-plus."""
    case = Draft(
        name="deeplab_xception65_momentum__keras_deeplab_v3_plus",
        provenance="tensorflow/models research/deeplab core/xception.py, model.py (4 middle "
        "units, widths divided by 8, Momentum); target names of bonlime/keras-deeplab-v3-plus",
        truth_basis="rule: extract_weights.py of keras-deeplab-v3-plus",
        tags=("segmentation", "deeplab", "slots", "same_shape", "natural_order"),
    )
    top = "xception_65"
    flow = f"{top}/entry_flow"
    _convolution(case, f"{flow}/conv1_1", "entry_flow_conv1_1", (3, 3, 3, 4))
    _convolution(case, f"{flow}/conv1_2", "entry_flow_conv1_2", (3, 3, 4, 8))
    width = 8

    def module(name: str, layer: str, sizes: tuple[int, int, int], *, shortcut: bool) -> int:
        inner = width
        for number, size in enumerate(sizes, 1):
            part = f"separable_conv{number}"
            inner = _separable(
                case, f"{name}/xception_module/{part}", f"{layer}_{part}", inner, size
            )
        if shortcut:
            shape = (1, 1, width, sizes[-1])
            _convolution(case, f"{name}/xception_module/shortcut", f"{layer}_shortcut", shape)
        return sizes[-1]

    for block, size in enumerate((16, 32, 92), 1):
        name, layer = f"{flow}/block{block}/unit_1", f"entry_flow_block{block}"
        width = module(name, layer, (size, size, size), shortcut=True)
    for unit in range(1, 5):
        name = f"{top}/middle_flow/block1/unit_{unit}"
        width = module(name, f"middle_flow_unit_{unit}", (92, 92, 92), shortcut=False)
    flow = f"{top}/exit_flow"
    width = module(f"{flow}/block1/unit_1", "exit_flow_block1", (92, 128, 128), shortcut=True)
    width = module(f"{flow}/block2/unit_1", "exit_flow_block2", (192, 192, 256), shortcut=False)
    _convolution(case, "image_pooling", "image_pooling", (1, 1, width, 32))
    _convolution(case, "aspp0", "aspp0", (1, 1, width, 32))
    for number in range(1, 4):
        _separable(case, f"aspp{number}", f"aspp{number}", width, 32)
    _convolution(case, "concat_projection", "concat_projection", (1, 1, 160, 32))
    name = "decoder/feature_projection0"
    _convolution(case, name, "feature_projection0", (1, 1, 32, 6))
    _separable(case, "decoder/decoder_conv0", "decoder_conv0", 38, 32)
    _separable(case, "decoder/decoder_conv1", "decoder_conv1", 32, 32)
    head = "logits/semantic"
    case.dense(head, "logits_semantic", (1, 1, 32, 21), "weights biases", layer="Conv2D")
    case.slots_of_all(("/Momentum",), keep=lambda name: not name.startswith(top))
    case.source("global_step", (), "int64")
    yield case
    other = case.changed(
        "deeplab_xception65_renamed__keras_other_head_without_decoder",
        "scope of the file under model/, the architecture has no decoder and 5 classes",
        "changed_head",
        "missing_targets",
    )
    other.rename_sources(lambda name: f"model/{name}")
    other.drop_targets("^(decoder_conv|feature_projection)")
    other.resize("^logits_semantic/", 5)
    yield other


def unet() -> Iterator[Draft]:
    """Yield tf_unet (w1, b1, wd) into a U-Net with readable names."""
    case = Draft(
        name="jakeret_tf_unet_momentum__keras3_unet",
        provenance="jakeret/tf_unet tf_unet/unet.py and layers.py (4 layers, 16 features, "
        "Momentum); target a Keras 3 U-Net written for this case",
        truth_basis="rule: layer numbers; up_conv_i works at the resolution of down_conv_i",
        tags=("segmentation", "unet", "old_names", "slots", "same_shape"),
    )
    layers, root = 4, 16

    def pair(name: str, layer: str, number: int, shape: tuple[int, ...]) -> None:
        case.fill(f"{name}/w{number}", f"{layer}/conv{number}/kernel", shape, "Conv2D")
        case.fill(f"{name}/b{number}", f"{layer}/conv{number}/bias", shape[-1:], "Conv2D")

    width = 3
    for layer in range(layers):
        size = root << layer
        name, path = f"down_conv_{layer}", f"unet/encoder_{layer}"
        pair(name, path, 1, (3, 3, width, size))
        pair(name, path, 2, (3, 3, size, size))
        width = size
    for layer in range(layers - 2, -1, -1):
        size = root << layer
        name, path = f"up_conv_{layer}", f"unet/decoder_{layer}"
        up = f"{path}/upsample"
        case.fill(f"{name}/wd", f"{up}/kernel", (2, 2, size, 2 * size), "Conv2DTranspose")
        case.fill(f"{name}/bd", f"{up}/bias", (size,), "Conv2DTranspose")
        pair(name, path, 1, (3, 3, 2 * size, size))
        pair(name, path, 2, (3, 3, size, size))
    case.dense("output_map", "unet/classes", (1, 1, root, 2), "weight bias", layer="Conv2D")
    case.slots_of_all(("/Momentum",))
    case.source("global_step", (), "int32")
    case.source("norm_gradients", (30,))
    yield case


def segnet() -> Iterator[Draft]:
    """Yield SegNet: seven equal kernels, told apart by conv2 ... conv_decode1 alone."""
    case = Draft(
        name="segnet_tkuanlun350_ema__keras3_segnet",
        provenance="tkuanlun350/Tensorflow-SegNet model.py (width 16; normalizations have neither "
        "gamma nor beta; shadows and Adam slots); target a Keras 3 model written for this case",
        truth_basis="rule: layer numbers; shadows as a whole or raw values as a whole",
        tags=("segmentation", "segnet", "old_names", "ema", "slots", "same_shape"),
    )
    wide = 16

    def unit(name: str, layer: str, width: int) -> None:
        shape = (7, 7, width, wide)
        case.fill(f"{name}/ort_weights", f"{layer}_conv/kernel", shape, "Conv2D")
        case.fill(f"{name}/biases", f"{layer}_conv/bias", (wide,), "Conv2D")
        leaves = "moving_mean moving_variance"
        case.norm(f"{name}/{name}_bn", f"{layer}_bn", wide, leaves, leaves)

    for number in range(1, 5):
        unit(f"conv{number}", f"enc{number}", 3 if number == 1 else wide)
    for number in range(4, 0, -1):
        kernel = f"dec{number}_up/kernel"
        case.fill(f"up{number}/up_filter", kernel, (2, 2, wide, wide), "Conv2DTranspose")
        unit(f"conv_decode{number}", f"dec{number}", wide)
    head = (1, 1, wide, 11)
    case.dense("conv_classifier", "classifier", head, "weights biases", layer="Conv2D")
    raw = list(case.truth)
    case.slots_of_all(("/Adam", "/Adam_1", "/ExponentialMovingAverage"))
    shadow = "/ExponentialMovingAverage"
    other = [
        {**e, "source": e["source"] + shadow} if e["source"] + shadow in case.sources else e
        for e in raw
    ]
    case.alternatives = [{"why": "shadows instead of raw values", "truth": other}]
    for name in ("total_loss/avg", "conv_classifier/weight_loss/avg", "beta1_power", "beta2_power"):
        case.source(name)
    case.source("Variable", (), "int32")
    yield case


def cases() -> tuple[Case, ...]:
    """Return the cases of segmentation networks."""
    return together(deeplab(), unet(), segnet())
