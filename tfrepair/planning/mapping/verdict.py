"""The decision: which of the proposed pairs are determined, and between which nothing decides.

What the search learned from its own guesses must not confirm them. So all learned evidence is
built up again from nothing but pairs that are settled: a pair is settled when, among all that is
not, it is the best for both of its units by a clear margin. Settled pairs teach words and scopes,
which settle more. What two halves of a symmetric group never get is a margin: they stay. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tfrepair.core.tensor import Array
from tfrepair.planning.dialects.words import NOISE
from tfrepair.planning.mapping.scopes import ScopeScore
from tfrepair.planning.mapping.sequence import order_evidence
from tfrepair.planning.mapping.side import Side, unit_words
from tfrepair.planning.mapping.solve import Block, Pairs, plausible
from tfrepair.planning.mapping.units import Unit
from tfrepair.planning.mapping.words import WordScore, prior, translation

_MARGIN = 0.1
_SUPPORT = 0.45
_COMPLETE = 0.9
_WORDS, _SCOPES, _ORDER, _NUMBERS = 1.0, 1.5, 0.8, 0.6
_ROUNDS = 12
_ORDERED, _SPOKEN, _SILENT, _SOME = 0.45, 0.55, 0.1, 0.15
_CLASSES = frozenset({"dense", "conv", "bn", "ln", "gn", "emb", "deconv", "depthwise"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """One settled pair, with what speaks for it.

    ``rival`` is the source unit that came next for the target, -1 if there was none.
    """

    row: int
    column: int
    words: float
    scopes: float
    order: float
    numbers: float
    margin: float
    alone: bool
    rival: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A target unit that something could fill, but nothing tells what."""

    column: int
    rows: tuple[int, ...]
    proposed: int
    why: str
    symmetric: bool = False


@dataclass(slots=True, kw_only=True)
class _Scores:
    """Evidence of one block, from settled pairs only."""

    block: Block
    words: Array
    scopes: Array
    order: Array
    total: Array


def decide(
    source: Side, target: Side, pairs: Pairs, fixed: int = 0, *, file_order: bool = False
) -> tuple[list[Settled], list[Open]]:
    """Settle what is determined.

    Parameters
    ----------
    source, target
        The two sides.
    pairs
        What the search proposes; the first ``fixed`` pairs are settled already.

    Returns
    -------
    The settled pairs (without the fixed ones), and the target units that stay open.
    """
    proposal = {
        int(column): int(row) for row, column in zip(pairs.rows, pairs.columns, strict=True)
    }
    known = list(zip(pairs.rows[:fixed].tolist(), pairs.columns[:fixed].tolist(), strict=True))
    settled: dict[int, Settled] = {}
    written = prior(source, target)
    scores: list[_Scores] = []
    for _ in range(_ROUNDS):
        scores = _scores(
            source, target, pairs.blocks, settled, known, written, file_order=file_order
        )
        fresh = [
            found for one in scores for found in _clear(source, one, proposal, settled, alone=False)
        ]
        if not fresh:
            fresh = [
                found
                for one in scores
                for found in _clear(source, one, proposal, settled, alone=True)
            ]
            fresh = _supported(fresh, source, target, settled, proposal)
        if not fresh:
            break
        for found in fresh:
            settled[found.column] = found
    return list(settled.values()), _open(scores, proposal, settled, known)


def _scores(
    source: Side,
    target: Side,
    blocks: Sequence[Block],
    settled: dict[int, Settled],
    known: Sequence[tuple[int, int]],
    written: Array,
    *,
    file_order: bool,
) -> list[_Scores]:
    rows = np.array([one.row for one in settled.values()] + [row for row, _ in known], int)
    columns = np.array([one.column for one in settled.values()] + [c for _, c in known], int)
    weights = np.ones(len(rows), np.float32)
    table = translation(source, target, (rows, columns, weights), written)
    words = WordScore(source, target, table)
    scopes = ScopeScore(source, target, rows, columns, weights, partial=True) if len(rows) else None
    spoken = [words.block(block.rows, block.columns) for block in blocks]
    covered = [words.covered(block.rows, block.columns) for block in blocks]
    around = [
        scopes.block(block.rows, block.columns)
        if scopes is not None
        else np.zeros(block.quality.shape, np.float32)
        for block in blocks
    ]
    fits = plausible(
        blocks, covered, (rows, columns), (len(source.units), len(target.units)), around
    )
    order = order_evidence(
        source,
        target,
        fits,
        file_order=file_order,
        settled=list(zip(rows.tolist(), columns.tolist(), strict=True)),
    )
    found = []
    for block, word, scope in zip(blocks, spoken, around, strict=True):
        place = order[block.rows][:, block.columns].toarray()
        total = _WORDS * word + _SCOPES * scope + _ORDER * place + _NUMBERS * block.numbers
        total = np.where(block.quality > 0, total * block.quality + 0.5 * block.quality, -np.inf)
        found.append(_Scores(block=block, words=word, scopes=scope, order=place, total=total))
    return found


def _single_kind(unit: Unit) -> str:
    """Return what the only tensor of a unit is, a matrix or a vector; nothing for other units."""
    if len(unit.members) != 1:
        return ""
    return "matrix" if sum(size != 1 for size in unit.members[0].shape) > 1 else "vector"


def _complements(place: int, rows: Array, kinds: Sequence[str]) -> list[int]:
    """Return which rows may fill another part of the same layer, and so are no rivals."""
    if not kinds[place]:
        return []
    other = {"matrix": "vector", "vector": "matrix"}[kinds[place]]
    return [spot for spot, row in enumerate(rows) if kinds[row] == other]


def _first_rival(beside: Array, block: Block, rows: Array) -> int:
    """Return the source unit that comes next for a target, or -1."""
    best = int(beside.argmax())
    return int(block.rows[rows[best]]) if np.isfinite(beside[best]) else -1


def _evidence_at(scores: _Scores, at: tuple[int, int]) -> float:
    """Return all that speaks for a pair beside its shapes."""
    named = float(scores.words[at]) + float(scores.scopes[at]) + float(scores.order[at])
    return named + max(float(scores.block.numbers[at]), 0.0)


def _complementary(source: Side, row: int, other: int | None) -> bool:
    kinds = {_single_kind(source.units[place]) for place in (row, other) if place is not None}
    return kinds == {"matrix", "vector"}


def _clear(
    source: Side,
    scores: _Scores,
    proposal: dict[int, int],
    settled: dict[int, Settled],
    *,
    alone: bool,
) -> list[Settled]:
    """Return the pairs that are best for both units, among those that are not settled.

    With ``alone`` those that have no rival left; otherwise those that beat one by a margin.
    """
    block = scores.block
    taken = {one.row for one in settled.values()}
    rows = np.array([place for place, row in enumerate(block.rows) if row not in taken], int)
    columns = np.array(
        [place for place, column in enumerate(block.columns) if column not in settled], int
    )
    if not len(rows) or not len(columns):
        return []
    kinds = [_single_kind(source.units[row]) for row in block.rows]
    part = scores.total[np.ix_(rows, columns)]
    best_of_row, best_of_column = part.argmax(axis=1), part.argmax(axis=0)
    found = []
    for spot, place in enumerate(rows):
        other = best_of_row[spot]
        best = best_of_column[other]
        if best != spot and best not in _complements(place, rows, kinds):
            continue
        if not np.isfinite(part[spot, other]):
            continue
        row, column = int(block.rows[place]), int(block.columns[columns[other]])
        proposed = proposal.get(column)
        if proposed != row and not _complementary(source, row, proposed):
            continue
        beside = part[:, other].copy()
        beside[[spot, *_complements(place, rows, kinds)]] = -np.inf
        rivals = np.concatenate([np.delete(part[spot], other), beside])
        rival = _first_rival(beside, block, rows)
        rivals = rivals[np.isfinite(rivals)]
        gap = float(part[spot, other] - rivals.max()) if len(rivals) else np.inf
        if (gap == np.inf) is not alone or gap < _MARGIN:
            continue
        at = (place, columns[other])
        if not alone and _evidence_at(scores, at) < _SOME:
            continue
        found.append(
            Settled(
                row=row,
                column=column,
                words=float(scores.words[at]),
                scopes=float(scores.scopes[at]),
                order=float(scores.order[at]),
                numbers=float(block.numbers[at]),
                margin=gap,
                alone=alone,
                rival=rival,
            )
        )
    return found


def _supported(
    found: Sequence[Settled],
    source: Side,
    target: Side,
    settled: dict[int, Settled],
    proposal: dict[int, int],
) -> list[Settled]:
    """Keep of the pairs without a rival those that something speaks for."""
    complete = len(proposal) / max(len(target.units), 1)
    used = len(proposal) / max(len(source.units), 1)
    whole = complete >= _COMPLETE and used >= _COMPLETE
    told = [one.words >= _SPOKEN for one in settled.values()]
    # Where the two systems hardly share a word, that a pair shares none says nothing against it.
    foreign = 3 * sum(told) < 2 * len(told)
    return [
        one
        for one in found
        if (
            foreign
            or not _strangers(source.units[one.row], target.units[one.column], source, target, one)
        )
        and (whole or one.words + 1.5 * one.scopes + one.order + 0.4 * one.numbers >= _SUPPORT)
    ]


def _strangers(one: Unit, other: Unit, source: Side, target: Side, found: Settled) -> bool:
    """Tell whether both names say something that the other side says nowhere.

    The last source of its shape and the last target of its shape need not belong together.
    """
    if found.numbers >= _ORDERED:
        return False
    mine = set(unit_words(one)) - set(target.words) - NOISE
    its = set(unit_words(other)) - set(source.words) - NOISE - _CLASSES
    if not mine or not its:
        return False
    around = found.order >= _ORDERED
    return found.words < (_SILENT if around else _SPOKEN)


def _open(
    scores: Sequence[_Scores],
    proposal: dict[int, int],
    settled: dict[int, Settled],
    known: Sequence[tuple[int, int]],
) -> list[Open]:
    taken = {one.row for one in settled.values()} | {row for row, _ in known}
    found = []
    for one in scores:
        for place, column in enumerate(one.block.columns):
            if int(column) in settled or int(column) not in proposal:
                continue
            spot = int(np.flatnonzero(one.block.rows == proposal[int(column)])[0])
            best = one.total[spot, place]
            near = [
                int(row)
                for k, row in enumerate(one.block.rows)
                if int(row) not in taken and one.total[k, place] >= best - 2 * _MARGIN
            ]
            found.append(
                Open(
                    column=int(column),
                    rows=tuple(near),
                    proposed=proposal[int(column)],
                    why="nothing in names, numbers or order tells them apart"
                    if len(near) > 1
                    else "only its shape speaks for it",
                )
            )
    return found
