"""Recurrent layers: every system whose arrays fit the variables of one layer of Keras.

The systems themselves are data: :mod:`tfrepair.planning.layouts.lstm` and ``gru``. Pure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tfrepair.core.tensor import Shape
from tfrepair.planning.layouts.cells import (
    BIAS,
    KERNEL,
    RECURRENT,
    Cell,
    Pieces,
    Slot,
    System,
    arranged,
    cell_of,
)
from tfrepair.planning.layouts.gru import GRU_SYSTEMS
from tfrepair.planning.layouts.lstm import (
    BIAS_WORDS,
    KERAS_KERNELS,
    ONE_BIAS,
    ONE_KERNEL,
    TORCH_BIASES,
    TORCH_KERNELS,
    as_it_is,
    lstm_systems,
)
from tfrepair.planning.layouts.routes import Part, Piece, Route, fitting, piece

_USUAL_FORGET_BIAS = 1.0


def _one(cell: Cell) -> Shape | None:
    return None if cell.bias is None else (cell.units,)


def _stacked(cell: Cell) -> Pieces:
    n, u = cell.inputs, cell.units
    bias = {} if cell.bias is None else {BIAS: (piece(1),)}
    return {
        KERNEL: (piece(0, f"slice:axis=0:0:{n}"),),
        RECURRENT: (piece(0, f"slice:axis=0:{n}:{n + u}"),),
        **bias,
    }


def _torch(cell: Cell) -> Pieces:
    bias = {} if cell.bias is None else {BIAS: (piece(2), piece(3))}
    return {KERNEL: (piece(0, "transpose:1,0"),), RECURRENT: (piece(1, "transpose:1,0"),), **bias}


_SIMPLE: tuple[System, ...] = (
    System(
        name="keras",
        kind="SimpleRNN",
        slots=(*KERAS_KERNELS, Slot(words=BIAS_WORDS, shape=_one)),
        build=as_it_is,
    ),
    System(
        name="tensorflow-1",
        kind="SimpleRNN",
        slots=(
            Slot(words=ONE_KERNEL, shape=lambda cell: (cell.inputs + cell.units, cell.units)),
            Slot(words=ONE_BIAS, shape=_one),
        ),
        build=_stacked,
    ),
    System(
        name="pytorch",
        kind="SimpleRNN",
        slots=(*TORCH_KERNELS, *(Slot(words=words, shape=_one) for words in TORCH_BIASES)),
        build=_torch,
        note="its two biases are added",
    ),
)


def recurrent_routes(
    sources: Sequence[Part],
    target_class: str,
    targets: Sequence[Part],
    *,
    forget_bias: float = _USUAL_FORGET_BIAS,
) -> tuple[Route, ...]:
    """Return every layout in which arrays may hold an LSTM, a GRU or a SimpleRNN.

    Parameters
    ----------
    sources
        The arrays of one layer. Roles are leaf words, with the scope where a system has two of a
        word (``"gates/kernel"``); words that no system uses count as none, and then the given
        order must be the system's own.
    target_class
        ``"LSTM"``, ``"GRU"``, ``"SimpleRNN"``, also ``...Cell`` and ``"CuDNN..."``.
    targets
        Its variables: ``kernel``, ``recurrent_kernel`` and mostly ``bias``.
    forget_bias
        What a TensorFlow 1 graph adds to an LSTM's forget gate.

    Returns
    -------
    Routes that fit by shape, the most common system first; empty where none does, for which
    :func:`impossible` may have the reason.
    """
    cell = cell_of(target_class, targets)
    if cell is None:
        return ()
    systems = [system for system in _systems(forget_bias) if system.kind == cell.kind]
    known = {word for system in systems for slot in system.slots for word in slot.words}
    read = [part if part.role.lower() in known else replace(part, role="") for part in sources]
    return fitting(_routes(systems, cell, read, len(targets)), sources, targets)


def bidirectional_routes(
    forward: Sequence[Part],
    backward: Sequence[Part],
    target_class: str,
    forward_targets: Sequence[Part],
    backward_targets: Sequence[Part],
    *,
    forget_bias: float = _USUAL_FORGET_BIAS,
) -> tuple[Route, ...]:
    """Return the layouts that fit both directions of a ``Bidirectional`` layer.

    Every era of Keras lists the forward layer first: the halves of a list of its weights are the
    two directions. Places in the routes count through ``forward`` and then ``backward``.
    """
    one = recurrent_routes(forward, target_class, forward_targets, forget_bias=forget_bias)
    other = {
        route.system: route
        for route in recurrent_routes(
            backward, target_class, backward_targets, forget_bias=forget_bias
        )
    }
    return tuple(
        replace(
            route,
            targets=(*route.targets, *_later(other[route.system], len(forward))),
        )
        for route in one
        if route.system in other
    )


def _later(route: Route, count: int) -> tuple[tuple[Piece, ...], ...]:
    return tuple(
        tuple(replace(one, source=one.source + count) for one in pieces) for pieces in route.targets
    )


def impossible(sources: Sequence[Part], target_class: str, targets: Sequence[Part]) -> str:
    """Return why the arrays of a recurrent layer cannot become a target, if that is known.

    Returns
    -------
    A sentence, or ``""``.
    """
    cell = cell_of(target_class, targets)
    if cell is None or cell.kind != "GRU" or cell.bias is None:
        return ""
    have = [part.shape for part in sources]
    for kernel in ((cell.inputs, cell.wide), (cell.units, cell.wide)):
        if kernel in have:  # once: with two units it has the shape of two biases
            have.remove(kernel)
    one, two = (cell.wide,), ((2, cell.wide), (2 * cell.wide,))
    apart = have.count((cell.units,)) >= cell.gates
    if cell.reset_after and (one in have or apart):
        return (
            "the source has one bias: its cell resets the state before the recurrent product; "
            "build the layer with reset_after=False"
        )
    if not cell.reset_after and set(have) & set(two):
        return (
            "the source has two biases: its cell resets the state after the recurrent product; "
            "build the layer with reset_after=True"
        )
    return ""


def _systems(forget_bias: float) -> tuple[System, ...]:
    return (*lstm_systems(forget_bias), *GRU_SYSTEMS, *_SIMPLE)


def _routes(
    systems: Sequence[System], cell: Cell, sources: Sequence[Part], count: int
) -> Iterator[Route]:
    for system in systems:
        places = arranged(system, cell, sources)
        pieces = system.build(cell) if places is not None else None
        if places is None or pieces is None or len(pieces) != count:
            continue
        roles = sorted(cell.places, key=lambda role: cell.places[role])
        yield Route(
            system=system.name,
            targets=tuple(
                tuple(replace(one, source=places[one.source]) for one in pieces[role])
                for role in roles
            ),
            exact=system.exact,
            note=system.note,
        )
