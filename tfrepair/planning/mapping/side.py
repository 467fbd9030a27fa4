"""One side of a mapping as arrays: words, numbers and scopes of all its units.

Both sides are described alike, so that evidence is a matter of comparing arrays. Pure. Comes
after :mod:`tfrepair.planning.mapping.units`.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from tfrepair.core.tensor import Array
from tfrepair.planning.dialects.words import NOISE
from tfrepair.planning.mapping.tokens import Token, tokens_of, words_of
from tfrepair.planning.mapping.units import Unit

_MAX_SLOTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A number in a name, and its place among the numbers of its siblings."""

    context: str
    value: int
    rank: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The units of one side.

    Attributes
    ----------
    units
        In the side's own order.
    words
        The vocabulary; column names of ``holds``.
    holds
        ``(units, words)``, 1 where the word is in the unit's name.
    outer
        The same for all levels of the name but the last.
    weight
        ``(words,)``: how telling each word is on this side.
    slots
        For each unit, the numbers of its name that have siblings.
    family
        Name of each unit with its numbers taken out.
    scopes
        For each unit, the ids of the scopes that it lies in, outermost first.
    scope_names
        By id.
    within
        ``(units, scopes)`` sparse incidence.
    position
        ``(units,)``: place in the side's own order, between 0 and 1.
    """

    units: tuple[Unit, ...]
    words: tuple[str, ...]
    holds: Array
    outer: Array
    weight: Array
    slots: tuple[tuple[Slot, ...], ...]
    numbers: tuple[tuple[int, ...], ...]
    family: tuple[str, ...]
    scopes: tuple[tuple[int, ...], ...]
    scope_names: tuple[str, ...]
    within: sparse.csr_array
    position: Array


def side_of(units: Sequence[Unit], *, ordered: bool) -> Side:
    """Describe units; ``ordered`` if their order means something: windows of it become scopes."""
    words, holds, outer = _words(units)
    frequency = holds.sum(axis=0)
    total = max(len(units), 1)
    weight = np.log((total + 1.0) / np.maximum(frequency, 1))
    weight = np.where(frequency >= total, 0.05, weight)
    noise = np.array([word in NOISE for word in words], dtype=bool)
    weight = np.where(noise, weight * 0.2, weight)
    scopes, names = _scopes(units, ordered=ordered)
    rows = [row for row, ids in enumerate(scopes) for _ in ids]
    columns = [column for ids in scopes for column in ids]
    within = sparse.csr_array(
        (np.ones(len(rows), np.float32), (rows, columns)), shape=(len(units), len(names))
    )
    slots = _slots(units)
    return Side(
        units=tuple(units),
        words=words,
        holds=holds,
        outer=outer,
        weight=weight.astype(np.float32),
        slots=slots,
        numbers=tuple(_numbers(unit) for unit in units),
        family=tuple(_family(unit) for unit in units),
        scopes=scopes,
        scope_names=names,
        within=within,
        position=np.linspace(0.0, 1.0, max(len(units), 1), dtype=np.float32)[: len(units)],
    )


def unit_words(unit: Unit) -> list[str]:
    """Return the words of a unit's name and what its class is called."""
    found = [word for part in unit.path for word in words_of(part)]
    if unit.layer_class:
        found += words_of(unit.layer_class)
    return found


def _words(units: Sequence[Unit]) -> tuple[tuple[str, ...], Array, Array]:
    lists = [unit_words(unit) for unit in units]
    vocabulary = sorted({"", *(word for own in lists for word in own)})
    column = {word: place for place, word in enumerate(vocabulary)}
    holds = np.zeros((len(units), len(vocabulary)), np.float32)
    outer = np.zeros_like(holds)
    for row, (unit, own) in enumerate(zip(units, lists, strict=True)):
        for word in own:
            holds[row, column[word]] = 1.0
        for part in unit.path[:-1]:
            for word in words_of(part):
                outer[row, column[word]] = 1.0
    return tuple(vocabulary), holds, outer


def flat_tokens(unit: Unit) -> list[Token]:
    """Return the tokens of all components, with an empty word between components."""
    return [token for part in unit.path for token in (*tokens_of(part), Token("/"))]


def counted(part: str) -> tuple[Token, ...]:
    """Return a component's tokens; a number that is missing at its end counts as the first."""
    tokens = tokens_of(part)
    if tokens and tokens[-1].number is None:
        return (*tokens, Token(tokens[-1].word, -1))
    return tokens


def _numbers(unit: Unit) -> tuple[int, ...]:
    return tuple(
        token.number for part in unit.path for token in counted(part) if token.number is not None
    )


def _family(unit: Unit) -> str:
    """Return a name without numbers and sizes: what is left is what numbered names share."""
    return "/".join(
        "_".join(
            "#" if token.number is not None else token.word
            for token in counted(part)
            if token.number is not None or not token.word[:1].isdigit()
        )
        for part in unit.path
    )


def _slots(units: Sequence[Unit]) -> tuple[tuple[Slot, ...], ...]:
    """Rank each number among the numbers that stand in the same place under the same scope."""
    places: list[list[tuple[str, str, int]]] = []
    for unit in units:
        own: list[tuple[str, str, int]] = []
        prefix = ""
        for part in unit.path:
            for token in counted(part):
                if token.number is None:
                    prefix += f"{token.word} "
                else:
                    own.append((prefix, token.word, token.number))
                    prefix += f"{token.number} " if token.number >= 0 else ""
            prefix += "/"
        places.append(own)
    values: defaultdict[str, set[int]] = defaultdict(set)
    for own in places:
        for prefix, _, number in own:
            values[prefix].add(number)
    ranks = {
        prefix: {number: rank for rank, number in enumerate(sorted(found))}
        for prefix, found in values.items()
    }
    return tuple(
        tuple(
            Slot(
                context=word,
                value=max(number, 0),
                rank=ranks[prefix][number],
                count=len(ranks[prefix]),
            )
            for prefix, word, number in own
            if len(ranks[prefix]) > 1
        )[-_MAX_SLOTS:]
        for own in places
    )


def _scopes(
    units: Sequence[Unit], *, ordered: bool
) -> tuple[tuple[tuple[int, ...], ...], tuple[str, ...]]:
    """Return the scopes of each unit: prefixes of its name, and windows of a true order."""
    chains: list[list[str]] = []
    for unit in units:
        chain: list[str] = []
        prefix = ""
        for part in unit.path:
            for token in tokens_of(part):
                prefix += token.word if token.number is None else f"{token.number}"
                prefix += "."
                chain.append(prefix)
            prefix += "/"
        chains.append(chain)
    sizes = Counter(scope for chain in chains for scope in set(chain))
    kept = [
        [
            scope
            for place, scope in enumerate(chain)
            if 1 < sizes[scope] < len(units)
            and not (place + 1 < len(chain) and sizes[chain[place + 1]] == sizes[scope])
        ]
        for chain in chains
    ]
    kept = [chain + twin for chain, twin in zip(kept, _same_number(units), strict=True)]
    if ordered:
        kept = [chain + _windows(place, len(units)) for place, chain in enumerate(kept)]
    names = sorted({scope for chain in kept for scope in chain})
    ids = {name: place for place, name in enumerate(names)}
    return tuple(tuple(ids[scope] for scope in chain) for chain in kept), tuple(names)


_Numbered = list[tuple[tuple[int, ...], int]]


def _series(
    units: Sequence[Unit],
) -> Mapping[tuple[str, ...], Mapping[str, _Numbered]]:
    """Return under each scope the units of each series of names with one number."""
    series: defaultdict[tuple[str, ...], defaultdict[str, _Numbered]]
    series = defaultdict(lambda: defaultdict(list))
    for place, unit in enumerate(units):
        last = counted(unit.path[-1]) if unit.path else ()
        numbers = tuple(max(token.number, 0) for token in last if token.number is not None)
        words = "_".join(token.word for token in last if token.number is None)
        if len(numbers) == 1:
            series[unit.path[:-1]][words].append((numbers, place))
    return series


def _same_number(units: Sequence[Unit]) -> list[list[str]]:
    """Put units that share a scope and an automatic number into one scope.

    ``conv2d_7`` and ``batch_normalization_7`` were made one after the other if the two series
    are equally long.
    """
    series = _series(units)
    found: list[list[str]] = [[] for _ in units]
    for parent, pairs in _normalized_kernels(units).items():
        for number, (kernel, norm) in enumerate(pairs):
            for place in (kernel, norm):
                found[place].append(f"={'/'.join(parent)}:normalized:{number}")
    for parent, families in series.items():
        for one, members in families.items():
            for other, rest in families.items():
                if one < other and {n for n, _ in members} == {n for n, _ in rest}:
                    for numbers, place in (*members, *rest):
                        found[place].append(f"={'/'.join(parent)}:{one}:{other}:{numbers}")
    return found


def _normalized_kernels(
    units: Sequence[Unit],
) -> dict[tuple[str, ...], list[tuple[int, int]]]:
    """Pair automatic kernels without a bias with normalizations, in the order of their numbers.

    A layer that is normalized needs no bias: where there are as many of one as of the other, each
    normalization belongs to the kernel of its rank.
    """
    kernels: defaultdict[tuple[str, ...], list[tuple[tuple[int, ...], int]]] = defaultdict(list)
    norms: defaultdict[tuple[str, ...], list[tuple[tuple[int, ...], int]]] = defaultdict(list)
    bases: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    for place, unit in enumerate(units):
        last = counted(unit.path[-1]) if unit.path else ()
        numbers = tuple(token.number for token in last if token.number is not None)
        roles = {member.role for member in unit.members}
        if len(numbers) != 1 or unit.kind:
            continue
        words = "_".join(token.word for token in last if token.number is None)
        if "V" in roles:
            norms[unit.path[:-1]].append((numbers, place))
            bases[unit.path[:-1]].add(f"norm {words}")
        elif len(unit.members) == 1 and roles & {"K", "KD"} and len(unit.members[0].shape) > 2:
            kernels[unit.path[:-1]].append((numbers, place))
            bases[unit.path[:-1]].add(f"kernel {words}")
    return {
        parent: [
            (kernel, norm)
            for (_, kernel), (_, norm) in zip(sorted(own), sorted(norms[parent]), strict=True)
        ]
        for parent, own in kernels.items()
        if len(own) == len(norms[parent]) and len(bases[parent]) == 2
    }


def _windows(place: int, total: int) -> list[str]:
    found = []
    size = 4
    while size < total:
        step = max(size // 4, 1)
        first = max(0, math.ceil((place - size + 1) / step))
        found += [f"@{size}:{start}" for start in range(first, place // step + 1)]
        size *= 2
    return found
