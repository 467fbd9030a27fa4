"""The report of a conversion: what was planned, what was written, what it is worth."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from tfrepair.core.architecture import Architecture, VariableKind
from tfrepair.core.errors import TfrepairError, VerifyError
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.plan import Confidence, Match, Plan
from tfrepair.core.receipt import Receipt
from tfrepair.core.state import State
from tfrepair.core.tensor import Health, TensorStore
from tfrepair.core.verdict import Verdict


class Outcome(StrEnum):
    """How a conversion ended; each has one exit code."""

    COMPLETE = "complete"
    LOSSY = "written with loss"
    REFUSED = "refused"
    FAILED = "verification failed"

    @property
    def exit_code(self) -> int:
        """Exit code of the command line."""
        codes = {Outcome.COMPLETE: 0, Outcome.LOSSY: 3, Outcome.REFUSED: 4, Outcome.FAILED: 6}
        return codes[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One conversion.

    Attributes
    ----------
    outcome
        See :class:`Outcome`.
    source, output
        As the user gave them; ``output`` is empty for a dry run.
    store, architecture, plan, state
        The stages' results.
    receipt, verdict
        ``None`` if nothing was written.
    is_dry_run
        True if nothing was to be written.
    seconds
        Wall time.
    error
        Why it was refused or failed, or ``None``.
    obstacle
        Why the SavedModel was not filled into a skeleton although one was asked for; else empty.
    """

    outcome: Outcome
    source: str
    output: str
    store: TensorStore
    architecture: Architecture
    plan: Plan
    state: State
    receipt: Receipt | None = None
    verdict: Verdict | None = None
    is_dry_run: bool = False
    seconds: float = 0.0
    error: TfrepairError | None = None
    obstacle: str = ""

    @property
    def exit_code(self) -> int:
        """Exit code of the command line."""
        return self.outcome.exit_code

    @property
    def written_outcome(self) -> Outcome:
        """Outcome of writing what is planned, if it turns out as it was meant."""
        return Outcome.LOSSY if self.plan.missing or self.losses else Outcome.COMPLETE

    def settled(self) -> "Report":
        """Return the report with the outcome that its verdict makes."""
        if self.verdict is None or self.verdict.passed:
            return replace(self, outcome=self.written_outcome)
        failed = [check for check in self.verdict.checks if not check.passed]
        message = "; ".join(f"{c.name} {c.where}: {c.detail}" for c in failed[:5])
        error = VerifyError(
            f"{len(failed)} checks failed, nothing was put in place: {message}",
            remedy="please report this with the output of --json",
        )
        return replace(self, outcome=Outcome.FAILED, error=error)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What every stage noticed, in the stages' order, each once."""
        found = [*self.store.findings, *self.architecture.findings, *self.plan.findings]
        if self.receipt is not None:
            found += self.receipt.findings
        if self.verdict is not None:
            found += self.verdict.findings
        return tuple(dict.fromkeys(found))

    @property
    def losses(self) -> tuple[Finding, ...]:
        """The findings that name lost state."""
        return tuple(f for f in self.findings if f.severity is Severity.LOSS)

    @property
    def weight_matches(self) -> tuple[Match, ...]:
        """The matches that fill weights; others fill the state of a training."""
        weights = {variable.path for variable in self.architecture.weights}
        return tuple(match for match in self.plan.matches if match.target in weights)

    def count(self, confidence: Confidence) -> int:
        """Return the number of weights with a match of one confidence."""
        return sum(match.confidence is confidence for match in self.weight_matches)

    def to_json(self) -> dict[str, Any]:
        """Return the ``tfrepair.report/1`` object."""
        return {
            "schema": "tfrepair.report/1",
            "outcome": self.outcome.value,
            "exit_code": self.exit_code,
            "dry_run": self.is_dry_run,
            "error": None if self.error is None else self.error.message,
            "remedy": "" if self.error is None else self.error.remedy,
            "source": self.source,
            "output": self.output,
            "order": self.plan.convention,
            "matches": self._matches(),
            "optimizer": self._optimizer(),
            "missing": [gap.to_json() for gap in self.plan.missing],
            "leftover": [leftover.to_json() for leftover in self.plan.leftover],
            "ties": [tie.to_json() for tie in self.plan.ties],
            "signatures": [
                signature.to_json()
                for signature in (self.receipt.signatures if self.receipt else ())
            ],
            "findings": [finding.to_json() for finding in self.findings],
            "verify": None if self.verdict is None else self.verdict.to_json(),
            "seconds": round(self.seconds, 3),
        }

    def _matches(self) -> list[dict[str, Any]]:
        entries, tensors = self.state.by_path, self.store.by_name
        return [
            {
                "target": match.target,
                "sources": list(match.sources),
                "transform": match.rule,
                "confidence": match.confidence.value,
                "evidence": list(match.evidence),
                "provenance": str(entries[match.target].provenance),
                "health": _worst(tensors[name].health for name in match.sources).value,
            }
            for match in self.plan.matches
        ]

    def _optimizer(self) -> list[dict[str, Any]]:
        entries = self.state.by_path
        sources = {match.target: match.sources for match in self.plan.matches}
        return [
            {
                "variable": variable.of or variable.path,
                "slot": variable.slot or variable.path.rpartition("/")[2],
                "sources": list(sources.get(variable.path, ())),
                "provenance": str(entries[variable.path].provenance),
            }
            for variable in self.architecture
            if variable.kind is VariableKind.OPTIMIZER
        ]


def _worst(healths: Iterable[Health]) -> Health:
    """Return the health of a value that several tensors make."""
    ranks = list(Health)
    return max(healths, key=ranks.index)
