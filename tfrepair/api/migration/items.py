"""The nouns of a migration: one source to convert, and how that ended.

Plain data that travels to workers and into the journal; knows nothing of files or engines.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tfrepair.core.digest import text_digest

_KEY_DIGITS = 20


class Status(StrEnum):
    """How an item ended."""

    DONE = "done"
    FAILED = "failed"
    SET_ASIDE = "set aside"
    """Its plan is refused, or is not the plan that was shown for its layout."""
    DEFERRED = "deferred"
    """It needs a skeleton that nobody has made yet; never in a journal."""
    DIED = "died"
    """The process that worked on it ended; never in a journal as an end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One source to convert.

    Attributes
    ----------
    source
        Path as it was given or found.
    output
        Name below the root of the outputs, with ``/``.
    arch, plan
        As ``--arch`` and ``--plan``; empty for none.
    options
        Other fields of :class:`~tfrepair.api.options.Options`, by name.
    """

    source: str
    output: str
    arch: str = ""
    plan: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What the journal calls it: the same item in the next run, another with other options."""
        parts = [self.source, self.output, self.arch, self.plan]
        options = [f"{name}={value!r}" for name, value in sorted(self.options.items())]
        return text_digest("\n".join([*parts, *options]))[:_KEY_DIGITS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How an item ended.

    Attributes
    ----------
    key, source, output
        Of the item.
    status
        See :class:`Status`.
    exit_code
        As a conversion by itself would have it: 0, or 3 with losses that are listed.
    cause
        Class of the error, by which failures are grouped; the place of a skeleton if deferred.
    message, remedy
        What went wrong and what to do.
    route
        ``"skeleton"``, ``"export"``, or ``"found"`` for an output that was there already, made
        by a process that was killed before it could say so.
    obstacle
        Why it was not filled into a skeleton.
    seconds, bytes_read, bytes_written
        What it took.
    provenance
        Number of values by kind.
    losses
        What was lost, one sentence each.
    """

    key: str
    source: str
    output: str
    status: Status
    exit_code: int = 0
    cause: str = ""
    message: str = ""
    remedy: str = ""
    route: str = ""
    obstacle: str = ""
    seconds: float = 0.0
    bytes_read: int = 0
    bytes_written: int = 0
    provenance: Mapping[str, int] = field(default_factory=dict)
    losses: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain JSON data."""
        return {
            "key": self.key,
            "source": self.source,
            "output": self.output,
            "status": self.status.value,
            "exit_code": self.exit_code,
            "cause": self.cause,
            "message": self.message,
            "remedy": self.remedy,
            "route": self.route,
            "obstacle": self.obstacle,
            "seconds": round(self.seconds, 4),
            "bytes_read": self.bytes_read,
            "bytes_written": self.bytes_written,
            "provenance": dict(self.provenance),
            "losses": list(self.losses),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Result":
        """Build a result from :meth:`to_json` data."""
        fields = {name: data[name] for name in cls.__dataclass_fields__}
        return cls(**{**fields, "status": Status(data["status"]), "losses": tuple(data["losses"])})
