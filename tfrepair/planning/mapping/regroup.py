"""One tensor that is many variables, and many tensors that are one variable.

Layers kept in one stacked array or apart, heads cut out of one kernel, query, key and value side
by side or not, shards of a table: an ordered series of equal arrays on one side, their stack or
concatenation on the other. The series is ordered by a number, or is query, key, value. Only what
nothing else claims is looked at, and only where words and numbers choose one series. Pure.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

from tfrepair.core.tensor import Shape
from tfrepair.planning.dialects.words import PARTS
from tfrepair.planning.mapping.tokens import components, tokens_of, words_of

_CLEAR = 0.08
_LEAST = 0.3
_NUMBERS = 0.3
_THREE = ("q", "k", "v")
_NORMS = frozenset("GEMV")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A tensor or a variable that is left: its place, name, shape and the letters of its role."""

    place: int
    name: str
    shape: Shape
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Equal arrays in order, with the words and the other numbers that they share.

    ``beside`` tells whether they may lie side by side in one array: parts of a layer may, layers
    are only ever stacked.
    """

    items: tuple[Item, ...]
    words: frozenset[str]
    numbers: tuple[int, ...]
    beside: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One edge: places on both sides, and the transform."""

    given: int
    wanted: int
    transform: str


def split(given: Sequence[Item], wanted: Sequence[Item]) -> list[tuple[Piece, ...]]:
    """Cut tensors of the source into variables; one tuple of edges for each tensor."""
    return [
        tuple(
            Piece(given=whole.place, wanted=item.place, transform=text)
            for item, text in zip(series.items, texts, strict=True)
        )
        for whole, series, texts in _chosen(given, wanted, cut=True)
    ]


def join(given: Sequence[Item], wanted: Sequence[Item]) -> list[tuple[Piece, ...]]:
    """Put variables together from tensors of the source; one tuple of edges for each variable."""
    return [
        tuple(
            Piece(given=item.place, wanted=whole.place, transform=text)
            for item, text in zip(series.items, texts, strict=True)
        )
        for whole, series, texts in _chosen(wanted, given, cut=False)
    ]


def _chosen(
    wholes: Sequence[Item], singles: Sequence[Item], *, cut: bool
) -> list[tuple[Item, Series, list[str]]]:
    """Choose for each large array the one series whose name speaks clearly for it."""
    options: list[tuple[float, int, int, list[str]]] = []
    series = list(_series(singles))
    for number, whole in enumerate(wholes):
        for spot, one in enumerate(series):
            texts = _texts(whole.shape, one, cut=cut)
            if texts and _same_part(whole, one):
                options.append((_alike(whole, one), number, spot, texts))
    options.sort(key=lambda option: (-option[0], option[1], option[2]))
    found: list[tuple[Item, Series, list[str]]] = []
    used: set[int] = set()
    done: set[int] = set()
    for score, number, spot, texts in options:
        places = {item.place for item in series[spot].items}
        if number in done or places & used:
            continue
        rivals = [
            other
            for other, n, s, _ in options
            if (n == number) != (s == spot)
            and n not in done
            and not {item.place for item in series[s].items} & used
        ]
        if rivals and (score < _LEAST or max(rivals) > score - _CLEAR):
            continue
        found.append((wholes[number], series[spot], texts))
        used |= places
        done.add(number)
    return found


def _series(items: Sequence[Item]) -> Iterator[Series]:
    by_key: defaultdict[tuple[object, ...], list[tuple[int, Item]]] = defaultdict(list)
    three: defaultdict[tuple[object, ...], dict[str, Item]] = defaultdict(dict)
    for item in items:
        flat = [token for part in components(item.name) for token in (*tokens_of(part), None)]
        spots = [
            k for k, token in enumerate(flat) if token is not None and token.number is not None
        ]
        for spot in spots:
            token = flat[spot]
            part = (token is not None and token.word in PARTS) or spot >= len(flat) - 2
            rest = (part, tuple(flat[:spot]), tuple(flat[spot + 1 :]), item.shape)
            by_key[rest].append((token.number or 0 if token is not None else 0, item))
        words = [words_of(part) for part in components(item.name)]
        for level, own in enumerate(words):
            if own and own[-1] in _THREE:
                kind: tuple[object, ...] = (
                    *words[:level],
                    own[:-1],
                    *words[level + 1 :],
                    item.shape,
                    _numbers(item.name),
                )
                three[kind][own[-1]] = item
    for key, members in by_key.items():
        ordered = sorted(members, key=lambda member: member[0])
        numbers = [number for number, _ in ordered]
        if len(ordered) > 1 and numbers == list(range(numbers[0], numbers[0] + len(numbers))):
            yield _described([item for _, item in ordered], beside=bool(key[0]))
    for named in three.values():
        if set(named) == set(_THREE):
            yield _described([named[word] for word in _THREE], beside=True)


def _described(items: Sequence[Item], *, beside: bool) -> Series:
    shared = [frozenset(_words(item.name)) for item in items]
    own = [_numbers(item.name) for item in items]
    width = min(len(numbers) for numbers in own)
    fixed = tuple(own[0][k] for k in range(width) if len({numbers[k] for numbers in own}) == 1)
    return Series(
        items=tuple(items),
        words=frozenset.intersection(*shared),
        numbers=fixed,
        beside=beside and not any(item.role and set(item.role) <= _NORMS for item in items),
    )


def _words(name: str) -> list[str]:
    return [word for part in components(name) for word in words_of(part)]


def _numbers(name: str) -> tuple[int, ...]:
    return tuple(
        token.number
        for part in components(name)
        for token in tokens_of(part)
        if token.number is not None
    )


def _same_part(whole: Item, series: Series) -> bool:
    roles = {item.role for item in series.items}
    return all(not role or not whole.role or bool(set(role) & set(whole.role)) for role in roles)


def _alike(whole: Item, series: Series) -> float:
    words = frozenset(_words(whole.name))
    either = words | series.words
    score = len(words & series.words) / max(len(either), 1)
    return score + (_NUMBERS if _numbers(whole.name) == series.numbers else 0.0)


def _texts(whole: Shape, series: Series, *, cut: bool) -> list[str]:
    """Return the transforms between an array and a series: stacked, or side by side."""
    single, count = series.items[0].shape, len(series.items)
    if prod(whole) != count * prod(single) or prod(single) <= 1:
        return []
    if whole == (count, *single):
        return [_stacked(k, single, cut=cut) for k in range(count)]
    if not series.beside:
        return []
    bare = tuple(size for size in single if size != 1)
    core = tuple(size for size in whole if size != 1)
    if len(whole) != len(single) or len(bare) != len(core):
        return []
    axes = [k for k, (have, want) in enumerate(zip(whole, single, strict=True)) if have != want]
    if len(axes) != 1 or whole[axes[0]] != count * single[axes[0]]:
        return []
    return [_beside(k, axes[0], single, cut=cut) for k in range(count)]


def _stacked(place: int, single: Shape, *, cut: bool) -> str:
    if cut:
        return f"slice:axis=0:{place}:{place + 1}|reshape:" + ",".join(map(str, single))
    region = ",".join([f"{place}:{place + 1}", *([":"] * len(single))])
    return "reshape:" + ",".join(map(str, (1, *single))) + f"|into:{region}"


def _beside(place: int, axis: int, single: Shape, *, cut: bool) -> str:
    start, stop = place * single[axis], (place + 1) * single[axis]
    if cut:
        return f"slice:axis={axis}:{start}:{stop}"
    region = [":"] * len(single)
    region[axis] = f"{start}:{stop}"
    return "into:" + ",".join(region)


def shared(given: Sequence[Item], wanted: Sequence[Item]) -> list[Piece]:
    """Let one tensor fill further variables whose path names all of its own, level by level.

    Tied weights are stored once. A tensor counts if its whole path of two levels or more stands in
    the variable's path without a gap, or if both end in one word that is no common word of a role.
    """
    found = []
    for item in wanted:
        levels = [level.lower() for level in components(item.name)]
        fitting = [
            tensor for tensor in given if tensor.shape == item.shape and _names(tensor, levels)
        ]
        if len(fitting) == 1:
            found.append(Piece(given=fitting[0].place, wanted=item.place, transform="identity"))
    return found


def _names(tensor: Item, levels: Sequence[str]) -> bool:
    own = [level.lower() for level in components(tensor.name)]
    run = len(own)
    inside = any(levels[k : k + run] == own for k in range(len(levels) - run + 1))
    return run > 1 and inside and len(levels) > run
