"""Where an LSTM's gates are, by system. Keras orders them (i, f, c, o), c being the new state.

Source: measured against the cells, ``tests/golden/keras`` for Keras and CuDNN; TensorFlow 1's
``rnn_cell_impl.py``, Sonnet 1 and 2's ``LSTM``, OpenAI baselines' ``a2c/utils.py``, PyTorch's
documentation of ``torch.nn.LSTM``; cuDNN's developer guide for the opaque buffer. Pure data.
"""

from functools import partial

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
from tfrepair.planning.layouts.routes import piece

_GATES_OF_KERAS = ("i", "f", "c", "o")
_KERAS_1 = ("i", "c", "f", "o")
_FORGET = 1
_OF_TENSORFLOW_1 = "order=0,2,1,3"  # (i, j, f, o)
_OF_BASELINES = "order=0,1,3,2"  # (i, f, o, u)


def kernel(cell: Cell) -> Shape:
    """Return the shape of the input kernel in Keras."""
    return (cell.inputs, cell.wide)


def recurrent(cell: Cell) -> Shape:
    """Return the shape of the recurrent kernel in Keras."""
    return (cell.units, cell.wide)


def _bias(cell: Cell) -> Shape | None:
    return None if cell.bias is None else (cell.wide,)


def _twice(cell: Cell) -> Shape | None:
    return None if cell.bias is None else (2 * cell.wide,)


def _both(cell: Cell) -> Shape:
    return (cell.inputs + cell.units, cell.wide)


def _gate(words: str, have: str) -> Slot:
    def shape(cell: Cell) -> Shape | None:
        if have == "bias":
            return None if cell.bias is None else (cell.units,)
        return (cell.inputs if have == "inputs" else cell.units, cell.units)

    return Slot(words=(words,), shape=shape)


def as_it_is(cell: Cell) -> Pieces:
    """Return the pieces of a layout that is the target's own."""
    bias = {} if cell.bias is None else {BIAS: (piece(2),)}
    return {KERNEL: (piece(0),), RECURRENT: (piece(1),), **bias}


def _keras(cell: Cell) -> Pieces | None:
    return to_cudnn(cell) if cell.is_cudnn else as_it_is(cell)


def _ordered(cell: Cell, order: str) -> Pieces | None:
    if cell.is_cudnn:
        return None
    bias = {} if cell.bias is None else {BIAS: (piece(2, f"blocks:axis=0:{order}"),)}
    return {
        KERNEL: (piece(0, f"blocks:axis=1:{order}"),),
        RECURRENT: (piece(1, f"blocks:axis=1:{order}"),),
        **bias,
    }


def _stacked_kernel(cell: Cell, *, forget: float) -> Pieces | None:
    """One kernel for [input; state], gates (i, j, f, o), and a forget bias that the graph adds."""
    if cell.is_cudnn or cell.bias is None:
        return None
    n, u = cell.inputs, cell.units
    blocks = f"blocks:axis=1:{_OF_TENSORFLOW_1}"
    added = f"|add_forget:{forget!r}:axis=0:{_FORGET * u}:{(_FORGET + 1) * u}" if forget else ""
    return {
        KERNEL: (piece(0, f"slice:axis=0:0:{n}|{blocks}"),),
        RECURRENT: (piece(0, f"slice:axis=0:{n}:{n + u}|{blocks}"),),
        BIAS: (piece(1, f"blocks:axis=0:{_OF_TENSORFLOW_1}{added}"),),
    }


def _apart(cell: Cell) -> Pieces | None:
    """Keras 1: W, U and b of each gate, gates (i, c, f, o)."""
    if cell.is_cudnn:
        return None
    each = 2 if cell.bias is None else 3
    u = cell.units
    place = {gate: each * number for number, gate in enumerate(_KERAS_1)}
    order = [(place[gate], number * u) for number, gate in enumerate(_GATES_OF_KERAS)]
    bias = {} if cell.bias is None else {BIAS: tuple(span(k + 2, at, u) for k, at in order)}
    return {
        KERNEL: tuple(columns(k, at, u) for k, at in order),
        RECURRENT: tuple(columns(k + 1, at, u) for k, at in order),
        **bias,
    }


def cudnn_kernels(cell: Cell) -> Pieces:
    """Return how Keras reads the kernels of ``CuDNNLSTM`` and ``CuDNNGRU``.

    For each gate: the input kernel is read through its transposed shape, the recurrent kernel is
    transposed.
    """
    g, n, u = cell.gates, cell.inputs, cell.units
    read = f"reshape:{n},{g},{u}|transpose:1,0,2|reshape:{g},{u},{n}|transpose:2,0,1"
    turn = f"reshape:{u},{g},{u}|transpose:2,1,0"
    return {
        KERNEL: (piece(0, f"{read}|reshape:{n},{g * u}"),),
        RECURRENT: (piece(1, f"{turn}|reshape:{u},{g * u}"),),
    }


def _from_cudnn(cell: Cell) -> Pieces | None:
    if cell.is_cudnn:
        return as_it_is(cell)
    if cell.bias is None:
        return None
    return {**cudnn_kernels(cell), BIAS: (piece(2, "sum:axis=0:n=2"),)}


def to_cudnn(cell: Cell) -> Pieces:
    """Return the way back of :func:`cudnn_kernels`, the bias in two equal halves."""
    g, n, u = cell.gates, cell.inputs, cell.units
    write = f"reshape:{n},{g},{u}|transpose:1,2,0|reshape:{g},{n},{u}|transpose:1,0,2"
    turn = f"reshape:{u},{g},{u}|transpose:2,1,0"
    halves = (span(2, 0, g * u, "scale:0.5"), span(2, g * u, g * u, "scale:0.5"))
    return {
        KERNEL: (piece(0, f"{write}|reshape:{n},{g * u}"),),
        RECURRENT: (piece(1, f"{turn}|reshape:{u},{g * u}"),),
        BIAS: halves,
    }


def _torch(cell: Cell) -> Pieces | None:
    if cell.is_cudnn:
        return None
    bias = {} if cell.bias is None else {BIAS: (piece(2), piece(3))}
    return {KERNEL: (piece(0, "transpose:1,0"),), RECURRENT: (piece(1, "transpose:1,0"),), **bias}


def _buffer(cell: Cell) -> Pieces | None:
    """All kernels, then all biases, gate by gate, each matrix (units, inputs)."""
    if cell.is_cudnn or cell.bias is None:
        return None
    g, n, u = cell.gates, cell.inputs, cell.units
    first, second = g * u * n, g * u * (n + u)
    end = second + 2 * g * u
    return {
        KERNEL: (piece(0, f"slice:axis=0:0:{first}|reshape:{g * u},{n}|transpose:1,0"),),
        RECURRENT: (piece(0, f"slice:axis=0:{first}:{second}|reshape:{g * u},{u}|transpose:1,0"),),
        BIAS: (piece(0, f"slice:axis=0:{second}:{end}|sum:axis=0:n=2"),),
    }


def _buffer_length(cell: Cell) -> Shape | None:
    if cell.bias is None:
        return None
    return (cell.wide * (cell.inputs + cell.units) + 2 * cell.wide,)


def turned(shape: Shape) -> Shape:
    """Return the shape of a transposed matrix."""
    return shape[::-1]


TORCH_KERNELS = (
    Slot(words=("weight_ih", "weight_ih_l0"), shape=lambda cell: turned(kernel(cell))),
    Slot(words=("weight_hh", "weight_hh_l0"), shape=lambda cell: turned(recurrent(cell))),
)
TORCH_BIASES = (("bias_ih", "bias_ih_l0"), ("bias_hh", "bias_hh_l0"))
KERAS_KERNELS = (
    Slot(words=("kernel", "w"), shape=kernel),
    Slot(words=("recurrent_kernel", "u"), shape=recurrent),
)
BIAS_WORDS = ("bias", "b")
ONE_KERNEL = ("kernel", "weights", "matrix", "w_gates")
ONE_BIAS = ("bias", "biases", "b_gates")


def lstm_systems(forget_bias: float) -> tuple[System, ...]:
    """Return the systems of an LSTM, the most common first.

    Parameters
    ----------
    forget_bias
        What a TensorFlow 1 graph adds to the forget gate; 1 unless its code says otherwise.
    """
    gates = tuple(
        _gate(f"{letter}_{gate}", have)
        for gate in _KERAS_1
        for letter, have in (("w", "inputs"), ("u", "units"), ("b", "bias"))
    )
    added = f"the graph adds {forget_bias:g} to the forget gate, which is not in the file"
    return (
        System(
            name="keras",
            kind="LSTM",
            slots=(*KERAS_KERNELS, Slot(words=BIAS_WORDS, shape=_bias)),
            build=_keras,
        ),
        System(
            name="cudnn-keras",
            kind="LSTM",
            slots=(*KERAS_KERNELS, Slot(words=BIAS_WORDS, shape=_twice)),
            build=_from_cudnn,
            note="written by CuDNNLSTM: its two biases are added",
        ),
        System(name="keras-1-gates", kind="LSTM", slots=gates, build=_apart),
        System(
            name="tensorflow-1",
            kind="LSTM",
            slots=(Slot(words=ONE_KERNEL, shape=_both), Slot(words=ONE_BIAS, shape=_bias)),
            build=partial(_stacked_kernel, forget=forget_bias),
            note=added if forget_bias else "",
        ),
        System(
            name="openai-baselines",
            kind="LSTM",
            slots=(
                Slot(words=("wx",), shape=kernel),
                Slot(words=("wh",), shape=recurrent),
                Slot(words=("b",), shape=_bias),
            ),
            build=partial(_ordered, order=_OF_BASELINES),
        ),
        System(
            name="sonnet-2",
            kind="LSTM",
            slots=(
                Slot(words=("w_i", "_w_i"), shape=kernel),
                Slot(words=("w_h", "_w_h"), shape=recurrent),
                Slot(words=("b", "_b"), shape=_bias),
            ),
            build=lambda cell: None if cell.is_cudnn else as_it_is(cell),
        ),
        System(
            name="pytorch",
            kind="LSTM",
            slots=(*TORCH_KERNELS, *(Slot(words=words, shape=_bias) for words in TORCH_BIASES)),
            build=_torch,
            note="its two biases are added",
        ),
        System(
            name="cudnn-buffer",
            kind="LSTM",
            slots=(Slot(words=("opaque_kernel",), shape=_buffer_length),),
            build=_buffer,
            exact=False,
            note="one buffer of cuDNN, whose layout depends on the GPU and on the version of cuDNN",
        ),
    )
