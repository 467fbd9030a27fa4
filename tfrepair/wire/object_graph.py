"""The two object graphs of TensorFlow: which objects a save knows, and how they hang together.

``TrackableObjectGraph`` lies in a checkpoint under the key ``_CHECKPOINTABLE_OBJECT_GRAPH`` and
gives every variable its key; ``SavedObjectGraph`` lies in ``saved_model.pb`` and gives every
variable its type and shape. Both are numbered nodes with named edges, node 0 the root. Knows no
policy: :mod:`tfrepair.verify.structure` walks both, readers make names from the first.

Source: trackable_object_graph.proto, saved_object_graph.proto; measured on files of 1.15 to 2.21.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tfrepair.core.errors import Corrupt
from tfrepair.core.tensor import Shape
from tfrepair.wire.bundle import decode_shape
from tfrepair.wire.crc32c import Buffer
from tfrepair.wire.protobuf import Message, parse

VARIABLE_VALUE = "VARIABLE_VALUE"
"""Name of the attribute that holds a variable's value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """Something that a node saved: its own name, the object's full name, the checkpoint key."""

    name: str
    full_name: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotReference:
    """A slot variable of an older optimizer: ids of the variable and of its slot."""

    original: int
    name: str
    slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackableNode:
    """One object of a checkpoint."""

    children: Mapping[str, int]
    attributes: tuple[Attribute, ...]
    slots: tuple[SlotReference, ...]

    @property
    def value_key(self) -> str | None:
        """Checkpoint key of a variable's value, or ``None`` for other objects."""
        return next((a.key for a in self.attributes if a.name == VARIABLE_VALUE), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedVariable:
    """A variable as ``saved_model.pb`` declares it; ``shape`` is ``None`` if not fully known."""

    name: str
    dtype: int
    shape: Shape | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedNode:
    """One object of a SavedModel; ``variable`` is ``None`` for everything else."""

    children: Mapping[str, int]
    slots: tuple[SlotReference, ...]
    variable: SavedVariable | None


def read_trackable_graph(data: Buffer, where: str) -> tuple[TrackableNode, ...]:
    """Read the object graph of a checkpoint.

    Parameters
    ----------
    data
        The single string of ``_CHECKPOINTABLE_OBJECT_GRAPH``.
    where
        Its name, for messages.

    Raises
    ------
    Corrupt
        If the bytes are no object graph or an edge leads nowhere.
    """
    nodes = tuple(_trackable(message) for message in parse(data, where).messages(1))
    _check_edges(nodes, where)
    return nodes


def read_saved_graph(data: Buffer, where: str) -> tuple[SavedNode, ...]:
    """Read the object graph of a SavedModel.

    Parameters
    ----------
    data
        Field 7 of its MetaGraphDef.
    where
        Its name, for messages.

    Raises
    ------
    Corrupt
        If the bytes are no object graph or an edge leads nowhere.
    """
    nodes = tuple(_saved(message) for message in parse(data, where).messages(1))
    _check_edges(nodes, where)
    return nodes


def _trackable(message: Message) -> TrackableNode:
    return TrackableNode(
        children=_children(message),
        attributes=tuple(
            Attribute(name=part.text(1), full_name=part.text(2), key=part.text(3))
            for part in message.messages(2)
        ),
        slots=_slots(message),
    )


def _saved(message: Message) -> SavedNode:
    variable = None
    if 7 in message.fields:
        part = message.message(7)
        variable = SavedVariable(name=part.text(6), dtype=part.uint(1), shape=_shape(part))
    return SavedNode(children=_children(message), slots=_slots(message), variable=variable)


def _shape(variable: Message) -> Shape | None:
    try:
        return decode_shape(variable.message(2), variable.where)
    except Corrupt:
        return None


def _children(message: Message) -> Mapping[str, int]:
    return {child.text(2): child.uint(1) for child in message.messages(1)}


def _slots(message: Message) -> tuple[SlotReference, ...]:
    return tuple(
        SlotReference(original=part.uint(1), name=part.text(2), slot=part.uint(3))
        for part in message.messages(3)
    )


def _check_edges(nodes: Sequence[TrackableNode | SavedNode], where: str) -> None:
    for place, node in enumerate(nodes):
        ends = [*node.children.values()]
        for slot in node.slots:
            ends += (slot.original, slot.slot)
        wrong = [end for end in ends if end >= len(nodes)]
        if wrong:
            message = f"{where}: node {place} leads to node {wrong[0]}, there are {len(nodes)}"
            raise Corrupt(message)


def walk_pairs(
    saved: tuple[SavedNode, ...], tracked: tuple[TrackableNode, ...]
) -> Iterator[tuple[int, int]]:
    """Walk both graphs from their roots along edges of equal name.

    Yields
    ------
    Ids of a saved node and of its counterpart, breadth first, each saved node once; slot
    variables of older optimizers behind the variable and the optimizer that they belong to.
    """
    if not saved or not tracked:
        return
    partner = {0: 0}
    queue = [0]
    waiting: list[tuple[int, int]] = []
    while queue:
        layer, queue = queue, []
        for place in layer:
            yield place, partner[place]
            one, other = saved[place], tracked[partner[place]]
            if one.slots:
                waiting.append((place, partner[place]))
            for name, child in one.children.items():
                if name in other.children and child not in partner:
                    partner[child] = other.children[name]
                    queue.append(child)
        if not queue:
            queue = _slot_partners(saved, tracked, waiting, partner)


def _slot_partners(
    saved: tuple[SavedNode, ...],
    tracked: tuple[TrackableNode, ...],
    optimizers: list[tuple[int, int]],
    partner: dict[int, int],
) -> list[int]:
    """Pair slot variables whose variable is paired; returns the new ones."""
    found = []
    for place, counterpart in optimizers:
        known = {(slot.original, slot.name): slot.slot for slot in tracked[counterpart].slots}
        for slot in saved[place].slots:
            key = (partner.get(slot.original, -1), slot.name)
            if key in known and slot.slot not in partner:
                partner[slot.slot] = known[key]
                found.append(slot.slot)
    return found
