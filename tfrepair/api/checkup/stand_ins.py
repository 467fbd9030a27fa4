"""What a file is instead of what its name says: nothing, zeros, a git-lfs pointer, a web page.

Looks at the first bytes, and at all of them where the first are zero.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfrepair.api.checkup.verdicts import cause
from tfrepair.core.errors import SourceError
from tfrepair.core.findings import Finding
from tfrepair.readers.base import look_at
from tfrepair.wire.mapping import map_file

_LFS = b"version https://git-lfs"
_PAGES = (b"<!doctype html", b"<html", b"<?xml", b"<head", b"<!--")
_CHUNK = 1 << 20
_COPY = "copy it again from where the run was saved"


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """What is there instead of a file's content."""

    code: str
    words: str
    remedy: str

    def cause(self, path: Path) -> Finding:
        """Return it as a cause."""
        return cause(self.code, path, f"{path.name} is {self.words}", self.remedy)


EMPTY = StandIn(
    code="empty-file",
    words="0 bytes: it was created and never written to the disk, as after a power cut",
    remedy=f"{_COPY}, or take an earlier save",
)
LFS_POINTER = StandIn(
    code="git-lfs-pointer",
    words="a git-lfs pointer: the text that stands for a large file in a repository",
    remedy="run `git lfs pull` in the repository, then check again",
)
WEB_PAGE = StandIn(
    code="web-page",
    words="a web page (HTML or XML), not the file: a download that was answered by a login or "
    "error page",
    remedy="download the file itself (the raw link, not the page about it), then check again",
)
ZEROS = StandIn(
    code="all-zero",
    words="nothing but zeros: its blocks were reserved and never written, as after a power cut",
    remedy=f"{_COPY}, or take an earlier save",
)


def stand_in(path: Path) -> StandIn | None:
    """Return what a file is instead of itself; ``None`` if it may well be what it should be."""
    try:
        looked = look_at(path)
        if not looked.is_file:
            return None
        if looked.size == 0:
            return EMPTY
        head = looked.head
        if head.startswith(_LFS):
            return LFS_POINTER
        if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGES):
            return WEB_PAGE
        return ZEROS if not any(head) and is_zero(map_file(path)) else None
    except SourceError:
        return None


def is_zero(view: memoryview) -> bool:
    """Say whether all bytes are zero; stops at the first chunk that has another."""
    return all(
        not np.frombuffer(view[start : start + _CHUNK], np.uint8).any()
        for start in range(0, len(view), _CHUNK)
    )
