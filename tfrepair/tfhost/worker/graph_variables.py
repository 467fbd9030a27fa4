"""The variables of a graph of TensorFlow 1: each under the name that its checkpoints have for it.

The collections say which there are, the saver in the graph says what they are called in a file,
slice descriptions say which are parts of one. Slots of optimizers have nothing but their names.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tfrepair.core.architecture import Role, Variable, VariableKind, VariablePath
from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.errors import ArchitectureError
from tfrepair.core.tensor import Shape
from tfrepair.tfhost.worker.graph_outputs import VARIABLES
from tfrepair.tfhost.worker.graph_view import GraphView, TensorRef, tensor_ref

COLLECTIONS = (
    "variables", "trainable_variables", "model_variables", "moving_average_variables",
    "local_variables",
)  # fmt: skip
"""Collections of ``VariableDef``; later ones only add what the first does not hold."""

_SAVES = {"SaveV2": 3, "SaveSlices": 3, "Save": 2}
"""Saving operations, and how many inputs come before the tensors."""

_PASSES = frozenset({"Identity", "ReadVariableOp", "Cast"})
_AVERAGE = "ExponentialMovingAverage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One variable operation: its ``VariableDef``, and its place in the whole."""

    definition: Any
    offset: Shape
    shape: Shape

    @property
    def node(self) -> str:
        """Name of the operation."""
        return tensor_ref(self.definition.variable_name).node

    @property
    def place(self) -> tuple[slice, ...]:
        """Index of the part in the whole."""
        pairs = zip(self.offset, self.shape, strict=True)
        return tuple(slice(start, start + size) for start, size in pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphVariable:
    """A variable, or all parts of a partitioned one, as the architecture describes it."""

    described: Variable
    parts: tuple[Part, ...]

    @property
    def is_partitioned(self) -> bool:
        """True if a checkpoint holds it in slices."""
        return bool(self.parts[0].definition.save_slice_info_def.full_name)


def find_variables(
    graph: GraphView, meta: Any, serving: Collection[str], training: Collection[str]
) -> tuple[GraphVariable, ...]:
    """Find the variables of a graph.

    Parameters
    ----------
    graph, meta
        The graph, and the ``MetaGraphDef`` around it.
    serving, training
        Nodes that run for the outputs, and for a training step.

    Raises
    ------
    ArchitectureError
        If a variable that serving needs is described nowhere, or has no fixed shape.
    """
    definitions = _definitions(graph, meta, {*serving, *training})
    keys = _saved_keys(graph, meta)
    groups: dict[str, list[Part]] = {}
    for node, definition in definitions.items():
        info = definition.save_slice_info_def
        name = keys.get(node) or info.full_name or node
        groups.setdefault(name, []).append(_part(graph, node, definition))
    trainable = {part.node for part in _collected(meta, "trainable_variables")}
    shapes = {name: _whole(parts) for name, parts in groups.items()}
    kinds = _Kinds(shapes=shapes, serving=serving, trainable=trainable, saved=set(keys))
    found = (_described(graph, name, parts, kinds) for name, parts in groups.items())
    return tuple(sorted(found, key=lambda entry: entry.described.kind is not VariableKind.WEIGHT))


def _definitions(graph: GraphView, meta: Any, path: Collection[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for collection in COLLECTIONS:
        for one in _collected(meta, collection):
            is_local = collection == "local_variables"
            if one.node in graph.nodes and (not is_local or one.node in path):
                found.setdefault(one.node, one.definition)
    for name, node in graph.nodes.items():
        if node.op in VARIABLES and name in path and name not in found:
            found[name] = _undescribed(graph, name)
    return found


def _collected(meta: Any, collection: str) -> Iterator[Part]:
    from tensorflow.core.framework import variable_pb2

    held = meta.collection_def.get(collection)
    for data in held.bytes_list.value if held is not None else ():
        yield Part(definition=variable_pb2.VariableDef.FromString(data), offset=(), shape=())


def _undescribed(graph: GraphView, name: str) -> Any:
    """Describe a variable that is in no collection, by the names of the operations around it."""
    from tensorflow.core.framework import variable_pb2

    is_resource = graph.nodes[name].op == "VarHandleOp"
    reader = f"{name}/Read/ReadVariableOp" if is_resource else f"{name}/read"
    assign = f"{name}/Assign"
    if assign not in graph.nodes or reader not in graph.nodes:
        message = f"the variable {name} is in no collection, and has no {assign} or {reader}"
        raise ArchitectureError(message, remedy="give --arch model.py")
    return variable_pb2.VariableDef(
        variable_name=f"{name}:0",
        initial_value_name=str(graph.inputs(assign)[1]),
        initializer_name=assign,
        snapshot_name=f"{reader}:0",
        is_resource=is_resource,
        trainable=False,
    )


def _part(graph: GraphView, node: str, definition: Any) -> Part:
    info = definition.save_slice_info_def
    if info.full_name:
        return Part(
            definition=definition, offset=tuple(info.var_offset), shape=tuple(info.var_shape)
        )
    proto = graph.nodes[node].attr["shape"].shape
    sizes = tuple(int(dim.size) for dim in proto.dim)
    if proto.unknown_rank or any(size < 0 for size in sizes):
        message = f"the variable {node} has no fixed shape"
        raise ArchitectureError(message, remedy="give --arch model.py")
    return Part(definition=definition, offset=(0,) * len(sizes), shape=sizes)


def _whole(parts: list[Part]) -> Shape:
    info = parts[0].definition.save_slice_info_def
    return tuple(info.full_shape) if info.full_name else parts[0].shape


def _saved_keys(graph: GraphView, meta: Any) -> dict[str, str]:
    """Return the name that the graph's own saver gives each variable operation."""
    import tensorflow as tf

    file = tensor_ref(meta.saver_def.filename_tensor_name).node
    keys: dict[str, str] = {}
    for name, node in graph.nodes.items():
        if node.op not in _SAVES or (file and file not in graph.ancestors([name])):
            continue
        inputs = graph.inputs(name)
        names = graph.nodes[inputs[1].node]
        if names.op != "Const":
            continue
        texts = tf.make_ndarray(names.attr["value"].tensor).reshape(-1)
        for key, ref in zip(texts, inputs[_SAVES[node.op] :], strict=False):
            source = _variable_behind(graph, ref)
            if source:
                keys.setdefault(source, key.decode("utf-8", "surrogateescape"))
    return keys


def _variable_behind(graph: GraphView, ref: TensorRef) -> str:
    node = graph.nodes[ref.node]
    while node.op in _PASSES:
        node = graph.nodes[graph.inputs(node.name)[0].node]
    return node.name if node.op in VARIABLES else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kinds:
    """Tells what a variable is there for."""

    shapes: Mapping[str, Shape]
    serving: Collection[str]
    trainable: Collection[str]
    saved: Collection[str]

    def of(self, name: str, nodes: Iterable[str]) -> tuple[VariableKind, str, str]:
        """Return the kind, and for slots the owner and the slot's name."""
        nodes = set(nodes)
        if nodes & set(self.serving) or nodes & set(self.trainable):
            return VariableKind.WEIGHT, "", ""
        owner, slot = self._owner(name)
        if owner:
            return VariableKind.OPTIMIZER, owner, slot
        # A number that is neither served nor trained is a counter, a rate, a power.
        if not self.shapes[name] or not nodes & set(self.saved):
            return VariableKind.OPTIMIZER, "", ""
        return VariableKind.WEIGHT, "", ""

    def _owner(self, name: str) -> tuple[str, str]:
        owner, _, slot = name.rpartition("/")
        while owner:
            alike = self.shapes.get(owner) == self.shapes[name] or slot.startswith(_AVERAGE)
            if owner in self.shapes and alike:
                return owner, slot
            # Slots may have been made inside a scope, which is then in front of the owner's name.
            owner = owner.partition("/")[2]
        return "", ""


def _described(graph: GraphView, name: str, parts: list[Part], kinds: _Kinds) -> GraphVariable:
    import tensorflow as tf

    nodes = [part.node for part in parts]
    kind, of, slot = kinds.of(name, nodes)
    dtype = tf.as_dtype(graph.nodes[nodes[0]].attr["dtype"].type).base_dtype.name
    _require_known(name, dtype)
    described = Variable(
        path=VariablePath(name),
        shape=kinds.shapes[name],
        dtype=dtype,
        trainable=any(node in kinds.trainable for node in nodes),
        kind=kind,
        role=_role(name),
        layer=name.rpartition("/")[0],
        of=of,
        slot=slot,
    )
    return GraphVariable(described=described, parts=tuple(parts))


def _require_known(name: str, dtype: str) -> None:
    try:
        numpy_dtype(dtype)
    except TypeError as error:
        message = f"the variable {name} holds {dtype}, which cannot be carried over"
        raise ArchitectureError(message, remedy="give --arch model.py") from error


def _role(name: str) -> Role:
    leaf = name.rpartition("/")[2]
    try:
        return Role(leaf)
    except ValueError:
        return Role.UNKNOWN
