"""What a checkup says: a state for every save, the causes, and what to do about them.

Frozen data with its JSON form and its exit code; opens no files. The modules beside this one make
the verdicts, :mod:`tfrepair.api.checking` puts them together.
"""

import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Health

HEALTHY, DAMAGE, NOTHING = 0, 3, 5
"""Exit codes of the command line."""

_WHOLE = (Health.VERIFIED, Health.CORRECTED, Health.UNVERIFIED)


class State(StrEnum):
    """What a save is worth; from best to worst."""

    COMPLETE = "complete"
    """Every tensor is there; verified where the format has checksums."""
    CORRECTED = "corrected"
    """Every tensor is there, after flipped bits were set right in memory."""
    FINISHABLE = "finishable"
    """Every tensor is there and verified, but not where TensorFlow looks for it."""
    DAMAGED = "damaged"
    """Something is missing or wrong; what is whole can be read."""
    UNREADABLE = "unreadable"
    """Bytes are there, but no tensor can be had from them."""
    EMPTY = "empty"
    """No bytes are there."""
    UNKNOWN = "not checked"
    """Of a format that this version does not look into: neither good nor bad."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorVerdict:
    """One tensor: its readable name, its health, and the reason where it is not whole."""

    name: str
    health: Health
    note: str = ""

    @property
    def is_whole(self) -> bool:
        """True if its values can be had."""
        return self.health in _WHOLE

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as plain JSON data."""
        return {"name": self.name, "health": self.health.value, "note": self.note}


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveCheckup:
    """One save.

    Attributes
    ----------
    path
        What to give to the other commands: prefix, file or folder.
    format
        Name of the format, such as ``"tensor_bundle"``; empty if unknown.
    state
        See :class:`State`.
    tensors
        Every tensor that the save announces, damaged ones included.
    causes
        What happened, where, and what to do; the main cause first.
    step
        Number of the training step, where the name or a counter says it.
    """

    path: str
    format: str
    state: State
    tensors: tuple[TensorVerdict, ...] = ()
    causes: tuple[Finding, ...] = ()
    step: int | None = None

    @property
    def whole(self) -> int:
        """Number of tensors whose values can be had."""
        return sum(tensor.is_whole for tensor in self.tensors)

    @property
    def by_health(self) -> Mapping[Health, int]:
        """Number of tensors for every health that occurs."""
        return Counter(tensor.health for tensor in self.tensors)

    @property
    def is_usable(self) -> bool:
        """True if anything can be had from the save."""
        return self.state is State.COMPLETE or self.whole > 0

    @property
    def is_fully_verified(self) -> bool:
        """True if the save is complete and a checksum vouches for every tensor."""
        verified = self.by_health.get(Health.VERIFIED, 0)
        return self.state is State.COMPLETE and verified == len(self.tensors) > 0

    @property
    def is_healthy(self) -> bool:
        """True if nothing is known to be wrong with it."""
        sound = self.state in (State.COMPLETE, State.UNKNOWN)
        return sound and not _is_alarming(self.causes)

    @property
    def verdict(self) -> str:
        """The verdict in words, with numbers."""
        total, whole = len(self.tensors), self.whole
        verified = self.by_health.get(Health.VERIFIED, 0)
        match self.state:
            case State.COMPLETE if verified == total:
                return f"complete: {total} of {total} tensors verified"
            case State.COMPLETE:
                return f"complete: {total} tensors, {total - verified} without a checksum"
            case State.CORRECTED:
                corrected = self.by_health.get(Health.CORRECTED, 0)
                return f"corrected: {total} tensors, {corrected} with one flipped bit set right"
            case State.FINISHABLE:
                return f"finishable: {whole} of {total} tensors whole, files not in place"
            case State.DAMAGED if whole == total:
                return f"damaged: {whole} tensors are whole, other parts are not"
            case State.DAMAGED:
                return f"damaged: {total - whole} of {total} tensors, {whole} are whole"
            case State.UNREADABLE if total:
                return f"unreadable: none of {total} tensors is whole"
            case _:
                return self.state.value

    def to_json(self) -> dict[str, Any]:
        """Return the save as plain JSON data."""
        return {
            "path": self.path,
            "format": self.format,
            "step": self.step,
            "state": self.state.value,
            "verdict": self.verdict,
            "fully_verified": self.is_fully_verified,
            "total": len(self.tensors),
            "whole": self.whole,
            "by_health": {health.value: n for health, n in sorted(self.by_health.items())},
            "causes": [cause.to_json() for cause in self.causes],
            "tensors": [tensor.to_json() for tensor in self.tensors],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    """Everything that was found under a path.

    Attributes
    ----------
    path
        As the user gave it.
    saves
        By step, the newest last; those without a step come first.
    findings
        What concerns no single save, such as a wrong state file.
    newest
        The newest save in which every tensor is verified; ``None`` if there is none.
    """

    path: str
    saves: tuple[SaveCheckup, ...]
    findings: tuple[Finding, ...] = ()
    newest: SaveCheckup | None = None

    @property
    def is_healthy(self) -> bool:
        """True if there is a save, and nothing is wrong with any."""
        sound = all(save.is_healthy for save in self.saves)
        return bool(self.saves) and sound and not _is_alarming(self.findings)

    @property
    def exit_code(self) -> int:
        """Exit code of the command line: 0 healthy, 3 damage, 5 nothing readable."""
        if not any(save.is_usable for save in self.saves):
            return NOTHING
        return HEALTHY if self.is_healthy else DAMAGE

    def to_json(self) -> dict[str, Any]:
        """Return the ``tfrepair.check/1`` object."""
        return {
            "schema": "tfrepair.check/1",
            "exit_code": self.exit_code,
            "path": self.path,
            "healthy": self.is_healthy,
            "newest_verified": None if self.newest is None else self.newest.path,
            "saves": [save.to_json() for save in self.saves],
            "findings": [finding.to_json() for finding in self.findings],
        }


def quoted(path: object) -> str:
    """Return a path as a shell takes it in a suggested command: in quotes if it has spaces."""
    return shlex.quote(str(path))


def cause(
    code: str, where: object, message: str, remedy: str = "", *, severity: Severity = Severity.ERROR
) -> Finding:
    """Return a cause; most are errors."""
    return Finding(code=code, severity=severity, where=str(where), message=message, remedy=remedy)


def _is_alarming(findings: tuple[Finding, ...]) -> bool:
    return any(finding.severity is not Severity.NOTE for finding in findings)
