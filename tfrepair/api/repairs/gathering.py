"""The files of a save that lie in several directories, seen as one.

Workers of a distributed run write their parts where they run, and a merge that never came leaves
them there. The view is a temporary directory of links: nothing is copied or moved.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tfrepair.core.errors import SourceError


@dataclass(frozen=True, slots=True)
class View:
    """A directory of links.

    Attributes
    ----------
    path
        What the source is called in it.
    real
        The file behind each link.
    """

    path: Path
    real: dict[str, str]

    def named(self, text: str) -> str:
        """Return a text with the paths of the files instead of those of the links."""
        for link, file in sorted(self.real.items(), key=lambda item: -len(item[0])):
            text = text.replace(link, file)
        return text


@contextmanager
def gathered(path: Path, folders: Sequence[Path]) -> Iterator[View]:
    """Give a view of a save with the files of other directories beside its own.

    Parameters
    ----------
    path
        The save: its prefix or one of its files; its own directory comes first.
    folders
        Other directories; of files with the same name the first that has bytes counts.

    Raises
    ------
    SourceError
        If one is no directory.
    """
    if not folders:
        yield View(path, {})
        return
    strange = [folder for folder in folders if not folder.is_dir()]
    if strange:
        message = f"{strange[0]} is no directory"
        raise SourceError(message, remedy="name directories that hold other files of the save")
    with tempfile.TemporaryDirectory(prefix="tfrepair-view-") as name:
        view, real = Path(name), dict[str, str]()
        for folder in (path.parent, *folders):
            for file in sorted(folder.rglob("*")):
                place = file.relative_to(folder)
                if len(place.parts) <= _DEPTH and file.is_file():
                    _link(view / place, file, real)
        yield View(view / path.name, real | {name: str(path.parent)})


_DEPTH = 2
"""Files of a save lie in its directory, or in a temporary one below."""


def _link(link: Path, file: Path, real: dict[str, str]) -> None:
    if str(link) in real:
        if link.stat().st_size or not file.stat().st_size:
            return
        link.unlink()
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(file.absolute())
    real[str(link)] = str(file)
