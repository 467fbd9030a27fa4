"""Repair of ``.npy``, ``.npz`` and pickles: the whole arrays in a new file of the same kind.

Numbers of a plain ``.npy`` that is cut are written as far as its rows go. A list stays a list, a
dict a dict, nested as it was.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tfrepair.api.repairs.filling import differences, filled, lost_parts, part_of, sentences
from tfrepair.api.repairs.job import Action, Job, Part, RepairOptions, Step
from tfrepair.core.errors import SourceError
from tfrepair.core.findings import Finding
from tfrepair.core.tensor import Array, Health, Tensor, TensorStore
from tfrepair.readers.base import look_at
from tfrepair.readers.npy import NpyReader
from tfrepair.readers.npz import NpzReader
from tfrepair.readers.pickled import PickledReader
from tfrepair.readers.registry import open_source
from tfrepair.wire.pickle_writer import dump_tree
from tfrepair.writers.npz import NpzWriter
from tfrepair.writers.staging import Kind
from tfrepair.writers.values import NamedValue

_READERS = (NpyReader(), NpzReader(), PickledReader())
_CODES = ("archive-without-directory", "pickle-broken-off", "unreadable-member")


def _is_array_file(path: Path) -> bool:
    return path.is_file() and any(reader.recognizes(look_at(path)) for reader in _READERS)


_KIND = Kind(name="file of arrays", is_directory=False, recognizes=_is_array_file)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayFileRepairer:
    """Repairs files that NumPy and pickle wrote.

    Attributes
    ----------
    name
        Of the format.
    """

    name: str

    def prepare(self, path: Path, options: RepairOptions) -> Job | None:
        """Look at a file; see :class:`tfrepair.api.repairs.job.Repairer`."""
        reader = next(reader for reader in _READERS if reader.name == self.name)
        if not path.is_file() or not reader.recognizes(look_at(path)):
            return None
        store = filled(_read(open_source(path, reader=self.name)), options.donors)
        return _Job(format=self.name, store=store)


def _read(store: TensorStore) -> TensorStore:
    """Return a store that says which arrays cannot be read: a checksum is compared by reading."""
    tensors = []
    for tensor in store:
        try:
            if tensor.is_whole:
                tensor.fetch()
        except SourceError as error:
            note = error.message.removeprefix(f"{store.path}, ")
            tensors.append(replace(tensor, health=Health.CORRUPT, health_note=note))
        else:
            tensors.append(tensor)
    return replace(store, tensors=tuple(tensors))


@dataclass(frozen=True, kw_only=True)
class _Job:
    format: str
    store: TensorStore

    @property
    def kind(self) -> Kind:
        return _KIND

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        return (*(self._part(t) for t in self.store), *lost_parts(self.store))

    def _part(self, tensor: Tensor) -> Part:
        if tensor.is_whole or not self._has_rows(tensor):
            return part_of(tensor, is_rebuilt=False)
        return Part(
            name=tensor.name,
            action=Action.REBUILT,
            health=Health.TRUNCATED,
            origin=tensor.origin.path,
            note=f"{tensor.health_note}; only these rows are in the output",
        )

    def _has_rows(self, tensor: Tensor) -> bool:
        """Return whether the first rows of a cut array stand for it: the only array of a file."""
        return self.format == "npy" and len(self.store) == 1 and tensor.leading is not None

    @cached_property
    def actions(self) -> tuple[str, ...]:
        said = sentences(self.store, self.parts, _CODES)
        cut = [part for part in self.parts if part.health is Health.TRUNCATED]
        if not said and cut:
            said = tuple(f"{part.name}: {part.note}" for part in cut)
        return said

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.store.findings if finding.code not in _CODES)

    @cached_property
    def _wanted(self) -> Mapping[str, Tensor]:
        return {str(tensor.name): tensor for tensor in self.store if tensor.is_whole}

    def write(self, out: Path, step: Step) -> None:
        """Write the file; see :class:`tfrepair.api.repairs.job.Job`."""
        match self.format:
            case "npz":
                NpzWriter().write([_named(t) for t in self._wanted.values()], out, step)
            case "npy":
                with out.open("xb") as file:
                    np.save(file, self._array(), allow_pickle=True)
            case _:
                out.write_bytes(dump_tree(_tree(self.store)))
        step(1, 1)

    def _array(self) -> Array:
        """Return the one array of the file, or its tree in an object array."""
        tensors = list(self.store)
        if len(tensors) == 1 and tensors[0].name == "0":
            (tensor,) = tensors
            if tensor.is_whole:
                return tensor.fetch()
            if tensor.leading is not None:
                return tensor.leading()
        tree = _tree(self.store)
        is_list = isinstance(tree, list)
        boxed = np.empty(len(tree) if is_list else (), dtype=object)
        if is_list:
            for place, value in enumerate(tree):
                boxed[place] = value
        else:
            boxed[()] = tree
        return boxed

    def problems(self, out: Path) -> tuple[str, ...]:
        """Read the output and compare every array."""
        again = open_source(out, reader=self.format)
        bad = [f"{f.where}: {f.message}" for f in again.findings if f.code in _CODES]
        return (*bad, *differences(self._wanted, {str(t.name): t for t in again}))


def _named(tensor: Tensor) -> NamedValue:
    return NamedValue(
        name=str(tensor.name), shape=tensor.shape, dtype=tensor.dtype, fetch=tensor.fetch
    )


def _tree(store: TensorStore) -> Any:  # noqa: ANN401 - lists, dicts and arrays
    """Return the whole arrays as they were nested: a level of positions is a list.

    Names of positions count from 0 without a gap as long as nothing before the damage is left
    out; where something is, a level becomes a dict, which keeps the names.
    """
    root: dict[str, Any] = {}
    for tensor in store:
        if not tensor.is_whole:
            continue
        level = root
        *above, last = str(tensor.name).split("/")
        for key in above:
            inner = level.setdefault(key, {})
            level = inner if isinstance(inner, dict) else level
        level[last] = tensor.fetch()
    return _with_lists(root)


def _with_lists(level: dict[str, Any]) -> Any:  # noqa: ANN401 - lists, dicts and arrays
    values = {k: _with_lists(v) if isinstance(v, dict) else v for k, v in level.items()}
    if list(values) == list(_positions(len(values))):
        return list(values.values())
    return values


def _positions(count: int) -> Iterator[str]:
    return map(str, range(count))
