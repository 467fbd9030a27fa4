# ruff: noqa: E501 - one row of a table stays one line
"""Three real files: what they hold was read from them; the targets were written for the cases.

LucaCappelletti94/repairing_genomic_gaps ``single_gap/cnn_200`` (H5, with the statistics of its
values), ardiya/siamesenetwork-tensorflow ``model/``, tiwarylab/LSTM-predict-MD
``training_checkpoints/``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.mapping_cases.case import ADAM, MOMENTUM, Case

if TYPE_CHECKING:
    from collections.abc import Iterator

GAPS = (
    ("conv2d/kernel", "reader/conv_0/kernel", (10, 2, 1, 32), (-12.8188, 2.2456, -0.2974, 1.5453)),
    ("conv2d/bias", "reader/conv_0/bias", (32,), (-1.5323, 2.1457, -0.219, 0.757)),
    (
        "conv2d_1/kernel",
        "reader/conv_1/kernel",
        (10, 2, 32, 64),
        (-5.3633, 3.2037, -0.0338, 0.7841),
    ),
    ("conv2d_1/bias", "reader/conv_1/bias", (64,), (-242.9476, -181.5423, -199.5356, 9.2756)),
    ("batch_normalization/gamma", "reader/norm_0/gamma", (64,), (0.8387, 1.4422, 1.0697, 0.1251)),
    ("batch_normalization/beta", "reader/norm_0/beta", (64,), (-1.9499, -0.1869, -0.8714, 0.3559)),
    (
        "batch_normalization/moving_mean",
        "reader/norm_0/moving_mean",
        (64,),
        (-291.0059, -164.0794, -210.5448, 27.5106),
    ),
    (
        "batch_normalization/moving_variance",
        "reader/norm_0/moving_variance",
        (64,),
        (46.6604, 245.3004, 123.4757, 30.1855),
    ),
    (
        "conv2d_2/kernel",
        "reader/conv_2/kernel",
        (10, 1, 64, 32),
        (-5.1034, 3.8627, -0.0631, 0.7977),
    ),
    ("conv2d_2/bias", "reader/conv_2/bias", (32,), (-1.5171, 2.1808, -0.6486, 0.7856)),
    (
        "conv2d_3/kernel",
        "reader/conv_3/kernel",
        (10, 1, 32, 16),
        (-11.6559, 3.9276, -0.0488, 0.8462),
    ),
    ("conv2d_3/bias", "reader/conv_3/bias", (16,), (-24.7085, -13.2923, -19.4496, 3.7794)),
    ("batch_normalization_1/gamma", "reader/norm_1/gamma", (16,), (0.1243, 0.2389, 0.1794, 0.0341)),
    (
        "batch_normalization_1/beta",
        "reader/norm_1/beta",
        (16,),
        (-0.4654, -0.0127, -0.2435, 0.1339),
    ),
    (
        "batch_normalization_1/moving_mean",
        "reader/norm_1/moving_mean",
        (16,),
        (-114.6617, -9.657, -48.5153, 26.4994),
    ),
    (
        "batch_normalization_1/moving_variance",
        "reader/norm_1/moving_variance",
        (16,),
        (911.7884, 2961.9392, 1411.6589, 472.9293),
    ),
    ("dense/kernel", "head/fc_0/kernel", (1312, 32), (-5.8929, 4.4022, -0.0052, 0.5483)),
    ("dense/bias", "head/fc_0/bias", (32,), (-1.1764, 1.0557, 0.0603, 0.4073)),
    ("dense_1/kernel", "head/fc_1/kernel", (32, 32), (-2.2811, 1.6921, -0.039, 0.4364)),
    ("dense_1/bias", "head/fc_1/bias", (32,), (-2.6237, 1.1297, -0.2803, 0.9383)),
    ("dense_2/kernel", "head/nucleotide/kernel", (32, 4), (-0.6097, 0.4079, -0.0505, 0.1952)),
    ("dense_2/bias", "head/nucleotide/bias", (4,), (-0.0963, 0.1158, 0.0001, 0.0897)),
)
"""Name in the file, path in the model, shape, and (minimum, maximum, mean, standard deviation)."""

SIAMESE = ((7, 7, 1, 32), (5, 5, 32, 64), (3, 3, 64, 128), (1, 1, 128, 256), (1, 1, 256, 2))


def _kind(path: str) -> str:
    words = {"conv": "Conv2D", "norm": "BatchNormalization"}
    return words.get(path.split("/")[1].split("_", maxsplit=1)[0], "Dense")


def cases() -> Iterator[Case]:
    """Yield the cases of this family."""
    case = Case(
        name="genomic_gaps_cnn200_real_h5__keras3",
        provenance="LucaCappelletti94/repairing_genomic_gaps single_gap/cnn_200/best_weights_cnn_200.hdf5 (real file, tf.keras 2.2.4-tf, statistics of the real values, Nadam state); target Keras 3 with a reader and a head",
        truth_basis="rule: layer order and numbers",
        source_format="keras_h5",
        order="file",
        tags=("cnn", "real_file", "auto_numbered", "slots"),
    )
    for name, path, shape, stats in GAPS:
        case.pair(name, path, shape, _kind(path), trainable="moving" not in path)
        case.sources[name]["stats"] = dict(zip(("min", "max", "mean", "std"), stats, strict=True))
    for slot in ("m", "v"):
        for name, _, shape, _ in GAPS:
            if "moving" not in name:
                case.source(f"optimizer_weights/Nadam/{name}/{slot}", shape)
    case.source("optimizer_weights/Nadam/iter", (), "int64")
    case.source("optimizer_weights/Nadam/momentum_cache")
    yield case
    case = Case(
        name="ardiya_siamese_real_ckpt__keras3",
        provenance="ardiya/siamesenetwork-tensorflow model/model.ckpt (real checkpoint, TensorFlow 1.12, Momentum); target a Keras 3 embedding network whose last two layers are dense",
        truth_basis="rule: layer numbers; 1x1 convolutions become dense kernels",
        tags=("cnn", "real_file", "slots", "conv_to_dense"),
    )
    for number, shape in enumerate(SIAMESE, 1):
        dense = number > 3
        path = f"embedding/project_{number - 4}" if dense else f"embedding/conv_{number - 1}"
        want, how = (shape[2:], "reshape") if dense else (shape, "identity")
        kind = "Dense" if dense else "Conv2D"
        case.pair(f"conv{number}/weights", f"{path}/kernel", shape, kind, want=want, transform=how)
        case.pair(f"conv{number}/biases", f"{path}/bias", shape[-1:], kind)
    case.slots(MOMENTUM, list(case.sources))
    case.source("Variable", (), "int32")
    yield case
    end = "/.ATTRIBUTES/VARIABLE_VALUE"
    case = Case(
        name="lstm_predict_md_real_ckpt__keras3",
        provenance="tiwarylab/LSTM-predict-MD training_checkpoints/ckpt_20 (real object-based checkpoint of save_weights, tf.keras of TensorFlow 1.x with a TF1 Adam, object configurations); target Keras 3",
        truth_basis="rule: layer_with_weights numbers; the cell keeps its leaves",
        source_format="tf2_ckpt",
        tags=("rnn", "lstm", "real_file", "object_graph", "slots"),
    )
    plan = [("layer_with_weights-0/embeddings", "states/embeddings", (4, 8), "Embedding")]
    plan += [
        (f"layer_with_weights-1/cell/{leaf}", f"dynamics/lstm_cell/{leaf}", shape, "LSTMCell")
        for leaf, shape in (("kernel", (8, 256)), ("recurrent_kernel", (64, 256)), ("bias", (256,)))
    ]
    plan += [("layer_with_weights-2/kernel", "next_state/kernel", (64, 4), "Dense")]
    plan += [("layer_with_weights-2/bias", "next_state/bias", (4,), "Dense")]
    for name, path, shape, kind in plan:
        case.pair(f"{name}{end}", path, shape, kind)
        for slot in ADAM:
            word = {"Adam": "m", "Adam_1": "v"}[slot]
            case.source(f"{name}/.OPTIMIZER_SLOT/optimizer/{word}{end}", shape)
    for name in (
        "",
        "layer-0/",
        "layer_with_weights-0/",
        "layer_with_weights-1/",
        "layer_with_weights-1/cell/",
        "layer_with_weights-2/",
    ):
        case.source(f"{name}.ATTRIBUTES/OBJECT_CONFIG_JSON", (), "string")
    case.source(f"optimizer/beta1_power{end}")
    case.source(f"optimizer/beta2_power{end}")
    case.source(f"optimizer/iterations{end}", (), "int64")
    case.source("_CHECKPOINTABLE_OBJECT_GRAPH", (), "string")
    yield case
