"""Tables of sorted keys as TensorFlow's files hold them: the reader.

A table is ``datablock+ metaindexblock indexblock footer``; the index names every data block by
a key that is not below the block's last one. The index of a tensor bundle is such a table, and so
is a whole checkpoint of the first Saver format. Knows keys and values as bytes, not what they
mean: :mod:`tfrepair.wire.bundle` does. :mod:`tfrepair.wire.sstable_block` reads
one block, :mod:`tfrepair.wire.sstable_writer` is the other way.

Source: layout and numbers measured on files of TensorFlow 1.4 to 2.21; ``tests/golden``.
"""

import bisect
from collections.abc import Iterator, Sequence
from functools import cached_property

from tfrepair.core.errors import Corrupt, SourceError, Truncated
from tfrepair.wire.bit_repair import chance_of_false_alarm, with_bit_flipped
from tfrepair.wire.crc32c import Buffer
from tfrepair.wire.protobuf import read_varint
from tfrepair.wire.sstable_block import (
    TRAILER_BYTES,
    BlockHandle,
    MendedBlock,
    block_contents,
    block_entries,
    mended_block,
)

FOOTER_BYTES = 48
MAGIC = bytes.fromhex("57fb808b247547db")


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
        self._doubtful: dict[int, MendedBlock] = {}
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
            note = f"{self.where}: one flipped bit in the block at byte {block.offset} corrected"
            if mended.needs_evidence:
                chance = chance_of_false_alarm(block.size)
                note += f"; other damage looks like this in {chance:.1%} of cases"
                self._doubtful[block.offset] = mended
            self._corrected[block.offset] = note
            return block_contents(mended.data, BlockHandle(offset=0, size=block.size), self.where)

    @property
    def corrections(self) -> Sequence[str]:
        """One sentence for every flipped bit that was corrected so far, in memory only."""
        return tuple(self._corrected.values())

    def correction_of(self, key: bytes) -> str:
        """Return the sentence about the block that holds a key and was read, or nothing."""
        block = self._block_of(key)
        return "" if block is None else self._corrected.get(block.offset, "")

    def uncorrected(self, key: bytes) -> memoryview | None:
        """Return the value of a key as it is stored, where only the value can prove a correction.

        ``None`` if nothing was corrected, the block is small enough for its checksum to prove the
        correction, or the bit did not lie in a value: then the order of the keys proves it.
        """
        block = self._block_of(key)
        mended = None if block is None else self._doubtful.get(block.offset)
        if block is None or mended is None or mended.bit is None:
            return None
        raw = memoryview(with_bit_flipped(mended.data, mended.bit))[: block.size]
        try:
            return dict(block_entries(raw, self.where)).get(key)
        except SourceError:
            return None

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
