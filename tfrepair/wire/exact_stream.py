"""A file that gives exactly what is asked for, or ends the reading with numbers.

Knows where a file ends, so that nothing is allocated for bytes that are only announced. Used by
:mod:`tfrepair.wire.safe_pickle`.
"""

from typing import BinaryIO


class EndOfFileError(Exception):
    """The file ends before what was announced."""

    def __init__(self, *, offset: int, expected: str) -> None:
        super().__init__(offset)
        self.offset = offset
        self.expected = expected


class ExactStream:
    """A file that gives all bytes that are asked for, or ends the reading."""

    def __init__(self, file: BinaryIO, *, end: int) -> None:
        self._file = file
        self._end = end

    def tell(self) -> int:
        """Return the byte offset."""
        return self._file.tell()

    @property
    def left(self) -> int:
        """Bytes up to the end."""
        return self._end - self._file.tell()

    def read(self, count: int) -> bytes:
        """Return exactly ``count`` bytes; nothing is allocated for more than is left."""
        offset = self._file.tell()
        if count > self._end - offset:
            raise EndOfFileError(offset=offset, expected=f"{count} bytes")
        data = self._file.read(count)
        if len(data) < count:
            raise EndOfFileError(offset=offset, expected=f"{count} bytes")
        return data

    def readline(self) -> bytes:
        """Return a line with its newline."""
        offset = self._file.tell()
        line = self._file.readline()
        if not line.endswith(b"\n"):
            raise EndOfFileError(offset=offset, expected="a line")
        return line
