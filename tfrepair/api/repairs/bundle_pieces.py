"""The pieces of a bundle that a repair writes, and what donors give for those that are lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfrepair.core.errors import SourceError
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Health
from tfrepair.readers.bundle_index import Found, choose_bundle, find_index
from tfrepair.readers.bundle_tensors import BundleTensor, tensors_of
from tfrepair.readers.lost_index import data_files, rebuild_index
from tfrepair.readers.saves import Kind as SaveKind
from tfrepair.readers.saves import Save
from tfrepair.readers.stored import StoredTensor
from tfrepair.wire.bundle import BundleEntry
from tfrepair.wire.bundle_index import BundleIndex
from tfrepair.wire.bundle_repair import corrected_bytes
from tfrepair.wire.ordered_code import encode_slice_key

_SAMPLE = 1 << 14
_LARGEST = 1e12
"""Random bytes, read as floats, are larger than this in one case of four."""
_FEW = 16
"""So few zeros are no sign of damage."""
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


def refitted(save: Save, index: BundleIndex, pieces: Sequence[Piece]) -> Found | None:
    """Lay the index of one save over the data of another, if that is what they are.

    Most checksums are wrong then, though every data file ends where the index says, and the
    checksums inside of the data hold: data was copied or overwritten without its index. Their
    values must look like values, which noise and zeros do not.

    Returns
    -------
    The index with the checksums of the data as it is, so that every tensor is unverified; ``None``
    if the save is something else.
    """
    wrong = [piece for piece in pieces if piece.health is Health.CORRUPT]
    if 2 * len(wrong) <= len(pieces) or len(wrong) + _sound(pieces) < len(pieces):
        return None
    files, count = data_files(save.files)
    own = save.prefix.with_name(f"{save.prefix.name}.index")
    try:
        found = rebuild_index(save.prefix, files, count, [own])
    except SourceError:
        return None
    if found is None or found.cut:
        return None
    if not all(_looks_like_values(tensor) for tensor in tensors_of(found.index, found.shards)):
        return None
    finding = Finding(
        code="new-data-old-index",
        severity=Severity.WARNING,
        where=index.where,
        message=f"{len(wrong)} of {len(pieces)} checksums of the index do not fit the data, whose "
        "layout does: they are of different saves; the checksums are computed anew, and nothing "
        "vouches for the values",
        remedy="look for the index of this data, or the data of this index",
    )
    return found.index, found.shards, (finding,)


def _sound(pieces: Sequence[Piece]) -> int:
    return sum(piece.health in _WHOLE for piece in pieces)


def _looks_like_values(tensor: BundleTensor) -> bool:
    """Say whether a tensor holds what a training leaves: finite numbers of usual size."""
    try:
        array = tensor.fetch().reshape(-1)
    except SourceError:
        return False
    if array.dtype.kind != "f" or not array.size:
        return True
    sample = array[:: max(1, array.size // _SAMPLE)]
    if not np.isfinite(sample).all():
        return False
    largest = float(np.abs(sample).max())
    return largest < _LARGEST and (largest > 0 or array.size < _FEW)


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
