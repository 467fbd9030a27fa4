"""Slots held against each other: what no training can have produced is no state to go on from.

Averages of gradients are bounded by averages of their squares, a running maximum is no smaller
than what it is the maximum of. Looks at values of pairs of slots, element by element: reads both.
Comes after single slots are matched, before :mod:`tfrepair.planning.consistency`. Pure.

Source: Cauchy-Schwarz on the two averages, observed maxima of 0.28 to 2.6 where the bound is 7.27;
``docs/optimizer-state.md``.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from tfrepair.core.architecture import VariablePath
from tfrepair.core.plan import Match
from tfrepair.core.tensor import Array, Tensor, TensorStore
from tfrepair.planning.dialects.optimizers import Family
from tfrepair.planning.wanted_optimizer import Wanted

Checked = Mapping[VariablePath, Match | str]
_WIDEST = 25.0
"""Bound for betas that are not known: 22.9 for 0.9 and 0.9999, 18.3 for 0.5 and 0.999."""
_SLACK = 1.02
_SMALLEST = 1e-16
"""Below its square float32 has lost the second moment, and not yet the first."""
_PRECISE = frozenset({"float32", "float64"})


def moment_bound(betas: tuple[float, float] | None) -> float:
    """Return the most that a first moment can be of the root of its second moment.

    Parameters
    ----------
    betas
        Decays of the two averages; ``None`` if they are not known.
    """
    if betas is None or betas[0] ** 2 >= betas[1] or not betas[1] < 1:
        return _WIDEST
    first, second = betas
    return (1 - first) / math.sqrt(1 - second) / math.sqrt(1 - first**2 / second)


def guarded(
    candidates: Checked,
    wanted: Wanted,
    source: Family,
    betas: tuple[float, float] | None,
    store: TensorStore,
) -> Checked:
    """Replace candidates that contradict each other by what is wrong with them.

    Parameters
    ----------
    candidates
        Matches of slots, or why there is none.
    wanted
        The architecture's optimizer.
    source
        Family of the optimizer in the source.
    betas
        Of the training, if they are known.
    store
        Read pair by pair.
    """
    found = dict(candidates)
    by_weight: dict[str, dict[str, VariablePath]] = {}
    for variable, kind in wanted.slots:
        by_weight.setdefault(variable.of, {})[kind] = variable.path
    for slots in by_weight.values():
        whole = {k: m for k, p in slots.items() if isinstance(m := found[p], Match)}
        for kind, problem in _contradictions(whole, source, moment_bound(betas), store):
            found[slots[kind]] = problem
    return found


def _contradictions(
    matches: Mapping[str, Match], source: Family, bound: float, store: TensorStore
) -> Iterator[tuple[str, str]]:
    """Yield kinds and what is wrong with their tensors."""
    if source.pair is not None and {"m", "v"} <= matches.keys():
        yield from _moments(matches["m"], matches["v"], bound, store)
    if {"v", "vhat"} <= matches.keys():
        yield from _maximum(matches["v"], matches["vhat"], store)
    if {"rms", "mg"} <= matches.keys():
        yield from _variance(matches["rms"], matches["mg"], store)


def _moments(
    first: Match, second: Match, bound: float, store: TensorStore
) -> Iterator[tuple[str, str]]:
    pair = _pair(first, second, store)
    if pair is None:
        return
    m, v = (np.abs(pair[0]), pair[1])
    over = m > bound * _SLACK * np.sqrt(np.maximum(v, 0)) + _SMALLEST
    if not over.any():
        return
    place = int(np.argmax(m - bound * np.sqrt(np.maximum(v, 0))))
    have, root = float(m.flat[place]), math.sqrt(max(float(v.flat[place]), 0.0))
    problem = (
        f"{first.source} cannot be the first moment beside {second.source}: {int(over.sum())} of "
        f"{over.size} elements are above {bound:.3g} times the root of the second moment, the "
        f"largest is {have:g} beside {root:g}; another scale, another weight's, or swapped"
    )
    yield "v", problem


def _maximum(second: Match, largest: Match, store: TensorStore) -> Iterator[tuple[str, str]]:
    pair = _pair(second, largest, store)
    if pair is not None and (below := pair[1] < pair[0]).any():
        problem = (
            f"{largest.source} is not the largest second moment so far: {int(below.sum())} of "
            f"{below.size} elements are below {second.source}"
        )
        yield "vhat", problem


def _variance(squares: Match, mean: Match, store: TensorStore) -> Iterator[tuple[str, str]]:
    pair = _pair(squares, mean, store)
    if pair is None:
        return
    below = pair[0] * (1 + 1e-3) + _SMALLEST**2 < np.square(pair[1])
    if below.any():
        problem = (
            f"{squares.source} is below the square of {mean.source} in {int(below.sum())} of "
            f"{below.size} elements: no average of squares is, and the update would be NaN"
        )
        yield "rms", problem


def _pair(one: Match, other: Match, store: TensorStore) -> tuple[Array, Array] | None:
    """Read two slots of a weight, if they are as precise as the bounds and alike in layout."""
    if one.sources == other.sources or len(one.sources) != len(other.sources):
        return None
    tensors = [(store[a], store[b]) for a, b in zip(one.sources, other.sources, strict=True)]
    if any(a.dtype not in _PRECISE or b.dtype not in _PRECISE for a, b in tensors):
        return None
    if any(a.shape != b.shape for a, b in tensors):
        return None
    first, second = ([pair[place] for pair in tensors] for place in (0, 1))
    return _flat(first), _flat(second)


def _flat(tensors: Sequence[Tensor]) -> Array:
    values = [tensor.fetch().astype(np.float64).reshape(-1) for tensor in tensors]
    return values[0] if len(values) == 1 else np.concatenate(values)
