"""A Keras file of an earlier era in today's terms: one array for each variable that Keras has now.

Planning sees stand-ins: gates put together, kernels with their axes in today's order, the layer
inside a wrapper under the name that the architecture gives it. What is decided about them is then
told of the stored arrays, with the rule as evidence. Only what the file says for certain is
translated; a value that stays open is left to :mod:`tfrepair.planning.kernels`. Pure.

Source: ``preprocess_weights_for_loading`` of tf_keras 2.21; ``tests/golden/keras``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from tfrepair.core.architecture import Architecture
from tfrepair.core.assembly import assembled
from tfrepair.core.plan import Confidence, Gap, Leftover, Match, Tie
from tfrepair.core.statistics import NO_STATISTICS, Statistics
from tfrepair.core.tensor import Array, Health, Shape, SourceName, Tensor, TensorStore
from tfrepair.core.transform import Cast, Transform
from tfrepair.planning.era_rules import Group, Rule, rules
from tfrepair.planning.era_words import split_name
from tfrepair.planning.era_wrappers import Wrappers, wrappers
from tfrepair.planning.lists import Outcome, StatisticsOf

Edges = tuple[tuple[SourceName, Transform], ...]


_NAMED_LAYOUTS = ("lists", "paths")
"""Layouts of Keras files in which weights have the names of their layers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """What stands for stored arrays.

    Attributes
    ----------
    edges
        The arrays, each with what it goes through.
    why
        Sentences for the evidence; empty for another spelling of a name.
    """

    edges: Edges
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """A store in today's terms.

    Attributes
    ----------
    store
        With a stand-in for what changed, and everything else as it is.
    standing
        Stand-ins by name.
    """

    store: TensorStore
    standing: Mapping[SourceName, StandIn] = field(default_factory=dict)

    def statistics(self, of: StatisticsOf) -> StatisticsOf:
        """Return statistics for stand-ins, where one array makes one."""

        def truly(name: SourceName, transform: Transform) -> Statistics:
            stand_in = self.standing.get(name)
            if stand_in is None:
                return of(name, transform)
            ((source, first), *others) = stand_in.edges
            if others or first.region is not None:
                return NO_STATISTICS
            return of(source, Transform(operations=(*first.operations, *transform.operations)))

        return truly


def in_todays_terms(store: TensorStore, architecture: Architecture) -> Translation:
    """Translate a store, as far as it says for certain what it holds.

    Parameters
    ----------
    store
        Of any format; only Keras' files are translated.
    architecture
        Says what the layers inside of wrappers are called, and whether its inputs have channels
        first.
    """
    if store.attributes.get("layout") not in _NAMED_LAYOUTS:
        return Translation(store=store)
    found = {}
    tensors = store.by_name
    wrapped = wrappers(store, architecture)
    taken: set[SourceName] = set()
    for group in _groups(store, wrapped):
        for rule in rules(group, store, architecture):
            found[rule.name] = _stand_in(rule, group, tensors)
            taken |= {name for name, _ in rule.edges}
    names = [t.name for t in store if t.name not in taken]
    if not found or set(names) & set(found):
        return Translation(store=store)
    return Translation(
        store=_with(store, found, taken), standing={n: s for n, (_, s) in found.items()}
    )


def _groups(store: TensorStore, wrapped: Wrappers) -> Iterator[Group]:
    """Yield the weights of each layer, under the name of the layer in the architecture."""
    is_1 = store.attributes.get("era") == "1"
    members: dict[str, list[tuple[str, Tensor]]] = {}
    for tensor in store:
        if tensor.may_be_weight:
            unit, leaf = split_name(tensor.name, glued=is_1)
            members.setdefault(unit, []).append((leaf, tensor))
    for unit, held in members.items():
        yield Group(unit=unit, named=wrapped.name_of(unit), members=tuple(held))


def _stand_in(
    rule: Rule, group: Group, held: Mapping[SourceName, Tensor]
) -> tuple[Tensor, StandIn]:
    tensors = [(held[name], transform) for name, transform in rule.edges]
    first = tensors[0][0]
    worst = max((tensor for tensor, _ in tensors), key=lambda t: list(Health).index(t.health))
    tensor = replace(
        first,
        name=rule.name,
        shape=rule.shape,
        nbytes=sum(tensor.nbytes for tensor, _ in tensors),
        fetch=partial(_value, tuple(tensors), rule.shape),
        health=worst.health,
        health_note=worst.health_note,
        examine=None,
    )
    why = (*group.why, *rule.why) if group.why else rule.why
    return tensor, StandIn(edges=rule.edges, why=why)


def _value(tensors: Sequence[tuple[Tensor, Transform]], shape: Shape) -> Array:
    parts = [(transform, tensor.fetch) for tensor, transform in tensors]
    return assembled(parts, shape, tensors[0][0].dtype)


def _with(
    store: TensorStore,
    found: Mapping[SourceName, tuple[Tensor, StandIn]],
    taken: set[SourceName],
) -> TensorStore:
    """Return the store with each stand-in in the place of the first array that it stands for."""
    firsts = {stand_in.edges[0][0]: tensor for tensor, stand_in in found.values()}
    tensors = []
    for tensor in store:
        if tensor.name in firsts:
            tensors.append(firsts[tensor.name])
        elif tensor.name not in taken:
            tensors.append(tensor)
    return replace(store, tensors=tuple(tensors))


def with_stored_names(outcome: Outcome, translation: Translation) -> Outcome:
    """Tell what was decided about stand-ins of the stored arrays."""
    standing = translation.standing
    if not standing:
        return outcome
    matches: list[Match] = []
    gaps = [replace(gap, candidates=_names(gap.candidates, standing)) for gap in outcome.missing]
    leftover: list[Leftover] = []
    for match in outcome.matches:
        told = _told(match, standing)
        if isinstance(told, Match):
            matches.append(told)
        else:
            gaps.append(told)
    for left in outcome.leftover:
        names = _names((left.source,), standing)
        leftover += [Leftover(source=name, reason=left.reason) for name in names]
    return replace(
        outcome,
        matches=tuple(matches),
        missing=tuple(gaps),
        leftover=tuple(leftover),
        ties=tuple(
            Tie(targets=tie.targets, sources=_names(tie.sources, standing), why=tie.why)
            for tie in outcome.ties
        ),
    )


def _names(
    names: Sequence[SourceName], standing: Mapping[SourceName, StandIn]
) -> tuple[SourceName, ...]:
    found: dict[SourceName, None] = {}
    for name in names:
        edges = standing[name].edges if name in standing else ((name, Transform()),)
        found |= dict.fromkeys(source for source, _ in edges)
    return tuple(found)


def _told(match: Match, standing: Mapping[SourceName, StandIn]) -> Match | Gap:
    if not any(source in standing for source in match.sources):
        return match
    edges: list[tuple[SourceName, Transform]] = []
    why: list[str] = []
    for source, transform in match.edges:
        stand_in = standing.get(source, StandIn(edges=((source, Transform()),)))
        why += stand_in.why
        for name, first in stand_in.edges:
            joined = _joined(first, transform)
            if joined is None:
                reason = f"{name} would have to go through {first} and {transform}"
                return Gap(target=match.target, reason=reason, candidates=(name,))
            edges.append((name, joined))
    whole = len(edges) == 1 and edges[0][1].region is None
    certain = match.confidence is Confidence.CERTAIN
    return replace(
        match,
        sources=tuple(name for name, _ in edges),
        transform=edges[0][1] if whole else Transform(),
        parts=() if whole else tuple(transform for _, transform in edges),
        confidence=Confidence.STRONG if certain else match.confidence,
        evidence=(*match.evidence, *dict.fromkeys(why)),
    )


def _joined(first: Transform, then: Transform) -> Transform | None:
    """Return one transform for two, or ``None`` if parts would have to be put together between."""
    if first.region is None:
        return Transform(operations=(*first.operations, *then.operations))
    if any(not isinstance(operation, Cast) for operation in then.operations):
        return None
    moves = first.operations[:-1]
    return Transform(operations=(*moves, *then.operations, first.region))
