"""Reader of ``.keras`` archives, and of the folders that Keras writes with ``zipped=False``.

An archive holds ``config.json``, ``metadata.json`` and ``model.weights.h5``. Members are read by
name and never unpacked to disk. Keras stores them uncompressed, so that the weights are read where
they lie in the archive. Names are up to :mod:`tfrepair.readers.keras_store`.
"""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tfrepair.core.errors import (
    Corrupt,
    OverLimit,
    SourceError,
    Truncated,
    Unrecognised,
    Unsupported,
)
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Limits, TensorStore
from tfrepair.readers.base import Candidate, system_errors
from tfrepair.readers.h5_bytes import H5Bytes
from tfrepair.readers.h5_tree import H5Tree
from tfrepair.readers.keras_config import MAX_TEXT_BYTES, parse
from tfrepair.readers.keras_salvage import (
    SalvagedModel,
    archived_weights,
    from_orphan,
    orphans_beside,
    salvage_model,
)
from tfrepair.readers.keys import printable
from tfrepair.readers.zip_checksum import (
    SMALL,
    Comparison,
    compare,
    compared_later,
    finding_of,
    mended,
    vouched,
)
from tfrepair.readers.zip_members import (
    LOCAL_HEADER,
    list_members,
    member_bytes,
    only_member,
    read_member,
)

WEIGHTS = "model.weights.h5"
_CONFIG = "config.json"
_METADATA = "metadata.json"
_PICKLED = "model.weights.npz"
_NAMES = (WEIGHTS, _CONFIG, _METADATA)
_NAME_AT = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class KerasZipReader:
    """``.keras``: weights with the configuration of their model."""

    name: str = "keras_zip"
    description: str = "Keras archives (.keras)"

    def recognizes(self, candidate: Candidate) -> bool:
        """Return whether the source is an archive or a folder with Keras' members."""
        if candidate.is_directory:
            return _is_folder(candidate.path)
        head = candidate.head
        if not candidate.is_file or not head.startswith(LOCAL_HEADER):
            return False
        try:
            with zipfile.ZipFile(candidate.path) as archive:
                names = archive.namelist()
        except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError, EOFError):
            length = int.from_bytes(head[26:28], "little")  # cut: the first name has to do
            names = [head[_NAME_AT : _NAME_AT + length].decode("latin1")]
            return names[0] in _NAMES
        return any(name in names for name in (WEIGHTS, _PICKLED))

    def open(self, path: Path, *, limits: Limits) -> TensorStore:
        """Read the configuration and the metadata of the weights; data stays where it is.

        Raises
        ------
        SourceError
            If the archive or the file in it cannot be read, or asks for more than the limits.
        """
        # Here and not above: sources of other formats need not wait for all this.
        from tfrepair.readers.keras_store import keras_store

        with system_errors(path):
            if path.is_dir():
                return _open_folder(self.name, path, limits)
        try:
            members = list_members(path)
        except Truncated:
            return name_salvaged(self.name, path, salvage_model(path, limits=limits))
        weights = only_member(path, members, WEIGHTS)
        if weights is None:
            if _lost_weights(path, members):
                found = from_orphan(path, _held(path, members, limits)[0], (), limits=limits)
                return name_salvaged(self.name, path, found)
            raise _without_weights(path, members)
        texts, findings = _texts_of(path, members, limits)
        source = member_bytes(path, weights, limits)
        tree, source, known = _tree_of(source, weights, limits)
        store = keras_store(tree, reader=self.name, path=path, files=(path,), texts=texts)
        if known is None:
            tensors = compared_later(store.tensors, source, weights.CRC)
        else:
            tensors = vouched(store.tensors, source, known)
            if known.note:
                findings = [*findings, finding_of(known, f"{path}: {WEIGHTS}")]
        return replace(store, tensors=tuple(tensors), findings=(*findings, *store.findings))


def _tree_of(
    source: H5Bytes, member: zipfile.ZipInfo, limits: Limits
) -> tuple[H5Tree, H5Bytes, Comparison | None]:
    """Read the tree of the weights, with a flipped bit set right where one explains the checksum.

    Returns
    -------
    The tree, the bytes that it is from, and what came of comparing the checksum; ``None`` if the
    member is so large that it was left for later.
    """
    from tfrepair.readers.h5_opening import open_h5
    from tfrepair.readers.hdf5 import read_tree

    known = None
    if source.held is not None:  # expanding it has compared the checksum
        known = Comparison()
    elif member.file_size <= SMALL:
        known = compare(source, member.CRC)
        if known.is_sure:
            source = mended(source, known)
    try:
        return read_tree(source, limits=limits), source, known
    except (Corrupt, Truncated):
        known = known or compare(source, member.CRC)
        if known.bit is None or source.is_mended:
            opened = open_h5(source, limits=limits, opener=archived_weights)
            return opened.tree, opened.source, known
        source = mended(source, known)
        return read_tree(source, limits=limits), source, known


def name_salvaged(reader: str, path: Path, found: SalvagedModel) -> TensorStore:
    """Name what is left of an archive that was not finished, as :class:`KerasZipReader` does."""
    from tfrepair.readers.keras_store import keras_store

    texts, findings = _interpreted(found.texts, str(path))
    store = keras_store(found.opened.tree, reader=reader, path=path, files=found.files, texts=texts)
    if not found.verdict:
        member = Comparison()
        store = replace(store, tensors=tuple(vouched(store.tensors, found.opened.source, member)))
    return replace(store, findings=(*found.findings, *findings, *store.findings))


def _lost_weights(path: Path, members: tuple[zipfile.ZipInfo, ...]) -> bool:
    """Return whether an archive has the configuration alone, and a file beside it the weights."""
    names = {member.filename for member in members}
    return _CONFIG in names and _PICKLED not in names and bool(orphans_beside(path))


def _is_folder(path: Path) -> bool:
    try:
        return (path / WEIGHTS).is_file() and (path / _CONFIG).is_file()
    except (OSError, ValueError):
        return False


def _open_folder(reader: str, path: Path, limits: Limits) -> TensorStore:
    if not _is_folder(path):
        message = f"{path}: no {WEIGHTS} with a {_CONFIG} beside it is in this folder"
        raise Unrecognised(message, remedy="give the file with the weights")
    held = {}
    files = [path / WEIGHTS]
    for name in (_CONFIG, _METADATA):
        file = path / name
        if file.is_file():
            with system_errors(file):
                if file.stat().st_size > MAX_TEXT_BYTES:
                    message = f"{file}: a text of more than {MAX_TEXT_BYTES} bytes"
                    raise OverLimit(message)
                held[name] = file.read_bytes()
            files.append(file)
    texts, findings = _interpreted(held, str(path))
    from tfrepair.readers.hdf5 import read_tree
    from tfrepair.readers.keras_store import keras_store

    tree = read_tree(H5Bytes(path=path / WEIGHTS), limits=limits)
    store = keras_store(tree, reader=reader, path=path, files=files, texts=texts)
    return replace(store, findings=(*findings, *store.findings))


def _without_weights(path: Path, members: tuple[zipfile.ZipInfo, ...]) -> SourceError:
    names = [printable(member.filename) for member in members]
    if _PICKLED in names:
        message = f"{path}: the weights are pickled Python objects (weights_format='npz')"
        return Unsupported(message, remedy="save the model with Keras' default format")
    message = f"{path}: no member is called {WEIGHTS}; found {', '.join(names[:10]) or 'none'}"
    return Unsupported(message, remedy="if it holds an architecture, give it with --arch")


def _texts_of(
    path: Path, members: tuple[zipfile.ZipInfo, ...], limits: Limits
) -> tuple[Mapping[str, str], list[Finding]]:
    """Read the texts beside the weights; a damaged one costs names, not weights."""
    held, findings = _held(path, members, limits)
    texts, problems = _interpreted(held, str(path))
    return texts, [*findings, *problems]


def _held(
    path: Path, members: tuple[zipfile.ZipInfo, ...], limits: Limits
) -> tuple[dict[str, bytes], list[Finding]]:
    held: dict[str, bytes] = {}
    findings = []
    for name in (_CONFIG, _METADATA):
        member = only_member(path, members, name)
        if member is None:
            continue
        try:
            held[name] = read_member(path, member, MAX_TEXT_BYTES, limits)
        except OverLimit:
            raise
        except SourceError as error:
            findings.append(
                Finding(
                    code="unreadable-config",
                    severity=Severity.WARNING,
                    where=f"{path}: {name}",
                    message=error.message,
                )
            )
    return held, findings


def _interpreted(
    held: Mapping[str, bytes], where: str
) -> tuple[Mapping[str, str], tuple[Finding, ...]]:
    texts = {name: data.decode("utf-8", "replace") for name, data in held.items()}
    found: dict[str, str] = {}
    config, _ = parse(texts.get(_CONFIG, ""), where)  # reported once, by the store
    if _CONFIG in texts:
        found["model_config"] = texts[_CONFIG]
    if isinstance(config, dict) and "compile_config" in config:
        found["training_config"] = json.dumps(config["compile_config"])
    metadata, findings = parse(texts.get(_METADATA, ""), f"{where}: {_METADATA}")
    version = _version(metadata)
    if version:
        found["keras_version"] = version
    return found, findings


def _version(metadata: Any) -> str:  # noqa: ANN401 - any JSON
    version = metadata.get("keras_version") if isinstance(metadata, dict) else None
    return version if isinstance(version, str) else ""
