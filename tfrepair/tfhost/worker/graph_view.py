"""A graph of TensorFlow 1 as a graph: who feeds whom, element types, shapes as its writer saw them.

Looks at the protocol buffers only: a graph with operations that are not installed can be looked at,
too. Knows nothing of what a node means for a model; :mod:`tfrepair.tfhost.worker.graph_outputs`
and its neighbors do.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from typing_extensions import override

from tfrepair.tfhost.worker.captures import CODE_OPS

Dims = tuple[int | None, ...] | None
"""A shape with ``None`` for free axes; ``None`` for an unknown rank."""

_RESOURCE, _VARIANT = 20, 21
_REFERENCE = 100
"""Element types above this number are references to those below (types.proto)."""


@dataclass(frozen=True, slots=True, order=True)
class TensorRef:
    """One output of a node."""

    node: str
    index: int = 0

    @override
    def __str__(self) -> str:
        return f"{self.node}:{self.index}"


def tensor_ref(text: str) -> TensorRef:
    """Read ``name`` or ``name:1``."""
    node, _, index = text.partition(":")
    return TensorRef(node, int(index) if index.isdigit() else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphView:
    """Nodes by name, in the order of the file, and the edges between them.

    Attributes
    ----------
    nodes
        ``NodeDef`` by name.
    functions
        ``FunctionDef`` by name.
    consumers
        By name: the nodes that take an output as data, and the number of that output.
    """

    nodes: Mapping[str, Any]
    functions: Mapping[str, Any]
    consumers: Mapping[str, tuple[tuple[str, int], ...]]

    def inputs(self, name: str) -> tuple[TensorRef, ...]:
        """Return what a node takes as data; dangling edges are left out."""
        refs = (tensor_ref(text) for text in self.nodes[name].input if not text.startswith("^"))
        return tuple(ref for ref in refs if ref.node in self.nodes)

    def controls(self, name: str) -> tuple[str, ...]:
        """Return the nodes that must have run before a node."""
        found = (text[1:] for text in self.nodes[name].input if text.startswith("^"))
        return tuple(node for node in found if node in self.nodes)

    def ancestors(
        self, names: Iterable[str], *, stop: Collection[TensorRef] = ()
    ) -> frozenset[str]:
        """Return everything that runs for some nodes, they themselves included.

        Parameters
        ----------
        names
            Where to start.
        stop
            Tensors that are fed: what makes them does not run for their sake.
        """
        fed_nodes = {ref.node for ref in stop}
        pending, seen = [name for name in names if name in self.nodes], set[str]()
        while pending:
            name = pending.pop()
            if name in seen:
                continue
            seen.add(name)
            pending += [ref.node for ref in self.inputs(name) if ref not in stop]
            pending += [node for node in self.controls(name) if node not in fed_nodes]
        return frozenset(seen)

    def descendants(
        self, refs: Iterable[TensorRef], *, through: Callable[[str], bool] = lambda _: True
    ) -> frozenset[str]:
        """Return the nodes whose data comes from some tensors.

        Parameters
        ----------
        refs
            Where to start; the nodes that make them are not included.
        through
            Says which nodes pass data on; the others are included, and end the way.
        """
        pending = [name for ref in refs for name in self._takers(ref)]
        seen: set[str] = set()
        while pending:
            name = pending.pop()
            if name in seen:
                continue
            seen.add(name)
            if through(name):
                pending += [taker for taker, _ in self.consumers.get(name, ())]
        return frozenset(seen)

    def _takers(self, ref: TensorRef) -> Iterator[str]:
        return (taker for taker, index in self.consumers.get(ref.node, ()) if index == ref.index)

    def is_taken(self, ref: TensorRef, names: Collection[str]) -> bool:
        """Tell whether one of some nodes takes a tensor as data."""
        return any(taker in names for taker in self._takers(ref))

    def shape(self, ref: TensorRef) -> Dims:
        """Return a shape as the graph's writer inferred it; unknown where it was not written."""
        node = self.nodes[ref.node]
        shapes = node.attr["_output_shapes"].list.shape if "_output_shapes" in node.attr else ()
        if ref.index < len(shapes):
            return dims_of(shapes[ref.index])
        return dims_of(node.attr["shape"].shape) if "shape" in node.attr else None

    def dtype(self, ref: TensorRef) -> int:
        """Return the number of an element type without the mark of a reference; 0 if unknown."""
        types = self.output_types(ref.node)
        number = types[ref.index] if ref.index < len(types) else 0
        return number - _REFERENCE if number > _REFERENCE else number

    def output_types(self, name: str) -> tuple[int, ...]:
        """Return the numbers of the element types of all outputs; none for a foreign operation."""
        node = self.nodes[name]
        if node.op in self.functions:
            return tuple(arg.type for arg in self.functions[node.op].signature.output_arg)
        definition = operation(node.op)
        if definition is None:
            return ()
        return tuple(
            kind for arg in definition.output_arg for kind in _types(node, arg, definition)
        )

    def is_reference(self, name: str) -> bool:
        """Tell whether a node hands out a variable or another resource instead of values."""
        return any(
            kind > _REFERENCE or kind in (_RESOURCE, _VARIANT) for kind in self.output_types(name)
        )

    def called(self, names: Iterable[str]) -> frozenset[str]:
        """Return the functions that nodes call, directly or through other functions."""
        pending = [name for node in names for name in self._functions_of(self.nodes[node])]
        seen: set[str] = set()
        while pending:
            name = pending.pop()
            if name in seen:
                continue
            seen.add(name)
            for inner in self.functions[name].node_def:
                pending += self._functions_of(inner)
        return frozenset(seen)

    def _functions_of(self, node: Any) -> list[str]:
        found = [node.op] if node.op in self.functions else []
        for value in node.attr.values():
            found += [func.name for func in (value.func, *value.list.func)]
        return [name for name in found if name in self.functions]

    def refused(self, names: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Yield the nodes that cannot run from a file, and their operations.

        Those call back into Python, or are not part of this TensorFlow. A node that calls such a
        function is named itself.
        """
        for name in sorted(names):
            inner = [node for f in self.called([name]) for node in self.functions[f].node_def]
            for node in (self.nodes[name], *inner):
                known = node.op in self.functions or operation(node.op) is not None
                if node.op in CODE_OPS or not known:
                    yield name, node.op
                    break


def view(graph_def: Any) -> GraphView:
    """Return the view of a ``GraphDef``."""
    nodes = {node.name: node for node in graph_def.node}
    consumers: dict[str, list[tuple[str, int]]] = {}
    for node in graph_def.node:
        for text in node.input:
            if not text.startswith("^"):
                ref = tensor_ref(text)
                consumers.setdefault(ref.node, []).append((node.name, ref.index))
    return GraphView(
        nodes=nodes,
        functions={one.signature.name: one for one in graph_def.library.function},
        consumers={name: tuple(takers) for name, takers in consumers.items()},
    )


def operation(name: str) -> Any:
    """Return the ``OpDef`` of an operation of this TensorFlow, or ``None``."""
    from tensorflow.python.framework import op_def_registry

    return op_def_registry.get(name)


def dims_of(shape: Any) -> Dims:
    """Return a ``TensorShapeProto`` as data."""
    if shape.unknown_rank:
        return None
    return tuple(None if dim.size < 0 else int(dim.size) for dim in shape.dim)


def _types(node: Any, arg: Any, definition: Any) -> list[int]:
    def attribute(name: str) -> Any:
        # A default may have been left out when the graph was written.
        known = {attr.name: attr.default_value for attr in definition.attr}
        return node.attr[name] if name in node.attr else known[name]

    if arg.type_list_attr:
        return list(attribute(arg.type_list_attr).list.type)
    kind = arg.type or attribute(arg.type_attr).type
    if arg.is_ref:
        kind += _REFERENCE
    return [kind] * (attribute(arg.number_attr).i if arg.number_attr else 1)
