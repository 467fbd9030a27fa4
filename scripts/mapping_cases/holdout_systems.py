# ruff: noqa: E501 - tables with long rows
"""Files of other systems and changed architectures: squares, swapped heads, reversed numbers.

Naming after apache/mxnet ``example/image-classification/symbols/resnet.py``, google/flax
``linen``, facebookresearch/fairseq RoBERTa, google-research/bert descendants, hujie-frank/SENet on
tensorflow/models slim, tensorflow/tensorflow r1.15 ``tf.layers`` and keras-team/keras.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.mapping_cases.draft import Draft, together
from scripts.mapping_cases.keras_layers import (
    add_list,
    add_targets,
    conv,
    dense,
    embedding,
    norm,
    numbered,
    recurrent,
    rows_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scripts.mapping_cases.case import Case

TURNED = "transpose:1,0"
END = "/.ATTRIBUTES/VARIABLE_VALUE"


def _mxnet() -> Iterator[Draft]:
    """Yield MXNet parameters with arg: and aux: before the names."""
    draft = Draft(
        name="mxnet_arg_aux_npz_square_fc__keras3",
        provenance="apache/mxnet model parameters dumped to .npz (arg:stage1_unit1_conv1_weight, aux:stage1_unit1_bn1_moving_var, arg:fc2_weight of (out, in)); target Keras 3",
        truth_basis="rule: stage and unit numbers; convolutions are OIHW and every fc (out, in), squares as well",
        source_format="npz",
        order="none",
        tags=("transposed", "square", "trap_square", "same_shape"),
    )

    def unit(name: str, path: str, inputs: int, out: int) -> None:
        draft.fill(
            f"arg:{name}_conv{path[-1]}_weight",
            f"{path[:-2]}/conv_{path[-1]}/kernel",
            (out, inputs, 3, 3),
            "Conv2D",
            want=(3, 3, inputs, out),
            transform="transpose:2,3,1,0",
        )
        for kind, leaf, want in (
            ("arg", "gamma", "gamma"),
            ("arg", "beta", "beta"),
            ("aux", "moving_mean", "moving_mean"),
            ("aux", "moving_var", "moving_variance"),
        ):
            draft.fill(
                f"{kind}:{name}_bn{path[-1]}_{leaf}",
                f"{path[:-2]}/bn_{path[-1]}/{want}",
                (out,),
                "BatchNormalization",
            )

    width = 3
    for stage, out in enumerate((32, 64), 1):
        for number in (1, 2, 3):
            for layer in (1, 2):
                unit(
                    f"stage{stage}_unit{number}",
                    f"group_{stage - 1}/block_{number - 1}/{layer}",
                    width,
                    out,
                )
                width = out
    for number, (inputs, out) in enumerate(((64, 128), (128, 128), (128, 128), (128, 7)), 1):
        draft.fill(
            f"arg:fc{number}_weight",
            f"mlp_{number}/kernel",
            (out, inputs),
            "Dense",
            want=(inputs, out),
            transform=TURNED,
        )
        draft.fill(f"arg:fc{number}_bias", f"mlp_{number}/bias", (out,), "Dense")
    yield draft


def _flax() -> Iterator[Draft]:
    """Yield Flax parameters: squares that are not turned."""
    draft = Draft(
        name="flax_npz_square_dense__keras3",
        provenance="google/flax linen auto names (params/Conv_0/kernel, params/Dense_3/kernel, batch_stats/BatchNorm_0/mean); target Keras 3",
        truth_basis="rule: numbers of each class; nothing is turned: kernels are (in, out) and HWIO",
        source_format="npz",
        order="none",
        tags=("square", "auto_numbered", "same_shape"),
    )
    width = 3
    for number, out in enumerate((32, 32, 32)):
        draft.dense(
            f"params/Conv_{number}", f"conv2d_{number + 3}", (3, 3, width, out), layer="Conv2D"
        )
        for part, leaf, want in (
            ("params", "scale", "gamma"),
            ("params", "bias", "beta"),
            ("batch_stats", "mean", "moving_mean"),
            ("batch_stats", "var", "moving_variance"),
        ):
            draft.fill(
                f"{part}/BatchNorm_{number}/{leaf}",
                f"batch_normalization_{number + 3}/{want}",
                (out,),
                "BatchNormalization",
            )
        width = out
    for number, (inputs, out) in enumerate(((32, 64), (64, 64), (64, 64), (64, 64), (64, 9))):
        draft.dense(f"params/Dense_{number}", f"dense_{number + 4}", (inputs, out))
    yield draft


def _fairseq() -> Iterator[Draft]:
    """Yield RoBERTa of fairseq: keys before values before queries, all of them squares."""
    draft = Draft(
        name="roberta_fairseq_npz__keras3_named_dense",
        provenance="facebookresearch/fairseq RoBERTa state (decoder.sentence_encoder.layers.0.self_attn.k_proj.weight, lm_head.layer_norm); target Keras 3",
        truth_basis="rule: names; every Linear is (out, in), squares as well; embeddings are not turned",
        source_format="npz",
        order="file",
        tags=("transposed", "square", "permuted", "text", "trap_square"),
    )
    size = 80
    base = "decoder.sentence_encoder"
    draft.fill(
        f"{base}.embed_tokens.weight", "embeddings/token/embeddings", (640, size), "Embedding"
    )
    draft.fill(
        f"{base}.embed_positions.weight",
        "embeddings/position/embeddings",
        (size, size),
        "Embedding",
    )

    def normal(name: str, path: str) -> None:
        for leaf, want in (("weight", "gamma"), ("bias", "beta")):
            draft.fill(f"{name}.{leaf}", f"{path}/{want}", (size,), "LayerNormalization")

    def linear(name: str, path: str, inputs: int, out: int) -> None:
        draft.fill(
            f"{name}.weight",
            f"{path}/kernel",
            (out, inputs),
            "Dense",
            want=(inputs, out),
            transform=TURNED,
        )
        draft.fill(f"{name}.bias", f"{path}/bias", (out,), "Dense")

    for layer in range(4):
        name, path = f"{base}.layers.{layer}", f"layer_{layer}"
        for leaf, want in (
            ("k_proj", "key"),
            ("v_proj", "value"),
            ("q_proj", "query"),
            ("out_proj", "output"),
        ):
            linear(f"{name}.self_attn.{leaf}", f"{path}/attention/{want}", size, size)
        normal(f"{name}.self_attn_layer_norm", f"{path}/attention_norm")
        linear(f"{name}.fc1", f"{path}/intermediate", size, 320)
        linear(f"{name}.fc2", f"{path}/projection", 320, size)
        normal(f"{name}.final_layer_norm", f"{path}/output_norm")
    normal(f"{base}.emb_layer_norm", "embeddings/norm")
    linear("decoder.lm_head.dense", "lm/transform", size, size)
    normal("decoder.lm_head.layer_norm", "lm/norm")
    yield draft


def _norm_words() -> Iterator[Draft]:
    """Yield two normalizations of a layer whose words cross: output_norm is the second."""
    draft = Draft(
        name="encoder_crossing_norm_words_ckpt__keras3",
        provenance="subclassed encoder saved by tf.train.Checkpoint (encoder/layers/0/attention_norm, output_norm); target Keras 3 attention_output_norm, ffn_output_norm",
        truth_basis="rule: the norm named after attention is the one behind attention, the other is behind the feed-forward part",
        source_format="tf2_ckpt",
        tags=("object_graph", "same_shape", "trap_words"),
    )
    draft.source("_CHECKPOINTABLE_OBJECT_GRAPH", (), "string")
    draft.source(f"save_counter{END}", (), "int64")
    size = 72
    draft.fill(f"encoder/embedding/embeddings{END}", "tokens/embeddings", (500, size), "Embedding")
    for layer in range(11):
        name, path = f"encoder/layers/{layer}", f"block_{layer + 1}"
        for leaf, want, inputs, out in (
            ("wq", "query", size, size),
            ("wk", "key", size, size),
            ("wv", "value", size, size),
            ("wo", "attention_output", size, size),
            ("ffn1", "ffn_inner", size, 144),
            ("ffn2", "ffn_output", 144, size),
        ):
            draft.fill(
                f"{name}/{leaf}/kernel{END}", f"{path}/{want}/kernel", (inputs, out), "Dense"
            )
            draft.fill(f"{name}/{leaf}/bias{END}", f"{path}/{want}/bias", (out,), "Dense")
        for leaf, want in (
            ("attention_norm", "attention_output_norm"),
            ("output_norm", "ffn_output_norm"),
        ):
            for kind in ("gamma", "beta"):
                draft.fill(
                    f"{name}/{leaf}/{kind}{END}",
                    f"{path}/{want}/{kind}",
                    (size,),
                    "LayerNormalization",
                )
    yield draft


def _games() -> Iterator[Draft]:
    """Yield heads for games: one game stays, one is left, one is new; all of one size."""
    draft = Draft(
        name="popart_game_heads__keras3_other_game",
        provenance="one torso with heads for pong, qbert and seaquest (18 actions each) in a TensorFlow 1 file; target Keras 3 with seaquest, breakout, pong",
        truth_basis="rule: names of the games; breakout has no source, qbert is left over",
        tags=("rl", "multitask", "permuted", "trap_head", "same_shape", "slots"),
    )
    draft.dense("torso/conv1", "torso/conv_1", (8, 8, 4, 32), "weights biases", layer="Conv2D")
    draft.dense("torso/conv2", "torso/conv_2", (4, 4, 32, 64), "weights biases", layer="Conv2D")
    draft.dense("torso/fc", "torso/hidden", (3136, 512), "weights biases")
    for game in ("seaquest", "breakout", "pong"):
        for head, out in (("policy", 18), ("value", 1)):
            if game == "breakout":
                draft.target(f"{game}_{head}/kernel", (512, out), "Dense")
                draft.target(f"{game}_{head}/bias", (out,), "Dense")
            else:
                draft.dense(f"{game}/{head}", f"{game}_{head}", (512, out), "weights biases")
    for head, out in (("policy", 18), ("value", 1)):
        draft.source(f"qbert/{head}/weights", (512, out))
        draft.source(f"qbert/{head}/biases", (out,))
    draft.slots_of_all(("/RMSProp", "/RMSProp_1"))
    yield draft


def _planning() -> Iterator[Draft]:
    """Yield MuZero: reward and value of one shape, three networks with equal inner layers."""
    draft = Draft(
        name="muzero_three_functions_ckpt__keras3_permuted",
        provenance="three functions representation, dynamics, prediction saved by tf.train.Checkpoint; target Keras 3 with prediction first, heads in another order",
        truth_basis="rule: words of functions and heads; block numbers",
        source_format="tf2_ckpt",
        tags=("object_graph", "rl", "permuted", "same_shape", "twins"),
    )
    draft.source("_CHECKPOINTABLE_OBJECT_GRAPH", (), "string")
    for function, first in (("prediction", 64), ("dynamics", 65), ("representation", 8)):
        draft.fill(
            f"{function}/stem/kernel{END}",
            f"{function}_net/entry/kernel",
            (3, 3, first, 64),
            "Conv2D",
        )
        draft.fill(f"{function}/stem/bias{END}", f"{function}_net/entry/bias", (64,), "Conv2D")
        for block in range(4):
            for layer in (1, 2):
                name, path = f"{function}/tower/{block}", f"{function}_net/res{block}"
                draft.fill(
                    f"{name}/conv{layer}/kernel{END}",
                    f"{path}/conv{layer}/kernel",
                    (3, 3, 64, 64),
                    "Conv2D",
                )
                draft.fill(
                    f"{name}/conv{layer}/bias{END}", f"{path}/conv{layer}/bias", (64,), "Conv2D"
                )
    for name, path, out in (
        ("prediction/value", "prediction_net/value_logits", 601),
        ("prediction/policy", "prediction_net/policy_logits", 9),
        ("dynamics/reward", "dynamics_net/reward_logits", 601),
    ):
        draft.fill(f"{name}/kernel{END}", f"{path}/kernel", (2304, out), "Dense")
        draft.fill(f"{name}/bias{END}", f"{path}/bias", (out,), "Dense")
    yield draft


def _reversed_numbers() -> Iterator[Draft]:
    """Yield a U-Net whose decoder counts down while the target counts up."""
    draft = Draft(
        name="unet_decoder_counts_down_adam__keras3_counts_up",
        provenance="TensorFlow 1 U-Net with scopes down_0..4, up_3..0 (level numbers); target Keras 3 encoder_1..5, decoder_1..4 (order of execution)",
        truth_basis="construction: shapes tell the levels; inside a level conv_0, conv_1",
        tags=("segmentation", "reversed", "trap_equal_names", "slots"),
    )
    width = 1
    for level in range(5):
        out = 16 << level
        for layer in range(2):
            draft.dense(
                f"down_{level}/conv_{layer}",
                f"encoder_{level + 1}/conv_{layer + 1}",
                (3, 3, width, out),
                "w b",
                layer="Conv2D",
            )
            draft.norm(f"down_{level}/bn_{layer}", f"encoder_{level + 1}/bn_{layer + 1}", out)
            width = out
    for step, level in enumerate((3, 2, 1, 0), 1):
        out = 16 << level
        draft.fill(
            f"up_{level}/deconv/w",
            f"decoder_{step}/upsample/kernel",
            (2, 2, out, 2 * out),
            "Conv2DTranspose",
        )
        draft.fill(
            f"up_{level}/deconv/b", f"decoder_{step}/upsample/bias", (out,), "Conv2DTranspose"
        )
        for layer in range(2):
            draft.dense(
                f"up_{level}/conv_{layer}",
                f"decoder_{step}/conv_{layer + 1}",
                (3, 3, 2 * out if layer == 0 else out, out),
                "w b",
                layer="Conv2D",
            )
            draft.norm(f"up_{level}/bn_{layer}", f"decoder_{step}/bn_{layer + 1}", out)
    draft.dense("score", "mask", (1, 1, 16, 2), "w b", layer="Conv2D")
    draft.adam_of_all()
    yield draft


def _auxiliary() -> Iterator[Draft]:
    """Yield a model function with an auxiliary head of the size of the main head."""
    draft = Draft(
        name="model_fn_auxiliary_head_auto_numbered__keras3_one_head_unresolvable",
        provenance="custom model_fn of an estimator with tf.layers automatic names (conv2d ... conv2d_5, dense, dense_1); target Keras 3 without the auxiliary head",
        truth_basis="construction: numbers and shapes of the convolutions; which dense is the auxiliary head is not said",
        tags=("estimator", "auto_numbered", "trap_head", "unresolvable"),
    )
    width = 3
    for number, out in enumerate((24, 32, 40, 48, 56, 64)):
        word = f"_{number}" if number else ""
        draft.dense(f"conv2d{word}", f"features/conv_{number}", (3, 3, width, out), layer="Conv2D")
        draft.norm(f"batch_normalization{word}", f"features/norm_{number}", out)
        width = out
    for leaf, shape in (("kernel", (64, 10)), ("bias", (10,))):
        target = draft.target(f"logits/{leaf}", shape, "Dense")
        draft.tie(
            [target],
            [draft.source(f"{name}/{leaf}", shape) for name in ("dense", "dense_1")],
            "two heads in the file, one in the target",
        )
    draft.slots_of_all(("/Adam", "/Adam_1"))
    draft.source("beta1_power")
    draft.source("beta2_power")
    draft.source("global_step", (), "int64")
    yield draft


def _excited() -> Iterator[Draft]:
    """Yield SE-ResNet in slim scopes with squeeze and excitation beside each unit."""
    draft = Draft(
        name="se_resnet_slim_scopes__keras3_units_45_classes",
        provenance="tensorflow/models slim resnet_v1 scopes with squeeze-and-excitation fully connected layers (unit_1/bottleneck_v1/SE/fc1); target Keras 3, 1x1 convolutions for them",
        truth_basis="rule: block, unit and layer numbers; the class count differs",
        tags=("cnn", "same_shape", "changed_head", "expand", "slots"),
    )
    root = "se_resnet/conv1"
    draft.fill(f"{root}/weights", "stem/conv/kernel", (7, 7, 3, 32), "Conv2D")
    draft.norm(f"{root}/BatchNorm", "stem/bn", 32)
    inputs = 32
    for block, (low, units) in enumerate(((16, 3), (32, 3)), 1):
        for number in range(1, units + 1):
            name, path = (
                f"se_resnet/block{block}/unit_{number}/bottleneck_v1",
                f"stage{block + 1}/unit{number}",
            )
            rows = [
                ("conv1", "reduce", (1, 1, inputs, low)),
                ("conv2", "spatial", (3, 3, low, low)),
                ("conv3", "expand", (1, 1, low, 4 * low)),
            ]
            if number == 1:
                rows.insert(0, ("shortcut", "projection", (1, 1, inputs, 4 * low)))
            for leaf, want, shape in rows:
                draft.fill(f"{name}/{leaf}/weights", f"{path}/{want}/kernel", shape, "Conv2D")
                draft.norm(f"{name}/{leaf}/BatchNorm", f"{path}/{want}_bn", shape[-1])
            inputs = 4 * low
            for leaf, want, shape in (
                ("fc1", "squeeze", (inputs, inputs // 16)),
                ("fc2", "excite", (inputs // 16, inputs)),
            ):
                draft.dense(
                    f"{name}/SE/{leaf}",
                    f"{path}/{want}",
                    shape,
                    "weights biases",
                    layer="Conv2D",
                    want=(1, 1, *shape),
                )
    draft.dense(
        "se_resnet/logits",
        "predictions",
        (1, 1, inputs, 1000),
        "weights biases",
        want=(inputs, 1000),
    )
    draft.slots_of_all(("/Momentum",))
    draft.source("global_step", (), "int64")
    draft.resize("predictions/", 45)
    yield draft


def _lists() -> Iterator[Draft]:
    """Yield bare lists: a shared embedding, and a list that is one equal layer short."""
    draft = Draft(
        name="keras2_list_shared_embedding_two_lstm__keras3",
        provenance="get_weights() of a Keras 2.2.4 model with one embedding shared by two inputs, two LSTM of one size, batch normalization (keras-team/keras engine/network.py); target Keras 3",
        truth_basis="construction: layer by layer, the shared layer once",
        source_format="npy_list",
        order="file",
        tags=("nameless", "get_weights_order", "shared", "twins"),
    )
    layers = numbered(
        [
            embedding(400, 32),
            recurrent("LSTM", 32, 48),
            recurrent("LSTM", 32, 48),
            norm(96),
            dense(96, 96),
            norm(96),
            dense(96, 96),
            dense(96, 1),
        ]
    )
    paths = add_targets(draft, layers)
    add_list(
        draft, [row for p, layer in zip(paths, layers, strict=True) for row in rows_of(p, layer)]
    )
    yield draft
    draft = Draft(
        name="keras2_list_one_equal_layer_short__keras3_unresolvable",
        provenance="get_weights() of a Keras 2 network of six equal convolutions; the Keras 3 target has seven",
        truth_basis="construction: the ends by shape; which equal layer is new is not said",
        source_format="npy_list",
        order="file",
        tags=("nameless", "get_weights_order", "inserted", "unresolvable"),
    )
    layers = numbered(
        [
            conv(5, 5, 3, 32),
            *(conv(3, 3, 32, 32) for _ in range(7)),
            conv(3, 3, 32, 64),
            dense(64, 11),
        ]
    )
    paths = add_targets(draft, layers)
    kept = [*range(7), 8, 9]
    add_list(draft, [row for index in kept for row in rows_of(paths[index], layers[index])])
    for leaf in range(2):
        targets = [paths[index][leaf] for index in range(1, 8)]
        draft.tie(
            targets,
            [f"arr_{2 * number + leaf}" for number in range(1, 7)],
            "six equal layers, seven places",
        )
    yield draft


def cases() -> tuple[Case, ...]:
    """Return the cases of this family."""
    return together(
        _mxnet(),
        _flax(),
        _fairseq(),
        _norm_words(),
        _games(),
        _planning(),
        _reversed_numbers(),
        _auxiliary(),
        _excited(),
        _lists(),
    )
