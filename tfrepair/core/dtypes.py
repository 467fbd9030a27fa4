"""Names of element types, as tfrepair writes them, and the NumPy types behind them."""

from functools import lru_cache

import numpy as np

_EXTENDED = frozenset(
    {
        "bfloat16",
        "float8_e5m2",
        "float8_e5m2fnuz",
        "float8_e4m3fn",
        "float8_e4m3fnuz",
        "float8_e4m3b11fnuz",
        "float4_e2m1fn",
        "int4",
        "uint4",
        "int2",
        "uint2",
    }
)
"""Types of ml_dtypes, under its names."""

UNSIZED = frozenset({"string", "resource", "variant", "object"})
"""Types whose elements are objects of Python: texts and messages as ``bytes``."""


@lru_cache(maxsize=256)
def numpy_dtype(name: str) -> np.dtype[np.generic]:
    """Return the NumPy type for a dtype name.

    Parameters
    ----------
    name
        ``"float32"``, ``"bfloat16"``, ``"int64"``, ... (native byte order); TensorFlow's
        ``"string"``, ``"resource"`` and ``"variant"`` are arrays of objects.

    Raises
    ------
    TypeError
        For a name that neither NumPy nor ml_dtypes knows.
    """
    if name in _EXTENDED:
        # Here and not above: few files hold such a type, and every start would wait for it.
        import ml_dtypes  # noqa: PLC0415

        extended: np.dtype[np.generic] = np.dtype(getattr(ml_dtypes, name))
        return extended
    return np.dtype(object if name in UNSIZED else name)
