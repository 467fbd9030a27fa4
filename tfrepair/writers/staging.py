"""Output that appears whole or not at all.

A stage is a directory beside the output, so that the last step is one rename on one file system.
It holds a locked file while its process lives: a stage whose lock is free belongs to a process
that was killed, and the next run removes it. Knows nothing of what is written.
"""

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tfrepair.core.errors import WriteError
from tfrepair.writers.exchange import exchange

_MARK = ".tfrepair-"
_LOCK = "lock"
_RETIRED = "retired"
_OCCUPIED = frozenset({errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR})


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of output: what may take whose place.

    Attributes
    ----------
    name
        For people: ``"SavedModel directory"``.
    is_directory
        False for a single file.
    recognizes
        Tells whether something that exists is of this kind, and so ours to replace.
    """

    name: str
    is_directory: bool
    recognizes: Callable[[Path], bool]


def _is_saved_model(path: Path) -> bool:
    return (path / "saved_model.pb").is_file()


SAVED_MODEL = Kind(name="SavedModel directory", is_directory=True, recognizes=_is_saved_model)


def require_free(out: Path, *, overwrite: bool, kind: Kind = SAVED_MODEL) -> None:
    """Refuse an output that exists, or that is not ours to replace.

    Parameters
    ----------
    out
        Path of the output.
    overwrite
        Replace an output of the same kind.
    kind
        What is to be written there.

    Raises
    ------
    WriteError
        If ``out`` exists and is not an empty directory, unless ``overwrite`` is given and it is
        of the same kind; if it is a symbolic link, whatever it points to.
    """
    try:
        problem, remedy = _obstacle(out, overwrite=overwrite, kind=kind)
    except OSError as error:
        problem = f"{out}: cannot be looked at: {error.strerror or error}"
        remedy = "choose a directory that you may read and write"
    if problem:
        raise WriteError(problem, remedy=remedy)


def _obstacle(out: Path, *, overwrite: bool, kind: Kind) -> tuple[str, str]:
    """Return what is in the way and what to do about it; two empty texts if nothing is."""
    if out.is_symlink():
        message = f"{out} is a symbolic link to {out.readlink()}: it is not replaced"
        return message, "give the directory itself"
    if not os.path.lexists(out):
        return "", ""
    if kind.is_directory and not out.is_dir():
        return f"{out} exists and is not a directory", "choose another name for the output"
    if kind.is_directory and not any(out.iterdir()):
        return "", ""
    if not kind.recognizes(out):
        message = f"{out} exists and is not a {kind.name}: it is not overwritten"
        return message, "choose another name for the output, or remove it yourself"
    if not overwrite:
        return f"{out} exists", "choose another name for the output, or give --overwrite"
    return "", ""


@contextmanager
def staged(out: Path) -> Iterator[Path]:
    """Give a private directory beside ``out``; it is gone afterward, whatever happens.

    Parameters
    ----------
    out
        Absolute path of the output. Missing parents are made. Stages that killed processes left
        behind for this output are removed.

    Raises
    ------
    WriteError
        If the directory cannot be made, or writing into it fails.
    """
    parent = out.parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        clean_up(out)
        stage, lock = _made(out)
    except OSError as error:
        message = f"{parent}: cannot write there: {error.strerror or error}"
        raise WriteError(message, remedy="choose a directory that you may write to") from error
    with lock:
        try:
            yield stage
        except OSError as error:
            if not _is_below(error.filename, stage) and error.errno != errno.ENOSPC:
                raise
            message = f"{parent}: writing failed: {error.strerror or error}"
            raise WriteError(message, remedy="nothing was put in place; make room there") from error
        finally:
            shutil.rmtree(stage, ignore_errors=True)


def publish(
    finished: Path, out: Path, *, overwrite: bool = False, kind: Kind = SAVED_MODEL
) -> None:
    """Move a finished directory or file to its place, durably; an old output is replaced.

    Parameters
    ----------
    finished
        In a stage of ``out``; an output that is replaced takes its place there.
    out
        Absolute path.
    overwrite, kind
        As for :func:`require_free`, which holds at this moment too: another process may have
        written ``out`` since.

    Raises
    ------
    WriteError
        If the move fails; the old output is then where it was.
    """
    require_free(out, overwrite=overwrite, kind=kind)
    try:
        _sync_tree(finished)
        _move(finished, out, overwrite=overwrite)
        _sync(out.parent)
    except OSError as error:
        if error.errno in _OCCUPIED:
            message = f"{out}: another process wrote it in the meantime"
            remedy = "choose another directory, or give --overwrite"
        else:
            message = f"{out}: cannot be put in place: {error.strerror or error}"
            remedy = "nothing was changed; look at the permissions"
        raise WriteError(message, remedy=remedy) from error


def _move(finished: Path, out: Path, *, overwrite: bool) -> None:
    if finished.is_file():
        if overwrite:
            finished.replace(out)
        else:
            out.hardlink_to(finished)  # unlike a rename, never takes the place of a file
        return
    try:
        finished.rename(out)  # also takes the place of an empty directory, in the same step
    except OSError as error:
        if not overwrite or error.errno not in _OCCUPIED:
            raise
        exchange(finished, out, spare=finished.parent / _RETIRED)


def _made(out: Path) -> tuple[Path, IO[bytes]]:
    """Make a stage and lock it."""
    while True:
        stage = Path(tempfile.mkdtemp(prefix=f".{out.name}{_MARK}", dir=out.parent))
        with suppress(FileNotFoundError):
            lock = (stage / _LOCK).open("ab")
            fcntl.flock(lock, fcntl.LOCK_EX)
            if os.fstat(lock.fileno()).st_nlink:
                return stage, lock
            # Another process took the new stage for an abandoned one, and has removed it.
            lock.close()


def clean_up(out: Path) -> None:
    """Remove stages of this output whose process is gone; :func:`staged` begins with it."""
    prefix = f".{out.name}{_MARK}"
    with os.scandir(out.parent) as entries:  # there may be thousands of other outputs
        names = sorted(entry.name for entry in entries if entry.name.startswith(prefix))
    for stage in (out.parent / name for name in names):
        # Locked: its process lives. Not there: another process has just removed it.
        with suppress(OSError), (stage / _LOCK).open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _rescue(stage, out)
            shutil.rmtree(stage, ignore_errors=True)


def _rescue(stage: Path, out: Path) -> None:
    """Put back an old output whose replacement never arrived."""
    retired = stage / _RETIRED
    if retired.exists() and not os.path.lexists(out):
        retired.rename(out)


def _is_below(filename: object, stage: Path) -> bool:
    return isinstance(filename, str | Path) and stage in Path(filename).parents


def _sync_tree(directory: Path) -> None:
    if directory.is_file():
        _sync(directory)
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
