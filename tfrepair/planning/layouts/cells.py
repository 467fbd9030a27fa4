"""The recurrent cell that a target asks for, and how a system's arrays become its variables.

Comes before the modules that list the systems. Pure.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tfrepair.core.tensor import Shape
from tfrepair.planning.layouts.routes import Part, Piece, piece

KERNEL, RECURRENT, BIAS = "kernel", "recurrent_kernel", "bias"
_GATES = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}
_CLASSES = {
    name: (kind, name.startswith("CuDNN"))
    for kind in _GATES
    for name in (kind, f"{kind}Cell", f"CuDNN{kind}")
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What a recurrent layer of Keras computes with.

    Attributes
    ----------
    kind
        ``"LSTM"``, ``"GRU"`` or ``"SimpleRNN"``.
    gates
        Number of gates, 4, 3 or 1; Keras' order is (i, f, c, o) and (z, r, h).
    inputs, units
        Length of an input, and of the state.
    bias
        Shape of the bias, or ``None``.
    is_cudnn
        True for ``CuDNNLSTM`` and ``CuDNNGRU``, whose variables are laid out in their own way.
    places
        Role to place among the target's variables.
    """

    kind: str
    gates: int
    inputs: int
    units: int
    bias: Shape | None
    is_cudnn: bool
    places: dict[str, int]

    @property
    def reset_after(self) -> bool:
        """True for a GRU that resets the state after the recurrent product: two biases."""
        return self.kind == "GRU" and (self.is_cudnn or (self.bias or ())[:1] == (2,))

    @property
    def wide(self) -> int:
        """Columns of all gates together."""
        return self.gates * self.units


def cell_of(target_class: str, targets: Sequence[Part]) -> Cell | None:
    """Return the cell that the variables of a layer make, or ``None`` if they make none."""
    kind, is_cudnn = _CLASSES.get(target_class, ("", False))
    places = {part.role: place for place, part in enumerate(targets)}
    if not kind or set(places) - {KERNEL, RECURRENT, BIAS} or len(places) != len(targets):
        return None
    if KERNEL not in places or RECURRENT not in places:
        return None
    kernel, recurrent = targets[places[KERNEL]].shape, targets[places[RECURRENT]].shape
    gates = _GATES[kind]
    if len(kernel) != 2 or len(recurrent) != 2 or kernel[1] != gates * recurrent[0]:
        return None
    cell = Cell(
        kind=kind,
        gates=gates,
        inputs=kernel[0],
        units=recurrent[0],
        bias=targets[places[BIAS]].shape if BIAS in places else None,
        is_cudnn=is_cudnn,
        places=places,
    )
    return cell if recurrent[1] == cell.wide else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One array that a system stores.

    Attributes
    ----------
    words
        What the system calls it, in lower case.
    shape
        From the cell; ``None`` where the system has no such array for it.
    """

    words: tuple[str, ...]
    shape: Callable[[Cell], Shape | None]


Pieces = dict[str, tuple[Piece, ...]]
"""Role of a variable to what makes it up; the numbers are places among a system's slots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """The layout of one system.

    Attributes
    ----------
    name
        For :attr:`Route.system`.
    kind
        Kind of cell.
    slots
        Its arrays, in its own order.
    build
        From the cell to the pieces of each variable; ``None`` if the two compute other things.
    note, exact
        For the route.
    """

    name: str
    kind: str
    slots: tuple[Slot, ...]
    build: Callable[[Cell], Pieces | None]
    note: str = ""
    exact: bool = True


def arranged(system: System, cell: Cell, sources: Sequence[Part]) -> tuple[int, ...] | None:
    """Return for each slot of a system the source that goes there, or ``None`` if they do not fit.

    By words, where every source has one that the system uses; by place, where no source has one.
    """
    shapes = [(slot, slot.shape(cell)) for slot in system.slots]
    slots = [(slot, shape) for slot, shape in shapes if shape is not None]
    if len(slots) != len(sources):
        return None
    words = [part.role.lower() for part in sources]
    if any(words):
        places = []
        for slot, _ in slots:
            named = [place for place, word in enumerate(words) if word in slot.words]
            if len(named) != 1:
                return None
            places += named
    else:
        places = list(range(len(sources)))
    if len(set(places)) != len(sources):
        return None
    fits = all(
        sources[place].shape == shape for place, (_, shape) in zip(places, slots, strict=True)
    )
    return tuple(places) if fits else None


def columns(source: int, start: int, width: int, text: str = "") -> Piece:
    """Return a piece that fills columns of a matrix."""
    steps = [step for step in (text, f"into::,{start}:{start + width}") if step]
    return piece(source, "|".join(steps))


def span(source: int, start: int, width: int, text: str = "") -> Piece:
    """Return a piece that fills a span of a vector."""
    steps = [step for step in (text, f"into:{start}:{start + width}") if step]
    return piece(source, "|".join(steps))
