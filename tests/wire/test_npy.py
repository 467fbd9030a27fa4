import io

import ml_dtypes
import numpy as np
import pytest

from tfrepair.core.errors import Corrupt
from tfrepair.wire.literals import LiteralError, parse_literal
from tfrepair.wire.npy import element_type, read_header


def saved(array: np.ndarray) -> io.BytesIO:
    file = io.BytesIO()
    np.save(file, array)
    file.seek(0)
    return file


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 3), "<f4"),
        np.zeros((), ">f8"),
        np.zeros((0, 3), "i2"),
        np.asfortranarray(np.zeros((4, 5), "c16")),
        np.zeros(3, "?"),
        np.zeros(3, "U5"),
        np.zeros(3, "S7"),
        np.zeros(3, "M8[ns]"),
        np.zeros(2, [("a", "<f4"), ("b", ">i8", (2, 3))]),
        np.zeros(2, np.dtype([("a", "u1"), ("b", "f8")], align=True)),
        np.zeros(2, np.dtype([("outer", [("inner", "f4")])])),
    ],
    ids=lambda array: f"{array.dtype}"[:40],
)
def test_header_is_what_numpy_wrote(array: np.ndarray) -> None:
    file = saved(array)
    header = read_header(file, where="w.npy")
    assert (header.dtype, header.shape) == (array.dtype, array.shape)
    assert header.fortran_order is (array.flags.f_contiguous and not array.flags.c_contiguous)
    assert header.offset == file.tell() == len(file.getvalue()) - array.nbytes
    assert header.nbytes == array.nbytes


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_versions(version: tuple[int, int]) -> None:
    file = io.BytesIO()
    np.lib.format.write_array(
        file, np.zeros(2, [("ä" if version > (1, 0) else "a", "f4")]), version
    )
    file.seek(0)
    header = read_header(file, where="w.npy")
    assert header.version == version[0]
    assert header.shape == (2,)


def test_python_2_wrote_long_numbers() -> None:
    assert parse_literal("{'shape': (10L, 20L), }") == {"shape": (10, 20)}


def test_bfloat16_is_told_from_raw_bytes() -> None:
    file = saved(np.zeros(3, ml_dtypes.bfloat16))
    assert read_header(file, where="w.npy").dtype == np.dtype(ml_dtypes.bfloat16)
    assert element_type("|V2").name == "void16"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("()", ()),
        ("(1,)", (1,)),
        ("(1)", 1),
        ("[1, 'a', True]", [1, "a", True]),
        ('{"a": {}}', {"a": {}}),
        ("  -5  ", -5),
    ],
)
def test_literals(text: str, value: object) -> None:
    assert parse_literal(text) == value


@pytest.mark.parametrize(
    "text", ["", "(1", "(1 2)", "{1: 2}", "{'a' 1}", "1 2", "a", "'a", "(,)", "1.5", "{'a': 1 'b'}"]
)
def test_not_literals(text: str) -> None:
    with pytest.raises(LiteralError, match="expected"):
        parse_literal(text)


def test_errors_tell_the_offset() -> None:
    file = io.BytesIO(b"....\x93NUMPX\x01\x00")
    file.seek(4)
    with pytest.raises(Corrupt, match=r"w\.npy, byte 4: expected the magic bytes"):
        read_header(file, where="w.npy")
