"""Saves that were written in parts and not merged yet: found by name, joined in memory.

TensorFlow writes the parts of a save into a temporary folder, each with its own index, renames
the data files one by one and writes the final index last. Whatever the moment of an interruption,
the part indexes and all data are there, under one name or the other. Knows which data file
belongs to which part; the joining is :mod:`tfrepair.wire.bundle_merge`.

Source: file names at every step of killed saves, TensorFlow 1.4 to 2.21.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tfrepair.core.errors import SourceError
from tfrepair.core.findings import Finding, Severity
from tfrepair.readers.base import system_errors
from tfrepair.readers.interrupted import fits, temporary_folders
from tfrepair.wire.bundle import shard_name
from tfrepair.wire.bundle_data import Shards
from tfrepair.wire.bundle_index import BundleIndex, salvage_index
from tfrepair.wire.bundle_merge import merge_indexes
from tfrepair.wire.mapping import map_file

_PART = re.compile(r"^part-(?P<number>\d{5})-of-(?P<count>\d{5})\.index$")
_TEMPORARY_FOLDER = re.compile(r"^(?P<prefix>.+)_temp(?:_[0-9a-f]{32})?$", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmerged:
    """A save in parts: its final prefix, its part indexes in order, and its data files."""

    prefix: Path
    parts: tuple[Path, ...]
    data: tuple[Path, ...]

    @property
    def finding(self) -> Finding:
        """What to say about it."""
        return Finding(
            code="interrupted-save-finished",
            severity=Severity.WARNING,
            where=str(self.parts[0].parent),
            message=f"{self.prefix.name} was written in {len(self.parts)} parts and not merged: a "
            "save was interrupted; its parts are read together",
        )


def find_unmerged(prefix: Path) -> Unmerged | None:
    """Find the parts of a save; ``None`` unless all of them have an index. Names only."""
    with system_errors(prefix):
        for folder in temporary_folders(prefix):
            parts = _parts(folder)
            if parts:
                return Unmerged(prefix=prefix, parts=parts, data=tuple(_data(prefix, folder)))
    return None


def unmerged_in(folder: Path) -> tuple[Unmerged, ...]:
    """Return all saves in parts for which a folder holds temporary folders."""
    names = (_TEMPORARY_FOLDER.search(entry.name) for entry in sorted(folder.iterdir()))
    prefixes = dict.fromkeys(folder / match["prefix"] for match in names if match)
    found = (find_unmerged(prefix) for prefix in prefixes)
    return tuple(save for save in found if save is not None)


def _parts(folder: Path) -> tuple[Path, ...]:
    """Return the part indexes of a temporary folder in order, if none is missing."""
    found: dict[int, Path] = {}
    counts = set()
    for entry in folder.iterdir():
        match = _PART.match(entry.name)
        if match:
            found[int(match["number"])] = entry
            counts.add(int(match["count"]))
    if counts != {len(found)} or set(found) != set(range(len(found))):
        return ()
    return tuple(found[number] for number in sorted(found))


def _data(prefix: Path, folder: Path) -> Iterator[Path]:
    """Go through the data files: those in the temporary folder, and those renamed already."""
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("part-") and ".data-" in entry.name:
            yield entry
    for entry in sorted(prefix.parent.iterdir()):
        if entry.name.startswith(f"{prefix.name}.data-"):
            yield entry


def merge(save: Unmerged) -> tuple[BundleIndex, Shards]:
    """Join the parts of a save.

    Returns
    -------
    The index that the finished save would have, and its data files under their present names.

    Raises
    ------
    SourceError
        If an index is damaged, or the data of a part is not there.
    """
    indexes = [salvage_index(map_file(path), str(path)) for path in save.parts]
    paths: dict[int, Path] = {}
    for index, path in zip(indexes, save.parts, strict=True):
        here = _data_of(path, index)
        found = here if all(file.is_file() for file in here) else _renamed(index, save.data)
        paths |= {len(paths) + place: file for place, file in enumerate(found)}
    index = merge_indexes(indexes)
    return index, Shards(save.prefix, index.header, paths)


def _data_of(part: Path, index: BundleIndex) -> list[Path]:
    prefix = part.name.removesuffix(".index")
    count = min(index.header.num_shards, len(index.entries) + 1)
    return [part.with_name(shard_name(prefix, number, count)) for number in range(count)]


def _renamed(index: BundleIndex, data: Sequence[Path]) -> list[Path]:
    """Return the data file that has its final name already: the only one that fits the part."""
    fitting = [path for path in data if _fits(index, {0: path})]
    if index.header.num_shards != 1 or len(fitting) != 1:
        message = f"{index.where}: the data of this part of the save is not there"
        raise SourceError(message, remedy="look for its .data file, also in the temporary folder")
    return fitting


def _fits(index: BundleIndex, paths: Mapping[int, Path]) -> bool:
    return fits(index, Shards(Path(index.where), index.header, paths))
