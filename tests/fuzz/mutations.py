"""Mutations of sound bytes: flips, cuts, repeats, extreme numbers, and checksums set right again.

A random change of a block is caught by its checksum and gets no further, so that half of the
mutated tables have their checksums repaired.
"""

import random
from collections.abc import Iterator

from tfrepair.core.errors import SourceError
from tfrepair.wire.crc32c import masked_crc32c
from tfrepair.wire.sstable import FOOTER_BYTES, MAGIC, read_footer
from tfrepair.wire.sstable_block import TRAILER_BYTES, BlockHandle

_NUMBERS = (
    b"\x00", b"\x7f", b"\x80\x01", b"\xff\xff\xff\xff\x0f", b"\xff" * 9 + b"\x01", b"\xff" * 12,
    b"\xff\xff\xff\xff", b"\x80\x80\x80\x80\x80\x80\x80\x80\x40", b"\x0a", b"\x12\x00",
)  # fmt: skip


def mutated(seed: bytes, count: int, *, number: int = 0) -> Iterator[bytes]:
    chooser = random.Random(number)  # noqa: S311
    for _ in range(count):
        data = bytearray(seed)
        for _ in range(chooser.choice((1, 1, 2, 4, 8))):
            _mutate(data, chooser)
        made = bytes(data)
        yield with_checksums(made) if chooser.random() < 0.5 else made


def mutated_once(data: bytes, chooser: random.Random) -> bytes:
    """Return the data with one change."""
    changed = bytearray(data)
    _mutate(changed, chooser)
    return bytes(changed)


def _mutate(data: bytearray, chooser: random.Random) -> None:
    at = chooser.randrange(len(data) + 1)
    match chooser.randrange(6):
        case 0 if data:
            data[at % len(data)] ^= 1 << chooser.randrange(8)
        case 1:
            number = chooser.choice(_NUMBERS)
            data[at : at + len(number)] = number
        case 2:
            data[at:at] = chooser.choice(_NUMBERS)
        case 3:
            del data[at : at + chooser.choice((1, 2, 7, 100))]
        case 4:
            piece = data[at : at + chooser.choice((1, 5, 50))]
            data[at:at] = piece * chooser.choice((1, 2, 20))
        case _:
            other = chooser.randrange(len(data) + 1)
            data[at : at + 4] = data[other : other + 4]


def with_checksums(data: bytes) -> bytes:
    """Set the checksums of a table's index block and of its first block right."""
    if not data.endswith(MAGIC) or len(data) < FOOTER_BYTES:
        return data
    changed = bytearray(data)
    try:
        index = read_footer(memoryview(data), "t")
    except SourceError:
        return data
    for block in (index, BlockHandle(offset=0, size=index.offset - 2 * TRAILER_BYTES - 8)):
        end = block.offset + block.size
        if block.size < 0 or end + TRAILER_BYTES > len(data):
            continue
        crc = masked_crc32c(bytes(changed[block.offset : end + 1]))
        changed[end + 1 : end + TRAILER_BYTES] = crc.to_bytes(4, "little")
    return bytes(changed)
