"""Saves that were killed while they were written: what is under which temporary name.

TensorFlow writes every file under a temporary name first, sharded ones in a folder of parts, and
renames them one by one; a kill leaves any state in between. Here those states are read: with an
index that still has its temporary name, or with the indexes of the parts. Judges nothing:
:mod:`tfrepair.api.checkup.bundles` does.

Source: states of TensorFlow 1.4 to 2.21 after a kill at each system call of a save.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tfrepair.api.checkup.inventory import Fileset, names_of, parts_of, size_of
from tfrepair.api.checkup.readings import (
    BundleReading,
    open_index,
    read_bundle,
)
from tfrepair.api.checkup.surroundings import Surroundings
from tfrepair.api.checkup.verdicts import cause, quoted
from tfrepair.core.errors import SourceError
from tfrepair.core.findings import Finding
from tfrepair.readers.shard_places import final_name
from tfrepair.wire.bundle import shard_name
from tfrepair.wire.bundle_index import BundleIndex
from tfrepair.wire.bundle_merge import merge_indexes

_PART_INDEX = re.compile(r"^part-(\d{5})-of-(\d{5})\.index(?:\.tempstate\d*)?$")
_MAX_PARTS = 10_000
_PART_DATA = "part-{part:05d}-of-{count:05d}.data-"
_FINISH = "tfrepair repair {prefix} -o FIXED writes the save as TensorFlow would have finished it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way to read an interrupted save, and what happened if it is the right one."""

    reading: BundleReading
    cause: Finding


def ways_of(fileset: Fileset) -> Iterator[Way]:
    """Yield the ways in which an interrupted save can be read; what is damaged is skipped."""
    for path in fileset.index_temps:
        try:
            index = open_index(path)
        except SourceError:
            continue
        places = _unrenamed(fileset, index)
        reading = read_bundle(index, fileset.prefix, places)
        yield Way(reading=reading, cause=_renames(fileset, path, places))
    for folder in fileset.temp_folders:
        found = _parts(fileset, folder)
        if found is not None:
            index, places = found
            reading = read_bundle(index, fileset.prefix, places)
            yield Way(reading=reading, cause=_merge(fileset, folder))


def _unrenamed(fileset: Fileset, index: BundleIndex) -> Mapping[int, Path]:
    """Return the shards that still have their temporary names."""
    places: dict[int, Path] = {}
    for path in fileset.data_temps:
        final = path.with_name(path.name.rpartition(".tempstate")[0])
        for shard in range(min(index.header.num_shards, len(fileset.data_temps) + 1)):
            if final == final_name(fileset.prefix, shard, index.header) and size_of(final) < 0:
                places[shard] = path
    return places


def _renames(fileset: Fileset, path: Path, places: Mapping[int, Path]) -> Finding:
    name = fileset.prefix.name
    if size_of(fileset.index) > 0:
        message = (
            f"new data under the old index: a save of the same name was killed before its index "
            f"was renamed; the index that fits the data is {path.name}"
        )
        remedy = f"{_finish(fileset)}; by hand, rename {path.name} to {name}.index in a copy"
        return cause("new-data-old-index", path, message, remedy)
    message = (
        f"killed save: the process ended between two renames, {path.name} has no final name yet"
    )
    remedy = _finish(fileset)
    if places:
        files = names_of([path, *places.values()])
        remedy = f"in a copy of the folder, cut .tempstate and what follows off {files}"
    return cause("killed-between-renames", path, message, remedy)


def _parts(fileset: Fileset, folder: Path) -> tuple[BundleIndex, Mapping[int, Path]] | None:
    """Join the indexes of the parts in a folder, as the merge would have done."""
    files = parts_of(folder)
    indexes = _part_indexes(files)
    count = max((of for _, of in indexes), default=0)
    present = [part for part in range(count) if (part, count) in indexes]
    if not present:
        return None
    total = count - len(present)
    total += sum(max(1, indexes[part, count].header.num_shards) for part in present)
    places: dict[int, Path] = {}
    for part in present:
        beginning = _PART_DATA.format(part=part, count=count)
        data = [file for file in files if file.name.startswith(beginning)]
        final = fileset.prefix.with_name(shard_name(fileset.prefix.name, part, total))
        places |= {len(places) + number: path for number, path in enumerate(data or [final])}
    try:
        joined = merge_indexes([indexes[part, count] for part in present])
    except SourceError:
        return None
    lost = sorted(set(range(count)) - set(present))
    problems = [SourceError(f"{folder}: part {part} of {count} has no index") for part in lost]
    return replace(joined, where=str(folder), problems=(*joined.problems, *problems)), places


def _part_indexes(files: tuple[Path, ...]) -> Mapping[tuple[int, int], BundleIndex]:
    """Return the readable indexes by part and number of parts; final names win."""
    found: dict[tuple[int, int], BundleIndex] = {}
    for file in sorted(files, key=lambda file: ".tempstate" in file.name):
        match = _PART_INDEX.match(file.name)
        if match is None or int(match[2]) > _MAX_PARTS:
            continue
        key = (int(match[1]), int(match[2]))
        try:
            found.setdefault(key, open_index(file))
        except SourceError:
            continue
    return found


def _merge(fileset: Fileset, folder: Path) -> Finding:
    name = fileset.prefix.name
    size = size_of(fileset.index)
    remedy = _finish(fileset)
    if size > 0:
        message = (
            f"new data under the old index: a save of the same name was killed in its merge; the "
            f"index that fits the data is in {folder.name}"
        )
        return cause("new-data-old-index", folder, message, remedy)
    if size == 0:
        message = (
            f"merge window: the process was killed while it wrote {name}.index (0 bytes); the "
            f"index of the parts is in {folder.name}"
        )
    elif fileset.data:
        message = (
            f"merge window: the process was killed before it wrote {name}.index; "
            f"{names_of(fileset.data)} is in place, the rest is in {folder.name}"
        )
    else:
        message = f"killed save: the process ended before the merge; all parts are in {folder.name}"
    return cause("merge-window", folder, message, remedy)


def _finish(fileset: Fileset) -> str:
    return _FINISH.format(prefix=quoted(fileset.prefix))


def killed(fileset: Fileset, around: Surroundings) -> Finding | None:
    """Describe a save of which only growing temporary files are left."""
    files = [*fileset.data_temps, *fileset.index_temps]
    for folder in fileset.temp_folders:
        files += parts_of(folder)
    if not files:
        return None
    nbytes = sum(max(0, size_of(file)) for file in files)
    message = (
        f"killed save: the process was killed, or the disk was full, while the data was written: "
        f"{names_of(files, 2)}, {nbytes:,} bytes in sum{_compared(fileset, around, nbytes)}"
    )
    remedy = (
        f"unless a run is writing it right now: take the save before it, which is untouched; "
        f"tfrepair repair {quoted(fileset.prefix)} -o FIXED --donor OLDER keeps what is whole of it"
    )
    return cause("killed-save", files[0], message, remedy)


def _compared(fileset: Fileset, around: Surroundings, nbytes: int) -> str:
    """Say how much it is, measured by the nearest whole sibling."""
    for sibling, index in around.siblings(fileset):
        shards = {entry.shard for entry in index.entries.values()}
        if not shards or any(size_of(file) < 0 for file in sibling.data):
            continue
        total = sum(size_of(file) for file in sibling.data)
        text = f"; {sibling.prefix.name} has {total:,}"
        if len(shards) > 1 or total == 0:
            return text
        ends = [e.offset + e.size for e in index.entries.values() if not e.slices]
        whole = sum(end <= nbytes for end in ends)
        return f"{text}: by its layout {whole} of {len(ends)} tensors are whole, unverified"
    return ""
