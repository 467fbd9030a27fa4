"""The index of the bundle that is meant, read, found under another name, or rebuilt.

Comes after :mod:`tfrepair.readers.saves`, which says which save is meant, and before
:mod:`tfrepair.readers.tensor_bundle`, which makes tensors of the entries.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from tfrepair.core.errors import SourceError, Unrecognised
from tfrepair.core.findings import Finding, Severity
from tfrepair.readers.base import system_errors
from tfrepair.readers.interrupted import (
    has_spare_index,
    spare_index,
    unfinished_data,
    unfinished_saves,
)
from tfrepair.readers.lost_index import data_files, rebuild_index
from tfrepair.readers.neighborhood import Neighborhood
from tfrepair.readers.saves import Choice, Kind, Save, choose_save
from tfrepair.readers.shard_places import place_shards
from tfrepair.readers.unmerged import find_unmerged, merge
from tfrepair.wire.bundle import BundleEntry
from tfrepair.wire.bundle_data import Shards
from tfrepair.wire.bundle_index import BundleIndex, salvage_index
from tfrepair.wire.bundle_layout import describe
from tfrepair.wire.mapping import map_file

_MOST_SHOWN = 10

Found = tuple[BundleIndex, Shards, tuple[Finding, ...]]
"""The index, the data files it belongs to, and what was done to get there."""


def nothing_there(path: Path) -> SourceError:
    """Say why there is nothing to read: at best, a save that was killed while it wrote."""
    with system_errors(path):
        started = unfinished_data(path)
        sizes = [f"{file} ({file.stat().st_size} bytes)" for file in started]
    if started:
        message = (
            f"{path}: a save was killed while it wrote, before its index: {', '.join(sizes)}; "
            "nothing says which tensors are in there"
        )
        return SourceError(message, remedy="give an older save of the same run")
    message = f"{path}: no .index or .data file of a checkpoint belongs to this"
    return Unrecognised(message, remedy="give the prefix or any file of the checkpoint")


def choose_bundle(path: Path) -> Choice:
    """Find the save that a path means, be it only the data of one that was killed.

    Raises
    ------
    SourceError
        As :func:`tfrepair.readers.saves.choose_save`.
    """
    choice = choose_save(path)
    if choice.saves:
        return choice
    with system_errors(path):
        killed = unfinished_saves(path)
    if len(killed) != 1:
        return choice
    ((prefix, files, count),) = killed
    save = Save(
        prefix=prefix,
        kind=Kind.BUNDLE,
        files=tuple(files.values()),
        unfinished=files,
        count=count,
    )
    return Choice(saves=(save,))


def find_index(save: Save, templates: Sequence[Path] = ()) -> Found:
    """Read the index, or what an interrupted save left in its place.

    The index of a save in parts is joined from theirs. A spare one is taken if the index itself
    is missing or unreadable, or belongs to other data. Without any, it is rebuilt from the layout
    that the save's graph or another save of the run tells.

    Parameters
    ----------
    save
        The save that is meant.
    templates
        Files that tell the layout of a lost index; empty to look beside the save.

    Raises
    ------
    SourceError
        If nothing of the index can be read, and nothing tells the layout of the data.
    """
    if save.unfinished:
        found = _rebuilt(save, templates)
        if found is None:
            raise nothing_there(save.prefix)
        return found
    if save.unmerged is not None:
        return (*merge(save.unmerged), (save.unmerged.finding,))
    path = save.prefix.with_name(f"{save.prefix.name}.index")
    try:
        index = _read_index(path, save)
    except SourceError as error:
        found = _without_index(save, error.message) or _rebuilt(save, templates)
        if found is None:
            raise
        return found
    if index.problems:
        completed = _completed(save, index, templates)
        if completed is not None:
            return completed
    shards, misplaced = _placed(save, index)
    if not has_spare_index(save.prefix) or Neighborhood(index, shards).is_sound:
        return index, shards, misplaced
    reason = f"{path} does not belong to the data: the save before was overwritten halfway"
    return _spare(save, reason) or (index, shards, misplaced)


def _placed(save: Save, index: BundleIndex) -> tuple[Shards, tuple[Finding, ...]]:
    """Return the data files of a save, by content where their names do not fit."""
    shards = Shards(save.prefix, index.header)
    data = [file for file in save.files if not file.name.endswith(".index")]
    count = index.header.num_shards
    expected = {shards.path(number) for number in range(count)} if count <= len(data) + 1 else set()
    if count == 1 and expected == set(data):
        return shards, ()
    places = place_shards(index, save.prefix, data)
    if not places:
        return shards, ()
    listed = ", ".join(f"{path.name} is shard {number}" for number, path in places.items())
    finding = Finding(
        code="shards-misnamed",
        severity=Severity.WARNING,
        where=str(save.prefix),
        message=f"data files have the names of others: by their checksums {listed}",
        remedy="`tfrepair repair` writes them under their own names",
    )
    return Shards(save.prefix, index.header, places), (finding,)


def _without_index(save: Save, reason: str) -> Found | None:
    found = _spare(save, reason)
    parts = find_unmerged(save.prefix)
    if found is not None or parts is None:
        return found
    try:
        return (*merge(parts), (parts.finding,))
    except SourceError:
        return None


def _completed(save: Save, index: BundleIndex, templates: Sequence[Path]) -> Found | None:
    """Add to a damaged index what a layout says of the data, if it agrees with all the rest."""
    try:
        found = _rebuilt(save, templates)
    except SourceError:
        return None
    if found is None:
        return None
    made, shards, _ = found
    proven = {k: e for k, e in index.entries.items() if k not in index.unproven}
    if any(not _is_same_place(made.entries.get(key), entry) for key, entry in proven.items()):
        return None
    entries = {**made.entries, **proven}
    finding = Finding(
        code="index-rebuilt",
        severity=Severity.WARNING,
        where=index.where,
        message=f"{len(index.problems)} parts of the index are damaged; "
        f"{len(entries) - len(proven)} "
        f"of {len(entries)} entries were rebuilt from the layout of the data, and no stored "
        "checksum vouches for them",
        remedy="look at the values; `tfrepair repair` writes the index",
    )
    index = replace(
        made,
        where=index.where,
        entries=MappingProxyType(dict(sorted(entries.items()))),
        rebuilt=frozenset(entries.keys() - proven.keys()),
        corrections=index.corrections,
    )
    return index, shards, (finding,)


def _is_same_place(made: BundleEntry | None, stored: BundleEntry) -> bool:
    if made is None:
        return False
    one, other = (replace(entry, crc=0, slices=()) for entry in (made, stored))
    return one == other and set(made.slices) == set(stored.slices)


def _rebuilt(save: Save, templates: Sequence[Path]) -> Found | None:
    files, count = (save.unfinished, save.count) if save.unfinished else data_files(save.files)
    found = rebuild_index(save.prefix, files, count, templates)
    if found is None:
        return None
    findings = [
        Finding(
            code="index-rebuilt",
            severity=Severity.WARNING,
            where=found.index.where,
            message=found.message,
            remedy="look at the values; `tfrepair repair` writes the index",
        )
    ]
    if found.cut:
        names = ", ".join(describe(item) for item in found.cut[:_MOST_SHOWN])
        more = f" and {len(found.cut) - _MOST_SHOWN} more" if len(found.cut) > _MOST_SHOWN else ""
        findings.append(
            Finding(
                code="data-truncated",
                severity=Severity.ERROR,
                where=str(save.prefix),
                message=f"{len(found.cut)} tensors are cut off: {names}{more}",
                remedy="take them from an older save of the run",
            )
        )
    return found.index, found.shards, tuple(findings)


def _spare(save: Save, reason: str) -> Found | None:
    found = spare_index(save.prefix)
    if found is None:
        return None
    index, path = found
    return index, Shards(save.prefix, index.header), (_spare_finding(path, reason),)


def _read_index(path: Path, save: Save) -> BundleIndex:
    if path not in save.files:
        names = ", ".join(file.name for file in save.files)
        message = f"{path}: the index is not there; without it nothing says what is in {names}"
        raise SourceError(
            message, remedy="look for the .index file, also as *.tempstate* or in a *_temp folder"
        )
    return salvage_index(map_file(path), str(path))


def _spare_finding(path: Path, reason: str) -> Finding:
    return Finding(
        code="interrupted-save-finished",
        severity=Severity.WARNING,
        where=str(path),
        message=f"read with this index, which fits the data; {reason}",
    )
