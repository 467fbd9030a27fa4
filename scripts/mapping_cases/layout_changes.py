# ruff: noqa: E501 - one row of a table stays one line
"""The same weights cut, stacked or fused in another way: gates, heads, layers, partitions.

Source of the layouts: keras-team/keras 1.2.2 ``layers/recurrent.py`` (lstm_1_W_i ...), Keras 3
``layers/attention/multi_head_attention.py``, tensorflow/tensorflow r1.15 ``rnn_cell_impl.py``,
google-research/t5x (layers stacked along one axis for scan).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.mapping_cases.case import ADAM, Case
from scripts.mapping_cases.rnn_cells import keras_rnn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BLOCK = (
    ("attention/query/kernel", (192, 192)),
    ("attention/key/kernel", (192, 192)),
    ("attention/value/kernel", (192, 192)),
)
BLOCK += (
    ("attention/out/kernel", (192, 192)),
    ("mlp/wi/kernel", (192, 768)),
    ("mlp/wo/kernel", (768, 192)),
)
BLOCK += (("pre_attention_norm/scale", (192,)), ("pre_mlp_norm/scale", (192,)))


def _gates() -> Iterator[Case]:
    case = Case(
        name="tf1_basic_lstm__handwritten_split_gates",
        provenance="tf.nn.rnn_cell.BasicLSTMCell, 2 layers (tensorflow/tensorflow r1.15); target a hand-written cell with four gates of an input kernel, a state kernel and a bias each",
        truth_basis="rule: gates (i, j, f, o): input, candidate, forget, output; rows are input, then state",
        tags=("rnn", "lstm", "split_gates", "slots"),
    )
    for layer, inputs in ((0, 80), (1, 128)):
        scope = f"rnn/multi_rnn_cell/cell_{layer}/basic_lstm_cell"
        units = 128
        kernel = case.source(f"{scope}/kernel", (inputs + units, 4 * units))
        bias = case.source(f"{scope}/bias", (4 * units,))
        for block, gate in enumerate(("input", "candidate", "forget", "output")):
            columns = f"slice:axis=1:{block * units}:{(block + 1) * units}"
            path = f"lstm_{layer}/{gate}_gate"
            for leaf, rows, count in (
                ("input_kernel", f"0:{inputs}", inputs),
                ("state_kernel", f"{inputs}:", units),
            ):
                target = case.target(f"{path}/{leaf}", (count, units))
                case.edge(kernel, target, f"slice:axis=0:{rows}|{columns}")
            added = "|add_forget:1.0" if gate == "forget" else ""
            cut = f"slice:axis=0:{block * units}:{(block + 1) * units}{added}"
            case.edge(bias, case.target(f"{path}/bias", (units,)), cut)
    case.slots(ADAM, list(case.sources))
    yield case
    case = Case(
        name="keras1_lstm_gru_h5_named_gates__keras3",
        provenance="Keras 1.2.2 file with named gates: lstm_1_W_i, lstm_1_U_i, lstm_1_b_i, then c, f, o; gru_1_W_z, then r, h (keras-team/keras 1.2.2 layers/recurrent.py); target Keras 3",
        truth_basis="rule: gate letters; i, f, c, o and z, r, h in the fused kernels",
        source_format="keras_h5",
        order="file",
        tags=("rnn", "split_gates", "gate_order"),
    )
    case.pair(
        "embedding_1/embedding_1_W:0", "sequential/embedding/embeddings", (3000, 72), "Embedding"
    )
    for kind, stored, placed, inputs, units in (
        ("LSTM", "icfo", "ifco", 72, 112),
        ("GRU", "zrh", "zrh", 112, 64),
    ):
        word = kind.lower()
        targets = keras_rnn(case, f"sequential/{word}", (inputs, units), kind=kind)
        for gate in stored:
            start = placed.index(gate) * units
            span = f"{start}:{start + units}"
            for letter, target, shape in zip(
                "WUb", targets, ((inputs, units), (units, units), (units,)), strict=True
            ):
                name = case.source(f"{word}_1/{word}_1_{letter}_{gate}:0", shape)
                case.edge(name, target, f"into::,{span}" if len(shape) > 1 else f"into:{span}")
    case.pair("dense_1/dense_1_W:0", "sequential/dense/kernel", (64, 8), "Dense")
    case.pair("dense_1/dense_1_b:0", "sequential/dense/bias", (8,), "Dense")
    yield case


def _cudnn_compatible() -> Iterator[Case]:
    case = Case(
        name="tf1_cudnn_compatible_gru__keras3_reset_after",
        provenance="tf.contrib.cudnn_rnn.CudnnCompatibleGRUCell, 2 layers (tensorflow/tensorflow r1.15 cudnn_rnn_ops.py: gates, candidate/input_projection, candidate/hidden_projection); target Keras 3 GRU with reset_after",
        truth_basis="rule: gates (r, u) to (z, r, h) with z = u; the two candidate biases stay apart, the recurrent bias of the gates is zero",
        tags=("rnn", "gru", "gate_order", "two_biases", "partial_cover", "slots"),
    )
    for layer, inputs in ((0, 56), (1, 144)):
        units = 144
        path = "sequential/gru" + ("_1" if layer else "") + "/gru_cell"
        kernel = case.target(f"{path}/kernel", (inputs, 3 * units), "GRUCell")
        recurrent = case.target(f"{path}/recurrent_kernel", (units, 3 * units), "GRUCell")
        bias = case.target(f"{path}/bias", (2, 3 * units), "GRUCell")
        scope = f"cudnn_gru/rnn/multi_rnn_cell/cell_{layer}/cudnn_compatible_gru_cell"
        gates = case.source(f"{scope}/gates/kernel", (inputs + units, 2 * units))
        swap, first, last = "blocks:axis=1:order=1,0", f"0:{2 * units}", f"{2 * units}:{3 * units}"
        case.edge(gates, kernel, f"slice:axis=0:0:{inputs}|{swap}|into::,{first}")
        case.edge(gates, recurrent, f"slice:axis=0:{inputs}:|{swap}|into::,{first}")
        case.edge(
            case.source(f"{scope}/gates/bias", (2 * units,)),
            bias,
            f"blocks:axis=0:order=1,0|into:0,{first}",
        )
        for row, (word, target, rows) in enumerate(
            (("input", kernel, inputs), ("hidden", recurrent, units))
        ):
            name = f"{scope}/candidate/{word}_projection"
            case.edge(case.source(f"{name}/kernel", (rows, units)), target, f"into::,{last}")
            case.edge(case.source(f"{name}/bias", (units,)), bias, f"into:{row},{last}")
    case.pair("dense/kernel", "sequential/dense/kernel", (144, 9), "Dense")
    case.pair("dense/bias", "sequential/dense/bias", (9,), "Dense")
    case.slots(ADAM, list(case.sources))
    case.source("beta1_power")
    case.source("beta2_power")
    yield case


def _stacks() -> Iterator[Case]:
    for word, stacked in (
        ("stacked_npz__keras3_listed", True),
        ("listed_npz__stacked_target", False),
    ):
        case = Case(
            name=f"encoder_layers_{word}",
            provenance="an encoder of 6 equal layers, "
            + (
                "stacked along the first axis of the file (google-research/t5x with scanned layers); target one set of variables a layer"
                if stacked
                else "one set a layer in the file; target stacked variables for a scan"
            ),
            truth_basis="rule: the index in the stack is the layer number",
            source_format="npz",
            order="file",
            tags=("stacked_layers", "same_shape", "attention"),
        )
        case.pair("token_embedder/embedding", "embedding/embeddings", (6000, 192), "Embedding")
        for leaf, shape in BLOCK:
            wide = (6, *shape)
            if stacked:
                source = case.source(f"encoder/layers/{leaf}", wide)
                for layer in range(6):
                    target = case.target(
                        f"encoder/layer_{layer}/{leaf.replace('scale', 'gamma')}", shape
                    )
                    case.edge(source, target, f"slice:axis=0:{layer}:{layer + 1}|reshape")
            else:
                target = case.target(f"encoder/scan/{leaf}", wide)
                for layer in range(6):
                    region = ",".join([str(layer), *[":" for _ in shape]])
                    case.edge(
                        case.source(f"encoder/layers_{layer}/{leaf}", shape),
                        target,
                        f"into:{region}",
                    )
        case.pair("encoder/final_norm/scale", "encoder/final_norm/scale", (192,))
        yield case


def _heads() -> Iterator[Case]:
    case = Case(
        name="keras_mha_h5__handwritten_dense",
        provenance="tf.keras 2.x file with MultiHeadAttention (query, key, value kernels (d, heads, size), attention_output (heads, size, d)), 3 blocks; target hand-written dense kernels (d, d)",
        truth_basis="rule: block numbers and roles; heads are merged in order",
        source_format="keras_h5",
        order="file",
        tags=("attention", "heads", "same_shape", "auto_numbered"),
    )
    for block in range(3):
        last = f"_{block}" if block else ""
        name, path = f"multi_head_attention{last}", f"block_{block}/attention"
        for role, new in (("query", "wq"), ("key", "wk"), ("value", "wv")):
            case.pair(
                f"{name}/{role}/kernel",
                f"{path}/{new}/kernel",
                (160, 5, 32),
                "Dense",
                want=(160, 160),
                transform="reshape",
            )
            case.pair(
                f"{name}/{role}/bias",
                f"{path}/{new}/bias",
                (5, 32),
                "Dense",
                want=(160,),
                transform="reshape",
            )
        out = f"{name}/attention_output"
        case.pair(
            f"{out}/kernel",
            f"{path}/wo/kernel",
            (5, 32, 160),
            "Dense",
            want=(160, 160),
            transform="reshape",
        )
        case.pair(f"{out}/bias", f"{path}/wo/bias", (160,), "Dense")
        for number, where in enumerate(("before", "after")):
            index = 2 * block + number
            norm = f"layer_normalization_{index}" if index else "layer_normalization"
            for leaf in ("gamma", "beta"):
                case.pair(
                    f"{norm}/{leaf}",
                    f"block_{block}/norm_{where}/{leaf}",
                    (160,),
                    "LayerNormalization",
                )
        for number, shape in enumerate(((160, 320), (320, 160))):
            index = 2 * block + number
            dense = f"dense_{index}" if index else "dense"
            case.pair(f"{dense}/kernel", f"block_{block}/mlp_{number}/kernel", shape, "Dense")
            case.pair(f"{dense}/bias", f"block_{block}/mlp_{number}/bias", shape[1:], "Dense")
    yield case


def _partitions() -> Iterator[Case]:
    case = Case(
        name="tf1_partitioned_everything__keras3",
        provenance="variables under tf.fixed_size_partitioner(12) and a column partition of the softmax (tensorflow/tensorflow r1.15 partitioned_variables.py); part_10 and part_11 sort before part_2; target Keras 3",
        truth_basis="rule: part numbers are blocks in order; rows for the table, columns for the softmax",
        tags=("partitioned", "natural_order", "slots"),
    )

    def parts(name: str, path: str, shape: Sequence[int], axis: int, kind: str) -> None:
        target = case.target(path, shape, kind)
        start = 0
        for part in range(12):
            size = shape[axis] // 12 + (part < shape[axis] % 12)
            dims = [size if n == axis else d for n, d in enumerate(shape)]
            region = ",".join(
                f"{start}:{start + size}" if n == axis else ":" for n in range(len(shape))
            )
            case.edge(case.source(f"{name}/part_{part}", dims), target, f"into:{region}")
            start += size

    parts("model/embedding/table", "tokens/embeddings", (10007, 64), 0, "Embedding")
    for number in range(2):
        case.pair(
            f"model/dense{'_1' * number}/kernel", f"hidden_{number}/kernel", (64, 64), "Dense"
        )
        case.pair(f"model/dense{'_1' * number}/bias", f"hidden_{number}/bias", (64,), "Dense")
    parts("model/softmax/kernel", "softmax/kernel", (64, 1200), 1, "Dense")
    parts("model/softmax/bias", "softmax/bias", (1200,), 0, "Dense")
    case.slots(ADAM, list(case.sources))
    case.source("beta1_power")
    case.source("beta2_power")
    case.source("global_step", (), "int64")
    yield case


def cases() -> Iterator[Case]:
    """Yield the cases of this family."""
    for family in (_gates, _cudnn_compatible, _stacks, _heads, _partitions):
        yield from family()
