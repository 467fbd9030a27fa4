"""Which units could take each other's place at all, and how their tensors would pair up.

Signatures are compared, not units: there are few of them. Pure. Comes after
:mod:`tfrepair.planning.mapping.units` and before evidence.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from scipy.optimize import linear_sum_assignment

from tfrepair.core.tensor import Array, Shape
from tfrepair.planning.mapping.composites import layout_of
from tfrepair.planning.mapping.fits import fit
from tfrepair.planning.mapping.roles import compatible
from tfrepair.planning.mapping.systems import PLAIN, System
from tfrepair.planning.mapping.units import Member, Unit

_NO = 9.0
_TURNING = frozenset("KDTR")

Signature = tuple[tuple[str, Shape], ...]
"""See :attr:`Unit.signature`."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """How two units' tensors pair up.

    Attributes
    ----------
    quality
        Between 0 and 1: the share of tensors that find a partner, less the price of changes.
    members
        ``(source member, target member, transform)`` by position in the units.
    complete
        True if every tensor of both has a partner.
    tied
        Why the change of layout is undecided; empty where it is not.
    """

    quality: float
    members: tuple[tuple[int, int, str], ...]
    complete: bool
    tied: str = ""


def pair_units(source: Unit, target: Unit, system: System = PLAIN) -> Pairing | None:
    """Pair the tensors of two units, or return ``None`` if none fits."""
    if source.kind or target.kind:
        return _by_layout(source, target)
    return _pair(source.members, target.members, system)


def _by_layout(source: Unit, target: Unit) -> Pairing | None:
    if source.kind != target.kind:
        return None
    layout = layout_of(source, target)
    if layout is None:
        return None
    return Pairing(quality=1.0, members=layout.members, complete=True, tied=layout.tied)


def _pair(have: tuple[Member, ...], want: tuple[Member, ...], system: System) -> Pairing | None:
    costs = np.full((len(have), len(want)), _NO)
    texts: dict[tuple[int, int], str] = {}
    for i, one in enumerate(have):
        for j, other in enumerate(want):
            if not compatible(one.role, other.role):
                continue
            own = PLAIN if other.role == "T" else system
            found = fit(one.shape, other.shape, kernel=_may_turn(one, other), system=own)
            if found is None:
                continue
            price, text = found
            if one.leaf.isdecimal():
                price += 0.01 * abs(i - j)
            unsure = 0.1 if not one.role or not other.role else 0.02 * (len(one.role) > 1)
            costs[i, j] = price + unsure - (0.05 if one.leaf == other.leaf else 0.0)
            texts[i, j] = text
    if not texts:
        return None
    rows, columns = linear_sum_assignment(costs)
    chosen = [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if (i, j) in texts]
    share = len(chosen) * 2 / (len(have) + len(want))
    cost = sum(float(max(costs[i, j], 0)) for i, j in chosen) / len(chosen)
    return Pairing(
        quality=share * max(0.1, 1.0 - cost),
        members=tuple((i, j, texts[i, j]) for i, j in chosen),
        complete=len(chosen) == len(have) == len(want),
    )


def _may_turn(one: Member, other: Member) -> bool:
    """Tell whether the two may be kernels or tables, whose axes systems order differently."""
    if one.leaf == other.leaf == "kernel" and len(one.shape) == 2 == len(other.shape):
        # Whatever calls it a kernel keeps it as (in, out): other sizes are another layer.
        return False
    wanted = not other.role or bool(set(other.role) & _TURNING)
    return wanted and (not one.role or bool(set(one.role) & _TURNING))


def classes(
    sources: Sequence[Unit], targets: Sequence[Unit], system: System = PLAIN
) -> list[tuple[Array, Array, Array]]:
    """Return the blocks of units that may take each other's place.

    Returns
    -------
    For each connected class the places of its source units, of its target units, and the
    ``(sources, targets)`` matrix of pairing qualities, 0 where two cannot be paired.
    """
    have, want = _by_signature(sources), _by_signature(targets)
    volumes: defaultdict[object, list[int]] = defaultdict(list)
    wanted = list(want)
    for place, signature in enumerate(wanted):
        for volume in _keys(signature):
            volumes[volume].append(place)
    links: dict[tuple[int, int], float] = {}
    given = list(have)
    for row, signature in enumerate(given):
        near = {place for volume in _keys(signature) for place in volumes[volume]}
        for column in near:
            found = pair_units(
                sources[have[signature][0]], targets[want[wanted[column]][0]], system
            )
            if found is not None:
                links[row, column] = found.quality
    return [
        _block(rows, columns, given, wanted, have, want, links)
        for rows, columns in _components(links)
    ]


def _keys(signature: Signature) -> set[object]:
    """Return what two signatures must share one of to be worth a comparison."""
    kind = (
        signature[0][0].partition(" ")[0] if not signature[0][1] and " " in signature[0][0] else ""
    )
    if kind:
        return {kind}
    return {prod(shape) for _, shape in signature}


def _by_signature(units: Sequence[Unit]) -> dict[Signature, list[int]]:
    groups: dict[Signature, list[int]] = {}
    for place, unit in enumerate(units):
        groups.setdefault(unit.signature, []).append(place)
    return groups


def _components(links: dict[tuple[int, int], float]) -> list[tuple[list[int], list[int]]]:
    parent: dict[tuple[str, int], tuple[str, int]] = {}

    def root(node: tuple[str, int]) -> tuple[str, int]:
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for row, column in links:
        one, other = root(("s", row)), root(("t", column))
        if one != other:
            parent[one] = other
    groups: dict[tuple[str, int], tuple[list[int], list[int]]] = {}
    for node in sorted(parent):
        rows, columns = groups.setdefault(root(node), ([], []))
        (rows if node[0] == "s" else columns).append(node[1])
    return list(groups.values())


def _block(
    rows: Sequence[int],
    columns: Sequence[int],
    given: Sequence[Signature],
    wanted: Sequence[Signature],
    have: Mapping[Signature, Sequence[int]],
    want: Mapping[Signature, Sequence[int]],
    links: Mapping[tuple[int, int], float],
) -> tuple[Array, Array, Array]:
    sources = [place for row in rows for place in have[given[row]]]
    targets = [place for column in columns for place in want[wanted[column]]]
    quality = np.zeros((len(sources), len(targets)), np.float32)
    top = 0
    for row in rows:
        left = 0
        height = len(have[given[row]])
        for column in columns:
            width = len(want[wanted[column]])
            quality[top : top + height, left : left + width] = links.get((row, column), 0.0)
            left += width
        top += height
    order_s, order_t = np.argsort(sources), np.argsort(targets)
    return (
        np.array(sources)[order_s],
        np.array(targets)[order_t],
        quality[np.ix_(order_s, order_t)],
    )
