"""Other saves beside a damaged HDF5 file that may tell its layout.

Checkpoints of one run lie in one folder under names that differ in a number. Files are looked at by
content; whether one of them tells the layout is up to :mod:`tfrepair.readers.h5_twin`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from tfrepair.core.errors import SourceError
from tfrepair.core.tensor import Limits
from tfrepair.readers.base import system_errors
from tfrepair.readers.h5_bytes import H5Bytes
from tfrepair.readers.h5_salvage import template_of
from tfrepair.readers.h5_twin import Template
from tfrepair.wire.hdf5_superblock import SIGNATURE

Opener = Callable[[Path], H5Bytes | None]
"""Returns the HDF5 bytes of a file; ``None`` if it has none."""
_MOST = 8
_MOST_LISTED = 4096


def plain_bytes(path: Path) -> H5Bytes | None:
    """Return an HDF5 file as it lies; ``None`` if it is none."""
    with path.open("rb") as file:
        return H5Bytes(path=path) if file.read(len(SIGNATURE)) == SIGNATURE else None


def templates_beside(path: Path, opener: Opener, limits: Limits) -> tuple[Template, ...]:
    """Return whole files in the folder of a damaged one, the most alike by name first."""
    found: list[Template] = []
    for other in _alike(path):
        with suppress(SourceError, OSError):
            source = opener(other)
            template = template_of(other, source, limits, is_given=False) if source else None
            if template is not None:
                found.append(template)
        if len(found) == _MOST:
            break
    return tuple(found)


def named_templates(
    paths: Sequence[Path], openers: Sequence[Opener], limits: Limits
) -> tuple[Template, ...]:
    """Return the files that the user names.

    Raises
    ------
    SourceError
        If one is no whole HDF5 file.
    """
    found = []
    for path in paths:
        with system_errors(path):
            sources = [source for opener in openers if (source := opener(path)) is not None]
        template = template_of(path, sources[0], limits, is_given=True) if sources else None
        if template is None:
            message = f"{path}: a template must be a whole file of the same format"
            raise SourceError(message, remedy="name another save of the same model")
        found.append(template)
    return tuple(found)


def _alike(path: Path) -> Iterator[Path]:
    try:
        entries = [e for e in sorted(path.parent.iterdir())[:_MOST_LISTED] if e.name != path.name]
    except OSError:
        return
    files = [e for e in entries if e.suffix == path.suffix and e.is_file()]
    yield from sorted(files, key=lambda entry: (-_common(entry.name, path.name), entry.name))


def _common(one: str, two: str) -> int:
    """Return how many characters two names share at their begin and end."""
    count = 0
    for pairs in (zip(one, two, strict=False), zip(reversed(one), reversed(two), strict=False)):
        for a, b in pairs:
            if a != b:
                break
            count += 1
    return count
