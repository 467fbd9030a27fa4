"""Output that appears whole or not at all.

A stage is a directory beside the output, so that the last step is one rename on one file system.
It holds a locked file while its process lives: a stage whose lock is free belongs to a process
that was killed, and the next run removes it. Knows nothing of what is written.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tfrepair.core.errors import WriteError

_MARK = ".tfrepair-"
_LOCK = "lock"


def require_free(out: Path, *, overwrite: bool) -> None:
    """Refuse an output that exists, or that is not ours to replace.

    Raises
    ------
    WriteError
        If ``out`` exists and is not an empty directory, unless ``overwrite`` is given and it is a
        SavedModel.
    """
    if not os.path.lexists(out) or (out.is_dir() and not any(out.iterdir())):
        return
    if not overwrite:
        message = f"{out} exists"
        raise WriteError(message, remedy="choose another directory, or give --overwrite")
    if not (out / "saved_model.pb").is_file() or out.is_symlink():
        message = f"{out} exists and is not a SavedModel directory: it is not overwritten"
        raise WriteError(message, remedy="choose another directory, or remove it yourself")


@contextmanager
def staged(out: Path) -> Iterator[Path]:
    """Give a private directory beside ``out``; it is gone afterward, whatever happens.

    Raises
    ------
    WriteError
        If the directory cannot be made.
    """
    parent = out.parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        _clean(out)
        stage = Path(tempfile.mkdtemp(prefix=f".{out.name}{_MARK}", dir=parent))
        lock = (stage / _LOCK).open("wb")
    except OSError as error:
        message = f"{parent}: cannot write there: {error.strerror or error}"
        raise WriteError(message, remedy="choose a directory that you may write to") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield stage
        finally:
            shutil.rmtree(stage, ignore_errors=True)


def publish(finished: Path, out: Path) -> None:
    """Move a finished directory to its place, durably; an old output is replaced.

    Raises
    ------
    WriteError
        If the move fails; the old output is then where it was.
    """
    try:
        _sync_tree(finished)
        retired = finished.parent / "retired"
        if os.path.lexists(out):
            out.rename(retired)
        try:
            finished.rename(out)
        except OSError:
            if retired.exists():
                retired.rename(out)
            raise
        _sync(out.parent)
    except OSError as error:
        message = f"{out}: cannot be put in place: {error.strerror or error}"
        raise WriteError(message, remedy="nothing was changed; look at the permissions") from error


def _clean(out: Path) -> None:
    """Remove stages of this output whose process is gone."""
    for stage in out.parent.glob(f".{out.name}{_MARK}*"):
        try:
            with (stage / _LOCK).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _rescue(stage, out)
                shutil.rmtree(stage, ignore_errors=True)
        except OSError:
            # Locked: its process lives. Without a lock file: just being made.
            continue


def _rescue(stage: Path, out: Path) -> None:
    """Put back an old output whose replacement never arrived."""
    retired = stage / "retired"
    if retired.exists() and not os.path.lexists(out):
        retired.rename(out)


def _sync_tree(directory: Path) -> None:
    for folder, _, names in os.walk(directory):
        for name in names:
            _sync(Path(folder) / name)
        _sync(Path(folder))


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
