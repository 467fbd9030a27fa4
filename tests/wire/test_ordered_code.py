import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfrepair.core.errors import Corrupt
from tfrepair.wire.bundle import Extent
from tfrepair.wire.ordered_code import decode_slice_key, encode_slice_key, is_slice_key

numbers = st.integers(0, (1 << 63) - 1)
parts = st.lists(
    st.just(Extent()) | st.builds(Extent, start=numbers, length=numbers), max_size=4
).map(tuple)


def test_the_key_of_a_real_part() -> None:
    part = (Extent(start=5, length=5), Extent())
    expected = b"\x00emb/part" + bytes.fromhex("0001 0102 8585 807f")
    assert encode_slice_key("emb/part", part) == expected
    assert is_slice_key(expected)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (0, "80"),
        (63, "bf"),
        (64, "c040"),
        (0x424242, "f0424242"),
        (1 << 62, "ffc04000000000000000"),
    ],
)
def test_known_numbers(value: int, code: str) -> None:
    key = encode_slice_key("", (Extent(start=value, length=1),))
    assert key.hex() == "00" + "0001" + "0101" + code + "81"


@given(st.text(max_size=8), parts)
def test_keys_survive(name: str, part: tuple[Extent, ...]) -> None:
    assert decode_slice_key(encode_slice_key(name, part), "k") == (name, part)


@given(st.tuples(st.text(max_size=4), parts), st.tuples(st.text(max_size=4), parts))
def test_keys_sort_by_name_and_place(
    one: tuple[str, tuple[Extent, ...]], other: tuple[str, tuple[Extent, ...]]
) -> None:
    def order(item: tuple[str, tuple[Extent, ...]]) -> object:
        name, part = item
        spots = [(e.start, -1 if e.length is None else e.length) for e in part]
        return name.encode(), len(part), spots

    assert (order(one) < order(other)) == (encode_slice_key(*one) < encode_slice_key(*other))  # type: ignore[operator]


@given(st.binary(max_size=30))
def test_any_bytes_give_a_key_or_corrupt(data: bytes) -> None:
    try:
        name, part = decode_slice_key(data, "k")
    except Corrupt:
        return
    assert len(name) + len(part) <= len(data)
