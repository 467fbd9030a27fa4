"""Which group of source tensors belongs to which layer, by name.

Looks at names of groups only (:data:`~tfrepair.planning.naming.Unit`), never at tensors. What it
proposes is checked, tensor by tensor, by :mod:`tfrepair.planning.names`. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from tfrepair.planning.naming import Unit, numbered, spellings

# Containers that Keras and its file formats name by themselves; they tell nothing about a layer.
_CONTAINERS = frozenset({"model", "functional", "sequential", "model_weights", "layers", "vars"})

# The cell of a recurrent layer owns its weights in some generations of Keras, the layer in others.
_CELLS = frozenset({"lstm_cell", "gru_cell", "simple_rnn_cell", "conv_lstm_cell"})


class How(StrEnum):
    """What two groups have in common."""

    NAME = "name"
    """The whole path, and for automatic names also the set of numbers in use."""
    SUFFIX = "end of the name"
    """One path ends with the other, and no other group's does."""
    RANK = "rank among the automatic names of its class"
    """Both sides number the same count of layers of one class, from different starts."""
    POSITION = "position"
    """Both sides have the same number of groups, and the source's are only numbered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """A source group proposed for a target group."""

    source: Unit
    how: How


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """What the names say.

    Attributes
    ----------
    pairs
        Proposals, one source group for one target group.
    rivals
        Target groups for which several source groups have an equal claim.
    refused
        Target groups whose automatic numbers do not line up, with the reason.
    """

    pairs: Mapping[Unit, Pairing]
    rivals: Mapping[Unit, tuple[Unit, ...]] = field(default_factory=dict)
    refused: Mapping[Unit, str] = field(default_factory=dict)


def align(sources: Sequence[Unit], targets: Sequence[Unit], bases: Iterable[str]) -> Alignment:
    """Pair groups by name.

    Parameters
    ----------
    sources, targets
        The groups of both sides, in file order and in ``get_weights()`` order.
    bases
        Automatic base names of the target's layers, such as ``"dense"``.
    """
    have = _canonical(sources)
    want = _canonical(targets)
    pairs: dict[Unit, Pairing] = {}
    refused: dict[Unit, str] = {}
    for base in sorted(bases):
        _align_automatic(base, have, want, pairs, refused)
    automatic = {unit for unit, short in want.items() if numbered(short[-1])[0] in set(bases)}
    taken = {pairing.source for pairing in pairs.values()}
    by_short = {short: unit for unit, short in have.items() if unit not in taken}
    for unit, short in want.items():
        if unit not in automatic and short in by_short:
            pairs[unit] = Pairing(source=by_short.pop(short), how=How.NAME)
    open_targets = {u: s for u, s in want.items() if u not in pairs and u not in automatic}
    rivals = _align_suffixes(by_short, open_targets, pairs)
    return Alignment(pairs=pairs, rivals=rivals, refused=refused)


def align_by_position(sources: Sequence[Unit], targets: Sequence[Unit]) -> Alignment:
    """Pair numbered source groups with target groups in order; the counts must be equal."""
    return Alignment(
        pairs={
            target: Pairing(source=source, how=How.POSITION)
            for source, target in zip(sources, targets, strict=True)
        }
    )


def _canonical(units: Sequence[Unit]) -> dict[Unit, Unit]:
    """Drop names of containers and cells where the rest still tells all units apart."""
    short = {unit: _without_containers(unit) for unit in units}
    distinct = len(set(short.values())) == len(short)
    return short if distinct else {unit: unit for unit in units}


def _without_containers(unit: Unit) -> Unit:
    kept = tuple(part for part in unit[:-1] if numbered(part)[0] not in _CONTAINERS)
    if kept and numbered(unit[-1])[0] in _CELLS:
        return kept
    return (*kept, unit[-1])


def _align_automatic(
    base: str,
    have: Mapping[Unit, Unit],
    want: Mapping[Unit, Unit],
    pairs: dict[Unit, Pairing],
    refused: dict[Unit, str],
) -> None:
    """Pair the layers of one class, whose names are only numbers.

    Equal names are believed only if both sides use the same set of numbers: otherwise one side
    counts from another start, and an equal name is another layer.
    """
    names = spellings(base)
    ours = {unit: short for unit, short in want.items() if numbered(short[-1])[0] == base}
    theirs = {unit: short for unit, short in have.items() if numbered(short[-1])[0] in names}
    if not ours or not theirs:
        return
    if set(ours.values()) == set(theirs.values()):
        by_short = {short: unit for unit, short in theirs.items()}
        pairs |= {u: Pairing(source=by_short[s], how=How.NAME) for u, s in ours.items()}
        return
    ranked_ours, ranked_theirs = _ranked(ours), _ranked(theirs)
    if ranked_ours is not None and ranked_theirs is not None and len(ours) == len(theirs):
        for target, source in zip(ranked_ours, ranked_theirs, strict=True):
            pairs[target] = Pairing(source=source, how=How.RANK)
        return
    reason = (
        f"automatic names do not line up: the architecture has {_listed(ours.values())}, "
        f"the source has {_listed(theirs.values())}"
    )
    refused |= dict.fromkeys(ours, reason)


def _ranked(units: Mapping[Unit, Unit]) -> list[Unit] | None:
    """Return units by number, or ``None`` if two have the same number."""
    numbers = {unit: numbered(short[-1])[1] for unit, short in units.items()}
    if len(set(numbers.values())) < len(numbers):
        return None
    return sorted(numbers, key=lambda unit: numbers[unit])


def _listed(units: Iterable[Unit]) -> str:
    names = sorted("/".join(unit) for unit in units)
    shown = ", ".join(names[:6])
    return f"{shown}, ... ({len(names)} in all)" if len(names) > 6 else shown


def _align_suffixes(
    sources: Mapping[Unit, Unit], targets: Mapping[Unit, Unit], pairs: dict[Unit, Pairing]
) -> dict[Unit, tuple[Unit, ...]]:
    """Pair what ends alike, if nothing else does; return the targets with several claims."""
    by_last: dict[str, list[Unit]] = {}
    for short in sources:
        by_last.setdefault(short[-1], []).append(short)
    claims = {
        unit: [short for short in by_last.get(own[-1], ()) if _ends_alike(own, short)]
        for unit, own in targets.items()
    }
    claimed_by: dict[Unit, int] = {}
    for shorts in claims.values():
        for short in shorts:
            claimed_by[short] = claimed_by.get(short, 0) + 1
    rivals: dict[Unit, tuple[Unit, ...]] = {}
    for unit, shorts in claims.items():
        if len(shorts) == 1 and claimed_by[shorts[0]] == 1:
            pairs[unit] = Pairing(source=sources[shorts[0]], how=How.SUFFIX)
        elif shorts:
            rivals[unit] = tuple(sources[short] for short in shorts)
    return rivals


def _ends_alike(one: Unit, other: Unit) -> bool:
    shorter = min(len(one), len(other))
    return one[-shorter:] == other[-shorter:]
