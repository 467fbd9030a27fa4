"""From a graph of TensorFlow 1 and values to a SavedModel of its kind.

There is no object graph in it: variables lie under the names that the graph's own checkpoints have
for them, so that the original code can restore from the SavedModel, too. Loads in
``tf.saved_model.load`` and in a session.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tfrepair.core.digest import array_digest
from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.errors import ArchitectureError, HostError
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.receipt import Receipt, SignatureRecord, WrittenVariable
from tfrepair.core.tensor import Array
from tfrepair.tfhost.protocol import ExportRequest, ValueFile
from tfrepair.tfhost.worker.export import make_deterministic
from tfrepair.tfhost.worker.graph_probe import probe_graph
from tfrepair.tfhost.worker.graph_variables import GraphVariable
from tfrepair.tfhost.worker.graph_view import TensorRef
from tfrepair.tfhost.worker.loading import first_line
from tfrepair.tfhost.worker.metagraph import BuiltGraph, spec

TRAIN_STEP = "train_step"
_ASSIGNS = frozenset({"Assign", "AssignVariableOp"})


def export_graph(built: BuiltGraph, request: ExportRequest) -> Receipt:
    """Fill the graph's variables and save it.

    Raises
    ------
    ArchitectureError
        If a table of the graph reads a file that is not there.
    HostError
        If a value does not fit, or a variable has neither a value nor an initial one.
    """
    import tensorflow as tf

    # Signatures and saver are built in a copy: the same graph can be exported again.
    graph = tf.Graph()
    with graph.as_default(), tf.compat.v1.Session(graph=graph) as session:
        _copied(built.graph)
        mine = BuiltGraph(
            graph=graph,
            serving=built.serving,
            fed=built.fed,
            variables=built.variables,
            versions=built.versions,
        )
        objects = {v.op.name: v for v in tf.compat.v1.global_variables()}
        _fill(session, built.variables, objects, request.values)
        tables = _tables(session)
        written = tuple(_written(session, variable, objects) for variable in built.variables)
        signatures = _signatures(mine)
        _save(session, Path(request.directory), objects, mine, signatures, tables)
        probe, note, findings = probe_graph(session, mine, request.probe)
    return Receipt(
        variables=written,
        signatures=tuple(_record(mine, name) for name in signatures),
        probe=probe,
        probe_note=note,
        findings=(*findings, *_restores_by_name()),
        versions=built.versions,
    )


def _restores_by_name() -> Iterator[Finding]:
    yield Finding(
        code="no-object-graph",
        severity=Severity.NOTE,
        where="saved_model.pb",
        message="a SavedModel of TensorFlow 1's kind: tf.saved_model.load gives its signatures, "
        "tf.compat.v1.train.Saver restores its variables by name",
    )


def _copied(graph: Any) -> None:
    """Import a graph into the default one, variables included."""
    from tensorflow.python.framework import meta_graph

    exported, _ = meta_graph.export_scoped_meta_graph(graph=graph)
    meta_graph.import_scoped_meta_graph(exported)


def _fill(
    session: Any,
    variables: Iterable[GraphVariable],
    objects: Mapping[str, Any],
    values: Iterable[ValueFile],
) -> None:
    by_path: dict[str, GraphVariable] = {str(v.described.path): v for v in variables}
    for value in values:
        variable = by_path.pop(value.path, None)
        if variable is None:
            message = f"no variable is called {value.path!r}, or it has a value already"
            raise HostError(message)
        want = (variable.described.shape, variable.described.dtype)
        if (value.shape, value.dtype) != want:
            message = f"{value.path}: expected {want}, got {(value.shape, value.dtype)}"
            raise HostError(message)
        array = np.fromfile(value.file, numpy_dtype(value.dtype)).reshape(value.shape)
        for part in variable.parts:
            _assign(session, objects[part.node], array[part.place])
    _initialize(session, [objects[p.node] for v in by_path.values() for p in v.parts])


def _assign(session: Any, variable: Any, value: Array) -> None:
    """Run a variable's own initializer with another value."""
    operation = variable.initializer
    if operation.type not in _ASSIGNS:
        message = f"{variable.op.name} is initialized by a {operation.type}, expected an Assign"
        raise HostError(message, remedy="give --arch model.py")
    session.run(operation, {operation.inputs[1]: value})


def _initialize(session: Any, variables: list[Any]) -> None:
    """Initialize variables whose first values may depend on those of others."""
    import tensorflow as tf

    while variables:
        left, last = [], ""
        for variable in variables:
            try:
                session.run(variable.initializer)
            except tf.errors.OpError as error:
                left.append(variable)
                last = first_line(error)
        if len(left) == len(variables):
            names = ", ".join(variable.op.name for variable in left[:5])
            message = f"{len(left)} variables have neither a value nor an initial one: {names}"
            message += f" ({last[:300]})"
            raise HostError(message)
        variables = left


def _tables(session: Any) -> Any:
    """Fill the tables; return the operation that does it, or ``None``."""
    import tensorflow as tf

    initializers = tf.compat.v1.get_collection(tf.compat.v1.GraphKeys.TABLE_INITIALIZERS)
    if not initializers:
        return None
    operation = tf.group(*initializers, name="init_all_tables_of_model")
    try:
        session.run(operation)
    except tf.errors.OpError as error:
        first = first_line(error)
        message = f"a table of the graph cannot be filled: {first[:500]}"
        raise ArchitectureError(
            message, remedy="put its vocabulary file where the graph looks for it"
        ) from error
    return operation


def _written(session: Any, variable: GraphVariable, objects: Mapping[str, Any]) -> WrittenVariable:
    described = variable.described
    whole = np.empty(described.shape, numpy_dtype(described.dtype))
    for part in variable.parts:
        whole[part.place] = session.run(objects[part.node])
    return WrittenVariable(
        path=described.path,
        key=str(described.path),
        shape=described.shape,
        dtype=described.dtype,
        sha256=array_digest(whole),
    )


def _signatures(built: BuiltGraph) -> dict[str, Any]:
    """Return signature definitions; a training step gets an operation of its own."""
    import tensorflow as tf

    serving, training = built.serving, built.serving.training
    found = {
        "serving_default": _signature(
            {one.name: built.given(one) for one in serving.inputs},
            {one.name: built.answered(one) for one in serving.outputs},
        )
    }
    if training.is_complete:
        run = built.graph.get_operation_by_name(training.operation)
        with tf.control_dependencies([run]):
            results = {
                name: tf.identity(built.graph.get_tensor_by_name(ref), name=f"{TRAIN_STEP}/{name}")
                for name, ref in _losses(built).items()
            }
        found[TRAIN_STEP] = _signature(_training_inputs(built), results)
    return found


def _losses(built: BuiltGraph) -> dict[str, str]:
    """Name what a step minimizes: ``loss``, or ``loss`` and ``loss_1`` of several optimizers."""
    losses = built.serving.training.losses
    return {f"loss_{place}" if place else "loss": str(ref) for place, ref in enumerate(losses)}


def _training_inputs(built: BuiltGraph) -> dict[str, Any]:
    names = {one.ref: one.name for one in built.serving.fed}
    taken = set(names.values())
    found = {}
    for ref in built.serving.training.fed:
        name = names.get(ref) or _free_name(ref, taken)
        found[name] = built.graph.get_tensor_by_name(f"{built.fed.get(ref, ref.node)}:0")
    return found


def _free_name(ref: TensorRef, taken: set[str]) -> str:
    name = "".join(c if c.isalnum() else "_" for c in ref.node)
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _signature(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> Any:
    import tensorflow as tf

    v1 = tf.compat.v1.saved_model
    return v1.build_signature_def(
        inputs={name: v1.build_tensor_info(tensor) for name, tensor in inputs.items()},
        outputs={name: v1.build_tensor_info(tensor) for name, tensor in outputs.items()},
        method_name=v1.signature_constants.PREDICT_METHOD_NAME,
    )


def _record(built: BuiltGraph, name: str) -> SignatureRecord:
    from tfrepair.core.architecture import TensorSpec

    serving = built.serving
    if name != TRAIN_STEP:
        return SignatureRecord(
            name=name,
            inputs=tuple(spec(one, built.given(one)) for one in serving.inputs),
            outputs=tuple(spec(one, built.answered(one)) for one in serving.outputs),
        )
    given = _training_inputs(built)
    losses = {
        label: built.graph.get_tensor_by_name(f"{TRAIN_STEP}/{label}:0") for label in _losses(built)
    }
    named = [*given.items(), *losses.items()]
    specs = [
        TensorSpec(
            name=label,
            shape=None if tensor.shape.rank is None else tuple(tensor.shape.as_list()),
            dtype=tensor.dtype.base_dtype.name,
        )
        for label, tensor in named
    ]
    return SignatureRecord(
        name=name, inputs=tuple(specs[: len(given)]), outputs=tuple(specs[len(given) :])
    )


def _save(
    session: Any,
    directory: Path,
    objects: Mapping[str, Any],
    built: BuiltGraph,
    signatures: Mapping[str, Any],
    tables: Any,
) -> None:
    import tensorflow as tf

    v1 = tf.compat.v1
    saved = {
        str(variable.described.path): [objects[part.node] for part in variable.parts]
        if variable.is_partitioned
        else objects[variable.parts[0].node]
        for variable in built.variables
    }
    saver = v1.train.Saver(saved) if saved else None
    builder = v1.saved_model.Builder(str(directory))
    builder.add_meta_graph_and_variables(
        session,
        [v1.saved_model.tag_constants.SERVING],
        signature_def_map=dict(signatures),
        assets_collection=v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS) or None,
        main_op=tables,
        saver=saver,
        clear_devices=True,
    )
    builder.save()
    make_deterministic(directory)
