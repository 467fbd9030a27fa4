"""Recurrent cells of TensorFlow 1 and what becomes of their fused kernels in Keras.

Source: tensorflow/tensorflow r1.15 ``python/ops/rnn_cell_impl.py`` (gates i, j, f, o over
``[input; state]``; GRU gates r, u), keras-team/keras ``layers/rnn`` (i, f, c, o; z, r, h) and
``cudnn_recurrent.py`` with ``_convert_rnn_weights`` for the CuDNN layouts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scripts.mapping_cases.case import Case

LSTM_LEAVES = ("kernel", "recurrent_kernel", "bias")


def keras_rnn(
    case: Case, path: str, sizes: tuple[int, int], *, kind: str = "LSTM", cell: str | None = None
) -> tuple[str, str, str]:
    """Add the three targets of a Keras LSTM or GRU of ``(inputs, units)``; return their paths."""
    inputs, units = sizes
    wide = (4 if kind == "LSTM" else 3) * units
    inner = f"{kind.lower()}_cell" if cell is None else cell
    prefix = f"{path}/{inner}" if inner else path
    shapes = ((inputs, wide), (units, wide), (wide,))
    kernel, recurrent, bias = (
        case.target(f"{prefix}/{leaf}", shape, f"{kind}Cell")
        for leaf, shape in zip(LSTM_LEAVES, shapes, strict=True)
    )
    return kernel, recurrent, bias


def fused_lstm(
    case: Case,
    names: tuple[str, str],
    targets: tuple[str, str, str],
    sizes: tuple[int, int],
    *,
    order: str = "0,2,1,3",
    forget: bool = True,
) -> None:
    """Add a fused ``[input; state]`` kernel, its bias and the edges to the targets of a cell."""
    inputs, units = sizes
    kernel = case.source(names[0], (inputs + units, 4 * units))
    bias = case.source(names[1], (4 * units,))
    case.edge(kernel, targets[0], f"slice:axis=0:0:{inputs}|blocks:axis=1:order={order}")
    case.edge(kernel, targets[1], f"slice:axis=0:{inputs}:|blocks:axis=1:order={order}")
    added = "|add_forget:1.0" if forget else ""
    case.edge(bias, targets[2], f"blocks:axis=0:order={order}{added}")


def split_lstm(
    case: Case, names: tuple[str, str, str], targets: tuple[str, str, str], sizes: tuple[int, int]
) -> None:
    """Add separate input and state kernels with gates i, f, o, u (OpenAI baselines)."""
    inputs, units = sizes
    shapes = ((inputs, 4 * units), (units, 4 * units), (4 * units,))
    for name, target, shape in zip(names, targets, shapes, strict=True):
        axis = len(shape) - 1
        case.edge(case.source(name, shape), target, f"blocks:axis={axis}:order=0,1,3,2")


def fused_gru(
    case: Case, prefix: str, targets: tuple[str, str, str], sizes: tuple[int, int]
) -> None:
    """Add ``gates`` and ``candidate`` of a TF1 GRU cell and the edges to a Keras GRU."""
    inputs, units = sizes
    rows = {0: f"slice:axis=0:0:{inputs}", 1: f"slice:axis=0:{inputs}:"}
    for part, width, swap, span in (
        ("gates", 2, True, f"0:{2 * units}"),
        ("candidate", 1, False, f"{2 * units}:{3 * units}"),
    ):
        kernel = case.source(f"{prefix}/{part}/kernel", (inputs + units, width * units))
        bias = case.source(f"{prefix}/{part}/bias", (width * units,))
        for index, cut in rows.items():
            middle = "|blocks:axis=1:order=1,0" if swap else ""
            case.edge(kernel, targets[index], f"{cut}{middle}|into::,{span}")
        case.edge(bias, targets[2], ("blocks:axis=0:order=1,0|" if swap else "") + f"into:{span}")


def cudnn_lstm(
    case: Case, names: tuple[str, str, str], targets: tuple[str, str, str], sizes: tuple[int, int]
) -> None:
    """Add a Keras CuDNNLSTM and the edges to an LSTM."""
    n, u = sizes
    kernel = f"reshape:{n},4,{u}|transpose:1,0,2|reshape:4,{u},{n}|transpose:2,0,1|reshape"
    recurrent = f"reshape:{u},4,{u}|transpose:2,1,0|reshape"
    rows = (((n, 4 * u), kernel), ((u, 4 * u), recurrent), ((8 * u,), "sum:axis=0:n=2"))
    for name, target, (shape, how) in zip(names, targets, rows, strict=True):
        case.edge(case.source(name, shape), target, how)
