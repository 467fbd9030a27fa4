"""Which slots of an optimizer can be kept together, where some of them are lost.

The unit of decision is the consistency group: Adam's second moment decides over first moment and
step count, RMSprop's average of squares over the other slots of its weight. What follows from
other values is derived, what is lost starts as in a fresh optimizer, and takes with it what would
do harm without it. Knows neither tensors nor values; comes after
:mod:`tfrepair.planning.optimizer_values` and before the rebuild. Pure.

Source: deviations of 22 trainings under every mixture, ``docs/optimizer-state.md``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tfrepair.core.architecture import Variable, VariablePath
from tfrepair.core.optimizer_plan import Fresh, Rebuilt
from tfrepair.core.optimizer_rules import Rule, rule
from tfrepair.core.plan import Match
from tfrepair.core.state import ProvenanceKind
from tfrepair.planning.dialects.optimizers import Family, Without
from tfrepair.planning.wanted_optimizer import Wanted

Candidates = Mapping[VariablePath, Match | str]
"""For every slot of the architecture: what would fill it, or why nothing does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """The slots of an optimizer, decided on.

    Attributes
    ----------
    matches, rebuilt, fresh
        Every slot is in exactly one of them.
    is_reset
        True if the whole group starts afresh, and the step count with it.
    """

    matches: tuple[Match, ...] = ()
    rebuilt: tuple[Rebuilt, ...] = ()
    fresh: tuple[Fresh, ...] = ()
    is_reset: bool = False


def decide(
    wanted: Wanted,
    candidates: Candidates,
    weights: Mapping[VariablePath, Match],
    rate: float | None,
    estimable: frozenset[str] = frozenset(),
) -> Unit:
    """Decide which slots are kept, derived, and started afresh.

    Parameters
    ----------
    wanted
        An optimizer that a table describes.
    candidates
        For every slot of it.
    weights
        Matches of the weights: from weights without a source nothing follows.
    rate
        Learning rate with which the training goes on, if it is known.
    estimable
        Kinds that data will give a value: their loss takes nothing with it.
    """
    family = wanted.family
    if family is None:
        return Unit(fresh=tuple(_fresh(v, candidates[v.path]) for v, _ in wanted.slots))
    group = _Group(
        wanted=wanted,
        family=family,
        candidates=candidates,
        weights=weights,
        rate=rate,
        estimable=estimable,
    )
    return group.decided()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """One decision; see :func:`decide`."""

    wanted: Wanted
    family: Family
    candidates: Candidates
    weights: Mapping[VariablePath, Match]
    rate: float | None
    estimable: frozenset[str]

    def decided(self) -> Unit:
        fatal = next(self._lost(Without.GROUP), None)
        afresh = {variable.of: why for variable, why in self._lost(Without.WEIGHT)}
        entries = [self._entry(v, kind, fatal, afresh.get(v.of)) for v, kind in self.wanted.slots]
        return Unit(
            matches=tuple(entry for entry in entries if isinstance(entry, Match)),
            rebuilt=tuple(entry for entry in entries if isinstance(entry, Rebuilt)),
            fresh=tuple(entry for entry in entries if isinstance(entry, Fresh)),
            is_reset=fatal is not None,
        )

    def _lost(self, without: Without) -> Iterator[tuple[Variable, str]]:
        """Yield the slots that are lost, of those whose loss goes beyond themselves."""
        for variable, kind in self.wanted.slots:
            candidate = self.candidates[variable.path]
            if isinstance(candidate, Match) or self.family.slot(kind).without is not without:
                continue
            if kind in self.estimable and VariablePath(variable.of) in self.weights:
                continue
            if kind == "z" or self._derived(variable, kind) is None:
                yield variable, candidate

    def _entry(
        self, variable: Variable, kind: str, fatal: tuple[Variable, str] | None, afresh: str | None
    ) -> Match | Rebuilt | Fresh:
        candidate = self.candidates[variable.path]
        is_own = any(slot.kind == kind for slot in self.family.slots)
        why = (fatal[1] if fatal is not None else afresh) if is_own else None
        if why is None and isinstance(candidate, Match):
            return candidate
        is_discarded = why is not None and isinstance(candidate, Match)
        if why is None or kind in ("linear", "z"):
            derived = self._derived(variable, kind)
            if derived is not None:
                return derived
        reason = why if is_discarded and why is not None else str(candidate)
        if self.family.name == "ftrl" and kind == "accumulator" and not self.estimable:
            # What follows from it needs its number, which no source holds.
            start = float(self.wanted.config.get("initial_accumulator_value", 0.1))
            return Rebuilt(
                target=variable.path,
                rule=rule("constant", value=start),
                kind=ProvenanceKind.INITIALISED,
                why=reason,
            )
        return Fresh(
            target=variable.path,
            why=reason,
            discarded=candidate.source if isinstance(candidate, Match) else "",
        )

    def _derived(self, variable: Variable, kind: str) -> Rebuilt | None:
        """Return how a slot follows from others that are there, if it does."""
        found = self._rule(variable, kind)
        if found is None:
            return None
        how, inputs = found
        return Rebuilt(
            target=variable.path,
            rule=how,
            inputs=inputs,
            kind=ProvenanceKind.DERIVED,
            why=str(self.candidates[variable.path])
            if not isinstance(self.candidates[variable.path], Match)
            else "it follows from the weight",
        )

    def _rule(self, variable: Variable, kind: str) -> tuple[Rule, tuple[VariablePath, ...]] | None:
        weight = VariablePath(variable.of)
        has_weight = weight in self.weights
        siblings = {k: v.path for v, k in self.wanted.slots if v.of == variable.of}
        there = {k for k, path in siblings.items() if isinstance(self.candidates[path], Match)}
        match kind:
            case "vhat" if "v" in there:
                return rule("copy"), (siblings["v"],)
            case "average" | "z" if has_weight:
                return rule("copy"), (weight,)
            case "linear" if has_weight and self.rate is not None:
                return self._linear(self.rate), (weight, siblings["accumulator"])
            case "r" if "v" in there:
                return rule("row_means"), (siblings["v"],)
            case "c" if "v" in there:
                return rule("column_means"), (siblings["v"],)
            case "v" if self.family.name == "adafactor" and {"r", "c"} <= there:
                return rule("outer"), (siblings["r"], siblings["c"])
            case _:
                return None

    def _linear(self, rate: float) -> Rule:
        config = self.wanted.config
        return rule(
            "ftrl_linear",
            rate=rate,
            power=float(config.get("learning_rate_power", -0.5)),
            l1=float(config.get("l1_regularization_strength", 0.0)),
            l2=float(config.get("l2_regularization_strength", 0.0)),
            beta=float(config.get("beta", 0.0)),
        )


def _fresh(variable: Variable, candidate: Match | str) -> Fresh:
    return Fresh(target=variable.path, why=str(candidate))
