"""The search: evidence of all kinds, one global assignment, learned from and repeated.

Each round scores all pairs of units that could take each other's place, assigns them globally,
and learns from what it assigned - weighted by how far the runner-up was behind - what words
and which scopes correspond. Decides nothing: see :mod:`tfrepair.planning.mapping.verdict`. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from tfrepair.core.tensor import Array
from tfrepair.planning.mapping.assignment import assign, margins
from tfrepair.planning.mapping.numbers import NumberScore, ranks_in_class
from tfrepair.planning.mapping.pairing import classes
from tfrepair.planning.mapping.scopes import ScopeScore
from tfrepair.planning.mapping.sequence import order_evidence
from tfrepair.planning.mapping.side import Side
from tfrepair.planning.mapping.systems import PLAIN, System
from tfrepair.planning.mapping.words import WordScore, prior, translation

_ROUNDS = 8
_ORDERED_ROUNDS = 3
_NEAR_QUALITY, _NEAR_WORDS, _NEAR_SCOPES = 0.04, 0.2, 0.2
_BASE, _WORDS, _NUMBERS, _RANKS, _SCOPES, _ORDER = 1.0, 1.0, 0.5, 0.3, 2.0, 0.6
"""Weights of the kinds of evidence; tuned on the development cases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Units that may take each other's place, and what the names say of each pair.

    Attributes
    ----------
    rows, columns
        Places of the units on both sides.
    quality
        ``(rows, columns)``: how well they pair up, 0 where they cannot.
    numbers
        ``(rows, columns)``: evidence that does not depend on any other pair.
    """

    rows: Array
    columns: Array
    quality: Array
    numbers: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Pairs of units: their places on both sides, and how far the runner-up was behind."""

    rows: Array
    columns: Array
    margins: Array
    blocks: tuple[Block, ...]


def solve(
    source: Side,
    target: Side,
    fixed: Sequence[tuple[int, int]] = (),
    *,
    file_order: bool = False,
    system: System = PLAIN,
    start: tuple[int, int] = (0, 0),
) -> Pairs:
    """Assign the source's units to the target's.

    Parameters
    ----------
    source, target
        The two sides.
    fixed
        Pairs that are known; their units take no part, but what they say counts.
    file_order
        True if the source's own order means something.
    system
        What is known of the source as a whole.
    start
        First source unit and first target unit that take part.
    """
    done_s, done_t = {row for row, _ in fixed}, {column for _, column in fixed}
    open_s = [place for place in range(start[0], len(source.units)) if place not in done_s]
    open_t = [place for place in range(start[1], len(target.units)) if place not in done_t]
    blocks = [
        (np.asarray(open_s)[rows], np.asarray(open_t)[columns], quality)
        for rows, columns, quality in classes(
            [source.units[place] for place in open_s],
            [target.units[place] for place in open_t],
            system,
        )
    ]
    written = prior(source, target)
    counted = NumberScore(source, target)
    table = written
    known = (
        np.array([row for row, _ in fixed], int),
        np.array([column for _, column in fixed], int),
        np.ones(len(fixed), np.float32),
    )
    pairs = known
    described = tuple(
        Block(
            rows=rows,
            columns=columns,
            quality=quality,
            numbers=counted.block(rows, columns),
        )
        for rows, columns, quality in blocks
    )
    still = [
        _NUMBERS * block.numbers
        + _RANKS * ranks_in_class(source, target, block.rows, block.columns)
        for block in described
    ]
    shape = (len(source.units), len(target.units))
    ordered: list[Array] = []
    for number in range(_ROUNDS):
        if len(pairs[0]):
            table = translation(source, target, pairs, written)
        words = WordScore(source, target, table)
        scopes = ScopeScore(source, target, *pairs) if len(pairs[0]) else None
        spoken = [words.block(block.rows, block.columns) for block in described]
        if number < _ORDERED_ROUNDS:
            covered = [words.covered(block.rows, block.columns) for block in described]
            fits = plausible(described, covered, known[:2], shape)
            order = order_evidence(source, target, fits, file_order=file_order)
            ordered = [order[b.rows][:, b.columns].toarray() for b in described]
        found = [known]
        for block, word, constant, place in zip(described, spoken, still, ordered, strict=True):
            rows, columns, quality = block.rows, block.columns, block.quality
            score = _BASE + _WORDS * word + constant + _ORDER * place
            if scopes is not None:
                score = score + _SCOPES * scopes.block(rows, columns)
            score = quality * np.maximum(score, 0.05)
            chosen_s, chosen_t = assign(score, quality > 0)
            gap = margins(score, quality > 0, chosen_s, chosen_t)
            weight = np.clip(gap, 0.05, 1.0).astype(np.float32)
            found.append((rows[chosen_s], columns[chosen_t], weight))
        rows, columns, weights = (np.concatenate(part) for part in zip(*found, strict=True))
        fresh = (rows, columns, weights)
        if len(fresh[0]) == len(pairs[0]) and all(
            np.array_equal(new, old) for new, old in zip(fresh, pairs, strict=True)
        ):
            break
        pairs = fresh
    return Pairs(rows=pairs[0], columns=pairs[1], margins=pairs[2], blocks=described)


def plausible(
    blocks: Sequence[Block],
    words: Sequence[Array],
    known: tuple[Array, Array],
    shape: tuple[int, int],
    scopes: Sequence[Array] | None = None,
) -> sparse.csr_array:
    """Return what sequences may be aligned over: pairs about as good as the best of their unit.

    Parameters
    ----------
    blocks, words
        The blocks, and for each how well the words of its sources are said by its targets.
    known
        Rows and columns of pairs that are settled: their units fit nothing else.
    shape
        Number of units on both sides.
    scopes
        For each block how well the scopes around its pairs correspond, where that is known.
    """
    rows, columns = [known[0]], [known[1]]
    for number, (block, word) in enumerate(zip(blocks, words, strict=True)):
        best = block.quality.max(axis=1, keepdims=True)
        near = (block.quality > 0.5) & (block.quality >= best - _NEAR_QUALITY)
        spoken = np.where(near, word, 0.0).max(axis=1, keepdims=True)
        near &= word >= spoken - _NEAR_WORDS
        if scopes is not None:
            around = np.where(near, scopes[number], 0.0).max(axis=1, keepdims=True)
            near &= scopes[number] >= around - _NEAR_SCOPES
        near &= ~np.isin(block.rows, known[0])[:, None] & ~np.isin(block.columns, known[1])[None, :]
        found = np.nonzero(near)
        rows.append(block.rows[found[0]])
        columns.append(block.columns[found[1]])
    places = (np.concatenate(rows), np.concatenate(columns))
    return sparse.csr_array((np.ones(len(places[0]), np.int8), places), shape=shape)
