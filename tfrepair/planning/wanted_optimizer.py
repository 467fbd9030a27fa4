"""What an architecture's optimizer wants to be filled with: its family, slots and scalars. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from tfrepair.core.architecture import (
    GRAPH_1,
    Architecture,
    Variable,
    VariableKind,
    VariablePath,
)
from tfrepair.core.findings import Finding, Severity
from tfrepair.planning.dialects.optimizers import WRAPPERS, Family, Without
from tfrepair.planning.fit import is_floating
from tfrepair.planning.step_counts import OPTIMIZER
from tfrepair.planning.stored_optimizer import STEP_WORDS, family_named, slot_kind
from tfrepair.planning.stored_optimizers import plain_word

_DEFAULT_BETAS = (0.9, 0.999)
_MAX_DEPTH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The optimizer of an architecture.

    Attributes
    ----------
    title, family
        Its class, without loss scaling around it; ``None`` if no table describes it.
    slots
        Its variables of weights, each with the slot's kind.
    scalars
        Its other variables, by the last word of their names.
    config
        Its hyperparameters.
    is_saver
        True for the optimizer of a TensorFlow 1 graph.
    """

    title: str
    family: Family | None
    slots: tuple[tuple[Variable, str], ...]
    scalars: Mapping[str, Variable]
    config: Mapping[str, Any]
    is_saver: bool = False

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds of its slots."""
        return frozenset(kind for _, kind in self.slots)

    @property
    def names(self) -> frozenset[str]:
        """Names of its slots."""
        return frozenset(variable.slot for variable, _ in self.slots)

    @property
    def betas(self) -> tuple[float, float]:
        """Its betas, without the digits that float32 added to them."""
        first, second = (
            self.config.get(name, default)
            for name, default in zip(("beta_1", "beta_2"), _DEFAULT_BETAS, strict=True)
        )
        return _short(first, _DEFAULT_BETAS[0]), _short(second, _DEFAULT_BETAS[1])

    @property
    def steps(self) -> Variable | None:
        """The variable of its step count."""
        return next((v for word, v in self.scalars.items() if word in STEP_WORDS), None)

    @property
    def has_schedule(self) -> bool:
        """True if its learning rate follows its step count."""
        return isinstance(self.config.get("learning_rate"), dict)


def wanted_optimizer(architecture: Architecture) -> Wanted | None:
    """Describe the optimizer of an architecture; ``None`` if it has none."""
    variables = [v for v in architecture if v.kind is VariableKind.OPTIMIZER]
    if not variables or architecture.framework == GRAPH_1:
        return None
    title, config = _unwrapped(architecture.optimizer, architecture.optimizer_config)
    family = family_named(title)
    scalars: dict[str, Variable] = {}
    for variable in variables:
        if not variable.of:
            word = variable.path.rpartition("/")[2].lower()
            # Loss scaling comes first, with counters of its own: the second is the optimizer's.
            scalars[plain_word(word)] = variable
    return Wanted(
        title=title,
        family=family,
        slots=tuple(
            (v, slot_kind(family, v.slot) if family else "")
            for v in variables
            if v.of and not _stands_for_nothing(v)
        ),
        scalars=scalars,
        config=config,
    )


def _unwrapped(title: str, config: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return class and hyperparameters of the optimizer inside of loss scaling."""
    held: Any = config
    for _ in range(_MAX_DEPTH):
        inside = held.get("config") if isinstance(held, dict) else None
        if not isinstance(inside, dict):
            return title, {}
        if title.lower().replace("_", "") not in WRAPPERS:
            return title, inside
        held = inside.get("inner_optimizer")
        title = str(held.get("class_name", "")) if isinstance(held, dict) else ""
        title = title.rpartition(">")[2]
    return title, {}


def _stands_for_nothing(variable: Variable) -> bool:
    """Tell whether a slot is a placeholder: Adafactor's factors of a vector are integers."""
    return variable.shape == () and not is_floating(variable.dtype)


def optimizer_gaps(
    filled: Collection[VariablePath], architecture: Architecture
) -> tuple[Finding, ...]:
    """Name an optimizer that a plan fills in part: the mixture that planning itself never makes.

    Parameters
    ----------
    filled
        Variables that have a value in a plan that a person edited.
    architecture
        The architecture of the plan.
    """
    wanted = wanted_optimizer(architecture)
    if wanted is None:
        return ()
    unit = [variable.path for variable, _ in wanted.slots]
    if wanted.steps is not None and (wanted.family is None or wanted.family.counts_steps):
        unit.append(wanted.steps.path)
    there = {variable.of for variable, _ in wanted.slots if variable.path in filled}
    gaps = [path for path in unit if path not in filled and _does_harm(path, wanted, there)]
    if not gaps or not there:
        return ()
    empty = sum(path not in filled for path in unit)
    return (
        Finding(
            code="optimizer-mixture",
            severity=Severity.LOSS,
            where=OPTIMIZER,
            message=f"the plan fills {len(unit) - empty} of {len(unit)} variables of "
            f"{wanted.title} and leaves {gaps[0]} and the others as they start: training on from "
            "such a mixture is worse than from a fresh optimizer",
            remedy="fill all of them in [map], or none",
        ),
    )


def _does_harm(path: VariablePath, wanted: Wanted, there: Collection[str]) -> bool:
    """Tell whether a variable that starts afresh does harm beside others that do not."""
    if wanted.family is None:
        return True
    for variable, kind in wanted.slots:
        if variable.path == path:
            without = wanted.family.slot(kind).without if kind else Without.GROUP
            return without is Without.GROUP or (without is Without.WEIGHT and variable.of in there)
    return True


def _short(value: object, default: float) -> float:
    return float(f"{value:.7g}") if isinstance(value, int | float) else default
