"""Reader of ``.npz`` archives: zip files whose members are ``.npy`` arrays.

Knows that an archive with ``.npy`` members is one, whatever the suffix. Members are read by name
inside the archive; nothing is ever unpacked to disk, so member names are only names. The archive
compares a member's CRC-32 whenever the member is read to its end.
"""

import io
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from tfrepair.core.errors import Corrupt, OverLimit, Refused, SourceError, Truncated, Unsupported
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Limits, TensorStore
from tfrepair.readers.base import Candidate, system_errors
from tfrepair.readers.keys import is_position, printable
from tfrepair.readers.stores import store_of
from tfrepair.readers.streams import Stream, read_arrays
from tfrepair.readers.tree import Branches
from tfrepair.readers.zip_salvage import (
    available,
    damage_of,
    opened_member,
    salvage_archive,
)
from tfrepair.wire.zip_scan import FoundMember

_SUFFIX = ".npy"
_LOCAL_HEADER = b"PK\x03\x04"
_LOCAL_NAME_AT = 30
_ENCRYPTED = 1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What numpy.savez and numpy.savez_compressed write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NpzReader:
    """Arrays saved with ``numpy.savez``: named, or ``arr_0``, ``arr_1``, ..."""

    name: str = "npz"
    description: str = ".npz: named or numbered arrays"

    def recognizes(self, candidate: Candidate) -> bool:
        """Return whether the file is a zip archive with ``.npy`` members."""
        head = candidate.head
        if not head.startswith(_LOCAL_HEADER):
            return False
        length = int.from_bytes(head[26:28], "little")
        if head[_LOCAL_NAME_AT : _LOCAL_NAME_AT + length].endswith(_SUFFIX.encode()):
            return True
        try:
            with zipfile.ZipFile(candidate.path) as archive:
                return any(name.endswith(_SUFFIX) for name in archive.namelist())
        except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError, EOFError):
            return False

    def open(self, path: Path, *, limits: Limits) -> TensorStore:
        """Read the directory of the archive and the header of each member.

        Raises
        ------
        SourceError
            If the archive is damaged, or a member asks for code; a single damaged member is a
            finding.
        """
        if _lost_directory(path):
            return _open_salvaged(self.name, path, limits)
        members, findings = _members(path)
        pairs: list[tuple[str, object]] = []
        errors: list[SourceError] = []
        for member in members:
            key = printable(member.filename.removesuffix(_SUFFIX))
            try:
                tree, found = read_arrays(_stream(path, member, limits), limits=limits)
            except (Refused, OverLimit):
                raise
            except SourceError as error:
                errors.append(error)
                findings.append(_unreadable(path, key, error))
            else:
                pairs.append((key, tree))
                findings += found
        if errors and not pairs:
            raise errors[0]
        return store_of(
            Branches(pairs=tuple(pairs)),
            reader=self.name,
            path=path,
            files=(path,),
            limits=limits,
            order_is_meaningful=_order_is_meaningful([key for key, _ in pairs]),
            findings=tuple(findings),
        )


def _members(path: Path) -> tuple[list[zipfile.ZipInfo], list[Finding]]:
    """Return the ``.npy`` members in the archive's order, and what else is in it."""
    with _archive_errors(path), zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
    members = [info for info in infos if info.filename.endswith(_SUFFIX)]
    others = [info.filename for info in infos if not info.filename.endswith(_SUFFIX)]
    if not others:
        return members, []
    finding = Finding(
        code="not-a-tensor",
        severity=Severity.NOTE,
        where=str(path),
        message=f"{len(others)} members are no .npy arrays and are not read: "
        + ", ".join(printable(name[:80]) for name in others[:20]),
    )
    return members, [finding]


def _lost_directory(path: Path) -> bool:
    """Return whether a file begins as an archive and has no directory at its end."""
    with system_errors(path):
        if not path.is_file() or zipfile.is_zipfile(path):
            return False
        with path.open("rb") as file:
            return file.read(len(_LOCAL_HEADER)) == _LOCAL_HEADER


def _open_salvaged(reader: str, path: Path, limits: Limits) -> TensorStore:
    """Read the members that are there of an archive without its directory.

    Raises
    ------
    Truncated
        If none of them is whole or has leading rows.
    """
    archive = salvage_archive(path)
    members = archive.members if archive is not None else ()
    findings = [archive.finding()] if archive is not None else []
    pairs: list[tuple[str, object]] = []
    for member in members:
        if not member.name.endswith(_SUFFIX):
            continue
        key = printable(member.name.removesuffix(_SUFFIX))
        try:
            damage = damage_of(path, member)
            if damage is not None and member.is_whole:
                raise damage
            tree, found = read_arrays(_salvaged_stream(path, member, limits), limits=limits)
        except (Refused, OverLimit):
            raise
        except SourceError as error:
            findings.append(_unreadable(path, key, error))
        else:
            pairs.append((key, tree))
            findings += [f for f in found if f.code != "bytes-after-array" or member.is_whole]
    if not pairs:
        raise _nothing_left(path)
    return store_of(
        Branches(pairs=tuple(pairs)),
        reader=reader,
        path=path,
        files=(path,),
        limits=limits,
        order_is_meaningful=_order_is_meaningful([key for key, _ in pairs]),
        findings=tuple(findings),
    )


def _salvaged_stream(path: Path, member: FoundMember, limits: Limits) -> Stream:
    return Stream(
        path=path,
        key=printable(member.name),
        size=available(path, member, limits),
        open=lambda: opened_member(path, member, limits),
    )


def _nothing_left(path: Path) -> Truncated:
    with path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
    message = (
        f"{path}, byte {size}: the file ends within the archive: expected the directory of its "
        f"members (22 bytes or more) at the end, found none in {size} bytes, and no whole array"
    )
    return Truncated(message, remedy="look for a complete copy of the file")


def _stream(path: Path, member: zipfile.ZipInfo, limits: Limits) -> Stream:
    where = f"{path}, member {printable(member.filename)}, byte {member.header_offset}"
    if member.flag_bits & _ENCRYPTED:
        message = f"{where}: the member is encrypted"
        raise Unsupported(message, remedy="unpack it with its password and give the folder")
    if member.compress_type not in _METHODS:
        message = f"{where}: compression method {member.compress_type}; known are 0 and 8"
        raise Unsupported(message, remedy="unpack the archive and give the folder")
    if member.file_size > limits.max_expansion * max(member.compress_size, 1):
        message = (
            f"{where}: {member.compress_size} bytes announce to expand to {member.file_size}, more "
            f"than {limits.max_expansion} times as many"
        )
        raise OverLimit(message, remedy="if you trust the file, unpack it and give the folder")
    return Stream(
        path=path,
        key=member.filename,
        size=member.file_size,
        open=lambda: _open_member(path, member),
    )


@contextmanager
def _open_member(path: Path, member: zipfile.ZipInfo) -> Iterator[BinaryIO]:
    with zipfile.ZipFile(path) as archive, archive.open(member) as file:
        yield cast("BinaryIO", file)


@contextmanager
def _archive_errors(path: Path) -> Iterator[None]:
    with system_errors(path):
        try:
            yield
        except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, IndexError) as error:
            message = f"{path}: the zip archive is damaged: {error}"
            raise Corrupt(message, remedy="look for another copy of the file") from error


def _order_is_meaningful(keys: Sequence[str]) -> bool:
    """Return False if numbered members are not in the order of their numbers.

    Then whoever wrote the archive went through a hash table or an alphabet: Python before 3.6,
    or a tool that sorts names.
    """
    numbers = [int(key.removeprefix("arr_")) for key in keys if is_position(key)]
    return numbers == sorted(numbers)


def _unreadable(path: Path, key: str, error: SourceError) -> Finding:
    return Finding(
        code="unreadable-member",
        severity=Severity.ERROR,
        where=f"{path}: {key}",
        message=error.message,
        remedy=error.remedy,
    )
