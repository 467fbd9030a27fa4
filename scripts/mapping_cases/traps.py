# ruff: noqa: C901, E501 - tables with long rows
"""Small files that invite a wrong assertion: twins, shadows of statistics, lost layers, spellings.

Naming after tensorflow/tensorflow r1.15 ``layers/normalization.py`` (renorm), ``contrib/layers``
(zero debias), ``rnn_cell_impl.py`` (peepholes, projection), davidsandberg/facenet, keras-team/keras
``examples/lstm_seq2seq.py`` and hill-a/stable-baselines ``sac/policies.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.mapping_cases.case import ADAM, MOMENTUM, Case
from scripts.mapping_cases.rnn_cells import fused_lstm, keras_rnn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NORM = ("gamma", "beta", "moving_mean", "moving_variance")


def _layer(
    case: Case,
    name: str,
    path: str,
    shape: Sequence[int],
    leaves: tuple[str, str] = ("kernel", "bias"),
) -> None:
    kind = "Conv2D" if len(shape) == 4 else "Dense"
    case.pair(f"{name}/{leaves[0]}", f"{path}/kernel", shape, kind)
    case.pair(f"{name}/{leaves[1]}", f"{path}/bias", shape[-1:], kind)


def _leave(
    case: Case, name: str, shape: Sequence[int], leaves: tuple[str, str] = ("kernel", "bias")
) -> None:
    case.source(f"{name}/{leaves[0]}", shape)
    case.source(f"{name}/{leaves[1]}", shape[-1:])


def _statistics() -> Iterator[Case]:
    """Yield normalizations whose shadows have the shape of the statistics."""
    kinds = (
        ("renorm", "tf.layers batch renormalization", ("renorm_mean", "renorm_stddev")),
        (
            "zero_debias",
            "tf.contrib.layers.batch_norm with zero_debias_moving_mean",
            ("BatchNorm/moving_mean/biased", "BatchNorm/moving_mean/local_step"),
        ),
    )
    for word, what, _ in kinds:
        case = Case(
            name=f"batch_norm_{word}_tf1__keras3",
            provenance=f"six convolutions with {what} (tensorflow/tensorflow r1.15), Momentum; target Keras 3",
            truth_basis="rule: layer numbers; the shadows of the statistics are left over",
            tags=("cnn", "shadow", "same_shape", "slots"),
        )
        trained = []
        for number in range(1, 7):
            scope = f"net/conv{number}"
            shape = (3, 3, 32 if number > 1 else 3, 32)
            case.pair(f"{scope}/weights", f"conv_{number - 1}/kernel", shape, "Conv2D")
            norm = f"{scope}/batch_normalization" if word == "renorm" else f"{scope}/BatchNorm"
            for leaf in NORM:
                fixed = leaf.startswith("moving")
                case.pair(
                    f"{norm}/{leaf}",
                    f"bn_{number - 1}/{leaf}",
                    (32,),
                    "BatchNormalization",
                    trainable=not fixed,
                )
                trained += [] if fixed else [f"{norm}/{leaf}"]
            trained.append(f"{scope}/weights")
            if word == "renorm":
                for leaf, dims in (
                    ("renorm_mean", (32,)),
                    ("renorm_mean_weight", ()),
                    ("renorm_stddev", (32,)),
                    ("renorm_stddev_weight", ()),
                ):
                    case.source(f"{norm}/{leaf}", dims)
            else:
                inner = f"{norm}/{norm}/moving_mean"
                case.source(f"{inner}/biased", (32,))
                case.source(f"{inner}/local_step")
        case.slots(MOMENTUM, trained)
        case.source("global_step", (), "int64")
        yield case


def _twins() -> Iterator[Case]:
    case = Case(
        name="sac_one_critic_of_two__keras3",
        provenance="hill-a/stable-baselines SAC names (pi, qf1, qf2); the target has an actor and one critic",
        truth_basis="construction: the actor by name and shape; which of the two critics is not said",
        tags=("rl", "twins", "unresolvable"),
    )
    for number, shape in enumerate(((24, 64), (64, 64))):
        _layer(case, f"model/pi/fc{number}", f"actor/dense_{number}", shape)
    _layer(case, "model/pi/dense", "actor/mean", (64, 4))
    targets: list[str] = []
    sources: list[str] = []
    for number, shape in enumerate(((28, 64), (64, 64), (64, 1))):
        path = f"critic/dense_{number}" if number < 2 else "critic/value"
        for leaf, dims in (("kernel", shape), ("bias", shape[1:])):
            targets.append(case.target(f"{path}/{leaf}", dims, "Dense"))
            for critic in (1, 2):
                word = f"fc{number}" if number < 2 else f"qf{critic}"
                sources.append(case.source(f"model/values_fn/qf{critic}/{word}/{leaf}", dims))
    case.tie(targets, sources, "one critic, two candidates")
    yield case
    case = Case(
        name="siamese_left_right__keras3_tower_a_b",
        provenance="two towers without shared weights (left, right) in a TensorFlow 1 file; the target calls them tower_a and tower_b; a joint head",
        truth_basis="construction: the towers are exchangeable by name; the head is not",
        tags=("twins", "unresolvable", "slots"),
    )
    targets, sources = [], []
    for side, tower in (("left", "tower_a"), ("right", "tower_b")):
        for number, shape in enumerate(((5, 5, 3, 24), (3, 3, 24, 48))):
            for leaf, dims in (("kernel", shape), ("bias", shape[-1:])):
                sources.append(case.source(f"{side}/conv2d{'_1' * number}/{leaf}", dims))
                targets.append(case.target(f"{tower}/conv_{number}/{leaf}", dims, "Conv2D"))
    _layer(case, "head/dense", "compare/dense", (96, 2))
    case.slots(ADAM, list(case.sources))
    case.tie(targets, sources, "left and right against a and b")
    yield case
    for word, first, count in (("three", 0, 3), ("counted_from_one", 1, 5)):
        case = Case(
            name=f"ensemble_{word}_of_five__keras3",
            provenance=f"five equal networks net0 ... net4 in one file; target members {first} ... {first + count - 1}",
            truth_basis="rule: number of the network"
            + (" (all five, counted from one)" if first else ""),
            tags=("twins", "same_shape", "natural_order"),
        )
        for member in range(5):
            for name, new, shape in (
                ("conv", "features", (3, 3, 1, 8)),
                ("fc", "scores", (200, 10)),
            ):
                if member < count:
                    _layer(
                        case,
                        f"ensemble/net{member}/{name}",
                        f"member_{member + first}/{new}",
                        shape,
                        ("weights", "biases"),
                    )
                else:
                    _leave(case, f"ensemble/net{member}/{name}", shape, ("weights", "biases"))
        yield case


def _parts() -> Iterator[Case]:
    case = Case(
        name="mtcnn_three_nets_ckpt__keras3_onet",
        provenance="davidsandberg/facenet detect_face.py: pnet, rnet and onet in one checkpoint; target the onet alone",
        truth_basis="rule: scope onet by its shapes; layer numbers; heads by size",
        tags=("detection", "other_networks", "prelu"),
    )
    leaves = ("weights", "biases")
    for scope, plan in (
        ("pnet", ((3, 3, 3, 10), (3, 3, 10, 16), (3, 3, 16, 32))),
        ("rnet", ((3, 3, 3, 28), (3, 3, 28, 48), (2, 2, 48, 64))),
    ):
        for number, shape in enumerate(plan, 1):
            _leave(case, f"{scope}/conv{number}", shape, leaves)
            case.source(
                f"{scope}/{'PReLU' if scope == 'pnet' else 'prelu'}{number}/alpha", shape[-1:]
            )
    for name, shape in (
        ("pnet/conv4-1", (1, 1, 32, 2)),
        ("pnet/conv4-2", (1, 1, 32, 4)),
        ("rnet/conv4", (576, 128)),
        ("rnet/conv5-1", (128, 2)),
        ("rnet/conv5-2", (128, 4)),
    ):
        _leave(case, name, shape, leaves)
    case.source("rnet/prelu4/alpha", (128,))
    for number, shape in enumerate(
        ((3, 3, 3, 32), (3, 3, 32, 64), (3, 3, 64, 64), (2, 2, 64, 128), (1152, 256)), 1
    ):
        _layer(case, f"onet/conv{number}", f"onet/layer{number}", shape, leaves)
        alpha = case.source(f"onet/prelu{number}/alpha", shape[-1:])
        case.edge(alpha, case.target(f"onet/slope{number}/alpha", shape[-1:], "PReLU"))
    for number, (path, out) in enumerate((("score", 2), ("box", 4), ("points", 10)), 1):
        _layer(case, f"onet/conv6-{number}", f"onet/{path}", (256, out), leaves)
    yield case
    case = Case(
        name="multitask_heads_tf1__keras3_camel_case",
        provenance="a shared trunk with heads of one shape for named tasks and embeddings of one shape for named features (TensorFlow 1); target a Keras 3 model that spells the names in camel case",
        truth_basis="rule: task and feature names",
        tags=("tabular", "same_shape", "slots", "spelling"),
    )
    for feature, new in (
        ("user_id", "userId"),
        ("item_id", "itemId"),
        ("item_category", "itemCategory"),
        ("user_city", "userCity"),
    ):
        case.pair(
            f"input/{feature}_embedding/weights", f"emb_{new}/embeddings", (5000, 16), "Embedding"
        )
    for number, shape in enumerate(((64, 128), (128, 128)), 1):
        _layer(case, f"shared/fc{number}", f"trunk_{number}", shape)
    for task, new in (
        ("click_rate", "clickRate"),
        ("purchase_rate", "purchaseRate"),
        ("dwell_time", "dwellTime"),
    ):
        _layer(case, f"tower_{task}/hidden", f"{new}Hidden", (128, 32))
        _layer(case, f"tower_{task}/out", f"{new}Output", (32, 1))
    case.slots(ADAM, list(case.sources))
    case.source("beta1_power")
    case.source("beta2_power")
    yield case


def _recurrent() -> Iterator[Case]:
    case = Case(
        name="lstm_peephole_projection_tf1__keras3",
        provenance="tf.nn.rnn_cell.LSTMCell with peepholes (w_f_diag, w_i_diag, w_o_diag), two layers (tensorflow/tensorflow rnn_cell_impl.py); target Keras 3 LSTM layers, which have no peepholes",
        truth_basis="rule: cell numbers; gates (i, j, f, o) to (i, f, c, o); peepholes are left over",
        tags=("rnn", "lstm", "gate_order", "leftovers", "slots"),
    )
    for cell in range(2):
        targets = keras_rnn(case, f"layer_{cell}", (160, 160))
        scope = f"rnn/multi_rnn_cell/cell_{cell}/lstm_cell"
        fused_lstm(case, (f"{scope}/kernel", f"{scope}/bias"), targets, (160, 160))
    kept = list(case.sources)
    for cell in range(2):
        scope = f"rnn/multi_rnn_cell/cell_{cell}/lstm_cell"
        kept += [case.source(f"{scope}/w_{gate}_diag", (160,)) for gate in "fio"]
    _layer(case, "dense", "readout", (160, 40))
    case.slots(ADAM, [*kept, "dense/kernel", "dense/bias"])
    yield case
    case = Case(
        name="keras2_seq2seq_lstm_h5__keras3_named",
        provenance="keras-team/keras examples/lstm_seq2seq.py (lstm_1 encoder, lstm_2 decoder, dense_1); 71 and 93 tokens; target encoder_lstm, decoder_lstm, decoder_dense",
        truth_basis="rule: the encoder reads 71 tokens, the decoder 93",
        source_format="keras_h5",
        order="file",
        tags=("rnn", "lstm", "seq2seq"),
    )
    for number, path, inputs in ((1, "encoder_lstm", 71), (2, "decoder_lstm", 93)):
        targets = keras_rnn(case, path, (inputs, 256))
        shapes = ((inputs, 1024), (256, 1024), (1024,))
        for leaf, target, shape in zip(
            ("kernel", "recurrent_kernel", "bias"), targets, shapes, strict=True
        ):
            case.edge(case.source(f"lstm_{number}/{leaf}", shape), target)
    _layer(case, "dense_1", "decoder_dense", (256, 93))
    yield case


def _lost() -> Iterator[Case]:
    for word, lost in (
        ("front", ("conv2d_1", "batch_normalization_1")),
        ("middle", ("conv2d_5", "batch_normalization_5")),
    ):
        case = Case(
            name=f"keras2_h5_lost_{word}_layers__keras3",
            provenance=f"Keras 2 file of 9 numbered convolutions with normalization; the datasets of {lost[0]} and {lost[1]} are damaged and not read; target the same model in Keras 3, numbered from 0",
            truth_basis="rule: number n of the file is number n - 1 of the model",
            source_format="keras_h5",
            order="file",
            tags=("cnn", "auto_numbered", "lookalike", "truncated", "same_shape"),
        )
        for number in range(1, 10):
            last = f"_{number - 1}" if number > 1 else ""
            shape = (3, 3, 24 if number > 1 else 3, 24)
            _layer(case, f"conv2d_{number}", f"conv2d{last}", shape)
            for leaf in NORM:
                path = f"batch_normalization{last}/{leaf}"
                case.pair(
                    f"batch_normalization_{number}/{leaf}",
                    path,
                    (24,),
                    "BatchNormalization",
                    trainable=not leaf.startswith("moving"),
                )
        _layer(case, "dense_1", "dense", (24, 10))
        case.sources = {n: row for n, row in case.sources.items() if n.split("/")[0] not in lost}
        case.truth = [row for row in case.truth if row["source"] in case.sources]
        yield case


def cases() -> Iterator[Case]:
    """Yield the cases of this family."""
    for family in (_statistics, _twins, _parts, _recurrent, _lost):
        yield from family()
