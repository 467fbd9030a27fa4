"""The verdict on one save of the first format (V1): one table, or one for each shard.

A table that was cut off is read up to the cut. The format has no other damage that a name would
give away: a save is written under a temporary name and renamed when it is whole.
"""

import re
from pathlib import Path

from tfrepair.api.checkup.inventory import Fileset, is_table, names_of, size_of, step_of
from tfrepair.api.checkup.stand_ins import stand_in
from tfrepair.api.checkup.verdicts import SaveCheckup, State, TensorVerdict, cause, quoted
from tfrepair.core.errors import SourceError
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Health, Limits
from tfrepair.readers.registry import open_source
from tfrepair.readers.rivals import check_rival
from tfrepair.readers.saver_tables import SavedTensor, SaverTables, open_tables
from tfrepair.readers.saves import choose_save

_FORMAT = "saver_v1"
_COUNT = re.compile(r"-\d{5}-of-(\d{5})$")


def check_tables(fileset: Fileset) -> SaveCheckup:
    """Judge one save of the first format; reads all of it, never raises on malformed bytes."""
    files = fileset.tables or fileset.table_temps
    causes: list[Finding] = []
    if not fileset.tables:
        message = (
            f"killed save: the process was killed, or the disk was full, while it wrote "
            f"{names_of(files)}"
        )
        remedy = "take the save before it; what is whole in this one is listed"
        causes.append(cause("killed-save", files[0], message, remedy))
    elif fileset.table_temps:
        message = (
            f"killed save: a save of the same name was not finished; it left "
            f"{names_of(fileset.table_temps)}"
        )
        remedy = "the save itself is judged here; these files may go once no process writes them"
        where = fileset.table_temps[0]
        causes.append(cause("killed-save", where, message, remedy, severity=Severity.WARNING))
    tables, problem = _opened(files)
    causes += _file_causes(files, problem)
    tensors = () if tables is None else tuple(map(_judged, tables.tensors.values()))
    missing = _missing(fileset)
    if missing:
        causes.append(missing)
    if tables is not None:
        causes += _tensor_causes(tables, tensors, fileset.prefix)
    return SaveCheckup(
        path=str(fileset.prefix),
        format=_FORMAT,
        state=_state(files, tensors, tuple(causes)),
        tensors=tensors,
        causes=tuple(causes),
        step=step_of(fileset.prefix.name),
    )


def check_two_formats(fileset: Fileset) -> tuple[Finding, ...]:
    """Say whether the two saves that share a prefix hold the same."""
    if fileset.index is None or not fileset.tables:
        return ()
    try:
        store = open_source(fileset.index, limits=Limits())
        check_rival(store, choose_save(fileset.prefix), Limits())
    except SourceError as error:
        message = f"two formats under one prefix: {error.message}"
        return (
            cause("two-formats", fileset.prefix, message, error.remedy, severity=Severity.WARNING),
        )
    message = "two formats under one prefix, with equal content"
    return (cause("two-formats", fileset.prefix, message, severity=Severity.NOTE),)


def _opened(files: tuple[Path, ...]) -> tuple[SaverTables | None, SourceError | None]:
    try:
        return open_tables(files, Limits()), None
    except SourceError as error:
        return None, error


def _judged(saved: SavedTensor) -> TensorVerdict:
    try:
        health, note = saved.examine()
    except SourceError as error:
        health, note = Health.CORRUPT, error.message
    return TensorVerdict(name=saved.name, health=health, note=note)


def _file_causes(files: tuple[Path, ...], problem: SourceError | None) -> list[Finding]:
    """Explain every file that does not end as a table does."""
    found = []
    for file in files:
        instead = stand_in(file)
        if instead is not None:
            found.append(instead.cause(file))
        elif not is_table(file) and ".tempstate" not in file.name:
            message = (
                f"truncated data: {file.name} ({size_of(file):,} bytes) has no end, as when a disk "
                "is full or a copy was interrupted; what is whole before the cut is read"
            )
            found.append(cause("truncated-data", file, message, "copy the file again"))
    if problem is not None and not found:
        found.append(cause("unreadable", files[0], problem.message, problem.remedy))
    return found


def _missing(fileset: Fileset) -> Finding | None:
    counts = {int(m[1]) for file in fileset.tables if (m := _COUNT.search(file.name))}
    if not counts or counts == {len(fileset.tables)}:
        return None
    message = (
        f"missing shard: {len(fileset.tables)} of {max(counts)} files are there: "
        f"{names_of(fileset.tables)}"
    )
    remedy = "look for the others where the save was written; their tensors are not listed here"
    return cause("missing-shard", fileset.prefix, message, remedy)


def _tensor_causes(
    tables: SaverTables, tensors: tuple[TensorVerdict, ...], prefix: Path
) -> list[Finding]:
    notes = [*tables.corrections]
    notes += [tensor.note for tensor in tensors if tensor.health is Health.CORRECTED]
    remedy = (
        f"tfrepair convert {quoted(prefix)} OUT --to checkpoint writes a corrected copy; check "
    )
    remedy += "the disk too"
    found = [
        cause(
            "bit-corrected",
            prefix,
            f"flipped bit, corrected in memory: {note}",
            remedy,
            severity=Severity.WARNING,
        )
        for note in dict.fromkeys(notes)
    ]
    bad = [tensor for tensor in tensors if tensor.health is Health.CORRUPT]
    lost = [tensor for tensor in tensors if not tensor.is_whole]
    if lost:
        code = "changed-bytes" if bad else "damaged-blocks"
        message = (
            f"{len(lost)} of {len(tensors)} tensors are not whole: {lost[0].name}: {lost[0].note}"
        )
        remedy = f"convert the rest: tfrepair convert {quoted(prefix)} OUT --arch model.py "
        remedy += "--allow-missing"
        found.append(cause(code, prefix, message, remedy))
    return found


def _state(
    files: tuple[Path, ...], tensors: tuple[TensorVerdict, ...], causes: tuple[Finding, ...]
) -> State:
    if all(size_of(file) <= 0 for file in files):
        return State.EMPTY
    if not any(tensor.is_whole for tensor in tensors):
        return State.UNREADABLE
    if any(found.severity is Severity.ERROR for found in causes):
        return State.DAMAGED
    is_corrected = any(found.code == "bit-corrected" for found in causes)
    return State.CORRECTED if is_corrected else State.COMPLETE
