"""How a tensor's name is read: the unit it belongs to, and the part it plays there.

Knows words, not tensors: :mod:`tfrepair.planning.names` decides with what is read here. Pure.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tfrepair.core.architecture import LayerNode, Role
from tfrepair.planning.dialects.layers import OLD_SPELLINGS
from tfrepair.planning.dialects.roles import ROLE_WORDS

Unit = tuple[str, ...]
"""Path of a group of tensors that belong together, normalized, one part per level."""

_OUTPUT_SUFFIX = re.compile(r":\d+$")
_SECOND_USE = re.compile(r"#\d+$")
_NUMBERED = re.compile(r"^(?P<base>.*?)(?:_(?P<number>\d+))?$")
_ENUMERATED = re.compile(r"^(?P<prefix>.*?)(?P<number>\d+)(?P<suffix>\D*)$")
_LETTER_NUMBER = re.compile(r"^(?P<leaf>[A-Za-z_]+?)_?(?P<number>\d+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadName:
    """A name taken apart.

    Attributes
    ----------
    unit
        What the tensor belongs to.
    leaf
        Normalized last word; empty if the whole name is the unit.
    roles
        The roles the leaf may stand for; empty if it says nothing.
    index
        Position within the unit, for leaves that are list positions.
    """

    unit: Unit
    leaf: str
    roles: frozenset[Role]
    index: int | None = None


def normalize(word: str) -> str:
    """Return a word as words are compared: lower case, with ``_`` for every other separator."""
    return re.sub(r"[-. ]+", "_", word.strip().lower())


def unit_of(path: str) -> Unit:
    """Return a layer path as a unit; a level that repeats the one above it counts once."""
    parts = [normalize(part) for part in path.split("/") if part]
    return tuple(part for place, part in enumerate(parts) if place == 0 or part != parts[place - 1])


def read_name(name: str) -> ReadName:
    """Take a tensor's name apart.

    ``conv1/weights:0``, ``conv1.weight``, ``conv1_w``, ``dense/0`` and ``W1`` are all read as a
    unit and a leaf. A name without a word that is known as a leaf is a unit of its own.
    """
    *levels, last = _OUTPUT_SUFFIX.sub("", name).strip("/").split("/")
    unit = unit_of("/".join(levels))
    if last.isdecimal() and levels:
        return ReadName(unit=unit, leaf=last, roles=frozenset(), index=int(last))
    roles = roles_of(last)
    if roles and unit:
        return ReadName(unit=unit, leaf=normalize(last), roles=roles)
    numbered = _LETTER_NUMBER.match(last)
    if numbered and roles_of(numbered["leaf"]) and "_" not in last.strip("_"):
        leaf = numbered["leaf"]
        return ReadName(
            unit=(*unit, numbered["number"]), leaf=normalize(leaf), roles=roles_of(leaf)
        )
    return _glued(unit, last)


def _glued(unit: Unit, last: str) -> ReadName:
    """Read ``conv1_moving_mean`` and ``conv1.weight``, the longest known leaf first."""
    words = re.split(r"([_.\-])", last)
    for start in range(2, len(words), 2):
        head, leaf = "".join(words[: start - 1]), "".join(words[start:])
        if head and roles_of(leaf):
            return ReadName(
                unit=(*unit, *unit_of(head.replace(".", "/"))),
                leaf=normalize(leaf),
                roles=roles_of(leaf),
            )
    if unit:
        return ReadName(unit=unit, leaf=normalize(last), roles=frozenset())
    return ReadName(unit=(normalize(last),), leaf="", roles=frozenset())


def roles_of(word: str) -> frozenset[Role]:
    """Return the roles that a leaf word may stand for."""
    return ROLE_WORDS.get(re.sub(r"[-_. ]", "", word.lower()), frozenset())


def without_suffix(path: str) -> str:
    """Return a variable path without the mark of a second use (``#2``)."""
    return _SECOND_USE.sub("", path)


def automatic_bases(root: LayerNode | None) -> frozenset[str]:
    """Return the bases of all names in a layer tree that Keras gave by itself."""
    return frozenset(_automatic(root)) if root is not None else frozenset()


def _automatic(node: LayerNode) -> Iterable[str]:
    base = snake_case(node.class_name)
    if numbered(node.name)[0] == base:
        yield base
    for child in node.children:
        yield from _automatic(child)


def snake_case(class_name: str) -> str:
    """Return the automatic layer name of a class: ``batch_normalization``.

    Source: ``to_snake_case`` of Keras 3; ``PReLU`` gives ``p_re_lu``.
    """
    spaced = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", class_name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", spaced).lower()


def numbered(name: str) -> tuple[str, int]:
    """Split an automatic name: ``dense_2`` to ``("dense", 2)``, ``dense`` to ``("dense", 0)``."""
    match = _NUMBERED.match(normalize(name))
    if match is None or not match["base"]:
        return normalize(name), 0
    return match["base"], int(match["number"] or 0)


def spellings(base: str) -> frozenset[str]:
    """Return every generation's spelling of an automatic base name."""
    return frozenset((base, *OLD_SPELLINGS.get(base, ())))


def enumeration(names: Iterable[str]) -> tuple[int, ...] | None:
    """Return the numbers of names that differ only in a number, or ``None``.

    ``arr_0, arr_10`` give ``(0, 10)``; ``conv1, dense1`` and repeated numbers give ``None``.
    """
    found = [_ENUMERATED.match(name) for name in names]
    if not found:
        return None
    matches = [match for match in found if match is not None]
    if len(matches) != len(found) or len({(m["prefix"], m["suffix"]) for m in matches}) != 1:
        return None
    numbers = tuple(int(match["number"]) for match in matches)
    return numbers if len(set(numbers)) == len(numbers) else None
