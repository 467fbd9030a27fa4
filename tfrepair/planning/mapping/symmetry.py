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

from tfrepair.core.tensor import Array
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
        quiet = self._loudness() < _LOUD
        parent = list(range(len(self._group)))

        def root(place: int) -> int:
            while parent[place] != place:
                place = parent[place]
            return place

        for i, j in zip(*np.nonzero(np.triu(quiet, 1)), strict=True):
            one, other = root(int(i)), root(int(j))
            if one != other:
                parent[other] = one
        groups: defaultdict[int, list[Scope]] = defaultdict(list)
        for place, scope in enumerate(self._group):
            groups[root(place)].append(scope)
        return [tuple(members) for members in groups.values() if len(members) > 1]

    def _loudness(self) -> Array:
        """Return for each two scopes what an exchange would lose; infinite where none is placed."""
        count = len(self._group)
        gain, judged = np.zeros((count, count)), np.zeros((count, count))
        both, forward = np.zeros((count, count)), np.zeros((count, count))
        for name in self._group[0].units:
            rows = np.array([scope.units[name] for scope in self._group])
            places = np.array([self._column.get(int(row), -1) for row in rows])
            there = places >= 0
            evidence = self._evidence(rows, np.where(there, places, 0))
            kept = np.where(there, np.diag(evidence), 0.0)
            lost = np.where(there[None, :], evidence, 0.0)
            gain += kept[:, None] + kept[None, :] - lost - lost.T
            judged += there[:, None] | there[None, :]
            pair = there[:, None] & there[None, :]
            both += pair
            forward += np.where(pair, np.sign(places[None, :] - places[:, None]), 0)
        found = np.where(judged > 0, gain / np.maximum(judged, 1), np.inf)
        found += (both > 0) * self._order(forward / np.maximum(both, 1))
        return np.asarray(found)

    def _order(self, forward: Array) -> Array:
        """Return what speaks for the way two scopes follow each other; ``forward`` if in order."""
        own = [any(row in self._ordered for row in scope.units.values()) for scope in self._group]
        found = _SEQUENCE * np.logical_and.outer(own, own)
        if self._counts and self._whole:
            found = found + _SEQUENCE * forward
        if self._file_order:
            first = np.array([min(scope.units.values()) for scope in self._group])
            found = found + _FILE * forward * np.sign(first[None, :] - first[:, None])
        return np.asarray(found)

    def _evidence(self, rows: Array, columns: Array) -> Array:
        words, numbers = self._words.block(rows, columns), self._numbers.block(rows, columns)
        return np.asarray(words + _NUMBERS * numbers)


def _stem(scope: Scope) -> str:
    return "_".join(token.word for token in counted(scope.path[-1]) if token.number is None)
