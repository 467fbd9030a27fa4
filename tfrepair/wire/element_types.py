"""TensorFlow's element types: their numbers in files, and tfrepair's names for them.

A data table. Names are NumPy's or ml_dtypes' (:func:`tfrepair.core.dtypes.numpy_dtype` knows
them), except for ``string``, ``resource`` and ``variant``, which have no fixed size.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.errors import Unsupported

STRING, RESOURCE, VARIANT = 7, 20, 21

NAMES: Mapping[int, str] = MappingProxyType(
    {
        1: "float32",
        2: "float64",
        3: "int32",
        4: "uint8",
        5: "int16",
        6: "int8",
        STRING: "string",
        8: "complex64",
        9: "int64",
        10: "bool",
        11: "int8",  # qint8
        12: "uint8",  # quint8
        13: "int32",  # qint32
        14: "bfloat16",
        15: "int16",  # qint16
        16: "uint16",  # quint16
        17: "uint16",
        18: "complex128",
        19: "float16",
        RESOURCE: "resource",
        VARIANT: "variant",
        22: "uint32",
        23: "uint64",
        24: "float8_e5m2",
        25: "float8_e4m3fn",
        26: "float8_e4m3fnuz",
        27: "float8_e4m3b11fnuz",
        28: "float8_e5m2fnuz",
        29: "int4",
        30: "uint4",
        31: "int2",
        32: "uint2",
        33: "float4_e2m1fn",
    }
)
"""Name by number. Quantized types read as the plain integers that they are stored as; types
below one byte are stored one element per byte."""

_SIZELESS = frozenset({STRING, RESOURCE, VARIANT})

_REFERENCE = 100
"""TensorFlow 1 adds this to the type of a reference variable."""


def type_name(number: int) -> str:
    """Return the name of an element type, or ``"type 77"`` for an unknown number."""
    return NAMES.get(number % _REFERENCE, f"type {number}")


def item_bytes(number: int, where: str) -> int:
    """Return the stored size of one element in bytes.

    Raises
    ------
    Unsupported
        For strings, variants and numbers that TensorFlow does not use.
    """
    size = _item_bytes(number)
    if size is None:
        message = f"{where}: elements of {type_name(number)} have no fixed size"
        raise Unsupported(message)
    return size


@lru_cache(maxsize=64)
def _item_bytes(number: int) -> int | None:
    """Return the size of a known type; found when asked for, as ml_dtypes takes long to import."""
    is_known = number in NAMES and number not in _SIZELESS
    return numpy_dtype(NAMES[number]).itemsize if is_known else None
