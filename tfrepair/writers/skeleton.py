"""A SavedModel that TensorFlow exported once, filled with other weights: no TensorFlow, no tracing.

Everything but the variables is copied. Of the variables, those that a state fills are written at
their places, the others are moved as they are; index and fingerprint follow. What may be filled
this way, :mod:`tfrepair.api.skeletons` decides: a graph can hold constants made from weights.

Source: two exports of one architecture differ in index, data and fingerprint only,
``tests/e2e/test_skeletons.py``; fingerprint.proto: field 5 is the hash of the index, 7 a name.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from tfrepair.core.architecture import Architecture, VariablePath
from tfrepair.core.digest import array_digest
from tfrepair.core.errors import WriteError
from tfrepair.core.receipt import Receipt, WrittenVariable
from tfrepair.core.state import State, StateEntry
from tfrepair.wire.bundle import BundleEntry, BundleHeader, shard_name
from tfrepair.wire.bundle_index import BundleIndex, read_index
from tfrepair.wire.bundle_writer import stored_form, write_index
from tfrepair.wire.crc32c import mask
from tfrepair.wire.element_types import STRING, VARIANT
from tfrepair.wire.farmhash import fingerprint64
from tfrepair.wire.ordered_code import decode_slice_key, is_slice_key
from tfrepair.wire.protobuf import bytes_field, read_fields, varint_field
from tfrepair.wire.slices import slice_bounds

VARIABLES = Path("variables")
_PREFIX = "variables"
_FINGERPRINT = Path("fingerprint.pb")
_INDEX_HASH, _NAME = 5, 7
_MOVE = 8 << 20
"""Bytes that are moved in one call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skeleton:
    """One exported SavedModel, ready to be filled.

    Attributes
    ----------
    folder
        Holds ``model/`` and what is said about it.
    architecture
        As the host described it.
    receipt
        Of the export: the digests are those of the values that lie in ``model/``.
    obstacle
        Why it holds for its own weights only; empty if it holds for all.
    """

    folder: Path
    architecture: Architecture
    receipt: Receipt
    obstacle: str = ""

    @property
    def model(self) -> Path:
        """The SavedModel."""
        return self.folder / "model"


def fill(skeleton: Skeleton, state: State, out: Path) -> Receipt:
    """Write a SavedModel from a skeleton and a state.

    Parameters
    ----------
    skeleton
        Without an obstacle.
    state
        Values; variables without one have what the skeleton has.
    out
        Directory to be made.

    Returns
    -------
    The receipt of the output, without a probe. At most one value is in memory at a time.

    Raises
    ------
    WriteError
        If a value does not fit its place.
    """
    copy_frame(skeleton.model, out)
    filled = {entry.path: entry for entry in state.filled}
    source = skeleton.model / VARIABLES / f"{_PREFIX}.index"
    if not source.is_file():
        return replace(skeleton.receipt, probe="")
    index = read_index(source.read_bytes(), str(source))
    folder = out / VARIABLES
    folder.mkdir()
    values = _Values(skeleton.receipt.variables, filled)
    entries = dict(index.entries)
    for shard in range(index.header.num_shards):
        entries |= _write_shard(index, shard, skeleton.model / VARIABLES, folder, values)
    text = bytearray()
    write_index(entries, text.extend, header=index.header)
    (folder / source.name).write_bytes(text)
    _write_fingerprint(skeleton.model, out, bytes(text))
    return replace(skeleton.receipt, probe="", variables=values.written())


def copy_frame(model: Path, out: Path) -> None:
    """Copy everything of a SavedModel but its variables and its history."""
    out.mkdir()
    for entry in sorted(model.iterdir()):
        if entry.name in (VARIABLES.name, "assets.extra"):
            continue
        if entry.is_dir():
            shutil.copytree(entry, out / entry.name, copy_function=shutil.copyfile)
        else:
            shutil.copyfile(entry, out / entry.name)


class _Values:
    """The values of a state by key, and their digests once they were written."""

    def __init__(
        self, variables: tuple[WrittenVariable, ...], filled: Mapping[VariablePath, StateEntry]
    ) -> None:
        self._variables = variables
        self._by_key = {v.key: filled[v.path] for v in variables if v.path in filled}
        self._digests: dict[str, str] = {}
        known = {v.path for v in variables}
        lost = [path for path in filled if path not in known]
        if lost:
            message = f"{len(lost)} values have no place in the skeleton, the first: {lost[0]}"
            raise WriteError(message, remedy="please report this: nothing was put in place")

    def of(self, key: bytes) -> StateEntry | None:
        """Return the entry that fills a key or the whole that a slice belongs to."""
        name = decode_slice_key(key, "index")[0] if is_slice_key(key) else _text(key)
        return self._by_key.get(name)

    def stored(
        self, key: bytes, entry: BundleEntry, header: BundleHeader
    ) -> tuple[tuple[bytes | memoryview, ...], int] | None:
        """Return the bytes for a key and their checksum; ``None`` if nothing fills it."""
        own = self.of(key)
        if own is None or own.fetch is None:
            return None
        array = own.fetch()
        name = _text(key)
        if is_slice_key(key):
            name, part = decode_slice_key(key, "index")
            self._digests.setdefault(name, array_digest(array))
            array = array[slice_bounds(array.shape, part, name)]
        else:
            self._digests[name] = array_digest(array)
        pieces, crc = stored_form(array, entry.dtype, header)
        size = sum(len(piece) for piece in pieces)
        is_numeric = entry.dtype not in (STRING, VARIANT)
        if not is_numeric or size != entry.size or tuple(array.shape) != entry.shape:
            message = (
                f"{own.path}: {size} bytes of shape {tuple(array.shape)} do not fill the "
                f"{entry.size} bytes of shape {entry.shape} that the skeleton has for it"
            )
            raise WriteError(message, remedy="please report this: nothing was put in place")
        return pieces, crc

    def written(self) -> tuple[WrittenVariable, ...]:
        """Return every variable with the digest of what lies in the output."""
        return tuple(
            replace(v, sha256=self._digests[v.key]) if v.key in self._digests else v
            for v in self._variables
        )


def _write_shard(
    index: BundleIndex, shard: int, source: Path, folder: Path, values: _Values
) -> dict[bytes, BundleEntry]:
    """Write one data file at the places that the skeleton has; returns the changed entries."""
    name = shard_name(_PREFIX, shard, index.header.num_shards)
    changed: dict[bytes, BundleEntry] = {}
    with (source / name).open("rb") as old, (folder / name).open("xb", buffering=0) as new:
        done = 0
        for key, entry in _in_place_order(index, shard):
            stored = values.stored(key, entry, index.header)
            if stored is None:
                continue
            _move(old, new, done, entry.offset)
            pieces, crc = stored
            for piece in pieces:
                _write(new, piece)
            done = entry.offset + entry.size
            changed[key] = replace(entry, crc=mask(crc))
        _move(old, new, done, os.fstat(old.fileno()).st_size)
    return changed


def _in_place_order(index: BundleIndex, shard: int) -> Iterator[tuple[bytes, BundleEntry]]:
    here = [(k, e) for k, e in index.entries.items() if e.shard == shard and not e.slices]
    yield from sorted(here, key=lambda pair: (pair[1].offset, pair[1].size, pair[0]))


def _move(old: IO[bytes], new: IO[bytes], start: int, end: int) -> None:
    """Move bytes from file to file without looking at them; both are at the same place."""
    while start < end:
        moved = os.sendfile(new.fileno(), old.fileno(), start, min(end - start, _MOVE))
        if not moved:
            message = f"{old.name}: ends at byte {start}, the index needs {end}"
            raise WriteError(message, remedy="remove the skeleton; it is made anew")
        start += moved


def _write(file: IO[bytes], data: bytes | memoryview) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _write_fingerprint(model: Path, out: Path, index: bytes) -> None:
    """Give the output a fingerprint of its own, as an export has it."""
    if not (model / _FINGERPRINT).is_file():
        return
    data = (model / _FINGERPRINT).read_bytes()
    fields: dict[int, bytes] = {}
    for number, value in read_fields(data, str(model / _FINGERPRINT)):
        fields[number] = (
            varint_field(number, value)
            if isinstance(value, int)
            else bytes_field(number, bytes(value))
        )
    fields.pop(_NAME, None)
    fields[_INDEX_HASH] = varint_field(_INDEX_HASH, fingerprint64(index))
    content = b"".join(fields[number] for number in sorted(fields))
    number = int.from_bytes(hashlib.sha256(content).digest()[:8], "little")
    (out / _FINGERPRINT).write_bytes(content + bytes_field(_NAME, str(number).encode()))


def _text(key: bytes) -> str:
    return key.decode("utf-8", "surrogateescape")
