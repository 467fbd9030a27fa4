"""Use case: what is in a source. No TensorFlow, no architecture.

Small sources are read whole, for statistics and for the final verdict on every tensor; of large
ones only the metadata, unless the caller wants it all. What is damaged, and why, is up to
:mod:`tfrepair.api.checking`.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from tfrepair.api.options import Progress, silent
from tfrepair.api.sources import open_store
from tfrepair.core.errors import SourceError
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.statistics import Batch, Statistics
from tfrepair.core.tensor import Tensor, TensorStore
from tfrepair.planning.naming import read_name

READ_UNASKED = 1 << 30
"""Bytes of all tensors up to which a source is read whole without being asked to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What is in a source, in file order.

    Attributes
    ----------
    store
        The tensors; their health is final if ``statistics`` were asked for.
    statistics
        One for each tensor; ``None`` for all of them if no data was read.
    findings
        What the reader met, and the tensors that cannot be read.
    """

    store: TensorStore
    statistics: tuple[Statistics | None, ...]
    findings: tuple[Finding, ...]

    @property
    def has_statistics(self) -> bool:
        """True unless the data was left unread."""
        return None not in self.statistics

    def to_json(self) -> dict[str, Any]:
        """Return the ``tfrepair.inspect/1`` object."""
        rows = zip(self.store.tensors, self.statistics, strict=True)
        return {
            "schema": "tfrepair.inspect/1",
            "format": self.store.format,
            "path": self.store.path,
            "names_are_meaningful": self.store.names_are_meaningful,
            "order_is_meaningful": self.store.order_is_meaningful,
            "tensors": [
                {
                    "name": tensor.name,
                    "shape": list(tensor.shape),
                    "dtype": tensor.dtype,
                    "nbytes": tensor.nbytes,
                    "role": _role(tensor.name),
                    "health": tensor.health.value,
                    "stats": None if statistics is None else statistics.to_json(),
                }
                for tensor, statistics in rows
            ],
            "findings": [finding.to_json() for finding in self.findings],
        }


def inspect(
    path: str | Path,
    *,
    reader: str | None = None,
    statistics: bool | None = None,
    progress: Progress = silent,
) -> Inspection:
    """List the tensors of a source with shapes, dtypes and statistics.

    Parameters
    ----------
    path
        File or directory.
    reader
        Name of the reader to use; ``None`` to find out.
    statistics
        Read all data for statistics and final verdicts, or none of it. ``None`` reads it if the
        tensors have at most :data:`READ_UNASKED` bytes in all; else a finding says that it did
        not.
    progress
        Told how many tensors were read.

    Raises
    ------
    SourceError
        If the source cannot be read at all; a tensor that cannot be read is a finding.
    """
    store = open_store(path, reader=reader)
    if statistics is None:
        statistics = store.nbytes <= READ_UNASKED
        skipped = () if statistics else (_skipped(store),)
    else:
        skipped = ()
    if statistics:
        return _read(store, progress)
    return Inspection(
        store=store,
        statistics=(None,) * len(store),
        findings=(*store.findings, *skipped),
    )


def _read(store: TensorStore, progress: Progress) -> Inspection:
    """Read every tensor, for its statistics and its final health."""
    statistics = Batch()
    tensors: list[Tensor] = []
    findings = list(store.findings)
    for done, tensor in enumerate(store):
        progress("read", done, len(store))
        try:
            statistics.add(tensor.fetch() if tensor.is_whole else None)
        except SourceError as error:
            statistics.add(None)
            findings.append(_unreadable(tensor, error))
        tensors.append(tensor.checked())
    progress("read", len(store), len(store))
    return Inspection(
        store=replace(store, tensors=tuple(tensors)),
        statistics=statistics.finished(),
        findings=tuple(findings),
    )


def _unreadable(tensor: Tensor, error: SourceError) -> Finding:
    return Finding(
        code="unreadable-tensor",
        severity=Severity.ERROR,
        where=tensor.name,
        message=error.message,
        remedy=error.remedy,
    )


def _skipped(store: TensorStore) -> Finding:
    return Finding(
        code="data-not-read",
        severity=Severity.NOTE,
        where=store.path,
        message=(
            f"the tensors have {store.nbytes:,} bytes, more than {READ_UNASKED:,}: their data was "
            "not read, so there are no statistics, and health is what the metadata tells"
        ),
        remedy="--stats reads all of it (statistics=True in Python)",
    )


def _role(name: str) -> str:
    levels, _, last = name.strip("/").rpartition("/")
    return _role_of(last, is_nested=bool(levels.strip("/")))


@lru_cache(maxsize=4096)
def _role_of(word: str, *, is_nested: bool) -> str:
    """Return the role that the last level of a name says; many tensors share few such words."""
    roles = read_name(f"unit/{word}" if is_nested else word).roles
    return next(iter(roles)).value if len(roles) == 1 else ""
