"""What an architecture's optimizer wants to be filled with: its family, slots and scalars. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tfrepair.core.architecture import GRAPH_1, Architecture, Variable, VariableKind
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.plan import Match
from tfrepair.planning.dialects.optimizers import Family
from tfrepair.planning.step_counts import OPTIMIZER
from tfrepair.planning.stored_optimizers import STEP_WORDS, family_named, slot_kind

_DEFAULT_BETAS = (0.9, 0.999)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The optimizer of an architecture.

    Attributes
    ----------
    title, family
        Its class; ``None`` if no table describes it.
    slots
        Its variables of weights, each with the slot's kind.
    scalars
        Its other variables, by the last word of their names.
    config
        Its hyperparameters.
    """

    title: str
    family: Family | None
    slots: tuple[tuple[Variable, str], ...]
    scalars: Mapping[str, Variable]
    config: Mapping[str, Any]

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds of its slots."""
        return frozenset(kind for _, kind in self.slots)

    @property
    def betas(self) -> tuple[float, float]:
        """Its betas, without the digits that float32 added to them."""
        first, second = (
            self.config.get(name, default)
            for name, default in zip(("beta_1", "beta_2"), _DEFAULT_BETAS, strict=True)
        )
        return _short(first, _DEFAULT_BETAS[0]), _short(second, _DEFAULT_BETAS[1])


def wanted_optimizer(architecture: Architecture) -> Wanted | None:
    """Describe the optimizer of an architecture; ``None`` if it has none."""
    variables = [v for v in architecture if v.kind is VariableKind.OPTIMIZER]
    if not variables:
        return None
    family = family_named(architecture.optimizer)
    config = architecture.optimizer_config.get("config", {})
    return Wanted(
        title=architecture.optimizer,
        family=family,
        slots=tuple((v, slot_kind(family, v.slot) if family else "") for v in variables if v.of),
        scalars={v.path.rpartition("/")[2].lower(): v for v in variables if not v.of},
        config=config if isinstance(config, dict) else {},
    )


def optimizer_gaps(matches: Iterable[Match], architecture: Architecture) -> tuple[Finding, ...]:
    """Name an optimizer that a plan fills in part: the mixture that planning itself never makes.

    Parameters
    ----------
    matches
        Of a plan that a person edited.
    architecture
        The architecture of the plan.
    """
    wanted = wanted_optimizer(architecture)
    if wanted is None or architecture.framework == GRAPH_1:
        return ()
    filled = {match.target for match in matches}
    unit = [variable.path for variable, _ in wanted.slots]
    if wanted.family is None or wanted.family.counts_steps:
        unit += [v.path for word, v in wanted.scalars.items() if word in STEP_WORDS]
    gaps = [path for path in unit if path not in filled]
    if not gaps or len(gaps) == len(unit):
        return ()
    return (
        Finding(
            code="optimizer-mixture",
            severity=Severity.LOSS,
            where=OPTIMIZER,
            message=f"the plan fills {len(unit) - len(gaps)} of {len(unit)} variables of "
            f"{wanted.title} and leaves {gaps[0]} and the others as they start: training on from "
            "such a mixture is worse than from a fresh optimizer",
            remedy="fill all of them in [map], or none",
        ),
    )


def _short(value: object, default: float) -> float:
    return float(f"{value:.7g}") if isinstance(value, int | float) else default
