"""Repair of tensor bundles: checkpoints of the second format, and variables of SavedModels.

Finishes interrupted saves, sets flipped bits right, takes what is lost from donors, and leaves
out what nobody has. Bytes that are whole stay where they were: a save whose parts are all there
comes out byte for byte as TensorFlow would have finished it.
"""

import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from tfrepair.api.repairs.bundle_pieces import (
    Piece,
    added_by,
    from_donors,
    opened,
    pieces_of,
    refitted,
    with_wholes,
)
from tfrepair.api.repairs.checkpoints import CHECKPOINT, copy_beside, unequal
from tfrepair.api.repairs.job import Action, Job, Part, RepairOptions, Step
from tfrepair.core.errors import SourceError
from tfrepair.core.findings import Finding
from tfrepair.core.tensor import Health, Limits
from tfrepair.readers.bundle_index import choose_bundle, find_index
from tfrepair.readers.bundle_tensors import BundleTensor, tensors_of
from tfrepair.readers.registry import open_source
from tfrepair.readers.saves import Kind as SaveKind
from tfrepair.readers.saves import Save
from tfrepair.wire.bundle import BundleEntry, shard_name
from tfrepair.wire.bundle_data import Shards
from tfrepair.wire.bundle_index import BundleIndex
from tfrepair.wire.bundle_writer import write_index
from tfrepair.wire.ordered_code import encode_slice_key
from tfrepair.writers.staging import SAVED_MODEL, Kind

_CHUNK = 1 << 22
_GRAPH = "saved_model.pb"
_VARIABLES = "variables"


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleJob:
    """A bundle with the source of each of its tensors.

    Attributes
    ----------
    keys
        Key in the index of each of the parts.
    added
        Tensors of donors for which the source has no place.
    foreign
        Pieces of donors, by the keys of those that they stand in for.
    lost
        Keys that the output does not have.
    root
        Directory of the SavedModel that the bundle is part of; ``None`` for a checkpoint.
    """

    format: str
    kind: Kind
    parts: tuple[Part, ...]
    actions: tuple[str, ...]
    findings: tuple[Finding, ...]
    save: Save
    index: BundleIndex
    shards: Shards
    pieces: tuple[Piece, ...]
    keys: tuple[str, ...]
    added: tuple[BundleTensor, ...]
    foreign: Mapping[bytes, Piece]
    lost: frozenset[bytes]
    root: Path | None

    def write(self, out: Path, step: Step) -> None:
        """Write data files, index and what belongs to them; see :class:`Job`."""
        folder = out
        if self.root is None:
            out.mkdir()
            copy_beside(self.save, out)
        else:
            shutil.copytree(self.root, out, symlinks=True, ignore=_bundle_files(self.save))
            folder = out / _VARIABLES
            folder.mkdir(exist_ok=True)
        entries = self._write_data(folder, step)
        with (folder / f"{self.save.prefix.name}.index").open("xb") as index:
            write_index(entries, index.write, header=self.index.header)

    def problems(self, out: Path) -> tuple[str, ...]:
        """Open the output and hold every tensor against its checksum."""
        folder = out if self.root is None else out / _VARIABLES
        try:
            store = open_source(folder / self.save.prefix.name, limits=Limits())
        except SourceError as error:
            return (error.message,)
        return unequal(store, dict(zip(self.keys, self.parts, strict=True)))

    def _write_data(self, folder: Path, step: Step) -> dict[bytes, BundleEntry]:
        """Write the data files; returns the entries of the index."""
        entries = {k: e for k, e in self.index.entries.items() if k not in self.lost}
        by_shard: dict[int, list[Piece]] = defaultdict(list)
        for piece in self.pieces:
            by_shard[piece.entry.shard].append(piece)
        done = 0
        for number in range(self.index.header.num_shards):
            name = shard_name(self.save.prefix.name, number, self.index.header.num_shards)
            with (folder / name).open("xb") as file:
                for piece in sorted(by_shard[number], key=lambda piece: piece.entry.offset):
                    if piece.key not in self.lost:
                        entries[piece.key] = self._write_piece(file, piece)
                    done += 1
                    step(done, len(self.pieces))
                if number == self.index.header.num_shards - 1:
                    entries |= self._write_added(file, number)
        return entries

    def _write_added(self, file: BinaryIO, shard: int) -> dict[bytes, BundleEntry]:
        """Write the tensors of donors for which the source has no place behind all others."""
        entries: dict[bytes, BundleEntry] = {}
        for tensor in self.added:
            if tensor.entry.slices:
                whole = tensor.key.encode("utf-8", "surrogateescape")
                entries[whole] = replace(tensor.entry, shard=shard)
            for piece in pieces_of((tensor,))[0]:
                content = memoryview(piece.content())
                at = file.seek(0, 2)
                file.write(content)
                entries[piece.key] = replace(piece.entry, shard=shard, offset=at)
        return entries

    def _write_piece(self, file: BinaryIO, piece: Piece) -> BundleEntry:
        """Write a tensor where it was, or behind the others where that place does not do."""
        other = self.foreign.get(piece.key)
        here = piece.entry
        at = here.offset
        if other is not None and other.entry.size != here.size:
            at = max(file.seek(0, 2), _end(self.pieces, here.shard))
        source = other or piece
        file.seek(at)
        content = memoryview(source.content())
        file.writelines(content[start : start + _CHUNK] for start in range(0, len(content), _CHUNK))
        if other is None:
            return here
        return replace(here, offset=at, size=other.entry.size, crc=other.entry.crc)


def _end(pieces: Iterable[Piece], shard: int) -> int:
    return max((p.entry.offset + p.entry.size for p in pieces if p.entry.shard == shard), default=0)


class BundleRepairer:
    """Repairs ``.index`` and ``.data-*`` files, loose or in a SavedModel."""

    name = SaveKind.BUNDLE.value

    def prepare(self, path: Path, options: RepairOptions) -> Job | None:
        """Look at a bundle; see :class:`tfrepair.api.repairs.job.Repairer`."""
        choice = choose_bundle(path)
        save = choice.of(SaveKind.BUNDLE)
        if save is None:
            return None
        index, shards, findings = find_index(save, options.templates)
        tensors = tensors_of(index, shards)
        pieces, lost = pieces_of(tensors)
        other = refitted(save, index, pieces)
        if other is not None:
            index, shards, findings = other
            tensors = tensors_of(index, shards)
            pieces, lost = pieces_of(tensors)
        donors = opened(options.donors)
        foreign = from_donors(donors, [p for p in pieces if p.key in lost])
        added = added_by(donors, index)
        gone = with_wholes(lost - foreign.keys(), tensors)
        root = _saved_model(save)
        names = {t.origin.key: str(t.name) for t in open_source(path, limits=Limits())}
        given = tuple(_given(tensor, save) for tensor in added)
        absent = set(index.absent) - {tensor.key for tensor in added}
        parts = (
            *_parts(tensors, names, foreign, gone, save),
            *given,
            *(_cut(name) for name in index.absent if name in absent),
        )
        return BundleJob(
            format=self.name,
            kind=CHECKPOINT if root is None else SAVED_MODEL,
            parts=parts,
            actions=tuple(_actions(parts, index, findings, save)),
            findings=(*choice.findings, *findings),
            save=save,
            index=index,
            shards=shards,
            pieces=pieces,
            keys=(
                *(tensor.key for tensor in (*tensors, *added)),
                *(name for name in index.absent if name in absent),
            ),
            added=added,
            foreign=foreign,
            lost=gone,
            root=root,
        )


def _saved_model(save: Save) -> Path | None:
    """Return the SavedModel that a bundle belongs to."""
    folder = save.prefix.parent
    inside = folder.name == _VARIABLES and save.prefix.name == _VARIABLES
    return folder.parent if inside and (folder.parent / _GRAPH).is_file() else None


def _bundle_files(save: Save) -> Callable[[str, list[str]], set[str]]:
    """Leave out the files that are written anew, and what interrupted saves left."""
    prefix = save.prefix.name

    def ignored(folder: str, names: list[str]) -> set[str]:
        if Path(folder) != save.prefix.parent:
            return set()
        return {n for n in names if n.startswith((f"{prefix}.", f"{prefix}_temp"))}

    return ignored


def _parts(
    tensors: Sequence[BundleTensor],
    names: Mapping[str, str],
    foreign: Mapping[bytes, Piece],
    gone: frozenset[bytes],
    save: Save,
) -> tuple[Part, ...]:
    return tuple(
        _part(tensor, names.get(tensor.key, tensor.key), foreign, gone, save) for tensor in tensors
    )


def _part(
    tensor: BundleTensor,
    name: str,
    foreign: Mapping[bytes, Piece],
    gone: frozenset[bytes],
    save: Save,
) -> Part:
    key = tensor.key.encode("utf-8", "surrogateescape")
    keys = {key} | {encode_slice_key(tensor.key, part) for part in tensor.entry.slices}
    health, note = tensor.examine()
    origin = tensor.path if tensor.offset is None else f"{tensor.path} at byte {tensor.offset}"
    donors = [foreign[k] for k in sorted(keys & foreign.keys())]
    if keys & gone:
        return Part(name=name, action=Action.LOST, health=health, note=note)
    if donors:
        stored = donors[0].stored
        origin = f"{stored.shards.path(stored.entry.shard)} at byte {stored.entry.offset}"
        note = f"from a donor, since the one in {save.prefix.name} is {health.value}: {note}"
        return Part(
            name=name, action=Action.DONOR, health=donors[0].health, origin=origin, note=note
        )
    if health is Health.CORRECTED:
        return Part(name=name, action=Action.CORRECTED, health=health, origin=origin, note=note)
    action = Action.REBUILT if health is Health.UNVERIFIED else Action.KEPT
    return Part(name=name, action=action, health=health, origin=origin, note=note)


def _given(tensor: BundleTensor, save: Save) -> Part:
    return Part(
        name=tensor.key,
        action=Action.DONOR,
        health=tensor.examine()[0],
        origin=f"{tensor.path} at byte {tensor.offset}",
        note=f"from a donor, since the one in {save.prefix.name} is cut off",
    )


def _cut(name: str) -> Part:
    note = "its bytes are not there: the data ends before it does"
    return Part(name=name, action=Action.LOST, health=Health.TRUNCATED, note=note)


def _actions(
    parts: Sequence[Part], index: BundleIndex, findings: Sequence[Finding], save: Save
) -> list[str]:
    """Say what is wrong with the source and done about it."""
    said = [finding.message for finding in findings]
    said += [f"{index.where}: {note}" for note in index.corrections]
    said += [f"{index.where}: {problem.message}" for problem in index.problems]
    counts = {action: sum(part.action is action for part in parts) for action in Action}
    if counts[Action.CORRECTED]:
        said.append(f"tensors with one flipped bit, set right: {counts[Action.CORRECTED]}")
    if counts[Action.DONOR]:
        said.append(f"tensors taken from a donor: {counts[Action.DONOR]} of {len(parts)}")
    if counts[Action.LOST]:
        said.append(f"tensors that are lost and left out: {counts[Action.LOST]} of {len(parts)}")
    return said
