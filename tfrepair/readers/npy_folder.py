"""Reader of folders of ``.npy`` files: one array per file, named by its path in the folder.

Knows file names and nothing of what planning makes of them. Links that lead out of the folder are
refused; everything that is no ``.npy`` file is reported.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tfrepair.core.errors import OverLimit, Refused, SourceError, Unrecognised
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Limits, TensorStore
from tfrepair.readers.base import Candidate, system_errors
from tfrepair.readers.keys import is_position, printable
from tfrepair.readers.stores import store_of
from tfrepair.readers.streams import file_stream, read_arrays
from tfrepair.readers.tree import Branches

_SUFFIX = ".npy"
_MAX_NAMES = 20
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class NpyFolderReader:
    """Files such as ``conv1_W.npy``, also in subfolders."""

    name: str = "npy_folder"
    description: str = "a folder of .npy files"

    def recognizes(self, candidate: Candidate) -> bool:
        """Return whether there is a ``.npy`` file in the folder or below."""
        if not candidate.is_directory:
            return False
        try:
            return any(path.suffix == _SUFFIX for path in _walk(candidate.path))
        except OSError:
            return False

    def open(self, path: Path, *, limits: Limits) -> TensorStore:
        """Read the header of each file; of object arrays everything.

        Raises
        ------
        SourceError
            If no file can be read, a file asks for code, or a link leads out of the folder.
        """
        files, findings = _files(path, limits)
        pairs: list[tuple[str, object]] = []
        errors: list[SourceError] = []
        for file in files:
            key = printable(file.relative_to(path).with_suffix("").as_posix())
            try:
                tree, found = read_arrays(file_stream(file), limits=limits)
            except (Refused, OverLimit):
                raise
            except SourceError as error:
                errors.append(error)
                findings.append(_unreadable(file, error))
            else:
                pairs.append((key, tree))
                findings += found
        if not pairs:
            raise errors[0]
        return store_of(
            Branches(pairs=tuple(pairs)),
            reader=self.name,
            path=path,
            files=files,
            limits=limits,
            # The order is that of names; only numbers are an order that somebody meant.
            order_is_meaningful=all(is_position(key) for key, _ in pairs),
            findings=tuple(findings),
        )


def _walk(folder: Path) -> Iterator[Path]:
    """Yield files and links to folders; links are not followed."""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in folders:
            path = Path(parent, name)
            if path.is_symlink():
                yield path
        for name in names:
            yield Path(parent, name)


def _files(folder: Path, limits: Limits) -> tuple[tuple[Path, ...], list[Finding]]:
    """Return the ``.npy`` files in natural order, and what else is there."""
    files: list[Path] = []
    others: list[str] = []
    with system_errors(folder):
        root = folder.resolve()
        for path in _walk(folder):
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                message = f"{path}: a link that leads out of the folder, to {path.resolve()}"
                raise Refused(message, remedy="copy the file into the folder, or remove the link")
            if path.suffix == _SUFFIX and path.is_file():
                files.append(path)
            else:
                others.append(printable(path.relative_to(folder).as_posix()))
            if len(files) + len(others) > limits.max_tensors:
                message = f"{folder}: more than {limits.max_tensors} files"
                raise OverLimit(message, remedy="give the folder that holds the weights only")
    if not files:
        message = f"{folder}: no .npy file in the folder or below"
        raise Unrecognised(message, remedy="give the folder that holds the .npy files")
    files.sort(key=lambda path: _natural(path.relative_to(folder).as_posix()))
    return tuple(files), _left(folder, sorted(others))


def _natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """Return a key that sorts ``w2`` before ``w10``."""
    parts = [(int(part), "") if part.isdecimal() else (-1, part) for part in _DIGITS.split(name)]
    return parts, name


def _left(folder: Path, others: list[str]) -> list[Finding]:
    if not others:
        return []
    more = ", ..." if len(others) > _MAX_NAMES else ""
    return [
        Finding(
            code="not-a-tensor",
            severity=Severity.NOTE,
            where=str(folder),
            message=f"{len(others)} files are no .npy files and are not read: "
            + ", ".join(others[:_MAX_NAMES])
            + more,
        )
    ]


def _unreadable(file: Path, error: SourceError) -> Finding:
    return Finding(
        code="unreadable-file",
        severity=Severity.ERROR,
        where=str(file),
        message=error.message,
        remedy=error.remedy,
    )
