"""What every reader is: a name, a look at content that never raises, and an opening.

Knows nothing about formats. Format modules implement :class:`Reader`;
:mod:`tfrepair.readers.registry` tries them in order.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tfrepair.core.errors import SourceError
from tfrepair.core.tensor import Limits, TensorStore

HEAD_BYTES = 512
"""How much of a file's beginning a reader gets to look at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A source before anybody knows its format.

    Attributes
    ----------
    path
        As the user gave it; may name no file (the prefix of a checkpoint).
    is_file, is_directory
        What is there; both ``False`` if nothing is.
    size
        Bytes of the file, else 0.
    head
        The first :data:`HEAD_BYTES` bytes of the file, else empty.
    """

    path: Path
    is_file: bool = False
    is_directory: bool = False
    size: int = 0
    head: bytes = b""


class Reader(Protocol):
    """One format."""

    @property
    def name(self) -> str:
        """What ``--reader`` and :attr:`TensorStore.format` say."""

    @property
    def description(self) -> str:
        """The format in a few words, for lists of what is supported."""

    def recognizes(self, candidate: Candidate) -> bool:
        """Return whether the content is of this format; never raises, whatever the bytes are."""

    def open(self, path: Path, *, limits: Limits) -> TensorStore:
        """Read metadata and return the store; only :class:`SourceError` is raised."""


def look_at(path: Path) -> Candidate:
    """Return what lies at a path.

    Raises
    ------
    SourceError
        If it is there and cannot be read.
    """
    with system_errors(path):
        if path.is_dir():
            return Candidate(path=path, is_directory=True)
        if not path.is_file():
            return Candidate(path=path)
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        return Candidate(path=path, is_file=True, size=path.stat().st_size, head=head)


@contextmanager
def system_errors(path: Path) -> Iterator[None]:
    """Turn what the operating system says about a file into a :class:`SourceError`."""
    try:
        yield
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror or error}"
        raise SourceError(message, remedy="check the path and its permissions") from error
    except ValueError as error:  # a path with a zero byte
        if "null" not in str(error):
            raise
        message = f"{str(path)!r}: not a path"
        raise SourceError(message) from error
