"""Nameless lists: conventions by which systems list weights, each of which must fit completely.

A convention says which variable, or which part of one, stands at which position of a list. It is
accepted only if every array fits. Where several fit and disagree, nothing is decided there; what
they agree on is. Pure.

Source: lists written by Keras 1.0 to 3.15 (see :mod:`tfrepair.planning.orders`); ``parser.c`` of
Darknet (``save_convolutional_weights``: biases, scales, rolling mean and variance, weights).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tfrepair.core.tensor import Shape
from tfrepair.planning.layouts import Part, recurrent_routes
from tfrepair.planning.mapping.composites import recurrent_target
from tfrepair.planning.mapping.problem import Edge, Given, Kind, Mapped, Problem, Undecided
from tfrepair.planning.mapping.sequence import longest
from tfrepair.planning.mapping.units import Member, Unit, units_of_target

_NUMBER = re.compile(r"\d+")
_TORCH = {2: "1,0", 3: "2,1,0", 4: "2,3,1,0", 5: "2,3,4,1,0"}
_GATED = {"LSTM": ("i", "c", "f", "o"), "GRU": ("z", "r", "h")}
_LEAST_SHARE = 0.6
_FEW = 3


Edges = tuple[tuple[int, int, str], ...]
"""``(item, wanted, transform)`` for everything that a convention places."""


@dataclass(frozen=True, slots=True)
class Position:
    """What a convention wants at one position: a shape, and what becomes of it."""

    wanted: int
    shape: Shape
    transform: str
    role: str


@dataclass(frozen=True, slots=True)
class Script:
    """One convention for one architecture."""

    name: str
    positions: tuple[Position, ...]


def is_list(problem: Problem) -> bool:
    """Tell whether the names of a source are but positions."""
    if not problem.names_tell:
        return True
    names = [tensor.name for tensor in problem.given]
    bare = {_NUMBER.sub("#", name) for name in names}
    numbers = [_NUMBER.findall(name) for name in names]
    return (
        len(names) > 1
        and len(bare) == 1
        and all(found for found in numbers)
        and len({tuple(map(int, found)) for found in numbers}) == len(names)
    )


def map_list(problem: Problem) -> Mapped:
    """Map a list by position."""
    places = _in_order(problem.given)
    units = units_of_target(problem.wanted)
    items = [problem.given[place] for place in places]
    fitting = _whole(problem, items, units)
    if not fitting:
        # Some tools sort the names as texts, and the position is the place among them.
        texts = sorted(places, key=lambda place: problem.given[place].name)
        sorted_items = [problem.given[place] for place in texts]
        fitting = _whole(problem, sorted_items, units) if texts != places else {}
        if fitting:
            places, items = texts, sorted_items
    if not fitting:
        fitting = _partly(problem, items, units)
    return _answer(problem, places, fitting)


def _whole(problem: Problem, items: Sequence[Given], units: Sequence[Unit]) -> dict[Edges, Script]:
    """Return the conventions of the first tier in which one fits completely."""
    fitting: dict[Edges, Script] = {}
    for scripts in _tiers(problem, units):
        for script in scripts:
            edges = _fit(items, script)
            if edges is not None:
                fitting.setdefault(edges, script)
        if fitting:
            return fitting
    return fitting


def _in_order(given: Sequence[Given]) -> list[int]:
    numbers = [tuple(map(int, _NUMBER.findall(tensor.name))) for tensor in given]
    if all(numbers) and len(set(numbers)) == len(numbers):
        return sorted(range(len(given)), key=lambda place: numbers[place])
    return list(range(len(given)))


def _tiers(problem: Problem, units: Sequence[Unit]) -> Iterator[list[Script]]:
    """Yield conventions, the usual ones first; a later tier is tried only if none fits before."""
    plain = _plain(units)
    if _from_tensorlayer(problem):
        yield [Script("TensorLayer, beta before gamma", _beta_first(units))]
    usual = [Script("model.weights", plain)]
    usual += [
        Script(name, tuple(_position(problem, place) for place in order))
        for name, order in problem.list_orders.items()
    ]
    for name, last in (("statistics", _statistics), ("untrained", _untrained(problem))):
        first, rest = _split(plain, last)
        usual.append(Script(f"trained first, then {name}", (*first, *rest)))
    yield usual
    yield [
        Script("trained variables only", tuple(_split(plain, last)[0]))
        for last in (_statistics, _untrained(problem))
    ]
    yield [
        Script(system, positions)
        for system in ("keras-1-gates", "cudnn-keras")
        if (positions := _recurrent(units, system)) is not None
    ]
    yield list(_darknet(units))
    yield [Script("kernels (out, in, ...)", tuple(_turned(position) for position in plain))]
    yield list(_nested(problem, units))


def _from_tensorlayer(problem: Problem) -> bool:
    """Tell whether a list is one of ``tl.files.save_npz``, which calls its items ``params``."""
    return all(tensor.name.startswith("params") for tensor in problem.given)


def _beta_first(units: Sequence[Unit]) -> tuple[Position, ...]:
    found: list[Position] = []
    for unit in sorted(units, key=lambda unit: unit.members[0].place):
        members = sorted(unit.members, key=lambda member: member.place)
        betas = [member for member in members if member.role == "E"]
        found += [_of(member) for member in (*betas, *(m for m in members if m.role != "E"))]
    return tuple(found)


def _plain(units: Sequence[Unit]) -> tuple[Position, ...]:
    members = sorted((m for unit in units for m in unit.members), key=lambda m: m.place)
    return tuple(_of(member) for member in members)


def _of(member: Member) -> Position:
    return Position(member.place, member.shape, "identity", member.role)


def _position(problem: Problem, place: int) -> Position:
    return Position(place, problem.wanted[place].shape, "identity", "")


def _statistics(position: Position) -> bool:
    return position.role in ("M", "V")


def _untrained(problem: Problem) -> Callable[[Position], bool]:
    def last(position: Position) -> bool:
        return problem.wanted[position.wanted].trainable is False

    return last


def _split(
    positions: Sequence[Position], last: Callable[[Position], bool]
) -> tuple[list[Position], list[Position]]:
    return [p for p in positions if not last(p)], [p for p in positions if last(p)]


def _turned(position: Position) -> Position:
    axes = _TORCH.get(len(position.shape)) if set(position.role) & set("KDR") else None
    if axes is None:
        return position
    order = [int(axis) for axis in axes.split(",")]
    have = [0] * len(order)
    for to, axis in enumerate(order):
        have[axis] = position.shape[to]
    return Position(position.wanted, tuple(have), f"transpose:{axes}", position.role)


def _recurrent(units: Sequence[Unit], system: str) -> tuple[Position, ...] | None:
    """Replace the variables of recurrent layers by the arrays that a system lists for them."""
    found: list[Position] = []
    any_cell = False
    for unit in units:
        cell = recurrent_target(unit)
        arrays = _arrays(cell, system) if cell is not None else None
        if arrays is None:
            found += [_of(member) for member in unit.members]
        else:
            any_cell = True
            found += arrays
    return tuple(found) if any_cell else None


def _arrays(cell: Unit, system: str) -> list[Position] | None:
    shapes = {member.leaf: member.shape for member in cell.members}
    inputs, (units, wide) = shapes["kernel"][0], shapes["recurrent_kernel"]
    gates = wide // units
    if system == "keras-1-gates":
        have = [(inputs, units), (units, units), (units,)] * gates
    else:
        have = [(inputs, wide), (units, wide), (2 * wide,)]
    targets = [Part(role=member.leaf, shape=member.shape) for member in cell.members]
    routes = recurrent_routes([Part(shape=s) for s in have], cell.layer_class, targets)
    route = next((route for route in routes if route.system == system), None)
    if route is None:
        return None
    rows: list[list[Position]] = [[] for _ in have]
    for member, pieces in zip(cell.members, route.targets, strict=True):
        for one in pieces:
            rows[one.source].append(
                Position(member.place, have[one.source], str(one.transform), member.role)
            )
    if any(len(row) != 1 for row in rows):
        return None
    return [row[0] for row in rows]


def _darknet(units: Sequence[Unit]) -> Iterator[Script]:
    """Yield the order of a Darknet file: section by section, the kernel last and (out, in, h, w).

    The sections follow each other as in the configuration: as the layers were created, which
    automatic numbers tell, or as the architecture lists them.
    """
    kernels = [unit for unit in units if any(set(m.role) & set("KD") for m in unit.members)]
    norms = [unit for unit in units if any(m.role == "V" for m in unit.members)]
    if not kernels or len(kernels) + len(norms) != len(units):
        return
    for name, order in (("as created", _created), ("as listed", None)):
        convolutions = sorted(kernels, key=order) if order else list(kernels)
        rest = iter(sorted(norms, key=order) if order else list(norms))
        positions: list[Position] = []
        for unit in convolutions:
            biases = [_of(m) for m in unit.members if m.role in ("B", "BE")]
            if biases:
                positions += biases
            else:
                norm = next(rest, None)
                if norm is None:
                    break
                by_role = {m.role: m for m in norm.members}
                positions += [_of(by_role[role]) for role in "EGMV" if role in by_role]
            positions += [_turned(_of(m)) for m in unit.members if set(m.role) & set("KD")]
        yield Script(f"Darknet, sections {name}", tuple(positions))


def _created(unit: Unit) -> tuple[int, int]:
    numbers = _NUMBER.findall(unit.path[-1].replace("2d", "")) if unit.path else []
    return (int(numbers[-1]) if numbers else 0, unit.members[0].place)


def _nested(problem: Problem, units: Sequence[Unit]) -> Iterator[Script]:
    """Yield orders in which a run of layers is one nested model that lists its statistics last."""
    ordered = sorted(units, key=lambda unit: unit.members[0].place)
    items = [problem.given[place] for place in _in_order(problem.given)]
    plain = _plain(units)
    if len(items) != len(plain):
        return
    ahead = _agreement(items, plain)
    behind = _agreement(items[::-1], plain[::-1])
    ends = np.cumsum([len(unit.members) for unit in ordered])
    for start in range(len(ordered)):
        if start and ends[start - 1] > ahead:
            break
        for stop in range(len(ordered), start + 1, -1):
            if len(plain) - ends[stop - 1] > behind:
                break
            inner = [_of(m) for unit in ordered[start:stop] for m in unit.members]
            first, rest = _split(inner, _statistics)
            before = [_of(m) for unit in ordered[:start] for m in unit.members]
            after = [_of(m) for unit in ordered[stop:] for m in unit.members]
            yield Script("a nested model's statistics last", (*before, *first, *rest, *after))


def _agreement(items: Sequence[Given], positions: Sequence[Position]) -> int:
    for place, (item, position) in enumerate(zip(items, positions, strict=False)):
        if _change(item, position) is None:
            return place
    return min(len(items), len(positions))


def _change(item: Given, position: Position) -> str | None:
    """Return the transform that makes an item fill a position, or ``None``."""
    if item.sample is not None and position.role == "V" and item.sample.minimum < 0:
        return None
    if item.shape == position.shape:
        return position.transform
    bare = tuple(size for size in item.shape if size != 1)
    if bare == tuple(size for size in position.shape if size != 1):
        dims = ",".join(map(str, position.shape))
        rest = "" if position.transform == "identity" else f"|{position.transform}"
        return f"reshape:{dims}{rest}"
    return None


def _fit(items: Sequence[Given], script: Script) -> Edges | None:
    if len(items) != len(script.positions):
        return None
    return _edges(items, script.positions)


def _edges(items: Sequence[Given], positions: Sequence[Position]) -> Edges | None:
    edges = []
    for place, (item, position) in enumerate(zip(items, positions, strict=False)):
        change = _change(item, position)
        if change is None:
            return None
        edges.append((place, position.wanted, change))
    return tuple(edges)


def _partly(problem: Problem, items: Sequence[Given], units: Sequence[Unit]) -> dict[Edges, Script]:
    """Fit a list that is from another version of the architecture."""
    scripts = [script for tier in _tiers(problem, units) for script in tier]
    heads: dict[Edges, Script] = {}
    for script in scripts:
        edges = _other_head(items, script)
        if edges:
            heads.setdefault(edges, script)
    if heads:
        return heads
    whole = Script("model.weights", _plain(units))
    for attempt in (_beginning, _common):
        edges = attempt(items, whole)
        if edges:
            return {edges: whole}
    return {}


def _other_head(items: Sequence[Given], script: Script) -> Edges | None:
    """Fit all but the layers that differ in one and the same number, that of the classes."""
    if len(items) != len(script.positions):
        return None
    edges, sizes = [], set()
    for place, (item, position) in enumerate(zip(items, script.positions, strict=True)):
        change = _change(item, position)
        if change is not None:
            edges.append((place, position.wanted, change))
            continue
        if len(item.shape) != len(position.shape):
            return None
        differing = [
            (have, want)
            for have, want in zip(item.shape, position.shape, strict=True)
            if have != want
        ]
        if len(differing) != 1:
            return None
        sizes.add(differing[0])
    odd = len(items) - len(edges)
    return tuple(edges) if len(sizes) == 1 and odd <= max(_FEW, len(items) // 10) else None


def _beginning(items: Sequence[Given], script: Script) -> Edges | None:
    """Fit a list that was cut off, or one that goes on after the last variable."""
    if min(len(items), len(script.positions)) < 4 or len(items) == len(script.positions):
        return None
    return _edges(items, script.positions)


def _common(items: Sequence[Given], script: Script) -> Edges | None:
    """Align a list from another version of the architecture; keep what every alignment shares."""
    count, want = len(items), len(script.positions)
    if count * want > 4_000_000:
        return None
    change = [[_change(item, position) for position in script.positions] for item in items]
    fits = np.array([[text is not None for text in row] for row in change], bool).reshape(
        count, want
    )
    ahead, behind = longest(fits), longest(fits[::-1, ::-1])[::-1, ::-1]
    best = int(ahead[count, want])
    if best < _LEAST_SHARE * min(count, want):
        return None
    edges = []
    for i in range(count):
        through = [
            j for j in range(want) if fits[i, j] and ahead[i, j] + 1 + behind[i + 1, j + 1] == best
        ]
        skipped = any(ahead[i, j] + behind[i + 1, j] == best for j in range(want + 1))
        if len(through) == 1 and not skipped:
            edges.append((i, script.positions[through[0]].wanted, change[i][through[0]] or ""))
    return tuple(edges)


def _answer(
    problem: Problem,
    places: Sequence[int],
    fitting: Mapping[Edges, Script],
) -> Mapped:
    names = [script.name for script in fitting.values()]
    options = _options(places, fitting)
    chosen: list[Edge] = []
    undecided: list[Undecided] = []
    for wanted, choices in sorted(options.items()):
        if len(set(choices)) == 1 and len(choices) == len(fitting):
            chosen += [
                Edge(
                    given=given,
                    wanted=wanted,
                    transform=text,
                    kind=Kind.ORDER,
                    evidence=(f"position in the order {names[0]!r}", "shape"),
                )
                for given, text in sorted(choices[0])
            ]
        else:
            sources = sorted({given for one in choices for given, _ in one})
            why = "the list fits several orders that disagree here: " + ", ".join(names)
            undecided.append(Undecided(wanted=(wanted,), given=tuple(sources), why=why))
    used = {edge.given for edge in chosen} | {p for group in undecided for p in group.given}
    reason = "the list fits no known order" if not fitting else "no position of the list"
    return Mapped(
        edges=tuple(chosen),
        undecided=tuple(undecided),
        missing={p: reason for p in range(len(problem.wanted)) if p not in options},
        unused={p: reason for p in range(len(problem.given)) if p not in used},
        convention=names[0] if len(names) == 1 else "",
    )


def _options(
    places: Sequence[int], fitting: Iterable[Edges]
) -> dict[int, list[frozenset[tuple[int, str]]]]:
    """Return for each variable what every fitting convention would fill it with."""
    options: dict[int, list[frozenset[tuple[int, str]]]] = {}
    for edges in fitting:
        own: dict[int, set[tuple[int, str]]] = {}
        for item, wanted, text in edges:
            own.setdefault(wanted, set()).add((places[item], text))
        for wanted, found in own.items():
            options.setdefault(wanted, []).append(frozenset(found))
    return options
