"""Units: the tensors of one layer, which stay together.

A unit is what one layer owns: a kernel and its bias, or the vectors of a normalization. Groups
that hold both are split, so that ``conv1/weights, conv1/gamma`` and a convolution followed by a
normalization look alike. Pure. Comes after normalization and before all evidence.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tfrepair.core.tensor import Shape
from tfrepair.planning.mapping.problem import Wanted
from tfrepair.planning.mapping.roles import in_context, read_leaf, role_of_target
from tfrepair.planning.mapping.shadows import Whole
from tfrepair.planning.mapping.tokens import components

_SECOND = re.compile(r"#(\d+)$")
_VECTORS = frozenset("GEMV")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One tensor of a unit: its place on its side, its role's letters, its shape, its leaf."""

    place: int
    role: str
    shape: Shape
    leaf: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """The tensors of one layer.

    Attributes
    ----------
    path
        Components of its name.
    members
        Its tensors, in order.
    layer_class
        For the architecture's units, where it is known.
    kind
        What is mapped as a whole by a layout (:mod:`tfrepair.planning.mapping.composites`), or
        empty.
    """

    path: tuple[str, ...]
    members: tuple[Member, ...]
    layer_class: str = ""
    kind: str = ""

    @property
    def signature(self) -> tuple[tuple[str, Shape], ...]:
        """Roles and shapes: what has the same signature can take the same place."""
        if self.kind:
            leaves = sorted((f"{self.kind} {m.leaf}", m.shape) for m in self.members)
            return ((f"{self.kind} {self.layer_class}", ()), *leaves)
        return tuple(sorted((member.role, member.shape) for member in self.members))

    @property
    def name(self) -> str:
        """The path as text."""
        return "/".join(self.path)


def units_of_source(wholes: Sequence[Whole], skip: Collection[int] = ()) -> tuple[Unit, ...]:
    """Group the source's tensors, but for those at the places in ``skip``."""
    groups: dict[tuple[str, ...], list[tuple[int, str, Shape, str]]] = {}
    for place, whole in enumerate(wholes):
        if place in skip:
            continue
        path, role, phrase = _read(whole.name)
        groups.setdefault(path, []).append((place, role, whole.shape, phrase))
    return tuple(unit for path, rows in groups.items() for unit in _settled(path, rows, ""))


def units_of_target(wanted: Sequence[Wanted]) -> tuple[Unit, ...]:
    """Group the architecture's variables."""
    groups: dict[tuple[str, ...], list[tuple[int, str, Shape, str]]] = {}
    classes: dict[tuple[str, ...], str] = {}
    for place, variable in enumerate(wanted):
        second = _SECOND.search(variable.path)
        use = f"#{second[1]}" if second else ""
        *levels, last = components(_SECOND.sub("", variable.path)) or ("",)
        leaf = read_leaf(last)
        path = (*levels, *([leaf.rest] if leaf.rest else []))
        if not levels and not path:
            path = (last,)
        if leaf.numbers:
            path = (*path, leaf.numbers)
        key = (*path, use)
        role = role_of_target(leaf, variable.layer_class, variable.shape)
        groups.setdefault(key, []).append((place, role, variable.shape, leaf.phrase))
        classes[key] = variable.layer_class
    return tuple(
        unit
        for key, rows in groups.items()
        for unit in _settled(tuple(part for part in key[:-1] if part), rows, classes[key])
    )


def _read(name: str) -> tuple[tuple[str, ...], str, str]:
    *levels, last = components(name) or (name,)
    leaf = read_leaf(last)
    if last.isdecimal() and levels:
        return tuple(levels), "", last
    if not leaf.role:
        return (*levels, last), "", leaf.phrase
    path = (*levels, *([leaf.rest] if leaf.rest else []), *([leaf.numbers] if leaf.numbers else []))
    if leaf.role == "T" and leaf.phrase != "embeddings":
        path = (*path, leaf.phrase) if not leaf.rest else path
    return path or (last,), leaf.role, leaf.phrase


def _settled(
    path: tuple[str, ...], rows: Sequence[tuple[int, str, Shape, str]], layer_class: str
) -> list[Unit]:
    roles = in_context([row[1] for row in rows], [row[2] for row in rows])
    members = [
        Member(place=row[0], role=role, shape=row[2], leaf=row[3])
        for row, role in zip(rows, roles, strict=True)
    ]
    groups: list[list[Member]] = [[], [], []]
    recurrent = any(member.role == "R" for member in members)
    pointed = [m for m in members if m.role in ("K", "KD", "KT") and len(m.shape) > 1]
    for member in members:
        if member.role and set(member.role) <= _VECTORS:
            groups[1].append(member)
        elif member.role == "D" and pointed and not recurrent:
            groups[2].append(member)
        else:
            groups[0].append(member)
    return [
        Unit(path=path, members=tuple(group), layer_class=layer_class) for group in groups if group
    ]
