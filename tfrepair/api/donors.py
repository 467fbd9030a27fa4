"""What a save has lost, taken from other saves of the same run.

A donor gives a tensor only whole, verified, under the same name, with the same shape and type.
The slots of a variable go together: if one of them is lost, all of them come from one donor,
because a first moment of one step beside a second moment of another makes the next updates of an
optimizer wrong, and a reset does less harm. Saves of different runs are never mixed: names,
shapes, step counters and values are compared first.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tfrepair.api.sources import open_store
from tfrepair.core.errors import SourceError
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Array, Purpose, SourceName, Tensor, TensorStore

_STEP = re.compile(r"-(\d+)(?:\.\w+)*$")
_COUNTERS = ("global_step", "optimizer/iterations", "iterations", "optimizer/iter", "iter")
_SAMPLE = 1 << 14
"""Elements of a tensor that are compared."""
_MOST_COMPARED = 24
_FEWEST = 32
"""Elements that a tensor must have to say anything about its run."""
_UNRELATED = 0.2
"""Weights of two runs have a correlation around 0; those of one run stay far above this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Donor:
    """Another save of the run.

    Attributes
    ----------
    path
        As the user gave it.
    store
        Opened; its tensors are not checked yet.
    label
        For the provenance: its name, and how many steps older it is where both steps are known.
    """

    path: str
    store: TensorStore
    label: str


def open_donors(store: TensorStore, paths: Sequence[str | Path]) -> tuple[Donor, ...]:
    """Open donors and make sure that they are saves of the same run.

    Parameters
    ----------
    store
        The save that has lost something.
    paths
        The best first.

    Raises
    ------
    SourceError
        If one cannot be read, or is of another run.
    """
    return tuple(_opened(store, str(path)) for path in paths)


def _opened(store: TensorStore, path: str) -> Donor:
    other = open_store(path)
    reasons = unlike(store, other)
    if reasons:
        message = f"{path} is no save of the run of {store.path}: {'; '.join(reasons)}"
        raise SourceError(message, remedy="name a save of the same run, or leave the donor out")
    return Donor(path=path, store=other, label=_label(store, other, path))


def step_of(store: TensorStore) -> int | None:
    """Return the step of a save, from its counter or else from its name."""
    for name in _COUNTERS:
        tensor = store.by_name.get(SourceName(name))
        if tensor is not None and tensor.shape == () and tensor.checked().is_whole:
            return int(tensor.fetch())
    match = _STEP.search(Path(store.path).name)
    return int(match[1]) if match else None


def _label(store: TensorStore, other: TensorStore, path: str) -> str:
    mine, its = step_of(store), step_of(other)
    name = Path(path).name
    if mine is None or its is None:
        return name
    age = mine - its
    words = f"{age} steps older" if age > 0 else f"{-age} steps newer" if age < 0 else "same step"
    return f"{name}, {words}"


def unlike(store: TensorStore, other: TensorStore) -> tuple[str, ...]:
    """Say why two saves are not of one run; empty if nothing speaks against it.

    Parameters
    ----------
    store, other
        Neither needs to be whole.
    """
    reasons = []
    pairs = list(_pairs(store, other))
    if not pairs:
        return (f"none of its {len(other)} names is one of the {len(store)} names there",)
    shapes = [one.name for one, two in pairs if (one.shape, one.dtype) != (two.shape, two.dtype)]
    if shapes:
        reasons.append(f"{len(shapes)} tensors have another shape or type, such as {shapes[0]}")
    correlation = _correlation([(one, two) for one, two in pairs if one.shape == two.shape])
    if correlation is not None and correlation < _UNRELATED:
        reasons.append(
            f"the weights that both have are unrelated (correlation {correlation:.2f}, "
            f"within a run it is above {_UNRELATED:g})"
        )
    return tuple(reasons)


def _pairs(store: TensorStore, other: TensorStore) -> list[tuple[Tensor, Tensor]]:
    mates = _mates(store, other)
    return [(tensor, mates[tensor.name]) for tensor in store if tensor.name in mates]


def _mates(store: TensorStore, other: TensorStore) -> Mapping[SourceName, Tensor]:
    """Return what corresponds in another save: by name, or by key where a graph was lost."""
    by_name = other.by_name
    by_key = {tensor.origin.key: tensor for tensor in other if tensor.origin.key}
    is_same_format = store.format == other.format
    found = {}
    for tensor in store:
        mate = by_name.get(tensor.name)
        if mate is None and is_same_format:
            mate = by_key.get(tensor.origin.key)
        if mate is not None:
            found[tensor.name] = mate
    return found


def _correlation(pairs: Sequence[tuple[Tensor, Tensor]]) -> float | None:
    """Return the median correlation of weights that are whole in both; ``None`` without any."""
    telling = [p for p in pairs if p[0].may_be_weight and _elements(p[0]) >= _FEWEST]
    telling.sort(key=lambda pair: (-len(pair[0].shape), -_elements(pair[0]), pair[0].name))
    found = []
    for one, two in telling[:_MOST_COMPARED]:
        if one.checked().is_whole and two.checked().is_whole:
            value = _correlated(one.fetch(), two.fetch())
            found += [] if value is None else [value]
    return float(np.median(found)) if found else None


def _elements(tensor: Tensor) -> int:
    return int(np.prod(tensor.shape, dtype=np.int64))


def _correlated(one: Array, two: Array) -> float | None:
    """Return the correlation of a sample; ``None`` where one of them does not vary."""
    if one.dtype.kind not in "fV" or one.dtype.names:
        return None
    step = max(1, one.size // _SAMPLE)
    a, b = (array.reshape(-1)[::step].astype(np.float64) for array in (one, two))
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    if not np.isfinite(scale) or scale == 0:
        return None
    return float(a @ b) / scale


def with_donors(store: TensorStore, donors: Sequence[Donor]) -> TensorStore:
    """Fill what a save has lost from donors.

    Parameters
    ----------
    store
        Its tensors have their final health.
    donors
        The best first.

    Returns
    -------
    The store with the tensors of donors in the places of the lost ones, each labeled, and a
    finding that counts them.
    """
    if not donors:
        return store
    named = _named_by(store, donors)
    lost = _with_groups([tensor for tensor in named if not tensor.is_whole], named)
    given: dict[SourceName, Tensor] = {}
    for donor in donors:
        given |= _gifts(donor, named, lost - given.keys())
    tensors = [given.get(tensor.name, tensor) for tensor in named]
    known = {tensor.name for tensor in tensors}
    for donor in donors:
        for tensor in donor.store:
            if tensor.name not in known and tensor.checked().is_whole:
                tensors.append(_labeled(tensor, donor))
                known.add(tensor.name)
    filled = replace(named, tensors=tuple(tensors))
    return replace(filled, findings=(*named.findings, *_findings(filled)))


def _named_by(store: TensorStore, donors: Sequence[Donor]) -> TensorStore:
    """Give tensors that have only keys, as their object graph is lost, the names of a donor."""
    tensors = list(store.tensors)
    taken = {tensor.name for tensor in tensors}
    for donor in donors:
        mates = _mates(store, donor.store)
        for place, tensor in enumerate(tensors):
            mate = mates.get(tensor.name)
            if mate is not None and mate.name != tensor.name and mate.name not in taken:
                taken.add(mate.name)
                tensors[place] = replace(
                    tensor,
                    name=mate.name,
                    purpose=mate.purpose,
                    slot=mate.slot,
                    slot_of=mate.slot_of,
                )
    return replace(store, tensors=tuple(tensors))


def _with_groups(lost: Sequence[Tensor], store: TensorStore) -> set[SourceName]:
    """Add the other slots of a variable of which one is lost."""
    groups: dict[str, set[SourceName]] = defaultdict(set)
    for tensor in store:
        if tensor.slot_of:
            groups[tensor.slot_of].add(tensor.name)
    names = {tensor.name for tensor in lost}
    for tensor in lost:
        names |= groups.get(tensor.slot_of, set()) if tensor.slot_of else set()
        # Slots of a variable that comes from another save come from that save, too.
        names |= groups.get(str(tensor.name), set())
    return names


def _gifts(donor: Donor, store: TensorStore, wanted: set[SourceName]) -> dict[SourceName, Tensor]:
    """Return what a donor has of what is wanted; of a variable's slots all or none."""
    mates = _mates(store, donor.store)
    own = store.by_name
    found: dict[SourceName, Tensor] = {}
    for name in wanted:
        mate = mates.get(name)
        if mate is None or (mate.shape, mate.dtype) != (own[name].shape, own[name].dtype):
            continue
        checked = mate.checked()
        if checked.is_whole:
            found[name] = _labeled(replace(checked, name=name), donor)
    groups: dict[str, list[SourceName]] = defaultdict(list)
    for name in wanted:
        if own[name].slot_of:
            groups[own[name].slot_of].append(name)
    for names in groups.values():
        if any(name not in found for name in names):
            for name in names:
                found.pop(name, None)
    return found


def _labeled(tensor: Tensor, donor: Donor) -> Tensor:
    return replace(tensor.checked(), donor=donor.label)


def _findings(store: TensorStore) -> list[Finding]:
    """Count what came from whom."""
    by_donor: dict[str, list[Tensor]] = defaultdict(list)
    for tensor in store:
        if tensor.donor and tensor.purpose is not Purpose.BOOKKEEPING:
            by_donor[tensor.donor].append(tensor)
    return [
        Finding(
            code="donor",
            severity=Severity.LOSS,
            where=store.path,
            message=f"{len(tensors)} of {len(store)} tensors are of another save ({label}), "
            f"as they are lost here: {_listed(tensors)}",
            remedy="train on for at least as many steps, or take the older save as a whole",
        )
        for label, tensors in by_donor.items()
    ]


def _listed(tensors: Sequence[Tensor], most: int = 8) -> str:
    names = ", ".join(tensor.name for tensor in tensors[:most])
    return names + (f" and {len(tensors) - most} more" if len(tensors) > most else "")
