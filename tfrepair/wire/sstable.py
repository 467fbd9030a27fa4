"""Tables of sorted keys as TensorFlow's files hold them: the reader.

A table is ``datablock+ metaindexblock indexblock footer``; the index names every data block by
a key that is not below the block's last one. The index of a tensor bundle is such a table, and so
is a whole checkpoint of the first Saver format. Knows keys and values as bytes, not what they
mean: :mod:`tfrepair.wire.bundle` does. :mod:`tfrepair.wire.sstable_writer` is the other way.

Source: layout and numbers measured on files of TensorFlow 1.4 to 2.21; ``tests/golden``.
"""

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from tfrepair.core.errors import Corrupt, OverLimit, SourceError, Truncated, Unsupported
from tfrepair.wire.bit_repair import SILENT, locate_bit, with_bit_flipped
from tfrepair.wire.crc32c import Buffer, crc32c, mask, masked_crc32c, unmask
from tfrepair.wire.protobuf import read_varint
from tfrepair.wire.snappy import decompress

FOOTER_BYTES = 48
MAGIC = bytes.fromhex("57fb808b247547db")
CRC_BYTES = 4
TRAILER_BYTES = 5
"""Behind each block: one byte of compression type, four of masked CRC-32C."""
RAW, SNAPPY = 0, 1

EXPANSION = 32
"""Keys share prefixes with their predecessors. A writer that restarts every 16 entries, as all
known ones do, cannot make keys longer in sum than 16 times the block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockHandle:
    """Where a block lies: offset and size of its contents in bytes, and its key in the index."""

    offset: int
    size: int
    key: bytes = b""


class Table:
    """A table whose footer and index block are sound; data blocks are read when asked for.

    Attributes
    ----------
    where
        Name of the file, for messages.
    blocks
        The data blocks in file order.
    """

    def __init__(self, data: memoryview, where: str, *, mend: bool) -> None:
        self._data = data
        self._mend = mend
        self.where = where
        self._corrected: dict[int, str] = {}
        self._last: tuple[BlockHandle, dict[bytes, memoryview]] | None = None
        self.blocks = self._read_index()

    def _read_index(self) -> tuple[BlockHandle, ...]:
        index = read_footer(self._data, self.where)
        contents = self._contents(index)
        where = f"{self.where}, index block at byte {index.offset}"
        blocks: list[BlockHandle] = []
        end = 0
        for key, value in block_entries(contents, where):
            handle, _ = _read_handle(value, 0, where, key)
            if handle.offset < end or handle.offset + handle.size + TRAILER_BYTES > index.offset:
                message = (
                    f"{where} places a block of {handle.size} bytes at byte {handle.offset}, "
                    f"expected between {end} and {index.offset}"
                )
                raise Corrupt(message)
            end = handle.offset + handle.size + TRAILER_BYTES
            blocks.append(handle)
        return tuple(blocks)

    def _contents(self, block: BlockHandle) -> memoryview:
        try:
            return block_contents(self._data, block, self.where)
        except Corrupt:
            mended = mended_block(self._data, block) if self._mend else None
            if mended is None:
                raise
            self._corrected[block.offset] = (
                f"{self.where}: one flipped bit in the block at byte {block.offset} corrected"
            )
            return block_contents(mended, BlockHandle(offset=0, size=block.size), self.where)

    @property
    def corrections(self) -> Sequence[str]:
        """One sentence for every flipped bit that was corrected so far, in memory only."""
        return tuple(self._corrected.values())

    def correction_of(self, key: bytes) -> str:
        """Return the sentence about the block that holds a key and was read, or nothing."""
        block = self._block_of(key)
        return "" if block is None else self._corrected.get(block.offset, "")

    @cached_property
    def _separators(self) -> list[bytes]:
        return [block.key for block in self.blocks]

    def read(self, block: BlockHandle) -> tuple[tuple[bytes, memoryview], ...]:
        """Return the entries of one block, its checksum verified.

        Raises
        ------
        SourceError
            If the block is cut off, damaged or compressed in an unknown way.
        """
        contents = self._contents(block)
        return tuple(block_entries(contents, f"{self.where}, block at byte {block.offset}"))

    def entries(self) -> Iterator[tuple[bytes, memoryview]]:
        """Go through all entries in key order.

        Raises
        ------
        SourceError
            At the first block that cannot be read.
        """
        for block in self.blocks:
            yield from self.read(block)

    def find(self, key: bytes) -> memoryview | None:
        """Return the value of a key, or ``None``; reads the one block that may hold it.

        The entries of the block read last are remembered: tensors of one block are read together.

        Raises
        ------
        SourceError
            If that block cannot be read.
        """
        block = self._block_of(key)
        if block is None:
            return None
        if self._last is None or self._last[0] != block:
            self._last = block, dict(self.read(block))
        return self._last[1].get(key)

    def _block_of(self, key: bytes) -> BlockHandle | None:
        place = bisect.bisect_left(self._separators, key)
        return None if place == len(self.blocks) else self.blocks[place]


def open_table(data: Buffer, where: str, *, mend: bool = False) -> Table:
    """Read footer and index block of a table.

    Parameters
    ----------
    data
        The whole file, mapped or in memory.
    where
        Its name, for messages.
    mend
        Correct single flipped bits, in memory; see :attr:`Table.corrections`.

    Raises
    ------
    Truncated
        If the file is shorter than a footer.
    Corrupt
        If it does not end as a table does, or its index block does not fit its checksum or
        names blocks that overlap or lie outside the file.
    """
    return Table(memoryview(data), where, mend=mend)


def read_footer(view: memoryview, where: str) -> BlockHandle:
    """Return where the index block lies.

    Raises
    ------
    Truncated
        If the file is shorter than a footer.
    Corrupt
        If the magic number is missing or the footer's numbers make no sense.
    """
    size = len(view)
    if size < FOOTER_BYTES:
        message = f"{where}: {size} bytes are too few for a table, which ends in {FOOTER_BYTES}"
        raise Truncated(
            message, remedy="a file of 0 bytes is what a power cut or a killed save leaves"
        )
    footer = view[size - FOOTER_BYTES :]
    if bytes(footer[-len(MAGIC) :]) != MAGIC:
        message = (
            f"{where}: the last 8 bytes are {bytes(footer[-len(MAGIC) :]).hex()}, "
            f"expected {MAGIC.hex()}: cut off, or not a table"
        )
        raise Corrupt(message)
    _, at = _read_handle(footer, 0, f"{where}, footer", b"")
    index, _ = _read_handle(footer, at, f"{where}, footer", b"")
    return index


def _read_handle(data: memoryview, at: int, where: str, key: bytes) -> tuple[BlockHandle, int]:
    offset, at = read_varint(data, at, where)
    size, at = read_varint(data, at, where)
    return BlockHandle(offset=offset, size=size, key=key), at


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


def mended_block(view: memoryview, block: BlockHandle) -> memoryview | None:
    """Return a block and its trailer with the one flipped bit corrected, or ``None``.

    The bit may lie in the contents, the compression type or the stored checksum itself.
    """
    if block.size > SILENT or block.offset + block.size + TRAILER_BYTES > len(view):
        return None
    whole = bytes(view[block.offset : block.offset + block.size + TRAILER_BYTES])
    body, stored = whole[:-CRC_BYTES], int.from_bytes(whole[-CRC_BYTES:], "little")
    actual = crc32c(body)
    in_checksum = (mask(actual) ^ stored).bit_count() == 1
    bit = locate_bit(len(body), unmask(stored) ^ actual)
    if in_checksum == (bit is not None):
        return None
    fixed = body if bit is None else with_bit_flipped(body, bit)
    return memoryview(fixed + masked_crc32c(fixed).to_bytes(CRC_BYTES, "little"))


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
        shared, at = read_varint(contents, at, where)
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
