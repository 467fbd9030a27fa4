"""A lost index, rebuilt: the layouts that something tells, tried against the data that is there.

A layout is taken if the data fits it: to the last byte, with the checksums that strings carry
inside the data, and with the object graph that saves of ``tf.train.Checkpoint`` end with. If the
data is cut off, the layout of the save's own graph or of a save of the same run is taken as far
as the bytes go. Checksums of a rebuilt index are computed from the data: they vouch for nothing,
and every tensor is marked as unverified.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from tfrepair.core.errors import Corrupt, SourceError
from tfrepair.core.tensor import Shape
from tfrepair.readers.guided_layout import expected_of_graph, keys_of_graph
from tfrepair.readers.layouts import Template, templates_for
from tfrepair.wire.bundle import BundleEntry, BundleHeader
from tfrepair.wire.bundle_data import Shards, decode_tensor
from tfrepair.wire.bundle_index import BundleIndex
from tfrepair.wire.bundle_layout import Expected, Layout, find_tail_graph, lay_out
from tfrepair.wire.bundle_writer import merged
from tfrepair.wire.mapping import map_file
from tfrepair.wire.object_graph import TrackableNode, read_trackable_graph

_DATA = re.compile(r"\.data-(\d{5})-of-(\d{5})$")
_STEP = re.compile(r"-(\d+)$")
_COUNTER = "global_step"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """An index that was made from a layout.

    Attributes
    ----------
    index
        Entries of everything that lies wholly in the data.
    shards
        The data files.
    origin
        The file that told the layout.
    cut
        What should be there and lies behind the end of a data file, or in one that is missing.
    """

    index: BundleIndex
    shards: Shards
    origin: Path
    cut: tuple[Expected, ...]

    @property
    def message(self) -> str:
        """What was done, in a sentence."""
        text = (
            f"the index is lost; it was rebuilt from the layout that {self.origin.name} tells, "
            "which fits the data"
        )
        if self.cut:
            text += f" as far as it goes: {len(self.cut)} tensors are cut off"
        return f"{text}; no stored checksum vouches for the values"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    origin: Path
    layouts: Mapping[int, Layout]
    expected: tuple[tuple[Expected, ...], ...]
    missing: tuple[Expected, ...]
    is_exact: bool
    proofs: int

    @property
    def entries(self) -> dict[bytes, BundleEntry]:
        """Entries of all data files, wholes of partitioned tensors included."""
        return merged(
            _with_wholes(self.layouts[shard], self.expected[shard], shard)
            for shard in sorted(self.layouts)
        )

    @property
    def cut(self) -> tuple[Expected, ...]:
        return (*(e for layout in self.layouts.values() for e in layout.cut), *self.missing)


def rebuild_index(
    prefix: Path, files: Mapping[int, Path], count: int, given: Sequence[Path] = ()
) -> Rebuilt | None:
    """Rebuild the index of data files from what lies beside them.

    Parameters
    ----------
    prefix
        Of the save.
    files
        Its data files by number, under whatever names.
    count
        How many there should be.
    given
        Files that the user names as templates; others are not looked at then.

    Returns
    -------
    ``None`` if nothing tells a layout that fits.

    Raises
    ------
    SourceError
        If two layouts fit that disagree, or a template that the user names does not fit.
    """
    if not files:
        return None
    views = {number: map_file(path) for number, path in files.items()}
    graph = next((g for view in views.values() if (g := _graph_in(view))), ())
    reasons: list[str] = []
    fits: list[_Fit] = []
    for template in templates_for(prefix, given):
        for version in _versions(template, graph, count):
            try:
                fits.append(_fitted(version, views, graph, count, prefix))
                break
            except SourceError as error:
                reasons.append(f"{template.origin.name}: {error.message}")
    chosen = _chosen(fits, prefix)
    if chosen is None:
        if given and reasons:
            message = f"{prefix}: no layout fits the data: {'; '.join(reasons[:5])}"
            raise Corrupt(
                message, remedy="name a file of the same run, saved after the same changes"
            )
        return None
    header = BundleHeader(num_shards=count)
    entries = chosen.entries
    index = BundleIndex(
        where=f"{prefix}.index",
        header=header,
        entries=MappingProxyType(dict(sorted(entries.items()))),
        rebuilt=frozenset(entries),
        absent=tuple(dict.fromkeys(item.name for item in chosen.cut)),
    )
    return Rebuilt(
        index=index,
        shards=Shards(prefix, header, files),
        origin=chosen.origin,
        cut=chosen.cut,
    )


def data_files(paths: Sequence[Path]) -> tuple[dict[int, Path], int]:
    """Sort data files by their numbers; returns them and how many there should be."""
    found: dict[int, Path] = {}
    totals = set()
    for path in paths:
        match = _DATA.search(path.name)
        if match:
            found[int(match[1])] = path
            totals.add(int(match[2]))
    return (found, totals.pop()) if len(totals) == 1 else ({}, 0)


def _graph_in(view: memoryview) -> tuple[TrackableNode, ...]:
    found = find_tail_graph(view)
    if found is None:
        return ()
    try:
        return read_trackable_graph(found, "object graph")
    except SourceError:
        return ()


def _versions(
    template: Template, graph: tuple[TrackableNode, ...], count: int
) -> Iterator[Template]:
    """Go through a template as it is, joined to fewer files, and led by the object graph."""
    if len(template.shards) == count:
        yield template
    elif count == 1:
        joined = tuple(item for shard in template.shards for item in shard)
        yield replace(template, shards=(joined,))
    if graph and count == 1:
        led = expected_of_graph(graph, template)
        if led is not None:
            yield replace(template, shards=(led,))


def _fitted(
    template: Template,
    views: Mapping[int, memoryview],
    graph: tuple[TrackableNode, ...],
    count: int,
    prefix: Path,
) -> _Fit:
    """Lay a template over the data.

    Raises
    ------
    SourceError
        If the data contradicts it.
    """
    header = BundleHeader(num_shards=count)
    layouts = {
        number: lay_out(template.shards[number], view, header, f"data file {number}")
        for number, view in sorted(views.items())
    }
    _check_ends(layouts, views)
    if graph:
        _check_keys(template, graph)
    missing = [e for n, s in enumerate(template.shards) if n not in views for e in s]
    fit = _Fit(
        origin=template.origin,
        layouts=layouts,
        expected=template.shards,
        missing=tuple(missing),
        is_exact=not any(layout.cut for layout in layouts.values()),
        proofs=sum(layout.proofs for layout in layouts.values()),
    )
    _check_step(fit, views, header, prefix)
    return fit


def _check_ends(layouts: Mapping[int, Layout], views: Mapping[int, memoryview]) -> None:
    for number, layout in layouts.items():
        size = len(views[number])
        if not layout.cut and layout.end != size:
            message = f"data file {number} has {size} bytes, the layout {layout.end}"
            raise Corrupt(message)


def _check_keys(template: Template, graph: tuple[TrackableNode, ...]) -> None:
    """Hold the names against the object graph at the end of the data."""
    known = {item.name for shard in template.shards for item in shard}
    wanted = keys_of_graph(graph)
    if known != wanted:
        strange = sorted(known ^ wanted)
        message = f"{len(strange)} names differ from the object graph's, such as {strange[0]}"
        raise Corrupt(message)


def _check_step(
    fit: _Fit, views: Mapping[int, memoryview], header: BundleHeader, prefix: Path
) -> None:
    """Hold the step counter against the number in the name of the save, if it has both."""
    step = _STEP.search(prefix.name)
    entry = next((e for k, e in fit.entries.items() if k == _COUNTER.encode()), None)
    if step is None or entry is None or entry.shape or entry.dtype not in (3, 9):
        return
    data = views[entry.shard][entry.offset : entry.offset + entry.size]
    value = int(decode_tensor(data, entry, header, _COUNTER))
    if value != int(step[1]):
        message = f"{_COUNTER} would be {value}, the name says {step[1]}"
        raise Corrupt(message)


def _chosen(fits: Sequence[_Fit], prefix: Path) -> _Fit | None:
    """Return the first layout that fits exactly; of data that is cut off, the first at all.

    Raises
    ------
    Corrupt
        If two layouts fit that give a tensor different places.
    """
    exact = [fit for fit in fits if fit.is_exact]
    candidates = exact or list(fits)
    if not candidates:
        return None
    first = candidates[0]
    places = _places(first)
    for other in candidates[1:]:
        if _places(other) != places:
            message = (
                f"{prefix}: the index is lost, and the layouts of {first.origin.name} and "
                f"{other.origin.name} both fit the data and disagree"
            )
            raise Corrupt(message, remedy="name the right one with `tfrepair repair --template`")
    return first


def _places(fit: _Fit) -> dict[bytes, tuple[int, Shape, int, int]]:
    return {k: (e.dtype, e.shape, e.shard, e.offset) for k, e in fit.entries.items()}


def _with_wholes(
    layout: Layout, expected: Sequence[Expected], shard: int
) -> dict[bytes, BundleEntry]:
    """Return the entries of one data file, with those of the partitioned tensors."""
    entries = {key: replace(entry, shard=shard) for key, entry in layout.entries.items()}
    for item in expected:
        if item.part is None:
            continue
        name = item.name.encode("utf-8", "surrogateescape")
        known = entries.get(name)
        slices = (*known.slices, item.part) if known else (item.part,)
        entries[name] = BundleEntry(dtype=item.dtype, shape=item.whole, shard=shard, slices=slices)
    return entries
