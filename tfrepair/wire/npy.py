"""The header of a ``.npy`` array: element type, order and shape, with every length checked.

Knows the layout of format versions 1 to 3 and nothing about files, containers or limits. The
header is text, read by :mod:`tfrepair.wire.literals` and never evaluated. Comes before the readers.

Source: ``numpy/lib/_format_impl.py`` of NumPy 2.4 and ``numpy/lib/format.py`` of NumPy 1.11.
"""

import math
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.errors import Corrupt, Truncated, Unsupported
from tfrepair.core.tensor import Shape
from tfrepair.wire.literals import LiteralError, parse_literal

MAGIC = b"\x93NUMPY"

_MAX_HEADER = 65_536
"""Bytes; NumPy's own files stay under 10,000 unless a structured type has many fields."""
_MAX_AXES = 64
"""As NumPy 2; older versions stop at 32."""
_CODE = re.compile(
    r"[<>|=]?(?:b1|[iu][1248]|f(?:2|4|8|12|16)|c(?:8|16|24|32)|O[48]?|[SUV]\d{1,9}"
    r"|[mM]8(?:\[\w{1,12}\])?)"
)

DType = np.dtype[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class NpyHeader:
    """What stands before the data of one array.

    Attributes
    ----------
    version
        1, 2 or 3.
    dtype
        Element type as stored, byte order included.
    fortran_order
        True if the first axis varies fastest.
    shape
        As stored; no negative axis.
    start, offset
        Where the header and the data begin, in bytes from the beginning of the file.
    """

    version: int
    dtype: DType
    fortran_order: bool
    shape: Shape
    start: int
    offset: int

    @property
    def nbytes(self) -> int:
        """Bytes of the data; for object arrays the data is a pickle of any length."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def is_object(self) -> bool:
        """True if the data is a pickle."""
        return self.dtype.hasobject


def read_header(file: BinaryIO, *, where: str) -> NpyHeader:
    """Read one header at the position of a file and stop at the first byte of its data.

    Parameters
    ----------
    file
        Open for reading, at the magic bytes.
    where
        How errors name the file.

    Raises
    ------
    Truncated
        If the file ends within the header.
    Corrupt
        If the header contradicts the format.
    Unsupported
        For a format version or an element type that is not read.
    """
    start = file.tell()
    prefix = _read(file, len(MAGIC) + 2, where)
    if not prefix.startswith(MAGIC):
        message = (
            f"{where}, byte {start}: expected the magic bytes {MAGIC!r} of a .npy array, "
            f"found {prefix[: len(MAGIC)]!r}"
        )
        raise Corrupt(message, remedy="check that the file is a .npy file")
    version, minor = prefix[-2], prefix[-1]
    if version not in (1, 2, 3) or minor != 0:
        message = (
            f"{where}, byte {start + len(MAGIC)}: .npy format version {version}.{minor}; "
            "known are 1.0, 2.0 and 3.0"
        )
        raise Unsupported(message, remedy="save the array again with numpy.save")
    length = int.from_bytes(_read(file, 2 if version == 1 else 4, where), "little")
    text_at = file.tell()
    if length > _MAX_HEADER:
        message = (
            f"{where}, byte {start + len(MAGIC) + 2}: the header announces {length} bytes of text, "
            f"at most {_MAX_HEADER} are expected"
        )
        raise Corrupt(message, remedy="the length is damaged, or this is no array of numbers")
    raw = _read(file, length, where)
    try:
        text = raw.decode("utf-8" if version == 3 else "latin1")
        fields = parse_literal(text)
        return _header(fields, version=version, start=start, offset=file.tell())
    except (_HeaderError, LiteralError, UnicodeDecodeError) as error:
        message = (
            f"{where}, bytes {text_at} to {text_at + length}: the header is damaged: {error}; "
            f"found {raw[:80]!r}"
        )
        raise Corrupt(message, remedy="look for another copy of the file") from error
    except _ElementTypeError as error:
        message = f"{where}, byte {text_at}: {error}"
        raise Unsupported(message, remedy="save the array again as float32") from error


def element_type(code: str) -> DType:
    """Return the NumPy type for an element type code such as ``"<f4"`` or ``"|b1"``.

    Parameters
    ----------
    code
        As NumPy writes it in headers and pickles. ``"<V2"`` is bfloat16: NumPy writes plain
        two-byte voids as ``"|V2"``, and ml_dtypes has one type of two bytes.

    Raises
    ------
    TypeError
        For a code that is not read, with the reason.
    """
    if not _CODE.fullmatch(code):
        message = f"the element type {code[:40]!r} is not one of NumPy's basic types"
        raise TypeError(message)
    if code in ("<V2", ">V2"):
        bfloat16: DType = numpy_dtype("bfloat16")
        return bfloat16.newbyteorder("<" if code[0] == "<" else ">")
    if code in ("<V1", ">V1"):
        message = f"the element type {code!r} is an 8-bit float; which of several is not stored"
        raise TypeError(message)
    return np.dtype(object) if "O" in code else np.dtype(code)


class _HeaderError(ValueError):
    """The header contradicts the format."""


class _ElementTypeError(ValueError):
    """The header names an element type that is not read."""


def _read(file: BinaryIO, count: int, where: str) -> bytes:
    offset = file.tell()
    data = file.read(count)
    if len(data) < count:
        message = (
            f"{where}, byte {offset}: the file ends within a .npy header: expected {count} bytes, "
            f"found {len(data)}"
        )
        raise Truncated(message, remedy="look for a complete copy; nothing precedes the header")
    return data


def _header(fields: object, *, version: int, start: int, offset: int) -> NpyHeader:
    if not isinstance(fields, dict) or set(fields) != {"descr", "fortran_order", "shape"}:
        message = "expected exactly the keys descr, fortran_order and shape"
        raise _HeaderError(message)
    if not isinstance(fields["fortran_order"], bool):
        message = "fortran_order is neither True nor False"
        raise _HeaderError(message)
    dtype = _dtype(fields["descr"])
    shape = _shape(fields["shape"], itemsize=dtype.itemsize)
    return NpyHeader(
        version=version,
        dtype=dtype,
        fortran_order=fields["fortran_order"],
        shape=shape,
        start=start,
        offset=offset,
    )


def _shape(value: object, *, itemsize: int) -> Shape:
    if not isinstance(value, tuple) or not all(type(size) is int for size in value):
        message = "the shape is not a tuple of numbers"
        raise _HeaderError(message)
    if len(value) > _MAX_AXES or any(size < 0 for size in value):
        message = f"the shape {value[:8]} has a negative size or more than {_MAX_AXES} axes"
        raise _HeaderError(message)
    if math.prod(max(size, 1) for size in value) * max(itemsize, 1) > sys.maxsize:
        message = f"an array of shape {value} is larger than any memory"
        raise _HeaderError(message)
    return value


def _dtype(descr: object) -> DType:
    if isinstance(descr, str):
        try:
            return element_type(descr)
        except TypeError as error:
            raise _ElementTypeError(str(error)) from error
    if isinstance(descr, list):
        return _structured(descr)
    message = "descr is neither a type code nor a list of fields"
    raise _HeaderError(message)


def _structured(fields: Sequence[object]) -> DType:
    names: list[str] = []
    formats: list[DType] = []
    offsets: list[int] = []
    size = 0
    for field in fields:
        if not isinstance(field, tuple) or len(field) not in (2, 3):
            message = "a field of the structured type is not (name, type) or (name, type, shape)"
            raise _HeaderError(message)
        name = field[0][-1] if isinstance(field[0], tuple) and field[0] else field[0]
        if not isinstance(name, str):
            message = "a field of the structured type has no name"
            raise _HeaderError(message)
        dtype = _dtype(field[1])
        if len(field) == 3:
            dtype = np.dtype((dtype, _shape(field[2], itemsize=dtype.itemsize)))
        if name:  # an empty name is padding
            names.append(name)
            formats.append(dtype)
            offsets.append(size)
        size += dtype.itemsize
    try:
        layout: Mapping[str, Any] = {
            "names": names,
            "formats": formats,
            "offsets": offsets,
            "itemsize": size,
        }
        return np.dtype(layout)  # type: ignore[call-overload, no-any-return]
    except (ValueError, TypeError, OverflowError) as error:
        raise _HeaderError(str(error)) from error
