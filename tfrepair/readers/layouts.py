"""What can tell the layout of data files whose index is lost.

The graph that saved them (``.meta``, ``saved_model.pb``, the event file of the run), or the index
of another save of the same run. Finds them beside a save, and reads them; whether one of them
fits is up to :mod:`tfrepair.readers.lost_index`.

Source: files of TensorFlow 1.4 to 2.21; ``tests/golden``.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tfrepair.core.errors import SourceError
from tfrepair.readers.base import system_errors
from tfrepair.wire.bundle import OBJECT_GRAPH_KEY, Slice
from tfrepair.wire.bundle_data import Shards
from tfrepair.wire.bundle_index import BundleIndex, salvage_index
from tfrepair.wire.bundle_layout import Expected
from tfrepair.wire.element_types import STRING
from tfrepair.wire.event_file import graphs_in_events
from tfrepair.wire.graph_saves import graph_saves
from tfrepair.wire.mapping import map_file
from tfrepair.wire.object_graph import TrackableNode, read_trackable_graph
from tfrepair.wire.ordered_code import encode_slice_key, is_slice_key
from tfrepair.wire.saved_model import MetaGraph, read_meta_graph, read_saved_model

_EVENTS = re.compile(r"\.tfevents\.")
_MOST_SIBLINGS = 8
"""Indexes of other saves that are tried, the nearest step first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A layout that may be the one of a save.

    Attributes
    ----------
    origin
        The file that it is from.
    shards
        What each data file holds, in order.
    nodes
        The object graph of the save that it is from, if that has one and it is whole.
    """

    origin: Path
    shards: tuple[tuple[Expected, ...], ...]
    nodes: tuple[TrackableNode, ...] = ()


def templates_for(prefix: Path, given: Sequence[Path] = ()) -> Iterator[Template]:
    """Go through the layouts that may fit a save, the most trustworthy first.

    Parameters
    ----------
    prefix
        Of the save whose index is lost.
    given
        Files that the user names; if any, no others are looked at.
    """
    paths = list(given) if given else list(_beside(prefix))
    for path in paths:
        try:
            yield from _read(path)
        except SourceError:
            if given:
                raise


def _beside(prefix: Path) -> Iterator[Path]:
    folder = prefix.parent
    own = prefix.with_name(f"{prefix.name}.meta")
    if own.is_file():
        yield own
    graph = folder.parent / "saved_model.pb"
    if folder.name == "variables" and graph.is_file():
        yield graph
    entries = sorted(entry for entry in folder.iterdir() if entry.is_file())
    indexes = [e for e in entries if e.suffix == ".index" and e.stem != prefix.name]
    yield from sorted(indexes, key=lambda entry: _distance(entry.stem, prefix.name))[
        :_MOST_SIBLINGS
    ]
    yield from (e for e in entries if e.suffix == ".meta" and e != own)
    yield from (e for e in entries if _EVENTS.search(e.name))


def _distance(one: str, other: str) -> tuple[bool, int, str]:
    """Return how far the steps of two saves are apart; other names come last."""
    a, b = (re.fullmatch(r"(.*?)(\d+)", name) for name in (one, other))
    if a is None or b is None or a[1] != b[1]:
        return True, 0, one
    return False, abs(int(a[2]) - int(b[2])), one


def _read(path: Path) -> Iterator[Template]:
    with system_errors(path):
        if path.is_dir():
            for inside in (path / "saved_model.pb", *sorted(path.glob("*.meta"))):
                if inside.is_file():
                    yield from _read(inside)
            for inside in sorted(path.glob("*.index")):
                yield from _read(inside)
        elif path.suffix == ".meta":
            yield from _of_graph(read_meta_graph(map_file(path), str(path)), path)
        elif path.suffix == ".pb":
            for graph in read_saved_model(map_file(path), str(path)):
                yield from _of_graph(graph, path)
        elif _EVENTS.search(path.name):
            for graph in graphs_in_events(map_file(path), str(path)):
                yield from _of_graph(graph, path)
        else:
            index = path if path.suffix == ".index" else path.with_name(f"{path.name}.index")
            yield _of_index(index)


def _of_graph(graph: MetaGraph, path: Path) -> Iterator[Template]:
    for save in graph_saves(graph):
        yield Template(origin=path, shards=save.shards)


def _of_index(path: Path) -> Template:
    index = salvage_index(map_file(path), str(path))
    shards: dict[int, list[tuple[int, int, bytes]]] = defaultdict(list)
    for key, entry in index.entries.items():
        if not entry.slices:
            shards[entry.shard].append((entry.offset, entry.size, key))
    slices = _slices(index)
    return Template(
        origin=path,
        shards=tuple(
            tuple(_expected(index, key, slices) for _, _, key in sorted(shards[number]))
            for number in range(index.header.num_shards)
        ),
        nodes=_nodes(index, path),
    )


def _slices(index: BundleIndex) -> dict[bytes, tuple[str, Slice]]:
    found: dict[bytes, tuple[str, Slice]] = {}
    for key, entry in index.entries.items():
        if not is_slice_key(key):
            name = key.decode("utf-8", "surrogateescape")
            found |= {encode_slice_key(name, part): (name, part) for part in entry.slices}
    return found


def _expected(index: BundleIndex, key: bytes, slices: dict[bytes, tuple[str, Slice]]) -> Expected:
    entry = index.entries[key]
    if key not in slices:
        name = key.decode("utf-8", "surrogateescape")
        return Expected(name=name, dtype=entry.dtype, shape=entry.shape)
    name, part = slices[key]
    whole = index.entries[name.encode("utf-8", "surrogateescape")].shape
    return Expected(name=name, dtype=entry.dtype, shape=entry.shape, part=part, whole=whole)


def _nodes(index: BundleIndex, path: Path) -> tuple[TrackableNode, ...]:
    """Return the object graph of a save, or nothing."""
    entry = index.entries.get(OBJECT_GRAPH_KEY.encode())
    if entry is None or entry.dtype != STRING:
        return ()
    shards = Shards(path.with_name(path.name.removesuffix(".index")), index.header)
    with suppress(SourceError):
        data = shards.stored(entry, str(path))
        # One string: its length, the checksum of the length, then the graph.
        start = next((n for n in range(1, 11) if not data[n - 1] & 0x80), 0) + 4
        return read_trackable_graph(data[start:], str(path))
    return ()
