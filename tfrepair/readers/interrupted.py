"""What an interrupted save left behind: temporary files by name, and indexes among them.

TensorFlow writes data and index under temporary names and renames them one after the other. A
save that was killed in between leaves a whole index beside data that has its final name already,
or new data beside the index of the save before. Knows names and whether an index fits data.

Source: file names measured at every step of killed saves, TensorFlow 1.4 to 2.21.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from tfrepair.core.errors import SourceError
from tfrepair.core.findings import Finding, Severity
from tfrepair.readers.base import system_errors
from tfrepair.readers.neighborhood import Neighborhood
from tfrepair.wire.bundle_data import Shards
from tfrepair.wire.bundle_index import BundleIndex, salvage_index
from tfrepair.wire.mapping import map_file

_TEMPORARY = re.compile(
    r"\.tempstate\d+$|\.tmp[0-9a-f]+$|_temp(?:_[0-9a-f]{32})?$|^checkpoint\.tmp", re.DOTALL
)
_UNFINISHED = re.compile(r"\.data-\d{5}-of-\d{5}\.tempstate\d+$")
_PART_DATA = re.compile(r"^part-(\d{5})-of-(\d{5})\.data-")
_SHARD_DATA = re.compile(r"^(.+)\.data-(\d{5})-of-(\d{5})\.tempstate\d+$", re.DOTALL)
_PART = "part-00000-of-00001.index"
_MAX_LISTED = 10


def leftovers(folder: Path) -> tuple[Finding, ...]:
    """Return a finding if temporary files of saves lie in a folder; lists names only."""
    with system_errors(folder):
        found = sorted(entry for entry in folder.iterdir() if _TEMPORARY.search(entry.name))
        names = [f"{entry.name} ({_size(entry)} bytes)" for entry in found[:_MAX_LISTED]]
    if not found:
        return ()
    more = f", and {len(found) - _MAX_LISTED} more" if len(found) > _MAX_LISTED else ""
    finding = Finding(
        code="interrupted-save",
        severity=Severity.NOTE,
        where=str(folder),
        message=f"{len(found)} temporary files of saves: {', '.join(names)}{more}",
        remedy="a save was interrupted, or one is running; what is whole in them can be opened",
    )
    return (finding,)


def _size(path: Path) -> int:
    """Return the bytes of a file or folder; 0 if it has gone since: a save may be running."""
    try:
        if path.is_dir():
            return sum(entry.stat().st_size for entry in path.iterdir() if entry.is_file())
        return path.stat().st_size
    except OSError:
        return 0


def unfinished_data(path: Path) -> tuple[Path, ...]:
    """Return the temporary data files of saves that were killed while they wrote.

    Parameters
    ----------
    path
        A run folder, or a prefix: then only files of its save are returned.
    """
    folder, name = (path, "") if path.is_dir() else (path.parent, path.name)
    if not folder.is_dir():
        return ()
    found: list[Path] = []
    for entry in sorted(folder.iterdir()):
        if not entry.name.startswith(name):
            continue
        inside = entry.is_dir() and _TEMPORARY.search(entry.name)
        found += sorted(entry.iterdir()) if inside else [entry]
    return tuple(file for file in found if _UNFINISHED.search(file.name))


def unfinished_saves(path: Path) -> tuple[tuple[Path, dict[int, Path], int], ...]:
    """Return the saves that were killed while they wrote data, before any index.

    Parameters
    ----------
    path
        As for :func:`unfinished_data`.

    Returns
    -------
    For each its prefix, its data files by number, and how many there should be.
    """
    found: dict[tuple[Path, int], dict[int, Path]] = {}
    for file in unfinished_data(path):
        part = _PART_DATA.match(file.name)
        data = _SHARD_DATA.match(file.name)
        if part is not None:
            folder = _TEMPORARY.sub("", file.parent.name)
            key, number = (file.parent.with_name(folder), int(part[2])), int(part[1])
        elif data is not None:
            key, number = (file.with_name(data[1]), int(data[3])), int(data[2])
        else:
            continue
        found.setdefault(key, {}).setdefault(number, file)
    return tuple((prefix, files, count) for (prefix, count), files in found.items())


def has_spare_index(prefix: Path) -> bool:
    """Say whether there is a temporary index of a prefix; looks at names only."""
    with system_errors(prefix):
        return any(True for _ in _candidates(prefix))


def spare_index(prefix: Path) -> tuple[BundleIndex, Path] | None:
    """Find a temporary index that fits the data of a prefix.

    Returns
    -------
    The index and its path: the only one whose entries fit the checksums of a sample of the data,
    and whose last entry ends where the data does.
    """
    fitting = []
    with system_errors(prefix):
        candidates = list(_candidates(prefix))
    for path in candidates:
        try:
            index = salvage_index(map_file(path), str(path))
        except SourceError:
            continue
        if not index.problems and fits(index, Shards(prefix, index.header)):
            fitting.append((index, path))
    return fitting[0] if len(fitting) == 1 else None


def fits(index: BundleIndex, shards: Shards) -> bool:
    """Say whether an index belongs to the data files, from sizes and a sample of checksums."""
    ends: dict[int, int] = {}
    for entry in index.entries.values():
        ends[entry.shard] = max(ends.get(entry.shard, 0), entry.offset + entry.size)
    try:
        sizes = {shard: len(shards.view(shard)) for shard in ends}
    except SourceError:
        return False
    return sizes == ends and Neighborhood(index, shards).damaged == 0


def _candidates(prefix: Path) -> Iterator[Path]:
    if not prefix.parent.is_dir():
        return
    mark = f"{prefix.name}.index.tempstate"
    for entry in sorted(prefix.parent.iterdir()):
        if entry.name.startswith(mark) and entry.is_file():
            yield entry
    for folder in temporary_folders(prefix):
        if (folder / _PART).is_file():
            yield folder / _PART


def temporary_folders(prefix: Path) -> Iterator[Path]:
    """Return the temporary folders of a prefix: ``P_temp``, or ``P_temp_`` and 32 digits."""
    if not prefix.parent.is_dir():
        return
    for entry in sorted(prefix.parent.iterdir()):
        rest = entry.name.removeprefix(prefix.name)
        if rest != entry.name and re.fullmatch(r"_temp(_[0-9a-f]{32})?", rest) and entry.is_dir():
            yield entry
