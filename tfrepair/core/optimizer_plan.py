"""What a plan says about the optimizer of the output, beyond which tensor fills which variable.

Its class and hyperparameters with their origins, the variables that follow from others by a rule,
and those that start afresh. Frozen data, JSON both ways; :mod:`tfrepair.rebuild` carries it out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from tfrepair.core.architecture import VariablePath
from tfrepair.core.optimizer_rules import Rule, parse_rule
from tfrepair.core.state import ProvenanceKind


class Origin(StrEnum):
    """Where the class of an optimizer, or one of its hyperparameters, comes from."""

    ARCHITECTURE = "architecture"
    """The model of the architecture is compiled with it."""
    CONFIG = "training_config"
    """The configuration beside the tensors in the source."""
    GRAPH = "graph"
    """Constants of the update operations in the ``.meta`` file beside the checkpoint."""
    TENSOR = "tensor"
    """A scalar of the source."""
    BETA_POWERS = "beta powers"
    """The one pair of betas whose powers are in the source."""
    SLOTS = "slot names"
    """The names of slots in the source."""
    OPTION = "option"
    """``--optimizer``, ``--learning-rate``, ``--optimizer-option``."""
    PLAN = "plan"
    """The ``[optimizer]`` table of an edited plan."""
    CONVERTED = "converted"
    """Computed from one of the source, so that another update rule goes on alike."""
    WRITER_DEFAULT = "default of the writer"
    """What the framework that wrote the source takes if nothing is said."""
    DEFAULT = "default"
    """What Keras takes if nothing is said: nothing is known about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One hyperparameter of the output's optimizer: a JSON value, and where it comes from."""

    name: str
    value: Any
    origin: Origin

    def to_json(self) -> dict[str, Any]:
        """Return the setting as plain JSON data."""
        return {"name": self.name, "value": self.value, "origin": self.origin.value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Build a setting from :meth:`to_json` data."""
        return cls(name=data["name"], value=data["value"], origin=Origin(data["origin"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """A variable of the optimizer that no tensor of the source fills by itself.

    Attributes
    ----------
    target
        Path of the variable.
    rule, inputs
        How its value follows from the output's values of other variables.
    kind
        What the value is to be called: never ``READ``.
    why
        Half a sentence.
    """

    target: VariablePath
    rule: Rule
    inputs: tuple[VariablePath, ...] = ()
    kind: ProvenanceKind
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the entry as plain JSON data."""
        return {
            "target": self.target,
            "rule": str(self.rule),
            "inputs": list(self.inputs),
            "kind": self.kind.value,
            "why": self.why,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Build an entry from :meth:`to_json` data."""
        return cls(
            target=VariablePath(data["target"]),
            rule=parse_rule(data["rule"]),
            inputs=tuple(VariablePath(path) for path in data["inputs"]),
            kind=ProvenanceKind(data["kind"]),
            why=data["why"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """A variable of the optimizer that starts as in a fresh one, and why."""

    target: VariablePath
    why: str
    discarded: str = ""
    """Name of a tensor of the source that would fit, but contradicts the rest of its group."""

    def to_json(self) -> dict[str, Any]:
        """Return the entry as plain JSON data."""
        return {"target": self.target, "why": self.why, "discarded": self.discarded}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Build an entry from :meth:`to_json` data."""
        return cls(
            target=VariablePath(data["target"]), why=data["why"], discarded=data["discarded"]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerPlan:
    """The optimizer of the output.

    Attributes
    ----------
    name
        Class of the output's optimizer.
    origin
        Where the class comes from.
    settings
        Its hyperparameters, in the order of its configuration.
    steps
        Updates that the training has made, as far as the source tells; ``None`` if it does not.
    counter
        What the step counter of the output starts at; ``None`` for 0 or a value that is matched.
    schedule_offset
        Added to the counter wherever a learning rate schedule reads it, so that the schedule goes
        on where it was although the counter does not.
    rebuilt, fresh
        Variables of the optimizer that no match fills; the donors, data and derivations of a
        rebuild may replace entries of ``fresh``, one consistency group at a time.
    estimated
        Slots that are lost and get a value from data.
    """

    name: str
    origin: Origin
    settings: tuple[Setting, ...] = ()
    steps: int | None = None
    counter: int | None = None
    schedule_offset: int = 0
    rebuilt: tuple[Rebuilt, ...] = ()
    fresh: tuple[Fresh, ...] = ()
    estimated: tuple[Fresh, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the optimizer as plain JSON data."""
        return {
            "name": self.name,
            "origin": self.origin.value,
            "settings": [setting.to_json() for setting in self.settings],
            "steps": self.steps,
            "counter": self.counter,
            "schedule_offset": self.schedule_offset,
            "rebuilt": [entry.to_json() for entry in self.rebuilt],
            "fresh": [entry.to_json() for entry in self.fresh],
            "estimated": [entry.to_json() for entry in self.estimated],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Build an optimizer from :meth:`to_json` data."""
        return cls(
            name=data["name"],
            origin=Origin(data["origin"]),
            settings=tuple(Setting.from_json(entry) for entry in data["settings"]),
            steps=data["steps"],
            counter=data["counter"],
            schedule_offset=data["schedule_offset"],
            rebuilt=tuple(Rebuilt.from_json(entry) for entry in data["rebuilt"]),
            fresh=tuple(Fresh.from_json(entry) for entry in data["fresh"]),
            estimated=tuple(Fresh.from_json(entry) for entry in data.get("estimated", ())),
        )
