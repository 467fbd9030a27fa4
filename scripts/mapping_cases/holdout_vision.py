# ruff: noqa: E501 - tables with long rows
"""Vision networks with scopes of their own: pyramids, style transfer, residual nets of other tools.

Naming after google/automl ``efficientdet``, fizyr/keras-retinanet, lengstrom/fast-style-transfer
``transform.py``, tensorpack ``examples/ResNet``, MaybeShewill-CV/CRNN_Tensorflow,
tflearn/tflearn ``layers``, vonclites/squeezenet, hellochick/PSPNet-tensorflow,
taki0112/ResNeXt-Tensorflow and tensorflow/tensorflow r1.15 ``contrib/quantize``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.mapping_cases.draft import Draft, together
from scripts.mapping_cases.rnn_cells import fused_lstm, keras_rnn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scripts.mapping_cases.case import Case

SEPARABLE = ("depthwise_kernel", "pointwise_kernel")


def _separable(
    draft: Draft, name: str, path: str, width: int, out: int, *, bias: bool = True
) -> None:
    draft.fill(f"{name}/{SEPARABLE[0]}", f"{path}/{SEPARABLE[0]}", (3, 3, width, 1))
    draft.fill(f"{name}/{SEPARABLE[1]}", f"{path}/{SEPARABLE[1]}", (1, 1, width, out))
    if bias:
        draft.fill(f"{name}/bias", f"{path}/bias", (out,))


def _pyramid() -> Iterator[Draft]:
    """Yield a BiFPN with two cells, both heads and the momentum of its training."""
    draft = Draft(
        name="efficientdet_bifpn_momentum__keras3_bifpn_20_classes",
        provenance="google/automl efficientdet (fpn_cells, class_net, box_net); target Keras 3 with flat names and 20 classes",
        truth_basis="rule: cell and node numbers, layer and level numbers of the heads; the class predictor does not fit",
        tags=("detection", "same_shape", "changed_head", "slots"),
    )
    width = 64
    for level, channels in ((3, 40), (4, 112), (5, 320)):
        draft.dense(
            f"efficientdet-d0/fpn_cells/cell_0/lateral_p{level}/conv2d",
            f"fpn/lateral_p{level}/conv",
            (1, 1, channels, width),
        )
        draft.norm(
            f"efficientdet-d0/fpn_cells/cell_0/lateral_p{level}/bn",
            f"fpn/lateral_p{level}/bn",
            width,
        )
    for cell in range(2):
        for node in range(8):
            name = f"efficientdet-d0/fpn_cells/cell_{cell}/fnode{node}"
            path = f"fpn/bifpn_{cell + 1}/node_{node}"
            for index, leaf in enumerate(("WSM", "WSM_1", "WSM_2")[: 3 if 4 <= node < 7 else 2]):
                draft.fill(f"{name}/{leaf}", f"{path}/fuse/w{index}", ())
            combine = f"{name}/op_after_combine{node + 5}"
            _separable(draft, f"{combine}/conv", f"{path}/conv", width, width)
            draft.norm(f"{combine}/bn", f"{path}/bn", width)
    for head, word in (("class", "classification_head"), ("box", "regression_head")):
        for number in range(3):
            name = f"efficientdet-d0/{head}_net/{head}-{number}"
            _separable(draft, name, f"{word}/conv_{number}", width, width)
            for level in range(3, 8):
                draft.norm(f"{name}-bn-{level}", f"{word}/bn_{number}_p{level}", width)
        _separable(
            draft,
            f"efficientdet-d0/{head}_net/{head}-predict",
            f"{word}/predict",
            width,
            810 if head == "class" else 36,
        )
    draft.slots_of_all(("/Momentum",))
    draft.source("global_step", (), "int64")
    draft.resize("classification_head/predict/(pointwise|bias)", 180)
    yield draft


def _retinanet() -> Iterator[Draft]:
    """Yield the pyramid and the two towers, whose layers have one shape."""
    draft = Draft(
        name="keras_retinanet_h5__keras3_fcos_head_4_classes",
        provenance="fizyr/keras-retinanet weight names (classification_submodel, regression_submodel); target Keras 3 with lateral/output names and 4 classes",
        truth_basis="rule: C3..P7 are the pyramid levels, classification/regression towers by name; the class output does not fit; a centerness output has no source",
        source_format="keras_h5",
        order="file",
        tags=("detection", "same_shape", "changed_head"),
    )
    draft.fill("conv1/conv1/kernel:0", "stem/kernel", (7, 7, 3, 64), "Conv2D")
    for leaf in ("gamma", "beta", "moving_mean", "moving_variance"):
        draft.fill(f"bn_conv1/bn_conv1/{leaf}:0", f"stem_bn/{leaf}", (64,), "BatchNormalization")

    def layer(name: str, path: str, shape: tuple[int, ...]) -> None:
        draft.fill(f"{name}/kernel:0", f"{path}/kernel", shape, "Conv2D")
        draft.fill(f"{name}/bias:0", f"{path}/bias", shape[-1:], "Conv2D")

    for level, channels in ((5, 2048), (4, 1024), (3, 512)):
        layer(f"C{level}_reduced/C{level}_reduced", f"fpn/lateral_{level}", (1, 1, channels, 256))
        layer(f"P{level}/P{level}", f"fpn/output_{level}", (3, 3, 256, 256))
    layer("P6/P6", "fpn/output_6", (3, 3, 2048, 256))
    layer("P7/P7", "fpn/output_7", (3, 3, 256, 256))
    for model, word, path, out in (
        ("regression_submodel", "pyramid_regression", "box_tower", 36),
        ("classification_submodel", "pyramid_classification", "cls_tower", 720),
    ):
        for number in range(4):
            layer(f"{model}/{word}_{number}", f"{path}/conv{number + 1}", (3, 3, 256, 256))
        layer(f"{model}/{word}", f"{path}/output", (3, 3, 256, out))
    draft.resize("cls_tower/output", 36)
    draft.target("box_tower/centerness/kernel", (3, 3, 256, 9), "Conv2D")
    draft.target("box_tower/centerness/bias", (9,), "Conv2D")
    yield draft


def _style() -> Iterator[Draft]:
    """Yield a transform net of unnamed variables: weights, shift, scale for each convolution."""
    draft = Draft(
        name="fast_style_transfer_unnamed__keras3",
        provenance="lengstrom/fast-style-transfer src/transform.py: every tf.Variable unnamed (weights, shift, scale); target Keras 3 named stages",
        truth_basis="construction: Variable numbers in natural order; nothing in the file tells shift from scale",
        tags=("nameless", "natural_order", "unresolvable", "same_shape"),
    )
    layers = [("conv_1", (9, 9, 3, 32)), ("conv_2", (3, 3, 32, 64)), ("conv_3", (3, 3, 64, 128))]
    layers += [(f"residual_{b}/conv_{c}", (3, 3, 128, 128)) for b in range(5) for c in range(2)]
    layers += [
        ("up_1", (3, 3, 64, 128)),
        ("up_2", (3, 3, 32, 64)),
        ("out", (9, 9, 32, 3)),
    ]
    for number, (path, shape) in enumerate(layers):
        names = [f"Variable_{3 * number + k}" if number + k else "Variable" for k in range(3)]
        kind = "Conv2DTranspose" if path.startswith("up") else "Conv2D"
        width = shape[2] if path.startswith("up") else shape[3]
        draft.fill(names[0], f"{path}/kernel", shape, kind)
        norm = [
            draft.target(f"{path}_in/{leaf}", (width,), "GroupNormalization")
            for leaf in ("gamma", "beta")
        ]
        for name in names[1:]:
            draft.source(name, (width,))
        draft.tie(norm, names[1:], "shift and scale have one shape and no name")
    yield draft


def _tensorpack() -> Iterator[Draft]:
    """Yield a CIFAR ResNet whose statistics are called EMA and are not shadows."""
    draft = Draft(
        name="tensorpack_cifar_resnet_mean_ema__keras3_units",
        provenance="tensorpack/tensorpack examples/ResNet/cifar10-resnet.py (res1.0/conv1/W, bn/mean/EMA, learning_rate); target Keras 3 preactivation units",
        truth_basis="rule: group and block numbers; mean/EMA and variance/EMA are the statistics of the normalization",
        tags=("cnn", "same_shape", "slots", "natural_order"),
    )

    def norm(name: str, path: str, width: int) -> None:
        for leaf, want in (
            ("gamma", "gamma"),
            ("beta", "beta"),
            ("mean/EMA", "moving_mean"),
            ("variance/EMA", "moving_variance"),
        ):
            draft.fill(
                f"{name}/{leaf}",
                f"{path}/{want}",
                (width,),
                "BatchNormalization",
                trainable=not want.startswith("moving"),
            )

    draft.fill("conv0/W", "stem/conv/kernel", (3, 3, 3, 16), "Conv2D")
    norm("conv0/bn", "stem/norm", 16)
    width = 16
    for group in range(1, 4):
        for block in range(11):
            out = 16 << (group - 1)
            name, path = f"res{group}.{block}", f"stage{group - 1}/unit{block}"
            if block:
                norm(f"{name}/preact/bn", f"{path}/norm_in", width)
            draft.fill(f"{name}/conv1/W", f"{path}/conv_a/kernel", (3, 3, width, out), "Conv2D")
            norm(f"{name}/conv1/bn", f"{path}/norm_a", out)
            draft.fill(f"{name}/conv2/W", f"{path}/conv_b/kernel", (3, 3, out, out), "Conv2D")
            width = out
    norm("bnlast/bn", "final_norm", 64)
    draft.dense("linear", "classifier", (64, 10), "W b")
    draft.slots_of_all(("/Momentum",), keep=lambda name: not name.endswith("EMA"))
    for name in ("global_step", "local_step"):
        draft.source(name, (), "int64")
    draft.source("learning_rate")
    draft.source("cross_entropy_loss/EMA")
    draft.source("train_error/EMA")
    yield draft


def _text_line() -> Iterator[Draft]:
    """Yield a CRNN: convolutions and a stack of two bidirectional LSTM."""
    draft = Draft(
        name="crnn_ocr_tf1__keras3_bilstm_62_classes",
        provenance="MaybeShewill-CV/CRNN_Tensorflow crnn_model (shadow_net, feature_extraction_module, stack_bidirectional_rnn); target Keras 3 with another alphabet",
        truth_basis="rule: conv numbers, fw/bw are forward/backward, cell_0/cell_1 are the layers; the output does not fit",
        tags=("ocr", "fused_lstm", "changed_head", "bidirectional"),
    )
    scope = "shadow_net/feature_extraction_module"
    sizes = (3, 64, 128, 256, 256, 512, 512, 512)
    for number in range(1, 8):
        draft.fill(
            f"{scope}/conv{number}/{'conv/' if number not in (3, 4) else ''}W",
            f"cnn/conv2d_{number - 1}/kernel" if number > 1 else "cnn/conv2d/kernel",
            (2 if number == 7 else 3, 2 if number == 7 else 3, sizes[number - 1], sizes[number]),
            "Conv2D",
        )
    for number, (name, width) in enumerate((("conv5", 512), ("conv6", 512), ("conv7", 512))):
        bn = f"cnn/batch_normalization{f'_{number}' if number else ''}"
        draft.norm(f"{scope}/{name}/{name}_bn", bn, width)
    for cell, inputs in ((0, 512), (1, 512)):
        for way, word in (("fw", "forward"), ("bw", "backward")):
            name = f"shadow_net/sequence_rnn_module/stack_bidirectional_rnn/cell_{cell}/bidirectional_rnn/{way}/lstm_cell"
            path = f"bidirectional{f'_{cell}' if cell else ''}/{word}_lstm"
            fused_lstm(
                draft,
                (f"{name}/kernel", f"{name}/bias"),
                keras_rnn(draft, path, (inputs, 256)),
                (inputs, 256),
            )
    draft.fill("shadow_net/sequence_rnn_module/logits/w", "ctc/kernel", (512, 37), "Dense")
    draft.resize("ctc/kernel", 63)
    draft.target("ctc/bias", (63,), "Dense")
    draft.slots_of_all(("/ExponentialMovingAverage",))
    draft.source("global_step", (), "int64")
    draft.alternatives.append(
        {
            "why": "shadows instead of raw values",
            "truth": [
                {**edge, "source": f"{edge['source']}/ExponentialMovingAverage"}
                if not edge["source"].endswith(("moving_mean", "moving_variance"))
                else edge
                for edge in draft.truth
            ],
        }
    )
    yield draft


def _tflearn() -> Iterator[Draft]:
    """Yield a tflearn network; one convolution in the middle is new in the target."""
    draft = Draft(
        name="tflearn_residual__keras3_inserted_stem",
        provenance="tflearn/tflearn auto names (Conv2D, ResidualBlock/Conv2D_1, BatchNormalization, FullyConnected); target Keras 3 auto names, a second stem convolution inserted",
        truth_basis="rule: scopes of tflearn in natural order against blocks; the inserted 5x5 convolution has no source; numbers after it are off by one",
        tags=("cnn", "auto_numbered", "off_by_one", "inserted", "same_shape"),
    )
    draft.dense("Conv2D", "conv2d", (3, 3, 3, 16), "W b", layer="Conv2D")
    draft.target("conv2d_1/kernel", (5, 5, 16, 16), "Conv2D")
    draft.target("conv2d_1/bias", (16,), "Conv2D")
    width, conv, norm = 16, 2, 0
    for scope, out in enumerate((16, 32, 64)):
        block = f"ResidualBlock{f'_{scope}' if scope else ''}"
        for number in range(10):
            word = f"_{number}" if number else ""
            draft.norm(
                f"{block}/BatchNormalization{word}",
                f"batch_normalization{f'_{norm}' if norm else ''}",
                width,
            )
            draft.dense(
                f"{block}/Conv2D{word}", f"conv2d_{conv}", (3, 3, width, out), "W b", layer="Conv2D"
            )
            width, conv, norm = out, conv + 1, norm + 1
    draft.norm("BatchNormalization", f"batch_normalization_{norm}", 64)
    draft.dense("FullyConnected", "dense", (64, 10), "W b")
    draft.slots_of_all(("/Momentum",))
    draft.source("is_training", (), "bool")
    draft.source("Global_Step")
    draft.source("Training_step")
    yield draft


def _squeeze() -> Iterator[Draft]:
    """Yield SqueezeNet with a fire module less in the file and a head of another task."""
    draft = Draft(
        name="squeezenet_slim_lost_fire5__keras3_same_size_head",
        provenance="vonclites/squeezenet (fire2/squeeze, fire2/expand/1x1); the file lost fire5; target rcmalli/keras-squeezenet names, a head for ten defects beside the head for ten classes",
        truth_basis="rule: fire numbers are equal on both sides; fire5 has no source; which of the heads conv10 was is not said",
        tags=("cnn", "lost", "trap_head"),
    )
    draft.dense("conv1", "conv1", (3, 3, 3, 64), "weights biases", layer="Conv2D")
    inputs = 64
    for fire, (low, high) in enumerate(
        ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256)), 2
    ):
        for name, path, shape in (
            ("squeeze", "squeeze1x1", (1, 1, inputs, low)),
            ("expand/1x1", "expand1x1", (1, 1, low, high)),
            ("expand/3x3", "expand3x3", (3, 3, low, high)),
        ):
            draft.dense(
                f"fire{fire}/{name}", f"fire{fire}/{path}", shape, "weights biases", layer="Conv2D"
            )
        inputs = 2 * high
    draft.dense("conv10", "class_conv", (1, 1, 512, 10), "weights biases", layer="Conv2D")
    draft.target("defect_conv/kernel", (1, 1, 512, 10), "Conv2D")
    draft.target("defect_conv/bias", (10,), "Conv2D")
    draft.adam_of_all()
    for leaf, source in (("kernel", "weights"), ("bias", "biases")):
        heads = [f"class_conv/{leaf}", f"defect_conv/{leaf}"]
        draft.tie(heads, [f"conv10/{source}"], "two heads of one shape, one of them in the file")
    draft.drop_sources("fire5/")
    draft.rename_sources(lambda name: name if "/" not in name else f"squeezenet/{name}")
    yield draft


def _pyramid_pooling() -> Iterator[Draft]:
    """Yield PSPNet from a dictionary in Caffe names: scale, offset, mean, variance."""
    draft = Draft(
        name="pspnet50_caffe_npy__keras3_stages_2_classes",
        provenance="hellochick/PSPNet-tensorflow (conv2_1_1x1_reduce, _bn with scale/offset/mean/variance, conv5_3_pool1_conv); target Keras 3 stage/unit names",
        truth_basis="rule: conv<stage>_<unit>_<layer>; pool1/2/3/6 are the bin counts; the class convolution does not fit",
        source_format="npy_dict",
        order="none",
        tags=("segmentation", "same_shape", "changed_head"),
    )

    def unit(name: str, path: str, shape: tuple[int, ...]) -> None:
        draft.fill(f"{name}/weights", f"{path}_conv/kernel", shape, "Conv2D")
        for leaf, want in (
            ("scale", "gamma"),
            ("offset", "beta"),
            ("mean", "moving_mean"),
            ("variance", "moving_variance"),
        ):
            draft.fill(f"{name}_bn/{leaf}", f"{path}_norm/{want}", shape[-1:], "BatchNormalization")

    for number, shape in enumerate(((3, 3, 3, 64), (3, 3, 64, 64), (3, 3, 64, 128)), 1):
        unit(f"conv1_{number}_3x3{'_s2' if number == 1 else ''}", f"stem/c{number}", shape)
    inputs = 128
    for stage, (low, units) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3)), 2):
        for number in range(1, units + 1):
            name, path = f"conv{stage}_{number}", f"stage{stage - 1}/unit{number}"
            unit(f"{name}_1x1_reduce", f"{path}/reduce", (1, 1, inputs, low))
            unit(f"{name}_3x3", f"{path}/spatial", (3, 3, low, low))
            unit(f"{name}_1x1_increase", f"{path}/expand", (1, 1, low, 4 * low))
            if number == 1:
                unit(f"{name}_1x1_proj", f"{path}/shortcut", (1, 1, inputs, 4 * low))
            inputs = 4 * low
    for bins in (1, 2, 3, 6):
        unit(f"conv5_3_pool{bins}_conv", f"pyramid/bin{bins}", (1, 1, 2048, 512))
    unit("conv5_4", "fusion", (3, 3, 4096, 512))
    draft.dense("conv6", "logits", (1, 1, 512, 150), "weights biases", layer="Conv2D")
    draft.resize("logits/", 2)
    yield draft


def _branches() -> Iterator[Draft]:
    """Yield ResNeXt whose splits are separate convolutions that the target groups."""
    draft = Draft(
        name="resnext_split_scopes_tf1__keras3_grouped",
        provenance="taki0112/ResNeXt-Tensorflow (layer1_0/splitN_0_conv1, transition); twelve splits of the 3x3 convolution as one grouped kernel in the target",
        truth_basis="rule: split numbers in natural order are the groups",
        tags=("cnn", "split", "same_shape", "natural_order"),
    )
    draft.fill("first_layer/conv2d/kernel", "stem/kernel", (3, 3, 3, 48), "Conv2D")
    width = 48
    for layer in (1, 2):
        for block in range(2):
            name, path = f"layer{layer}_{block}", f"stage{layer}/block{block}"
            part = 8 * layer
            draft.fill(
                f"{name}/reduce/conv2d/kernel",
                f"{path}/reduce/kernel",
                (1, 1, width, 12 * part),
                "Conv2D",
            )
            grouped = draft.target(f"{path}/grouped/kernel", (3, 3, part, 12 * part), "Conv2D")
            for split in range(12):
                draft.edge(
                    draft.source(f"{name}/split{split}_conv2/kernel", (3, 3, part, part)),
                    grouped,
                    f"into::,:,:,{split * part}:{(split + 1) * part}",
                )
            width = 96 * layer
            draft.fill(
                f"{name}/transition/conv2d/kernel",
                f"{path}/expand/kernel",
                (1, 1, 12 * part, width),
                "Conv2D",
            )
            draft.norm(f"{name}/transition/batch_normalization", f"{path}/norm", width)
    draft.dense("dense", "classifier", (width, 10))
    yield draft


def _quantized() -> Iterator[Draft]:
    """Yield a file of quantization-aware training for a float model."""
    draft = Draft(
        name="mobilenet_like_quant_aware__keras3_float",
        provenance="slim names with tf.contrib.quantize (weights_quant/min, act_quant/max, */biased, */local_step) of tensorflow/tensorflow r1.15; target Keras 3 float model, layers renamed",
        truth_basis="rule: layer numbers; the ranges are left over",
        tags=("cnn", "quantization", "shadow", "natural_order"),
    )
    width = 24
    draft.fill("Net/Conv_0/weights", "stem/conv/kernel", (3, 3, 3, 24), "Conv2D")
    draft.norm("Net/Conv_0/BatchNorm", "stem/bn", 24)
    scopes = ["Net/Conv_0"]
    for number in range(1, 12):
        out = 24 if number < 3 else 48
        name, path = f"Net/Conv_{number}", f"ds{number:02d}"
        draft.fill(
            f"{name}_depthwise/depthwise_weights",
            f"{path}/dw/kernel",
            (3, 3, width, 1),
            "DepthwiseConv2D",
        )
        draft.norm(f"{name}_depthwise/BatchNorm", f"{path}/dw_bn", width)
        draft.fill(f"{name}_pointwise/weights", f"{path}/pw/kernel", (1, 1, width, out), "Conv2D")
        draft.norm(f"{name}_pointwise/BatchNorm", f"{path}/pw_bn", out)
        scopes += [f"{name}_depthwise", f"{name}_pointwise"]
        width = out
    draft.dense("Net/Logits/Conv2d_1c_1x1", "head", (1, 1, 48, 12), "weights biases", want=(48, 12))
    scopes.append("Net/Logits/Conv2d_1c_1x1")
    for scope in scopes:
        for kind in ("weights_quant", "act_quant"):
            for bound in ("min", "max"):
                draft.source(f"{scope}/{kind}/{bound}")
                if kind == "act_quant":
                    inner = f"{scope}/{kind}/{scope}/{kind}/{bound}"
                    draft.source(f"{inner}/biased")
                    draft.source(f"{inner}/local_step")
    draft.source("global_step", (), "int64")
    yield draft


def cases() -> tuple[Case, ...]:
    """Return the cases of this family."""
    return together(
        _pyramid(),
        _retinanet(),
        _style(),
        _tensorpack(),
        _text_line(),
        _tflearn(),
        _squeeze(),
        _pyramid_pooling(),
        _branches(),
        _quantized(),
    )
