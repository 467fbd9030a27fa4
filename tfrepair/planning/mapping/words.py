"""Evidence of words: what the two systems call the same thing, learned from this very pair.

Equal words (after synonyms) count by how telling they are on each side. Beyond these, words that
occur in the same matched units translate each other: their correlation over the current
assignment is the strength of the translation. Pure.
"""

from functools import lru_cache

import numpy as np
from rapidfuzz import fuzz

from tfrepair.core.tensor import Array
from tfrepair.planning.dialects.words import NORMS
from tfrepair.planning.mapping.side import Side

_LEAST, _KNOWN = 0.3, 0.85
_ALIKE = 75.0
"""rapidfuzz ratio from which two words count as spellings of each other (``normal``, ``norm``)."""


def prior(source: Side, target: Side) -> Array:
    """Return ``(source words, target words)``: how much words agree as they are written."""
    found = np.zeros((len(source.words), len(target.words)), np.float32)
    for row, word in enumerate(source.words):
        for column, other in enumerate(target.words):
            found[row, column] = _likeness(word, other)
    return found


@lru_cache(maxsize=500_000)
def _likeness(word: str, other: str) -> float:
    if word == other:
        return 1.0
    if "norm" in (word, other) and {word, other} & NORMS:
        return 0.7
    shorter, longer = sorted((word, other), key=len)
    if len(shorter) < 3:
        return 0.0
    if longer.startswith(shorter) or longer.endswith(shorter):
        return 0.6
    ratio = fuzz.ratio(word, other)
    return 0.5 if ratio >= _ALIKE and len(shorter) > 3 else 0.0


def translation(source: Side, target: Side, soft: "Soft", written: Array) -> Array:
    """Learn which words stand for each other.

    Parameters
    ----------
    source, target
        The two sides.
    soft
        The current assignment: rows, columns and weights of pairs of units.
    written
        See :func:`prior`; words that are the same on both sides keep their meaning.

    Returns
    -------
    ``(source words, target words)`` between 0 and 1.
    """
    rows, columns, weights = soft
    if not len(rows):
        return written
    x, y = source.holds[rows], target.holds[columns]
    total = float(weights.sum()) + 1e-9
    both = (x * weights[:, None]).T @ y / total
    px = np.clip((x * weights[:, None]).sum(axis=0) / total, 0.0, 1.0)
    py = np.clip((y * weights[:, None]).sum(axis=0) / total, 0.0, 1.0)
    spread = np.sqrt(np.outer(px * (1 - px), py * (1 - py))) + 1e-6
    support = np.minimum(1.0, both * total / 3.0)
    correlation = np.clip((both - np.outer(px, py)) / spread, 0.0, 1.0) * support
    same = written >= 1.0
    shared = np.logical_or.outer(np.asarray(same.any(axis=1)), np.asarray(same.any(axis=0)))
    learned = np.where(shared, correlation * 0.5, correlation)
    return np.maximum(written, 0.9 * learned).astype(np.float32)


Soft = tuple[Array, Array, Array]


class WordScore:
    """Scores blocks of unit pairs under one translation."""

    def __init__(self, source: Side, target: Side, table: Array) -> None:
        have, self._row = _unique(source.holds)
        want, self._column = _unique(target.holds)
        # (have, want words): how well each word of a target is said by each source's name.
        said = np.stack([(table * row[:, None]).max(axis=0) for row in have])
        heard = np.stack([(table * row[None, :]).max(axis=1) for row in want])
        weight_s, weight_t = have * source.weight, want * target.weight
        there = said @ weight_t.T / np.maximum(weight_t.sum(axis=1), _LEAST)[None, :]
        back = (heard @ weight_s.T / np.maximum(weight_s.sum(axis=1), _LEAST)[None, :]).T
        self._scores = (0.5 * (there + back)).astype(np.float32)
        self._outer = _Covered((source, source.outer), (target, target.outer), table)
        self._inner = _Covered(
            (source, source.holds - source.outer), (target, target.holds - target.outer), table
        )

    def block(self, rows: Array, columns: Array) -> Array:
        """Return ``(rows, columns)`` scores between 0 and 1."""
        return np.asarray(self._scores[np.ix_(self._row[rows], self._column[columns])])

    def covered(self, rows: Array, columns: Array) -> Array:
        """Return how well the scopes of each target name those of each source, see _Covered."""
        outer, inner = self._outer.block(rows, columns), self._inner.block(rows, columns)
        return outer + inner


class _Covered:
    """How much of what can be said at all of a source's names a target's names say."""

    def __init__(
        self, source: tuple[Side, Array], target: tuple[Side, Array], table: Array
    ) -> None:
        have, self._row = _unique(np.maximum(source[1], 0))
        want, self._column = _unique(np.maximum(target[1], 0))
        there: Array = np.asarray(want.max(axis=0, initial=0.0) > 0)
        known = (table * there[None, :]).max(axis=1) >= _KNOWN
        weight = have * source[0].weight * known
        heard = np.stack([(table * row[None, :]).max(axis=1) for row in want])
        total = np.maximum(weight.sum(axis=1), _LEAST)
        self._scores = (heard @ weight.T / total[None, :]).T

    def block(self, rows: Array, columns: Array) -> Array:
        return np.asarray(self._scores[np.ix_(self._row[rows], self._column[columns])])


def _unique(holds: Array) -> tuple[Array, Array]:
    found, inverse = np.unique(holds, axis=0, return_inverse=True)
    return found, inverse.reshape(-1)
