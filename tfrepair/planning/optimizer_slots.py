"""The slots of an architecture's optimizer, each with what would fill it or why nothing does.

Knows how slots of one family become those of another and of another era. What is kept of them is
decided in :mod:`tfrepair.planning.consistency`, which comes after. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tfrepair.core.architecture import Variable, VariablePath
from tfrepair.core.optimizer_plan import Setting
from tfrepair.core.plan import Match, Plan
from tfrepair.planning.dialects.optimizers import Family
from tfrepair.planning.dialects.relatives import RELATIVES, Relation
from tfrepair.planning.hyperparameters import RATE
from tfrepair.planning.lists import StatisticsOf
from tfrepair.planning.optimizer_values import SlotRule, slot_match
from tfrepair.planning.step_counts import StepCount
from tfrepair.planning.stored_optimizer import StoredOptimizer
from tfrepair.planning.wanted_optimizer import Wanted

_USUAL_BETA = 0.999
_SHARED = ("average", "gradient_accumulator")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The two optimizers of a conversion, and what is known about the training.

    Attributes
    ----------
    chosen, source
        The optimizer in the source, and its family.
    wanted, family
        The architecture's.
    settings
        Hyperparameters of the training, with those that a person gave in their place.
    count
        Its step count, or why there is none.
    """

    chosen: StoredOptimizer
    source: Family
    wanted: Wanted
    family: Family
    settings: Mapping[str, Setting]
    count: StepCount | str

    @property
    def relation(self) -> Relation | None:
        """How the architecture's family takes the source's slots; ``None`` within one family."""
        return RELATIVES.get((self.source.name, self.family.name))

    @property
    def rate(self) -> float | None:
        """The one learning rate of the training, if it is known."""
        setting = self.settings.get(RATE)
        value = None if setting is None else setting.value
        return float(value) if isinstance(value, int | float) and value > 0 else None

    @property
    def betas(self) -> tuple[float, float] | None:
        """The decays of the training's averages, if they are known."""
        found = [
            self.settings[name].value for name in ("beta_1", "beta_2") if name in self.settings
        ]
        if len(found) != 2 or not all(isinstance(beta, int | float) for beta in found):
            return None
        return float(found[0]), float(found[1])


def slot_candidates(
    sides: Sides, plan: Plan, statistics: StatisticsOf
) -> dict[VariablePath, Match | str]:
    """Find what would fill each slot of the architecture.

    Parameters
    ----------
    sides
        The two optimizers.
    plan
        With the matches of the weights.
    statistics
        Called for slots that have a place.
    """
    of_weight: dict[VariablePath, Match] = {match.target: match for match in plan.matches}
    rules = {kind: _rule(kind, sides) for kind in sorted(sides.wanted.kinds)}
    found: dict[VariablePath, Match | str] = {}
    for variable, kind in sides.wanted.slots:
        rule, weight = rules[kind], of_weight.get(VariablePath(variable.of))
        found[variable.path] = (
            rule if isinstance(rule, str) else _slot(variable, rule, weight, sides, statistics)
        )
    return found


def _slot(
    variable: Variable,
    rule: SlotRule,
    weight: Match | None,
    sides: Sides,
    statistics: StatisticsOf,
) -> Match | str:
    if weight is None:
        return f"{variable.of} has no source, and so has its {variable.slot}"
    tensors = []
    for source in weight.sources:
        tensor = sides.chosen.slots.get((source, rule.kind))
        if tensor is None:
            return f"no {_word(rule, sides)} of {source} is in the source"
        tensors.append(tensor)
    return slot_match(variable, weight, tensors, rule, statistics)


def _word(rule: SlotRule, sides: Sides) -> str:
    """Return what a slot is called in the architecture, for messages."""
    names = (v.slot for v, kind in sides.wanted.slots if kind == rule.kind)
    return next(names, rule.kind)


def _rule(kind: str, sides: Sides) -> SlotRule | str:
    """Return how slots of a kind are carried, or why they cannot be."""
    if kind in _SHARED or sides.source is sides.family:
        return _same_family(kind, sides)
    relation = sides.relation
    if relation is None or kind not in relation.kinds:
        return f"{sides.source.title} keeps nothing like the {kind} of {sides.family.title}"
    evidence = f"{sides.chosen.title} and {sides.family.title}: {relation.note}"
    factor = 1.0
    if relation.corrects:
        if not isinstance(sides.count, StepCount):
            return f"the bias of {sides.source.title}'s average is not known without its steps"
        beta = _USUAL_BETA if sides.betas is None else sides.betas[1]
        factor = 1.0 / (1.0 - beta ** max(1, sides.count.count))
        evidence += ", without its bias"
    return SlotRule(
        kind=relation.kinds[kind], family=sides.source, factor=factor, evidence=(evidence,)
    )


def _same_family(kind: str, sides: Sides) -> SlotRule | str:
    family = sides.family
    have, want = sides.chosen.is_saver, sides.wanted.is_saver
    if not family.folds_rate or have == want or kind in _SHARED:
        return SlotRule(kind=kind, family=family)
    if sides.rate is None:
        return (
            "TensorFlow 1 keeps momentum without the learning rate, and nothing in or beside the "
            "source says the one learning rate (give it with --learning-rate)"
        )
    origin = sides.settings[RATE].origin.value
    evidence = f"TensorFlow 1 keeps m, Keras -learning_rate * m; it is {sides.rate:g} ({origin})"
    factor = -sides.rate if have else -1.0 / sides.rate
    return SlotRule(kind=kind, family=family, factor=factor, evidence=(evidence,))
