"""What a file looks like that no reader takes: its format by first bytes, and a remedy.

Knows the beginnings of formats that people give by mistake, or that a later version may read.
Used by the registry for its one error message.
"""

import zipfile
from collections.abc import Iterable

from tfrepair.core.errors import SourceError
from tfrepair.readers.base import Candidate
from tfrepair.wire.mapping import map_file
from tfrepair.wire.saved_model import holds_graph

Hint = tuple[str, str]
"""What it looks like, and what to try."""

_BEGINNINGS: tuple[tuple[bytes, Hint], ...] = (
    (
        b"version https://git-lfs",
        ("a git-lfs pointer: the text that stands for a large file", "fetch it: git lfs pull"),
    ),
    (
        b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.",
        ("an old PyTorch file", "save the arrays as .npz"),
    ),
    (b"ZF", ("a joblib file", "load it where it was written and save the arrays as .npz")),
    (b"\x1f\x8b", ("gzip data without a pickle in it", "gunzip it first")),
    (b"BZh", ("bzip2 data", "decompress it first")),
    (b"\xfd7zXZ\x00", ("xz data", "decompress it first")),
    (
        b"x\x9c",
        ("zlib data, perhaps a joblib file", "save the arrays as .npz where it was written"),
    ),
    (b"\x28\xb5\x2f\xfd", ("zstandard data", "decompress it first")),
    (b"GGUF", ("a GGUF file", "tfrepair reads TensorFlow's formats")),
    (b"MATLAB 5.0 MAT-file", ("a MATLAB file", "scipy.io.loadmat, then numpy.savez")),
)
_TEXTS: tuple[tuple[bytes, Hint], ...] = (
    (b"<", ("a web page or XML", "download the file itself, not the page about it")),
    (
        b"model_checkpoint_path",
        ("the text file `checkpoint` of a TensorFlow run", "give the prefix"),
    ),
    (b"{", ("JSON text", "it may be an architecture: give it with --arch")),
    (b"#", ("text", "give the weights, and this file with --arch if it builds the model")),
    (b"import ", ("Python text", "give it with --arch")),
)
_REMEDY_EMPTY = (
    "look for an earlier copy: numpy.save of a list with arrays of different shapes fails in NumPy "
    "1.24 and later, and leaves an empty file in place of the old one"
)
_SSTABLE_MAGIC = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"
"""Ends a TensorFlow checkpoint's index. Source: tensorflow/core/lib/io/format.h."""


def describe(candidate: Candidate) -> Hint:
    """Return what a source looks like and what to try; never raises."""
    if candidate.is_directory:
        return _folder(candidate)
    if candidate.size == 0:
        return "an empty file (0 bytes)", _REMEDY_EMPTY
    head = candidate.head
    for beginning, hint in _BEGINNINGS:
        if head.startswith(beginning):
            return hint
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _archive(candidate)
    return _by_structure(candidate) or (
        f"unknown bytes: {head[:16]!r}",
        "check that the path names the file with the weights",
    )


def _by_structure(candidate: Candidate) -> Hint | None:
    head = candidate.head
    if _tail(candidate).endswith(_SSTABLE_MAGIC):
        return "the index of a TensorFlow checkpoint", "give the prefix, without .index"
    if ".data-" in candidate.path.name:
        return "the data of a TensorFlow checkpoint", "give the prefix, without .data-..."
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for beginning, hint in _TEXTS:
        if text.startswith(beginning):
            return hint
    if _is_graph(candidate):
        name = candidate.path.stem
        remedy = (
            f"put {name}.index and {name}.data-* beside it; for other weights, give it with --arch"
        )
        return "the graph of a TensorFlow checkpoint, which holds no values", remedy
    if not any(head):
        return "nothing but zeros", "look for another copy: the file was never written to the disk"
    return None


def _is_graph(candidate: Candidate) -> bool:
    try:
        return holds_graph(map_file(candidate.path), str(candidate.path))
    except (SourceError, OSError):
        return False


def _tail(candidate: Candidate) -> bytes:
    try:
        with candidate.path.open("rb") as file:
            file.seek(max(0, candidate.size - len(_SSTABLE_MAGIC)))
            return file.read(len(_SSTABLE_MAGIC))
    except OSError:
        return b""


def _archive(candidate: Candidate) -> Hint:
    try:
        with zipfile.ZipFile(candidate.path) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError, EOFError):
        return "a damaged zip archive", "look for another copy of the file"
    if "metadata.json" in names or "config.json" in names:
        return "a Keras archive without weights", "if it is an architecture, give it with --arch"
    if any(name.endswith("data.pkl") for name in names):
        return "a PyTorch file", "save the arrays as .npz where it was written"
    if any(name.endswith("saved_model.pb") for name in names):
        return "a zipped SavedModel", "unpack it"
    return (
        f"a zip archive without .npy members, with {_few(names)}",
        "unpack it and give the file with the weights",
    )


def _folder(candidate: Candidate) -> Hint:
    try:
        names = sorted(path.name for path in candidate.path.iterdir())
    except OSError:
        names = []
    if "saved_model.pb" in names:
        return "a SavedModel", "this version reads no SavedModels; look for the weights elsewhere"
    if any(name.endswith(".index") for name in names):
        return "a folder with TensorFlow checkpoints", "give the prefix of one of them"
    if not names:
        return "an empty folder", "check the path"
    return f"a folder without .npy files, with {_few(names)}", "give the file with the weights"


def _few(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(name[:60] for name in listed[:5]) + (", ..." if len(listed) > 5 else "")
