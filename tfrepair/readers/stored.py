"""One tensor of a bundle: its bytes, the verdict on them, and the array they mean.

Joins what :mod:`tfrepair.wire` knows about bytes with the words of
:class:`~tfrepair.core.tensor.Health`. A single flipped bit is corrected in memory; files stay
as they are. :mod:`tfrepair.readers.tensor_bundle` makes tensors of it.
"""

from dataclasses import dataclass, replace

import numpy as np

from tfrepair.core.errors import Corrupt, SourceError, Truncated, Unsupported
from tfrepair.core.plausibility import is_plausible
from tfrepair.core.tensor import Array, Health
from tfrepair.readers.neighborhood import Neighborhood
from tfrepair.wire.bit_repair import chance_of_false_alarm
from tfrepair.wire.bundle import BundleEntry
from tfrepair.wire.bundle_data import Shards, decode_tensor, verify_bytes
from tfrepair.wire.bundle_repair import SURE_BYTES, corrected_bytes
from tfrepair.wire.element_types import item_bytes, type_name

_REBUILT = "the index was rebuilt: no stored checksum vouches for the values"

_LFS_MARK = b"version https://git-lfs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What came of reading one tensor: an array or an error, and the verdict with its reason."""

    health: Health
    note: str = ""
    array: Array | None = None
    error: SourceError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTensor:
    """Entry, data files, name and surroundings of one tensor that is stored in one piece.

    ``is_rebuilt`` if the checksum of the entry was computed from the data.
    """

    shards: Shards
    entry: BundleEntry
    where: str
    around: Neighborhood
    is_rebuilt: bool = False

    def read(self) -> Reading:
        """Read, verify and decode; only damage of an unknown kind raises.

        Returns
        -------
        Never raises :class:`SourceError`: damage is in the result.
        """
        reading = self._read()
        self.around.verdicts[self.where] = reading.health, reading.note
        return reading

    def verdict(self) -> tuple[Health, str]:
        """Return the verdict and its reason; reads what was not read before."""
        known = self.around.verdicts.get(self.where)
        if known is not None:
            return known
        reading = self.read()
        return reading.health, reading.note

    def _read(self) -> Reading:
        try:
            data = self.shards.stored(self.entry, self.where)
        except Truncated as error:
            return Reading(health=Health.TRUNCATED, note=self._rows(), error=error)
        except SourceError as error:
            return Reading(health=Health.MISSING, note=error.message, error=error)
        try:
            verify_bytes(data, self.entry, self.shards.header, self.where)
        except Unsupported as error:
            return Reading(health=Health.UNVERIFIED, note=error.message, error=error)
        except Corrupt as error:
            return self._corrected(data, error)
        if self.is_rebuilt:
            return self._decoded(data, Health.UNVERIFIED, _REBUILT)
        return self._decoded(data, Health.VERIFIED, "")

    def _decoded(self, data: memoryview, health: Health, note: str) -> Reading:
        try:
            array = decode_tensor(data, self.entry, self.shards.header, self.where)
        except SourceError as error:
            return Reading(health=Health.CORRUPT, note=error.message, error=error)
        return Reading(health=health, note=note, array=array)

    def _corrected(self, data: memoryview, error: Corrupt) -> Reading:
        if not self.around.is_sound:
            note = (
                f"{error.message}; so are {self.around.damaged} of the smallest tensors: index "
                "and data seem to belong to different saves"
            )
            return Reading(health=Health.CORRUPT, note=note, error=Corrupt(note))
        found = corrected_bytes(data, self.entry, self.shards.header, self.where)
        if found is None:
            note = f"{error.message}{_looks_like(data)}"
            return Reading(health=Health.CORRUPT, note=note, error=Corrupt(note))
        fixed, bit = found
        place = self.entry.offset + bit // 8
        note = f"one flipped bit: bit {bit % 8} of byte {place} of the data file"
        reading = self._decoded(memoryview(fixed), Health.CORRECTED, note)
        if len(data) <= SURE_BYTES or reading.array is None:
            return reading
        chance = chance_of_false_alarm(len(data))
        if not is_plausible(reading.array, bit // (8 * max(1, reading.array.itemsize))):
            note = f"{error.message}; changing {note} would fit, but its value would stand out"
            return Reading(health=Health.CORRUPT, note=note, error=Corrupt(note))
        note += f"; other damage looks like this in {chance:.1%} of cases"
        return Reading(health=Health.CORRECTED, note=note, array=reading.array)

    def leading(self) -> Array:
        """Return the rows that the data file still holds; nothing verifies them.

        Raises
        ------
        SourceError
            If the data file is missing, or its elements have no rows of a fixed size.
        """
        view = self.shards.view(self.entry.shard)
        row = self._row_bytes()
        if not row or not self.entry.shape:
            message = f"{self.where}: {type_name(self.entry.dtype)} {self.entry.shape} has no rows"
            raise Unsupported(message)
        start = self.entry.offset
        rows = min(self.entry.shape[0], max(0, len(view) - start) // row)
        shape = (rows, *self.entry.shape[1:])
        part = replace(self.entry, shape=shape, size=rows * row)
        data = view[start : start + rows * row]
        return decode_tensor(data, part, self.shards.header, self.where)

    def _rows(self) -> str:
        there = max(0, len(self.shards.view(self.entry.shard)) - self.entry.offset)
        text = f"{there} of {self.entry.size} bytes are there"
        row = self._row_bytes()
        if not row:
            return text
        rows = self.entry.shape[0] if self.entry.shape else 1
        return f"{there // row} of {rows} rows, {text}"

    def _row_bytes(self) -> int:
        """Return the bytes of one row, of a scalar its own; 0 if nothing says so."""
        rows = self.entry.shape[0] if self.entry.shape else 1
        try:
            size = item_bytes(self.entry.dtype, self.where)
        except Unsupported:
            return 0
        return self.entry.elements // rows * size if rows else 0


def _looks_like(data: memoryview) -> str:
    """Return what bytes without any fitting checksum look like, as the end of a sentence."""
    if not any(data[:64]) and not np.frombuffer(data, np.uint8).any():
        return "; all bytes are zero, as a power cut leaves them"
    if bytes(data[: len(_LFS_MARK)]) == _LFS_MARK:
        return "; the file is a git-lfs pointer, not the data"
    return ""
