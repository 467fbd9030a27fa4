"""Detectors and pose networks: Mask R-CNN, the Object Detection API, YOLO v3, OpenPose, PoseNet.

Sources: matterport/Mask_RCNN mrcnn/model.py (Keras 2 H5), tensorflow/models research/
object_detection (SSD and Faster R-CNN extractors and predictors), wizyoung/YOLOv3_TensorFlow
model.py (slim names counted in order of creation), ildoonet/tf-pose-estimation network_cmu.py and
rwightman/posenet-python (names of the TensorFlow.js model). Targets: hand-written Keras 3 models
in the naming of known ports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.mapping_cases.draft import Draft, together

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scripts.mapping_cases.case import Case

SLIM = "weights biases"
MOBILENET = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
"""Output channels of the thirteen separable blocks of MobileNet v1 at depth 1."""


def mask_rcnn() -> Iterator[Draft]:
    """Yield Mask R-CNN: same layer names nested or not, and another class count."""
    case = Draft(
        name="mask_rcnn_matterport_h5__keras3_flat_13_classes",
        provenance="matterport/Mask_RCNN mrcnn/model.py (a short ResNet, 81 classes; the RPN is a "
        "nested model); target a Keras 3 port with short names and 13 classes",
        truth_basis="rule: equal stage, block and branch names; heads of another class count stay",
        source_format="keras_h5",
        order="file",
        tags=("detection", "mask_rcnn", "changed_head", "missing_targets", "same_shape"),
    )
    plain = "kernel bias"
    case.dense("conv1", "backbone/conv1", (7, 7, 3, 16), plain, layer="Conv2D")
    case.norm("bn_conv1", "backbone/conv1_bn", 16)
    width = 16
    for stage, (size, blocks) in {2: (16, "abc"), 3: (32, "abcd"), 4: (64, "abc")}.items():
        for block in blocks:
            parts = [("2a", 1, width, size), ("2b", 3, size, size), ("2c", 1, size, 4 * size)]
            if block == "a":
                parts.append(("1", 1, width, 4 * size))
            for part, kernel, entering, leaving in parts:
                have = f"{stage}{block}_branch{part}"
                path = f"backbone/stage{stage}/{block}/"
                path += "shortcut" if part == "1" else f"conv{'abc'.index(part[1]) + 1}"
                shape = (kernel, kernel, entering, leaving)
                case.dense(f"res{have}", path, shape, plain, layer="Conv2D")
                case.norm(f"bn{have}", f"{path}_bn", leaving)
            width = 4 * size
    for level, entering in ((4, 256), (3, 128), (2, 64)):
        name, path = f"fpn_c{level}p{level}", f"fpn/lateral{level}"
        case.dense(name, path, (1, 1, entering, 32), plain, layer="Conv2D")
    for level in (4, 3, 2):
        name, path = f"fpn_p{level}", f"fpn/output{level}"
        case.dense(name, path, (3, 3, 32, 32), plain, layer="Conv2D")
    for name, path, shape in (
        ("rpn_conv_shared", "rpn/shared", (3, 3, 32, 64)),
        ("rpn_class_raw", "rpn/objectness", (1, 1, 64, 6)),
        ("rpn_bbox_pred", "rpn/deltas", (1, 1, 64, 12)),
    ):
        case.dense(name, path, shape, plain, layer="Conv2D")
    _mask_heads(case, 81, 13)
    yield case


def _mask_heads(case: Draft, have: int, want: int) -> None:
    for number, shape in ((1, (7, 7, 32, 64)), (2, (1, 1, 64, 64))):
        name = f"mrcnn_class_conv{number}"
        case.dense(name, f"box_head/fc{number}", shape, layer="Conv2D")
        name = f"mrcnn_class_bn{number}"
        case.norm(name, f"box_head/fc{number}_bn", 64)
    for number in range(1, 5):
        name = f"mrcnn_mask_conv{number}"
        case.dense(name, f"mask_head/conv{number}", (3, 3, 32, 32), layer="Conv2D")
        name = f"mrcnn_mask_bn{number}"
        case.norm(name, f"mask_head/conv{number}_bn", 32)
    name = "mrcnn_mask_deconv"
    case.dense(name, "mask_head/upsample", (2, 2, 32, 32), layer="Conv2DTranspose")
    for name, path, shape in (
        ("mrcnn_class_logits", "box_head/scores", (64, have)),
        ("mrcnn_bbox_fc", "box_head/boxes", (64, 4 * have)),
        ("mrcnn_mask", "mask_head/masks", (1, 1, 32, have)),
    ):
        case.source(f"{name}/kernel", shape)
        case.source(f"{name}/bias", shape[-1:])
        layer = "Conv2D" if len(shape) == 4 else "Dense"
        size = shape[-1] * want // have
        case.target(f"{path}/kernel", (*shape[:-1], size), layer)
        case.target(f"{path}/bias", (size,), layer)


def _mobilenet(case: Draft, scope: str, path: str, *, short: int = 1) -> int:
    """Pair the thirteen blocks of MobileNet v1 and return the last width."""

    def unit(name: str, layer: str, leaf: str, shape: tuple[int, ...], kind: str) -> None:
        case.fill(f"{scope}/{name}/{leaf}", f"{path}/{layer}/kernel", shape, kind)
        size = shape[2] if kind == "DepthwiseConv2D" else shape[3]
        case.norm(f"{scope}/{name}/BatchNorm", f"{path}/{layer}_bn", size)

    width = 32 // short
    unit("Conv2d_0", "conv1", "weights", (3, 3, 3, width), "Conv2D")
    for number, full in enumerate(MOBILENET, 1):
        size = full // short
        name = f"Conv2d_{number}_depthwise"
        depthwise = (3, 3, width, 1)
        unit(name, f"conv_dw_{number}", "depthwise_weights", depthwise, "DepthwiseConv2D")
        name = f"Conv2d_{number}_pointwise"
        unit(name, f"conv_pw_{number}", "weights", (1, 1, width, size), "Conv2D")
        width = size
    return width


def ssd() -> Iterator[Draft]:
    """Yield SSD MobileNet v1 of the Object Detection API with shadows and RMSProp slots."""
    case = Draft(
        name="tfod_ssd_mobilenet_v1__keras3_ssd",
        provenance="tensorflow/models research/object_detection (ssd_mobilenet_v1_coco: "
        "models/ssd_mobilenet_v1_feature_extractor.py, feature_map_generators.py, "
        "predictors/convolutional_box_predictor.py, widths divided by 4); target a Keras 3 SSD "
        "written for this case",
        truth_basis="rule: block numbers; extra layers by number and kernel; predictors by number",
        tags=("detection", "slim", "slots", "natural_order"),
    )
    top = "FeatureExtractor/MobilenetV1"
    width = _mobilenet(case, top, "backbone", short=4)
    for number, (narrow, wide) in enumerate(((64, 128), (32, 64), (32, 64), (16, 32)), 2):
        for first, kernel, entering, leaving in (
            (1, "1x1", width, narrow),
            (2, "3x3_s2", narrow, wide),
        ):
            name = f"{top}/Conv2d_13_pointwise_{first}_Conv2d_{number}_{kernel}_{leaving}"
            path = f"extra/stage{number - 1}_{'reduce' if first == 1 else 'stride'}"
            high = int(kernel[0])
            shape = (high, high, entering, leaving)
            case.fill(f"{name}/weights", f"{path}/kernel", shape, "Conv2D")
            case.norm(f"{name}/BatchNorm", f"{path}_bn", leaving)
        width = wide
    inputs = (128, 256, 128, 64, 64, 32)
    for number, entering in enumerate(inputs):
        anchors = 6 if number else 3
        for have, want, size in (
            ("BoxEncodingPredictor", "box", 4 * anchors),
            ("ClassPredictor", "cls", 91 * anchors),
        ):
            name, path = f"BoxPredictor_{number}/{have}", f"heads/{want}_{number}"
            case.dense(name, path, (1, 1, entering, size), SLIM, layer="Conv2D")
    case.slots_of_all(("/RMSProp", "/RMSProp_1"), keep=lambda name: "Predictor" in name)
    case.source("global_step", (), "int64")
    yield case


def faster_rcnn() -> Iterator[Draft]:
    """Yield Faster R-CNN with a ResNet cut into two stages, and another class count."""
    case = Draft(
        name="tfod_faster_rcnn_resnet__keras3_20_classes",
        provenance="tensorflow/models research/object_detection (faster_rcnn_resnet50_coco: "
        "models/faster_rcnn_resnet_v1_feature_extractor.py, meta_architectures/"
        "faster_rcnn_meta_arch.py, one or two units a block, widths divided by 4, Momentum); "
        "target a Keras 3 two-stage detector written for this case, 20 classes",
        truth_basis="rule: block, unit and convolution numbers; block4 is the second stage",
        tags=("detection", "slim", "slots", "changed_head", "missing_targets"),
    )
    width, size = 16, 16
    stage = "FirstStageFeatureExtractor/resnet_v1_50"

    def unit(name: str, path: str, shape: tuple[int, ...]) -> None:
        case.fill(f"{name}/weights", f"{path}/kernel", shape, "Conv2D")
        case.norm(f"{name}/BatchNorm", f"{path}_bn", shape[-1])

    unit(f"{stage}/conv1", "stem/conv", (7, 7, 3, width))
    for block in range(1, 5):
        if block == 4:
            stage = "SecondStageFeatureExtractor/resnet_v1_50"
        for number in range(1, 3):
            name = f"{stage}/block{block}/unit_{number}/bottleneck_v1"
            path = f"{'roi' if block == 4 else 'features'}/res{block + 1}_{'ab'[number - 1]}"
            if number == 1:
                unit(f"{name}/shortcut", f"{path}/project", (1, 1, width, 4 * size))
            unit(f"{name}/conv1", f"{path}/reduce", (1, 1, width, size))
            unit(f"{name}/conv2", f"{path}/spatial", (3, 3, size, size))
            unit(f"{name}/conv3", f"{path}/expand", (1, 1, size, 4 * size))
            width = 4 * size
        size *= 2
    case.dense("Conv", "rpn/conv", (3, 3, 256, 128), SLIM, layer="Conv2D")
    first = "FirstStageBoxPredictor"
    case.dense(f"{first}/BoxEncodingPredictor", "rpn/boxes", (1, 1, 128, 48), SLIM, layer="Conv2D")
    case.dense(f"{first}/ClassPredictor", "rpn/objectness", (1, 1, 128, 24), SLIM, layer="Conv2D")
    second = "SecondStageBoxPredictor"
    for have, path, many, few in (
        ("BoxEncodingPredictor", "roi/boxes", 360, 80),
        ("ClassPredictor", "roi/scores", 91, 21),
    ):
        case.source(f"{second}/{have}/weights", (512, many))
        case.source(f"{second}/{have}/biases", (many,))
        case.target(f"{path}/kernel", (512, few), "Dense")
        case.target(f"{path}/bias", (few,), "Dense")
    case.slots_of_all(("/Momentum",))
    case.source("global_step", (), "int64")
    yield case


def yolo() -> Iterator[Draft]:
    """Yield YOLO v3 with slim names into an auto-numbered Keras port."""
    case = Draft(
        name="yolov3_wizyoung_slim__keras_yolo3",
        provenance="wizyoung/YOLOv3_TensorFlow model.py, utils/layer_utils.py (widths divided by "
        "4); target names of qqwweee/keras-yolo3 (conv2d_1, batch_normalization_1: in the order of "
        "the darknet file; the three outputs have biases)",
        truth_basis="rule: both sides create the convolutions in the order of the darknet file",
        tags=("detection", "yolo", "auto_numbered", "natural_order", "same_shape"),
    )
    total, norms = 0, 0
    counts = {"darknet53_body": 0, "yolov3_head": 0}

    def convolution(
        scope: str, kernel: int, entering: int, leaving: int, *, out: bool = False
    ) -> int:
        nonlocal total, norms
        number = counts[scope]
        counts[scope] += 1
        total += 1
        name = f"yolov3/{scope}/Conv{f'_{number}' if number else ''}"
        path, shape = f"conv2d_{total}", (kernel, kernel, entering, leaving)
        if out:
            case.dense(name, path, shape, SLIM, layer="Conv2D")
        else:
            norms += 1
            case.fill(f"{name}/weights", f"{path}/kernel", shape, "Conv2D")
            case.norm(f"{name}/BatchNorm", f"batch_normalization_{norms}", leaving)
        return leaving

    body, head = "darknet53_body", "yolov3_head"
    width = convolution(body, 3, 3, 8)
    for repeats, size in ((1, 16), (2, 32), (8, 64), (8, 128), (4, 256)):
        width = convolution(body, 3, width, size)
        for _ in range(repeats):
            convolution(body, 3, convolution(body, 1, size, size // 2), size)
    for size, skip in ((128, 0), (64, 128), (32, 64)):
        if skip:
            width = convolution(head, 1, width, size) + skip
        for _ in range(2):
            width = convolution(head, 3, convolution(head, 1, width, size), 2 * size)
        width = convolution(head, 1, width, size)
        convolution(head, 1, convolution(head, 3, width, 2 * size), 255, out=True)
    case.source("global_step", (), "int64")
    yield case


def openpose() -> Iterator[Draft]:
    """Yield OpenPose (CMU): six stages of twin branches that only the names tell apart."""
    case = Draft(
        name="openpose_tf_pose_cmu__keras3_stages",
        provenance="ildoonet/tf-pose-estimation tf_pose/network_cmu.py (widths divided by 4); "
        "target a Keras 3 model written for this case (block1_conv1, stage2_L1_conv1)",
        truth_basis="rule: equal stages and numbers; L1 and L2 are the branches",
        tags=("pose", "openpose", "same_shape", "lookalike"),
    )

    def put(name: str, path: str, shape: tuple[int, ...]) -> int:
        case.dense(
            f"openpose/{name}" if name[0] == "x" else name, path, shape, SLIM, layer="Conv2D"
        )
        return shape[-1]

    width = 3
    layers = {"1": (16, 16), "2": (32, 32), "3": (64, 64, 64, 64), "4": (128, 128)}
    for block, sizes in layers.items():
        for number, size in enumerate(sizes, 1):
            shape = (3, 3, width, size)
            width = put(f"conv{block}_{number}", f"block{block}_conv{number}", shape)
    width = put("conv4_3_CPM", "conv4_3_CPM", (3, 3, width, 64))
    width = put("conv4_4_CPM", "conv4_4_CPM", (3, 3, width, 32))
    base = width
    for branch, size in (("L1", 38), ("L2", 19)):
        width = base
        for number in range(1, 4):
            path = f"conv5_{number}_CPM_{branch}"
            width = put(path, f"stage1_{branch}_conv{number}", (3, 3, width, 32))
        width = put(f"conv5_4_CPM_{branch}", f"stage1_{branch}_conv4", (1, 1, width, 128))
        put(f"conv5_5_CPM_{branch}", f"stage1_{branch}_conv5", (1, 1, width, size))
    for stage in range(2, 7):
        for branch, size in (("L1", 38), ("L2", 19)):
            width = base + 57
            for number in range(1, 8):
                kernel = 7 if number < 6 else 1
                leaving = size if number == 7 else 32
                name = f"Mconv{number}_stage{stage}_{branch}"
                path = f"stage{stage}_{branch}_conv{number}"
                width = put(name, path, (kernel, kernel, width, leaving))
    yield case


def posenet() -> Iterator[Draft]:
    """Yield PoseNet: MobileNet without normalizations and four heads numbered ``heatmap_2``."""
    case = Draft(
        name="posenet_mobilenet_v1_npz__keras3",
        provenance="rwightman/posenet-python posenet/converter (names of TensorFlow.js weights, "
        "MobilenetV1/..., multiplier 0.5); target a Keras 3 model made for this case",
        truth_basis="rule: block numbers; heads by name",
        source_format="npz",
        order="none",
        tags=("pose", "posenet", "natural_order"),
    )
    width = 16
    name = "MobilenetV1/Conv2d_0"
    case.dense(name, "conv0", (3, 3, 3, width), SLIM, layer="Conv2D")
    for number, full in enumerate(MOBILENET, 1):
        size = full // 2
        name, path = f"MobilenetV1/Conv2d_{number}", f"conv{number}"
        case.fill(
            f"{name}_depthwise/depthwise_weights",
            f"{path}_depthwise/kernel",
            (3, 3, width, 1),
            "DepthwiseConv2D",
        )
        bias = f"{path}_depthwise/bias"
        case.fill(f"{name}_depthwise/biases", bias, (width,), "DepthwiseConv2D")
        shape = (1, 1, width, size)
        case.dense(f"{name}_pointwise", f"{path}_pointwise", shape, SLIM, layer="Conv2D")
        width = size
    for have, want, size in (
        ("heatmap_2", "heatmaps", 17),
        ("offset_2", "offsets", 34),
        ("displacement_fwd_2", "displacements_forward", 32),
        ("displacement_bwd_2", "displacements_backward", 32),
    ):
        case.dense(f"MobilenetV1/{have}", want, (1, 1, width, size), SLIM, layer="Conv2D")
    for have, size in (("partheat_2", 24), ("partoff_2", 48), ("segment_2", 1)):
        case.source(f"MobilenetV1/{have}/weights", (1, 1, width, size))
        case.source(f"MobilenetV1/{have}/biases", (size,))
    case.shuffle(11)
    yield case


def cases() -> tuple[Case, ...]:
    """Return the cases of detectors and pose networks."""
    return together(mask_rcnn(), ssd(), faster_rcnn(), yolo(), openpose(), posenet())
