"""The files of a SavedModel, opened once for all checks; what cannot be read is a failed check.

Reads with :mod:`tfrepair.wire`, no TensorFlow. :mod:`tfrepair.verify.structure` and
:mod:`tfrepair.verify.bits` judge what is in here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.errors import Corrupt, SourceError
from tfrepair.core.tensor import Array
from tfrepair.core.verdict import Check
from tfrepair.wire.bundle import OBJECT_GRAPH_KEY, BundleEntry, BundleHeader
from tfrepair.wire.bundle_data import Shards, decode_tensor, verify_bytes
from tfrepair.wire.bundle_index import read_index
from tfrepair.wire.element_types import STRING, type_name
from tfrepair.wire.mapping import map_file
from tfrepair.wire.object_graph import TrackableNode, read_trackable_graph
from tfrepair.wire.ordered_code import encode_slice_key
from tfrepair.wire.saved_model import MetaGraph, read_saved_model
from tfrepair.wire.slices import join_slices

PREFIX = Path("variables") / "variables"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The variables of a SavedModel.

    Attributes
    ----------
    entries
        By key; readable ones only.
    header, shards
        Number of data files and byte order; the data files.
    index
        Bytes of the index file.
    """

    entries: Mapping[str, BundleEntry]
    header: BundleHeader
    shards: Shards
    index: memoryview = field(repr=False)

    def verified(self, key: str) -> memoryview:
        """Return the stored bytes of a key, its checksum verified.

        Raises
        ------
        SourceError
            If they are not there or do not fit the checksum.
        """
        entry = self.entries[key]
        data = self.shards.stored(entry, key)
        verify_bytes(data, entry, self.header, key)
        return data

    def parts(self, key: str) -> tuple[str, ...]:
        """Return the keys of a partitioned variable's slices, in order; none for a whole one."""
        return tuple(
            encode_slice_key(key, part).decode("utf-8", "surrogateescape")
            for part in self.entries[key].slices
        )

    def array(self, key: str) -> Array:
        """Return the value of a key, checksums verified; slices are joined.

        Raises
        ------
        SourceError
            If something of it is not there, does not fit its checksum or its place.
        """
        entry = self.entries[key]
        if not entry.slices:
            return self._whole(key)
        parts = self.parts(key)
        lost = [part for part in parts if part not in self.entries]
        if lost:
            message = f"{key}: {len(lost)} of {len(parts)} slices are not in the index"
            raise Corrupt(message)
        arrays = [self._whole(part) for part in parts]
        dtype = numpy_dtype(type_name(entry.dtype))
        return join_slices(entry.shape, dtype, list(zip(entry.slices, arrays, strict=True)), key)

    def _whole(self, key: str) -> Array:
        return decode_tensor(self.verified(key), self.entries[key], self.header, key)


def open_graphs(model: Path) -> tuple[tuple[MetaGraph, ...], tuple[Check, ...]]:
    """Read ``saved_model.pb``; a file that cannot be read gives no graphs and a failed check."""
    path = model / "saved_model.pb"
    try:
        graphs = read_saved_model(map_file(path), str(path))
    except SourceError as error:
        return (), (failed("saved-model", error, path),)
    return graphs, ()


def open_bundle(model: Path) -> tuple[Bundle | None, tuple[Check, ...]]:
    """Read the index of the variables.

    Returns
    -------
    The bundle, or ``None`` if there is no index or nothing of it can be read, and a failed check
    for everything in it that cannot.
    """
    prefix = model / PREFIX
    path = prefix.with_name("variables.index")
    if not path.exists():
        return None, ()
    try:
        data = map_file(path)
        index = read_index(data, str(path))
    except SourceError as error:
        return None, (failed("index", error, path),)
    entries = {key.decode("utf-8", "surrogateescape"): e for key, e in index.entries.items()}
    bundle = Bundle(
        entries=entries, header=index.header, shards=Shards(prefix, index.header), index=data
    )
    return bundle, tuple(failed("index", problem, path) for problem in index.problems)


def object_graph(bundle: Bundle) -> tuple[TrackableNode, ...]:
    """Return the object graph of the variables; empty if there is none.

    Raises
    ------
    SourceError
        If it is damaged.
    """
    entry = bundle.entries.get(OBJECT_GRAPH_KEY)
    if entry is None or entry.dtype != STRING or entry.elements != 1:
        return ()
    data = bundle.verified(OBJECT_GRAPH_KEY)
    text = decode_tensor(data, entry, bundle.header, OBJECT_GRAPH_KEY)
    return read_trackable_graph(text.reshape(-1)[0], OBJECT_GRAPH_KEY)


def failed(name: str, error: SourceError, where: Path | str) -> Check:
    """Return the check that an error makes."""
    return Check(name=name, passed=False, detail=error.message, where=str(where))
