"""The nouns of this package: a part of a layer, a piece of a value, a route between two systems.

A route says for each variable of the target which arrays of the source make it up and how. Only
what fits by shape ever becomes a :class:`Route`. Pure.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tfrepair.core.assembly import fits
from tfrepair.core.tensor import Shape
from tfrepair.core.transform import Transform, TransformError, parse_transform


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One array of a layer.

    Attributes
    ----------
    role
        Source side: the leaf word of its name (``"W_i"``, ``"wx"``, ``"kernel"``), or empty.
        Target side: the role that Keras gives it (``"kernel"``, ``"recurrent_kernel"``, ...).
    shape
        As stored, or as wanted.
    """

    role: str = ""
    shape: Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What one array of the source gives to one variable.

    Attributes
    ----------
    source
        Its place among the sources that were asked about.
    transform
        Ends with ``into:...`` where it fills a region only; see :mod:`tfrepair.core.assembly`.
    """

    source: int
    transform: Transform


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One way from the arrays of a layer to its variables.

    Attributes
    ----------
    system
        The system and era whose layout it takes the source for, such as ``"tensorflow-1"``.
    targets
        For each variable that was asked for, in that order: the pieces that make it up.
    exact
        False where the outputs of the layer are not known to be those of the writer.
    note
        What a report should say about it; empty for a plain change of layout.
    """

    system: str
    targets: tuple[tuple[Piece, ...], ...]
    exact: bool = True
    note: str = ""

    @property
    def is_identity(self) -> bool:
        """True if every variable takes one array as it is."""
        return all(
            len(pieces) == 1 and not pieces[0].transform.operations for pieces in self.targets
        )


def piece(source: int, text: str = "") -> Piece:
    """Return a piece from the text form of its transform."""
    return Piece(source=source, transform=parse_transform(text))


def fitting(
    routes: Iterable[Route], sources: Sequence[Part], targets: Sequence[Part]
) -> tuple[Route, ...]:
    """Return the routes that fill every target, each value once, in the given order.

    A second route that does the same under another name is kept: it is another statement about
    the source, though not another value.
    """
    return tuple(route for route in routes if _fills(route, sources, targets))


def distinct(routes: Iterable[Route]) -> tuple[Route, ...]:
    """Return one route for each value: the first of those that do the same."""
    found: dict[tuple[tuple[Piece, ...], ...], Route] = {}
    for route in routes:
        found.setdefault(route.targets, route)
    return tuple(found.values())


def _fills(route: Route, sources: Sequence[Part], targets: Sequence[Part]) -> bool:
    if len(route.targets) != len(targets):
        return False
    try:
        for pieces, target in zip(route.targets, targets, strict=True):
            for one in pieces:
                moved = one.transform.shape(sources[one.source].shape)
                fits(one.transform, moved, target.shape)
    except TransformError:
        return False
    return all(route.targets)


def one_to_one(
    systems: Iterable[tuple[str, str, str]], source: Part, target: Part
) -> Iterator[Route]:
    """Yield a route for each ``(system, transform, note)`` that turns one array into one variable.

    What has another shape is left out.
    """
    for system, text, note in systems:
        route = Route(system=system, targets=((piece(0, text),),), note=note)
        if _fills(route, [source], [target]):
            yield route
