"""One global assignment for each class of units, and how far the runner-up is behind.

Pure. Source: ``scipy.optimize.linear_sum_assignment`` (a modified Jonker-Volgenant algorithm).
"""

import numpy as np
from scipy.optimize import linear_sum_assignment

from tfrepair.core.tensor import Array


def assign(scores: Array, allowed: Array) -> tuple[Array, Array]:
    """Choose pairs so that the total score is largest; pairs that are not allowed stay apart.

    Parameters
    ----------
    scores
        ``(sources, targets)``, larger is better; 0 is worth as much as no pair at all.
    allowed
        Of the same shape.
    """
    if not scores.size:
        empty = np.zeros(0, int)
        return empty, empty
    value = np.where(allowed & (scores > 0), scores, 0.0)
    rows, columns = linear_sum_assignment(value, maximize=True)
    good = value[rows, columns] > 0
    return rows[good], columns[good]


def margins(scores: Array, allowed: Array, rows: Array, columns: Array) -> Array:
    """Return by how much each chosen pair beats the best other pair of its row and column."""
    value = np.where(allowed, scores, 0.0)
    chosen = value[rows, columns]
    rest = value.copy()
    rest[rows, columns] = -np.inf
    beside = np.maximum(rest[rows].max(axis=1), rest[:, columns].max(axis=0))
    return np.asarray(chosen - np.maximum(beside, 0.0))
