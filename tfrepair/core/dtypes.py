"""Names of element types, as tfrepair writes them, and the NumPy types behind them."""

from functools import lru_cache

import ml_dtypes
import numpy as np

_EXTENDED = {
    "bfloat16": ml_dtypes.bfloat16,
    "float8_e5m2": ml_dtypes.float8_e5m2,
    "float8_e5m2fnuz": ml_dtypes.float8_e5m2fnuz,
    "float8_e4m3fn": ml_dtypes.float8_e4m3fn,
    "float8_e4m3fnuz": ml_dtypes.float8_e4m3fnuz,
    "float8_e4m3b11fnuz": ml_dtypes.float8_e4m3b11fnuz,
    "float4_e2m1fn": ml_dtypes.float4_e2m1fn,
    "int4": ml_dtypes.int4,
    "uint4": ml_dtypes.uint4,
    "int2": ml_dtypes.int2,
    "uint2": ml_dtypes.uint2,
}


@lru_cache(maxsize=256)
def numpy_dtype(name: str) -> np.dtype[np.generic]:
    """Return the NumPy type for a dtype name.

    Parameters
    ----------
    name
        ``"float32"``, ``"bfloat16"``, ``"int64"``, ... (native byte order).

    Raises
    ------
    TypeError
        For a name that neither NumPy nor ml_dtypes knows.
    """
    dtype: np.dtype[np.generic] = np.dtype(_EXTENDED.get(name, name))
    return dtype
