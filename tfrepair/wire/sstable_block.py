"""One block of a table: its checksum, its compression, its entries.

A block is ``contents type checksum``; contents are entries whose keys share prefixes, and the
offsets of those that do not. :mod:`tfrepair.wire.sstable` knows where the blocks are.

Source: layout and numbers measured on files of TensorFlow 1.4 to 2.21; ``tests/golden``.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tfrepair.core.errors import Corrupt, OverLimit, SourceError, Truncated, Unsupported
from tfrepair.wire.bit_repair import LARGEST, SILENT, locate_bit, with_bit_flipped
from tfrepair.wire.crc32c import crc32c, mask, masked_crc32c, unmask
from tfrepair.wire.protobuf import read_varint
from tfrepair.wire.snappy import decompress

CRC_BYTES = 4
TRAILER_BYTES = 5
"""Behind each block: one byte of compression type, four of masked CRC-32C."""
RAW, SNAPPY = 0, 1

_MORE = 0x80
"""Set in every byte of a number but the last."""
_FAR = [_MORE, 0, 0]
EXPANSION = 32
"""Keys share prefixes with their predecessors. A writer that restarts every 16 entries, as all
known ones do, cannot make keys longer in sum than 16 times the block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockHandle:
    """Where a block lies: offset and size of its contents in bytes, and its key in the index."""

    offset: int
    size: int
    key: bytes = b""


def block_contents(view: memoryview, block: BlockHandle, where: str) -> memoryview:
    """Return a block's contents, decompressed, after verifying its checksum.

    Raises
    ------
    Truncated
        If the block ends behind the file.
    Corrupt
        If the checksum does not fit.
    Unsupported
        If the block is compressed in an unknown way.
    """
    end = block.offset + block.size
    if end + TRAILER_BYTES > len(view):
        message = (
            f"{where}: a block of {block.size} bytes at byte {block.offset} does not fit in "
            f"the file's {len(view)} bytes"
        )
        raise Truncated(message)
    stored = int.from_bytes(view[end + 1 : end + TRAILER_BYTES], "little")
    found = masked_crc32c(view[block.offset : end + 1])
    if stored != found:
        message = (
            f"{where}: checksum of the block at byte {block.offset} ({block.size} bytes) is "
            f"{found:08x}, stored is {stored:08x}"
        )
        raise Corrupt(message)
    contents = view[block.offset : end]
    if view[end] == SNAPPY:
        return decompress(contents, f"{where}, block at byte {block.offset}")
    if view[end] != RAW:
        message = f"{where}: the block at byte {block.offset} has compression type {view[end]}"
        raise Unsupported(message)
    return contents


@dataclass(frozen=True, slots=True, kw_only=True)
class MendedBlock:
    """A block whose one flipped bit was corrected.

    Attributes
    ----------
    data
        Contents and trailer, corrected.
    bit
        Number of the bit that was flipped, from the beginning of the block; ``None`` if it lay in
        the stored checksum.
    """

    data: memoryview
    bit: int | None

    @property
    def needs_evidence(self) -> bool:
        """True if other damage of so large a block may well look like one flipped bit."""
        return self.bit is not None and len(self.data) > SILENT


def mended_block(view: memoryview, block: BlockHandle) -> MendedBlock | None:
    """Return a block and its trailer with the one flipped bit corrected, or ``None``.

    The bit may lie in the contents, the compression type or the stored checksum itself.
    """
    if block.size > LARGEST or block.offset + block.size + TRAILER_BYTES > len(view):
        return None
    body = view[block.offset : block.offset + block.size + 1]
    end = block.offset + len(body)
    stored = int.from_bytes(view[end : end + CRC_BYTES], "little")
    actual = crc32c(body)
    in_checksum = (mask(actual) ^ stored).bit_count() == 1
    bit = locate_bit(len(body), unmask(stored) ^ actual)
    if in_checksum == (bit is not None):
        return None
    fixed = bytes(body) if bit is None else with_bit_flipped(body, bit)
    whole = fixed + masked_crc32c(fixed).to_bytes(CRC_BYTES, "little")
    return MendedBlock(data=memoryview(whole), bit=bit)


def block_entries(contents: memoryview, where: str) -> Iterator[tuple[bytes, memoryview]]:
    """Go through the entries of a block's contents.

    Raises
    ------
    Corrupt
        If lengths do not fit the block or keys do not rise.
    OverLimit
        If shared prefixes blow up beyond what any writer makes.
    """
    end = _entries_end(contents, where)
    key, at, spent = b"", 0, 0
    allowance = EXPANSION * len(contents)
    is_first = True
    while at < end:
        start = at
        shared, unshared, nbytes = head = contents[at : at + 3].tolist() if at + 3 <= end else _FAR
        at += 3
        if max(head) >= _MORE:  # most numbers have one byte, and a call for each costs more
            shared, at = read_varint(contents, start, where)
            unshared, at = read_varint(contents, at, where)
            nbytes, at = read_varint(contents, at, where)
        if shared > len(key) or unshared + nbytes > end - at:
            raise _bad_entry(where, start, f"{shared} + {unshared} bytes of key, {nbytes} of value")
        last, key = key, key[:shared] + bytes(contents[at : at + unshared])
        if key <= last and not is_first:
            raise _bad_entry(where, start, "a key that is not above the one before")
        is_first = False
        spent += len(key)
        if spent > allowance:
            message = f"{where}: keys of more than {allowance} bytes in {len(contents)} stored ones"
            raise OverLimit(message)
        at += unshared
        yield key, contents[at : at + nbytes]
        at += nbytes


def _entries_end(contents: memoryview, where: str) -> int:
    size = len(contents)
    restarts = int.from_bytes(contents[size - 4 :], "little") if size >= 4 else -1
    end = size - 4 * (restarts + 1)
    if restarts < 0 or end < 0:
        message = f"{where}: a block of {size} bytes cannot hold {restarts} restart points"
        raise Corrupt(message)
    return end


def _bad_entry(where: str, at: int, found: str) -> SourceError:
    return Corrupt(f"{where}: the entry at byte {at} of the block announces {found}")
