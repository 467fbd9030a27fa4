"""Superblocks and attributes of HDF5 files, held against what h5py writes and reads."""

import io
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tfrepair.core.errors import Corrupt, OverLimit, SourceError
from tfrepair.wire import hdf5_attribute
from tfrepair.wire.hdf5_attribute import attribute_value, stored_attributes
from tfrepair.wire.hdf5_header import messages
from tfrepair.wire.hdf5_superblock import SIGNATURE, find_superblock, signature_places

STYLES = ("earliest", "v108", "v110", "latest")
ATTRIBUTES: dict[str, tuple[Any, Any]] = {
    "fixed": (np.array([b"ab", b"cde", b""]), ("ab", "cde", "")),
    "variable": (np.array(["ab", "\u00e4", ""] * 40, dtype=object), ("ab", "\u00e4", "") * 40),
    "text": ("x" * 50_000, "x" * 50_000),
    "short": (np.bytes_(b"y"), "y"),
    "nothing": ("", ""),
    "number": (7, 7),
    "negative": (np.int16(-3), -3),
    "big": (np.array(258, ">i4")[()], 258),
    "empty": (np.zeros(0), ()),
}


def written(style: str, block: int = 0) -> tuple[memoryview, int]:
    """Return a file with every kind of attribute, and the address of its group's header."""
    made = io.BytesIO()
    with h5py.File(made, "w", libver=style, userblock_size=block) as file:
        group = file.create_group("g")
        for name, (value, _) in list(ATTRIBUTES.items())[:7]:
            group.attrs[name] = value
        other = file.create_group("h")
        for name, (value, _) in list(ATTRIBUTES.items())[7:]:
            other.attrs[name] = value
        file.flush()
        return memoryview(made.getvalue()), h5py.h5o.get_info(group.id).addr


@pytest.mark.parametrize("block", [0, 512])
@pytest.mark.parametrize("style", STYLES)
def test_attributes(style: str, block: int) -> None:
    data, address = written(style, block)
    found = {
        a.name: attribute_value(a, data, block) for a in stored_attributes(data, address, block)
    }
    assert found == {name: ATTRIBUTES[name][1] for name in list(ATTRIBUTES)[:7]}


def test_numbers_of_any_order_and_empty_lists() -> None:
    made = io.BytesIO()
    with h5py.File(made, "w") as file:
        for name in ("big", "empty", "number"):
            file.attrs[name] = ATTRIBUTES[name][0]
        file.attrs["ratio"] = 0.5
        file.attrs["none"] = h5py.Empty("S3")
        address = h5py.h5o.get_info(file.id).addr
    data = memoryview(made.getvalue())
    held = {a.name: a for a in stored_attributes(data, address, 0)}
    for name in ("big", "empty", "number"):
        assert attribute_value(held[name], data, 0) == ATTRIBUTES[name][1]
    with pytest.raises(Corrupt, match="type class 1"):
        attribute_value(held["ratio"], data, 0)
    assert attribute_value(held["none"], data, 0) == ()


def test_texts_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    data, address = written("earliest")
    monkeypatch.setattr(hdf5_attribute, "_MAX_BYTES", 1000)
    held = {a.name: a for a in stored_attributes(data, address, 0)}
    with pytest.raises(OverLimit, match="50000 bytes, the limit is 1000"):
        attribute_value(held["text"], data, 0)


@pytest.mark.parametrize("style", STYLES)
def test_damaged_headers_and_heaps_end(style: str) -> None:
    data, address = written(style)
    rng = np.random.default_rng(3)
    for _ in range(400):
        damaged = bytearray(data[:8192])
        for place in rng.integers(0, len(damaged), 4):
            damaged[place] = (0, 1, 255, int(rng.integers(256)))[int(rng.integers(4))]
        view = memoryview(bytes(damaged))
        for attribute in stored_attributes(view, address, 0):
            try:
                attribute_value(attribute, view, 0)
            except SourceError:
                continue


@given(data=st.binary(max_size=400), address=st.integers(0, 1 << 64))
@example(data=b"OHDR\x02\x04" + b"\x10\x10\0\0" * 50, address=0)
@example(data=bytes(16) + b"\x10\0\0\0\0\0\0\0" * 20, address=0)
def test_any_bytes(data: bytes, address: int) -> None:
    view = memoryview(data)
    for at in (address, 0):
        assert len(list(messages(view, at, 0))) < 200_000
        for attribute in stored_attributes(view, at, 0):
            try:
                attribute_value(attribute, view, 0)
            except SourceError:
                continue
    block = find_superblock(view)
    assert block is None or block.version <= 3


@pytest.mark.parametrize("block", [0, 512, 2048])
@pytest.mark.parametrize("style", STYLES)
def test_superblocks(style: str, block: int) -> None:
    data, _ = written(style, block)
    found = find_superblock(data)
    assert found is not None
    assert found.offset == block
    assert found.end == len(data)
    for length in range(block, block + 90):
        cut = find_superblock(data[:length])
        assert cut is None or cut == found


def test_places_of_the_signature() -> None:
    assert list(signature_places(4096 + 8)) == [0, 512, 1024, 2048, 4096]
    assert list(signature_places(7)) == []
    assert len(SIGNATURE) == 8
