"""Use case: what is in a source. No TensorFlow, no architecture."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfrepair.api.sources import Reading, open_store
from tfrepair.core.errors import SourceError
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.statistics import NO_STATISTICS, Statistics
from tfrepair.core.tensor import TensorStore
from tfrepair.core.transform import IDENTITY
from tfrepair.planning.naming import read_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """A source with the statistics of every tensor, in file order."""

    store: TensorStore
    statistics: tuple[Statistics, ...]
    findings: tuple[Finding, ...]

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
                    "health": tensor.checked().health.value,
                    "stats": statistics.to_json(),
                }
                for tensor, statistics in rows
            ],
            "findings": [finding.to_json() for finding in self.findings],
        }


def inspect(path: str | Path, *, reader: str | None = None) -> Inspection:
    """List the tensors of a source with shapes, dtypes and statistics.

    Parameters
    ----------
    path
        File or directory.
    reader
        Name of the reader to use; ``None`` to find out.

    Raises
    ------
    SourceError
        If the source cannot be read at all; a tensor that cannot be read is a finding.
    """
    store = open_store(path, reader=reader)
    reading = Reading(store)
    statistics, findings = [], list(store.findings)
    for tensor in store:
        try:
            statistics.append(reading(tensor.name, IDENTITY))
        except SourceError as error:
            statistics.append(NO_STATISTICS)
            findings.append(
                Finding(
                    code="unreadable-tensor",
                    severity=Severity.ERROR,
                    where=tensor.name,
                    message=error.message,
                    remedy=error.remedy,
                )
            )
    return Inspection(store=store, statistics=tuple(statistics), findings=tuple(findings))


def _role(name: str) -> str:
    roles = read_name(name).roles
    return next(iter(roles)).value if len(roles) == 1 else ""
