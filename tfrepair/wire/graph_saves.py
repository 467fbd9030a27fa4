"""What the save operations of a graph write: names, element types and shapes, in file order.

A ``.meta`` file, a ``saved_model.pb`` and the event file of a run all hold the graph that saved
the variables, and so the layout of the data files. Knows graphs, no files.

Source: SaveV2 and ShardedFilename of TensorFlow 1.4 to 2.21; ``tests/golden``.
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tfrepair.core.errors import SourceError
from tfrepair.core.tensor import Shape
from tfrepair.wire.bundle import Extent, Slice, decode_shape
from tfrepair.wire.bundle_layout import Expected
from tfrepair.wire.element_types import STRING, VARIANT
from tfrepair.wire.protobuf import Message, packed_varints, parse
from tfrepair.wire.saved_model import GraphNode, MetaGraph, constant_strings

_SAVE = "SaveV2"
_FIRST_TENSOR = 3
"""Inputs of a save operation: file name, names, shapes and slices, then the tensors."""
_REFERENCE = 100
_MAX_DEPTH = 32
_SPEC = re.compile(r"^(?P<dims>(?:\d+ )+)(?P<part>[-\d,:]+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphSave:
    """The save operations that belong together: one for each data file.

    Attributes
    ----------
    where
        Scope or function, for messages.
    shards
        What each data file holds, in the order of the files and of the tensors in them.
    """

    where: str
    shards: tuple[tuple[Expected, ...], ...]


def graph_saves(graph: MetaGraph) -> tuple[GraphSave, ...]:
    """Return every way in which a graph saves variables.

    Savers with a tensor whose shape the graph does not tell are left out.
    """
    found: list[GraphSave] = []
    places: list[tuple[str, Sequence[GraphNode]]] = [("", graph.nodes), *graph.functions.items()]
    for function, nodes in places:
        scopes: dict[str, list[GraphNode]] = defaultdict(list)
        for node in nodes:
            if node.op == _SAVE:
                scopes[node.name.rpartition("/")[0]].append(node)
        for scope, saves in scopes.items():
            view = _View(graph, function, nodes)
            groups = [(view.shard(node), view.items(node)) for node in saves]
            if all(items is not None for _, items in groups):
                ordered = sorted(groups, key=lambda group: group[0])
                shards = tuple(tuple(items or ()) for _, items in ordered)
                found.append(GraphSave(where=function or scope, shards=shards))
    return tuple(found)


class _View:
    """The nodes of a graph or of one of its functions."""

    def __init__(self, graph: MetaGraph, function: str, nodes: Sequence[GraphNode]) -> None:
        self._graph = graph
        self._function = function
        self._by_name = {node.name: node for node in nodes}

    def shard(self, save: GraphNode) -> int:
        """Return the number of the data file that an operation writes."""
        name = self._by_name.get(_node_name(save.inputs[0])) if save.inputs else None
        if name is None or name.op != "ShardedFilename" or len(name.inputs) < 2:
            return 0
        number = self._by_name.get(_node_name(name.inputs[1]))
        return 0 if number is None else _constant_int(number)

    def items(self, save: GraphNode) -> list[Expected] | None:
        """Return what an operation writes; ``None`` if a name or shape is not known."""
        if len(save.inputs) < _FIRST_TENSOR:
            return None
        names, specs = (self._strings(save.inputs[place]) for place in (1, 2))
        tensors = [i for i in save.inputs[_FIRST_TENSOR:] if not i.startswith("^")]
        types = _types(save)
        if not len(names) == len(specs) == len(tensors) == len(types):
            return None
        items = []
        for name, spec, tensor, dtype in zip(names, specs, tensors, types, strict=True):
            item = self._item(name, spec, tensor, dtype)
            if item is None:
                return None
            items.append(item)
        return items

    def _item(self, name: str, spec: str, tensor: str, dtype: int) -> Expected | None:
        if spec:
            found = _parsed(spec)
            if found is None:
                return None
            whole, part, shape = found
            return Expected(name=name, dtype=dtype, shape=shape, part=part, whole=whole)
        known = self._shape(tensor, 0)
        if known is None:
            if dtype not in (STRING, VARIANT) and not name.endswith(("-keys", "-values")):
                return None
            known = (0,) if name.endswith(("-keys", "-values")) else ()
        return Expected(name=name, dtype=dtype, shape=known)

    def _strings(self, reference: str) -> tuple[str, ...]:
        node = self._by_name.get(_node_name(reference))
        return () if node is None else constant_strings(node)

    def _shape(self, reference: str, depth: int) -> Shape | None:
        """Return the shape of what an input gives, as far as the graph says it."""
        node = self._by_name.get(_node_name(reference))
        if node is None:
            return self._argument_shape(_node_name(reference), depth)
        for shape in _output_shapes(node, _port(reference)):
            return shape
        if node.op in ("Identity", "ReadVariableOp") and node.inputs and depth < _MAX_DEPTH:
            return self._shape(node.inputs[0], depth + 1)
        return None

    def _argument_shape(self, argument: str, depth: int) -> Shape | None:
        """Return the shape of a function's argument, from the place where it is called."""
        arguments = self._graph.arguments.get(self._function, ())
        if argument not in arguments or depth >= _MAX_DEPTH:
            return None
        place = arguments.index(argument)
        callers: list[tuple[str, Sequence[GraphNode]]] = [
            ("", self._graph.nodes),
            *self._graph.functions.items(),
        ]
        for function, nodes in callers:
            for node in nodes:
                if _called(node) == self._function and place < len(node.inputs):
                    view = _View(self._graph, function, nodes)
                    return view._shape(node.inputs[place], depth + 1)
        return None


def _node_name(reference: str) -> str:
    return reference.removeprefix("^").partition(":")[0]


def _port(reference: str) -> int:
    last = reference.rpartition(":")[2]
    return int(last) if last.isdigit() else 0


def _called(node: GraphNode) -> str:
    data = node.attributes.get("f")
    return "" if data is None else parse(data, node.name).message(10).text(1)


def _list_of(node: GraphNode, attribute: str) -> Message | None:
    data = node.attributes.get(attribute)
    return None if data is None else parse(data, node.name).message(1)


def _types(node: GraphNode) -> list[int]:
    found = _list_of(node, "dtypes")
    if found is None:
        return []
    return [number % _REFERENCE for number in found.numbers(6)]


def _output_shapes(node: GraphNode, port: int) -> Iterator[Shape]:
    """Return the shapes that a node notes for an output: none, or one that is fully known."""
    shapes: list[Message] = []
    found = _list_of(node, "_output_shapes")
    if found is not None:
        shapes = list(found.messages(7))[port : port + 1]
    elif node.op in ("VariableV2", "Variable", "VarHandleOp") and "shape" in node.attributes:
        shapes = [parse(node.attributes["shape"], node.name).message(7)]
    for shape in shapes:
        try:
            yield decode_shape(shape, node.name)
        except SourceError:
            return


def _constant_int(node: GraphNode) -> int:
    data = node.attributes.get("value")
    if data is None:
        return 0
    tensor = parse(data, node.name).message(8)
    content = bytes(tensor.raw(4))
    if content:
        return int.from_bytes(content, "little", signed=True)
    values = tensor.raws(7)
    if not values:
        return tensor.int64(7) if 7 in tensor.fields else 0
    return next(packed_varints(values[0], node.name), 0)


def _parsed(spec: str) -> tuple[Shape, Slice, Shape] | None:
    """Read ``"10 4 0,5:-"``: shape of the whole, place and shape of the slice."""
    match = _SPEC.match(spec)
    if match is None:
        return None
    whole = tuple(int(size) for size in match["dims"].split())
    extents, shape = [], []
    for size, text in zip(whole, match["part"].split(":"), strict=False):
        if text == "-":
            extents.append(Extent())
            shape.append(size)
        else:
            start, _, length = text.partition(",")
            extents.append(Extent(start=int(start), length=int(length)))
            shape.append(int(length))
    if len(extents) != len(whole) or math.prod(shape) < 0:
        return None
    return whole, tuple(extents), tuple(shape)
