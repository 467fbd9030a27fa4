"""Evidence of numbers: ranks of numbered siblings that correspond.

A number says little by itself: systems start at 0 or 1, and leave numbers out. Its rank among the
numbers in the same place says more, and only where both sides have equally many. Pure.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from tfrepair.core.tensor import Array
from tfrepair.planning.dialects.words import AUTOMATIC
from tfrepair.planning.mapping.side import Side


class NumberScore:
    """Scores blocks of unit pairs by their numbers, between -1 and 1."""

    def __init__(self, source: Side, target: Side) -> None:
        words = {slot.context for side in (source, target) for own in side.slots for slot in own}
        ids = {word: place + 1 for place, word in enumerate(sorted(words - {""}))}
        self._source, self._target = _arrays(source, ids), _arrays(target, ids)

    def block(self, rows: Array, columns: Array) -> Array:
        """Align the numbers of each pair in order and return the share that agrees."""
        have = [part[rows] for part in self._source]
        want = [part[columns] for part in self._target]
        depth_s, depth_t = have[0].shape[1], want[0].shape[1]
        best = np.zeros((depth_s + 1, depth_t + 1, len(rows), len(columns)), np.float32)
        for i in range(1, depth_s + 1):
            for j in range(1, depth_t + 1):
                own = _agreement(
                    [part[:, i - 1, None] for part in have],
                    [part[None, :, j - 1] for part in want],
                )
                best[i, j] = np.maximum(
                    best[i - 1, j - 1] + own, np.maximum(best[i - 1, j], best[i, j - 1])
                )
        counts = [np.log1p(part[1]).sum(axis=1) for part in (have, want)]
        possible = counts[0][:, None] + counts[1][None, :]
        share = 2 * best[depth_s, depth_t] / np.maximum(possible, 1.0)
        return np.asarray(np.clip(share, -1.0, 1.0))


def _agreement(have: Sequence[Array], want: Sequence[Array]) -> Array:
    (rank_s, count_s, value_s, word_s), (rank_t, count_t, value_t, word_t) = have, want
    there = (count_s > 0) & (count_t > 0)
    same_word = word_s == word_t
    equal_counts = there & (count_s == count_t)
    weight = np.log1p(np.minimum(count_s, count_t))
    agree = np.where(same_word, 1.0, 0.8)
    score = np.where(equal_counts, np.where(rank_s == rank_t, agree, -0.5), 0.0)
    other = there & (count_s != count_t) & same_word & (word_s > 0)
    score = np.where(other & (value_s == value_t), 0.5, score)
    return (score * weight).astype(np.float32)


def _arrays(side: Side, ids: Mapping[str, int]) -> tuple[Array, Array, Array, Array]:
    depth = max((len(own) for own in side.slots), default=0)
    shape = (len(side.units), depth)
    rank, count, value, word = (np.zeros(shape) for _ in range(4))
    for row, own in enumerate(side.slots):
        for column, slot in enumerate(own):
            rank[row, column], count[row, column] = slot.rank, slot.count
            value[row, column] = slot.value
            word[row, column] = -1 if slot.context in AUTOMATIC else ids.get(slot.context, 0)
    return rank, count, value, word


def ranks_in_class(source: Side, target: Side, rows: Array, columns: Array) -> Array:
    """Compare ranks within families of names, where two families have equally many units.

    Returns
    -------
    ``(rows, columns)``: 1 for an equal rank, -0.5 for another one, 0 where counts differ.
    """
    rank_s, count_s = _family_ranks(source, rows)
    rank_t, count_t = _family_ranks(target, columns)
    same = (count_s[:, None] == count_t[None, :]) & (count_s[:, None] > 1)
    return np.where(same, np.where(rank_s[:, None] == rank_t[None, :], 1.0, -0.5), 0.0).astype(
        np.float32
    )


def _family_ranks(side: Side, places: Array) -> tuple[Array, Array]:
    groups: dict[str, list[int]] = {}
    for spot, place in enumerate(places):
        groups.setdefault(side.family[place], []).append(spot)
    rank, count = np.zeros(len(places)), np.zeros(len(places))
    for members in groups.values():
        ordered = sorted(members, key=lambda spot: (side.numbers[places[spot]], places[spot]))
        for number, spot in enumerate(ordered):
            rank[spot], count[spot] = number, len(members)
    return rank, count
