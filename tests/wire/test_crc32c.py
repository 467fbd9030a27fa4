import pytest

from tfrepair.wire.crc32c import crc32c, mask, masked_crc32c, unmask


@pytest.mark.parametrize(
    ("data", "expected"),
    [(b"", 0), (b"123456789", 0xE3069283), (bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43)],
    ids=["empty", "digits", "zeros", "ones"],
)
def test_known_checksums(data: bytes, expected: int) -> None:
    assert crc32c(data) == expected
    assert crc32c(memoryview(data)) == expected


def test_a_checksum_is_continued() -> None:
    assert crc32c(b"6789", crc32c(b"12345")) == crc32c(b"123456789")
    assert crc32c(memoryview(b"6789"), crc32c(b"12345")) == crc32c(b"123456789")


def test_long_views_are_read_in_chunks() -> None:
    data = bytes(range(256)) * (5 << 12)
    assert crc32c(memoryview(data)) == crc32c(data)


@pytest.mark.parametrize("crc", [0, 1, 0xFFFFFFFF, 0x12345678])
def test_unmask_is_the_inverse_of_mask(crc: int) -> None:
    assert unmask(mask(crc)) == crc


def test_masked_checksum_of_an_empty_metaindex_block() -> None:
    contents = bytes.fromhex("0000000001000000")
    assert masked_crc32c(contents, b"\0").to_bytes(4, "little").hex() == "c0f2a1b0"
