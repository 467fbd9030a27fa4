"""The engine's one public function: from a problem to an answer.

Normalization, units, layouts, the search, the decision, and then what depends on it: what is left
of units, and the optimizer's variables. Pure. See ``docs/mapping.md``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tfrepair.planning.mapping.composites import (
    fused_sources,
    fused_targets,
    recurrent_sources,
    recurrent_target,
)
from tfrepair.planning.mapping.lists import is_list, map_list
from tfrepair.planning.mapping.pairing import pair_units
from tfrepair.planning.mapping.problem import Edge, Kind, Mapped, Order, Problem, Undecided
from tfrepair.planning.mapping.shadows import Normalized, Whole, normalize
from tfrepair.planning.mapping.side import side_of
from tfrepair.planning.mapping.solve import solve
from tfrepair.planning.mapping.units import Unit, units_of_source, units_of_target
from tfrepair.planning.mapping.verdict import Open, Settled, decide


@dataclass(slots=True, kw_only=True)
class _Draft:
    """What is decided so far; lives within one call of :func:`map_tensors`."""

    problem: Problem
    wholes: tuple[Whole, ...]
    edges: list[Edge] = field(default_factory=list)
    undecided: list[Undecided] = field(default_factory=list)
    unused: dict[int, str] = field(default_factory=dict)


def map_tensors(problem: Problem) -> Mapped:
    """Map a source's tensors to an architecture's variables.

    Returns
    -------
    What is determined, with its evidence; what nothing determines, as groups; and the rest on
    both sides, with reasons. The order of named tensors makes no difference.
    """
    normalized = normalize(problem.given, scalars=_has_scalars(problem))
    kept = [piece for whole in normalized.wholes for piece, _ in whole.pieces]
    listed = _only(problem, kept)
    if is_list(listed):
        return _back(map_list(listed), kept, normalized)
    draft = _Draft(problem=problem, wholes=normalized.wholes, unused=dict(normalized.reasons))
    sources, targets = _units(problem, normalized)
    _search(sources, targets, draft)
    return _finished(draft)


def _has_scalars(problem: Problem) -> bool:
    return any(
        variable.shape in ((), (1,)) and "ptimizer" not in variable.layer_class
        for variable in problem.wanted
    )


def _only(problem: Problem, places: Sequence[int]) -> Problem:
    return Problem(
        given=tuple(problem.given[place] for place in places),
        wanted=problem.wanted,
        format=problem.format,
        order=problem.order,
        names_tell=problem.names_tell,
        list_orders=problem.list_orders,
    )


def _back(mapped: Mapped, places: Sequence[int], normalized: Normalized) -> Mapped:
    """Return an answer for some tensors as one for all."""
    return Mapped(
        edges=tuple(
            Edge(
                given=places[edge.given],
                wanted=edge.wanted,
                transform=edge.transform,
                kind=edge.kind,
                evidence=edge.evidence,
            )
            for edge in mapped.edges
        ),
        undecided=tuple(
            Undecided(
                wanted=group.wanted, given=tuple(places[p] for p in group.given), why=group.why
            )
            for group in mapped.undecided
        ),
        missing=mapped.missing,
        unused={**normalized.reasons, **{places[p]: why for p, why in mapped.unused.items()}},
        convention=mapped.convention,
    )


def _units(problem: Problem, normalized: Normalized) -> tuple[list[Unit], list[Unit]]:
    """Group both sides, and put together what only a layout brings together."""
    wholes = normalized.wholes
    plain = list(units_of_target(problem.wanted))
    targets = [recurrent_target(unit) or unit for unit in plain]
    cells = [unit for unit in targets if unit.kind]
    groups = recurrent_sources(wholes, cells) if cells else []
    taken = _places(groups)
    if not groups:
        targets = plain
    sources = [*units_of_source(wholes, taken), *groups]
    threes = fused_targets(targets, sources)
    fused = fused_sources(sources, threes) if threes else []
    if fused:
        gone = _places(fused)
        sources = [unit for unit in sources if not gone & _places([unit])] + fused
        gone = _places(threes)
        targets = [unit for unit in targets if not gone & _places([unit])] + threes
    targets.sort(key=_first)
    if problem.order is Order.FILE:
        sources.sort(key=_first)
    else:
        sources.sort(key=lambda unit: unit.path)
    return sources, targets


def _places(units: Iterable[Unit]) -> set[int]:
    return {member.place for unit in units for member in unit.members}


def _first(unit: Unit) -> int:
    return min(member.place for member in unit.members)


def _search(sources: Sequence[Unit], targets: Sequence[Unit], draft: _Draft) -> None:
    ordered = draft.problem.order is Order.FILE
    source, target = side_of(sources, ordered=ordered), side_of(targets, ordered=True)
    pairs = solve(source, target, file_order=ordered)
    settled, undecided = decide(source, target, pairs)
    for one in settled:
        _take(one, sources[one.row], targets[one.column], draft)
    for other in undecided:
        _leave_open(other, sources, targets, draft)


def _take(one: Settled, source: Unit, target: Unit, draft: _Draft) -> None:
    pairing = pair_units(source, target)
    if pairing is None:
        return
    if pairing.tied:
        places = tuple(member.place for member in target.members)
        given = tuple(p for m in source.members for p, _ in draft.wholes[m.place].pieces)
        draft.undecided.append(Undecided(wanted=places, given=given, why=pairing.tied))
        return
    kind, evidence = _kind(one, source, target)
    for mine, its, text in pairing.members:
        whole = draft.wholes[source.members[mine].place]
        for piece, region in whole.pieces:
            draft.edges.append(
                Edge(
                    given=piece,
                    wanted=target.members[its].place,
                    transform=_through(text, region),
                    kind=kind,
                    evidence=evidence,
                )
            )


def _through(text: str, region: str) -> str:
    if not region:
        return text
    return f"into:{region}" if text == "identity" else f"{text}|into:{region}"


def _kind(one: Settled, source: Unit, target: Unit) -> tuple[Kind, tuple[str, ...]]:
    """Name what a settled pair rests on."""
    spoken = []
    if one.words >= 0.3:
        spoken.append(f"words of {source.name!r} and {target.name!r} ({one.words:.2f})")
    if one.scopes >= 0.3:
        spoken.append(f"the scopes around them correspond ({one.scopes:.2f})")
    if one.order >= 0.5:
        spoken.append("place in the sequence")
    if one.numbers >= 0.5:
        spoken.append("numbers")
    evidence = (*spoken, "shapes of the whole layer")
    if source.path == target.path and one.words > 0.9:
        return Kind.EXACT, ("equal name", *evidence)
    if len(spoken) > 1:
        return Kind.STRONG, evidence
    if one.words >= 0.3:
        return Kind.WORDS, evidence
    if one.order >= 0.5 or one.numbers >= 0.5:
        return Kind.NUMBERS, evidence
    return Kind.SHAPE, evidence


def _leave_open(one: Open, sources: Sequence[Unit], targets: Sequence[Unit], draft: _Draft) -> None:
    for member in targets[one.column].members:
        given = []
        for row in one.rows:
            pairing = pair_units(sources[row], targets[one.column])
            for mine, its, _ in pairing.members if pairing is not None else ():
                if targets[one.column].members[its] == member:
                    whole = draft.wholes[sources[row].members[mine].place]
                    given += [piece for piece, _ in whole.pieces]
        if given:
            draft.undecided.append(
                Undecided(wanted=(member.place,), given=tuple(dict.fromkeys(given)), why=one.why)
            )


def _finished(draft: _Draft) -> Mapped:
    used = {edge.given for edge in draft.edges}
    tied = {place for group in draft.undecided for place in group.given}
    filled = {edge.wanted for edge in draft.edges}
    open_ = {place for group in draft.undecided for place in group.wanted}
    unused: Mapping[int, str] = {
        place: draft.unused.get(place, "nothing in the architecture corresponds to it")
        for place in range(len(draft.problem.given))
        if place not in used | tied
    }
    missing = {
        place: "nothing in the source corresponds to it"
        for place in range(len(draft.problem.wanted))
        if place not in filled | open_
    }
    return Mapped(
        edges=tuple(sorted(draft.edges, key=lambda edge: (edge.wanted, edge.given))),
        undecided=tuple(draft.undecided),
        missing=missing,
        unused=unused,
    )
