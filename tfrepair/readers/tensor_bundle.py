"""Reader of tensor bundles: ``tf.train.Saver`` V2, ``tf.train.Checkpoint``, SavedModel variables.

Opening reads the index and the object graph, and looks at the sizes of the data files; data is
mapped and verified when a tensor is fetched or asked for its health. Damage of one tensor never
hides another: a tensor that cannot be read is in the store, and says why. Which files are meant
is up to :mod:`tfrepair.readers.saves`.

Source: files of TensorFlow 1.4, 1.15, 2.3 and 2.21, ``tests/golden/tf_checkpoint``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tfrepair.core.errors import OverLimit, SourceError
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Limits, Origin, Purpose, SourceName, Tensor, TensorStore
from tfrepair.readers.base import Candidate, system_errors
from tfrepair.readers.bundle_index import choose_bundle, find_index, nothing_there
from tfrepair.readers.bundle_tensors import BundleTensor, tensors_of
from tfrepair.readers.interrupted import leftovers, unfinished_data
from tfrepair.readers.naming import Naming
from tfrepair.readers.object_names import name_objects
from tfrepair.readers.rivals import check_rival
from tfrepair.readers.saver_names import name_saver_tensors
from tfrepair.readers.saves import Kind, choose_save
from tfrepair.wire.bundle import OBJECT_GRAPH_KEY
from tfrepair.wire.bundle_data import Shards
from tfrepair.wire.bundle_index import BundleIndex
from tfrepair.wire.object_graph import TrackableNode, read_trackable_graph

_MANY = 20
"""Findings of one kind that are listed one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorBundleReader:
    """Checkpoints with ``.index`` and ``.data-*`` files, and the variables of a SavedModel."""

    name: str = Kind.BUNDLE.value
    description: str = "TensorFlow checkpoints (.index and .data-*) and SavedModel variables"

    def recognizes(self, candidate: Candidate) -> bool:
        """Return whether the path names a save of this format."""
        try:
            choice = choose_save(candidate.path)
            if choice.saves or candidate.is_file:
                return choice.of(Kind.BUNDLE) is not None
            with system_errors(candidate.path):
                return bool(unfinished_data(candidate.path))
        except SourceError:
            return candidate.is_directory

    def open(self, path: Path, *, limits: Limits) -> TensorStore:
        """Read the index; data files are only measured.

        Raises
        ------
        SourceError
            If there is no save of this format, nothing of its index can be read, several saves
            could be meant, or a save of the first format with other content has the same prefix.
        """
        choice = choose_bundle(path)
        save = choice.of(Kind.BUNDLE)
        if save is None:
            raise nothing_there(path)
        index, shards, spare = find_index(save)
        if len(index.entries) > limits.max_tensors:
            message = f"{index.where}: {len(index.entries)} entries, limit {limits.max_tensors}"
            raise OverLimit(message)
        parts = tensors_of(index, shards)
        nodes, findings = _object_graph(parts)
        names = _names(parts, nodes)
        tensors = tuple(_tensor(part, names[part.key]) for part in parts)
        store = TensorStore(
            format=self.name,
            path=str(path),
            files=tuple(str(file) for file in save.files),
            tensors=tensors,
            names_are_meaningful=True,
            order_is_meaningful=bool(nodes),
            findings=(
                *choice.findings,
                *leftovers(save.prefix.parent),
                *spare,
                *_index_findings(index),
                *_size_findings(parts, shards),
                *findings,
                *_slot_findings(tensors, path),
            ),
        )
        check_rival(store, choice, limits)
        return store


def _object_graph(
    parts: Sequence[BundleTensor],
) -> tuple[tuple[TrackableNode, ...], tuple[Finding, ...]]:
    """Read the object graph; a damaged one costs the readable names, and nothing else."""
    part = next((part for part in parts if part.key == OBJECT_GRAPH_KEY), None)
    if part is None:
        return (), ()
    try:
        text = part.fetch().reshape(-1)
        nodes = read_trackable_graph(text[0] if text.size == 1 else b"", OBJECT_GRAPH_KEY)
    except SourceError as error:
        finding = Finding(
            code="object-graph-damaged",
            severity=Severity.WARNING,
            where=part.path,
            message=f"variables are listed by their keys: {error.message}",
        )
        return (), (finding,)
    return nodes, ()


def _names(parts: Sequence[BundleTensor], nodes: tuple[TrackableNode, ...]) -> Mapping[str, Naming]:
    if nodes:
        return name_objects(nodes, [part.key for part in parts])
    return name_saver_tensors({part.key: part.entry.shape for part in parts})


def _tensor(part: BundleTensor, naming: Naming) -> Tensor:
    return Tensor(
        name=SourceName(naming.name),
        shape=part.entry.shape,
        dtype=part.dtype,
        nbytes=part.nbytes,
        origin=Origin(path=part.path, key=part.key, offset=part.offset),
        fetch=part.fetch,
        examine=part.examine,
        leading=part.leading,
        purpose=naming.purpose if part.is_numeric else Purpose.BOOKKEEPING,
        slot=naming.slot,
        slot_of=naming.slot_of,
    )


def _slot_findings(tensors: Sequence[Tensor], path: Path) -> tuple[Finding, ...]:
    """Name the slots that nothing in the save assigns to a variable."""
    lost = [t.name for t in tensors if t.purpose is Purpose.SLOT and not (t.slot or t.slot_of)]
    if not lost:
        return ()
    shown = ", ".join(lost[:_MANY]) + (", ..." if len(lost) > _MANY else "")
    return (
        Finding(
            code="slots-without-names",
            severity=Severity.NOTE,
            where=str(path),
            message=f"{len(lost)} optimizer slots do not say what they are, nor of which variable: "
            f"{shown}",
            remedy="they are never taken as weights; the optimizer starts them anew",
        ),
    )


def _index_findings(index: BundleIndex) -> list[Finding]:
    found = [
        Finding(
            code="bit-corrected",
            severity=Severity.WARNING,
            where=index.where,
            message=f"{note} in memory; the file is as it was",
            remedy="tfrepair convert SOURCE OUT --to checkpoint writes a corrected copy",
        )
        for note in index.corrections
    ]
    return found + [
        Finding(
            code="index-damaged",
            severity=Severity.ERROR,
            where=index.where,
            message=problem.message,
            remedy="tensors that it names are missing here; look for another copy of the index",
        )
        for problem in index.problems[:_MANY]
    ]


def _size_findings(parts: Sequence[BundleTensor], shards: Shards) -> list[Finding]:
    """Compare the sizes of the data files with what the index needs; reads no data."""
    found = []
    needed: dict[int, int] = {}
    for part in parts:
        for entry in part.pieces:
            needed[entry.shard] = max(needed.get(entry.shard, 0), entry.offset + entry.size)
    for shard, end in sorted(needed.items()):
        path = shards.path(shard)
        with system_errors(path):
            size = path.stat().st_size if path.is_file() else -1
        if size >= end:
            continue
        lost = [
            p for p in parts if any(e.shard == shard and e.offset + e.size > size for e in p.pieces)
        ]
        state = "is not there" if size < 0 else f"has {size} of {end} bytes"
        found.append(
            Finding(
                code="missing-shard" if size < 0 else "data-truncated",
                severity=Severity.ERROR,
                where=str(path),
                message=f"the data file {state}: {len(lost)} of {len(parts)} tensors are affected",
                remedy="the others are read; look for the file or an older save for these",
            )
        )
    return found
