"""The ``variables/`` of an exported SavedModel, written by our own bundle writer.

TensorFlow exports graph and variables together; the values of the state are then written anew, by
name and straight from the source, with the places that the export gave them. Two writers that
share no code must come to the same bytes: if they do not, nothing is published.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tfrepair.core.errors import SourceError, WriteError
from tfrepair.core.receipt import WrittenVariable
from tfrepair.core.state import State
from tfrepair.core.tensor import Array
from tfrepair.wire.bundle import BundleEntry, Slice, shard_name
from tfrepair.wire.bundle_data import Shards, decode_tensor
from tfrepair.wire.bundle_index import BundleIndex, read_index
from tfrepair.wire.bundle_writer import Item, write_data, write_index
from tfrepair.wire.ordered_code import decode_slice_key, is_slice_key
from tfrepair.wire.slices import slice_bounds

ValueOf = Callable[[bytes, BundleEntry], Array]
"""Gives the value for a key."""

_FOLDER, _NAME = "variables", "variables"


def fill_variables(
    model: Path, state: State, written: tuple[WrittenVariable, ...], scratch: Path
) -> None:
    """Write index and data of a SavedModel anew.

    Parameters
    ----------
    model
        Directory that TensorFlow has exported.
    state
        Values; what it does not fill is taken over from the export.
    written
        Which key of the bundle holds which variable.
    scratch
        Directory to be made on the same file system; it is gone afterward.

    Raises
    ------
    WriteError
        If the index differs from TensorFlow's: some value, place or checksum is not the same.
    """
    prefix = model / _FOLDER / _NAME
    if not prefix.with_suffix(".index").is_file():
        return  # a model without variables
    filled = {entry.path: entry for entry in state.filled}
    by_key = {_key(w.key): filled[w.path] for w in written if w.path in filled}
    exported = prefix.with_suffix(".index").read_bytes()
    scratch.mkdir()
    try:
        index = read_index(exported, str(prefix))
        shards = Shards(prefix, index.header)

        def value(key: bytes, entry: BundleEntry) -> Array:
            name, part = _whole_of(key)
            own = by_key.get(_key(name))
            if own is None or own.fetch is None:
                where = key.decode("utf-8", "surrogateescape")
                return decode_tensor(shards.stored(entry, where), entry, index.header, where)
            whole = own.fetch()
            return whole if part is None else whole[slice_bounds(whole.shape, part, name)]

        _write(index, value, scratch)
    except SourceError as error:
        message = f"{model.name}: TensorFlow's variables cannot be read: {error.message}"
        raise WriteError(message, remedy=error.remedy) from error
    if (scratch / f"{_NAME}.index").read_bytes() != exported:
        message = f"{model.name}: the bytes of two writers differ for the same variables"
        raise WriteError(message, remedy="please report this: nothing was put in place")
    for file in sorted(scratch.iterdir()):
        file.replace(model / _FOLDER / file.name)
    scratch.rmdir()


def _write(index: BundleIndex, value: ValueOf, folder: Path) -> None:
    entries: dict[bytes, BundleEntry] = {}
    for shard in range(index.header.num_shards):
        name = shard_name(_NAME, shard, index.header.num_shards)
        with (folder / name).open("xb") as data:
            items = _items(index.entries, shard, value)
            entries |= write_data(items, data.write, shard=shard, header=index.header)
    with (folder / f"{_NAME}.index").open("xb") as file:
        write_index(entries, file.write, header=index.header)


def _items(entries: Mapping[bytes, BundleEntry], shard: int, value: ValueOf) -> Iterator[Item]:
    """Yield the tensors of a data file in the order of their places; empty ones by name."""
    here = [
        (key, entry) for key, entry in entries.items() if entry.shard == shard and not entry.slices
    ]
    for key, entry in sorted(here, key=lambda pair: (pair[1].offset, pair[1].size, pair[0])):
        name, part = _whole_of(key)
        yield Item(
            name=name,
            dtype=entry.dtype,
            array=value(key, entry),
            part=part,
            whole=() if part is None else entries[_key(name)].shape,
        )


def _whole_of(key: bytes) -> tuple[str, Slice | None]:
    """Return the name of a tensor, and which part of it a key stands for."""
    if is_slice_key(key):
        return decode_slice_key(key, "variables.index")
    return key.decode("utf-8", "surrogateescape"), None


def _key(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
