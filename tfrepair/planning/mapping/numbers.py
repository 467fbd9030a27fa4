"""Evidence of numbers: ranks of numbered siblings that correspond.

A number says little by itself: systems start at 0 or 1, and leave numbers out. Its rank among the
numbers in the same place says more, and only where both sides have equally many. Pure.
"""

import numpy as np

from tfrepair.core.tensor import Array
from tfrepair.planning.mapping.side import Side


class NumberScore:
    """Scores blocks of unit pairs by their numbers, between -1 and 1."""

    def __init__(self, source: Side, target: Side) -> None:
        self._source, self._target = _arrays(source), _arrays(target)

    def block(self, rows: Array, columns: Array) -> Array:
        """Align the number slots of each pair in order and return the share that agrees."""
        rank_s, count_s, value_s = (part[rows] for part in self._source)
        rank_t, count_t, value_t = (part[columns] for part in self._target)
        depth_s, depth_t = rank_s.shape[1], rank_t.shape[1]
        shape = (len(rows), len(columns))
        best = np.zeros((depth_s + 1, depth_t + 1, *shape), np.float32)
        for i in range(1, depth_s + 1):
            for j in range(1, depth_t + 1):
                own = _agreement(
                    rank_s[:, i - 1, None],
                    count_s[:, i - 1, None],
                    value_s[:, i - 1, None],
                    rank_t[None, :, j - 1],
                    count_t[None, :, j - 1],
                    value_t[None, :, j - 1],
                )
                best[i, j] = np.maximum(
                    best[i - 1, j - 1] + own, np.maximum(best[i - 1, j], best[i, j - 1])
                )
        possible = np.log1p(count_s).sum(axis=1)[:, None] + np.log1p(count_t).sum(axis=1)[None, :]
        share = 2 * best[depth_s, depth_t] / np.maximum(possible, 1.0)
        return np.asarray(np.clip(share, -1.0, 1.0))


def _agreement(
    rank_s: Array, count_s: Array, value_s: Array, rank_t: Array, count_t: Array, value_t: Array
) -> Array:
    there = (count_s > 0) & (count_t > 0)
    equal_counts = there & (count_s == count_t)
    weight = np.log1p(np.minimum(count_s, count_t))
    score = np.where(equal_counts, np.where(rank_s == rank_t, 1.0, -0.5), 0.0)
    other = there & (count_s != count_t)
    score = np.where(other & (value_s == value_t), 0.4, score)
    return (score * weight).astype(np.float32)


def _arrays(side: Side) -> tuple[Array, Array, Array]:
    depth = max((len(own) for own in side.slots), default=0)
    shape = (len(side.units), depth)
    rank, count, value = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for row, own in enumerate(side.slots):
        for column, slot in enumerate(own):
            rank[row, column], count[row, column] = slot.rank, slot.count
            value[row, column] = slot.value
    return rank, count, value


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
