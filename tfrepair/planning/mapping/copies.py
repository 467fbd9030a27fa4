"""Second networks of a source that follow the first: target networks, averaged generators.

Such a copy has every shape and nearly every name of the original. It is recognized by a word
(:data:`~tfrepair.planning.dialects.words.COPIES`) and by a sibling scope with the same tensors;
it competes only if the architecture has two of them as well. Pure.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence

from tfrepair.core.tensor import Shape
from tfrepair.planning.dialects.words import COPIES
from tfrepair.planning.mapping.problem import Wanted
from tfrepair.planning.mapping.shadows import Whole
from tfrepair.planning.mapping.tokens import components, tokens_of

_ALIKE = 0.8


def copies(wholes: Sequence[Whole], wanted: Sequence[Wanted]) -> dict[int, str]:
    """Return the places of tensors that are copies, with the scope that they copy."""
    if any(_says_copy(part) for variable in wanted for part in components(variable.path)):
        return {}
    below: defaultdict[tuple[str, ...], dict[tuple[str, ...], int]] = defaultdict(dict)
    for place, whole in enumerate(wholes):
        parts = components(whole.name)
        for depth in range(1, len(parts)):
            below[parts[:depth]][parts[depth:]] = place
    found: dict[int, str] = {}
    targets = Counter(variable.shape for variable in wanted)
    for path, members in below.items():
        if not _says_copy(path[-1]):
            continue
        for other, rest in below.items():
            if other[:-1] != path[:-1] or other == path or _says_copy(other[-1]):
                continue
            if _alike(members, rest, wholes) and not _twice(list(rest.values()), wholes, targets):
                found |= dict.fromkeys(members.values(), "/".join(other))
    return found


def _says_copy(part: str) -> bool:
    return any(token.word in COPIES for token in tokens_of(part) if token.number is None)


def _alike(
    one: dict[tuple[str, ...], int], other: dict[tuple[str, ...], int], wholes: Sequence[Whole]
) -> bool:
    same = sum(
        1
        for path, place in one.items()
        if path in other and wholes[other[path]].shape == wholes[place].shape
    )
    return same >= _ALIKE * max(len(one), len(other))


def _twice(places: Sequence[int], wholes: Sequence[Whole], targets: Counter[Shape]) -> bool:
    """Tell whether the architecture has room for two networks of these shapes."""
    have = Counter(wholes[place].shape for place in places)
    known = [shape for shape in have if shape in targets]
    return bool(known) and all(targets[shape] >= 2 * have[shape] for shape in known)
