"""Targets of the wire modules that look for what is left of damaged files, or for layouts.

Like :mod:`tests.fuzz.targets`, which collects them: bytes in, nothing out; anything but a
SourceError is a bug.
"""

import contextlib
import io
from collections.abc import Callable, Mapping

from tfrepair.core.errors import SourceError
from tfrepair.core.tensor import Limits
from tfrepair.wire.bundle_index import salvage_index
from tfrepair.wire.bundle_layout import Expected, describe, find_tail_graph, lay_out
from tfrepair.wire.event_file import graphs_in_events
from tfrepair.wire.graph_saves import graph_saves
from tfrepair.wire.graph_updates import updates_in
from tfrepair.wire.hdf5_chunks import find_chunks, unfiltered
from tfrepair.wire.hdf5_dataset import StoredDataset, read_dataset_header
from tfrepair.wire.hdf5_groups import Heap, entries_of, linked, listed, places_of
from tfrepair.wire.hdf5_scan import find_headers
from tfrepair.wire.hdf5_superblock import checksum_place, root_of
from tfrepair.wire.lookup3 import lookup3
from tfrepair.wire.pickle_prefix import Unpickled
from tfrepair.wire.safe_pickle import load_pickle
from tfrepair.wire.saved_model import read_meta_graph
from tfrepair.wire.zip_scan import scan_members

_CHUNKS, _CHUNK_BYTES = 8, 1 << 16
"""How many chunks of a dataset are expanded, and up to which size: readers have limits, too."""


def _layout(data: bytes) -> None:
    """Take the size of an index from the first two bytes; behind it lies the data that it tells."""
    size = int.from_bytes(data[:2], "little")
    index, body = salvage_index(data[2 : 2 + size], "i"), memoryview(data)[2 + size :]
    find_tail_graph(body)
    expected = [
        Expected(name=key.decode("utf-8", "surrogateescape"), dtype=e.dtype, shape=e.shape)
        for key, e in sorted(index.entries.items(), key=lambda item: item[1].offset)
    ]
    found = lay_out(expected, body, index.header, "d")
    assert all(e.offset + e.size <= len(body) for e in found.entries.values())
    for item in found.cut:
        describe(item)


def _saves(data: bytes) -> None:
    graph_saves(read_meta_graph(data, "m"))


def _events(data: bytes) -> None:
    for graph in graphs_in_events(data, "e"):
        graph_saves(graph)


def _datasets(data: bytes) -> None:
    view = memoryview(data)
    for address in find_headers(view, 0):
        with contextlib.suppress(SourceError):
            dataset = read_dataset_header(view, address, 0)
            if dataset is not None:
                _expand(view, dataset)


def _expand(view: memoryview, dataset: StoredDataset) -> None:
    chunks, kind = dataset.chunks, dataset.kind
    if chunks is None or kind is None:
        return
    nbytes = kind.size
    for length in chunks.shape:
        nbytes *= length
    found, _ = find_chunks(view, chunks.tree, len(chunks.shape), 0)
    for chunk in found[:_CHUNKS] if nbytes <= _CHUNK_BYTES else ():
        raw = view[chunk.offset : chunk.offset + chunk.size]
        with contextlib.suppress(SourceError):
            unfiltered(raw, chunks.filters, chunk.skipped, nbytes, kind.size)


def _groups(data: bytes) -> None:
    """Take an address from the first two bytes, and look for groups at every header."""
    view = memoryview(data)[2:]
    address = int.from_bytes(data[:2], "little")
    for place in (address, *find_headers(view, 0)):
        with contextlib.suppress(SourceError):
            linked(view, place, 0)
            places = places_of(view, place, 0)
            if places is not None:
                listed(view, places, 0)
    for _ in entries_of(view, address, Heap.at(view, address, 0)):
        pass


def _root(data: bytes) -> None:
    root_of(memoryview(data), 0)
    place = checksum_place(memoryview(data), 0)
    if place is not None:
        lookup3(data[:place])


def _pickle(data: bytes) -> None:
    file = io.BytesIO(data)
    found = load_pickle(file, where="p", end=len(data), limits=Limits(), or_prefix=True)
    assert isinstance(found, Unpickled)


SALVAGE_TARGETS: Mapping[str, Callable[[bytes], object]] = {
    "bundle_layout": _layout,
    "graph_saves": _saves,
    "graph_updates": lambda data: updates_in(data, "m"),
    "event_file": _events,
    "hdf5_dataset": _datasets,
    "hdf5_groups": _groups,
    "hdf5_root": _root,
    "pickle_prefix": _pickle,
    "zip_scan": lambda data: scan_members(memoryview(data)),
}
