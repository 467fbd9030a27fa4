"""Normalization: what is no weight is split off first, with the reason; parts are put together.

A shadow (slot, average, debiasing state) has the shape of a real tensor and a name made from its
name: left in, it would compete with it. It is recognized by its suffix *and* by the existence of
the tensor that it belongs to, or by a suffix that nothing else uses. Pure. Comes first.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from tfrepair.core.tensor import Shape
from tfrepair.planning.dialects.shadows import (
    AVERAGES,
    COUNTERS,
    DEBIASED,
    DEPENDENT_SLOTS,
    RENORM,
    SURE_SLOTS,
)
from tfrepair.planning.mapping.problem import Given
from tfrepair.planning.mapping.tokens import components

_SLOT = re.compile(r"^(?P<base>.*)/\.OPTIMIZER_SLOT/(?P<optimizer>.*)/(?P<kind>[^/]+)$")
_PART = re.compile(r"^(?P<base>.*)/part_(?P<number>\d+)$")
_TAIL = re.compile(r"(/\.ATTRIBUTES/[A-Z_]+|:\d+)$")
_UNDERSCORED = re.compile(r"^(?P<base>.*)_(?P<kind>slot_v[rc]?|slot_m|adam_[mv])$")
_WORDLESS = ("string", "bool", "object", "resource", "variant")


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """State that an optimizer keeps for a tensor; ``base`` is a place, ``None`` if unknown."""

    place: int
    base: int | None
    kind: str
    optimizer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A tensor to be mapped: one of the source's, or one put together from its parts.

    Attributes
    ----------
    name, shape
        As it would be called in one piece.
    pieces
        Places in the source, each with the region of the whole that it fills (empty: all of it).
    """

    name: str
    shape: Shape
    pieces: tuple[tuple[int, str], ...]

    @property
    def place(self) -> int:
        """Place of the first piece."""
        return self.pieces[0][0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalized:
    """A source without its shadows."""

    wholes: tuple[Whole, ...]
    slots: tuple[Slot, ...]
    reasons: Mapping[int, str] = field(default_factory=dict)


def normalize(
    given: Sequence[Given], *, scalars: bool, wanted: Collection[Shape] = ()
) -> Normalized:
    """Split a source into what may be a weight and what stands beside.

    Parameters
    ----------
    given
        The source.
    scalars
        True if the architecture has a weight that is a single number: only then may one of the
        source's be a weight.
    wanted
        Shapes of the architecture's variables: they tell along which axis parts are joined.
    """
    places = {_plain(tensor.name): place for place, tensor in enumerate(given)}
    bases = _with_parts(places)
    reasons: dict[int, str] = {}
    slots: list[Slot] = []
    renamed: dict[int, str] = {}
    for place, tensor in enumerate(given):
        slot = _slot(place, _plain(tensor.name), bases)
        if slot is not None:
            slots.append(slot)
            owner = given[slot.base].name if slot.base is not None else "a weight"
            reasons[place] = f"slot {slot.kind!r} of {owner}"
            continue
        reason = _beside(tensor, bases, scalars=scalars)
        if reason.startswith("="):
            renamed[place] = reason[1:]
        elif reason:
            reasons[place] = reason
    kept = [place for place in range(len(given)) if place not in reasons]
    names = [renamed.get(place, _plain(given[place].name)) for place in kept]
    return Normalized(
        wholes=_wholes(kept, names, given, frozenset(wanted)), slots=tuple(slots), reasons=reasons
    )


def _plain(name: str) -> str:
    return _TAIL.sub("", name).strip("/")


def _with_parts(places: Mapping[str, int]) -> dict[str, int]:
    """Add the names of partitioned tensors without their part."""
    found = dict(places)
    for name, place in places.items():
        part = _PART.match(name)
        if part and part["base"] not in found:
            found[part["base"]] = place
    return found


def _slot(place: int, name: str, bases: Mapping[str, int]) -> Slot | None:
    marked = _SLOT.match(name)
    if marked:
        return Slot(
            place=place,
            base=_base(_plain(marked["base"]), bases),
            kind=marked["kind"],
            optimizer=marked["optimizer"],
        )
    part = _PART.match(name)
    head, _, last = (part["base"] if part else name).rpartition("/")
    glued = _UNDERSCORED.match(name)
    if glued:
        head, last = glued["base"], glued["kind"]
    if not head:
        return None
    base = _base(head, bases)
    if last in SURE_SLOTS:
        return Slot(place=place, base=base, kind=SURE_SLOTS[last], optimizer="")
    if last in DEPENDENT_SLOTS and base is not None:
        return Slot(place=place, base=base, kind=DEPENDENT_SLOTS[last], optimizer="")
    return None


def _base(head: str, bases: Mapping[str, int]) -> int | None:
    """Find the tensor that a slot belongs to; the optimizer's own scope may precede its name."""
    parts = head.split("/")
    for start in range(len(parts)):
        place = bases.get("/".join(parts[start:]))
        if place is not None:
            return place
    return None


def _beside(tensor: Given, bases: Mapping[str, int], *, scalars: bool) -> str:
    """Return why a tensor is no weight, ``=NAME`` if it is one under another name, or nothing."""
    name = _plain(tensor.name)
    if tensor.dtype.startswith(_WORDLESS) or "_CHECKPOINTABLE_OBJECT_GRAPH" in name:
        return f"bookkeeping: {tensor.dtype} is no weight"
    head, _, last = name.rpartition("/")
    if last in DEBIASED and head and (head in bases or last.startswith("_")):
        return f"debiasing state of {head}"
    if last in DEBIASED and any(f"{head}/{other}" in bases for other in ("average", "_hidden")):
        return f"debiasing state of {head}"
    if last in RENORM:
        return "state of batch renormalization"
    if last in AVERAGES and head:
        return f"moving average of {head}" if _base(head, bases) is not None else f"={head}"
    word = (components(name) or ("",))[-1].lower()
    bare = re.sub(r"_\d+$", "", word)
    if tensor.shape in ((), (1,)) and (bare in COUNTERS or word in COUNTERS):
        return "counter or hyperparameter"
    if tensor.shape == () and (not scalars or tensor.dtype.startswith(("int", "uint"))):
        return "a single number; the architecture has no such weight"
    if tensor.dtype.startswith(("int", "uint")) and len(tensor.shape) < 2:
        return f"{tensor.dtype}: a counter, no weight"
    return ""


def _wholes(
    kept: Sequence[int],
    names: Sequence[str],
    given: Sequence[Given],
    wanted: Collection[Shape],
) -> tuple[Whole, ...]:
    parts: dict[str, list[tuple[int, int]]] = {}
    for place, name in zip(kept, names, strict=True):
        part = _PART.match(name)
        if part:
            parts.setdefault(part["base"], []).append((int(part["number"]), place))
    found: list[Whole] = []
    done: set[str] = set()
    for place, name in zip(kept, names, strict=True):
        part = _PART.match(name)
        if part is None:
            found.append(Whole(name=name, shape=given[place].shape, pieces=((place, ""),)))
            continue
        if part["base"] in done:
            continue
        done.add(part["base"])
        members = [place for _, place in sorted(parts[part["base"]])]
        found += _joined(part["base"], members, [given[p].shape for p in members], wanted)
    return tuple(found)


def _joined(
    name: str, places: Sequence[int], shapes: Sequence[Shape], wanted: Collection[Shape]
) -> list[Whole]:
    """Put the parts of a tensor together along the axis in which they differ, else the first."""
    if len(places) == 1:
        return [Whole(name=name, shape=shapes[0], pieces=((places[0], ""),))]
    ranks = {len(shape) for shape in shapes}
    rank = ranks.pop() if len(ranks) == 1 else 0
    differing = [axis for axis in range(rank) if len({shape[axis] for shape in shapes}) > 1]
    if rank == 0 or len(differing) > 1:
        return [
            Whole(name=f"{name}/part_{number}", shape=shapes[number], pieces=((place, ""),))
            for number, place in enumerate(places)
        ]
    axis = differing[0] if differing else _joining_axis(shapes, wanted)
    ends = list(accumulate(shape[axis] for shape in shapes))
    whole = (*shapes[0][:axis], ends[-1], *shapes[0][axis + 1 :])
    pieces = []
    for place, shape, end in zip(places, shapes, ends, strict=True):
        region = [":"] * rank
        region[axis] = f"{end - shape[axis]}:{end}"
        pieces.append((place, ",".join(region)))
    return [Whole(name=name, shape=whole, pieces=tuple(pieces))]


def _joining_axis(shapes: Sequence[Shape], wanted: Collection[Shape]) -> int:
    """Return the axis along which equal parts make a shape that is wanted; rows if in doubt."""
    first, count = shapes[0], len(shapes)
    fitting = [
        axis
        for axis in range(len(first))
        if (*first[:axis], first[axis] * count, *first[axis + 1 :]) in wanted
    ]
    return fitting[0] if len(fitting) == 1 else 0
