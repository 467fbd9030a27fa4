"""The plan: which source tensor fills which variable, how sure that is, and what stays open."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

from tfrepair.core.architecture import VariablePath
from tfrepair.core.findings import Finding
from tfrepair.core.optimizer_plan import OptimizerPlan
from tfrepair.core.tensor import SourceName
from tfrepair.core.transform import IDENTITY, Transform, parse_transform


class Confidence(StrEnum):
    """How sure a match is, in words with definitions."""

    CERTAIN = "CERTAIN"
    """Name and shape agree, and nothing else has that name and shape."""
    STRONG = "STRONG"
    """Several kinds of evidence agree, and the runner-up is far behind."""
    ORDER = "ORDER"
    """Position only, and the whole list fits position by position."""
    MANUAL = "MANUAL"
    """A person wrote it into the plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One variable and what fills it.

    Attributes
    ----------
    target
        Path of the variable.
    sources
        Names of the source tensors; a name may stand more than once.
    transform
        From the stored array to the variable's value, where there is one source.
    parts
        Where several arrays make up the value, or one array several parts of it: a transform for
        each of ``sources``, see :mod:`tfrepair.core.assembly`. Empty for a whole array.
    confidence
        See :class:`Confidence`.
    evidence
        Sentences, strongest first.
    """

    target: VariablePath
    sources: tuple[SourceName, ...]
    transform: Transform = IDENTITY
    parts: tuple[Transform, ...] = ()
    confidence: Confidence
    evidence: tuple[str, ...] = ()

    @property
    def source(self) -> SourceName:
        """The single source tensor; of several the first."""
        return self.sources[0]

    @property
    def edges(self) -> tuple[tuple[SourceName, Transform], ...]:
        """Every source with the transform that it goes through."""
        transforms = self.parts or (self.transform,)
        return tuple(zip(self.sources, transforms, strict=True))

    @property
    def rule(self) -> str:
        """The transforms as text, joined by ``" + "``."""
        return " + ".join(str(transform) for _, transform in self.edges)

    def to_json(self) -> dict[str, Any]:
        """Return the match as plain JSON data."""
        parts = {"parts": [str(part) for part in self.parts]} if self.parts else {}
        return {
            "target": self.target,
            "sources": list(self.sources),
            "transform": str(self.transform),
            **parts,
            "confidence": self.confidence.value,
            "evidence": list(self.evidence),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Build a match from :meth:`to_json` data."""
        return cls(
            target=VariablePath(data["target"]),
            sources=tuple(SourceName(name) for name in data["sources"]),
            transform=parse_transform(data["transform"]),
            parts=tuple(parse_transform(part) for part in data.get("parts", ())),
            confidence=Confidence(data["confidence"]),
            evidence=tuple(data["evidence"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """Targets and the sources between which nothing decides."""

    targets: tuple[VariablePath, ...]
    sources: tuple[SourceName, ...]
    why: str

    def to_json(self) -> dict[str, Any]:
        """Return the tie as plain JSON data."""
        return {"targets": list(self.targets), "sources": list(self.sources), "why": self.why}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Build a tie from :meth:`to_json` data."""
        return cls(
            targets=tuple(VariablePath(path) for path in data["targets"]),
            sources=tuple(SourceName(name) for name in data["sources"]),
            why=data["why"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A target without a source, with the reason and near misses."""

    target: VariablePath
    reason: str
    candidates: tuple[SourceName, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the gap as plain JSON data."""
        return {
            "target": self.target,
            "reason": self.reason,
            "candidates": list(self.candidates),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Build a gap from :meth:`to_json` data."""
        return cls(
            target=VariablePath(data["target"]),
            reason=data["reason"],
            candidates=tuple(SourceName(name) for name in data["candidates"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """A source tensor that fills nothing, with the reason."""

    source: SourceName
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Return the leftover as plain JSON data."""
        return {"source": self.source, "reason": self.reason}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Build a leftover from :meth:`to_json` data."""
        return cls(source=SourceName(data["source"]), reason=data["reason"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An input of a plan: what the user called it, and the digest of its bytes."""

    path: str
    digest: str

    def to_json(self) -> dict[str, Any]:
        """Return the reference as plain JSON data."""
        return {"path": self.path, "digest": self.digest}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Build a reference from :meth:`to_json` data."""
        return cls(path=data["path"], digest=data["digest"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The whole assignment for one source and one architecture.

    Attributes
    ----------
    source, arch
        What it was made for; a plan is refused for anything else.
    convention
        Name of the list order that was taken, or empty.
    matches, missing, leftover, ties
        Every weight of the architecture is in exactly one match, gap or tie; every tensor of the
        source is in a match, a tie or a leftover.
    findings
        What planning noticed.
    optimizer
        The optimizer of the output, but for what fills its variables from the source; ``None`` if
        it has none.
    """

    source: Reference
    arch: Reference
    convention: str = ""
    matches: tuple[Match, ...] = ()
    missing: tuple[Gap, ...] = ()
    leftover: tuple[Leftover, ...] = ()
    ties: tuple[Tie, ...] = ()
    findings: tuple[Finding, ...] = ()
    optimizer: OptimizerPlan | None = None

    @property
    def is_complete(self) -> bool:
        """True when every weight has a source and nothing is tied."""
        return not self.missing and not self.ties

    def with_references(self, source: Reference, arch: Reference) -> "Plan":
        """Return the same plan made out to other inputs."""
        return replace(self, source=source, arch=arch)

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain JSON data."""
        return {
            "schema": "tfrepair.plan/1",
            "source": self.source.to_json(),
            "arch": self.arch.to_json(),
            "convention": self.convention,
            "matches": [match.to_json() for match in self.matches],
            "missing": [gap.to_json() for gap in self.missing],
            "leftover": [leftover.to_json() for leftover in self.leftover],
            "ties": [tie.to_json() for tie in self.ties],
            "findings": [finding.to_json() for finding in self.findings],
            "optimizer": None if self.optimizer is None else self.optimizer.to_json(),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Build a plan from :meth:`to_json` data."""
        return cls(
            source=Reference.from_json(data["source"]),
            arch=Reference.from_json(data["arch"]),
            convention=data["convention"],
            matches=tuple(Match.from_json(entry) for entry in data["matches"]),
            missing=tuple(Gap.from_json(entry) for entry in data["missing"]),
            leftover=tuple(Leftover.from_json(entry) for entry in data["leftover"]),
            ties=tuple(Tie.from_json(entry) for entry in data["ties"]),
            findings=tuple(Finding.from_json(entry) for entry in data["findings"]),
            optimizer=OptimizerPlan.from_json(held) if (held := data.get("optimizer")) else None,
        )
