"""What repairs of files of arrays share: the tensors of a store, filled from donors, as parts."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tfrepair.api.donors import open_donors, with_donors
from tfrepair.api.repairs.job import Action, Part
from tfrepair.core.digest import array_digest
from tfrepair.core.errors import SourceError
from tfrepair.core.tensor import Health, Tensor, TensorStore


def filled(store: TensorStore, donors: Sequence[Path]) -> TensorStore:
    """Return a store with final verdicts, and what it has lost taken from donors.

    Raises
    ------
    SourceError
        If a donor cannot be read, or is of another run.
    """
    checked = TensorStore(
        format=store.format,
        path=store.path,
        files=store.files,
        tensors=tuple(tensor.checked() for tensor in store),
        names_are_meaningful=store.names_are_meaningful,
        order_is_meaningful=store.order_is_meaningful,
        findings=store.findings,
        attributes=store.attributes,
    )
    return with_donors(checked, open_donors(checked, donors)) if donors else checked


def part_of(tensor: Tensor, *, is_rebuilt: bool) -> Part:
    """Return what the note says of a tensor.

    Parameters
    ----------
    tensor
        With its final verdict.
    is_rebuilt
        Whether what describes it was lost.
    """
    action = Action.KEPT
    if not tensor.is_whole:
        action = Action.LOST
    elif tensor.donor:
        action = Action.DONOR
    elif tensor.health is Health.CORRECTED:
        action = Action.CORRECTED
    elif is_rebuilt:
        action = Action.REBUILT
    place = "" if tensor.origin.offset is None else f", byte {tensor.origin.offset}"
    note = f"from {tensor.donor}" if tensor.donor else tensor.health_note
    return Part(
        name=tensor.name,
        action=action,
        health=tensor.health,
        origin="" if action is Action.LOST else f"{tensor.origin.path}{place}",
        note=note,
    )


def lost_parts(store: TensorStore) -> tuple[Part, ...]:
    """Return what a source lists and does not have, by its findings."""
    names = store.by_name
    found = []
    for finding in store.findings:
        name = finding.where.rpartition(": ")[2]
        if finding.code in ("listed-but-absent", "unreadable-member") and name not in names:
            found.append(
                Part(name=name, action=Action.LOST, health=Health.MISSING, note=finding.message)
            )
    return tuple(found)


def sentences(store: TensorStore, parts: Sequence[Part], codes: Sequence[str]) -> tuple[str, ...]:
    """Return what was wrong and done about it."""
    said = [f"{f.where}: {f.message}" for f in store.findings if f.code in codes]
    for action, text in (
        (Action.DONOR, "arrays taken from a donor"),
        (Action.LOST, "arrays that are lost and left out"),
    ):
        count = sum(part.action is action for part in parts)
        said += [f"{text}: {count} of {len(parts)}"] if count else []
    weights = [t for t in store if not t.slot_of and t.may_be_weight]
    others = [t for t in store if t.slot_of or not t.may_be_weight]
    if said:
        for name, group in (("weights", weights), ("optimizer and other state", others)):
            whole = [t for t in group if t.is_whole]
            sizes = f"{sum(t.nbytes for t in whole)} of {sum(t.nbytes for t in group)} bytes"
            said += [f"{name}: {len(whole)} of {len(group)} arrays, {sizes}"] if group else []
    return tuple(said)


def differences(want: Mapping[str, Tensor], have: Mapping[str, Tensor]) -> tuple[str, ...]:
    """Return which arrays of an output do not have the bits that they should have."""
    bad = []
    for key, tensor in want.items():
        other = have.get(key)
        try:
            if other is None:
                bad.append(f"{tensor.name} is not in the output")
            elif array_digest(other.fetch()) != array_digest(tensor.fetch()):
                bad.append(f"{tensor.name} differs")
        except SourceError as error:
            bad.append(error.message)
    return tuple(bad)
