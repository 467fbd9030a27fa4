"""Units that only a change of layout brings together: cells of recurrent layers, fused attention.

What the systems store is known to :mod:`tfrepair.planning.layouts`. Here groups of tensors are
found that one of its routes turns into the variables of a layer; they are then mapped as wholes,
like any other unit. Pure. Comes after :mod:`tfrepair.planning.mapping.units`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod

from tfrepair.core.tensor import Shape
from tfrepair.core.transform import parse_transform
from tfrepair.planning.layouts import Part, Piece, Route, attention_routes, recurrent_routes
from tfrepair.planning.layouts.gru import GRU_SYSTEMS
from tfrepair.planning.layouts.lstm import lstm_systems
from tfrepair.planning.layouts.routes import distinct
from tfrepair.planning.mapping.shadows import Whole
from tfrepair.planning.mapping.tokens import components, words_of
from tfrepair.planning.mapping.units import Member, Unit

RECURRENT, ATTENTION = "rnn", "qkv"
_MOST = 16
_TARGET_ROLES = {"K": "kernel", "R": "recurrent_kernel", "B": "bias"}
_GATES = {4: "LSTM", 3: "GRU", 1: "SimpleRNN"}
_WORDS = frozenset(
    word
    for system in (*lstm_systems(1.0), *GRU_SYSTEMS)
    for slot in system.slots
    for word in slot.words
)
_TORCH = re.compile(r"^(?P<word>(weight|bias)_(ih|hh))_l(?P<layer>\d+)(?P<reverse>_reverse)?$")
_WITHOUT_FORGET = ("compatible", "cudnn")


@dataclass(frozen=True, slots=True)
class Layout:
    """How a group's tensors become a layer's variables; ``tied`` says why that is undecided."""

    members: tuple[tuple[int, int, str], ...]
    system: str
    note: str
    tied: str = ""


def layout_of(source: Unit, target: Unit) -> Layout | None:
    """Return the layout that turns one composite unit into another."""
    plain = any(word in part.lower() for part in source.path for word in _WITHOUT_FORGET)
    have = tuple((member.leaf, member.shape) for member in source.members)
    want = tuple((member.leaf, member.shape) for member in target.members)
    return _layout(source.kind, have, target.layer_class, want, plain)


@lru_cache(maxsize=65536)
def _layout(
    kind: str,
    have: tuple[tuple[str, Shape], ...],
    target_class: str,
    want: tuple[tuple[str, Shape], ...],
    plain: bool,
) -> Layout | None:
    sources = [Part(role=role, shape=shape) for role, shape in have]
    targets = [Part(role=role, shape=shape) for role, shape in want]
    if kind == RECURRENT:
        routes = recurrent_routes(sources, target_class, targets, forget_bias=0.0 if plain else 1.0)
    else:
        routes = _fused(sources, targets)
    different = distinct(routes)
    if not different:
        return None
    if kind == ATTENTION:
        # Heads interleaved are known of systems with one layer ``query_key_value`` only.
        plainly = [route for route in different if "by head" not in route.system]
        different = tuple(plainly or different)
    if not any(role in _WORDS for role, _ in have):
        # Only Keras numbers the variables of a layer, in the order in which it makes them.
        different = tuple(route for route in different if route.system == "keras") or different
    best = different[0]
    tied = ""
    if len(different) > 1:
        tied = "several layouts fit: " + ", ".join(route.system for route in different)
    return Layout(members=_members(best), system=best.system, note=best.note, tied=tied)


def _members(route: Route) -> tuple[tuple[int, int, str], ...]:
    return tuple(
        (one.source, place, str(one.transform))
        for place, pieces in enumerate(route.targets)
        for one in pieces
    )


def recurrent_target(unit: Unit) -> Unit | None:
    """Return the composite of a recurrent layer's unit, or ``None`` if it is no such layer."""
    by_role = {member.role: member for member in unit.members}
    if "R" not in by_role or "K" not in by_role or len(by_role) != len(unit.members):
        return None
    recurrent = by_role["R"].shape
    if len(recurrent) != 2 or recurrent[0] == 0 or set(by_role) - set(_TARGET_ROLES):
        return None
    kind = _GATES.get(recurrent[1] // recurrent[0])
    if kind is None:
        return None
    name = unit.layer_class if kind in unit.layer_class else kind
    members = tuple(
        Member(place=m.place, role=m.role, shape=m.shape, leaf=_TARGET_ROLES[m.role])
        for m in unit.members
    )
    return Unit(path=unit.path, members=members, layer_class=name, kind=RECURRENT)


def recurrent_sources(wholes: Sequence[Whole], targets: Sequence[Unit]) -> list[Unit]:
    """Find the groups of tensors that hold one of the recurrent layers that are wanted."""
    wanted = {unit.signature: unit for unit in targets}
    groups: dict[tuple[int, ...], tuple[str, ...]] = {}
    for path, places in _groups(wholes):
        known = groups.get(places)
        if known is None or len(path) > len(known):
            groups[places] = path
    found: list[Unit] = []
    taken: set[int] = set()
    for places, path in sorted(groups.items(), key=lambda item: (len(item[0]), item[0])):
        if taken & set(places):
            continue
        for unit in _candidates(path, places, wholes):
            if any(layout_of(unit, target) is not None for target in wanted.values()):
                found.append(unit)
                taken |= {member.place for member in unit.members}
                break
    return found


def _parts(name: str) -> tuple[str, ...]:
    """Return the levels of a name; PyTorch names layer and direction in the last word."""
    parts = components(name)
    torch = _TORCH.match(parts[-1]) if parts else None
    if torch is None:
        return parts
    direction = "backward" if torch["reverse"] else "forward"
    return (*parts[:-1], f"layer_{torch['layer']}", direction, torch["word"])


def _groups(wholes: Sequence[Whole]) -> Iterable[tuple[tuple[str, ...], tuple[int, ...]]]:
    below: dict[tuple[str, ...], list[int]] = {}
    for place, whole in enumerate(wholes):
        parts = _parts(whole.name)
        keys = {parts[:depth] for depth in range(1, len(parts))}
        rest = _without_word(parts[-1])
        keys.add((*parts[:-1], rest) if rest else parts[:-1])
        for key in keys:
            if key:
                below.setdefault(key, []).append(place)
    for path, places in below.items():
        if 1 < len(places) <= _MOST:
            yield path, tuple(places)


def _candidates(
    path: tuple[str, ...], places: tuple[int, ...], wholes: Sequence[Whole]
) -> Iterable[Unit]:
    """Yield a group as a whole, and without what no layout has a word for (peepholes, norms)."""
    unit = _group_unit(path, places, wholes)
    yield unit
    known = [m for m in unit.members if m.leaf in _WORDS and _direct(wholes[m.place].name, path)]
    if 1 < len(known) < len(places):
        yield replace(unit, members=tuple(known))


def _direct(name: str, path: tuple[str, ...]) -> bool:
    return len(_parts(name)) == len(path) + 1


def _group_unit(path: tuple[str, ...], places: tuple[int, ...], wholes: Sequence[Whole]) -> Unit:
    members = tuple(
        Member(
            place=place,
            role="",
            shape=wholes[place].shape,
            leaf=_role_word(_parts(wholes[place].name)),
        )
        for place in places
    )
    return Unit(path=path, members=members, kind=RECURRENT)


def _role_word(parts: tuple[str, ...]) -> str:
    """Return the words that a layout may know a tensor by."""
    lower = [part.lower() for part in parts]
    for length in (3, 2):
        joined = "/".join(lower[-length:])
        if len(lower) >= length and joined in _WORDS:
            return joined
    last = lower[-1]
    if last in _WORDS:
        return last
    for place, letter in enumerate(last):
        if letter == "_" and last[place + 1 :] in _WORDS:
            return last[place + 1 :]
    return last


def _without_word(last: str) -> str:
    lower = last.lower()
    for place, letter in enumerate(lower):
        if letter == "_" and lower[place + 1 :] in _WORDS:
            return last[:place]
    return ""


def fused_targets(targets: Sequence[Unit], sources: Sequence[Unit]) -> list[Unit]:
    """Find layers for query, key and value that a source keeps in one kernel.

    Returns
    -------
    One composite for each three; none unless some unit of the source is as large as all three.
    """
    kernels = {
        prod(member.shape) for unit in sources for member in unit.members if len(member.shape) > 1
    }
    last = [words_of(unit.path[-1])[-1:] for unit in sources if unit.path and not unit.kind]
    apart = any(word[0] in ("q", "k", "v") for word in last if word)
    siblings: dict[tuple[str, ...], dict[str, Unit]] = {}
    for unit in targets:
        words = words_of(unit.path[-1]) if unit.path else ()
        if words and words[-1] in ("q", "k", "v") and not unit.kind:
            siblings.setdefault((*unit.path[:-1], *words[:-1]), {})[words[-1]] = unit
    found = []
    for path, three in siblings.items():
        if set(three) != {"q", "k", "v"}:
            continue
        shapes = {unit.signature for unit in three.values()}
        size = sum(max(prod(m.shape) for m in unit.members) for unit in three.values())
        if len(shapes) == 1 and size in kernels and not apart:
            members = tuple(
                Member(place=m.place, role=m.role, shape=m.shape, leaf=f"{m.role}:{word}")
                for word in "qkv"
                for m in sorted(three[word].members, key=lambda one: one.role)
            )
            found.append(Unit(path=path, members=members, kind=ATTENTION))
    return found


def fused_sources(units: Sequence[Unit], targets: Sequence[Unit]) -> list[Unit]:
    """Find the units of the source that hold query, key and value of one of the targets."""
    wanted = {unit.signature: unit for unit in targets}
    found = []
    for unit in units:
        if unit.kind:
            continue
        members = tuple(
            Member(place=m.place, role=m.role, shape=m.shape, leaf=_fused_role(m))
            for m in unit.members
        )
        composite = Unit(path=unit.path, members=members, kind=ATTENTION)
        if any(layout_of(composite, target) is not None for target in wanted.values()):
            found.append(composite)
    return found


def _fused_role(member: Member) -> str:
    return "B" if sum(size != 1 for size in member.shape) == 1 else "K"


def _fused(sources: Sequence[Part], targets: Sequence[Part]) -> tuple[Route, ...]:
    """Combine the routes of a kernel and of a bias under one system."""
    kinds = [target.role[0] for target in targets]
    tables: dict[str, dict[str, Route]] = {}
    for kind in dict.fromkeys(kinds):
        have = [part for part in sources if part.role == kind or len(kinds) == len(targets) == 3]
        want = [part for part in targets if part.role[0] == kind]
        have = [Part(shape=tuple(s for s in part.shape if s != 1)) for part in have]
        if len(have) != 1 or len(want) != 3:
            return ()
        if prod(have[0].shape) != sum(prod(part.shape) for part in want):
            return ()
        tables[kind] = {
            route.system.split(",")[-1]: route for route in attention_routes(have, want)
        }
    return _combined(tables, kinds, sources)


def _combined(
    tables: dict[str, dict[str, Route]], kinds: list[str], sources: Sequence[Part]
) -> tuple[Route, ...]:
    routes = []
    kernel = tables.get("K", {})
    for system, route in kernel.items():
        pieces: list[tuple[Piece, ...]] = [()] * len(kinds)
        for kind, table in tables.items():
            own = table.get(system) or table.get("fused")
            if own is None:
                return ()
            place = next(p for p, part in enumerate(sources) if part.role == kind)
            spots = [spot for spot, one in enumerate(kinds) if one == kind]
            for spot, target in zip(spots, own.targets, strict=True):
                pieces[spot] = tuple(_at(one, place, sources[place].shape) for one in target)
        routes.append(Route(system=route.system, targets=tuple(pieces)))
    return tuple(routes)


def _at(one: Piece, place: int, shape: Shape) -> Piece:
    text = str(one.transform)
    core = tuple(size for size in shape if size != 1)
    if core != shape:
        text = "reshape:" + ",".join(map(str, core)) + "|" + text
    return replace(one, source=place, transform=parse_transform(text))
