"""Evidence of order: whole sequences of units aligned with the architecture, not ranks of shapes.

Numbers in names put the units of one family of names in order; a file may put all of them in
order. Such a sequence is aligned with the architecture's own order by dynamic programming over
what fits; a pair counts if all best alignments have it, and less if only some do. Pure.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise, permutations, product

import numpy as np
from scipy import sparse

from tfrepair.core.tensor import Array
from tfrepair.planning.dialects.words import AUTOMATIC
from tfrepair.planning.mapping.side import Side, counted

_PERMUTED = 3
_WHOLE = 0.85
_STEP = 1e-3
_MOST_ORDERS = 36
_FEWEST = 3
_SPARSE = 3


def order_evidence(
    source: Side,
    target: Side,
    fits: sparse.csr_array,
    *,
    file_order: bool,
    settled: Sequence[tuple[int, int]] = (),
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
    settled
        Pairs that are known: they say where scopes stand that no number puts in order.
    """
    rows, columns, values = [], [], []
    sequences = _families(source)
    if file_order:
        sequences.append([list(range(len(source.units)))])
    if settled:
        sequences += [[part] for part in anchored(source, settled) if len(part) > 1]
    for orders in sequences:
        members = np.array(sorted(orders[0]))
        block = fits[members]
        wanted = np.unique(block.indices)
        if not len(wanted):
            continue
        share = _best_share(block[:, wanted], members, wanted, orders, target)
        places = np.nonzero(share)
        rows.append(members[places[0]])
        columns.append(wanted[places[1]])
        values.append(share[places])
    if not rows:
        return sparse.csr_array(fits.shape, dtype=np.float32)
    where = (np.concatenate(rows), np.concatenate(columns))
    found = sparse.csr_array((np.concatenate(values), where), shape=fits.shape)
    found.data = np.minimum(found.data, 1.0)
    return found


def _best_share(
    block: sparse.csr_array,
    members: Array,
    wanted: Array,
    orders: Sequence[Sequence[int]],
    target: Side,
) -> Array:
    """Align every order that the members may have; keep what the best of them agree on."""
    dense = block.toarray() > 0
    tried: list[tuple[int, Array]] = []
    for order in orders:
        row = np.searchsorted(members, np.array(order))
        for places in _target_orders(target, wanted):
            column = np.searchsorted(wanted, places)
            length, aligned = _aligned(dense[np.ix_(row, column)])
            share = np.zeros(dense.shape, np.float32)
            share[np.ix_(row, column)] = aligned
            tried.append((length, share))
    best = max(length for length, _ in tried)
    kept = np.array([share for length, share in tried if length == best])
    agreed = (kept == kept[0]).all(axis=(0, 2))
    return np.asarray(kept[0] * agreed[:, None])


def _families(side: Side) -> list[list[list[int]]]:
    """Return for each family of names the orders that its numbers may mean."""
    groups: dict[str, list[int]] = {}
    for place, family in enumerate(side.family):
        groups.setdefault(family, []).append(place)
    found = []
    for members in groups.values():
        repeated = Counter(side.numbers[place] for place in members)
        # Of two with the same numbers neither has a place in the order.
        single = [place for place in members if repeated[side.numbers[place]] == 1]
        numbers = np.array([side.numbers[place] for place in single])
        if len(single) < 2 or not counts(side.units[single[0]].path, numbers):
            continue
        orders = _significances(side.units[single[0]].path, numbers)
        ranked = [_ranked(single, side, keys) for keys in orders]
        found.append([list(order) for order in dict.fromkeys(ranked)])
    return found


def _ranked(places: Sequence[int], side: Side, keys: Sequence[int]) -> tuple[int, ...]:
    """Sort units by some of their numbers, the most significant first."""
    return tuple(sorted(places, key=lambda place: [side.numbers[place][key] for key in keys]))


def _significances(path: Sequence[str], numbers: Array) -> list[tuple[int, ...]]:
    """Return the orders in which numbers may count: outer levels first, within one level any."""
    orders: list[tuple[int, ...]] = [()]
    start = 0
    for part in path:
        width = sum(1 for token in counted(part) if token.number is not None)
        varying = [k for k in range(start, start + width) if len(set(numbers[:, k])) > 1]
        choices = permutations(varying) if len(varying) <= _PERMUTED else [tuple(varying)]
        orders = [(*order, *choice) for order, choice in product(orders, choices)]
        start += width
    return orders[:_MOST_ORDERS]


def counts(path: Sequence[str], numbers: Array) -> bool:
    """Tell whether numbers count: widths such as 64, 128 and 256 do not, nor do two letters.

    Parameters
    ----------
    path
        Components of one of the names.
    numbers
        ``(names, numbers)``.
    """
    columns = _automatic_columns(path)
    varying = [k for k in range(numbers.shape[1]) if len(set(numbers[:, k])) > 1]
    if len(numbers) < _FEWEST and not any(columns[k] for k in varying if k < len(columns)):
        return False
    for column in numbers.T:
        distinct = np.unique(np.maximum(column, 0))
        if len(distinct) > 1 and distinct[-1] - distinct[0] > _SPARSE * len(distinct) + 2:
            return False
    return True


def _automatic_columns(path: Sequence[str]) -> list[bool]:
    """Tell for each number of a name whether a framework may have given it out."""
    found = []
    for part in path:
        tokens = counted(part)
        automatic = any(token.word in AUTOMATIC for token in tokens if token.number is None)
        found += [automatic for token in tokens if token.number is not None]
    return found


def anchored(source: Side, settled: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Put the units of a source in order, as far as settled ones and numbers say where they stand.

    A scope stands where its settled units do; one without, between the siblings whose numbers
    enclose its own. What has neither is left out.

    Returns
    -------
    Three orders: of all units, of kernels alone, of the others alone.
    """
    column = dict(settled)
    below: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    children: defaultdict[tuple[str, ...], set[tuple[str, ...]]] = defaultdict(set)
    for row, unit in enumerate(source.units):
        for depth in range(1, len(unit.path) + 1):
            children[unit.path[: depth - 1]].add(unit.path[:depth])
            if row in column:
                below[unit.path[:depth]].append(column[row])
    place: dict[tuple[str, ...], float] = {}
    for siblings in children.values():
        place |= _places(sorted(siblings), below)
    keys = {}
    for row, unit in enumerate(source.units):
        levels = [place.get(unit.path[:depth]) for depth in range(1, len(unit.path) + 1)]
        if row in column or all(level is not None for level in levels):
            keys[row] = tuple(-1.0 if level is None else level for level in levels)
    ordered = sorted(keys, key=lambda row: (keys[row], column.get(row, -1), row))
    kernels = [row for row in ordered if _is_kernel(source, row)]
    others = [row for row in ordered if not _is_kernel(source, row)]
    return [ordered, kernels, others]


def _is_kernel(side: Side, row: int) -> bool:
    return any(len(member.shape) > 1 for member in side.units[row].members)


def _places(
    siblings: Sequence[tuple[str, ...]], below: Mapping[tuple[str, ...], Sequence[int]]
) -> dict[tuple[str, ...], float]:
    """Return where siblings stand among the target's units."""
    found = {path: float(np.median(below[path])) for path in siblings if below.get(path)}
    series: defaultdict[str, list[tuple[tuple[int, ...], tuple[str, ...]]]] = defaultdict(list)
    for path in siblings:
        tokens = counted(path[-1])
        numbers = tuple(token.number for token in tokens if token.number is not None)
        stem = "_".join(token.word for token in tokens if token.number is None)
        series[stem].append((numbers, path))
    for members in series.values():
        members.sort()
        known = [place for place, (_, path) in enumerate(members) if path in found]
        if not known or len(members) < _FEWEST:
            continue
        values = [found[members[place][1]] for place in known]
        if any(later < earlier for earlier, later in pairwise(values)):
            continue
        estimate = np.interp(range(len(members)), known, values)
        for place, (_, path) in enumerate(members):
            outside = _STEP * (max(known[0] - place, 0) - max(place - known[-1], 0))
            found.setdefault(path, float(estimate[place]) - outside)
    return found


def _target_orders(target: Side, columns: Array) -> list[Array]:
    """Return the architecture's order and, where all names are automatic, that of creation."""
    names = {target.family[column] for column in columns}
    if len(names) == 1:
        path = target.units[columns[0]].path
        numbers = np.array([target.numbers[column] for column in columns])
        varying = [k for k in range(numbers.shape[1]) if len(set(numbers[:, k])) > 1]
        if len(varying) == 1 and _automatic_columns(path)[varying[0]]:
            return [columns[np.argsort(numbers[:, varying[0]], kind="stable")]]
    return [columns]


def _aligned(fits: Array) -> tuple[int, Array]:
    """Weigh the pairs of all longest alignments: 1 where an item has one choice, less else."""
    count, _ = fits.shape
    ahead = longest(fits)
    best = int(ahead[-1, -1])
    if best < 2 or best < _WHOLE * count:
        # What leaves out much of a sequence may as well be another alignment.
        return best, np.zeros(fits.shape, np.float32)
    behind = longest(fits[::-1, ::-1])[::-1, ::-1]
    through = fits & (ahead[:-1, :-1] + 1 + behind[1:, 1:] == best)
    choices = np.maximum(through.sum(axis=1, keepdims=True), through.sum(axis=0, keepdims=True))
    share = np.where(through, best / count / np.maximum(choices, 1), 0.0)
    return best, share.astype(np.float32)


def longest(fits: Array) -> Array:
    """Return the table of longest common subsequences, ``(rows + 1, columns + 1)``."""
    rows, columns = fits.shape
    table = np.zeros((rows + 1, columns + 1), np.int32)
    for row in range(rows):
        step = np.where(fits[row], table[row, :-1] + 1, table[row, 1:])
        table[row + 1, 1:] = np.maximum.accumulate(np.maximum(step, table[row, 1:]))
    return table
