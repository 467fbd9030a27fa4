"""Where a GRU's gates are, by system. Keras orders them (z, r, h).

Resetting the state before or after the recurrent product makes two different cells: a target with
two biases (``reset_after``) takes only what was written by such a cell, and the other way round.

Source: measured against the cells, ``tests/golden/keras`` for Keras and CuDNN; TensorFlow 1's
``rnn_cell_impl.py`` and ``cudnn_rnn_ops.py``, PyTorch's documentation of ``torch.nn.GRU``. Pure
data.
"""

from tfrepair.core.tensor import Shape
from tfrepair.planning.layouts.cells import (
    BIAS,
    KERNEL,
    RECURRENT,
    Cell,
    Pieces,
    Slot,
    System,
    columns,
    span,
)
from tfrepair.planning.layouts.lstm import (
    BIAS_WORDS,
    KERAS_KERNELS,
    TORCH_BIASES,
    TORCH_KERNELS,
    as_it_is,
    cudnn_kernels,
    to_cudnn,
)
from tfrepair.planning.layouts.routes import piece

_KERAS = ("z", "r", "h")
_SWAP = "order=1,0"  # TensorFlow 1: (r, u); u is Keras' z
_OF_TORCH = "order=1,0,2"  # (r, z, n)


def _bias(cell: Cell) -> Shape | None:
    if cell.bias is None:
        return None
    return (2, cell.wide) if cell.reset_after else (cell.wide,)


def _flat(cell: Cell) -> Shape | None:
    return None if cell.bias is None else (2 * cell.wide,)


def _one(cell: Cell) -> Shape | None:
    return None if cell.bias is None else (cell.wide,)


def _keras(cell: Cell) -> Pieces | None:
    if not cell.is_cudnn:
        return as_it_is(cell)
    both = f"reshape:{2 * cell.wide}"
    return {**to_cudnn(cell), BIAS: (piece(2, both),)}


def _from_cudnn(cell: Cell) -> Pieces | None:
    if cell.is_cudnn:
        return as_it_is(cell)
    if not cell.reset_after:
        return None
    return {**cudnn_kernels(cell), BIAS: (piece(2, f"reshape:2,{cell.wide}"),)}


def _apart(cell: Cell) -> Pieces | None:
    """Keras 1: W, U and b of each gate, in the order of today."""
    if cell.is_cudnn or cell.reset_after:
        return None
    each, u = 2 if cell.bias is None else 3, cell.units
    order = [(each * number, number * u) for number in range(len(_KERAS))]
    bias = {} if cell.bias is None else {BIAS: tuple(span(k + 2, at, u) for k, at in order)}
    return {
        KERNEL: tuple(columns(k, at, u) for k, at in order),
        RECURRENT: tuple(columns(k + 1, at, u) for k, at in order),
        **bias,
    }


def _tensorflow_1(cell: Cell) -> Pieces | None:
    """Gates (r, u) and the candidate, each with one kernel for [input; state]."""
    if cell.is_cudnn or cell.reset_after or cell.bias is None:
        return None
    n, u = cell.inputs, cell.units
    above, below = f"slice:axis=0:0:{n}", f"slice:axis=0:{n}:{n + u}"
    swap = f"blocks:axis=1:{_SWAP}"
    return {
        KERNEL: (columns(0, 0, 2 * u, f"{above}|{swap}"), columns(2, 2 * u, u, above)),
        RECURRENT: (columns(0, 0, 2 * u, f"{below}|{swap}"), columns(2, 2 * u, u, below)),
        BIAS: (span(1, 0, 2 * u, f"blocks:axis=0:{_SWAP}"), span(3, 2 * u, u)),
    }


def _compatible(cell: Cell) -> Pieces | None:
    """``CudnnCompatibleGRUCell``: the candidate's two products apart, each with its bias."""
    if cell.is_cudnn or not cell.reset_after:
        return None
    n, u = cell.inputs, cell.units
    swap = f"blocks:axis=1:{_SWAP}"
    return {
        KERNEL: (columns(0, 0, 2 * u, f"slice:axis=0:0:{n}|{swap}"), columns(2, 2 * u, u)),
        RECURRENT: (
            columns(0, 0, 2 * u, f"slice:axis=0:{n}:{n + u}|{swap}"),
            columns(4, 2 * u, u),
        ),
        # The gates have one bias: it stands with the input's, the state's is zero.
        BIAS: (
            piece(1, f"blocks:axis=0:{_SWAP}|into:0,0:{2 * u}"),
            piece(3, f"into:0,{2 * u}:{3 * u}"),
            piece(5, f"into:1,{2 * u}:{3 * u}"),
        ),
    }


def _torch(cell: Cell) -> Pieces | None:
    if cell.is_cudnn or (cell.bias is not None and not cell.reset_after):
        return None
    turn, swap = f"transpose:1,0|blocks:axis=1:{_OF_TORCH}", f"blocks:axis=0:{_OF_TORCH}"
    rows = tuple(piece(2 + row, f"{swap}|into:{row},:") for row in range(2))
    bias = {} if cell.bias is None else {BIAS: rows}
    return {KERNEL: (piece(0, turn),), RECURRENT: (piece(1, turn),), **bias}


def _matrix(words: tuple[str, ...], *, gates: int) -> Slot:
    return Slot(words=words, shape=lambda cell: (cell.inputs + cell.units, gates * cell.units))


def _vector(words: tuple[str, ...], *, gates: int) -> Slot:
    def shape(cell: Cell) -> Shape | None:
        return None if cell.bias is None else (gates * cell.units,)

    return Slot(words=words, shape=shape)


def _gates() -> tuple[Slot, ...]:
    slots = []
    for gate in _KERAS:
        slots += [
            Slot(words=(f"w_{gate}",), shape=lambda cell: (cell.inputs, cell.units)),
            Slot(words=(f"u_{gate}",), shape=lambda cell: (cell.units, cell.units)),
            _vector((f"b_{gate}",), gates=1),
        ]
    return tuple(slots)


def _words(scope: str, kind: str) -> tuple[str, ...]:
    leaves = {
        "kernel": ("kernel", "weights", "linear/matrix"),
        "bias": ("bias", "biases", "linear/bias"),
    }
    return tuple(f"{scope}/{leaf}" for leaf in leaves[kind])


GRU_SYSTEMS: tuple[System, ...] = (
    System(
        name="keras",
        kind="GRU",
        slots=(*KERAS_KERNELS, Slot(words=BIAS_WORDS, shape=_bias)),
        build=_keras,
    ),
    System(
        name="cudnn-keras",
        kind="GRU",
        slots=(*KERAS_KERNELS, Slot(words=BIAS_WORDS, shape=_flat)),
        build=_from_cudnn,
        note="written by CuDNNGRU",
    ),
    System(name="keras-1-gates", kind="GRU", slots=_gates(), build=_apart),
    System(
        name="tensorflow-1",
        kind="GRU",
        slots=(
            _matrix(_words("gates", "kernel"), gates=2),
            _vector(_words("gates", "bias"), gates=2),
            _matrix(_words("candidate", "kernel"), gates=1),
            _vector(_words("candidate", "bias"), gates=1),
        ),
        build=_tensorflow_1,
    ),
    System(
        name="tensorflow-1-cudnn-compatible",
        kind="GRU",
        slots=(
            _matrix(("gates/kernel",), gates=2),
            _vector(("gates/bias",), gates=2),
            Slot(
                words=("candidate/input_projection/kernel", "input_projection/kernel"),
                shape=lambda cell: (cell.inputs, cell.units),
            ),
            _vector(("candidate/input_projection/bias", "input_projection/bias"), gates=1),
            Slot(
                words=("candidate/hidden_projection/kernel", "hidden_projection/kernel"),
                shape=lambda cell: (cell.units, cell.units),
            ),
            _vector(("candidate/hidden_projection/bias", "hidden_projection/bias"), gates=1),
        ),
        build=_compatible,
    ),
    System(
        name="pytorch",
        kind="GRU",
        slots=(*TORCH_KERNELS, *(Slot(words=words, shape=_one) for words in TORCH_BIASES)),
        build=_torch,
    ),
)
"""The systems of a GRU, the most common first."""
