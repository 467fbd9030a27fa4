"""Tables whose footer or index block is lost: blocks found one after the other from the start.

A block does not say how long it is, but its restart points do: their number follows from the
number of entries, so that every place behind an entry can be tried, and the checksum decides.
Comes in where :mod:`tfrepair.wire.sstable` gives up.

Source: measured on truncated V1 files and indexes; ``tests/wire/test_sstable_scan.py``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tfrepair.core.errors import SourceError
from tfrepair.wire.crc32c import Buffer
from tfrepair.wire.protobuf import read_varint
from tfrepair.wire.sstable_block import EXPANSION, TRAILER_BYTES, BlockHandle, block_contents

_RESTART_EVERY = 16

Entries = Mapping[bytes, memoryview]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What a scan found.

    Attributes
    ----------
    proven
        Entries of whole blocks that fit their checksums.
    loose
        Entries of the block in which the scan ended; nothing proves them.
    end
        Offset behind the last whole block.
    """

    proven: Entries
    loose: Entries
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannedTable:
    """A scan that answers as a :class:`~tfrepair.wire.sstable.Table` does; proven entries only."""

    scan: Scan
    where: str

    @property
    def corrections(self) -> Sequence[str]:
        """Nothing is corrected in a scan."""
        return ()

    def correction_of(self, key: bytes) -> str:
        """Nothing is corrected in a scan."""
        return ""

    def uncorrected(self, key: bytes) -> memoryview | None:
        """Nothing is corrected in a scan."""
        return None

    def find(self, key: bytes) -> memoryview | None:
        """Return the value of a key, or ``None``."""
        return self.scan.proven.get(key)


def scan_table(data: Buffer, where: str) -> Scan:
    """Find the blocks at the beginning of a table.

    Parameters
    ----------
    data
        The file, or what is left of it.
    where
        Its name, for messages.

    Returns
    -------
    Never raises :class:`~tfrepair.core.errors.SourceError`: the scan ends where it cannot go on,
    at the latest at the empty block behind the data blocks.
    """
    view = memoryview(data)
    proven: dict[bytes, memoryview] = {}
    at = 0
    while True:
        entries, end = _scan_block(view, at, where)
        if end is None:
            return Scan(proven=proven, loose=entries, end=at)
        if not entries:
            return Scan(proven=proven, loose={}, end=at)
        proven.update(entries)
        at = end


def loose_entries(contents: memoryview, where: str) -> Entries:
    """Return the entries of a damaged block, up to the first that cannot be one."""
    return {key: value for key, value, _ in _entries(contents, 0, where)}


def _scan_block(
    view: memoryview, start: int, where: str
) -> tuple[dict[bytes, memoryview], int | None]:
    """Return the entries of the block at an offset, and where it ends, or ``None``."""
    entries: dict[bytes, memoryview] = {}
    end = _end_of_block(view, start, start, 0, where)
    if end is not None:
        return entries, end
    for key, value, at in _entries(view, start, where):
        entries[key] = value
        end = _end_of_block(view, start, at, len(entries), where)
        if end is not None:
            return entries, end
    return entries, None


def _end_of_block(view: memoryview, start: int, at: int, count: int, where: str) -> int | None:
    """Return the offset behind a block whose entries may end at ``at``, or ``None``."""
    restarts = max(1, -(-count // _RESTART_EVERY))
    number_at = at + 4 * restarts
    end = number_at + 4
    if end + TRAILER_BYTES > len(view) or any(view[at : at + 4]):
        return None
    if int.from_bytes(view[number_at:end], "little") != restarts:
        return None
    try:
        block_contents(view, BlockHandle(offset=start, size=end - start), where)
    except SourceError:
        return None
    return end + TRAILER_BYTES


def _entries(view: memoryview, start: int, where: str) -> Iterator[tuple[bytes, memoryview, int]]:
    """Read entries with the offsets behind them, until one makes no sense.

    The sum of all keys is bounded by the bytes read, as in a sound block.
    """
    key, at, is_first, spent = b"", start, True, 0
    while at < len(view):
        try:
            shared, at = read_varint(view, at, where)
            unshared, at = read_varint(view, at, where)
            nbytes, at = read_varint(view, at, where)
        except SourceError:
            return
        if shared > len(key) or unshared + nbytes > len(view) - at:
            return
        last, key = key, key[:shared] + bytes(view[at : at + unshared])
        if key <= last and not is_first:
            return
        is_first = False
        spent += len(key)
        if spent > EXPANSION * (at + unshared - start):
            return
        at += unshared + nbytes
        yield key, view[at - nbytes : at], at
