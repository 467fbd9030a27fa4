"""The readers there are, and the one function that opens a source.

Knows every format module and the order in which they look at a source; the ordered tuple is the
registry. Content decides, never the suffix alone. A format's module is imported when a source
may be of its format: a large part of the time that a checkpoint takes would go to the others.
"""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from tfrepair.core.errors import Unrecognised, UsageError
from tfrepair.core.tensor import Limits, TensorStore
from tfrepair.readers.base import Candidate, Reader, look_at, system_errors

_ZIP = b"PK\x03\x04"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """A reader whose module is imported when it is needed.

    Attributes
    ----------
    module, type_name
        Where the reader is, below ``tfrepair.readers``.
    begins
        Bytes that every file of the format begins with; empty if nothing can be said.
    takes_files, takes_folders, takes_names
        What its sources may be; a name is a prefix that is neither a file nor a folder.
    """

    module: str
    type_name: str
    begins: bytes = b""
    takes_files: bool = True
    takes_folders: bool = False
    takes_names: bool = False

    @property
    def name(self) -> str:
        """See :class:`~tfrepair.readers.base.Reader`."""
        return self._reader().name

    @property
    def description(self) -> str:
        """See :class:`~tfrepair.readers.base.Reader`."""
        return self._reader().description

    def recognizes(self, candidate: Candidate) -> bool:
        """Return whether the content is of this format; imports it only if that is possible."""
        if candidate.is_file:
            is_possible = self.takes_files and candidate.head.startswith(self.begins)
        else:
            is_possible = self.takes_folders if candidate.is_directory else self.takes_names
        return is_possible and self._reader().recognizes(candidate)

    def open(self, path: Path, *, limits: Limits) -> TensorStore:
        """Read metadata and return the store; only :class:`SourceError` is raised."""
        return self._reader().open(path, limits=limits)

    def _reader(self) -> Reader:
        module = import_module(f"tfrepair.readers.{self.module}")
        reader: Reader = getattr(module, self.type_name)()
        return reader


READERS: tuple[Reader, ...] = (
    # Six magic bytes: nothing else begins like this.
    Deferred(module="npy", type_name="NpyReader", begins=b"\x93NUMPY"),
    # A zip archive with .npy members; other archives are left to others.
    Deferred(module="npz", type_name="NpzReader", begins=_ZIP),
    # A zip archive or folder with model.weights.h5: no .npy member is in it.
    Deferred(module="keras_zip", type_name="KerasZipReader", takes_folders=True),
    # Eight magic bytes, perhaps behind a user block, or the JSON index of shards.
    Deferred(module="keras_h5", type_name="KerasH5Reader"),
    # Names of files, and folders of them; asks if V1 has the same prefix.
    Deferred(
        module="tensor_bundle", type_name="TensorBundleReader", takes_folders=True, takes_names=True
    ),
    # Eight magic bytes at the end: after the bundle, whose index has them too.
    Deferred(module="saver_v1", type_name="SaverV1Reader", takes_folders=True, takes_names=True),
    # A length and a brace: after everything that has a magic number.
    Deferred(module="safetensors", type_name="SafetensorsReader"),
    # Opcodes instead of a magic number: after everything that has one.
    Deferred(module="pickled", type_name="PickledReader"),
    # Any folder with a .npy file somewhere: after every other kind of folder.
    Deferred(
        module="npy_folder", type_name="NpyFolderReader", takes_files=False, takes_folders=True
    ),
)


def open_source(
    path: Path, *, limits: Limits | None = None, reader: str | None = None
) -> TensorStore:
    """Open a source with the reader that recognizes it.

    Parameters
    ----------
    path
        File, folder or prefix.
    limits
        Bounds for what a hostile file may cost.
    reader
        Name of the reader to use; ``None`` to look at the content.

    Returns
    -------
    Metadata of every tensor. Costs I/O: headers only where the format allows it.

    Raises
    ------
    UsageError
        If no reader has that name.
    SourceError
        If nothing recognizes the source, or it cannot be read.
    """
    bounds = limits or Limits()
    if reader is not None:
        return _named(reader).open(path, limits=bounds)
    candidate = look_at(path)
    for known in READERS:
        if known.recognizes(candidate):
            return known.open(path, limits=bounds)
    raise _missing(path) if _is_absent(candidate) else _unrecognised(candidate)


def _named(name: str) -> Reader:
    for reader in READERS:
        if reader.name == name:
            return reader
    message = f"no reader is called {name!r}"
    raise UsageError(message, remedy="one of: " + ", ".join(reader.name for reader in READERS))


def _is_absent(candidate: Candidate) -> bool:
    return not candidate.is_file and not candidate.is_directory


def _missing(path: Path) -> Unrecognised:
    if path.exists() or path.is_symlink():
        what = "a link to nothing" if path.is_symlink() else "neither a file nor a folder"
        return Unrecognised(
            f"{path}: {what}",
            remedy="give a regular file or a folder: tensors are read in any order",
        )
    from difflib import get_close_matches  # noqa: PLC0415 - only this message needs it

    graph = path.with_name(f"{path.name}.meta")
    if graph.is_file():
        message = f"{path}: only its graph is there, {graph.name}, which holds no values"
        return Unrecognised(
            message, remedy=f"put {path.name}.index and {path.name}.data-* beside it"
        )
    with system_errors(path):
        parent = path.parent
        names = [entry.name for entry in parent.iterdir()] if parent.is_dir() else []
    close = get_close_matches(path.name, names, n=3)
    remedy = f"did you mean {' or '.join(close)}?" if close else "check the path"
    return Unrecognised(f"{path}: there is no such file or folder", remedy=remedy)


def _unrecognised(candidate: Candidate) -> Unrecognised:
    from tfrepair.readers.signatures import describe  # noqa: PLC0415 - only this message needs it

    what, remedy = describe(candidate)
    known = "; ".join(reader.description for reader in READERS)
    message = f"{candidate.path}: looks like {what}; this version reads {known}"
    return Unrecognised(message, remedy=remedy)
