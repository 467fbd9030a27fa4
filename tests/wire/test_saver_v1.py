from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.damage import cut_everywhere, flipped
from tests.wire.goldens import CASES, GOLDEN, V1_FILES, case_id, expected, is_as_expected
from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.errors import Corrupt, SourceError, Unsupported
from tfrepair.core.tensor import Array
from tfrepair.wire.bundle import Slice
from tfrepair.wire.element_types import NAMES
from tfrepair.wire.protobuf import bytes_field, parse, varint, varint_field
from tfrepair.wire.saver_v1 import SlicedTensor, begins_like_header, open_header, read_slice
from tfrepair.wire.slices import join_slices
from tfrepair.wire.sstable import open_table
from tfrepair.wire.sstable_writer import write_table
from tfrepair.wire.tensor_proto import tensor_values, unpack_varints

SAVER_CASES = [case for case in CASES if case.with_suffix(".v2.index").exists()]


def read_all(data: bytes) -> dict[str, tuple[SlicedTensor, list[tuple[Slice, Array]]]]:
    table = open_table(data, "v1", mend=False)
    return {
        tensor.name: (tensor, [(part, read_slice(table, tensor, part)) for part in tensor.slices])
        for tensor in open_header(table)
    }


@pytest.mark.parametrize("case", SAVER_CASES, ids=case_id)
def test_every_value_is_what_the_session_held(case: Path) -> None:
    parts: dict[str, list[tuple[Slice, Array]]] = defaultdict(list)
    tensors: dict[str, SlicedTensor] = {}
    for path in sorted(case.parent.glob(f"{case.stem}.v1*")):
        for name, (tensor, found) in read_all(path.read_bytes()).items():
            tensors[name] = tensor
            parts[name] += found
    want = expected(case)
    assert set(parts) == set(want)
    for name, tensor in tensors.items():
        dtype = numpy_dtype(NAMES[tensor.dtype]) if tensor.dtype != 7 else numpy_dtype("object")
        whole = join_slices(tensor.shape, dtype, parts[name], name)
        assert is_as_expected(whole, want[name]), name


@pytest.mark.parametrize("path", V1_FILES, ids=case_id)
def test_golden_files_are_rewritten_byte_for_byte(path: Path) -> None:
    data = path.read_bytes()
    out = bytearray()
    write_table(open_table(data, path.name).entries(), out.extend)
    assert bytes(out) == data


def test_damage_gives_source_errors_only() -> None:
    data = V1_FILES[0].read_bytes()
    whole = {name: len(found) for name, (_, found) in read_all(data).items()}
    for bad in (*cut_everywhere(data, most=200), *flipped(data, 200)):
        try:
            found = read_all(bad)
        except SourceError:
            continue
        assert {name: len(parts) for name, (_, parts) in found.items()} == whole


@given(st.lists(st.integers(0, (1 << 64) - 1), max_size=50))
def test_packed_numbers_survive(values: list[int]) -> None:
    message = parse(bytes_field(7, b"".join(map(varint, values))), "t")
    assert unpack_varints(message, 7).tolist() == values


def test_negative_numbers_are_narrowed() -> None:
    message = parse(bytes_field(7, varint(-3) + varint(5)), "t")
    assert tensor_values(message, 6, 2).tolist() == [-3, 5]
    assert tensor_values(message, 6, 2).dtype == "int8"


@pytest.mark.parametrize(
    ("field", "data", "dtype"),
    [(7, b"\x80", 3), (7, b"\xff" * 11 + b"\x01", 3), (5, b"123", 1), (7, b"\x01\x02", 3)],
    ids=["cut", "too long", "float cut", "one too many"],
)
def test_bad_values_are_corrupt(field: int, data: bytes, dtype: int) -> None:
    with pytest.raises(Corrupt):
        tensor_values(parse(bytes_field(field, data), "t"), dtype, 1)


def test_a_type_that_the_format_cannot_hold_is_unsupported() -> None:
    with pytest.raises(Unsupported, match="variant"):
        tensor_values(parse(varint_field(1, 21), "t"), 21, 1)


@pytest.mark.parametrize("path", V1_FILES, ids=case_id)
def test_a_file_is_known_by_its_beginning(path: Path) -> None:
    assert begins_like_header(path.read_bytes()[:512])


@pytest.mark.parametrize(
    "path", [p for p in GOLDEN.rglob("*") if p.is_file() and p not in V1_FILES], ids=case_id
)
def test_other_files_do_not_begin_like_one(path: Path) -> None:
    assert not begins_like_header(path.read_bytes()[:512])


@given(st.binary(max_size=60))
def test_any_beginning_gives_an_answer(data: bytes) -> None:
    assert begins_like_header(b"\0\0" + data) in (True, False)
