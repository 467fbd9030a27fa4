"""The tensors of a bundle: whole ones, and partitioned ones joined from their slices.

Each has its entry, its pieces and lazy ``fetch`` and ``examine``; nothing is read before.
:mod:`tfrepair.readers.tensor_bundle` gives them names.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from tfrepair.core.dtypes import UNSIZED, numpy_dtype
from tfrepair.core.errors import Corrupt
from tfrepair.core.tensor import Array, Health
from tfrepair.readers.neighborhood import Neighborhood
from tfrepair.readers.stored import Reading, StoredTensor
from tfrepair.wire.bundle import BundleEntry, Slice
from tfrepair.wire.bundle_data import Shards
from tfrepair.wire.bundle_index import BundleIndex
from tfrepair.wire.element_types import NAMES, item_bytes
from tfrepair.wire.ordered_code import encode_slice_key, is_slice_key
from tfrepair.wire.slices import is_whole, join_slices, leading_rows, show_slice

_WORST = (
    Health.MISSING,
    Health.TRUNCATED,
    Health.CORRUPT,
    Health.UNVERIFIED,
    Health.CORRECTED,
    Health.VERIFIED,
)
"""From worst to best: a tensor is as healthy as its worst slice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleTensor:
    """One tensor of a bundle.

    Attributes
    ----------
    key, path, offset
        Key in the index; data file and place of its first piece.
    entry
        Type and shape of the whole.
    parts
        The pieces with their places; one without a place for a tensor that is not partitioned.
    missing
        Slices that the index announces and does not have.
    """

    key: str
    path: str
    entry: BundleEntry
    parts: tuple[tuple[Slice | None, StoredTensor], ...]
    missing: tuple[Slice, ...] = ()
    offset: int | None = field(default=None)

    @property
    def pieces(self) -> Iterator[BundleEntry]:
        """Entries of the pieces."""
        return (stored.entry for _, stored in self.parts)

    @property
    def dtype(self) -> str:
        """Name of the element type; ``"object"`` for types that TensorFlow does not have."""
        return NAMES.get(self.entry.dtype, "object")

    @property
    def is_numeric(self) -> bool:
        """True unless the elements are strings, variants or of an unknown type."""
        return self.dtype not in UNSIZED

    @property
    def nbytes(self) -> int:
        """Bytes of the whole tensor; of strings as stored."""
        if not self.is_numeric:
            return sum(entry.size for entry in self.pieces)
        return self.entry.elements * item_bytes(self.entry.dtype, self.key)

    def fetch(self) -> Array:
        """Read, verify and decode.

        Raises
        ------
        SourceError
            If the data is damaged beyond one flipped bit, or not all there.
        """
        (place, first), *_ = self.parts or ((None, None),)
        if first is None:
            message = f"{self.key}: none of its {len(self.missing)} slices is there"
            raise Corrupt(message)
        if place is None:
            return _array(first.read())
        dtype = numpy_dtype(self.dtype)
        pieces = [(place or (), _array(stored.read())) for place, stored in self.parts]
        return join_slices(self.entry.shape, dtype, pieces, self.key)

    def leading(self) -> Array:
        """Return the first rows that are there; those of a piece that is cut are not verified.

        Raises
        ------
        SourceError
            If there are none, or a partitioned variable is not divided by rows.
        """
        if len(self.parts) == 1 and self.parts[0][0] is None:
            return self.parts[0][1].leading()
        pieces = ((place or (), partial(_rows_of, stored)) for place, stored in self.parts)
        return leading_rows(self.entry.shape, pieces, self.key)

    def examine(self) -> tuple[Health, str]:
        """Return the verdict of the worst piece; reads and verifies what was not read before."""
        if self.missing:
            shown = ", ".join(show_slice(part) for part in self.missing[:5])
            count = len(self.missing) + len(self.parts)
            return Health.TRUNCATED, f"{len(self.missing)} of {count} slices are missing: {shown}"
        verdicts = (stored.verdict() for _, stored in self.parts)
        return min(verdicts, key=lambda verdict: _WORST.index(verdict[0]))


def _rows_of(stored: StoredTensor) -> Array | None:
    if stored.verdict()[0] is Health.TRUNCATED:
        return stored.leading()
    return stored.read().array


def _array(reading: Reading) -> Array:
    if reading.array is None:
        raise reading.error or Corrupt(reading.note)
    return reading.array


def tensors_of(index: BundleIndex, shards: Shards) -> tuple[BundleTensor, ...]:
    """Return the tensors that an index names, in the order of the data files.

    Slices are joined to the tensors they belong to. Reads nothing, unless the index is damaged:
    then an entry that the index cannot prove is taken only if its data fits its checksum.
    """
    around = Neighborhood(index, shards)
    found = []
    for name, entry in index.entries.items():
        if is_slice_key(name):
            continue
        key = name.decode("utf-8", "surrogateescape")
        tensor = _tensor(key, entry, index, shards, around)
        if name not in index.unproven or tensor.examine()[0] is Health.VERIFIED:
            found.append(tensor)
    return tuple(sorted(found, key=_place))


def _place(tensor: BundleTensor) -> tuple[int, int, str]:
    first = next(tensor.pieces, tensor.entry)
    return first.shard, first.offset, tensor.key


def _tensor(
    key: str,
    entry: BundleEntry,
    index: BundleIndex,
    shards: Shards,
    around: Neighborhood,
) -> BundleTensor:
    rebuilt = bool(index.rebuilt) and key.encode("utf-8", "surrogateescape") in index.rebuilt
    parts: list[tuple[Slice | None, StoredTensor]] = []
    missing: list[Slice] = []
    for part in entry.slices:
        stored = index.entries.get(encode_slice_key(key, part))
        if stored is None:
            missing.append(part)
        else:
            place = None if is_whole(entry.shape, part) else part
            parts.append((place, _stored(key, stored, shards, around, rebuilt)))
    if not entry.slices:
        parts.append((None, _stored(key, entry, shards, around, rebuilt)))
    first: Sequence[BundleEntry] = [stored.entry for _, stored in parts]
    where = shards.path(first[0].shard if first else entry.shard)
    return BundleTensor(
        key=key,
        path=str(where),
        entry=entry,
        parts=tuple(parts),
        missing=tuple(missing),
        offset=first[0].offset if first else None,
    )


def _stored(
    key: str, entry: BundleEntry, shards: Shards, around: Neighborhood, rebuilt: bool
) -> StoredTensor:
    where = f"{shards.path(entry.shard)}, {key} at byte {entry.offset}"
    return StoredTensor(shards=shards, entry=entry, where=where, around=around, is_rebuilt=rebuilt)
