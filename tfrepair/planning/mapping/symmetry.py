"""The symmetry probe: scopes that could change places without anything telling.

Two scopes of a source with the same content - towers, twin critics, the members of an ensemble -
may each have found their place, by nothing but the way ties were broken. Each such pair is
exchanged: if what is written in the names speaks no louder for one way than for the other, the
pair is no match but a tie. Pure. Comes after the decision.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tfrepair.planning.mapping.numbers import NumberScore
from tfrepair.planning.mapping.sequence import counts
from tfrepair.planning.mapping.side import Side, counted
from tfrepair.planning.mapping.verdict import Settled
from tfrepair.planning.mapping.words import WordScore, prior, translation

_LOUD = 0.05
_ALIGNED = 0.45
_NUMBERS, _SEQUENCE, _FILE = 0.4, 0.5, 0.3
_MANY = 400

Content = tuple[tuple[tuple[str, ...], object], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A scope of the source: its path, and its units by their names within it."""

    path: tuple[str, ...]
    units: Mapping[tuple[str, ...], int]


def exchangeable(
    source: Side, target: Side, settled: Sequence[Settled], *, file_order: bool
) -> list[tuple[Scope, ...]]:
    """Return the groups of scopes that nothing written keeps apart.

    Parameters
    ----------
    source, target
        The two sides.
    settled
        What was decided.
    file_order
        True if the source's own order means something.
    """
    column = {one.row: one.column for one in settled}
    ordered = {one.row for one in settled if one.order >= _ALIGNED}
    found: list[tuple[Scope, ...]] = []
    written = prior(source, target)
    numbers = NumberScore(source, target)
    done: set[int] = set()
    for group in _alike(source):
        rows = {row for scope in group for row in scope.units.values()}
        if not any(row in column for row in rows) or rows <= done or len(group) > _MANY:
            continue
        outside = [one for one in settled if one.row not in rows]
        table = translation(
            source,
            target,
            (
                np.array([one.row for one in outside], int),
                np.array([one.column for one in outside], int),
                np.ones(len(outside), np.float32),
            ),
            written,
        )
        words = WordScore(source, target, table)
        probe = _Probe(column, ordered, words, numbers, file_order, group)
        for tied in probe.ties():
            found.append(tied)
            done |= {row for scope in tied for row in scope.units.values()}
    return found


def _alike(source: Side) -> list[tuple[Scope, ...]]:
    """Return groups of sibling scopes with the same content, the outermost first."""
    below: defaultdict[tuple[str, ...], dict[tuple[str, ...], int]] = defaultdict(dict)
    twice: set[tuple[str, ...]] = set()
    for row, unit in enumerate(source.units):
        for depth in range(1, len(unit.path)):
            own = below[unit.path[:depth]]
            name = (*unit.path[depth:], str(unit.signature))
            if name in own:
                twice.add(unit.path[:depth])
            own[name] = row
    groups: defaultdict[tuple[tuple[str, ...], Content], list[Scope]] = defaultdict(list)
    for path, units in below.items():
        if len(units) < 2 or path in twice:
            continue
        content = tuple(sorted((name, 0) for name in units))
        groups[path[:-1], content].append(Scope(path=path, units=units))
    ordered = sorted(groups.items(), key=lambda item: (len(item[0][0]), item[0][0]))
    return [tuple(sorted(group, key=_rank)) for _, group in ordered if len(group) > 1]


def _rank(scope: Scope) -> tuple[tuple[int, ...], tuple[str, ...]]:
    numbers = [token.number for token in counted(scope.path[-1]) if token.number is not None]
    return tuple(numbers), scope.path


class _Probe:
    """Exchanges the scopes of one group, two at a time."""

    def __init__(
        self,
        column: Mapping[int, int],
        ordered: Collection[int],
        words: WordScore,
        numbers: NumberScore,
        file_order: bool,
        group: tuple[Scope, ...],
    ) -> None:
        self._column, self._words, self._numbers = column, words, numbers
        self._file_order, self._group = file_order, group
        stems = {_stem(scope) for scope in group}
        values = np.array([_rank(scope)[0] for scope in group]) if len(stems) == 1 else None
        self._counts = (
            values is not None
            and values.size > 0
            and len({_rank(scope)[0] for scope in group}) == len(group)
            and counts(group[0].path[-1:], values)
        )
        self._whole = all(
            row in column for scope in group for row in list(scope.units.values())[:1]
        )
        self._ordered = ordered

    def ties(self) -> list[tuple[Scope, ...]]:
        """Return the scopes that cannot be told apart, in groups."""
        parent = list(range(len(self._group)))

        def root(place: int) -> int:
            while parent[place] != place:
                place = parent[place]
            return place

        for i in range(len(self._group)):
            for j in range(i + 1, len(self._group)):
                if root(i) != root(j) and self._quiet(self._group[i], self._group[j]):
                    parent[root(j)] = root(i)
        groups: defaultdict[int, list[Scope]] = defaultdict(list)
        for place, scope in enumerate(self._group):
            groups[root(place)].append(scope)
        return [tuple(members) for members in groups.values() if len(members) > 1]

    def _quiet(self, one: Scope, other: Scope) -> bool:
        """Tell whether an exchange of two scopes would change nothing that is written."""
        gains = []
        both = 0
        forward = 0
        for name, row in one.units.items():
            twin = other.units[name]
            mine, its = self._column.get(row), self._column.get(twin)
            if mine is None and its is None:
                continue
            gain = 0.0
            for keeps, place in ((row, mine), (twin, its)):
                if place is not None:
                    left = twin if keeps == row else row
                    gain += self._evidence(keeps, place) - self._evidence(left, place)
            gains.append(gain)
            if mine is not None and its is not None:
                both += 1
                forward += 1 if mine < its else -1
        if not gains:
            return False
        loudness = float(np.mean(gains))
        if both and self._counts and self._whole:
            loudness += _SEQUENCE * forward / both
        aligned = all(
            any(row in self._ordered for row in scope.units.values()) for scope in (one, other)
        )
        if both and aligned:
            loudness += _SEQUENCE
        if both and self._file_order:
            first = min(one.units.values()) < min(other.units.values())
            loudness += _FILE * (forward if first else -forward) / both
        return loudness < _LOUD

    def _evidence(self, row: int, column: int) -> float:
        rows, columns = np.array([row]), np.array([column])
        word = self._words.block(rows, columns)
        number = self._numbers.block(rows, columns)
        return float(word[0, 0]) + _NUMBERS * float(number[0, 0])


def _stem(scope: Scope) -> str:
    return "_".join(token.word for token in counted(scope.path[-1]) if token.number is None)
