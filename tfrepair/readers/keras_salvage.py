"""``.keras`` archives that a killed writer left: without a directory, or without weights.

The configuration is written first and closed, so that it is whole; the weights may be open. Large
weights are first written to a file ``tmp...`` beside the archive: it is read in their place if it
is the only one. Comes after :mod:`tfrepair.readers.zip_salvage`; names are up to
:mod:`tfrepair.readers.keras_store`.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tfrepair.core.errors import SourceError, Truncated
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Limits
from tfrepair.readers.h5_bytes import H5Bytes
from tfrepair.readers.h5_opening import Opened, open_h5
from tfrepair.readers.h5_siblings import plain_bytes
from tfrepair.readers.h5_twin import Template
from tfrepair.readers.keras_config import MAX_TEXT_BYTES
from tfrepair.readers.zip_members import list_members, member_bytes, only_member
from tfrepair.readers.zip_salvage import (
    SalvagedArchive,
    damage_of,
    member_part,
    salvage_archive,
)

WEIGHTS, CONFIG, METADATA = "model.weights.h5", "config.json", "metadata.json"
_ORPHAN = "tmp"


@dataclass(frozen=True, slots=True, kw_only=True)
class SalvagedModel:
    """What is left of an archive.

    Attributes
    ----------
    texts
        Contents of the members beside the weights, by name.
    opened
        The weights.
    findings
        What is wrong.
    files
        Files that were read.
    verdict
        Why no checksum vouches for the weights; empty if one does.
    """

    texts: Mapping[str, bytes]
    opened: Opened
    findings: tuple[Finding, ...]
    files: tuple[Path, ...]
    verdict: str


def archived_weights(path: Path) -> H5Bytes | None:
    """Return the weights of a whole archive, as a template; ``None`` if it has none."""
    with path.open("rb") as file:
        if file.read(2) != b"PK":
            return None
    with suppress(SourceError):
        member = only_member(path, list_members(path), WEIGHTS)
        return member_bytes(path, member, Limits()) if member is not None else None
    return None


def salvage_model(
    path: Path, *, limits: Limits, templates: tuple[Template, ...] | None = None
) -> SalvagedModel:
    """Read what is left of an archive without its directory.

    Parameters
    ----------
    path
        The archive.
    limits
        Bounds on number, depth and size.
    templates
        As for :func:`tfrepair.readers.h5_opening.open_h5`.

    Raises
    ------
    SourceError
        If neither the archive nor a file beside it has weights.
    """
    archive = salvage_archive(path)
    texts, findings = _texts(path, archive, limits)
    member = None
    for found in archive.members if archive is not None else ():
        if found.name == WEIGHTS:
            member = found
    if member is None or member.size == 0:
        return from_orphan(path, texts, findings, limits=limits, templates=templates)
    part = member_part(path, member, limits)
    opened = open_h5(part, limits=limits, templates=templates, opener=archived_weights)
    damage = damage_of(path, member)
    return SalvagedModel(
        texts=texts,
        opened=opened,
        findings=findings,
        files=(path,),
        verdict="" if damage is None else damage.message,
    )


def from_orphan(
    path: Path,
    texts: Mapping[str, bytes],
    findings: tuple[Finding, ...],
    *,
    limits: Limits,
    templates: tuple[Template, ...] | None = None,
) -> SalvagedModel:
    """Read the weights from the temporary file that a killed writer left beside an archive.

    Raises
    ------
    Truncated
        If there is none, or more than one.
    """
    orphans = orphans_beside(path)
    if len(orphans) != 1:
        names = ", ".join(orphan.name for orphan in orphans)
        message = f"{path}: no weights are in the archive" + (
            f", and there is more than one file that may have them: {names}" if names else ""
        )
        raise Truncated(message, remedy="give the file with the weights itself")
    orphan = orphans[0]
    opened = open_h5(H5Bytes(path=orphan), limits=limits, templates=templates)
    finding = Finding(
        code="orphaned-weights",
        severity=Severity.WARNING,
        where=str(path),
        message=f"the weights are read from {orphan.name}, which the killed writer left beside it",
        remedy="tfrepair repair joins them into one file",
    )
    return SalvagedModel(
        texts=texts,
        opened=opened,
        findings=(*findings, finding),
        files=(path, orphan),
        verdict=f"read from {orphan.name}",
    )


def orphans_beside(path: Path) -> list[Path]:
    """Return the HDF5 files in the same folder whose names begin as those of temporary files."""
    found = []
    try:
        entries = sorted(e for e in path.parent.iterdir() if e.name.startswith(_ORPHAN))
        found = [e for e in entries if e.is_file() and e != path and plain_bytes(e) is not None]
    except OSError:
        pass
    return found


def _texts(
    path: Path, archive: SalvagedArchive | None, limits: Limits
) -> tuple[dict[str, bytes], tuple[Finding, ...]]:
    texts: dict[str, bytes] = {}
    findings = [archive.finding()] if archive is not None else []
    for member in archive.members if archive is not None else ():
        if member.name not in (CONFIG, METADATA) or member.size > MAX_TEXT_BYTES:
            continue
        damage = damage_of(path, member)
        if damage is None:
            texts[member.name] = bytes(member_part(path, member, limits).view())
        else:
            findings.append(
                Finding(
                    code="unreadable-config",
                    severity=Severity.WARNING,
                    where=f"{path}: {member.name}",
                    message=damage.message,
                )
            )
    return texts, tuple(findings)
