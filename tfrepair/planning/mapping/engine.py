"""The engine's one public function: from a problem to an answer.

Normalization, units, layouts, the search, the decision, and then what depends on it: what is left
of units, and the optimizer's variables. Pure. See ``docs/mapping.md``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tfrepair.core.tensor import Shape
from tfrepair.planning.mapping.composites import (
    fused_sources,
    fused_targets,
    recurrent_sources,
    recurrent_target,
)
from tfrepair.planning.mapping.copies import copies
from tfrepair.planning.mapping.lists import is_list, map_list
from tfrepair.planning.mapping.optimizer_state import fill, is_optimizer
from tfrepair.planning.mapping.pairing import pair_units
from tfrepair.planning.mapping.problem import Edge, Kind, Mapped, Order, Problem, Undecided
from tfrepair.planning.mapping.regroup import Item, Piece, join, shared, split
from tfrepair.planning.mapping.roles import read_leaf
from tfrepair.planning.mapping.shadows import Normalized, Whole, normalize
from tfrepair.planning.mapping.side import Side, side_of
from tfrepair.planning.mapping.solve import solve
from tfrepair.planning.mapping.symmetry import exchangeable
from tfrepair.planning.mapping.systems import (
    Axes,
    System,
    after_flattening,
    reversed_windows,
    system_of,
)
from tfrepair.planning.mapping.tokens import components
from tfrepair.planning.mapping.units import Member, Unit, units_of_source, units_of_target
from tfrepair.planning.mapping.verdict import Open, Settled, decide

_PASSES = 4


@dataclass(slots=True, kw_only=True)
class _Draft:
    """What is decided so far; lives within one call of :func:`map_tensors`."""

    problem: Problem
    wholes: tuple[Whole, ...]
    system: System
    edges: list[Edge] = field(default_factory=list)
    undecided: list[Undecided] = field(default_factory=list)
    unused: dict[int, str] = field(default_factory=dict)

    def places(self, members: Iterable[Member]) -> tuple[int, ...]:
        """Return the places in the problem of tensors that are given by their whole's place."""
        return tuple(p for member in members for p, _ in self.wholes[member.place].pieces)


def map_tensors(problem: Problem) -> Mapped:
    """Map a source's tensors to an architecture's variables.

    Returns
    -------
    What is determined, with its evidence; what nothing determines, as groups; and the rest on
    both sides, with reasons. The order of named tensors makes no difference.
    """
    normalized = normalize(
        problem.given,
        scalars=_has_scalars(problem),
        wanted=[variable.shape for variable in problem.wanted],
    )
    kept = [piece for whole in normalized.wholes for piece, _ in whole.pieces]
    listed = _only(problem, kept)
    if is_list(listed):
        return _back(map_list(listed), kept, normalized)
    doubles = copies(normalized.wholes, problem.wanted)
    wholes = tuple(w for place, w in enumerate(normalized.wholes) if place not in doubles)
    system = system_of(
        [problem.given[whole.place].name for whole in wholes],
        [whole.shape for whole in wholes],
        problem.format,
    )
    draft = _Draft(problem=problem, wholes=wholes, system=system, unused=dict(normalized.reasons))
    for place, original in doubles.items():
        for piece, _ in normalized.wholes[place].pieces:
            draft.unused[piece] = f"a second network that follows {original}"
    sources, targets = _units(problem, wholes)
    _search(sources, targets, draft)
    edges, undecided = fill(problem.wanted, problem.given, normalized.slots, draft.edges)
    draft.edges += edges
    draft.undecided += undecided
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


def _units(problem: Problem, wholes: Sequence[Whole]) -> tuple[list[Unit], list[Unit]]:
    """Group both sides, and put together what only a layout brings together."""
    weights = [v for v in problem.wanted if not is_optimizer(v)]
    places = [place for place, v in enumerate(problem.wanted) if not is_optimizer(v)]
    plain = [_moved(unit, places) for unit in units_of_target(weights)]
    targets = [recurrent_target(unit) or unit for unit in plain]
    cells = [unit for unit in targets if unit.kind]
    groups = recurrent_sources(wholes, cells) if cells else []
    taken = _places(groups)
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


def _moved(unit: Unit, places: Sequence[int]) -> Unit:
    """Return a unit of some variables with the places among all."""
    members = tuple(replace(member, place=places[member.place]) for member in unit.members)
    return replace(unit, members=members)


def _places(units: Iterable[Unit]) -> set[int]:
    return {member.place for unit in units for member in unit.members}


def _first(unit: Unit) -> int:
    return min(member.place for member in unit.members)


def _search(sources: Sequence[Unit], targets: Sequence[Unit], draft: _Draft) -> None:
    """Map units; then, knowing these, the tensors that are left of them, one by one."""
    settled, undecided = _decided(sources, targets, (), draft)
    for one in settled:
        _take(one, sources, targets[one.column], draft)
    _turn_squares(targets, draft)
    _reorder_flattened(targets, draft)
    rest = _rest(sources, targets, settled, undecided, draft)
    if not rest[0] or not rest[1]:
        _leave_all(undecided, sources, targets, draft)
        _regroup(draft)
        return
    old_s, old_t = len(sources), len(targets)
    sources, targets = [*sources, *rest[0]], [*targets, *rest[1]]
    known = [(one.row, one.column) for one in settled]
    again, open_again = _decided(sources, targets, known, draft, (old_s, old_t))
    for one in again:
        if one.row >= old_s and one.column >= old_t:
            _take(one, sources, targets[one.column], draft)
    fresh = [one for one in open_again if one.proposed >= old_s and one.column >= old_t]
    _leave_all([*undecided, *fresh], sources, targets, draft)
    _regroup(draft)


def _regroup(draft: _Draft) -> None:
    """Cut, join and share what nothing else claims."""
    given, wanted = _unclaimed(draft)
    for pieces in (*split(given, wanted), *join(given, wanted)):
        _add_pieces(pieces, "parts in the order of their numbers", draft)
    _, wanted = _unclaimed(draft)
    every = [_item(place, whole.name, whole.shape) for place, whole in enumerate(draft.wholes)]
    _add_pieces(shared(every, wanted), "stored once for all variables of this name", draft)


def _unclaimed(draft: _Draft) -> tuple[list[Item], list[Item]]:
    used = {edge.given for edge in draft.edges} | {
        place for group in draft.undecided for place in group.given
    }
    filled = {edge.wanted for edge in draft.edges} | {
        place for group in draft.undecided for place in group.wanted
    }
    given = [
        _item(place, whole.name, whole.shape)
        for place, whole in enumerate(draft.wholes)
        if not used & {piece for piece, _ in whole.pieces}
    ]
    wanted = [
        _item(place, variable.path, variable.shape)
        for place, variable in enumerate(draft.problem.wanted)
        if place not in filled and not is_optimizer(variable)
    ]
    return given, wanted


def _item(place: int, name: str, shape: Shape) -> Item:
    role = read_leaf((components(name) or ("",))[-1]).role
    return Item(place=place, name=name, shape=shape, role=role)


def _add_pieces(pieces: Iterable[Piece], evidence: str, draft: _Draft) -> None:
    pieces = list(pieces)
    for piece in pieces:
        whole = draft.wholes[piece.given]
        if len(whole.pieces) == 1:
            draft.edges.append(
                Edge(
                    given=whole.place,
                    wanted=piece.wanted,
                    transform=piece.transform,
                    kind=Kind.WORDS,
                    evidence=(evidence, "words of the names"),
                )
            )
    done = {piece.wanted for piece in pieces}
    draft.undecided[:] = [group for group in draft.undecided if not done & set(group.wanted)]


def _decided(
    sources: Sequence[Unit],
    targets: Sequence[Unit],
    known: Sequence[tuple[int, int]],
    draft: _Draft,
    start: tuple[int, int] = (0, 0),
) -> tuple[list[Settled], list[Open]]:
    """Search and decide, and again from what is decided, until nothing more is settled."""
    ordered = draft.problem.order is Order.FILE
    source, target = side_of(sources, ordered=ordered), side_of(targets, ordered=True)
    found: list[Settled] = []
    undecided: list[Open] = []
    for _ in range(_PASSES):
        fixed = [*known, *((one.row, one.column) for one in found)]
        pairs = solve(source, target, fixed, file_order=ordered, system=draft.system, start=start)
        fresh, undecided = decide(source, target, pairs, len(fixed), file_order=ordered)
        found += fresh
        if not fresh or not undecided:
            break
    return _probed(source, target, found, undecided, draft)


def _probed(
    source: Side,
    target: Side,
    settled: Sequence[Settled],
    undecided: Sequence[Open],
    draft: _Draft,
) -> tuple[list[Settled], list[Open]]:
    """Take back what the symmetry probe finds to be a tie."""
    ordered = draft.problem.order is Order.FILE
    kept, opened = list(settled), list(undecided)
    for group in exchangeable(source, target, settled, file_order=ordered):
        names = ", ".join("/".join(scope.path) for scope in group)
        rows = {row: name for scope in group for name, row in scope.units.items()}
        for one in [one for one in kept if one.row in rows]:
            rivals = tuple(scope.units[rows[one.row]] for scope in group)
            opened.append(
                Open(
                    column=one.column,
                    rows=rivals,
                    proposed=one.row,
                    why=f"these may change places: {names}",
                    symmetric=True,
                )
            )
            kept.remove(one)
    return kept, opened


def _rest(
    sources: Sequence[Unit],
    targets: Sequence[Unit],
    settled: Sequence[Settled],
    undecided: Sequence[Open],
    draft: _Draft,
) -> tuple[list[Unit], list[Unit]]:
    """Return the members that have no partner as units of their own."""
    filled = {edge.wanted for edge in draft.edges}
    used = {edge.given for edge in draft.edges}
    tied = {one.proposed for one in undecided}
    tied |= {row for one in undecided if one.symmetric for row in one.rows}
    open_ = {one.column for one in undecided}
    rest_s = [
        replace(unit, members=(member,), kind="")
        for row, unit in enumerate(sources)
        if row not in tied and not unit.kind
        for member in unit.members
        if not used & set(draft.places([member]))
    ]
    rest_t = [
        replace(unit, members=(member,), kind="")
        for column, unit in enumerate(targets)
        if column not in open_ and not unit.kind
        for member in unit.members
        if member.place not in filled
    ]
    return rest_s, rest_t


def _leave_all(
    undecided: Iterable[Open], sources: Sequence[Unit], targets: Sequence[Unit], draft: _Draft
) -> None:
    for one in undecided:
        _leave_open(one, sources, targets, draft)


def _take(one: Settled, sources: Sequence[Unit], target: Unit, draft: _Draft) -> None:
    source = sources[one.row]
    pairing = pair_units(source, target, draft.system)
    if pairing is None:
        return
    if pairing.tied:
        places = tuple(member.place for member in target.members)
        given = draft.places(source.members)
        draft.undecided.append(Undecided(wanted=places, given=given, why=pairing.tied))
        return
    kind, evidence = _kind(one, source, target)
    evidence = (*evidence, _next_best(one, sources))
    for mine, its, change in pairing.members:
        member = target.members[its]
        text = _with_dims(change, member.shape)
        if draft.system.turned_by_half and len(member.shape) > 2 and member.role in ("K", "KD"):
            text = reversed_windows(text, member.shape)
        for piece, region in draft.wholes[source.members[mine].place].pieces:
            draft.edges.append(
                Edge(
                    given=piece,
                    wanted=member.place,
                    transform=_through(text, region),
                    kind=kind,
                    evidence=evidence,
                )
            )


def _turn_squares(targets: Sequence[Unit], draft: _Draft) -> None:
    """Turn square matrices as the others of the source are turned; leave them open if in doubt.

    A source keeps all its matrices in one order of axes. Those that are not square show it, first
    of all those whose leaf has the same word.
    """
    wanted = draft.problem.wanted
    kernels = {m.place for unit in targets for m in unit.members if set(m.role) <= set("KD")}
    kernels = {place for place in kernels if len(wanted[place].shape) == 2}
    edges = [edge for edge in draft.edges if edge.wanted in kernels]
    shown: dict[str, set[bool]] = {"": set()}
    squares = []
    for edge in edges:
        shape = draft.problem.given[edge.given].shape
        if len(shape) != 2 or edge.transform not in ("identity", "transpose:1,0"):
            continue
        if shape[0] == shape[1]:
            squares.append(edge)
            continue
        turned = edge.transform != "identity"
        shown[""].add(turned)
        shown.setdefault(_leaf_word(draft.problem.given[edge.given].name), set()).add(turned)
    for edge in squares:
        word = _leaf_word(draft.problem.given[edge.given].name)
        votes = shown.get(word, set())
        if not votes and (shown[""] == {True} or draft.system.axes is Axes.FIRST):
            votes = shown[""]
        elif not votes or votes == {False}:
            continue
        if word == "kernel":
            # Whatever calls it a kernel keeps it as (in, out).
            continue
        draft.edges.remove(edge)
        if votes == {True}:
            evidence = (*edge.evidence, "the other matrices of the source are turned")
            draft.edges.append(replace(edge, transform="transpose:1,0", evidence=evidence))
        else:
            why = "a square matrix; nothing tells whether it is turned"
            draft.undecided.append(Undecided(wanted=(edge.wanted,), given=(edge.given,), why=why))


def _leaf_word(name: str) -> str:
    return read_leaf((components(name) or ("",))[-1]).phrase


def _reorder_flattened(targets: Sequence[Unit], draft: _Draft) -> None:
    """Let a matrix read an image of channels last that read one of channels first.

    It is the first one after the convolutions, and takes several pixels of their channels.
    """
    if draft.system.axes is not Axes.FIRST:
        return
    channels = 0
    for unit in targets:
        for member in unit.members:
            rank = len(member.shape)
            if rank == 4 and member.role in ("K", "KD"):
                channels = member.shape[-1]
            elif rank == 2 and member.role in ("K", "KT") and channels:
                _reorder_one(member, channels, draft)
                channels = 0


def _reorder_one(member: Member, channels: int, draft: _Draft) -> None:
    own = [edge for edge in draft.edges if edge.wanted == member.place]
    if len(own) != 1 or own[0].transform not in ("identity", "transpose:1,0"):
        return
    (edge,) = own
    turned = edge.transform != "identity"
    text = after_flattening(draft.problem.given[edge.given].shape, channels, turned=turned)
    if text is None:
        draft.edges.remove(edge)
        why = "it reads a flattened image of channels first, whose sides are not known"
        draft.undecided.append(Undecided(wanted=(member.place,), given=(edge.given,), why=why))
    elif text:
        evidence = (*edge.evidence, "it reads a flattened image of channels first")
        draft.edges[draft.edges.index(edge)] = replace(edge, transform=text, evidence=evidence)


def _with_dims(text: str, shape: Shape) -> str:
    """Write out the shape that a last step ``reshape`` makes."""
    if text != "reshape" and not text.endswith("|reshape"):
        return text
    return f"{text}:" + ",".join(map(str, shape))


def _through(text: str, region: str) -> str:
    if not region:
        return text
    return f"into:{region}" if text == "identity" else f"{text}|into:{region}"


def _next_best(one: Settled, sources: Sequence[Unit]) -> str:
    if one.rival < 0 or one.alone:
        return "no other layer that was left fits"
    return f"next came {sources[one.rival].name!r}, behind by {one.margin:.2f}"


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
            pairing = pair_units(sources[row], targets[one.column], draft.system)
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
    gone, there = used | tied, filled | open_
    unused: Mapping[int, str] = {
        place: draft.unused.get(place, "nothing in the architecture corresponds to it")
        for place in range(len(draft.problem.given))
        if place not in gone
    }
    missing = {
        place: "nothing in the source corresponds to it"
        for place in range(len(draft.problem.wanted))
        if place not in there
    }
    return Mapped(
        edges=tuple(sorted(draft.edges, key=lambda edge: (edge.wanted, edge.given))),
        undecided=tuple(draft.undecided),
        missing=missing,
        unused=unused,
    )
