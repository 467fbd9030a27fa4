"""The state: a value, and where it came from, for every variable of the output."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from typing_extensions import override

from tfrepair.core.architecture import VariablePath
from tfrepair.core.tensor import Array, Shape


class ProvenanceKind(StrEnum):
    """How a value came about; a rebuilt value is never labeled as read."""

    READ = "read"
    """The bits of the source."""
    CONVERTED = "converted"
    """The source's values under another layout or element type."""
    DONOR = "donor"
    """Taken from another save."""
    ESTIMATED = "estimated"
    """Re-estimated from data."""
    DERIVED = "derived"
    """Computed from other values by a rule."""
    INITIALISED = "initialised"
    """What the architecture starts with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Kind and detail, such as ``converted(reshape:1,1,32)``."""

    kind: ProvenanceKind
    detail: str = ""

    @override
    def __str__(self) -> str:
        return f"{self.kind.value}({self.detail})" if self.detail else self.kind.value


@dataclass(frozen=True, slots=True, kw_only=True)
class StateEntry:
    """One variable's value.

    Attributes
    ----------
    path, shape, dtype
        Of the variable.
    provenance
        See :class:`Provenance`.
    fetch
        Returns the value with exactly that shape and dtype; ``None`` means: leave what the
        architecture gives the variable.
    """

    path: VariablePath
    shape: Shape
    dtype: str
    provenance: Provenance
    fetch: Callable[[], Array] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Every variable of the architecture, in the architecture's order."""

    entries: tuple[StateEntry, ...]

    @property
    def by_path(self) -> Mapping[VariablePath, StateEntry]:
        """Entries by variable path."""
        return {entry.path: entry for entry in self.entries}

    @property
    def filled(self) -> tuple[StateEntry, ...]:
        """The entries that have a value of their own."""
        return tuple(entry for entry in self.entries if entry.fetch is not None)
