"""Findings: facts that a stage met and that do not end the work."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How much a finding matters to the user."""

    NOTE = "note"
    """Good to know."""
    WARNING = "warning"
    """May surprise; the result is as complete as it can be."""
    LOSS = "loss"
    """State that the output lacks or holds at its initial value only."""
    ERROR = "error"
    """A part is unusable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fact with its place and its remedy.

    Attributes
    ----------
    code
        Stable identifier such as ``"untracked-variable"``.
    severity
        See :class:`Severity`.
    where
        File, key, byte offset, layer or variable path.
    message
        One sentence, with numbers.
    remedy
        What to do about it; empty when there is nothing to do.
    """

    code: str
    severity: Severity
    where: str
    message: str
    remedy: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the finding as plain JSON data."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "where": self.where,
            "message": self.message,
            "remedy": self.remedy,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Finding":
        """Build a finding from :meth:`to_json` data."""
        return cls(
            code=data["code"],
            severity=Severity(data["severity"]),
            where=data["where"],
            message=data["message"],
            remedy=data.get("remedy", ""),
        )
