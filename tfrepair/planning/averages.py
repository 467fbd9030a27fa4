"""Moving averages of weights: planned in place of the weights themselves, if the user asks.

A training loop that keeps an exponential moving average (EMA) serves with it. The average is
planned under the name of its weight, and appears in the plan under its own. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tfrepair.core.errors import Incomplete
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.plan import Gap, Leftover, Match, Plan, Tie
from tfrepair.core.tensor import Purpose, SourceName, Tensor, TensorStore

_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIns:
    """A source in which averages stand in for their weights.

    Attributes
    ----------
    store
        Weights that have an average are replaced by it, under the weight's name.
    real
        Name in ``store`` to the name in the source.
    """

    store: TensorStore
    real: Mapping[SourceName, SourceName]

    def true_name(self, name: SourceName) -> SourceName:
        """Return the name that the source itself uses."""
        return self.real.get(name, name)


def stand_ins(store: TensorStore) -> StandIns:
    """Put averages in the place of their weights.

    Raises
    ------
    Incomplete
        If the source holds no average of any of its weights.
    """
    averages: dict[str, Tensor] = {
        tensor.slot_of: tensor for tensor in store if tensor.purpose is Purpose.AVERAGE
    }
    weights = {tensor.name for tensor in store if tensor.may_be_weight}
    found = {name: tensor for name, tensor in averages.items() if name in weights}
    if not found:
        message = f"{store.path}: --use-ema, but no tensor is a moving average of a weight"
        raise Incomplete(
            message, remedy="`tfrepair inspect` lists the tensors; leave --use-ema out"
        )
    tensors = tuple(
        replace(found[t.name], name=t.name, purpose=Purpose.WEIGHT) if t.name in found else t
        for t in store
        if t.purpose is not Purpose.AVERAGE
    )
    return StandIns(
        store=replace(store, tensors=tensors),
        real={SourceName(name): tensor.name for name, tensor in found.items()},
    )


def with_true_names(plan: Plan, ins: StandIns) -> Plan:
    """Return a plan made for the stand-ins as a plan for the source itself."""

    def names(sources: tuple[SourceName, ...]) -> tuple[SourceName, ...]:
        return tuple(ins.true_name(source) for source in sources)

    replaced = tuple(
        Leftover(source=name, reason=f"its moving average {average} is taken (--use-ema)")
        for name, average in ins.real.items()
    )
    return replace(
        plan,
        matches=tuple(_renamed_match(match, ins) for match in plan.matches),
        missing=tuple(
            Gap(target=gap.target, reason=gap.reason, candidates=names(gap.candidates))
            for gap in plan.missing
        ),
        ties=tuple(
            Tie(targets=tie.targets, sources=names(tie.sources), why=tie.why) for tie in plan.ties
        ),
        findings=(*plan.findings, *_without_average(plan, ins)),
        leftover=(
            *(replace(left, source=ins.true_name(left.source)) for left in plan.leftover),
            *replaced,
        ),
    )


def _without_average(plan: Plan, ins: StandIns) -> tuple[Finding, ...]:
    weights = {tensor.name for tensor in ins.store if tensor.may_be_weight}
    taken = [match.source for match in plan.matches if match.source in weights]
    plain = [source for source in taken if source not in ins.real]
    if not plain:
        return ()
    shown = ", ".join(plain[:_SHOWN]) + (", ..." if len(plain) > _SHOWN else "")
    return (
        Finding(
            code="no-average",
            severity=Severity.NOTE,
            where="--use-ema",
            message=f"{len(plain)} of {len(taken)} weights have no moving average in the "
            f"source and are taken as they are: {shown}",
        ),
    )


def _renamed_match(match: Match, ins: StandIns) -> Match:
    sources = tuple(ins.true_name(source) for source in match.sources)
    if sources == match.sources:
        return match
    evidence = (f"moving average of {match.source}", *match.evidence)
    return replace(match, sources=sources, evidence=evidence)
