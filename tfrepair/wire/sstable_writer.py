"""Tables of sorted keys: the writer, byte for byte as TensorFlow writes them.

Same entries, same bytes: block size, restart points and the short keys of the index block follow
TensorFlow's writer, so that reading a healthy table and writing it again changes nothing. The
other way is :mod:`tfrepair.wire.sstable`.

Source: measured, every golden index and V1 file under ``tests/golden`` is rewritten identically.
"""

from collections.abc import Callable, Iterable

from tfrepair.wire.crc32c import Buffer, masked_crc32c
from tfrepair.wire.protobuf import varint
from tfrepair.wire.sstable import FOOTER_BYTES, MAGIC
from tfrepair.wire.sstable_block import RAW, TRAILER_BYTES

BLOCK_SIZE = 262144
"""A data block is closed when it reaches this many bytes."""

_RESTART_EVERY = 16
_INDEX_RESTART_EVERY = 1
_BYTE_MAX = 0xFF

Sink = Callable[[Buffer], object]
"""Takes the next bytes of the file, such as the ``write`` of an open one."""


class _Block:
    """Entries of one block on their way into bytes."""

    def __init__(self, restart_every: int) -> None:
        self._restart_every = restart_every
        self._body = bytearray()
        self._restarts = [0]
        self._since_restart = 0
        self._last = b""
        self.is_empty = True

    @property
    def size(self) -> int:
        """Bytes that the block would have if it were closed now."""
        return len(self._body) + 4 * len(self._restarts) + 4

    def add(self, key: bytes, value: Buffer) -> None:
        shared = 0
        if self._since_restart == self._restart_every:
            self._restarts.append(len(self._body))
            self._since_restart = 0
        else:
            shared = common_prefix(self._last, key)
        self._body += varint(shared) + varint(len(key) - shared) + varint(len(value))
        self._body += key[shared:]
        self._body += value
        self._last = key
        self._since_restart += 1
        self.is_empty = False

    def close(self) -> bytes:
        numbers = (*self._restarts, len(self._restarts))
        return bytes(self._body) + b"".join(n.to_bytes(4, "little") for n in numbers)


def write_table(
    entries: Iterable[tuple[bytes, Buffer]], sink: Sink, *, block_size: int = BLOCK_SIZE
) -> int:
    """Write a table.

    Parameters
    ----------
    entries
        Keys in rising byte order with their values; taken one at a time.
    sink
        Receives the bytes of the file in order; at most one block is held in memory.
    block_size
        As in :data:`BLOCK_SIZE`; other values are for tests.

    Returns
    -------
    Size of the file in bytes.

    Raises
    ------
    ValueError
        If a key is not above the one before it.
    """
    table = _TableWriter(sink, block_size)
    for key, value in entries:
        table.add(key, value)
    return table.finish()


class _TableWriter:
    def __init__(self, sink: Sink, block_size: int) -> None:
        self._sink = sink
        self._block_size = block_size
        self._offset = 0
        self._block = _Block(_RESTART_EVERY)
        self._index = _Block(_INDEX_RESTART_EVERY)
        self._last: bytes | None = None
        self._pending: bytes | None = None

    def add(self, key: bytes, value: Buffer) -> None:
        if self._last is not None:
            if key <= self._last:
                message = f"key {key!r} is not above {self._last!r}"
                raise ValueError(message)
            if len(key) + len(value) >= 2 * self._block_size:
                self._flush()
            if self._pending is not None:
                self._index.add(separator(self._last, key), self._pending)
                self._pending = None
        self._last = key
        self._block.add(key, value)
        if self._block.size >= self._block_size:
            self._flush()

    def finish(self) -> int:
        self._flush()
        metaindex = self._write(_Block(_RESTART_EVERY).close())
        if self._pending is not None:
            self._index.add(successor(self._last or b""), self._pending)
        index = self._write(self._index.close())
        handles = metaindex + index
        self._sink(handles + bytes(FOOTER_BYTES - len(MAGIC) - len(handles)) + MAGIC)
        return self._offset + FOOTER_BYTES

    def _flush(self) -> None:
        if not self._block.is_empty:
            self._pending = self._write(self._block.close())
            self._block = _Block(_RESTART_EVERY)

    def _write(self, contents: bytes) -> bytes:
        """Write a block and return its handle."""
        handle = varint(self._offset) + varint(len(contents))
        kind = bytes([RAW])
        self._sink(contents)
        self._sink(kind + masked_crc32c(contents, kind).to_bytes(4, "little"))
        self._offset += len(contents) + TRAILER_BYTES
        return handle


def common_prefix(one: bytes, other: bytes) -> int:
    """Return how many leading bytes two keys share."""
    shortest = min(len(one), len(other))
    for place in range(shortest):
        if one[place] != other[place]:
            return place
    return shortest


def separator(last: bytes, following: bytes) -> bytes:
    """Return a short key that is not below ``last`` and is below ``following``."""
    place = common_prefix(last, following)
    if place == min(len(last), len(following)):
        return last
    byte = last[place]
    if byte < _BYTE_MAX and byte + 1 < following[place]:
        return last[:place] + bytes([byte + 1])
    return last


def successor(last: bytes) -> bytes:
    """Return a short key that is not below ``last``."""
    for place, byte in enumerate(last):
        if byte != _BYTE_MAX:
            return last[:place] + bytes([byte + 1])
    return last
