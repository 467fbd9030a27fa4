"""Evidence of order: whole sequences of units aligned with the architecture, not ranks of shapes.

Numbers in names put the units of one family of names in order; a file may put all of them in
order. Such a sequence is aligned with the architecture's own order by dynamic programming over
what fits; a pair counts if all best alignments have it, and less if only some do. Pure.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy import sparse

from tfrepair.core.tensor import Array
from tfrepair.planning.mapping.side import Side


def order_evidence(
    source: Side, target: Side, fits: sparse.csr_array, *, file_order: bool
) -> sparse.csr_array:
    """Return ``(source units, target units)`` between 0 and 1.

    Parameters
    ----------
    source, target
        The two sides; the target's own order is that of the architecture.
    fits
        ``(source units, target units)``, nonzero where two can be paired.
    file_order
        True if the source's own order means something, too.
    """
    found = sparse.csr_array(fits.shape, dtype=np.float32)
    sequences = _families(source)
    if file_order:
        sequences.append(list(range(len(source.units))))
    for sequence in sequences:
        block = fits[sequence]
        columns = np.unique(block.indices)
        if not len(columns):
            continue
        for order in _target_orders(target, columns):
            aligned = _aligned(block[:, order].toarray() > 0)
            rows, places = np.nonzero(aligned)
            found = found + sparse.csr_array(
                (aligned[rows, places], (np.asarray(sequence)[rows], order[places])),
                shape=fits.shape,
            )
    found.data = np.minimum(found.data, 1.0)
    return found


def _families(side: Side) -> list[list[int]]:
    groups: dict[str, list[int]] = {}
    for place, family in enumerate(side.family):
        groups.setdefault(family, []).append(place)
    found = []
    for members in groups.values():
        counts = Counter(side.numbers[place] for place in members)
        # Of two with the same numbers neither has a place in the order.
        single = [place for place in members if counts[side.numbers[place]] == 1]
        if len(single) > 1:
            found.append(sorted(single, key=lambda place: side.numbers[place]))
    return found


def _target_orders(target: Side, columns: Array) -> list[Array]:
    """Return the architecture's order and, where all names are automatic, that of creation."""
    orders = [columns]
    if len({target.family[column] for column in columns}) == 1:
        created = np.array(sorted(columns, key=lambda column: target.numbers[column]))
        if not np.array_equal(created, columns):
            orders = [created]
    return orders


def _aligned(fits: Array) -> Array:
    """Weigh the pairs of all longest alignments: 1 where an item has one choice, less else."""
    count, want = fits.shape
    ahead = longest(fits)
    best = ahead[count, want]
    if best < 2:
        return np.zeros(fits.shape, np.float32)
    behind = longest(fits[::-1, ::-1])[::-1, ::-1]
    through = fits & (ahead[:-1, :-1] + 1 + behind[1:, 1:] == best)
    choices = np.maximum(through.sum(axis=1, keepdims=True), through.sum(axis=0, keepdims=True))
    share = best / count
    return np.where(through, share / np.maximum(choices, 1), 0.0).astype(np.float32)


def longest(fits: Array) -> Array:
    """Return the table of longest common subsequences, ``(rows + 1, columns + 1)``."""
    rows, columns = fits.shape
    table = np.zeros((rows + 1, columns + 1), np.int32)
    for row in range(rows):
        step = np.where(fits[row], table[row, :-1] + 1, table[row, 1:])
        table[row + 1, 1:] = np.maximum.accumulate(np.maximum(step, table[row, 1:]))
    return table


def sequences_of(side: Side) -> Sequence[Sequence[int]]:
    """Return the units of each family of names in the order of their numbers."""
    return _families(side)
