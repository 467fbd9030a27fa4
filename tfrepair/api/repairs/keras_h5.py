"""Repair of HDF5 files of Keras, and of ``.keras`` archives whose writer was stopped.

What is left of the file is written into a new one, group by group: by its own metadata, by the
layout of another save or of the architecture, from donors. Lists of the optimizer are cut to what
is there, so that Keras opens the file and starts the optimizer anew; lists of weights stay, since
Keras cannot do without one.
"""

import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tfrepair.api.repairs.filling import differences, filled, lost_parts, part_of, sentences
from tfrepair.api.repairs.h5_architectures import twin_of_architecture
from tfrepair.api.repairs.job import Job, Part, RepairOptions, Step
from tfrepair.core.errors import SourceError, TfrepairError
from tfrepair.core.findings import Finding
from tfrepair.core.tensor import Limits, Tensor, TensorStore
from tfrepair.readers.base import look_at
from tfrepair.readers.h5_bytes import H5Bytes
from tfrepair.readers.h5_layout import UNNAMED
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

        def opened(templates: tuple[Template, ...] | None) -> _State:
            found = open_h5(H5Bytes(path=path), limits=Limits(), templates=templates)
            store = keras_store(found.tree, reader=self.name, path=path, files=(path,), texts={})
            return _State(opened=found, store=store)

        return _job(self.name, path, _best(path, options, opened), options)


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

        def opened(templates: tuple[Template, ...] | None) -> _State:
            found = salvage_model(path, limits=Limits(), templates=templates)
            store = name_salvaged(self.name, path, found)
            return _State(opened=found.opened, store=store, texts=_texts(found))

        return _job(self.name, path, _best(path, options, opened), options)


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """A source as one set of templates makes it out; ``texts`` of an archive."""

    opened: Opened
    store: TensorStore
    texts: Mapping[str, bytes] | None = None

    @property
    def whole(self) -> int:
        """Number of arrays that are whole under a name."""
        return sum(t.is_whole and UNNAMED not in t.name for t in self.store)

    @property
    def wants_twin(self) -> bool:
        """True if the layout of another file might tell more."""
        salvaged = self.opened.salvaged
        return salvaged is not None and salvaged.twin is None


_Open = Callable[[tuple[Template, ...] | None], _State]


def _best(path: Path, options: RepairOptions, opened: _Open) -> _State:
    """Open a source with the layouts that the user names, else with one from its configuration.

    Raises
    ------
    SourceError
        If nothing can be had from it.
    """
    named = named_templates(options.templates, (plain_bytes, archived_weights), Limits())
    first: _State | SourceError
    try:
        first = opened(named or None)
    except SourceError as error:
        if not options.arch:
            raise
        first = error
    is_settled = isinstance(first, _State) and not (options.arch or first.wants_twin)
    if isinstance(first, _State) and (is_settled or not _has_architecture(options, first)):
        return first
    return _with_architecture(path, options, opened, first)


def _has_architecture(options: RepairOptions, state: _State) -> bool:
    return bool(options.arch) or "model_config" in state.store.attributes


def _with_architecture(
    path: Path, options: RepairOptions, opened: _Open, first: _State | SourceError
) -> _State:
    """Try the layouts that an architecture makes; what the user asked for has to work."""
    best = first
    store = first.store if isinstance(first, _State) else None
    made = twin_of_architecture(path, options.arch, store, options.progress)
    try:
        for templates in made:
            try:
                state = opened(templates)
            except SourceError as error:
                best = error if isinstance(best, SourceError) else best
                continue
            if not isinstance(best, _State) or state.whole > best.whole:
                best = state
            if not state.wants_twin:
                break
    except TfrepairError:
        if options.arch:
            raise
    if isinstance(best, SourceError):
        raise best
    return best


def _texts(found: SalvagedModel) -> Mapping[str, bytes]:
    return {name: found.texts[name] for name in (METADATA, CONFIG) if name in found.texts}


def _begins_as_text(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(64).lstrip().startswith(b"{")


def _job(name: str, path: Path, state: _State, options: RepairOptions) -> "KerasH5Job":
    salvaged = state.opened.salvaged
    return KerasH5Job(
        format=name,
        path=path,
        store=filled(state.store, options.donors),
        tree=state.opened.tree,
        rebuilt=salvaged.by_twin if salvaged is not None else frozenset(),
        texts=state.texts,
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
            part_of(tensor, is_rebuilt=tensor.origin.key in self.rebuilt or UNNAMED in tensor.name)
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
