"""The pieces of a bundle that a repair writes, and what donors give for those that are lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tfrepair.core.errors import SourceError
from tfrepair.core.tensor import Health
from tfrepair.readers.bundle_index import choose_bundle, find_index
from tfrepair.readers.bundle_tensors import BundleTensor, tensors_of
from tfrepair.readers.saves import Kind as SaveKind
from tfrepair.readers.stored import StoredTensor
from tfrepair.wire.bundle import BundleEntry
from tfrepair.wire.bundle_index import BundleIndex
from tfrepair.wire.bundle_repair import corrected_bytes
from tfrepair.wire.ordered_code import encode_slice_key

_WHOLE = (Health.VERIFIED, Health.CORRECTED, Health.UNVERIFIED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One entry of the index that has bytes, and where they come from."""

    key: bytes
    stored: StoredTensor
    health: Health

    @property
    def entry(self) -> BundleEntry:
        """Its place, type and checksum in the index."""
        return self.stored.entry

    def content(self) -> memoryview | bytes:
        """Return the bytes as they are to be stored."""
        data = self.stored.shards.stored(self.entry, self.stored.where)
        if self.health is not Health.CORRECTED:
            return data
        found = corrected_bytes(data, self.entry, self.stored.shards.header, self.stored.where)
        if found is None:
            message = f"{self.stored.where}: the file has changed while it was repaired"
            raise SourceError(message)
        return found[0]


def pieces_of(tensors: Sequence[BundleTensor]) -> tuple[tuple[Piece, ...], set[bytes]]:
    """Return all pieces that have bytes, and the keys of those that cannot be read."""
    pieces, lost = [], set()
    for tensor in tensors:
        for place, stored in tensor.parts:
            key = tensor.key.encode("utf-8", "surrogateescape")
            if place is not None or tensor.entry.slices:
                key = encode_slice_key(tensor.key, place or tensor.entry.slices[0])
            piece = Piece(key=key, stored=stored, health=stored.verdict()[0])
            pieces.append(piece)
            if piece.health not in _WHOLE:
                lost.add(key)
    return tuple(pieces), lost


def with_wholes(lost: set[bytes], tensors: Sequence[BundleTensor]) -> frozenset[bytes]:
    """Add the entries of partitioned tensors of which a slice is lost, and their other slices."""
    gone = set(lost)
    for tensor in tensors:
        keys = {encode_slice_key(tensor.key, part) for part in tensor.entry.slices}
        if tensor.missing or keys & lost:
            gone |= keys | {tensor.key.encode("utf-8", "surrogateescape")}
    return frozenset(gone)


def opened(donors: Sequence[Path]) -> list[tuple[BundleTensor, ...]]:
    """Return the tensors of every donor.

    Raises
    ------
    SourceError
        If one is no checkpoint of this format.
    """
    opened = []
    for path in donors:
        save = choose_bundle(path).of(SaveKind.BUNDLE)
        if save is None:
            message = f"{path}: a donor must be a checkpoint of the same format"
            raise SourceError(message, remedy="give the prefix of an older save of the same run")
        index, shards, _ = find_index(save)
        opened.append(tensors_of(index, shards))
    return opened


def from_donors(
    donors: Sequence[tuple[BundleTensor, ...]], wanted: Sequence[Piece]
) -> dict[bytes, Piece]:
    """Return the pieces that donors have whole, under the same key, with type and shape alike."""
    found: dict[bytes, Piece] = {}
    for tensors in donors if wanted else ():
        given = {piece.key: piece for piece in pieces_of(tensors)[0]}
        for piece in wanted:
            other = given.get(piece.key)
            if piece.key not in found and other is not None and _may_replace(other, piece):
                found[piece.key] = other
    return found


def added_by(
    donors: Sequence[tuple[BundleTensor, ...]], index: BundleIndex
) -> tuple[BundleTensor, ...]:
    """Return the whole tensors of donors that are cut off in the source, place and all."""
    found: dict[str, BundleTensor] = {}
    for tensors in donors if index.absent else ():
        for tensor in tensors:
            is_wanted = tensor.key in index.absent and tensor.key not in found
            if is_wanted and tensor.examine()[0] in (Health.VERIFIED, Health.CORRECTED):
                found[tensor.key] = tensor
    return tuple(found[name] for name in index.absent if name in found)


def _may_replace(donor: Piece, piece: Piece) -> bool:
    alike = (donor.entry.dtype, donor.entry.shape) == (piece.entry.dtype, piece.entry.shape)
    same_order = donor.stored.shards.header.endianness == piece.stored.shards.header.endianness
    return alike and same_order and donor.health in (Health.VERIFIED, Health.CORRECTED)
