"""Files as read-only memory: mapped, so that only the pages that are looked at cost anything.

The one place of the wire layer that opens files. The mapping and its descriptor live as long as
a view of it does.
"""

import mmap
from pathlib import Path

from tfrepair.core.errors import SourceError, Unrecognised


def map_file(path: Path, *, is_private: bool = False) -> memoryview:
    """Map a file for reading.

    Parameters
    ----------
    path
        A regular file; one of 0 bytes gives an empty view.
    is_private
        Whether the view may be written to: that changes memory, never the file.

    Raises
    ------
    SourceError
        If the file cannot be opened, or is no regular file.
    """
    try:
        if not path.exists():
            message = f"{path}: no such file"
            raise SourceError(message)
        if not path.is_file():
            message = f"{path}: not a regular file"
            raise Unrecognised(message)
        with path.open("rb") as file:
            if path.stat().st_size == 0:
                return memoryview(b"")
            access = mmap.ACCESS_COPY if is_private else mmap.ACCESS_READ
            return memoryview(mmap.mmap(file.fileno(), 0, access=access))
    except (OSError, ValueError) as error:
        message = f"{path}: cannot be read: {error}"
        raise SourceError(message) from error
