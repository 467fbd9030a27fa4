"""The tensors of a save of the first format, from all its shards.

Each shard is a table; a tensor's slices may lie in several of them. A shard whose footer is lost
is scanned from its beginning. Knows tables and tensors; :mod:`tfrepair.readers.saver_v1` makes a
store of it, :mod:`tfrepair.readers.rivals` compares.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tfrepair.core.dtypes import UNSIZED, numpy_dtype
from tfrepair.core.errors import Corrupt, OverLimit, SourceError, Truncated
from tfrepair.core.tensor import Array, Health, Limits, Shape
from tfrepair.wire.bundle import Slice
from tfrepair.wire.element_types import NAMES, item_bytes
from tfrepair.wire.mapping import map_file
from tfrepair.wire.ordered_code import encode_slice_key
from tfrepair.wire.saver_v1 import SlicedTensor, Values, open_header, read_slice
from tfrepair.wire.slices import is_whole, join_slices, leading_rows
from tfrepair.wire.sstable import open_table
from tfrepair.wire.sstable_scan import ScannedTable, scan_table


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedTensor:
    """One tensor with its slices and the tables they lie in."""

    name: str
    path: str
    dtype_number: int
    shape: Shape
    parts: tuple[tuple[Slice, Values], ...]

    @property
    def dtype(self) -> str:
        """Name of the element type; ``"object"`` for types that TensorFlow does not have."""
        return NAMES.get(self.dtype_number, "object")

    @property
    def is_numeric(self) -> bool:
        """True unless the elements are strings or of an unknown type."""
        return self.dtype not in UNSIZED

    @property
    def nbytes(self) -> int:
        """Bytes of the array; strings count as nothing."""
        if not self.is_numeric:
            return 0
        return math.prod(self.shape) * item_bytes(self.dtype_number, self.name)

    def fetch(self) -> Array:
        """Read all slices and join them.

        Raises
        ------
        SourceError
            If one is damaged or missing.
        """
        (first, table), *more = self.parts
        if not more and is_whole(self.shape, first):
            return read_slice(table, self._sliced, first)
        pieces = [(part, read_slice(values, self._sliced, part)) for part, values in self.parts]
        return join_slices(self.shape, numpy_dtype(self.dtype), pieces, self.name)

    def leading(self) -> Array:
        """Return the first rows of a partitioned variable, up to a slice that is not there.

        Raises
        ------
        SourceError
            If there are none, or it is not divided by rows.
        """
        pieces = ((part, partial(self._slice, values, part)) for part, values in self.parts)
        return leading_rows(self.shape, pieces, self.name)

    def _slice(self, values: Values, part: Slice) -> Array | None:
        try:
            return read_slice(values, self._sliced, part)
        except SourceError:
            return None

    def examine(self) -> tuple[Health, str]:
        """Read all slices; the checksums are those of the blocks they lie in."""
        elements = 0
        problems: list[SourceError] = []
        corrections: list[str] = []
        for part, values in self.parts:
            try:
                elements += read_slice(values, self._sliced, part).size
            except SourceError as error:
                problems.append(error)
                continue
            note = values.correction_of(encode_slice_key(self.name, part))
            corrections += [note] if note else []
        if problems:
            return self._damaged(problems, elements)
        if corrections:
            return Health.CORRECTED, corrections[0]
        return Health.VERIFIED, ""

    def _damaged(self, problems: list[SourceError], elements: int) -> tuple[Health, str]:
        first = problems[0]
        if elements:
            whole = math.prod(self.shape)
            return Health.TRUNCATED, f"{elements} of {whole} elements are there; {first.message}"
        is_gone = isinstance(first, Truncated)
        return Health.MISSING if is_gone else Health.CORRUPT, first.message

    @property
    def _sliced(self) -> SlicedTensor:
        slices = tuple(part for part, _ in self.parts)
        return SlicedTensor(
            name=self.name, dtype=self.dtype_number, shape=self.shape, slices=slices
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SaverTables:
    """A whole save: its tensors by name, in the order of their shards, and what is damaged."""

    tensors: Mapping[str, SavedTensor]
    problems: tuple[tuple[Path, SourceError], ...] = ()
    corrections: tuple[str, ...] = field(default=())


def open_tables(files: tuple[Path, ...], limits: Limits) -> SaverTables:
    """Open the shards of a save; reads their indexes and lists of tensors.

    Raises
    ------
    SourceError
        If nothing of any shard can be read, the shards contradict each other, or there are more
        tensors than the limits allow.
    """
    problems: list[tuple[Path, SourceError]] = []
    found: dict[str, SavedTensor] = {}
    corrections: list[str] = []
    for path in files:
        try:
            values = _open(path, problems)
            for tensor in open_header(values):
                _take(found, tensor, values, path)
        except SourceError as error:
            problems.append((path, error))
            continue
        corrections += values.corrections
        if len(found) > limits.max_tensors:
            message = f"{path}: {len(found)} tensors, the limit is {limits.max_tensors}"
            raise OverLimit(message)
    if problems and not found:
        raise problems[0][1]
    return SaverTables(tensors=found, problems=tuple(problems), corrections=tuple(corrections))


def _open(path: Path, problems: list[tuple[Path, SourceError]]) -> Values:
    data = map_file(path)
    try:
        return open_table(data, str(path), mend=True)
    except SourceError as error:
        scan = scan_table(data, str(path))
        if not scan.proven:
            raise
        problems.append((path, error))
        return ScannedTable(scan=scan, where=str(path))


def _take(found: dict[str, SavedTensor], tensor: SlicedTensor, values: Values, path: Path) -> None:
    parts = tuple((part, values) for part in tensor.slices)
    known = found.get(tensor.name)
    if known is None:
        found[tensor.name] = SavedTensor(
            name=tensor.name,
            path=str(path),
            dtype_number=tensor.dtype,
            shape=tensor.shape,
            parts=parts,
        )
        return
    if (known.dtype_number, known.shape) != (tensor.dtype, tensor.shape):
        message = (
            f"{path}: {tensor.name} is {NAMES.get(tensor.dtype)} {tensor.shape} here and "
            f"{known.dtype} {known.shape} in {known.path}: shards of different saves"
        )
        raise Corrupt(message)
    found[tensor.name] = SavedTensor(
        name=known.name,
        path=known.path,
        dtype_number=known.dtype_number,
        shape=known.shape,
        parts=(*known.parts, *parts),
    )
