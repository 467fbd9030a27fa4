"""What a save has lost, taken from other saves of the same run.

A donor gives a tensor only whole, verified, under the same name, with the same shape and type.
The slots of a variable go together: if one of them is lost, all of them come from one donor,
because a first moment of one step beside a second moment of another makes the next updates of an
optimizer wrong, and a reset does less harm. Saves of different runs are never mixed: names,
shapes, step counters and values are compared first.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tfrepair.api.sources import open_store
from tfrepair.core.errors import SourceError
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Array, Purpose, SourceName, Tensor, TensorStore

_STEP = re.compile(r"-(\d+)(?:\.\w+)*$")
_COUNTERS = ("global_step", "optimizer/iterations", "iterations", "optimizer/iter", "iter")
_TABLES = ("-keys", "-values", "/.ATTRIBUTES/ITERATOR_STATE")
_SAMPLE = 1 << 14
"""Elements of a tensor that are compared."""
_MOST_COMPARED = 24
_AGE = re.compile(r"(\d+) steps older")
_OLD = 0.15
"""Share of a training by which the slots of a donor may be older without a warning."""
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
    shapes = [
        one.name
        for one, two in pairs
        if (one.shape, one.dtype) != (two.shape, two.dtype) and not _may_grow(two)
    ]
    if shapes:
        reasons.append(f"{len(shapes)} tensors have another shape or type, such as {shapes[0]}")
    correlation = _correlation([(one, two) for one, two in pairs if one.shape == two.shape])
    if correlation is not None and correlation < _UNRELATED:
        reasons.append(
            f"the weights that both have are unrelated (correlation {correlation:.2f}, "
            f"within a run it is above {_UNRELATED:g})"
        )
    return tuple(reasons)


def _may_grow(tensor: Tensor) -> bool:
    """Say whether a tensor has another size in every save: a lookup table, an iterator."""
    return tensor.purpose is Purpose.BOOKKEEPING or tensor.origin.key.endswith(_TABLES)


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
    telling = [
        (one, two)
        for one, two in pairs
        if one.may_be_weight and two.may_be_weight and _elements(one) >= _FEWEST
    ]
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
    filled = named
    for donor in donors:
        filled = _filled(filled, donor)
    filled = _with_counters(filled, donors)
    found = (*_findings(filled), *_old_slots(filled))
    return replace(filled, findings=(*named.findings, *found))


def _filled(store: TensorStore, donor: Donor) -> TensorStore:
    """Take from one donor what is lost or not there, with the groups that it belongs to."""
    known = store.by_name
    if all(tensor.is_whole for tensor in store) and all(t.name in known for t in donor.store):
        return store
    mates = _mates(store, donor.store)
    theirs = {name: _labeled(replace(mate, name=name), donor) for name, mate in mates.items()}
    own = store.by_name
    for tensor in donor.store:
        if tensor.name not in own and tensor.name not in theirs:
            theirs[tensor.name] = _labeled(tensor, donor)
    usable = {name for name, tensor in theirs.items() if _is_usable(tensor, own.get(name))}
    lost = {name for name in theirs if name not in own or not own[name].is_whole}
    groups = _groups(theirs.values())
    wanted = set(lost)
    for original, slots in groups.items():
        # A variable's slots are of one step, and of the step of the variable if that is lost.
        if slots & lost or original in lost & usable:
            wanted |= slots
    for slots in groups.values():
        if slots & wanted and not slots <= usable:
            wanted -= slots
    taken = wanted & usable
    tensors = [theirs[t.name] if t.name in taken else t for t in store]
    tensors += [tensor for name, tensor in theirs.items() if name in taken and name not in own]
    return replace(store, tensors=tuple(tensors))


def _is_usable(donor: Tensor, own: Tensor | None) -> bool:
    """Say whether a donor's tensor may take the place of one's own, or of none."""
    if not donor.is_whole:
        return False
    return own is None or (donor.shape, donor.dtype) == (own.shape, own.dtype)


def _groups(tensors: Iterable[Tensor]) -> dict[SourceName, set[SourceName]]:
    """Return the names of the slots of each variable that has any."""
    groups: dict[SourceName, set[SourceName]] = defaultdict(set)
    for tensor in tensors:
        if tensor.slot_of and tensor.purpose is Purpose.SLOT:
            groups[SourceName(tensor.slot_of)].add(tensor.name)
    return groups


def _with_counters(store: TensorStore, donors: Sequence[Donor]) -> TensorStore:
    """Count the optimizer's steps as the oldest donor of slots does.

    Bias corrections divide by a number that grows with the count: slots that are older than the
    count make too large steps, newer ones smaller.
    """
    labels = {tensor.donor for tensor in store if tensor.purpose is Purpose.SLOT and tensor.donor}
    used = [donor for donor in donors if donor.label in labels]
    if not used:
        return store
    oldest = used[-1]
    mates = _mates(store, oldest.store)
    tensors = [
        _labeled(replace(mates[tensor.name], name=tensor.name), oldest)
        if _counts_updates(tensor) and tensor.name in mates
        else tensor
        for tensor in store
    ]
    return replace(store, tensors=tuple(tensors))


def _counts_updates(tensor: Tensor) -> bool:
    """Say whether a scalar counts the updates of an optimizer, as steps or as powers of betas."""
    leaf = tensor.name.rpartition("/")[2]
    if tensor.shape or leaf in ("global_step", "save_counter"):
        return False
    powers = tensor.purpose is Purpose.HYPERPARAMETER and "power" in leaf
    return powers or (tensor.purpose is Purpose.COUNTER and "iter" in leaf)


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


def _old_slots(store: TensorStore) -> list[Finding]:
    """Say which slots of donors are so old that a fresh optimizer may do as well.

    Source: deviations of 22 trainings by the age of their donor, ``docs/optimizer-state.md``.
    """
    steps = step_of(store)
    labels = dict.fromkeys(t.donor for t in store if t.donor and t.purpose is Purpose.SLOT)
    found = []
    for label in labels:
        age = _AGE.search(label)
        if not steps or age is None or int(age[1]) <= _OLD * steps:
            continue
        found.append(
            Finding(
                code="donor-old",
                severity=Severity.WARNING,
                where=store.path,
                message=f"slots of the optimizer are of another save ({label}), which is "
                f"{int(age[1]) / steps:.0%} of the training before; above {_OLD:.0%} they may "
                "disturb it as much as a fresh optimizer",
                remedy="compare with `tfrepair prove`, or estimate them with --calibration",
            )
        )
    return found


def _listed(tensors: Sequence[Tensor], most: int = 8) -> str:
    names = ", ".join(tensor.name for tensor in tensors[:most])
    return names + (f" and {len(tensors) - most} more" if len(tensors) > most else "")
