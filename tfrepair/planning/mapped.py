"""From a store and an architecture to the mapping engine, and from its answer to a plan.

The engine (:mod:`tfrepair.planning.mapping`) knows names, shapes and types only. Here its edges
become matches, and what it leaves open becomes ties, gaps and leftovers. Where the planner of
equal names (:mod:`tfrepair.planning.names`) says something else, neither is taken. Pure.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from tfrepair.core.architecture import Architecture, Variable, VariablePath
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.plan import Confidence, Gap, Leftover, Match, Tie
from tfrepair.core.tensor import SourceName, Tensor
from tfrepair.core.transform import Transform, parse_transform
from tfrepair.planning.fit import cast_to, same_kind
from tfrepair.planning.lists import Outcome, StatisticsOf
from tfrepair.planning.mapping.problem import (
    Edge,
    Given,
    Kind,
    Mapped,
    Order,
    Problem,
    Wanted,
)
from tfrepair.planning.values import contradiction

_CONFIDENCE: Mapping[Kind, Confidence] = {
    Kind.EXACT: Confidence.CERTAIN,
    Kind.STRONG: Confidence.STRONG,
    Kind.WORDS: Confidence.STRONG,
    Kind.NUMBERS: Confidence.STRONG,
    Kind.SHAPE: Confidence.STRONG,
    Kind.ORDER: Confidence.ORDER,
}


def plan_mapped(
    tensors: Sequence[Tensor],
    architecture: Architecture,
    *,
    names_tell: bool = True,
    in_order: bool = False,
) -> Outcome:
    """Assign tensors to an architecture's weights by all evidence that names and shapes give.

    Parameters
    ----------
    tensors
        What may be a weight.
    architecture
        The target.
    names_tell
        ``False`` if the names are but positions.
    in_order
        True if the order of the tensors means something.

    Returns
    -------
    Every weight in a match, a gap or a tie; every tensor in a match, a tie or a leftover.
    """
    # SciPy takes long to load, and most sources do without the engine.
    from tfrepair.planning.mapping.engine import map_tensors  # noqa: PLC0415

    problem = problem_of(tensors, architecture, names_tell=names_tell, in_order=in_order)
    return _outcome(map_tensors(problem), tensors, architecture.weights)


def problem_of(
    tensors: Sequence[Tensor], architecture: Architecture, *, names_tell: bool, in_order: bool
) -> Problem:
    """Return what the engine is asked."""
    return Problem(
        given=tuple(Given(name=t.name, shape=t.shape, dtype=t.dtype) for t in tensors),
        wanted=tuple(
            Wanted(
                path=v.path,
                shape=v.shape,
                dtype=v.dtype,
                layer_class=v.layer_class,
                trainable=v.trainable,
            )
            for v in architecture.weights
        ),
        # What a format says about kernels is settled before, see ``planning/eras.py``.
        format="",
        order=Order.FILE if in_order else Order.SORTED,
        names_tell=names_tell,
    )


def _outcome(mapped: Mapped, tensors: Sequence[Tensor], weights: Sequence[Variable]) -> Outcome:
    by_target: defaultdict[int, list[Edge]] = defaultdict(list)
    for edge in mapped.edges:
        by_target[edge.wanted].append(edge)
    matches, gaps = [], []
    for place, edges in sorted(by_target.items()):
        variable = weights[place]
        odd = [e for e in edges if not same_kind(tensors[e.given].dtype, variable.dtype)]
        if odd:
            tensor = tensors[odd[0].given]
            reason = f"{tensor.name} is {tensor.dtype}, expected {variable.dtype}"
            gaps.append(Gap(target=variable.path, reason=reason, candidates=(tensor.name,)))
        else:
            matches.append(_match(edges, tensors, variable))
    used = {name for match in matches for name in match.sources}
    gaps += [
        Gap(target=weights[place].path, reason=reason) for place, reason in mapped.missing.items()
    ]
    ties = tuple(
        Tie(
            targets=tuple(weights[place].path for place in group.wanted),
            sources=tuple(tensors[place].name for place in group.given),
            why=group.why,
        )
        for group in mapped.undecided
    )
    tied = {name for tie in ties for name in tie.sources}
    leftover = tuple(
        Leftover(source=t.name, reason=mapped.unused.get(place, "nothing corresponds to it"))
        for place, t in enumerate(tensors)
        if t.name not in used | tied
    )
    return Outcome(
        convention=mapped.convention,
        matches=tuple(matches),
        missing=tuple(gaps),
        ties=ties,
        leftover=leftover,
    )


def _match(edges: Sequence[Edge], tensors: Sequence[Tensor], variable: Variable) -> Match:
    transforms = tuple(parse_transform(edge.transform) for edge in edges)
    names = tuple(tensors[edge.given].name for edge in edges)
    kind = max((edge.kind for edge in edges), key=list(Kind).index)
    if len(edges) == 1 and transforms[0].region is None:
        tensor = tensors[edges[0].given]
        return Match(
            target=variable.path,
            sources=names,
            transform=cast_to(transforms[0], tensor.dtype, variable),
            confidence=_confidence(kind, transforms),
            evidence=edges[0].evidence,
        )
    return Match(
        target=variable.path,
        sources=names,
        parts=transforms,
        confidence=_confidence(kind, transforms),
        evidence=edges[0].evidence,
    )


def _confidence(kind: Kind, transforms: Sequence[Transform]) -> Confidence:
    changed = any(transform.operations for transform in transforms)
    if kind is Kind.EXACT and changed:
        return Confidence.STRONG
    return _CONFIDENCE[kind]


def reconciled(by_name: Outcome, mapped: Outcome) -> Outcome:
    """Put two answers together: what both say, or one alone; a contradiction is a tie.

    Parameters
    ----------
    by_name
        From names that are equal, in whole or at their end.
    mapped
        From all evidence.
    """
    named = {match.target: match for match in by_name.matches}
    found = {match.target: match for match in mapped.matches}
    claimed = {name: match.target for match in by_name.matches for name in match.sources}
    matches: list[Match] = []
    ties: list[Tie] = []
    for target in dict.fromkeys((*named, *found)):
        one, other = named.get(target), found.get(target)
        if one is not None and other is not None and _differ(one, other):
            ties.append(_contradiction(target, one, other))
        elif one is not None:
            matches.append(one)
        elif other is not None:
            taken = [claimed[name] for name in other.sources if name in claimed]
            if taken and not other.parts and not _again(other, found, taken):
                ties.append(_contradiction(target, named[taken[0]], other))
            else:
                matches.append(other)
    return _completed(matches, ties, by_name, mapped)


def _differ(one: Match, other: Match) -> bool:
    return one.sources != other.sources or str(one.rule) != str(other.rule)


def _again(match: Match, found: Mapping[VariablePath, Match], taken: Sequence[str]) -> bool:
    """Tell whether the engine itself fills several weights from this tensor."""
    return all(
        VariablePath(path) in found and set(found[VariablePath(path)].sources) & set(match.sources)
        for path in taken
    )


def _contradiction(target: VariablePath, one: Match, other: Match) -> Tie:
    sources = dict.fromkeys((*one.sources, *other.sources))
    return Tie(
        targets=(target,),
        sources=tuple(sources),
        why=f"names that end alike say {one.sources[0]}, but "
        f"{', '.join(other.evidence) or 'the rest'} say {other.sources[0]}",
    )


def _completed(matches: list[Match], ties: list[Tie], by_name: Outcome, mapped: Outcome) -> Outcome:
    """Add the gaps, ties and leftovers of both answers that still stand."""
    filled = {match.target for match in matches} | {p for tie in ties for p in tie.targets}
    used = {name for match in matches for name in match.sources}
    for tie in (*by_name.ties, *mapped.ties):
        targets = tuple(path for path in tie.targets if path not in filled)
        sources = tuple(name for name in tie.sources if name not in used)
        if targets and sources:
            ties.append(replace(tie, targets=targets, sources=sources))
            filled |= set(targets)
    reasons: dict[VariablePath, Gap] = {}
    for gap in (*by_name.missing, *mapped.missing):
        reasons.setdefault(gap.target, gap)
    tied_only = [path for tie in mapped.ties for path in tie.targets]
    for path in tied_only:
        reasons.setdefault(path, Gap(target=path, reason="nothing tells which tensor it takes"))
    tied = {name for tie in ties for name in tie.sources}
    leftover: dict[SourceName, Leftover] = {}
    for left in (*mapped.leftover, *by_name.leftover):
        if left.source not in used | tied:
            leftover.setdefault(left.source, left)
    for name in _mentioned(by_name, mapped):
        if name not in used | tied:
            leftover.setdefault(name, Leftover(source=name, reason="no weight takes it"))
    return replace(
        by_name,
        matches=tuple(matches),
        missing=tuple(gap for path, gap in reasons.items() if path not in filled),
        ties=tuple(ties),
        leftover=tuple(leftover.values()),
    )


def _mentioned(*outcomes: Outcome) -> list[SourceName]:
    """Return every tensor that an answer speaks of."""
    matched = [name for outcome in outcomes for match in outcome.matches for name in match.sources]
    tied = [name for outcome in outcomes for tie in outcome.ties for name in tie.sources]
    return [*matched, *tied]


def plan_mapped_list(
    tensors: Sequence[Tensor],
    architecture: Architecture,
    statistics: StatisticsOf,
    refused: Outcome,
) -> Outcome:
    """Place a list that fits no order of Keras by a convention of another system, or in part.

    Parameters
    ----------
    tensors
        The list, in order.
    architecture
        The target.
    statistics
        Consulted for roles that a value can contradict.
    refused
        What is said if no other convention fits either.
    """
    outcome = plan_mapped(tensors, architecture, names_tell=False, in_order=True)
    if not outcome.matches or _contradicted(outcome.matches, architecture, statistics):
        return refused
    if outcome.missing or outcome.leftover or outcome.ties:
        return refused
    finding = Finding(
        code="list-order",
        severity=Severity.NOTE,
        where=outcome.convention or architecture.name,
        message=f"the list was placed by position alone, as {outcome.convention or 'it fits'}",
        remedy="compare predictions of the original model, or write a plan and edit it",
    )
    return replace(outcome, findings=(finding,))


def _contradicted(
    matches: Sequence[Match], architecture: Architecture, statistics: StatisticsOf
) -> bool:
    variables = architecture.by_path
    return any(
        contradiction(variables[match.target], partial(statistics, source, transform))
        for match in matches
        for source, transform in match.edges
    )
