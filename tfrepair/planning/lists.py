"""Planning for sources whose names say nothing: the whole list must fit, position by position.

A convention (:mod:`tfrepair.planning.orders`) is accepted only if every array has the shape of
the variable at its position and no value contradicts its role. Two accepted conventions that
would fill the variables differently are a tie, never a choice. Pure.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from tfrepair.core.architecture import Architecture, Variable
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.plan import Confidence, Gap, Leftover, Match, Tie
from tfrepair.core.statistics import Statistics
from tfrepair.core.tensor import Shape, SourceName, Tensor
from tfrepair.core.transform import IDENTITY, Reshape, Slice, Transform, then
from tfrepair.planning.fit import cast_to, exact_fit
from tfrepair.planning.orders import Convention, trainable_only
from tfrepair.planning.values import contradiction

StatisticsOf = Callable[[SourceName, Transform], Statistics]
"""Gives the statistics of a source tensor under a transform; costs I/O on the caller's side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One position of a list: a whole tensor, or one row of a stacked array."""

    source: SourceName
    shape: Shape
    dtype: str
    transform: Transform = IDENTITY

    @property
    def label(self) -> str:
        """The item as the user would name it."""
        return self.source if self.transform is IDENTITY else f"{self.source} [{self.transform}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What list planning decided: part of a plan."""

    convention: str = ""
    matches: tuple[Match, ...] = ()
    missing: tuple[Gap, ...] = ()
    ties: tuple[Tie, ...] = ()
    leftover: tuple[Leftover, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def fits(self) -> bool:
        """True when the whole list was placed without a doubt."""
        return bool(self.matches) and not self.missing and not self.ties


def items_of(tensors: Sequence[Tensor], weights: Sequence[Variable]) -> tuple[Item, ...]:
    """Return the positions of a list.

    A single numeric array whose first axis is as long as the list of weights, and whose rows all
    have a weight's shape, is a list that NumPy stacked because all shapes were equal; its rows
    are the positions.
    """
    if len(tensors) == 1:
        (tensor,) = tensors
        stacked = tensor.shape[:1] == (len(weights),) and all(
            variable.shape == tensor.shape[1:] for variable in weights
        )
        if stacked and not (len(weights) == 1 and weights[0].shape == tensor.shape):
            return tuple(_row(tensor, index) for index in range(len(weights)))
    return tuple(Item(source=t.name, shape=t.shape, dtype=t.dtype) for t in tensors)


def _row(tensor: Tensor, index: int) -> Item:
    row = then(
        IDENTITY,
        Slice(axis=0, start=index, stop=index + 1),
        Reshape(dims=tensor.shape[1:]),
    )
    return Item(source=tensor.name, shape=tensor.shape[1:], dtype=tensor.dtype, transform=row)


def plan_list(
    items: Sequence[Item],
    architecture: Architecture,
    orders: Sequence[Convention],
    statistics: StatisticsOf,
) -> Outcome:
    """Place a list under every convention and accept at most one assignment.

    Parameters
    ----------
    items
        The positions of the list.
    architecture, orders
        The target, and the conventions to try.
    statistics
        Consulted only for positions whose role a value can contradict, such as a variance.

    Returns
    -------
    Matches with confidence ``ORDER`` if exactly one assignment survives; ties if several do;
    gaps, with the place where each convention breaks, if none does.
    """
    fitting = [order for order in orders if _breaks_at(items, order) is None]
    accepted: list[tuple[Convention, tuple[Match, ...]]] = []
    refuted: list[str] = []
    for order in fitting:
        matches = _matches(items, order)
        problem = _first_contradiction(matches, architecture, statistics)
        if problem:
            refuted.append(f"{order.name}: {problem}")
        else:
            accepted.append((order, matches))
    if len(accepted) == 1:
        ((order, matches),) = accepted
        return Outcome(convention=order.name, matches=matches, findings=_noted(order, refuted))
    if accepted:
        return _tie(accepted)
    return _misfit(items, architecture, orders, refuted)


def _breaks_at(items: Sequence[Item], order: Convention) -> int | None:
    """Return the first position that does not fit, or ``None`` if the whole list fits."""
    for position, (item, variable) in enumerate(zip(items, order.order, strict=False)):
        if exact_fit(item.shape, item.dtype, variable) is None:
            return position
    if len(items) != len(order.order):
        return min(len(items), len(order.order))
    return None


def _matches(items: Sequence[Item], order: Convention) -> tuple[Match, ...]:
    return tuple(
        Match(
            target=variable.path,
            sources=(item.source,),
            transform=cast_to(item.transform, item.dtype, variable),
            confidence=Confidence.ORDER,
            evidence=(f"position {position} of {len(items)} in the order {order.name}", "shape"),
        )
        for position, (item, variable) in enumerate(zip(items, order.order, strict=True))
    )


def _first_contradiction(
    matches: Sequence[Match], architecture: Architecture, statistics: StatisticsOf
) -> str:
    variables = architecture.by_path
    for match in matches:
        read = partial(statistics, match.source, match.transform)
        problem = contradiction(variables[match.target], read)
        if problem:
            return f"{match.source} would be {match.target}, but {problem}"
    return ""


def _noted(order: Convention, refuted: Sequence[str]) -> tuple[Finding, ...]:
    notes = [
        Finding(
            code="list-order",
            severity=Severity.NOTE,
            where=order.name,
            message=f"the list was placed by position alone, in the order of {order.description}",
            remedy="if it was saved in another order, name it with --order",
        )
    ]
    notes += [
        Finding(
            code="order-refuted",
            severity=Severity.NOTE,
            where=text.partition(":")[0],
            message=f"another order fits by shape and is refuted by a value: {text}",
        )
        for text in refuted
    ]
    return tuple(notes)


def _tie(accepted: Sequence[tuple[Convention, tuple[Match, ...]]]) -> Outcome:
    """Keep what all accepted conventions agree on; the rest is tied."""
    names = ", ".join(order.name for order, _ in accepted)
    choices: dict[str, list[Match]] = {}
    for _, matches in accepted:
        for match in matches:
            choices.setdefault(match.target, []).append(match)
    agreed, ties = [], []
    for options in choices.values():
        distinct = {(option.sources, option.transform) for option in options}
        if len(distinct) == 1:
            agreed.append(options[0])
        else:
            sources = dict.fromkeys(option.source for option in options)
            ties.append(
                Tie(
                    targets=(options[0].target,),
                    sources=tuple(sources),
                    why=f"the list fits several orders ({names}) that disagree here",
                )
            )
    finding = Finding(
        code="order-ambiguous",
        severity=Severity.ERROR,
        where=names,
        message=f"{len(accepted)} list orders fit position by position and disagree on "
        f"{len(ties)} of {len(choices)} weights: "
        + "; ".join(f"{order.name} ({order.description})" for order, _ in accepted),
        remedy=f"name the one the list was saved in: --order {accepted[0][0].name} (or "
        + " / ".join(order.name for order, _ in accepted[1:])
        + "), or write a plan with `tfrepair plan -o plan.toml` and edit it",
    )
    return Outcome(matches=tuple(agreed), ties=tuple(ties), findings=(finding,))


def _misfit(
    items: Sequence[Item],
    architecture: Architecture,
    orders: Sequence[Convention],
    refuted: Sequence[str],
) -> Outcome:
    weights = architecture.weights
    trained = trainable_only(architecture)
    if len(trained.order) < len(weights) and _breaks_at(items, trained) is None:
        return _trainable_part(items, architecture, trained)
    reason = "the list fits no known order"
    gaps = tuple(
        Gap(target=variable.path, reason=reason, candidates=_same_shape(items, variable))
        for variable in weights
    )
    leftover = tuple(
        Leftover(source=name, reason=reason) for name in dict.fromkeys(i.source for i in items)
    )
    lines = [_explain(items, order) for order in orders if _breaks_at(items, order) is not None]
    finding = Finding(
        code="list-does-not-fit",
        severity=Severity.ERROR,
        where=architecture.name,
        message=f"{len(items)} arrays for {len(weights)} weights; "
        + "; ".join([*lines, *(f"refuted by a value: {text}" for text in refuted)]),
        remedy="check that the architecture is the one the list was saved from (layer sizes, "
        "use_bias, extra heads); or write a plan with `tfrepair plan -o plan.toml` and edit it",
    )
    return Outcome(missing=gaps, leftover=leftover, findings=(finding,))


def _trainable_part(
    items: Sequence[Item], architecture: Architecture, trained: Convention
) -> Outcome:
    placed = {variable.path for variable in trained.order}
    gaps = tuple(
        Gap(
            target=variable.path,
            reason="not trainable; the list holds exactly the trainable weights",
        )
        for variable in architecture.weights
        if variable.path not in placed
    )
    finding = Finding(
        code="trainable-weights-only",
        severity=Severity.LOSS,
        where=architecture.name,
        message=f"the {len(items)} arrays fit model.trainable_weights; {len(gaps)} weights that "
        "are not trained (such as moving statistics) are not in the list",
        remedy="look for a file with all weights, or accept their initial values with "
        "--allow-missing",
    )
    return Outcome(
        convention=trained.name,
        matches=_matches(items, trained),
        missing=gaps,
        findings=(finding,),
    )


def _same_shape(items: Sequence[Item], variable: Variable) -> tuple[SourceName, ...]:
    fitting = (
        item.source for item in items if exact_fit(item.shape, item.dtype, variable) is not None
    )
    return tuple(dict.fromkeys(fitting))


def _explain(items: Sequence[Item], order: Convention) -> str:
    position = _breaks_at(items, order)
    if position is None:
        return f"{order.name} fits"
    if position >= len(items):
        variable = order.order[position]
        return (
            f"{order.name}: the list ends after {len(items)} arrays, next would be "
            f"{variable.path} {variable.shape}"
        )
    item = items[position]
    if position >= len(order.order):
        return f"{order.name}: nothing is left for {item.label} {item.shape}"
    variable = order.order[position]
    return (
        f"{order.name}: position {position} is {item.label} {item.shape} {item.dtype}, expected "
        f"{variable.path} {variable.shape} {variable.dtype}"
    )
