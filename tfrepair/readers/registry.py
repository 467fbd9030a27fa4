"""The readers there are, and the one function that opens a source.

Knows every format module and the order in which they look at a source; the ordered tuple is the
registry. Content decides, never the suffix alone.
"""

from difflib import get_close_matches
from pathlib import Path

from tfrepair.core.errors import Unrecognised, UsageError
from tfrepair.core.tensor import Limits, TensorStore
from tfrepair.readers.base import Candidate, Reader, look_at, system_errors
from tfrepair.readers.keras_h5 import KerasH5Reader
from tfrepair.readers.keras_zip import KerasZipReader
from tfrepair.readers.npy import NpyReader
from tfrepair.readers.npy_folder import NpyFolderReader
from tfrepair.readers.npz import NpzReader
from tfrepair.readers.pickled import PickledReader
from tfrepair.readers.safetensors import SafetensorsReader
from tfrepair.readers.saver_v1 import SaverV1Reader
from tfrepair.readers.signatures import describe
from tfrepair.readers.tensor_bundle import TensorBundleReader

READERS: tuple[Reader, ...] = (
    NpyReader(),  # six magic bytes: nothing else begins like this
    NpzReader(),  # a zip archive with .npy members; other archives are left to others
    KerasZipReader(),  # a zip archive or folder with model.weights.h5: no .npy member is in it
    KerasH5Reader(),  # eight magic bytes, or the JSON index of shards
    TensorBundleReader(),  # names of files, and folders of them; asks if V1 has the same prefix
    SaverV1Reader(),  # eight magic bytes at the end: after the bundle, whose index has them too
    SafetensorsReader(),  # a length and a brace: after everything that has a magic number
    PickledReader(),  # opcodes instead of a magic number: after everything that has one
    NpyFolderReader(),  # any folder with a .npy file somewhere: after every other kind of folder
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
    with system_errors(path):
        parent = path.parent
        names = [entry.name for entry in parent.iterdir()] if parent.is_dir() else []
    close = get_close_matches(path.name, names, n=3)
    remedy = f"did you mean {' or '.join(close)}?" if close else "check the path"
    if path.exists() or path.is_symlink():
        return Unrecognised(f"{path}: neither a file nor a folder", remedy=remedy)
    return Unrecognised(f"{path}: there is no such file or folder", remedy=remedy)


def _unrecognised(candidate: Candidate) -> Unrecognised:
    what, remedy = describe(candidate)
    known = "; ".join(reader.description for reader in READERS)
    message = f"{candidate.path}: looks like {what}; this version reads {known}"
    return Unrecognised(message, remedy=remedy)
