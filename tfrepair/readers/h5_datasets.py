"""Datasets of an HDF5 file: what they declare, held against what is stored, and how to read them.

Everything is checked before anything is allocated: storage outside the file, declared against
stored bytes, filters, types. A dataset that cannot be read is in the store all the same and says
why. Arrays that lie in the file as they are, are read by offset; the library reads the others.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.errors import Corrupt, OverLimit, Refused, SourceError, Truncated, Unsupported
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Array, Health, Limits, Shape
from tfrepair.readers.h5_bytes import H5Bytes, MemoryFile
from tfrepair.readers.h5_tree import H5Dataset

_KINDS = "biufc"
_MAX_ITEM_BYTES = 16
_FLETCHER32 = 3
_BUILT_IN_FILTERS = range(1, 7)
"""Deflate, shuffle, fletcher32, szip, nbit, scale-offset; others are code that HDF5 would load."""
_REMEDY_LIMIT = "if you trust the file, read it with larger Limits"
_REMEDY_OUTSIDE = "Keras writes none; give a file that holds its own data"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Declared:
    """What a dataset says about itself."""

    path: str
    shape: Shape
    dtype: np.dtype[Any]
    type_name: str
    stored: int
    layout: int
    filters: tuple[int, ...]
    chunk: Shape
    offset: int | None

    @property
    def nbytes(self) -> int:
        """Bytes of the array."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_dataset(
    opened: Any, source: H5Bytes, path: str, size: int, limits: Limits, *, is_bfloat16: bool
) -> H5Dataset | Finding:
    """Describe an opened dataset; reads nothing of its data.

    Parameters
    ----------
    opened
        Identifier of the HDF5 library.
    source, path
        The file, and the dataset in it.
    size
        Of the file, in bytes.
    limits
        Bounds on size.
    is_bfloat16
        Whether Keras marked it as such: HDF5 has no type for it.

    Returns
    -------
    The dataset, damaged or not; a finding if it is no array of numbers.

    Raises
    ------
    Refused
        If its data lies in another file.
    """
    import h5py

    where = f"{source.where}: {path}"
    _require_inside(opened, where)
    dtype = _number_type(opened, is_bfloat16=is_bfloat16)
    is_void = opened.get_space().get_simple_extent_type() == h5py.h5s.NULL
    if dtype is None or is_void:
        kind = type(opened.get_type()).__name__.removeprefix("Type").removesuffix("ID").lower()
        what = "it has no elements" if is_void else f"its elements are of type {kind}"
        return Finding(
            code="not-a-tensor",
            severity=Severity.NOTE,
            where=where,
            message=f"not read as a tensor: {what}",
        )
    declared = _declared(opened, path, dtype)
    problem = _problem(declared, size, where, limits)
    return H5Dataset(
        path=path,
        shape=declared.shape,
        dtype=declared.type_name,
        nbytes=declared.nbytes,
        file=str(source.path),
        offset=None if declared.offset is None else source.place(declared.offset),
        health=Health.UNVERIFIED if problem is None else _health_of(problem),
        health_note="" if problem is None else problem.message.removeprefix(f"{where}: "),
        fetch=_fetch(declared, source, problem),
        examine=_examine(declared, source, problem),
    )


def _require_inside(opened: Any, where: str) -> None:
    import h5py

    plan = opened.get_create_plist()
    if plan.get_layout() == h5py.h5d.VIRTUAL:
        message = f"{where}: a virtual dataset, whose data lies in other datasets or files"
        raise Refused(message, remedy=_REMEDY_OUTSIDE)
    if plan.get_external_count():
        message = f"{where}: its data lies in {plan.get_external_count()} other files"
        raise Refused(message, remedy=_REMEDY_OUTSIDE)


def _number_type(opened: Any, *, is_bfloat16: bool) -> np.dtype[Any] | None:
    """Return the NumPy type that lies in the file bit by bit, or ``None``."""
    import h5py

    kind = opened.get_type()
    if not 0 < kind.get_size() <= _MAX_ITEM_BYTES:
        return None
    if isinstance(kind, h5py.h5t.TypeOpaqueID):
        return np.dtype("V2") if is_bfloat16 and kind.get_size() == 2 else None
    try:
        dtype: np.dtype[Any] = np.dtype(kind.dtype)
        is_exact = dtype.kind in _KINDS and h5py.h5t.py_create(dtype).equal(kind)
    except (TypeError, ValueError, NotImplementedError):
        return None
    return dtype if is_exact else None


def _declared(opened: Any, path: str, dtype: np.dtype[Any]) -> _Declared:
    import h5py

    plan = opened.get_create_plist()
    layout = plan.get_layout()
    is_raw = dtype.kind == "V"
    return _Declared(
        path=path,
        shape=tuple(opened.shape),
        dtype=dtype,
        type_name="bfloat16" if is_raw else dtype.name,
        stored=opened.get_storage_size(),
        layout=layout,
        filters=tuple(plan.get_filter(index)[0] for index in range(plan.get_nfilters())),
        chunk=plan.get_chunk() if layout == h5py.h5d.CHUNKED else (),
        offset=opened.get_offset() if layout == h5py.h5d.CONTIGUOUS else None,
    )


def _problem(declared: _Declared, size: int, where: str, limits: Limits) -> SourceError | None:
    """Return why a dataset cannot be read, or ``None``."""
    import h5py

    if declared.nbytes > limits.max_tensor_bytes:
        message = f"{where}: {declared.nbytes} bytes, the limit is {limits.max_tensor_bytes}"
        return OverLimit(message, remedy=_REMEDY_LIMIT)
    if declared.nbytes == 0:
        return None
    if declared.stored == 0:
        message = f"{where}: {declared.nbytes} bytes are announced, none was ever written"
        return Corrupt(message, remedy="look for another copy of the file")
    if declared.layout == h5py.h5d.CONTIGUOUS:
        return _cut(declared, size, where)
    return _chunk_problem(declared, where, limits)


def _cut(declared: _Declared, size: int, where: str) -> SourceError | None:
    offset = declared.offset
    if offset is None or declared.stored != declared.nbytes:
        message = f"{where}: {declared.nbytes} bytes are announced, {declared.stored} are stored"
        return Corrupt(message, remedy="look for another copy of the file")
    if offset + declared.nbytes > size:
        there = max(0, size - offset)
        message = f"{where}: {there} of {declared.nbytes} bytes are there, from byte {offset}"
        return Truncated(message, remedy="look for a complete copy of the file")
    return None


def _chunk_problem(declared: _Declared, where: str, limits: Limits) -> SourceError | None:
    unknown = [number for number in declared.filters if number not in _BUILT_IN_FILTERS]
    if unknown:
        message = f"{where}: compressed by filter {unknown[0]}, which HDF5 does not bring along"
        return Unsupported(message, remedy="write the file anew without it: h5repack -f NONE")
    largest = max(declared.nbytes, math.prod(declared.chunk) * declared.dtype.itemsize)
    if largest > limits.max_expansion * declared.stored:
        message = (
            f"{where}: {declared.stored} stored bytes announce to expand to {largest}, more than "
            f"{limits.max_expansion} times as many"
        )
        return OverLimit(message, remedy=_REMEDY_LIMIT)
    if not declared.filters and declared.stored < declared.nbytes:
        message = f"{where}: {declared.stored} of {declared.nbytes} bytes were written"
        return Truncated(message, remedy="look for a complete copy of the file")
    return None


def _health_of(problem: SourceError) -> Health:
    return Health.TRUNCATED if isinstance(problem, Truncated) else Health.CORRUPT


def _fetch(
    declared: _Declared, source: H5Bytes, problem: SourceError | None
) -> Callable[[], Array]:
    if problem is not None:
        kind, message, remedy = type(problem), problem.message, problem.remedy

        def refuse() -> Array:
            raise kind(message, remedy=remedy)

        return refuse
    offset = declared.offset
    if offset is not None and declared.dtype.kind in "iufcV":
        return lambda: _typed(
            source.array(offset, declared.shape, declared.dtype, declared.path), declared
        )
    return lambda: _by_library(declared, source)


def _typed(array: Array, declared: _Declared) -> Array:
    return array.view(numpy_dtype("bfloat16")) if declared.type_name == "bfloat16" else array


def _by_library(declared: _Declared, source: H5Bytes) -> Array:
    """Read with the library: chunks, booleans, and small arrays inside their headers."""
    import h5py

    where = f"{source.where}: {declared.path}"
    array: Array = np.zeros(declared.shape, declared.dtype)
    try:
        with h5py.File(MemoryFile(source.view()), "r") as file:
            opened = h5py.h5o.open(file.id, declared.path.encode("utf-8", "surrogateescape"))
            if array.size:
                opened.read(h5py.h5s.ALL, h5py.h5s.ALL, array)
    except (OSError, RuntimeError, ValueError, TypeError, LookupError, AttributeError) as error:
        message = f"{where}: {declared.stored} stored bytes cannot be read: {error}"
        raise Corrupt(message, remedy="look for another copy of the file") from error
    if not array.dtype.isnative:
        array = array.astype(declared.dtype.newbyteorder("="))
    array.flags.writeable = False
    return _typed(array, declared)


def _examine(
    declared: _Declared, source: H5Bytes, problem: SourceError | None
) -> Callable[[], tuple[Health, str]] | None:
    """Return how to find out about chunks: only reading them tells."""
    if problem is not None or not declared.chunk or declared.nbytes == 0:
        return None

    def examine() -> tuple[Health, str]:
        try:
            _by_library(declared, source)
        except SourceError as error:
            return Health.CORRUPT, error.message
        return (Health.VERIFIED if _FLETCHER32 in declared.filters else Health.UNVERIFIED), ""

    return examine
