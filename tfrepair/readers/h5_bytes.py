"""Where the bytes of an HDF5 file lie: a file, a part of one, or memory.

Knows nothing of HDF5. An ``.h5`` is a file, the weights in a ``.keras`` archive are a part of one
as long as they are not compressed. Every look at the bytes maps the file anew, so that nothing
stays open in between.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from typing_extensions import override

from tfrepair.core.errors import Truncated
from tfrepair.core.tensor import Array, Shape
from tfrepair.readers.byte_file import ByteFile
from tfrepair.wire.mapping import map_file

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_MAP_FROM = 1 << 20
"""Bytes from which an array stays mapped instead of being copied: as for ``.npy`` files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class H5Bytes:
    """The bytes of one HDF5 file.

    Attributes
    ----------
    path
        The file on disk.
    member
        Name of the part, for messages; empty if the file is the whole.
    start, size
        The part, in bytes; ``size`` is ``None`` up to the end of the file.
    held
        The bytes themselves if they had to be decompressed, or set right.
    is_mended
        True if ``held`` are the bytes of the part with a flipped bit set right.
    patches
        Places in the part, and what is to stand there in memory instead.
    """

    path: Path
    member: str = ""
    start: int = 0
    size: int | None = None
    held: bytes | None = field(default=None, repr=False)
    is_mended: bool = False
    patches: tuple[tuple[int, bytes], ...] = ()

    @property
    def where(self) -> str:
        """How messages name it."""
        return f"{self.path}, member {self.member}" if self.member else str(self.path)

    def view(self) -> memoryview:
        """Return the bytes; maps the file, which costs nothing until they are looked at.

        Raises
        ------
        SourceError
            If the file cannot be opened.
        """
        if self.held is not None:
            return memoryview(self.held)
        data = map_file(self.path, is_private=bool(self.patches))
        part = data[self.start :] if self.size is None else data[self.start :][: self.size]
        for place, content in self.patches:
            part[place : place + len(content)] = content
        return part.toreadonly()

    def place(self, offset: int) -> int | None:
        """Return where a byte lies in the file on disk; ``None`` if it was decompressed."""
        if self.held is not None and not self.is_mended:
            return None
        return self.start + offset

    def array(self, offset: int, shape: Shape, dtype: np.dtype[np.generic], key: str) -> Array:
        """Read an array that lies in the bytes as it is.

        Raises
        ------
        Truncated
            If the file has become shorter than it was.
        """
        data = self.view()
        count = int(np.prod(shape, dtype=object)) if shape else 1
        end = offset + count * dtype.itemsize
        if end > len(data):
            message = f"{self.where}: {key} ends at byte {end}, found {len(data)} bytes"
            raise Truncated(message, remedy="the file changed since it was opened: open it again")
        array: Array = np.frombuffer(data, dtype, count, offset).reshape(shape)
        if array.nbytes < _MAP_FROM or not dtype.isnative:
            array = array.astype(dtype.newbyteorder("="))
        array.flags.writeable = False
        return array


class MemoryFile(ByteFile):
    """A read-only file object over bytes, as the HDF5 library wants one."""

    @override
    def tell(self) -> int:
        return self._at

    @override
    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Fill the buffer; what lies behind the end reads as zeros, and the library checks."""
        target = memoryview(buffer).cast("B")
        found = self._data[self._at : self._at + len(target)]
        target[: len(found)] = found
        target[len(found) :] = bytes(len(target) - len(found))
        self._at += len(found)
        return len(target)
