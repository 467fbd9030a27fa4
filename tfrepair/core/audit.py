"""What saving a model would keep, way by way: the answer of the host to an audit, as data.

Knows the ways of saving and what may become of a state; nothing of how that is found out. Comes
after the host has built and traced the model, before the report.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Shape


class Way(StrEnum):
    """A way of saving a model."""

    GET_WEIGHTS = "get_weights"
    """``model.get_weights()``, and what is pickled or ``np.save``-d from it."""
    WEIGHTS_H5 = ".weights.h5"
    KERAS = ".keras"
    CHECKPOINT = "Checkpoint"
    """``tf.train.Checkpoint(model=model)``."""
    EXPORT = "export"
    """``model.export()``."""
    SAVED_MODEL = "saved_model.save"
    """``tf.saved_model.save(model)``; for tf_keras, ``model.save(..., save_format="tf")``."""


class Fate(StrEnum):
    """What becomes of one state in one way of saving."""

    KEPT = "kept"
    LOST = "lost"
    """Not in the file, and nothing says so."""
    BAKED = "baked"
    """Part of the graph as a constant: what runs is right, but the value has no name."""
    RAISES = "raises"
    """The save fails because of it."""
    BY_OPTIMIZER = "by optimizer"
    """Only reached through the list of an optimizer that is built, at both ends."""
    NOT_MEANT = "not meant"
    """The way does not save states of this kind at all."""


EVERYTHING, LOSSES = 0, 3
"""Exit codes of the command line: every way keeps every state, or some way loses one."""
BAD = frozenset({Fate.LOST, Fate.RAISES})
"""Fates that cost the state."""


class StateKind(StrEnum):
    """What a state is."""

    VARIABLE = "variable"
    TABLE = "table"
    """A lookup table whose contents can change."""
    CONSTANT = "constant"
    """An array or tensor that the layer holds and the graph only has as a constant."""
    METRIC = "metric"
    RANDOM = "random"
    """The state of a random generator."""
    OPTIMIZER = "optimizer"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedState:
    """One state that some way of saving does not keep.

    Attributes
    ----------
    name
        Where the model holds it: attributes and keys, joined by ``/``.
    kind
        See :class:`StateKind`.
    shape, dtype
        Of its value; ``None`` and empty where it has none.
    created
        ``file:line`` of the user's own code that created it; empty if that is not known.
    line
        Text of that line.
    fates
        What becomes of it, for every way.
    severity
        ``LOSS`` if something is lost that a fresh model does not have by itself; ``WARNING`` for a
        state that only the optimizer holds; ``NOTE`` for random generators and what the code
        computes anew.
    reason
        Why it is lost, in words.
    fix
        What to write instead.
    """

    name: str
    kind: StateKind
    shape: Shape | None
    dtype: str
    created: str
    line: str
    fates: Mapping[Way, Fate]
    severity: Severity
    reason: str
    fix: str

    @property
    def lost_by(self) -> tuple[Way, ...]:
        """The ways of saving that do not keep it."""
        return tuple(way for way in Way if self.fates.get(way) in BAD)

    def to_json(self) -> dict[str, Any]:
        """Return the state as plain JSON data."""
        return {
            "name": self.name,
            "kind": self.kind.value,
            "shape": None if self.shape is None else list(self.shape),
            "dtype": self.dtype,
            "created": self.created,
            "line": self.line,
            "fates": {way.value: fate.value for way, fate in self.fates.items()},
            "severity": self.severity.value,
            "reason": self.reason,
            "fix": self.fix,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "AuditedState":
        """Build a state from :meth:`to_json` data."""
        return cls(
            name=data["name"],
            kind=StateKind(data["kind"]),
            shape=None if data["shape"] is None else tuple(data["shape"]),
            dtype=data["dtype"],
            created=data["created"],
            line=data["line"],
            fates={Way(way): Fate(fate) for way, fate in data["fates"].items()},
            severity=Severity(data["severity"]),
            reason=data["reason"],
            fix=data["fix"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Every state of a model that some way of saving does not keep.

    Attributes
    ----------
    model, class_name
        The model's own name, and its class.
    framework
        As in :class:`~tfrepair.core.architecture.Architecture`.
    source
        The architecture as it was asked for.
    states
        What is not kept everywhere; losses first.
    kept
        How many states every way keeps.
    findings
        What concerns the model as a whole.
    """

    model: str
    class_name: str
    framework: str
    source: str
    states: tuple[AuditedState, ...]
    kept: int
    findings: tuple[Finding, ...] = field(default=())

    @property
    def losses(self) -> tuple[AuditedState, ...]:
        """The states that would be lost, notes and warnings left out."""
        return tuple(state for state in self.states if state.severity is Severity.LOSS)

    @property
    def exit_code(self) -> int:
        """0 if nothing would be lost, 3 if something would; notes do not count."""
        return LOSSES if self.losses else EVERYTHING

    def lost_by(self, ways: Iterable[Way]) -> tuple[AuditedState, ...]:
        """Return the losses in some ways of saving."""
        wanted = frozenset(ways)
        return tuple(state for state in self.losses if wanted.intersection(state.lost_by))

    def to_json(self) -> dict[str, Any]:
        """Return the audit as plain JSON data."""
        return {
            "model": self.model,
            "class": self.class_name,
            "framework": self.framework,
            "source": self.source,
            "states": [state.to_json() for state in self.states],
            "kept": self.kept,
            "findings": [finding.to_json() for finding in self.findings],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Audit":
        """Build an audit from :meth:`to_json` data."""
        return cls(
            model=data["model"],
            class_name=data["class"],
            framework=data["framework"],
            source=data["source"],
            states=tuple(AuditedState.from_json(state) for state in data["states"]),
            kept=data["kept"],
            findings=tuple(Finding.from_json(finding) for finding in data["findings"]),
        )
