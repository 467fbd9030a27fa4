"""Members of a zip archive, read where they lie and within bounds; nothing is ever unpacked.

Knows the structure of archives and nothing of their content. A stored member is a part of the
file; a compressed one is expanded into memory if its announced size is in proportion.
"""

import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tfrepair.core.errors import Corrupt, OverLimit, SourceError, Truncated, Unsupported
from tfrepair.core.tensor import Limits
from tfrepair.readers.base import system_errors
from tfrepair.readers.h5_bytes import H5Bytes
from tfrepair.readers.keys import printable

LOCAL_HEADER = b"PK\x03\x04"
_LOCAL_HEADER_BYTES = 30
_ENCRYPTED = 1
_MAX_EXPANDED_BYTES = 1 << 31
"""A compressed member larger than this would have to be held in memory."""
_REMEDY_COPY = "look for another copy of the file"


@contextmanager
def archive_errors(path: Path) -> Iterator[None]:
    """Turn what the zip module raises about damaged archives into :class:`Corrupt`."""
    with system_errors(path):
        try:
            yield
        except (
            zipfile.BadZipFile, zlib.error, NotImplementedError, ValueError, EOFError, IndexError,
            RuntimeError, UnicodeError, MemoryError, OverflowError,
        ) as error:  # fmt: skip
            message = f"{path}: the zip archive is damaged: {error}"
            raise Corrupt(message, remedy=_REMEDY_COPY) from error


def list_members(path: Path) -> tuple[zipfile.ZipInfo, ...]:
    """Return the directory of an archive.

    Raises
    ------
    Truncated
        If the file begins as an archive and has no directory at its end.
    Corrupt
        If it has one that cannot be read.
    """
    with archive_errors(path):
        if not zipfile.is_zipfile(path):
            raise _cut(path)
        with zipfile.ZipFile(path) as archive:
            return tuple(archive.infolist())


def _cut(path: Path) -> SourceError:
    with path.open("rb") as file:
        is_archive = file.read(len(LOCAL_HEADER)) == LOCAL_HEADER
        size = file.seek(0, io.SEEK_END)
    if not is_archive:
        return Corrupt(f"{path}: not a zip archive, {size} bytes", remedy=_REMEDY_COPY)
    message = (
        f"{path}, byte {size}: the file ends within the archive: expected the directory of its "
        f"members (22 bytes or more) at the end, found none in {size} bytes"
    )
    remedy = (
        "look for a complete copy; reading the members that are still whole in a cut archive is "
        "not in this version"
    )
    return Truncated(message, remedy=remedy)


def only_member(
    path: Path, members: Sequence[zipfile.ZipInfo], name: str
) -> zipfile.ZipInfo | None:
    """Return the member of a name, ``None`` if there is none.

    Raises
    ------
    Corrupt
        If there are several: which one counts differs from program to program.
    """
    found = [member for member in members if member.filename == name]
    if len(found) > 1:
        message = f"{path}: {len(found)} members are called {name}; expected one"
        raise Corrupt(message, remedy="Keras never writes such archives; look for another copy")
    return found[0] if found else None


def require_modest(path: Path, member: zipfile.ZipInfo, largest: int, limits: Limits) -> None:
    """Refuse members that are encrypted, or announce more than is in proportion.

    Raises
    ------
    OverLimit, Unsupported
        With the numbers.
    """
    where = f"{path}, member {printable(member.filename)}, byte {member.header_offset}"
    if member.flag_bits & _ENCRYPTED:
        message = f"{where}: the member is encrypted"
        raise Unsupported(message, remedy="unpack it with its password and give model.weights.h5")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        message = f"{where}: compression method {member.compress_type}; known are 0 and 8"
        raise Unsupported(message, remedy="unpack the archive and give model.weights.h5")
    if member.file_size > largest:
        message = f"{where}: {member.file_size} bytes, the limit is {largest}"
        raise OverLimit(message, remedy="unpack the archive and give model.weights.h5")
    if member.file_size > limits.max_expansion * max(member.compress_size, 1):
        message = (
            f"{where}: {member.compress_size} bytes announce to expand to {member.file_size}, more "
            f"than {limits.max_expansion} times as many"
        )
        raise OverLimit(message, remedy="if you trust the file, unpack it")


def read_member(path: Path, member: zipfile.ZipInfo, largest: int, limits: Limits) -> bytes:
    """Read a member whole; its checksum is compared.

    Raises
    ------
    SourceError
        If it is too large or damaged.
    """
    require_modest(path, member, largest, limits)
    with archive_errors(path), zipfile.ZipFile(path) as archive, archive.open(member) as file:
        return file.read()


def member_bytes(path: Path, member: zipfile.ZipInfo, limits: Limits) -> H5Bytes:
    """Return where the bytes of a member lie.

    Raises
    ------
    SourceError
        If the member does not fit into the file, or is compressed out of proportion.
    """
    if member.compress_type != zipfile.ZIP_STORED:
        data = read_member(path, member, _MAX_EXPANDED_BYTES, limits)
        return H5Bytes(path=path, member=member.filename, held=data)
    require_modest(path, member, member.file_size, limits)
    with system_errors(path), path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(member.header_offset)
        header = file.read(_LOCAL_HEADER_BYTES)
    where = f"{path}, byte {member.header_offset}"
    if len(header) < _LOCAL_HEADER_BYTES or not header.startswith(LOCAL_HEADER):
        message = f"{where}: expected the header of {member.filename}, found {header[:4]!r}"
        raise Corrupt(message, remedy=_REMEDY_COPY)
    lengths = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    start = member.header_offset + _LOCAL_HEADER_BYTES + lengths
    if start + member.file_size > size:
        message = (
            f"{where}: {member.filename} takes {member.file_size} bytes from byte {start}, found "
            f"{max(0, size - start)}"
        )
        raise Truncated(message, remedy="look for a complete copy of the file")
    return H5Bytes(path=path, member=member.filename, start=start, size=member.file_size)
