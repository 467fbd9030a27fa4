"""Names of element types, as tfrepair writes them, and the NumPy types behind them."""

import ml_dtypes
import numpy as np

_EXTENDED = {
    "bfloat16": ml_dtypes.bfloat16,
    "float8_e5m2": ml_dtypes.float8_e5m2,
    "float8_e4m3fn": ml_dtypes.float8_e4m3fn,
}


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
