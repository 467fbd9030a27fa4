"""Zeros in files: what was never written, or was lost with the power, reads as zeros.

Knows bytes only. Whether zeros are values or a hole is decided by where they lie.
"""

import numpy as np

from tfrepair.core.tensor import Array

_BLOCK = 1 << 22
PAGE = 512
"""Bytes that disks and file systems lose at once, at least."""


def is_zero(data: memoryview) -> bool:
    """Return whether all bytes are zero; an empty range is."""
    return all(not _bytes(data[at : at + _BLOCK]).any() for at in range(0, len(data), _BLOCK))


def zero_tail(data: memoryview) -> int:
    """Return the first byte of the zeros that the file ends with; its size if there are none."""
    end = len(data)
    while end:
        start = max(0, end - _BLOCK)
        found = np.flatnonzero(_bytes(data[start:end]))
        if found.size:
            return start + int(found[-1]) + 1
        end = start
    return 0


def hole(data: memoryview) -> int:
    """Return where the hole at the end of a file begins, rounded up to a page; else its size.

    A hole is a run of zeros up to the end that covers a whole page.
    """
    first = zero_tail(data)
    start = first + -first % PAGE
    return start if start + PAGE <= len(data) else len(data)


def _bytes(data: memoryview) -> Array:
    return np.frombuffer(data, np.uint8)
