"""Digests of values and of files' bytes; the only hash that tfrepair promises is SHA-256."""

import hashlib

import numpy as np

from tfrepair.core.tensor import Array


def array_digest(array: Array) -> str:
    """Return the SHA-256 of an array's bits.

    Parameters
    ----------
    array
        Any numeric array. Its elements are hashed in C order, little endian; shape and dtype do
        not enter the digest. Of an array of strings (``bytes`` objects), each string is hashed
        behind its length as 8 bytes.

    Returns
    -------
    64 hexadecimal digits. Two arrays with equal bits have equal digests; ``0.0`` and ``-0.0``
    and different NaN payloads do not.
    """
    if array.dtype == object:
        return _strings_digest(array)
    contiguous = np.ascontiguousarray(array)
    if contiguous.dtype.byteorder == ">":
        contiguous = contiguous.astype(contiguous.dtype.newbyteorder("<"))
    return hashlib.sha256(contiguous.reshape(-1).view(np.uint8).data).hexdigest()


def _strings_digest(array: Array) -> str:
    total = hashlib.sha256()
    for item in array.reshape(-1):
        total.update(len(item).to_bytes(8, "little"))
        total.update(item)
    return total.hexdigest()


def text_digest(text: str) -> str:
    """Return the SHA-256 of a text's UTF-8 bytes, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()
