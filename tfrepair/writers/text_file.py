"""A small text file that appears whole or not at all: a plan, a manifest.

Knows nothing of what the text says. Beside :mod:`tfrepair.writers.staging`, which does the same
for directories.
"""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from tfrepair.core.errors import WriteError


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file in one step, durably; a file of that name is replaced.

    Raises
    ------
    WriteError
        If it cannot be written; an old file is then as it was.
    """
    draft: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.tfrepair-", dir=path.parent)
        draft = Path(name)
        with open(handle, "w", encoding="utf-8", newline="\n") as file:  # noqa: PTH123 - a handle
            file.write(text)
            file.flush()
            os.fsync(handle)
        draft.chmod(0o666 & ~_umask())
        draft.replace(path)
    except OSError as error:
        if draft is not None:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
        message = f"{path}: cannot be written: {error.strerror or error}"
        raise WriteError(
            message, remedy="choose a name in a folder that you may write to"
        ) from error


def _umask() -> int:
    """Return the process's umask; there is no way to look at it without setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
