"""The verdict: what was checked on the bytes of an output, and what came of it."""

from dataclasses import dataclass
from typing import Any

from tfrepair.core.findings import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One statement about the output, and whether it holds."""

    name: str
    passed: bool
    detail: str
    where: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the check as plain JSON data."""
        return {
            "name": self.name,
            "passed": self.passed,
            "detail": self.detail,
            "where": self.where,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Everything that verification found.

    Attributes
    ----------
    checks
        In the order in which they were made.
    forward_max_abs
        Largest difference between the served outputs and the in-memory model's; ``None`` if no
        pass was made.
    forward_signature, forward_batches, forward_note
        What was run, for which batch sizes, and what to know about it.
    findings
        Facts that are no failures.
    """

    checks: tuple[Check, ...]
    forward_max_abs: float | None = None
    forward_signature: str = ""
    forward_batches: tuple[int, ...] = ()
    forward_note: str = ""
    findings: tuple[Finding, ...] = ()

    @property
    def passed(self) -> bool:
        """True when every check holds."""
        return all(check.passed for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as plain JSON data."""
        return {
            "passed": self.passed,
            "checks": [check.to_json() for check in self.checks],
            "forward": {
                "max_abs": self.forward_max_abs,
                "signature": self.forward_signature,
                "batches": list(self.forward_batches),
                "note": self.forward_note,
            },
            "findings": [finding.to_json() for finding in self.findings],
        }
