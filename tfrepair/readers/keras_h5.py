"""Reader of Keras' HDF5 files: full models and weights of every era, whole or in shards.

Content decides: an HDF5 file by its signature, a sharded one by its JSON index. Which layout it
has, and what everything is called, is up to :mod:`tfrepair.readers.keras_store`; archives that
hold such a file are up to :mod:`tfrepair.readers.keras_zip`.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tfrepair.core.errors import Corrupt, OverLimit, Refused, SourceError, Unrecognised
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Limits, TensorStore
from tfrepair.readers.base import Candidate, system_errors
from tfrepair.readers.h5_bytes import H5Bytes
from tfrepair.readers.keys import printable
from tfrepair.wire.hdf5_superblock import SIGNATURE, signature_places

_MAX_INDEX_BYTES = 1 << 26
_MAX_SHARDS = 10_000
_MAP = "weight_map"
_ARCHIVE = b"PK\x03\x04"
_SEARCHED = 1 << 16
_TREE, _HEAP = b"TREE\0\0", b"HEAP\0\0\0\0"
"""The tree of an old group, lowest level, and its heap of names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KerasH5Reader:
    """``.h5``, ``.hdf5`` and ``.weights.h5``, whatever they are called."""

    name: str = "keras_h5"
    description: str = "Keras HDF5 files (.h5, .weights.h5) of every version"

    def recognizes(self, candidate: Candidate) -> bool:
        """Return whether the file is HDF5, or the index of a sharded one."""
        if not candidate.is_file:
            return False
        if candidate.head.startswith(SIGNATURE):
            return True
        if candidate.head.lstrip().startswith(b"{"):
            return _has_shards(candidate)
        if candidate.head.startswith(_ARCHIVE):
            return False
        return _has_late_signature(candidate) or _has_groups(candidate)

    def open(self, path: Path, *, limits: Limits) -> TensorStore:
        """Read metadata; data stays where it is.

        Raises
        ------
        SourceError
            If nothing can be read, or the file wants something that lies outside of it.
        """
        # Here and not above: sources of other formats need not wait for all this.
        from tfrepair.readers.h5_opening import open_h5
        from tfrepair.readers.h5_tree import merged
        from tfrepair.readers.keras_store import keras_store

        files: tuple[Path, ...] = (path,)
        findings: tuple[Finding, ...] = ()
        if _begins_as_text(path):
            shards, findings = _shards(path)
            files += shards
            trees = [open_h5(H5Bytes(path=shard), limits=limits).tree for shard in shards]
            tree, twice = merged(trees)
            findings += tuple(_twice(path, name) for name in twice)
        else:
            tree = open_h5(H5Bytes(path=path), limits=limits).tree
        store = keras_store(tree, reader=self.name, path=path, files=files, texts={})
        return replace(store, findings=(*findings, *store.findings)) if findings else store


def _has_late_signature(candidate: Candidate) -> bool:
    """Return whether the signature stands behind a block that belongs to somebody else."""
    try:
        with candidate.path.open("rb") as file:
            for place in signature_places(candidate.size):
                file.seek(place)
                if file.read(len(SIGNATURE)) == SIGNATURE:
                    return True
    except (OSError, ValueError):
        return False
    return False


def _has_groups(candidate: Candidate) -> bool:
    """Return whether a group of an HDF5 file, whose first block is lost, is near the begin."""
    try:
        with candidate.path.open("rb") as file:
            begin = file.read(_SEARCHED)
    except (OSError, ValueError):
        return False
    return _TREE in begin and _HEAP in begin


def _has_shards(candidate: Candidate) -> bool:
    try:
        return any(name.endswith(".h5") for name in _shard_names(candidate.path))
    except SourceError:
        return False


def _begins_as_text(path: Path) -> bool:
    with system_errors(path):
        if not path.is_file():
            message = f"{path}: no HDF5 file is here"
            raise Unrecognised(message, remedy="give the file itself")
        with path.open("rb") as file:
            return file.read(64).lstrip().startswith(b"{")


def _shards(path: Path) -> tuple[tuple[Path, ...], tuple[Finding, ...]]:
    """Return the shards that an index names and that are there, and a finding for each other."""
    found, findings = [], []
    for name in _shard_names(path):
        if name in ("", ".", "..") or "/" in name or "\\" in name or "\0" in name:
            message = f"{path}: names a shard outside its folder: {printable(name)!r}"
            raise Refused(message, remedy="Keras writes shards beside their index")
        shard = path.with_name(name)
        if shard.is_file():
            found.append(shard)
        else:
            findings.append(_missing(path, name))
    if not found:
        message = f"{path}: none of its {len(findings)} shards is there"
        raise SourceError(message, remedy="look for the files *.weights.h5 that belong to it")
    return tuple(found), tuple(findings)


def _shard_names(path: Path) -> Sequence[str]:
    """Return the names of all shards in an index, each once, in their order."""
    with system_errors(path):
        if path.stat().st_size > _MAX_INDEX_BYTES:
            message = f"{path}: an index of more than {_MAX_INDEX_BYTES} bytes"
            raise OverLimit(message)
        text = path.read_bytes()
    try:
        index = json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f"{path}: not an HDF5 file, and no JSON index of one: {error}"
        raise Corrupt(message, remedy="look for another copy of the file") from error
    listed = index.get(_MAP) if isinstance(index, dict) else None
    if not isinstance(listed, dict):
        message = f"{path}: JSON without the {_MAP} that names shards"
        raise Unrecognised(message, remedy="if it is an architecture, give it with --arch")
    names = sorted(set(_texts(listed.values())))
    if len(names) > _MAX_SHARDS:
        message = f"{path}: {len(names)} shards, the limit is {_MAX_SHARDS}"
        raise OverLimit(message)
    return names


def _texts(values: Iterable[object]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from (name for name in value if isinstance(name, str))


def _missing(path: Path, name: str) -> Finding:
    return Finding(
        code="missing-shard",
        severity=Severity.ERROR,
        where=f"{path}: {printable(name)}",
        message="the index names this shard, and it is not there",
        remedy="the others are read; look for it",
    )


def _twice(path: Path, name: str) -> Finding:
    return Finding(
        code="duplicate-name",
        severity=Severity.WARNING,
        where=f"{path}: {printable(name)}",
        message="more than one shard holds this array; the first one is read",
    )
