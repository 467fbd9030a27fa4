"""The allow-list: every name that a pickle may use, and what tfrepair does in its place.

Each name leads to a function of this module, never to the object that the file means. A class
that is only passed along (``numpy.ndarray``) is a mark without a function. Sizes are checked
against the bytes that are there before an array is made. Used by
:mod:`tfrepair.wire.safe_pickle` only.

Source: what pickles of NumPy 1.11 to 2.4 under Python 2.7 to 3.13 name; golden files
``tests/golden/npy``.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.errors import Corrupt, Refused, SourceError, Unsupported
from tfrepair.core.tensor import Array
from tfrepair.wire.npy import DType, element_type

_MAX_AXES = 64
_LATIN1 = frozenset(("latin1", "latin-1", "iso-8859-1"))
_KEY_TYPES = frozenset((str, bytes, int, float, bool, complex, type(None)))
_MAX_KEY = 1 << 63
"""Larger numbers can be chosen to collide in a hash table."""
_MAX_KEY_PARTS = 16


class RebuildError(ValueError):
    """A value cannot be rebuilt; ``kind`` is the error that a reader reports."""

    def __init__(self, message: str, kind: type[SourceError] = Corrupt) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedName:
    """A name of the allow-list.

    Attributes
    ----------
    name
        Dotted, as the file spells it.
    call
        What runs when the pickle calls the name; ``None`` for a mark.
    element_type
        For the types of ml_dtypes: the dtype's name.
    """

    name: str
    call: Callable[..., object] | None = None
    element_type: str = ""


class PickledDType:
    """An element type under construction: a pickle gives the code first and the order later."""

    __slots__ = ("_code", "_name", "_order")

    def __init__(self, *, code: str = "", name: str = "") -> None:
        self._code = code.lstrip("<>|=")
        self._name = name
        self._order = code[0] if code.startswith(("<", ">")) else "="

    def set_state(self, state: object) -> None:
        """Take the byte order; refuse fields and inner shapes.

        Raises
        ------
        RebuildError
            For a state that no NumPy writes, or a structured type.
        """
        if not isinstance(state, tuple) or len(state) < 5 or state[0] not in (3, 4):
            message = "the state of a dtype has an unknown form"
            raise RebuildError(message)
        if state[2] is not None or state[3] is not None or state[4] is not None:
            message = "a structured element type inside a pickle is not read"
            raise RebuildError(message, Unsupported)
        order = _text(state[1], "byte order")
        if order not in ("<", ">", "|", "="):
            message = f"unknown byte order {order[:8]!r} of a dtype"
            raise RebuildError(message)
        self._order = order

    def resolve(self) -> DType:
        """Return the NumPy type.

        Raises
        ------
        RebuildError
            For a code that is not one of NumPy's basic types.
        """
        if self._name:
            named: DType = numpy_dtype(self._name)
            return named.newbyteorder(">") if self._order == ">" else named
        order = "|" if self._code.startswith("V") else self._order
        try:
            return element_type(order + self._code)
        except TypeError as error:
            raise RebuildError(str(error), Unsupported) from error


def set_array_state(array: Array, state: object) -> None:
    """Fill an array in place, as ``ndarray.__setstate__`` does.

    Parameters
    ----------
    array
        Made by :func:`_reconstruct`, still empty.
    state
        ``(version, shape, dtype, is_fortran, data)``, the version optional.

    Raises
    ------
    RebuildError
        If shape, type and data contradict each other.
    """
    if not isinstance(state, tuple) or len(state) not in (4, 5):
        message = "the state of an array is not (version, shape, dtype, order, data)"
        raise RebuildError(message)
    shape, dtype, is_fortran, data = state[-4:]
    shape, resolved = _numbers(shape, "shape of an array"), _resolved(dtype)
    if resolved.hasobject:
        if type(data) is not list or len(data) != math.prod(shape):
            message = (
                f"an object array of shape {shape} does not come with {math.prod(shape)} items"
            )
            raise RebuildError(message)
        content: list[Any] | bytes = data
    else:
        content = bytes(_data_bytes(data))
        _check_size(shape, resolved, len(content))
    # The stubs ask for numpy.bool, which NumPy itself does not take here.
    is_fortran = bool(is_fortran) if isinstance(is_fortran, int | np.bool) else False
    array.__setstate__((1, shape, resolved, is_fortran, content))  # type: ignore[arg-type]


def check_keys(keys: list[Any]) -> None:
    """Refuse keys whose hash costs more than a glance: only text, numbers, short flat tuples.

    Raises
    ------
    RebuildError
        Naming the type of the key.
    """
    for key in keys:
        parts = key if type(key) is tuple and len(key) <= _MAX_KEY_PARTS else (key,)
        for part in parts:
            if type(part) not in _KEY_TYPES and not isinstance(part, np.generic):
                message = f"a dict key or set item of type {type(part).__name__}"
                raise RebuildError(message, Unsupported)
            if type(part) is int and abs(part) > _MAX_KEY:
                message = "a dict key or set item beyond 64 bits"
                raise RebuildError(message, Unsupported)


def _text(value: object, what: str) -> str:
    if isinstance(value, bytes):
        return value.decode("latin1")
    if not isinstance(value, str):
        message = f"the {what} is a {type(value).__name__}, expected text"
        raise RebuildError(message)
    return value


def _data_bytes(data: object) -> bytes | bytearray:
    if isinstance(data, bytes | bytearray):
        return data
    if isinstance(data, str):  # as some writers of protocol 0 leave it
        return data.encode("latin1")
    message = f"array data is a {type(data).__name__}, expected bytes"
    raise RebuildError(message)


def _numbers(value: object, what: str) -> tuple[int, ...]:
    """Check without printing, comparing or hashing: nesting can make each of them endless."""
    if not isinstance(value, tuple) or len(value) > _MAX_AXES:
        message = f"the {what} is no tuple of at most {_MAX_AXES} numbers"
        raise RebuildError(message)
    for size in value:
        if type(size) is not int or not 0 <= size < _MAX_KEY:
            message = f"the {what} holds something else than numbers from 0 to 2**63"
            raise RebuildError(message)
    return value


def _resolved(dtype: object) -> DType:
    if not isinstance(dtype, PickledDType):
        message = f"the element type of an array is a {type(dtype).__name__}"
        raise RebuildError(message)
    return dtype.resolve()


def _check_size(shape: tuple[int, ...], dtype: DType, found: int) -> None:
    expected = math.prod(shape) * dtype.itemsize
    if expected != found:
        message = (
            f"an array of shape {shape} and type {dtype} takes {expected} bytes, found {found}"
        )
        raise RebuildError(message)


def _reconstruct(subtype: object, _shape: object, _typecode: object) -> Array:
    """Make the empty array that a state fills later; the announced shape is never allocated."""
    if subtype is not _NDARRAY and subtype is not _OLD_NDARRAY:
        message = "an array of a class other than numpy.ndarray"
        raise RebuildError(message, Refused)
    return np.empty(0, np.int8)


def _dtype(code: object, _align: object = False, _copy: object = False) -> PickledDType:
    if isinstance(code, AllowedName) and code.element_type:
        return PickledDType(name=code.element_type)
    return PickledDType(code=_text(code, "element type"))


def _scalar(dtype: object, data: object = b"") -> object:
    resolved, content = _resolved(dtype), _data_bytes(data)
    if resolved.hasobject:
        message = "a scalar of object type"
        raise RebuildError(message, Refused)
    _check_size((), resolved, len(content))
    if resolved.itemsize == 0:
        return resolved.type()
    return np.frombuffer(bytes(content), resolved)[0]


def _from_buffer(
    buffer: object, dtype: object, shape: object, order: object, axes: object = None
) -> Array:
    sizes, resolved, content = (
        _numbers(shape, "shape of an array"),
        _resolved(dtype),
        _data_bytes(buffer),
    )
    if resolved.hasobject:
        message = "a buffer of object type"
        raise RebuildError(message, Refused)
    _check_size(sizes, resolved, len(content))
    array: Array = np.ndarray(sizes, resolved, bytes(content), order="F" if order == "F" else "C")
    if axes is None:
        return array
    return array.transpose(_numbers(axes, "axis order of a buffer"))


def _encode(text: object, encoding: object = "latin1") -> bytes:
    """Return bytes that Python 3 wrote as text into a pickle of protocol 0 to 2."""
    _require_latin1(encoding)
    return _text(text, "text of _codecs.encode").encode("latin1")


def _require_latin1(encoding: object) -> None:
    if not isinstance(encoding, str) or encoding not in _LATIN1:
        found = repr(encoding[:40]) if isinstance(encoding, str) else type(encoding).__name__
        message = f"the text encoding {found}; array data needs latin1 only"
        raise RebuildError(message, Refused)


def _bytes() -> bytes:
    return b""


def _bytearray(data: object = b"", encoding: object = "latin1") -> bytearray:
    _require_latin1(encoding)
    return bytearray(_data_bytes(data))


def _complex(real: float, imaginary: float) -> complex:
    return complex(float(real), float(imaginary))


def _set(items: object = ()) -> set[Any]:
    return set(_keys_of(items))


def _frozenset(items: object = ()) -> frozenset[Any]:
    return frozenset(_keys_of(items))


def _keys_of(items: object) -> list[Any]:
    if not isinstance(items, list | tuple):
        message = f"a set is made from a {type(items).__name__}"
        raise RebuildError(message)
    check_keys(list(items))
    return list(items)


def _ordered_dict(pairs: object = ()) -> OrderedDict[Any, Any]:
    """Python 2 passes the pairs; Python 3 sets the items afterwards."""
    if not isinstance(pairs, list | tuple) or not all(
        isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs
    ):
        message = "an OrderedDict is made from something else than pairs"
        raise RebuildError(message)
    check_keys([pair[0] for pair in pairs])
    return OrderedDict((key, value) for key, value in pairs)


def _default_dict(_factory: object = None) -> dict[Any, Any]:
    """Drop the factory: nothing looks up a missing key."""
    return {}


_NDARRAY = AllowedName(name="numpy.ndarray")
_OLD_NDARRAY = AllowedName(name="numpy.core.multiarray.ndarray")
_CORE = ("numpy.core", "numpy._core")
_BUILTINS = ("builtins", "__builtin__")
_CALLED: Mapping[str, Callable[..., object]] = {
    "bytes": _bytes,
    "bytearray": _bytearray,
    "complex": _complex,
    "set": _set,
    "frozenset": _frozenset,
}
_MARKS = ("list", "dict", "tuple", "int", "long", "float", "bool", "str", "unicode")
"""Factories of a ``defaultdict``; never called."""
_EXTENDED = ("bfloat16", "float8_e5m2", "float8_e4m3fn")


def _allowed() -> Mapping[tuple[str, str], AllowedName]:
    table: dict[tuple[str, str], AllowedName] = {
        ("numpy", "ndarray"): _NDARRAY,
        ("numpy.core.multiarray", "ndarray"): _OLD_NDARRAY,
    }

    def add(module: str, name: str, call: Callable[..., object] | None = None) -> None:
        table[module, name] = AllowedName(name=f"{module}.{name}", call=call)

    for core in _CORE:
        add(f"{core}.multiarray", "_reconstruct", _reconstruct)
        add(f"{core}.multiarray", "scalar", _scalar)
        add(f"{core}.numeric", "_frombuffer", _from_buffer)
    add("numpy", "dtype", _dtype)
    add("_codecs", "encode", _encode)
    add("collections", "OrderedDict", _ordered_dict)
    add("collections", "defaultdict", _default_dict)
    for builtins in _BUILTINS:
        for name, call in _CALLED.items():
            add(builtins, name, call)
        for name in _MARKS:
            add(builtins, name)
    for name in _EXTENDED:
        table["ml_dtypes", name] = AllowedName(name=f"ml_dtypes.{name}", element_type=name)
    return MappingProxyType(table)


ALLOWED = _allowed()
"""Allowed names by module and name."""
