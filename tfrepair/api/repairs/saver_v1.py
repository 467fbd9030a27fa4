"""Repair of saves of the first format: tables with a lost footer, flipped bits, missing tensors.

Each shard is written anew from the entries that are whole; a shard from which nothing is missing
comes out byte for byte as TensorFlow wrote it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tfrepair.api.repairs.checkpoints import CHECKPOINT, copy_beside, unequal
from tfrepair.api.repairs.job import Action, Job, Part, RepairOptions, Step
from tfrepair.core.errors import SourceError
from tfrepair.core.findings import Finding
from tfrepair.core.tensor import Health, Limits
from tfrepair.readers.registry import open_source
from tfrepair.readers.saver_tables import SavedTensor, SaverTables, open_tables
from tfrepair.readers.saves import Kind as SaveKind
from tfrepair.readers.saves import Save, choose_save
from tfrepair.wire.ordered_code import encode_slice_key
from tfrepair.wire.saver_v1 import HEADER_KEY, Values, header_with, open_header
from tfrepair.wire.sstable_writer import write_table
from tfrepair.writers.staging import Kind

_WHOLE = (Health.VERIFIED, Health.CORRECTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaverJob:
    """A save of the first format with the source of each of its tensors.

    Attributes
    ----------
    shards
        By file: its header, and the entries that it is to have.
    """

    format: str
    kind: Kind
    parts: tuple[Part, ...]
    actions: tuple[str, ...]
    findings: tuple[Finding, ...]
    save: Save
    shards: Mapping[Path, Mapping[bytes, bytes | memoryview]]

    def write(self, out: Path, step: Step) -> None:
        """Write every shard, and what belongs to the save; see :class:`Job`."""
        out.mkdir()
        copy_beside(self.save, out)
        for done, (path, entries) in enumerate(self.shards.items()):
            with (out / path.name).open("xb") as file:
                write_table([(key, entries[key]) for key in sorted(entries)], file.write)
            step(done + 1, len(self.shards))

    def problems(self, out: Path) -> tuple[str, ...]:
        """Open the output and hold every tensor against its checksum."""
        try:
            store = open_source(out / self.save.files[0].name, limits=Limits(), reader=self.format)
        except SourceError as error:
            return (error.message,)
        return unequal(store, {part.name: part for part in self.parts})


class SaverRepairer:
    """Repairs files of the first format, one or several shards."""

    name = SaveKind.V1.value

    def prepare(self, path: Path, options: RepairOptions) -> Job | None:
        """Look at a save; see :class:`tfrepair.api.repairs.job.Repairer`."""
        save = _save(path)
        if save is None:
            return None
        tables = open_tables(save.files, Limits())
        donors = [(donor, _donor(donor)) for donor in options.donors]
        parts, lost, given = _sources(tables, donors)
        return SaverJob(
            format=self.name,
            kind=CHECKPOINT,
            parts=tuple(parts),
            actions=tuple(_actions(tables, parts)),
            findings=(),
            save=save,
            shards=_shards(tables, lost, given),
        )


def _save(path: Path) -> Save | None:
    """Return the save that a path means, also of a file that lost its end."""
    choice = choose_save(path)
    save = choice.of(SaveKind.V1)
    if save is not None or choice.saves or not path.is_file():
        return save
    try:
        store = open_source(path)
    except SourceError:
        return None
    is_first = store.format == SaveKind.V1.value
    return Save(prefix=path, kind=SaveKind.V1, files=(path,)) if is_first else None


def _donor(path: Path) -> SaverTables:
    save = _save(path)
    if save is None:
        message = f"{path}: a donor must be a checkpoint of the same format"
        raise SourceError(message, remedy="give an older save of the same run")
    return open_tables(save.files, Limits())


def _sources(
    tables: SaverTables, donors: Sequence[tuple[Path, SaverTables]]
) -> tuple[list[Part], set[str], dict[str, SavedTensor]]:
    """Say for every tensor where it is from; which are lost, and what donors give."""
    parts, lost = [], set()
    given: dict[str, SavedTensor] = {}
    for name, tensor in tables.tensors.items():
        health, note = tensor.examine()
        if health in _WHOLE:
            action = Action.CORRECTED if health is Health.CORRECTED else Action.KEPT
            parts.append(
                Part(name=name, action=action, health=health, origin=tensor.path, note=note)
            )
            continue
        path, other = next(
            ((p, t) for p, d in donors if (t := d.tensors.get(name)) and _may_replace(t, tensor)),
            (None, None),
        )
        if other is None or path is None:
            lost.add(name)
            parts.append(Part(name=name, action=Action.LOST, health=health, note=note))
            continue
        given[name] = other
        note = f"from a donor, since the one in {tensor.path} is {health.value}: {note}"
        parts.append(
            Part(
                name=name,
                action=Action.DONOR,
                health=other.examine()[0],
                origin=str(path),
                note=note,
            )
        )
    return parts, lost, given


def _may_replace(donor: SavedTensor, tensor: SavedTensor) -> bool:
    alike = (donor.dtype_number, donor.shape) == (tensor.dtype_number, tensor.shape)
    same_parts = [part for part, _ in donor.parts] == [part for part, _ in tensor.parts]
    return alike and same_parts and donor.examine()[0] in _WHOLE


def _shards(
    tables: SaverTables, lost: set[str], given: Mapping[str, SavedTensor]
) -> dict[Path, dict[bytes, bytes | memoryview]]:
    """Return the entries of every file that is written anew."""
    shards: dict[Path, dict[bytes, bytes | memoryview]] = {}
    for tensor in tables.tensors.values():
        source = given.get(tensor.name, tensor)
        for (part, values), (_, other) in zip(tensor.parts, source.parts, strict=True):
            entries = shards.setdefault(Path(values.where), _header(values, lost))
            if tensor.name not in lost:
                key = encode_slice_key(tensor.name, part)
                value = other.find(key)
                if value is not None:
                    entries[key] = value
    return shards


def _header(values: Values, lost: set[str]) -> dict[bytes, bytes | memoryview]:
    header = values.find(HEADER_KEY) or b""
    kept = {tensor.name for tensor in open_header(values)} - lost
    return {HEADER_KEY: header_with(header, kept, values.where)}


def _actions(tables: SaverTables, parts: Sequence[Part]) -> list[str]:
    said = [f"{path}: {error.message}" for path, error in tables.problems]
    said += list(tables.corrections)
    for action, text in (
        (Action.CORRECTED, "tensors in blocks with one flipped bit, set right"),
        (Action.DONOR, "tensors taken from a donor"),
        (Action.LOST, "tensors that are lost and left out"),
    ):
        count = sum(part.action is action for part in parts)
        said += [f"{text}: {count} of {len(parts)}"] if count else []
    return said
