"""From a training graph of TensorFlow 1 to the graph that the SavedModel gets.

Keeps what serving, training and the variables need; puts placeholders where a pipeline delivered,
and defaults under switches; leaves devices behind. Works on protocol buffers, before anything is
imported. Nothing that is kept computes anything else than before.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tfrepair.core.errors import ArchitectureError
from tfrepair.tfhost.worker.graph_assets import ASSETS, TABLES, used_tables
from tfrepair.tfhost.worker.graph_inference import Serving
from tfrepair.tfhost.worker.graph_inputs import PLACEHOLDERS, Fed, Resting
from tfrepair.tfhost.worker.graph_variables import COLLECTIONS, GraphVariable, Part
from tfrepair.tfhost.worker.graph_view import GraphView, TensorRef, tensor_ref, view

_RANDOM_SEEDS = ("seed", "seed2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """A graph that can be imported.

    Attributes
    ----------
    meta
        ``MetaGraphDef`` without collections but those of variables, assets and table initializers.
    fed
        Names of tensors in the new graph, by the tensor that they stand for.
    dropped
        Number of operations that were left out.
    """

    meta: Any
    fed: Mapping[TensorRef, str] = field(default_factory=dict)
    dropped: int = 0


def rewrite(
    graph: GraphView,
    meta: Any,
    serving: Serving,
    variables: Iterable[GraphVariable],
    *,
    free: Collection[TensorRef] = (),
) -> Rewritten:
    """Make the graph to import.

    Parameters
    ----------
    graph, meta
        As read.
    serving
        What to serve and how to train.
    variables
        All variables of the graph.
    free
        Fed tensors whose first axis is to take any size.

    Raises
    ------
    ArchitectureError
        If a switch's value cannot be read.
    """
    parts = [part for variable in variables for part in variable.parts]
    stop = [fed.ref for fed in serving.fed]
    replaced = _unreachable_initials(graph, parts)
    used = graph.ancestors(serving.roots, stop=stop)
    roots = [*serving.roots, *used_tables(graph, meta, used), *_parts_nodes(parts, replaced)]
    kept = graph.ancestors(roots, stop=stop)
    kept |= {fed.ref.node for fed in serving.fed if graph.nodes[fed.ref.node].op in PLACEHOLDERS}
    names = {fed.ref: _fed_name(graph, fed, kept) for fed in serving.fed}
    cut = {ref.node for ref in stop} - kept
    out = type(meta)()
    out.meta_info_def.CopyFrom(meta.meta_info_def)
    _copy_graph(graph, meta, out, kept, names, cut)
    _add_placeholders(graph, out, serving.fed, names, free)
    _rest_switches(out, serving.resting)
    _replace_initials(out, replaced)
    _fix_seeds(out, parts)
    _collect(graph, meta, out, parts, replaced, kept)
    return Rewritten(meta=out, fed=names, dropped=len(graph.nodes) - len(kept))


def _parts_nodes(parts: Iterable[Part], replaced: Mapping[str, Part]) -> list[str]:
    nodes = []
    for part in parts:
        definition = part.definition
        nodes += [part.node, tensor_ref(definition.snapshot_name).node]
        if part.node not in replaced:
            nodes += [definition.initializer_name, tensor_ref(definition.initial_value_name).node]
    return nodes


def _unreachable_initials(graph: GraphView, parts: Iterable[Part]) -> dict[str, Part]:
    """Return the variables whose first value comes from something that a file cannot run."""
    found = {}
    for part in parts:
        definition = part.definition
        path = graph.ancestors([definition.initializer_name])
        restores = any(graph.nodes[name].op.startswith("Restore") for name in path)
        if restores or next(graph.refused(path), None) is not None:
            found[part.node] = part
    return found


def _fed_name(graph: GraphView, fed: Fed, kept: frozenset[str]) -> str:
    if graph.nodes[fed.ref.node].op in PLACEHOLDERS:
        return fed.ref.node
    name = f"{fed.ref.node}/fed_{fed.ref.index}"
    while name in kept:
        name += "_"
    return name


def _copy_graph(
    graph: GraphView,
    meta: Any,
    out: Any,
    kept: frozenset[str],
    names: Mapping[TensorRef, str],
    cut: Collection[str],
) -> None:
    definition = out.graph_def
    definition.versions.CopyFrom(meta.graph_def.versions)
    called = graph.called(kept)
    for function in meta.graph_def.library.function:
        if function.signature.name in called:
            definition.library.function.add().CopyFrom(function)
    for gradient in meta.graph_def.library.gradient:
        if {gradient.function_name, gradient.gradient_func} <= called:
            definition.library.gradient.add().CopyFrom(gradient)
    for node in meta.graph_def.node:
        if node.name in kept:
            _copy_node(definition.node.add(), node, kept, names, cut)


def _copy_node(
    copy: Any, node: Any, kept: frozenset[str], names: Mapping[TensorRef, str], cut: Collection[str]
) -> None:
    copy.CopyFrom(node)
    copy.device = ""
    # TensorFlow refuses shapes that differ from what it infers; freed axes make them differ.
    copy.attr.pop("_output_shapes", None)
    classes = [name for name in node.attr["_class"].list.s if "_class" in node.attr]
    local = [name for name in classes if name.decode().removeprefix("loc:@") in kept]
    if local:
        copy.attr["_class"].list.s[:] = local
    else:
        copy.attr.pop("_class", None)
    inputs = []
    for text in node.input:
        is_control = text.startswith("^")
        if is_control and text[1:] in cut:
            continue
        name = None if is_control else names.get(tensor_ref(text))
        inputs.append(text if name is None else name)
    copy.input[:] = inputs


def _add_placeholders(
    graph: GraphView,
    out: Any,
    fed: Iterable[Fed],
    names: Mapping[TensorRef, str],
    free: Collection[TensorRef],
) -> None:
    by_name = {node.name: node for node in out.graph_def.node}
    for one in fed:
        node = by_name.get(names[one.ref])
        is_new = node is None
        if node is None:
            node = out.graph_def.node.add(name=names[one.ref], op="Placeholder")
            node.attr["dtype"].type = one.dtype
        if not is_new and one.ref not in free:
            continue
        shape = node.attr["shape"].shape
        shape.Clear()
        if one.shape is None:
            shape.unknown_rank = True
            continue
        for place, size in enumerate(one.shape):
            is_free = size is None or (place == 0 and one.ref in free)
            shape.dim.add(size=-1 if is_free else size)


def _rest_switches(out: Any, resting: Mapping[str, Resting]) -> None:
    """Put defaults under placeholders; a value can still be fed, which training does."""
    for node in list(out.graph_def.node):
        rest = resting.get(node.name)
        if rest is None or not rest.value:
            continue
        constant = out.graph_def.node.add(name=f"{node.name}/resting", op="Const")
        kind = node.attr["dtype"].type
        constant.attr["dtype"].type = kind
        constant.attr["value"].tensor.CopyFrom(_value(node.name, rest.value, kind))
        node.op = "PlaceholderWithDefault"
        node.input[:] = [constant.name]
        if node.attr["shape"].shape.unknown_rank or not node.attr["shape"].shape.dim:
            node.attr["shape"].shape.Clear()


def _value(name: str, text: str, kind: int) -> Any:
    """Read a number, a truth value or a string as a scalar of an element type."""
    import tensorflow as tf

    dtype = tf.as_dtype(kind)
    try:
        if dtype == tf.bool:
            value: Any = {"true": True, "1": True, "false": False, "0": False}[text.lower()]
        elif dtype == tf.string:
            value = text
        else:
            value = int(text) if dtype.is_integer else float(text)
        return tf.make_tensor_proto(value, dtype=dtype, shape=())
    except (KeyError, ValueError, TypeError, OverflowError) as error:
        message = f"--feed {name}={text}: expected a {dtype.name}"
        raise ArchitectureError(message, remedy=f"for example --feed {name}=0") from error


def _replace_initials(out: Any, replaced: Mapping[str, Part]) -> None:
    """Let variables start from zeros whose own first values cannot be computed any more."""
    import tensorflow as tf

    by_name = {node.name: node for node in out.graph_def.node}
    for name, part in replaced.items():
        kind = by_name[name].attr["dtype"].type
        zeros = out.graph_def.node.add(name=f"{name}/zeros", op="Const")
        zeros.attr["dtype"].type = kind
        proto = tf.make_tensor_proto(0, dtype=tf.as_dtype(kind), shape=part.shape)
        zeros.attr["value"].tensor.CopyFrom(proto)
        is_resource = by_name[name].op == "VarHandleOp"
        assign = out.graph_def.node.add(
            name=f"{name}/AssignZeros", op="AssignVariableOp" if is_resource else "Assign"
        )
        assign.input[:] = [name, zeros.name]
        assign.attr["dtype" if is_resource else "T"].type = kind


def _fix_seeds(out: Any, parts: Iterable[Part]) -> None:
    """Give first values a seed where they have none: the same input gives the same bytes."""
    graph = view(out.graph_def)
    random = graph.ancestors(part.definition.initializer_name for part in parts)
    for place, name in enumerate(sorted(random)):
        node = graph.nodes[name]
        if all(seed in node.attr and not node.attr[seed].i for seed in _RANDOM_SEEDS):
            node.attr["seed"].i, node.attr["seed2"].i = 1, place + 1


def _collect(
    graph: GraphView,
    meta: Any,
    out: Any,
    parts: Iterable[Part],
    replaced: Mapping[str, Part],
    kept: frozenset[str],
) -> None:
    """Fill the collections that loading needs; others may name what is gone."""
    new = {part.node: _definition(part, replaced).SerializeToString() for part in parts}
    out.collection_def["variables"].bytes_list.value.extend(new.values())
    for name in COLLECTIONS[1:]:
        held = meta.collection_def[name].bytes_list.value if name in meta.collection_def else ()
        nodes = [_node_of(data) for data in held]
        chosen = [new[node] for node in nodes if node in new]
        if chosen and name != "local_variables":
            out.collection_def[name].bytes_list.value.extend(chosen)
    for name in (TABLES, ASSETS):
        held = meta.collection_def[name].node_list.value if name in meta.collection_def else ()
        nodes = [text for text in held if tensor_ref(text).node in kept]
        if nodes:
            out.collection_def[name].node_list.value.extend(nodes)


def _node_of(data: bytes) -> str:
    from tensorflow.core.framework import variable_pb2

    return tensor_ref(variable_pb2.VariableDef.FromString(data).variable_name).node


def _definition(part: Part, replaced: Mapping[str, Part]) -> Any:
    if part.node not in replaced:
        return part.definition
    changed = type(part.definition)()
    changed.CopyFrom(part.definition)
    changed.initializer_name = f"{part.node}/AssignZeros"
    changed.initial_value_name = f"{part.node}/zeros:0"
    return changed
