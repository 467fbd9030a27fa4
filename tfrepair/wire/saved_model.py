"""``saved_model.pb``: the parts of it that can be checked without running it.

Meta graphs, nodes of the graph and of the function library by name and operation, the saver's
restore functions, asset files, object graph. Knows no files and no verdicts:
:mod:`tfrepair.verify.structure` does.

Source: saved_model.proto, meta_graph.proto, graph.proto, function.proto, measured on 1.2 to 2.21.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tfrepair.core.errors import Corrupt, SourceError
from tfrepair.wire.crc32c import Buffer
from tfrepair.wire.element_types import STRING
from tfrepair.wire.object_graph import SavedNode, read_saved_graph
from tfrepair.wire.protobuf import Message, parse

_CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphNode:
    """One operation; ``attributes`` are AttrValue messages still to be parsed."""

    name: str
    op: str
    inputs: tuple[str, ...]
    attributes: Mapping[str, memoryview] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaGraph:
    """One meta graph of a SavedModel.

    Attributes
    ----------
    tags
        Such as ``("serve",)``.
    version
        Of the TensorFlow that wrote it.
    nodes, functions
        Operations of the graph, and of every function in its library.
    arguments
        Names of the arguments of every function.
    filename_tensor, restore_op
        From the saver definition; empty if there is none.
    asset_files
        File names below ``assets``.
    objects
        The object graph; empty for models of TensorFlow 1.
    """

    tags: tuple[str, ...]
    version: str
    nodes: tuple[GraphNode, ...]
    functions: Mapping[str, tuple[GraphNode, ...]]
    arguments: Mapping[str, tuple[str, ...]] = field(repr=False)
    filename_tensor: str
    restore_op: str
    asset_files: tuple[str, ...]
    objects: tuple[SavedNode, ...]


def read_saved_model(data: Buffer, where: str) -> tuple[MetaGraph, ...]:
    """Read a ``saved_model.pb``.

    Raises
    ------
    Corrupt
        If the bytes are no SavedModel, or hold no meta graph.
    """
    graphs = tuple(read_meta_graph(part, where) for part in parse(data, where).raws(2))
    if not graphs:
        message = f"{where}: {len(data)} bytes without a meta graph"
        raise Corrupt(message)
    return graphs


def holds_graph(data: Buffer, where: str) -> bool:
    """Tell by its content whether a file is a MetaGraphDef: the graph behind a checkpoint.

    Source: meta_graph.proto: field 1 says who wrote it, field 2 is the graph, whose field 1 are
    nodes with a name (1) and an operation (2).
    """
    try:
        nodes = parse(data, where).message(2).raws(1)
        first = parse(nodes[0], where) if nodes else None
        return first is not None and bool(first.text(1)) and bool(first.text(2))
    except SourceError:
        return False


def read_meta_graph(data: Buffer, where: str) -> MetaGraph:
    """Read one MetaGraphDef, such as a ``.meta`` file.

    Raises
    ------
    Corrupt
        If the bytes are none.
    """
    message = parse(data, where)
    info, graph, saver = message.message(1), message.message(2), message.message(3)
    return MetaGraph(
        tags=info.texts(4),
        version=info.text(5),
        nodes=tuple(_node(part) for part in graph.messages(1)),
        functions=dict(_function(part) for part in graph.message(2).messages(1)),
        arguments=dict(_arguments(part) for part in graph.message(2).messages(1)),
        filename_tensor=saver.text(1),
        restore_op=saver.text(3),
        asset_files=tuple(part.text(2) for part in message.messages(6)),
        objects=read_saved_graph(message.raw(7), f"{where}, object graph"),
    )


def _function(message: Message) -> tuple[str, tuple[GraphNode, ...]]:
    return message.message(1).text(1), tuple(_node(part) for part in message.messages(3))


def _arguments(message: Message) -> tuple[str, tuple[str, ...]]:
    signature = message.message(1)
    return signature.text(1), tuple(part.text(1) for part in signature.messages(2))


def _node(message: Message) -> GraphNode:
    return GraphNode(
        name=message.text(1),
        op=message.text(2),
        inputs=message.texts(3),
        attributes={part.text(1): part.raw(2) for part in message.messages(5)},
    )


def all_nodes(graph: MetaGraph) -> Iterator[tuple[str, GraphNode]]:
    """Go through the nodes of the graph and of its functions, with a name for messages."""
    for node in graph.nodes:
        yield node.name, node
    for function, nodes in graph.functions.items():
        for node in nodes:
            yield f"{function}/{node.name}", node


def restored_names(graph: MetaGraph) -> tuple[str, ...]:
    """Return the checkpoint keys that the model's own restore operation reads.

    Returns
    -------
    Names in the order of the graph. Restore operations that do not take the saver's file name
    are left out: they read other checkpoints.

    Raises
    ------
    Corrupt
        If a constant among them cannot be read.
    """
    names: list[str] = []
    by_name = {node.name: node for node in graph.nodes}
    start = by_name.get(_node_name(graph.restore_op))
    if start is not None and start.op in _CALLS:
        called = parse(start.attributes.get("f", memoryview(b"")), start.name).message(10).text(1)
        names += _names_in(graph.functions.get(called, ()), None)
    names += _names_in(graph.nodes, _node_name(graph.filename_tensor))
    return tuple(names)


def _names_in(nodes: tuple[GraphNode, ...], prefix: str | None) -> list[str]:
    by_name = {node.name: node for node in nodes}
    names: list[str] = []
    for node in nodes:
        if node.op != "RestoreV2" or len(node.inputs) < 2:
            continue
        source = by_name.get(_node_name(node.inputs[1]))
        if source is not None and prefix in (None, _node_name(node.inputs[0])):
            names += constant_strings(source)
    return names


def constant_strings(node: GraphNode) -> tuple[str, ...]:
    """Return the strings of a ``Const`` node; empty for other nodes and types.

    Raises
    ------
    Corrupt
        If the constant cannot be read.
    """
    if node.op != "Const" or "value" not in node.attributes:
        return ()
    tensor = parse(node.attributes["value"], node.name).message(8)
    if tensor.uint(1) != STRING:
        return ()
    return tensor.texts(8)


def _node_name(reference: str) -> str:
    """Return the node of an input: ``"a:0"``, ``"a:output:0"`` and ``"^a"`` are node ``a``."""
    return reference.removeprefix("^").partition(":")[0]
