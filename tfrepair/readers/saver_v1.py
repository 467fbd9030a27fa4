"""Reader of the first checkpoint format of ``tf.train.Saver``: one table for each shard.

Opening reads the list of tensors; values are read, with the checksum of their block, when a
tensor is fetched. Partitioned variables are joined, over all shards. What is left of a file
that was cut off is read up to the cut.

Source: files of TensorFlow 1.4, 1.15 and 2.21, ``tests/golden/tf_checkpoint``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tfrepair.core.errors import SourceError, Unrecognised
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Limits, Origin, Purpose, SourceName, Tensor, TensorStore
from tfrepair.readers.base import Candidate
from tfrepair.readers.naming import Naming
from tfrepair.readers.saver_names import name_saver_tensors
from tfrepair.readers.saver_tables import SavedTensor, SaverTables, open_tables
from tfrepair.readers.saves import Choice, Kind, Save, choose_save
from tfrepair.wire.saver_v1 import begins_like_header


@dataclass(frozen=True, slots=True, kw_only=True)
class SaverV1Reader:
    """Checkpoints without an ``.index``: the V1 format, whole or in shards."""

    name: str = Kind.V1.value
    description: str = "TensorFlow checkpoints of the first format (V1)"

    def recognizes(self, candidate: Candidate) -> bool:
        """Return whether the path names a save of this format, or a file begins like one."""
        try:
            choice = choose_save(candidate.path)
        except SourceError:
            return False
        return choice.of(Kind.V1) is not None or begins_like_header(candidate.head)

    def open(self, path: Path, *, limits: Limits) -> TensorStore:
        """Read the lists of tensors; values stay where they are.

        Raises
        ------
        SourceError
            If there is no save of this format, or nothing of it can be read.
        """
        choice = choose_save(path)
        save = choice.of(Kind.V1) or _forced(path)
        tables = open_tables(save.files, limits)
        names = name_saver_tensors({t.name: t.shape for t in tables.tensors.values()})
        return TensorStore(
            format=self.name,
            path=str(path),
            files=tuple(str(file) for file in save.files),
            tensors=tuple(_tensor(t, names) for t in tables.tensors.values()),
            names_are_meaningful=True,
            order_is_meaningful=False,
            findings=(*choice.findings, *_findings(save, tables, choice)),
        )


def _forced(path: Path) -> Save:
    """Return a save of a file that does not end as a table: it may have been cut off."""
    if not path.is_file():
        message = f"{path}: no checkpoint of the first format is here"
        raise Unrecognised(message, remedy="give the file, or one of its shards")
    return Save(prefix=path, kind=Kind.V1, files=(path,))


def _tensor(saved: SavedTensor, names: Mapping[str, Naming]) -> Tensor:
    naming = names[saved.name]
    return Tensor(
        name=SourceName(saved.name),
        shape=saved.shape,
        dtype=saved.dtype,
        nbytes=saved.nbytes,
        origin=Origin(path=saved.path, key=saved.name),
        fetch=saved.fetch,
        examine=saved.examine,
        leading=saved.leading if len(saved.parts) > 1 else None,
        purpose=naming.purpose if saved.is_numeric else Purpose.BOOKKEEPING,
        slot=naming.slot,
        slot_of=naming.slot_of,
    )


def _findings(save: Save, tables: SaverTables, choice: Choice) -> list[Finding]:
    found = [
        Finding(
            code="shard-damaged",
            severity=Severity.ERROR,
            where=str(path),
            message=error.message,
            remedy="what is whole is read; look for another copy of the file",
        )
        for path, error in tables.problems
    ]
    found += [
        Finding(
            code="bit-corrected",
            severity=Severity.WARNING,
            where=str(save.prefix),
            message=f"{note} in memory; the file is as it was",
            remedy="tfrepair convert SOURCE OUT --to checkpoint writes a corrected copy",
        )
        for note in tables.corrections
    ]
    if not save.has_all_files:
        found.append(
            Finding(
                code="missing-shard",
                severity=Severity.ERROR,
                where=str(save.prefix),
                message=f"only {len(save.files)} shards are there: {save.files[0].name}, ...",
                remedy="their tensors are read; look for the others",
            )
        )
    if choice.of(Kind.BUNDLE) is not None:
        found.append(
            Finding(
                code="save-chosen",
                severity=Severity.NOTE,
                where=str(save.prefix),
                message="a save of the second format has the same prefix and is not read",
            )
        )
    return found
