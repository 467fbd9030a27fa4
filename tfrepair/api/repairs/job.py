"""What a repair is: the parts of a source, where each of them comes from, and how to write them.

A :class:`Repairer` looks at a source and returns a :class:`Job`, which knows everything before a
byte is written. Opens no output: that is up to :mod:`tfrepair.api.repairing`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from tfrepair.core.findings import Finding
from tfrepair.core.tensor import Health
from tfrepair.writers.staging import Kind

Step = Callable[[int, int], None]
"""Told how many of how many parts are written."""


class Action(StrEnum):
    """How a part came into the repaired source."""

    KEPT = "kept"
    """As it was, bit for bit."""
    CORRECTED = "corrected"
    """A damaged bit was located by its checksum and set right."""
    REBUILT = "rebuilt"
    """Its bytes are as they were; what describes them was lost and made anew."""
    DONOR = "donor"
    """Taken from another save of the same run."""
    LOST = "lost"
    """Not in the output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One tensor, or another named part, of what is repaired.

    Attributes
    ----------
    name
        As the readers list it.
    action
        See :class:`Action`.
    health
        Verdict on the part in the output; of a lost one, the verdict that made it so.
    origin
        File and byte offset that it was read from; empty if lost.
    note
        The reason, where there is something to say.
    """

    name: str
    action: Action
    health: Health
    origin: str = ""
    note: str = ""

    @property
    def is_proven(self) -> bool:
        """True if a checksum that was stored with the bytes vouches for them."""
        return self.action is not Action.LOST and self.health in (
            Health.VERIFIED,
            Health.CORRECTED,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the part as plain JSON data."""
        return {
            "name": self.name,
            "action": self.action.value,
            "health": self.health.value,
            "origin": self.origin,
            "note": self.note,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairOptions:
    """What may be used beside the source.

    Attributes
    ----------
    donors
        Older saves of the same run, the best first: they give what the source has lost.
    arch
        Architecture, as for a conversion; says which tensors a save must have.
    templates
        Files or saves that tell the layout of lost metadata (a ``.meta``, a sibling).
    progress
        Told about the stages.
    """

    donors: tuple[Path, ...] = ()
    arch: str = ""
    templates: tuple[Path, ...] = ()
    progress: Callable[[str, int, int], None] = lambda _stage, _done, _total: None


class Job(Protocol):
    """A repair that is known in full and not written yet."""

    @property
    def format(self) -> str:
        """Name of the format."""

    @property
    def kind(self) -> Kind:
        """Kind of the output: what it may take the place of."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """Everything that the source has or should have."""

    @property
    def actions(self) -> tuple[str, ...]:
        """What is done to the source as a whole, in sentences; empty if nothing is wrong."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was met on the way."""

    def write(self, out: Path, step: Step) -> None:
        """Write the repaired source.

        Parameters
        ----------
        out
            Does not exist; its name is not the final one.
        step
            Told about every part that is written.
        """

    def problems(self, out: Path) -> tuple[str, ...]:
        """Read what was written, with our own reader; returns what is not as it was meant."""


class Repairer(Protocol):
    """Repairs sources of one format."""

    @property
    def name(self) -> str:
        """Name of the format, as the readers use it."""

    def prepare(self, path: Path, options: RepairOptions) -> Job | None:
        """Look at a source; ``None`` if it is not of this format.

        Raises
        ------
        SourceError
            If it is of this format and nothing of it can be saved.
        """
