"""What lies in a folder: files sorted into saves by their names, whole or not.

Unlike :mod:`tfrepair.readers.saves`, which looks for what can be read, this keeps what a killed
or damaged save left behind: temporary files, folders of parts, lone indexes. Looks at names, at
both ends of files that may be tables, and at nothing else.

Source: names of the files of TensorFlow 1.4 to 2.21, and of what they leave when they are killed.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tfrepair.core.errors import SourceError
from tfrepair.readers.base import look_at
from tfrepair.wire.saver_v1 import begins_like_header
from tfrepair.wire.sstable import MAGIC

STATE_NAME = "checkpoint"
_PATTERNS = tuple(
    (kind, re.compile(pattern, re.DOTALL))
    for kind, pattern in (
        ("index_temps", r"^(.+)\.index\.tempstate\d*$"),
        ("data_temps", r"^(.+)\.data-\d{5}-of-\d{5}\.tempstate\d*$"),
        ("meta_temps", r"^(.+)\.meta\.tmp[0-9a-f]*$"),
        ("table_temps", r"^(.+?)(?:-\d{5}-of-\d{5})?\.tempstate\d*$"),
        ("index", r"^(.+)\.index$"),
        ("data", r"^(.+)\.data-\d{5}-of-\d{5}$"),
        ("meta", r"^(.+)\.meta$"),
    )
)
_TEMP_FOLDER = re.compile(r"^(.+?)(?:_temp(?:_[0-9a-f]{32})?|\.part)$", re.DOTALL)
_TABLE_SHARD = re.compile(r"^(.+)-\d{5}-of-\d{5}$", re.DOTALL)
_STEP = re.compile(
    r"(?:^|[-_.])(\d+)(?:\.ckpt|\.weights)?(?:\.h5|\.hdf5|\.keras|\.npz|\.npy|\.pkl|\.pickle)?$"
)
_PART = re.compile(r"^part-\d{5}-of-\d{5}\.(?:index|data-)")
_MAX_DIGITS = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Fileset:
    """Everything that belongs to one prefix.

    Attributes
    ----------
    prefix
        Path without any suffix.
    index, data, meta
        Files of the second format under their final names.
    tables
        Files of the first format.
    index_temps, data_temps, table_temps, meta_temps
        The same under the names that they have while they are written.
    temp_folders
        Folders of parts that wait to be merged.
    """

    prefix: Path
    index: Path | None = None
    data: tuple[Path, ...] = ()
    meta: Path | None = None
    tables: tuple[Path, ...] = ()
    index_temps: tuple[Path, ...] = ()
    data_temps: tuple[Path, ...] = ()
    table_temps: tuple[Path, ...] = ()
    meta_temps: tuple[Path, ...] = ()
    temp_folders: tuple[Path, ...] = ()

    @property
    def has_bundle(self) -> bool:
        """True if there is anything of the second format."""
        return bool(
            self.index or self.data or self.index_temps or self.data_temps or self.temp_folders
        )

    @property
    def has_tables(self) -> bool:
        """True if there is anything of the first format."""
        return bool(self.tables or self.table_temps)

    @property
    def members(self) -> frozenset[Path]:
        """Every file and folder of it."""
        files = [path for path in (self.index, self.meta) if path is not None]
        files += [*self.data, *self.tables, *self.index_temps, *self.data_temps]
        files += [*self.table_temps, *self.meta_temps, *self.temp_folders]
        return frozenset(files)


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """One folder.

    Attributes
    ----------
    path
        The folder.
    filesets
        Prefixes with anything of a save, by name.
    state
        The file ``checkpoint``, or ``None``.
    state_temps
        The same under the name that it has while it is written.
    graphs
        ``.meta`` files of prefixes of which nothing else is there.
    others
        All other files.
    folders
        Folders below, without those that belong to a fileset.
    """

    path: Path
    filesets: tuple[Fileset, ...] = ()
    state: Path | None = None
    state_temps: tuple[Path, ...] = ()
    graphs: tuple[Path, ...] = ()
    others: tuple[Path, ...] = ()
    folders: tuple[Path, ...] = ()

    def fileset(self, name: str) -> Fileset | None:
        """Return what belongs to a prefix of this folder, or ``None``."""
        return next((found for found in self.filesets if found.prefix.name == name), None)


def take_inventory(path: Path) -> Folder:
    """Sort what lies in a folder; links to folders are not followed, pipes not opened.

    Raises
    ------
    OSError
        If the folder cannot be listed.
    """
    with os.scandir(path) as entries:
        listed = sorted((entry.name, entry) for entry in entries)
    draft = _Draft(path)
    for name, entry in listed:
        if entry.is_dir(follow_symlinks=False):
            draft.take_folder(path / name)
        elif entry.is_file():  # a pipe would keep its reader waiting
            draft.take_file(path / name)
    return draft.finished()


def step_of(name: str) -> int | None:
    """Return the number at the end of a save's name, or ``None``."""
    match = _STEP.search(name)
    return int(match[1]) if match and len(match[1]) <= _MAX_DIGITS else None


def is_table(path: Path) -> bool:
    """Say whether a file ends as a table does; one that cannot be read does not."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            if file.tell() < len(MAGIC):
                return False
            file.seek(-len(MAGIC), os.SEEK_END)
            return file.read() == MAGIC
    except OSError:
        return False


def _begins_like_table(path: Path) -> bool:
    """Say whether a file begins as a table of the first format does: its end may be lost."""
    try:
        return begins_like_header(look_at(path).head)
    except SourceError:
        return False


def size_of(path: Path | None) -> int:
    """Return the size of a file in bytes; -1 if it is not there."""
    if path is None:
        return -1
    try:
        return path.stat().st_size if path.is_file() else -1
    except OSError:
        return -1


def is_temp_folder(path: Path) -> bool:
    """Say whether a folder holds the parts of a save that was not merged."""
    return bool(_TEMP_FOLDER.match(path.name) and parts_of(path))


def parts_of(folder: Path) -> tuple[Path, ...]:
    """Return the files in a folder of parts, by name; none if it cannot be listed."""
    try:
        return tuple(sorted(path for path in folder.iterdir() if _PART.match(path.name)))
    except OSError:
        return ()


@dataclass(slots=True)
class _Draft:
    """A folder on its way to be sorted."""

    path: Path
    found: dict[str, dict[str, list[Path]]] = field(default_factory=dict)
    state_temps: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)

    def take_folder(self, path: Path) -> None:
        match = _TEMP_FOLDER.match(path.name)
        if match and is_temp_folder(path):
            self._put(match[1], "temp_folders", path)
        else:
            self.folders.append(path)

    def take_file(self, path: Path) -> None:
        name = path.name
        if name.startswith(f"{STATE_NAME}.tmp"):
            self.state_temps.append(path)
            return
        for kind, pattern in _PATTERNS:
            match = pattern.match(name)
            if match:
                self._put(match[1], kind, path)
                return
        self.others.append(path)

    def _put(self, prefix: str, kind: str, path: Path) -> None:
        self.found.setdefault(prefix, {}).setdefault(kind, []).append(path)

    def finished(self) -> Folder:
        left = self._without_tables()
        filesets = [self._fileset(prefix, kinds) for prefix, kinds in sorted(self.found.items())]
        saves = tuple(found for found in filesets if found.has_bundle or found.has_tables)
        state = self.path / STATE_NAME
        return Folder(
            path=self.path,
            filesets=saves,
            graphs=tuple(found.meta for found in filesets if found.meta and found not in saves),
            state=state if state in left else None,
            state_temps=tuple(self.state_temps),
            others=tuple(path for path in left if path != state),
            folders=tuple(self.folders),
        )

    def _without_tables(self) -> list[Path]:
        """Take the files of the first format out of the others: they have no suffix."""
        graphs = {prefix for prefix, kinds in self.found.items() if "meta" in kinds}
        tables: list[Path] = []
        for path in self.others:
            shard = _TABLE_SHARD.match(path.name)
            prefix = shard[1] if shard else path.name
            if prefix in graphs or is_table(path) or _begins_like_table(path):
                self._put(prefix, "tables", path)
                tables.append(path)
        return [path for path in self.others if path not in set(tables)]

    def _fileset(self, prefix: str, kinds: dict[str, list[Path]]) -> Fileset:
        def many(kind: str) -> tuple[Path, ...]:
            return tuple(kinds.get(kind, ()))

        def one(kind: str) -> Path | None:
            return next(iter(kinds.get(kind, ())), None)

        return Fileset(
            prefix=self.path / prefix,
            index=one("index"),
            data=many("data"),
            meta=one("meta"),
            tables=many("tables"),
            index_temps=many("index_temps"),
            data_temps=many("data_temps"),
            table_temps=many("table_temps"),
            meta_temps=many("meta_temps"),
            temp_folders=many("temp_folders"),
        )


def names_of(paths: Iterable[Path], most: int = 4) -> str:
    """Return names for a message, the first few of many."""
    names = [path.name for path in paths]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
