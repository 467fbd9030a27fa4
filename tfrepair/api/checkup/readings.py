"""One bundle read in one way: with this index, and with these files as its shards.

A save that was interrupted or mixed up can be read in several ways; each is tried and judged by
the checksums. Knows the wire layer and the tensors of a bundle; which ways there are is up to
:mod:`tfrepair.api.checkup.bundles` and :mod:`tfrepair.api.checkup.interrupted`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tfrepair.api.checkup.verdicts import TensorVerdict
from tfrepair.core.errors import OverLimit, SourceError
from tfrepair.core.tensor import Health, Limits
from tfrepair.readers.bundle_tensors import BundleTensor, tensors_of
from tfrepair.readers.naming import Naming
from tfrepair.readers.object_names import name_objects
from tfrepair.readers.saver_names import name_saver_tensors
from tfrepair.wire.bundle import OBJECT_GRAPH_KEY
from tfrepair.wire.bundle_data import Shards
from tfrepair.wire.bundle_index import BundleIndex, salvage_index
from tfrepair.wire.mapping import map_file
from tfrepair.wire.object_graph import TrackableNode, read_trackable_graph


@dataclass(frozen=True, kw_only=True)
class BundleReading:
    """An index with its shards.

    Attributes
    ----------
    index, shards
        What is read.
    """

    index: BundleIndex
    shards: Shards

    @cached_property
    def parts(self) -> tuple[BundleTensor, ...]:
        """The tensors in the order of the data files; reads no data if the index is sound."""
        return tensors_of(self.index, self.shards)

    @cached_property
    def tensors(self) -> tuple[TensorVerdict, ...]:
        """The verdicts, in the same order; reads all data."""
        names = _names(self.parts)
        found = []
        for part in self.parts:
            health, note = _examined(part)
            found.append(TensorVerdict(name=names[part.key].name, health=health, note=note))
        cut = (
            TensorVerdict(name=name, health=Health.TRUNCATED, note="cut off")
            for name in self.index.absent
        )
        return (*found, *cut)

    @property
    def whole(self) -> int:
        """Number of whole tensors."""
        return sum(tensor.is_whole for tensor in self.tensors)

    @property
    def is_whole(self) -> bool:
        """True if all tensors are whole, and the index too."""
        return not self.index.problems and self.whole == len(self.tensors)


def read_bundle(
    index: BundleIndex, prefix: Path, places: Mapping[int, Path] | None = None
) -> BundleReading:
    """Return a reading; reads no data yet."""
    return BundleReading(index=index, shards=Shards(prefix, index.header, places))


def open_index(path: Path) -> BundleIndex:
    """Read an index as far as it can be read.

    Raises
    ------
    SourceError
        If no entry can be read, or there are absurdly many.
    """
    index = salvage_index(map_file(path), str(path))
    limit = Limits().max_tensors
    if len(index.entries) > limit:
        message = f"{path}: {len(index.entries)} entries, the limit is {limit}"
        raise OverLimit(message)
    return index


def _examined(part: BundleTensor) -> tuple[Health, str]:
    try:
        health, note = part.examine()
    except SourceError as error:
        health, note = Health.CORRUPT, error.message
    return health, _brief(part, note)


def _brief(part: BundleTensor, note: str) -> str:
    """Leave the file out of a note, and the neighbors: causes speak of them, for the whole save."""
    for _, stored in part.parts:
        note = note.removeprefix(f"{stored.where}: ")
    return note.partition("; so are ")[0]


def _names(parts: tuple[BundleTensor, ...]) -> Mapping[str, Naming]:
    """Return readable names where the object graph gives them."""
    nodes = _object_graph(parts)
    if nodes:
        return name_objects(nodes, [part.key for part in parts])
    return name_saver_tensors({part.key: part.entry.shape for part in parts})


def _object_graph(parts: tuple[BundleTensor, ...]) -> tuple[TrackableNode, ...]:
    part = next((part for part in parts if part.key == OBJECT_GRAPH_KEY), None)
    if part is None:
        return ()
    try:
        text = part.fetch().reshape(-1)
        return read_trackable_graph(text[0] if text.size == 1 else b"", OBJECT_GRAPH_KEY)
    except SourceError:
        return ()
