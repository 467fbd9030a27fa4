"""Planning for sources with names: groups by name, then tensor by tensor by role and shape.

A tensor fills a variable only if its group's name belongs to the variable's layer, its leaf word
does not contradict the variable's role, and its shape fits without moving an element. Order is
never taken as evidence for tensors that have names. Comes after :mod:`tfrepair.planning.units`,
which pairs the groups. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tfrepair.core.architecture import Architecture, Role, Variable, VariablePath
from tfrepair.core.plan import Confidence, Gap, Leftover, Match, Tie
from tfrepair.core.tensor import SourceName, Tensor
from tfrepair.planning.fit import exact_fit, loose_fit
from tfrepair.planning.lists import Outcome
from tfrepair.planning.naming import (
    ReadName,
    Unit,
    automatic_bases,
    enumeration,
    normalize,
    read_name,
    unit_of,
    without_suffix,
)
from tfrepair.planning.units import Alignment, How, Pairing, align, align_by_position


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """A source tensor with its name taken apart."""

    tensor: Tensor
    read: ReadName


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """A variable with its path taken apart."""

    variable: Variable
    unit: Unit
    leaf: str


@dataclass(slots=True, kw_only=True)
class _Draft:
    """What is decided so far; lives within one call of :func:`plan_names`."""

    matches: dict[VariablePath, Match] = field(default_factory=dict)
    gaps: dict[VariablePath, Gap] = field(default_factory=dict)
    ties: list[Tie] = field(default_factory=list)
    unused: dict[SourceName, str] = field(default_factory=dict)


def plan_names(tensors: Sequence[Tensor], architecture: Architecture) -> Outcome:
    """Assign named tensors to an architecture's weights.

    Returns
    -------
    Every weight in a match, a gap or a tie; every tensor in a match, a tie or a leftover.
    ``CERTAIN`` needs an equal name and an equal shape; an ending of a name, a rank among
    automatic names or a shape that occurs once on both sides give at most ``STRONG``; groups
    that are only numbered give ``ORDER``.
    """
    targets = tuple(_target(variable) for variable in architecture.weights)
    want = _targets_by_unit(targets)
    singles = frozenset(unit[-1] for unit, members in want.items() if len(members) == 1)
    entries = tuple(
        _Entry(tensor=tensor, read=_whole_name(read_name(tensor.name), singles))
        for tensor in tensors
    )
    have = _grouped(entries)
    alignment = align(tuple(have), tuple(want), automatic_bases(architecture.root))
    draft = _Draft()
    nothing_agrees = not alignment.pairs and not alignment.rivals
    if nothing_agrees and (_by_position(have, want, draft) or _by_shape(entries, targets, draft)):
        return _finished(draft, entries, targets)
    _by_alignment(alignment, have, want, draft)
    return _finished(draft, entries, targets)


def _whole_name(read: ReadName, singles: frozenset[str]) -> ReadName:
    """Read a name like ``net/emb`` as that of a layer with a single weight, if there is one."""
    if not read.leaf or read.roles or read.index is not None or read.leaf not in singles:
        return read
    return ReadName(unit=(*read.unit, read.leaf), leaf="", roles=frozenset())


def _target(variable: Variable) -> _Target:
    path = without_suffix(variable.path)
    layer, _, leaf = path.rpartition("/")
    if not layer:
        return _Target(variable=variable, unit=(normalize(leaf),), leaf="")
    return _Target(variable=variable, unit=unit_of(layer), leaf=normalize(leaf))


def _grouped(entries: Iterable[_Entry]) -> dict[Unit, list[_Entry]]:
    groups: dict[Unit, list[_Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.read.unit, []).append(entry)
    return groups


def _targets_by_unit(targets: Iterable[_Target]) -> dict[Unit, list[_Target]]:
    groups: dict[Unit, list[_Target]] = {}
    for target in targets:
        groups.setdefault(target.unit, []).append(target)
    return groups


def _by_alignment(
    alignment: Alignment,
    have: Mapping[Unit, Sequence[_Entry]],
    want: Mapping[Unit, Sequence[_Target]],
    draft: _Draft,
) -> None:
    ranked = [unit for unit, pair in alignment.pairs.items() if pair.how is How.RANK]
    broken = {
        unit[-1].rstrip("_0123456789")
        for unit in ranked
        if not _pairs_up(want[unit], have[alignment.pairs[unit].source], How.RANK)
    }
    for unit, members in want.items():
        pairing = alignment.pairs.get(unit)
        if pairing is not None:
            if pairing.how is How.RANK and unit[-1].rstrip("_0123456789") in broken:
                _refuse(members, "automatic names agree in number, but not every shape fits", draft)
            else:
                _fill_unit(members, have[pairing.source], pairing, draft)
        elif unit in alignment.rivals:
            _tie_unit(members, alignment.rivals[unit], have, draft)
        elif unit in alignment.refused:
            _refuse(members, alignment.refused[unit], draft)


def _refuse(members: Iterable[_Target], reason: str, draft: _Draft) -> None:
    for target in members:
        path = target.variable.path
        draft.gaps[path] = Gap(target=path, reason=reason)


def _tie_unit(
    members: Iterable[_Target],
    rivals: Sequence[Unit],
    have: Mapping[Unit, Sequence[_Entry]],
    draft: _Draft,
) -> None:
    for target in members:
        sources = tuple(
            entry.tensor.name
            for unit in rivals
            for entry in have[unit]
            if _may_be(entry, target) and _fits_loosely(entry, target)
        )
        path = target.variable.path
        if sources:
            why = "several names end alike: " + ", ".join("/".join(unit) for unit in rivals)
            draft.ties.append(Tie(targets=(path,), sources=sources, why=why))


def _fill_unit(
    members: Sequence[_Target], entries: Sequence[_Entry], pairing: Pairing, draft: _Draft
) -> None:
    """Match the tensors of one group with the weights of one layer."""
    for target, candidates in _choices(members, entries):
        path = target.variable.path
        if len(candidates) == 1:
            match = _match(candidates[0], target, pairing.how)
            if match is None:
                _note_misfit(candidates[0], target, draft)
            else:
                draft.matches[path] = match
        elif candidates:
            names = tuple(entry.tensor.name for entry in candidates)
            draft.ties.append(
                Tie(targets=(path,), sources=names, why="several tensors have a name for this role")
            )


def _choices(
    members: Sequence[_Target], entries: Sequence[_Entry]
) -> tuple[tuple[_Target, tuple[_Entry, ...]], ...]:
    """Return, for each weight of a layer, the tensors of its group that may be meant."""
    if all(entry.read.index is not None for entry in entries):
        ordered = sorted(entries, key=lambda entry: entry.read.index or 0)
        fits = len(ordered) == len(members) and all(
            _fits_loosely(entry, target) for entry, target in zip(ordered, members, strict=True)
        )
        if fits:
            return tuple((target, (entry,)) for entry, target in zip(ordered, members, strict=True))
        return ()
    if len(entries) == 1 and not entries[0].read.leaf:
        return ((members[0], (entries[0],)),) if len(members) == 1 else ()
    wanted: dict[SourceName, int] = {}
    choices = []
    for target in members:
        named = [entry for entry in entries if _may_be(entry, target)]
        equal = [entry for entry in named if entry.read.leaf == target.leaf]
        chosen = tuple(equal or named)
        choices.append((target, chosen))
        for entry in chosen:
            wanted[entry.tensor.name] = wanted.get(entry.tensor.name, 0) + 1
    return tuple(
        # A tensor that two weights could claim needs a person, unless it claims by equal name.
        (target, chosen)
        for target, chosen in choices
        if all(wanted[e.tensor.name] == 1 or e.read.leaf == target.leaf for e in chosen)
    )


def _may_be(entry: _Entry, target: _Target) -> bool:
    """Tell whether a leaf word may stand for a variable; roles bind where both are known."""
    if entry.read.leaf == target.leaf:
        return True
    return target.variable.role in entry.read.roles and target.variable.role is not Role.UNKNOWN


def _fits_loosely(entry: _Entry, target: _Target) -> bool:
    return loose_fit(entry.tensor.shape, entry.tensor.dtype, target.variable) is not None


_CONFIDENCE: Mapping[How, Confidence] = {
    How.NAME: Confidence.CERTAIN,
    How.SUFFIX: Confidence.STRONG,
    How.RANK: Confidence.STRONG,
    How.POSITION: Confidence.ORDER,
}


def _match(entry: _Entry, target: _Target, how: How) -> Match | None:
    tensor, variable = entry.tensor, target.variable
    exact = exact_fit(tensor.shape, tensor.dtype, variable)
    transform = exact or loose_fit(tensor.shape, tensor.dtype, variable)
    if transform is None:
        return None
    confidence = _CONFIDENCE[how]
    evidence = [f"{how.value}", "shape" if exact else "shape, but for axes of length one"]
    if entry.read.index is not None:
        evidence.insert(1, f"position {entry.read.index} in its group, and the whole group fits")
    elif entry.read.leaf != target.leaf:
        evidence.insert(1, f"{entry.read.leaf or tensor.name!r} names this role")
    if confidence is Confidence.CERTAIN and (exact is None or entry.read.index is not None):
        confidence = Confidence.STRONG
    return Match(
        target=variable.path,
        sources=(tensor.name,),
        transform=transform,
        confidence=confidence,
        evidence=tuple(evidence),
    )


def _note_misfit(entry: _Entry, target: _Target, draft: _Draft) -> None:
    tensor, variable = entry.tensor, target.variable
    draft.gaps[variable.path] = Gap(
        target=variable.path,
        reason=f"{tensor.name} has the name, but is {tensor.shape} {tensor.dtype}; expected "
        f"{variable.shape} {variable.dtype}",
        candidates=(tensor.name,),
    )
    draft.unused[tensor.name] = (
        f"named like {variable.path}, but {tensor.shape} {tensor.dtype} is not "
        f"{variable.shape} {variable.dtype}"
    )


def _by_position(
    have: Mapping[Unit, Sequence[_Entry]], want: Mapping[Unit, Sequence[_Target]], draft: _Draft
) -> bool:
    """Take groups that are only numbered (``W1, b1, W2, b2``) in order, if all of them fit."""
    numbers = enumeration("/".join(unit) for unit in have)
    if numbers is None or len(have) != len(want):
        return False
    in_order = [unit for _, unit in sorted(zip(numbers, have, strict=True))]
    alignment = align_by_position(in_order, tuple(want))
    pairs = alignment.pairs
    if not all(_pairs_up(want[unit], have[pairs[unit].source], How.POSITION) for unit in want):
        return False
    for unit, members in want.items():
        _fill_unit(members, have[pairs[unit].source], pairs[unit], draft)
    return True


def _pairs_up(members: Sequence[_Target], entries: Sequence[_Entry], how: How) -> bool:
    """Tell whether every weight of a layer finds its tensor, and every tensor is used."""
    trial = _Draft()
    _fill_unit(members, entries, Pairing(source=(), how=how), trial)
    return len(trial.matches) == len(members) == len(entries)


def _by_shape(entries: Sequence[_Entry], targets: Sequence[_Target], draft: _Draft) -> bool:
    """Match by shape alone where names agree nowhere and each shape occurs once on each side."""
    by_shape = {entry.tensor.shape: entry for entry in entries}
    wanted = {target.variable.shape: target for target in targets}
    unique = len(by_shape) == len(entries) == len(targets) == len(wanted)
    if not unique or set(by_shape) != set(wanted):
        return False
    pairs = [(entry, wanted[shape]) for shape, entry in by_shape.items()]
    if not all(_agrees(entry, target) for entry, target in pairs):
        return False
    for entry, target in pairs:
        transform = exact_fit(entry.tensor.shape, entry.tensor.dtype, target.variable)
        if transform is None:
            return False
        draft.matches[target.variable.path] = Match(
            target=target.variable.path,
            sources=(entry.tensor.name,),
            transform=transform,
            confidence=Confidence.STRONG,
            evidence=("this shape occurs once on each side", "equal number of tensors"),
        )
    return True


def _agrees(entry: _Entry, target: _Target) -> bool:
    known = entry.read.roles and target.variable.role is not Role.UNKNOWN
    return not known or target.variable.role in entry.read.roles


def _finished(draft: _Draft, entries: Sequence[_Entry], targets: Sequence[_Target]) -> Outcome:
    used = {name for match in draft.matches.values() for name in match.sources}
    tied_sources = {name for tie in draft.ties for name in tie.sources}
    tied_targets = {path for tie in draft.ties for path in tie.targets}
    free = [entry for entry in entries if entry.tensor.name not in used]
    gaps = []
    for target in targets:
        path = target.variable.path
        if path in draft.matches or path in tied_targets:
            continue
        gap = draft.gaps.get(path) or Gap(target=path, reason="no tensor has its name")
        near = gap.candidates or tuple(e.tensor.name for e in free if _fits_loosely(e, target))
        gaps.append(Gap(target=path, reason=gap.reason, candidates=near))
    leftover = tuple(
        Leftover(
            source=entry.tensor.name,
            reason=draft.unused.get(entry.tensor.name, "no weight has its name"),
        )
        for entry in free
        if entry.tensor.name not in tied_sources
    )
    order = [target.variable.path for target in targets]
    return Outcome(
        matches=tuple(draft.matches[path] for path in order if path in draft.matches),
        missing=tuple(gaps),
        ties=tuple(draft.ties),
        leftover=leftover,
    )
