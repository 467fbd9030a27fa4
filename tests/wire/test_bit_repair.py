import random
import zlib

import pytest

from tfrepair.wire.bit_repair import (
    CRC_32,
    LARGEST,
    chance_of_false_alarm,
    locate_bit,
    with_bit_flipped,
)
from tfrepair.wire.crc32c import crc32c
from tfrepair.wire.sstable import open_table
from tfrepair.wire.sstable_writer import write_table


@pytest.mark.parametrize("nbytes", [1, 3, 40, 5000])
def test_every_kind_of_place_is_found(nbytes: int) -> None:
    data = random.Random(nbytes).randbytes(nbytes)  # noqa: S311
    stored = crc32c(data)
    bits = {0, 8 * nbytes - 1, *random.Random(1).sample(range(8 * nbytes), min(8 * nbytes, 60))}  # noqa: S311
    for bit in bits:
        bad = with_bit_flipped(data, bit)
        assert locate_bit(nbytes, stored ^ crc32c(bad)) == bit
        assert with_bit_flipped(bad, bit) == data


@pytest.mark.parametrize("nbytes", [1, 40, 5000])
def test_the_checksum_of_zip_archives_tells_the_bit_too(nbytes: int) -> None:
    data = random.Random(nbytes).randbytes(nbytes)  # noqa: S311
    stored = zlib.crc32(data)
    for bit in {0, 8 * nbytes - 1, 8 * nbytes // 3}:
        bad = with_bit_flipped(data, bit)
        assert locate_bit(nbytes, stored ^ zlib.crc32(bad), CRC_32) == bit
        assert locate_bit(nbytes, stored ^ zlib.crc32(bad)) != bit


def test_two_flipped_bits_are_not_taken_for_one() -> None:
    data = bytes(1000)
    stored = crc32c(data)
    chooser = random.Random(5)  # noqa: S311
    for _ in range(50):
        one, other = chooser.sample(range(8000), 2)
        bad = with_bit_flipped(with_bit_flipped(data, one), other)
        assert locate_bit(1000, stored ^ crc32c(bad)) is None


def test_bounds() -> None:
    assert locate_bit(0, 5) is None
    assert locate_bit(10, 0) is None
    assert locate_bit(LARGEST + 1, 5) is None
    assert chance_of_false_alarm(1 << 20) < 1 / 500


def test_a_table_with_a_flipped_bit_is_read_when_asked_to() -> None:
    out = bytearray()
    entries = {f"name/{n}".encode(): b"value" * n for n in range(20)}
    write_table(sorted(entries.items()), out.extend, block_size=128)
    chooser = random.Random(0)  # noqa: S311
    footer_start = len(out) - 48
    for _ in range(200):
        bad = with_bit_flipped(bytes(out), chooser.randrange(8 * footer_start))
        table = open_table(bad, "t", mend=True)
        assert {key: bytes(value) for key, value in table.entries()} == entries
        assert len(table.corrections) <= 1
