"""Repair of HDF5 files of Keras, and of ``.keras`` archives whose writer was stopped.

What is left of the file is written into a new one, group by group: by its own metadata, by the
layout of another save or of the architecture, from donors. Lists of the optimizer are cut to what
is there, so that Keras opens the file and starts the optimizer anew; lists of weights stay, since
Keras cannot do without one.
"""

import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tfrepair.api.repairs.filling import differences, filled, lost_parts, part_of, sentences
from tfrepair.api.repairs.h5_architectures import twin_of_architecture
from tfrepair.api.repairs.job import Job, Part, RepairOptions, Step
from tfrepair.core.errors import SourceError
from tfrepair.core.findings import Finding
from tfrepair.core.tensor import Limits, Tensor, TensorStore
from tfrepair.readers.base import look_at
from tfrepair.readers.h5_bytes import H5Bytes
from tfrepair.readers.h5_opening import Opened, open_h5
from tfrepair.readers.h5_siblings import named_templates, plain_bytes
from tfrepair.readers.h5_tree import Attribute, H5Tree
from tfrepair.readers.h5_twin import Template
from tfrepair.readers.keras_h5 import KerasH5Reader
from tfrepair.readers.keras_salvage import (
    CONFIG,
    METADATA,
    WEIGHTS,
    SalvagedModel,
    archived_weights,
    salvage_model,
)
from tfrepair.readers.keras_store import keras_store
from tfrepair.readers.keras_zip import KerasZipReader, name_salvaged
from tfrepair.readers.registry import open_source
from tfrepair.writers.h5_file import H5Array, write_h5
from tfrepair.writers.keras_file import keras_archive, keras_weights
from tfrepair.writers.staging import Kind

_CODES = (
    "salvaged", "marked-open", "zero-tail", "archive-without-directory", "orphaned-weights",
)  # fmt: skip
_OPTIMIZER = "optimizer_weights"
_BLOCK = 1 << 22


@dataclass(frozen=True, slots=True, kw_only=True)
class KerasH5Repairer:
    """Repairs ``.h5`` and ``.weights.h5``, whatever they are called."""

    name: str = "keras_h5"

    def prepare(self, path: Path, options: RepairOptions) -> Job | None:
        """Look at a file; see :class:`tfrepair.api.repairs.job.Repairer`."""
        if not path.is_file() or not KerasH5Reader().recognizes(look_at(path)):
            return None
        if _begins_as_text(path):
            message = f"{path}: the index of a file in shards; a shard is repaired by itself"
            raise SourceError(message, remedy="give the shard that is damaged")
        with _templates(path, options) as templates:
            opened = open_h5(H5Bytes(path=path), limits=Limits(), templates=templates)
            store = keras_store(opened.tree, reader=self.name, path=path, files=(path,), texts={})
            return _job(self.name, path, opened, store, options, texts=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class KerasSalvageRepairer:
    """Repairs ``.keras`` archives without a directory or without weights."""

    name: str = "keras_zip"

    def prepare(self, path: Path, options: RepairOptions) -> Job | None:
        """Look at an archive; ``None`` if it has its directory and its weights."""
        if not path.is_file() or not KerasZipReader().recognizes(look_at(path)):
            return None
        if zipfile.is_zipfile(path):
            return None
        with _templates(path, options) as templates:
            found = salvage_model(path, limits=Limits(), templates=templates)
            store = name_salvaged(self.name, path, found)
            return _job(self.name, path, found.opened, store, options, texts=_texts(found))


def _texts(found: SalvagedModel) -> Mapping[str, bytes]:
    return {name: found.texts[name] for name in (METADATA, CONFIG) if name in found.texts}


def _begins_as_text(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(64).lstrip().startswith(b"{")


@contextmanager
def _templates(path: Path, options: RepairOptions) -> Iterator[tuple[Template, ...] | None]:
    """Give the files that the user names, or one that the architecture makes."""
    openers = (plain_bytes, archived_weights)
    named = named_templates(options.templates, openers, Limits())
    if not options.arch:
        yield named or None
        return
    with tempfile.TemporaryDirectory() as folder:
        made = twin_of_architecture(path, options.arch, Path(folder), options.progress)
        yield (*named, *made)


def _job(
    name: str,
    path: Path,
    opened: Opened,
    store: TensorStore,
    options: RepairOptions,
    *,
    texts: Mapping[str, bytes] | None,
) -> "KerasH5Job":
    whole = filled(store, options.donors)
    salvaged = opened.salvaged
    rebuilt = salvaged.by_twin if salvaged is not None else frozenset()
    return KerasH5Job(
        format=name,
        path=path,
        store=whole,
        tree=opened.tree,
        rebuilt=frozenset(rebuilt),
        texts=texts,
    )


@dataclass(frozen=True, kw_only=True)
class KerasH5Job:
    """A file with the source of each of its arrays.

    Attributes
    ----------
    store
        Its tensors, those of donors in the places of lost ones.
    tree
        Groups and arrays of the source.
    rebuilt
        Paths of arrays that a twin told.
    texts
        Members of an archive beside the weights; ``None`` for a plain file.
    """

    format: str
    path: Path
    store: TensorStore
    tree: H5Tree
    rebuilt: frozenset[str]
    texts: Mapping[str, bytes] | None

    @property
    def kind(self) -> Kind:
        """Archive or plain file."""
        return keras_archive().kind if self.texts is not None else keras_weights().kind

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """Every array, and what is listed and not there."""
        found = tuple(
            part_of(
                tensor, is_rebuilt=tensor.origin.key in self.rebuilt or "unnamed@" in tensor.name
            )
            for tensor in self.store
        )
        return (*found, *lost_parts(self.store))

    @cached_property
    def actions(self) -> tuple[str, ...]:
        """What was wrong; empty if nothing was."""
        return sentences(self.store, self.parts, _CODES)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was met on the way."""
        return tuple(finding for finding in self.store.findings if finding.code not in _CODES)

    @cached_property
    def _wanted(self) -> Mapping[str, Tensor]:
        """Tensors to write by their paths in the file."""
        return {t.origin.key: t for t in self.store if t.is_whole}

    def write(self, out: Path, step: Step) -> None:
        """Write the file; see :class:`tfrepair.api.repairs.job.Job`."""
        arrays = [
            H5Array(path=path, dtype=tensor.dtype, fetch=tensor.fetch)
            for path, tensor in self._wanted.items()
        ]
        groups = _cut_lists(self.tree.groups, self._wanted)
        if self.texts is None:
            write_h5(out, groups, arrays, step)
            return
        with tempfile.TemporaryDirectory(dir=out.parent) as folder:
            weights = Path(folder) / WEIGHTS
            write_h5(weights, groups, arrays, step)
            _archive(out, self.texts, weights)

    def problems(self, out: Path) -> tuple[str, ...]:
        """Read the output with the HDF5 library and compare every array."""
        again = open_source(out, reader=self.format)
        bad = [f"{f.where}: {f.message}" for f in again.findings if f.code in _CODES]
        return (*bad, *differences(self._wanted, {t.origin.key: t for t in again}))


def _cut_lists(
    groups: Mapping[str, Mapping[str, Attribute]], arrays: Mapping[str, Tensor]
) -> dict[str, dict[str, Attribute]]:
    """Return the groups; the optimizer's list has what is there."""
    made = {path: dict(attributes) for path, attributes in groups.items()}
    held = made.get(_OPTIMIZER)
    if held is None:
        return made
    keys = sorted(key for key in held if key.startswith("weight_names"))
    names: Sequence[str] = [n for key in keys for n in _listed(held[key])]
    kept = tuple(name for name in names if f"{_OPTIMIZER}/{name}" in arrays)
    if keys and len(kept) < len(names):
        made[_OPTIMIZER] = {k: v for k, v in held.items() if k not in keys} | {"weight_names": kept}
    return made


def _listed(value: Attribute) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def _archive(out: Path, texts: Mapping[str, bytes], weights: Path) -> None:
    epoch = (1980, 1, 1, 0, 0, 0)
    with zipfile.ZipFile(out, "x", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, content in texts.items():
            archive.writestr(zipfile.ZipInfo(name, date_time=epoch), content)
        large = weights.stat().st_size >= 1 << 31
        member = zipfile.ZipInfo(WEIGHTS, date_time=epoch)
        with weights.open("rb") as source, archive.open(member, "w", force_zip64=large) as file:
            while block := source.read(_BLOCK):
                file.write(block)
