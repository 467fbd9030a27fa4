# ruff: noqa: E501 - tables with long rows
"""Architectures that changed in the middle: a layer for another one, lost blocks, counted members.

Naming after endernewton/tf-faster-rcnn ``nets/network.py``, tensorflow/models research/deeplab
(MobileNetV2 backbone), torch ``nn.RNN``, tensorlayer 1.x ``layers``, tensorflow/models lm_1b and
keras-team/keras 1.2.2 ``applications/xception.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.mapping_cases.draft import Draft, together
from scripts.mapping_cases.rnn_cells import fused_lstm, keras_rnn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scripts.mapping_cases.case import Case

TURNED = "transpose:1,0"


def _exchanged() -> Iterator[Draft]:
    """Yield a middle layer that went and another of its shape that came, at another place."""
    draft = Draft(
        name="middle_layer_exchanged_same_shape__keras3",
        provenance="hand-written TensorFlow 1 detector: smoothing after the encoder in the file, an attention gate before the decoder in the Keras 3 target",
        truth_basis="rule: words; gate has no source, smooth is left over",
        tags=("removed", "inserted", "trap_same_shape"),
    )
    width = 3
    for number, out in enumerate((32, 64, 64), 1):
        draft.dense(
            f"net/encoder/conv{number}",
            f"encoder/conv{number}",
            (3, 3, width, out),
            "weights biases",
            layer="Conv2D",
        )
        width = out
    draft.source("net/smooth/weights", (1, 1, 64, 64))
    draft.source("net/smooth/biases", (64,))
    for number, out in enumerate((64, 32, 16), 1):
        draft.dense(
            f"net/decoder/conv{number}",
            f"decoder/conv{number}",
            (3, 3, width, out),
            "weights biases",
            layer="Conv2D",
        )
        width = out
    draft.target("attention_gate/kernel", (1, 1, 64, 64), "Conv2D")
    draft.target("attention_gate/bias", (64,), "Conv2D")
    draft.dense("net/output", "output", (1, 1, 16, 4), "weights biases", layer="Conv2D")
    draft.slots_of_all(("/Momentum",))
    yield draft


def _deeplab() -> Iterator[Draft]:
    """Yield DeepLab on MobileNetV2 whose file lost a block in the middle."""
    draft = Draft(
        name="deeplab_mobilenet_v2_lost_block__keras3_2_classes",
        provenance="tensorflow/models research/deeplab MobilenetV2/expanded_conv_7/depthwise, aspp0, image_pooling, concat_projection; the file lost expanded_conv_8; target Keras 3 inverted_residual_<n>, 2 classes",
        truth_basis="rule: block numbers of the file plus one are the numbers of the target; block 8 has no source",
        tags=("segmentation", "lost", "off_by_one", "same_shape", "changed_head", "natural_order"),
    )
    draft.fill("MobilenetV2/Conv/weights", "stem/conv/kernel", (3, 3, 3, 32), "Conv2D")
    draft.norm("MobilenetV2/Conv/BatchNorm", "stem/bn", 32)
    width = 32
    for block, out in enumerate((16, 24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96)):
        name = f"MobilenetV2/expanded_conv{f'_{block}' if block else ''}"
        path = f"inverted_residual_{block + 1}"
        wide = 6 * width if block else width
        if block:
            draft.fill(
                f"{name}/expand/weights", f"{path}/expand/kernel", (1, 1, width, wide), "Conv2D"
            )
            draft.norm(f"{name}/expand/BatchNorm", f"{path}/expand_bn", wide)
        draft.fill(
            f"{name}/depthwise/depthwise_weights",
            f"{path}/depthwise/kernel",
            (3, 3, wide, 1),
            "DepthwiseConv2D",
        )
        draft.norm(f"{name}/depthwise/BatchNorm", f"{path}/depthwise_bn", wide)
        draft.fill(f"{name}/project/weights", f"{path}/project/kernel", (1, 1, wide, out), "Conv2D")
        draft.norm(f"{name}/project/BatchNorm", f"{path}/project_bn", out)
        width = out
    for name, path, inputs in (
        ("image_pooling", "context/pool", 96),
        ("aspp0", "context/local", 96),
        ("concat_projection", "context/merge", 512),
    ):
        draft.fill(f"{name}/weights", f"{path}/kernel", (1, 1, inputs, 256), "Conv2D")
        draft.norm(f"{name}/BatchNorm", f"{path}_bn", 256)
    draft.dense(
        "logits/semantic", "segmentation", (1, 1, 256, 21), "weights biases", layer="Conv2D"
    )
    draft.slots_of_all(("/Momentum",))
    draft.source("global_step", (), "int64")
    draft.drop_sources("expanded_conv_8/")
    draft.resize("segmentation/", 2)
    yield draft


def _square_cells() -> Iterator[Draft]:
    """Yield a plain recurrent network of torch with inputs as wide as its state."""
    draft = Draft(
        name="torch_rnn_tanh_square_npz__keras3_simple_rnn",
        provenance="torch.nn.RNN state (rnn.weight_ih_l0, rnn.weight_hh_l0, bias_ih_l0, bias_hh_l0), inputs as wide as the state; target Keras 3 SimpleRNN",
        truth_basis="rule: weights are (out, in), squares as well; Keras has one bias, the sum of both",
        source_format="npz",
        order="file",
        tags=("transposed", "square", "recurrent", "trap_square"),
    )
    size = 56
    draft.fill("embedding.weight", "embedding/embeddings", (300, size), "Embedding")
    for layer in range(2):
        path = f"simple_rnn{f'_{layer}' if layer else ''}/simple_rnn_cell"
        for leaf, want in (("weight_ih", "kernel"), ("weight_hh", "recurrent_kernel")):
            draft.fill(
                f"rnn.{leaf}_l{layer}",
                f"{path}/{want}",
                (size, size),
                "SimpleRNNCell",
                transform=TURNED,
            )
        bias = draft.target(f"{path}/bias", (size,), "SimpleRNNCell")
        for leaf in ("bias_ih", "bias_hh"):
            draft.edge(draft.source(f"rnn.{leaf}_l{layer}", (size,)), bias)
    draft.fill("out.weight", "dense/kernel", (12, size), "Dense", want=(size, 12), transform=TURNED)
    draft.fill("out.bias", "dense/bias", (12,), "Dense")
    yield draft


def _sampled() -> Iterator[Draft]:
    """Yield a language model whose sampled softmax holds one row a word."""
    draft = Draft(
        name="sampled_softmax_lm_adagrad__keras3_dense_kernel",
        provenance="tf.nn.sampled_softmax_loss models (softmax_w of (words, size), softmax_b, emb of (words, size)); target Keras 3 with a Dense of (size, words)",
        truth_basis="rule: names; the softmax is turned, the embedding is not; cells by number",
        tags=("text", "transposed", "fused_lstm", "slots"),
    )
    draft.fill("model/emb", "word_embedding/embeddings", (900, 128), "Embedding")
    for number in range(3):
        cell = f"model/rnn/multi_rnn_cell/cell_{number}/basic_lstm_cell"
        fused_lstm(
            draft,
            (f"{cell}/kernel", f"{cell}/bias"),
            keras_rnn(draft, f"lstm_{number + 1}", (128, 128)),
            (128, 128),
        )
    draft.fill(
        "model/softmax_w",
        "next_word/kernel",
        (900, 128),
        "Dense",
        want=(128, 900),
        transform=TURNED,
    )
    draft.fill("model/softmax_b", "next_word/bias", (900,), "Dense")
    draft.slots_of_all(("/Adagrad",))
    draft.source("model/global_step", (), "int64")
    yield draft


def _folds() -> Iterator[Draft]:
    """Yield members counted from zero in the file and from one in the target."""
    draft = Draft(
        name="cross_validation_folds_from_zero__keras3_members_from_one",
        provenance="five networks of one shape, scopes fold_0..fold_4; target Keras 3 ensemble member_1..member_5",
        truth_basis="construction: both sequences are complete; only order-preserving numbers pair them",
        tags=("ensemble", "off_by_one", "trap_equal_names", "same_shape"),
    )
    for fold in range(5):
        for layer, (inputs, out) in enumerate(((30, 64), (64, 64), (64, 1))):
            draft.dense(
                f"fold_{fold}/fc{layer}",
                f"ensemble/member_{fold + 1}/dense_{layer}",
                (inputs, out),
                "w b",
            )
    draft.adam_of_all()
    yield draft


def _two_stage() -> Iterator[Draft]:
    """Yield Faster R-CNN on VGG; the class count changes both heads."""
    draft = Draft(
        name="tf_faster_rcnn_vgg16_momentum__keras3_4_classes",
        provenance="endernewton/tf-faster-rcnn (vgg_16/rpn_conv/3x3, rpn_cls_score, rpn_bbox_pred, cls_score, bbox_pred); target Keras 3, 4 classes",
        truth_basis="rule: names; cls_score and bbox_pred do not fit",
        tags=("detection", "changed_head", "trap_head", "slots"),
    )
    width = 3
    for block, (count, out) in enumerate(((2, 16), (2, 32), (3, 64), (3, 64), (3, 64)), 1):
        for number in range(1, count + 1):
            draft.dense(
                f"vgg_16/conv{block}/conv{block}_{number}",
                f"backbone/stage{block - 1}_conv{number - 1}",
                (3, 3, width, out),
                "weights biases",
                layer="Conv2D",
            )
            width = out
    draft.dense(
        "vgg_16/rpn_conv/3x3", "proposals/shared", (3, 3, 64, 64), "weights biases", layer="Conv2D"
    )
    draft.dense(
        "vgg_16/rpn_cls_score",
        "proposals/objectness",
        (1, 1, 64, 18),
        "weights biases",
        layer="Conv2D",
    )
    draft.dense(
        "vgg_16/rpn_bbox_pred", "proposals/deltas", (1, 1, 64, 36), "weights biases", layer="Conv2D"
    )
    draft.dense("vgg_16/fc6", "roi/fc_1", (3136, 256), "weights biases")
    draft.dense("vgg_16/fc7", "roi/fc_2", (256, 256), "weights biases")
    draft.dense("vgg_16/cls_score", "roi/classes", (256, 21), "weights biases")
    draft.dense("vgg_16/bbox_pred", "roi/boxes", (256, 84), "weights biases")
    draft.slots_of_all(("/Momentum",))
    draft.source("Variable", (), "int32")
    draft.resize("roi/classes/", 4)
    draft.resize("roi/boxes/", 16)
    draft.target("roi/masks/kernel", (256, 84), "Dense")
    draft.target("roi/masks/bias", (84,), "Dense")
    yield draft


def _suffixed() -> Iterator[Draft]:
    """Yield TensorLayer leaves: W_conv2d, b_conv2d, W_deconv2d."""
    draft = Draft(
        name="tensorlayer_leaf_suffixes_gan__keras3_generator",
        provenance="tensorlayer 1.x leaves (g_net/h0/lin/W, h1/decon2d/W_deconv2d, h1/batch_norm/gamma; d_net/h0/conv2d/W_conv2d); target Keras 3 generator and discriminator",
        truth_basis="rule: g_net/d_net, layer numbers",
        tags=("gan", "renamed", "slots"),
    )
    draft.dense("g_net/h0/lin", "generator/project", (100, 2048), "W b")
    draft.norm("g_net/h0/batch_norm", "generator/norm_0", 2048)
    width = 256
    for number, out in enumerate((128, 64, 32, 3), 1):
        draft.fill(
            f"g_net/h{number}/decon2d/W_deconv2d",
            f"generator/upconv_{number}/kernel",
            (5, 5, out, width),
            "Conv2DTranspose",
        )
        draft.fill(
            f"g_net/h{number}/decon2d/b_deconv2d",
            f"generator/upconv_{number}/bias",
            (out,),
            "Conv2DTranspose",
        )
        if out > 3:
            draft.norm(f"g_net/h{number}/batch_norm", f"generator/norm_{number}", out)
        width = out
    for number, out in enumerate((32, 64, 128, 256)):
        draft.dense(
            f"d_net/h{number}/conv2d",
            f"discriminator/conv_{number}",
            (5, 5, width, out),
            "W_conv2d b_conv2d",
            layer="Conv2D",
        )
        if number:
            draft.norm(f"d_net/h{number}/batch_norm", f"discriminator/norm_{number}", out)
        width = out
    draft.dense("d_net/h4/lin_sigmoid", "discriminator/score", (4096, 1), "W b")
    draft.adam_of_all()
    yield draft


def _xception() -> Iterator[Draft]:
    """Yield Xception of Keras 1: automatic numbers in the file, words of its own in the target."""
    draft = Draft(
        name="keras1_xception_auto_numbers_h5__keras3_flow_names",
        provenance="keras-team/keras 1.2.2 applications/xception.py middle flow (block5_sepconv1, convolution2d_2, batchnormalization_2); target Keras 3 flow names",
        truth_basis="rule: block and layer numbers; the residual convolutions in order of their numbers, shapes agree",
        source_format="keras_h5",
        order="file",
        tags=("cnn", "auto_numbered", "same_shape"),
    )

    def normal(name: str, path: str, width: int) -> None:
        for leaf, want in (
            ("gamma", "gamma"),
            ("beta", "beta"),
            ("running_mean", "moving_mean"),
            ("running_std", "moving_variance"),
        ):
            draft.fill(f"{name}/{name}_{leaf}:0", f"{path}/{want}", (width,), "BatchNormalization")

    draft.fill("block1_conv1/block1_conv1_W:0", "entry/conv_a/kernel", (3, 3, 3, 32), "Conv2D")
    normal("block1_conv1_bn", "entry/norm_a", 32)
    width = 32
    for block in range(2, 9):
        out = 64 << (block - 2) if block < 4 else 128
        flow = f"entry/module{block}" if block < 4 else f"middle/module{block}"
        if block < 4:
            number = block - 1
            draft.fill(
                f"convolution2d_{number}/convolution2d_{number}_W:0",
                f"{flow}/residual/kernel",
                (1, 1, width, out),
                "Conv2D",
            )
        for layer in (1, 2) if block < 4 else (1, 2, 3):
            name = f"block{block}_sepconv{layer}"
            for leaf, shape in (
                ("depthwise_kernel", (3, 3, width, 1)),
                ("pointwise_kernel", (1, 1, width, out)),
            ):
                draft.fill(
                    f"{name}/{name}_{leaf}:0", f"{flow}/sep{layer}/{leaf}", shape, "SeparableConv2D"
                )
            normal(f"{name}_bn", f"{flow}/norm{layer}", out)
            width = out
        if block < 4:
            normal(f"batchnormalization_{block - 1}", f"{flow}/residual_norm", out)
    draft.fill("predictions/predictions_W:0", "classifier/kernel", (128, 1000), "Dense")
    draft.fill("predictions/predictions_b:0", "classifier/bias", (1000,), "Dense")
    yield draft


def cases() -> tuple[Case, ...]:
    """Return the cases of this family."""
    return together(
        _exchanged(),
        _deeplab(),
        _square_cells(),
        _sampled(),
        _folds(),
        _two_stage(),
        _suffixed(),
        _xception(),
    )
