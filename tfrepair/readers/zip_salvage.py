"""Archives without their directory: the members that their own headers tell.

Finished members are whole and have their checksums; the last one may be open or cut. Gives the
bytes of each as a stream or as a part of the file; what they mean is up to the readers of archives.
"""

import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from tfrepair.core.errors import Corrupt, OverLimit, SourceError, Truncated, Unsupported
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Limits
from tfrepair.readers.byte_file import ByteFile
from tfrepair.readers.h5_bytes import H5Bytes
from tfrepair.readers.keys import printable
from tfrepair.wire.mapping import map_file
from tfrepair.wire.zip_scan import LOCAL, FoundMember, scan_members

_ENCRYPTED = 1
_BLOCK = 1 << 20
_SMALL = 256
_MAX_EXPANDED = 1 << 31


@dataclass(frozen=True, slots=True, kw_only=True)
class SalvagedArchive:
    """The members of an archive that lost its directory."""

    path: Path
    members: tuple[FoundMember, ...]

    def finding(self) -> Finding:
        """Return what is wrong with the archive."""
        whole = sum(member.is_whole for member in self.members)
        text = f"the directory at the end is missing; {whole} members are whole"
        for member in self.members:
            if not member.is_whole:
                what = "was still being written" if member.announced is None else "is cut"
                text += f"; {printable(member.name)} {what}, {member.size} bytes of it are there"
        return Finding(
            code="archive-without-directory",
            severity=Severity.ERROR,
            where=str(self.path),
            message=text,
            remedy="tfrepair repair writes what is left into a file",
        )


def salvage_archive(path: Path) -> SalvagedArchive | None:
    """Look for members in a file without a directory; ``None`` if it does not begin as an archive.

    Raises
    ------
    SourceError
        If the file cannot be read.
    """
    data = map_file(path)
    if bytes(data[: len(LOCAL)]) != LOCAL:
        return None
    members = scan_members(data)
    return SalvagedArchive(path=path, members=members) if members else None


def member_part(path: Path, member: FoundMember, limits: Limits) -> H5Bytes:
    """Return where the bytes of a member lie; of a compressed one, what comes out of it.

    Raises
    ------
    SourceError
        If it is encrypted, or expands out of proportion.
    """
    _require_modest(path, member)
    if member.method == 0:
        return H5Bytes(path=path, member=member.name, start=member.begin, size=member.size)
    held = _expanded(path, member, limits)
    return H5Bytes(path=path, member=member.name, held=held)


def is_intact(path: Path, member: FoundMember) -> bool:
    """Return whether the checksum of a stored member fits; reads all of it."""
    if not member.is_whole or member.method != 0:
        return member.is_whole
    data, crc = map_file(path)[member.begin :][: member.size], 0
    for start in range(0, len(data), _BLOCK):
        crc = zlib.crc32(data[start : start + _BLOCK], crc)
    return crc == member.crc


@contextmanager
def opened_member(path: Path, member: FoundMember, limits: Limits) -> Iterator[BinaryIO]:
    """Open what is there of a member for reading."""
    part = member_part(path, member, limits)
    with io.BufferedReader(ByteFile(part.view())) as file:
        yield cast("BinaryIO", file)


def available(path: Path, member: FoundMember, limits: Limits) -> int:
    """Return how many bytes of a member can be read, without compression."""
    if member.method == 0:
        return member.size
    return len(member_part(path, member, limits).view())


def _require_modest(path: Path, member: FoundMember) -> None:
    if member.flags & _ENCRYPTED:
        message = f"{path}, member {printable(member.name)}: the member is encrypted"
        raise Unsupported(message, remedy="look for a complete copy of the file")


def _expanded(path: Path, member: FoundMember, limits: Limits) -> bytes:
    """Expand a member as far as it goes."""
    most = min(_MAX_EXPANDED, limits.max_expansion * max(member.size, 1))
    where = f"{path}, member {printable(member.name)}"
    machine, content = zlib.decompressobj(-15), io.BytesIO()
    data = map_file(path)[member.begin :][: member.size]
    try:
        for start in range(0, len(data), _SMALL):
            content.write(machine.decompress(data[start : start + _SMALL]))
            if content.tell() > most:
                message = f"{where}: {member.size} bytes expand to more than {most}"
                raise OverLimit(message, remedy="if you trust the file, unpack it")
    except zlib.error as error:
        if not content.tell():
            message = f"{where}: the compressed data is damaged: {error}"
            raise Corrupt(message, remedy="look for another copy of the file") from error
    return content.getvalue()


def damage_of(path: Path, member: FoundMember) -> SourceError | None:
    """Return what is wrong with a member; ``None`` if it is whole and its checksum fits."""
    where = f"{path}, member {printable(member.name)}, byte {member.at}"
    if not member.is_whole:
        announced = "more" if member.announced is None else str(member.announced)
        message = f"{where}: the file ends within it: expected {announced} bytes, found "
        return Truncated(f"{message}{member.size}", remedy="look for a complete copy")
    if not is_intact(path, member):
        return Corrupt(f"{where}: its checksum does not fit", remedy="look for another copy")
    return None
