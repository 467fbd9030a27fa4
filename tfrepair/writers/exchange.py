"""Two directory entries trade places in one step of the file system, or in two where it cannot.

Knows the one system call that Python does not offer; nothing of what the entries are. Comes
before :mod:`tfrepair.writers.staging`.
"""

import ctypes
import errno
import os
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_UNSUPPORTED = frozenset({errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP})


def exchange(one: Path, other: Path, *, spare: Path) -> None:
    """Let two entries of one file system trade places.

    Parameters
    ----------
    one, other
        Both exist. At every moment ``other`` is either the old or the new entry, whole - if the
        system can exchange (Linux since 3.15, on ext4, XFS, btrfs, tmpfs and others).
    spare
        A free name on the same file system. Elsewhere ``other`` waits there while ``one`` takes
        its place: for that moment there is no ``other``, and its old entry is at ``spare``.

    Raises
    ------
    OSError
        If an entry cannot be moved; both are then where they were.

    Notes
    -----
    Source: ``renameat2(2)``, Linux man-pages.
    """
    if _exchanged(one, other):
        return
    other.rename(spare)
    try:
        one.rename(other)
    except OSError:
        spare.rename(other)
        raise
    spare.rename(one)


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange with one system call; ``False`` if there is none here."""
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "renameat2"):
        return False
    paths = os.fsencode(one), os.fsencode(other)
    if library.renameat2(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in _UNSUPPORTED:
        return False
    raise OSError(code, os.strerror(code), str(other))
