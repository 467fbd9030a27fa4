"""From damaged tensors to causes: missing, cut, zeroed, replaced or exchanged files, changed bytes.

Looks at one reading of a bundle, file by file, and says in words what happened to each. What an
interrupted save looks like is in :mod:`tfrepair.api.checkup.interrupted`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfrepair.api.checkup.inventory import names_of, size_of
from tfrepair.api.checkup.readings import BundleReading
from tfrepair.api.checkup.stand_ins import ZEROS, is_zero, stand_in
from tfrepair.api.checkup.verdicts import TensorVerdict, cause, quoted
from tfrepair.core.errors import SourceError
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Array, Health
from tfrepair.readers.bundle_tensors import BundleTensor
from tfrepair.wire.mapping import map_file

LISTED = 4
_BLOCK = 512
"""Bytes of a disk sector: shorter runs of zeros are not called a lost region."""
_CHUNK = 1 << 20
_CONVERT = "convert what is whole: tfrepair convert {path} OUT --arch model.py --allow-missing"

Judged = tuple[BundleTensor, TensorVerdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroRun:
    """The longest run of zero blocks in a region of a file: first byte and number of bytes."""

    start: int
    nbytes: int


def causes_of(reading: BundleReading, path: Path) -> tuple[Finding, ...]:
    """Explain what is wrong with a reading.

    Parameters
    ----------
    reading
        An index and its data files.
    path
        What the user gives to the other commands.

    Returns
    -------
    One cause for each damaged file and kind of damage; none for a sound reading.
    """
    judged = tuple(zip(reading.parts, reading.tensors, strict=True))
    by_shard: dict[int, list[Judged]] = {}
    for pair in judged:
        for shard in {entry.shard for entry in pair[0].pieces} or {pair[0].entry.shard}:
            by_shard.setdefault(shard, []).append(pair)
    missing = [s for s in sorted(by_shard) if size_of(reading.shards.path(s)) < 0]
    found = _missing_causes(reading, missing, by_shard, path)
    for shard in sorted(set(by_shard) - set(missing)):
        found += _shard_causes(reading, shard, by_shard[shard], path)
    found += _index_causes(reading, path)
    return (*found, *_correction_causes(judged, path))


def _missing_causes(
    reading: BundleReading, missing: Sequence[int], by_shard: Mapping[int, list[Judged]], path: Path
) -> list[Finding]:
    if not missing:
        return []
    files = [reading.shards.path(shard) for shard in missing]
    lost = [pair for shard in missing for pair in by_shard[shard]]
    count = len({verdict.name for _, verdict in lost})
    message = (
        f"missing shard: {names_of(files)} (of {len(by_shard)} data files) is not there; affected: "
        f"{count} of {len(reading.tensors)} tensors ({_names(lost)})"
    )
    if len(missing) == len(by_shard):
        message = f"index without data: {names_of(files)} is not there, the index alone is"
        remedy = "look for the data where the save was written; the index holds no values"
        return [cause("index-without-data", files[0], message, remedy)]
    remedy = f"look for the file where the save was written; or {_convert(path)}"
    return [cause("missing-shard", files[0], message, remedy)]


def _shard_causes(
    reading: BundleReading, shard: int, here: Sequence[Judged], path: Path
) -> Iterator[Finding]:
    bad = [pair for pair in here if not pair[1].is_whole]
    if not bad:
        return
    file = reading.shards.path(shard)
    size = size_of(file)
    needed = max(e.offset + e.size for part, _ in here for e in part.pieces if e.shard == shard)
    instead = stand_in(file)
    if instead is not None:
        yield instead.cause(file)
        return
    corrupt = [pair for pair in bad if pair[1].health is Health.CORRUPT]
    changed = [_corrupt(file, corrupt, here, path, needed)] if corrupt else []
    # Data of another save may be shorter, too; that is not what happened to it.
    if size < needed and not any(found.code == "mixed-saves" for found in changed):
        message = _truncated(file, size, needed, bad, len(reading.tensors))
        remedy = f"copy the file again and compare the sizes; or {_convert(path)}"
        yield cause("truncated-data", file, message, remedy)
    yield from changed
    sliced = [pair for pair in bad if pair[0].missing]
    if sliced:
        message = f"slices of partitioned variables are not in the index: {_names(sliced)}"
        yield cause("missing-slices", file, message, _convert(path))


def _truncated(file: Path, size: int, needed: int, bad: Sequence[Judged], total: int) -> str:
    cut = [pair for pair in bad if pair[1].health is Health.TRUNCATED]
    message = (
        f"truncated data: {file.name} ends at byte {size:,} of {needed:,}, as when a disk is full "
        f"or a copy was interrupted; not whole: {len(cut)} of {total} tensors"
    )
    first = next((pair for pair in cut if not pair[1].note.startswith("0 of")), None)
    return message if first is None else f"{message}; {first[1].name} has {first[1].note}"


def _corrupt(
    file: Path, corrupt: Sequence[Judged], here: Sequence[Judged], path: Path, needed: int
) -> Finding:
    """Explain tensors whose bytes are there and do not fit their checksums."""
    zeros = _zeroed(file, corrupt)
    if zeros is not None:
        return _zero_cause(
            file, zeros, f"{len(corrupt)} of {len(here)} tensors ({_names(corrupt)})", path
        )
    if len(corrupt) > 1 and 2 * len(corrupt) > len(here):
        size = size_of(file)
        fits = "although sizes and places fit"
        if size < needed:
            fits = f"and it has {size:,} bytes of {needed:,}"
        message = (
            f"mixed saves: in {file.name}, checksums fail for {len(corrupt)} of {len(here)} "
            f"tensors, {fits}: the index is of one save, this file of another"
        )
        remedy = "find the index or the data that belongs to the other; they are saved together"
        return cause("mixed-saves", file, message, remedy)
    message = (
        f"changed bytes: in {file.name}, checksums fail for {len(corrupt)} of {len(here)} tensors, "
        f"and no single flipped bit explains it ({_names(corrupt)})"
    )
    return cause("changed-bytes", file, message, f"copy the file again; or {_convert(path)}")


def _zero_cause(file: Path, zeros: ZeroRun, failed: str, path: Path) -> Finding:
    is_tail = zeros.start + zeros.nbytes >= size_of(file)
    what = "zeroed tail" if is_tail else "zeroed region"
    message = (
        f"{what}: {zeros.nbytes:,} bytes of zeros at byte {zeros.start:,} of {file.name}, as a "
        f"power cut or a lost disk block leaves them; checksums fail for {failed}"
    )
    code = "zeroed-tail" if is_tail else "zeroed-region"
    return cause(code, file, message, f"{ZEROS.remedy}; or {_convert(path)}")


def _zeroed(file: Path, corrupt: Sequence[Judged]) -> ZeroRun | None:
    """Return the longest run of zeros inside the corrupt tensors, grown to its ends."""
    try:
        view = map_file(file)
    except SourceError:
        return None
    regions = [
        (entry, view[entry.offset : entry.offset + entry.size])
        for part, _ in corrupt
        for entry in part.pieces
    ]
    runs = [longest_zeros(region, entry.offset) for entry, region in regions]
    zeroed = sum(
        run.nbytes >= _BLOCK or is_zero(region)
        for run, (_, region) in zip(runs, regions, strict=True)
    )
    best = max(runs, key=lambda run: run.nbytes, default=None)
    # A lost region touches every damaged tensor; at its two ends it may touch little of one.
    # Zeros here and there are slots that were never trained, in the data of another save.
    if best is None or len(runs) - zeroed > min(2, zeroed):
        return None
    grown = _grown(view, best)
    return grown if grown.nbytes >= _BLOCK else None


def longest_zeros(view: memoryview, base: int = 0) -> ZeroRun:
    """Return the longest run of zero bytes, in steps of 64; ``base`` is where the view begins."""
    step, best, start = 64, ZeroRun(start=base, nbytes=0), None
    for at in range(0, len(view), _CHUNK):
        data = np.frombuffer(view[at : at + _CHUNK], np.uint8)
        rows = data[: data.size // step * step].reshape(-1, step)
        is_empty: Array = np.asarray(rows.any(axis=1) == 0, np.int8)
        edges = np.flatnonzero(np.diff(np.concatenate(([0], is_empty, [0]))))
        for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            begin = start if first == 0 and start is not None else at + first * step
            end = at + last * step
            if end - begin > best.nbytes:
                best = ZeroRun(start=base + begin, nbytes=end - begin)
            start = begin if last == len(rows) else None
        if not is_empty.size or not is_empty[-1]:
            start = None
    return best


def _grown(view: memoryview, run: ZeroRun) -> ZeroRun:
    """Extend a run to the first bytes that are not zero, on both sides; bounded steps."""
    start, end = run.start, run.start + run.nbytes
    while start > 0 and view[start - 1] == 0 and run.start - start < _CHUNK:
        start -= 1
    while end < len(view):
        data = np.frombuffer(view[end : end + _CHUNK], np.uint8)
        filled = np.flatnonzero(data)
        if filled.size:
            end += int(filled[0])
            break
        end += data.size
    return ZeroRun(start=start, nbytes=end - start)


def _index_causes(reading: BundleReading, path: Path) -> Iterator[Finding]:
    index = reading.index
    if index.problems:
        message = (
            f"damaged index: {len(index.problems)} blocks or entries cannot be read "
            f"({index.problems[0].message}); {len(reading.tensors)} tensors are still found, "
            "others may be missing"
        )
        remedy = f"look for another copy of the index; or {_convert(path)}"
        yield cause("damaged-index", index.where, message, remedy)
    for note in index.corrections:
        message = f"flipped bit in the index, corrected: {note}, in memory only"
        remedy = _REWRITE.format(path=quoted(path))
        yield cause("bit-corrected", index.where, message, remedy, severity=Severity.WARNING)


_REWRITE = "tfrepair convert {path} OUT --to checkpoint writes a corrected copy; check the disk too"


def _correction_causes(judged: Sequence[Judged], path: Path) -> Iterator[Finding]:
    for part, verdict in judged:
        if verdict.health is Health.CORRECTED:
            message = f"flipped bit in {verdict.name}, corrected in memory: {verdict.note}"
            remedy = _REWRITE.format(path=quoted(path))
            yield cause("bit-corrected", part.path, message, remedy, severity=Severity.WARNING)


def _names(judged: Sequence[Judged]) -> str:
    names = [verdict.name for _, verdict in judged]
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


def _convert(path: Path) -> str:
    return _CONVERT.format(path=quoted(path))
