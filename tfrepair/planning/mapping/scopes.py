"""Evidence of scopes: what lies in one block on one side lies in one block on the other.

From the current assignment follows how well each scope of the source (a prefix of names, a window
of the file) corresponds to each scope of the target; a pair of units gains from every pair of
scopes around it that correspond. This carries what unique shapes say through the trees of names.
Pure.
"""

import numpy as np
from scipy import sparse

from tfrepair.core.tensor import Array
from tfrepair.planning.mapping.side import Side

_WINDOW = 0.75
"""Worth of a window of the order beside that of a scope with a name."""


class ScopeScore:
    """Scores blocks of unit pairs by the scopes around them, between 0 and 1."""

    def __init__(
        self,
        source: Side,
        target: Side,
        rows: Array,
        columns: Array,
        weights: Array,
        *,
        partial: bool = False,
    ) -> None:
        matched = sparse.csr_array(
            (weights, (rows, columns)), shape=(len(source.units), len(target.units))
        )
        mass = (source.within.T @ matched @ target.within).toarray()
        size_s = np.asarray(source.within.sum(axis=0)).reshape(-1, 1)
        size_t = np.asarray(target.within.sum(axis=0)).reshape(1, -1)
        if partial:
            # What is not assigned yet says nothing against a scope; little says little for it.
            size_s, size_t = (
                np.asarray(side.within[chosen].sum(axis=0)).reshape(shape)
                for side, chosen, shape in ((source, rows, (-1, 1)), (target, columns, (1, -1)))
            )
            mass = mass * (mass / (mass + 0.5))
        likeness = 2 * mass / np.maximum(size_s + size_t, 1)
        trust = np.outer(_trust(source), _trust(target))
        self._likeness = (likeness * trust).astype(np.float32)
        self._source, self._target = _Chains(source), _Chains(target)

    def block(self, rows: Array, columns: Array) -> Array:
        """Return ``(rows, columns)`` scores."""
        there = _mean_of_best(self._likeness, self._source, self._target, rows, columns)
        back = _mean_of_best(self._likeness.T, self._target, self._source, columns, rows)
        return np.asarray(0.5 * (there + back.T))


def _trust(side: Side) -> Array:
    """Return less for windows than for scopes that have a name."""
    return np.array([_WINDOW if name.startswith("@") else 1.0 for name in side.scope_names])


class _Chains:
    """The scopes of each unit as a padded array, with the weight of each."""

    def __init__(self, side: Side) -> None:
        sizes = np.asarray(side.within.sum(axis=0)).reshape(-1)
        total = max(len(side.units), 1)
        depth = max((len(chain) for chain in side.scopes), default=0)
        self.ids = np.full((len(side.units), depth), -1)
        self.weight = np.zeros((len(side.units), depth), np.float32)
        self.named = np.zeros((len(side.units), depth), bool)
        for row, chain in enumerate(side.scopes):
            for column, scope in enumerate(chain):
                self.ids[row, column] = scope
                self.weight[row, column] = np.log(total / sizes[scope]) + 0.1
                self.named[row, column] = not side.scope_names[scope].startswith("@")


def _mean_of_best(
    likeness: Array, own: _Chains, other: _Chains, rows: Array, columns: Array
) -> Array:
    """For each scope of a row unit take the best scope of the column unit; average by weight.

    Windows of the row's side are left out: only their counterparts are judged.
    """
    ids = own.ids[rows]
    weights = np.where(own.named[rows], own.weight[rows], 0.0)
    used = np.unique(ids[(ids >= 0) & (weights > 0)])
    if not len(used) or not other.ids.shape[1]:
        return np.zeros((len(rows), len(columns)), np.float32)
    index = np.searchsorted(used, np.where(ids >= 0, ids, used[0])).clip(0, len(used) - 1)
    best = np.zeros((len(used), len(columns)), np.float32)
    for depth in range(other.ids.shape[1]):
        scope = other.ids[columns, depth]
        there = scope >= 0
        if there.any():
            best[:, there] = np.maximum(best[:, there], likeness[np.ix_(used, scope[there])])
    score = np.zeros((len(rows), len(columns)), np.float32)
    for depth in range(ids.shape[1]):
        weight = np.where(ids[:, depth] >= 0, weights[:, depth], 0.0)
        if weight.any():
            score += weight[:, None] * best[index[:, depth]]
    total = weights.sum(axis=1)
    return np.asarray(score / np.maximum(total, 1e-6)[:, None])
