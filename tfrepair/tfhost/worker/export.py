"""From a filled model to a complete SavedModel: one root, one copy of each variable.

The root is a plain trackable, not the Keras model: Keras' own wrappers write variables twice or
under keys that session loaders cannot read. Its edges: ``vars`` with every variable under its
readable name, ``model`` and ``optimizer`` as mirrors, the functions. Source: measured, see
``docs/decisions/0004``.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfrepair.core.digest import array_digest
from tfrepair.core.errors import HostError
from tfrepair.core.findings import Finding
from tfrepair.core.receipt import Receipt, WrittenVariable
from tfrepair.tfhost.protocol import ExportRequest
from tfrepair.tfhost.worker.assign import assign, finalize, reset_training_state, snapshot
from tfrepair.tfhost.worker.built import MODULE, Built, NamedVariable
from tfrepair.tfhost.worker.captures import RANDOM_OPS, captured_variables, operation_types
from tfrepair.tfhost.worker.compiling import shift_schedule
from tfrepair.tfhost.worker.functions import Functions, trace_all
from tfrepair.tfhost.worker.loading import first_line, user_code
from tfrepair.tfhost.worker.mirror import mirror, resources
from tfrepair.tfhost.worker.probe import probe
from tfrepair.tfhost.worker.variables import named_variables

SAVE_COUNTER = "save_counter"
"""``tf.train.Checkpoint`` owns a variable of this name and misses it in what it restores."""


def export(built: Built, request: ExportRequest) -> Receipt:
    """Fill the model, trace it, and save it.

    Raises
    ------
    ArchitectureError
        If the model cannot be traced with its values.
    HostError
        If a value does not fit, or TensorFlow does not save what it was given.
    """
    traces = () if built.trace is None else (built.trace.function,)
    variables = named_variables(built, captured_variables(traces, built))
    assign(request.values, variables)
    if built.is_live and not request.keep_state:
        reset_training_state(built)
        # A fresh optimizer may start from the weights; what has a source comes after it.
        assign(request.values, variables)
    finalize(built)
    shift_schedule(built, request.schedule_offset)
    with user_code(built.folder, f"{type(built.model).__name__} could not be traced"):
        restore = snapshot(named_variables(built, captured_variables(traces, built)))
        functions = trace_all(built)
        restore()
    captured = captured_variables((*traces, *functions.traces), built)
    variables = named_variables(built, captured)
    digests = tuple(_written(named) for named in variables)
    root = _root(built, variables, functions)
    directory = Path(request.directory)
    _save(root, directory, functions)
    note, findings = _randomness(functions)
    probe_file = _probe(built, variables, request.probe)
    return Receipt(
        variables=(*digests, _counter(root)),
        signatures=functions.records,
        probe=probe_file,
        probe_note=note,
        findings=(*functions.findings, *findings),
        versions=versions(built),
    )


def _written(named: NamedVariable) -> WrittenVariable:
    value = np.asarray(named.variable.numpy())
    return WrittenVariable(
        path=named.path,
        key=checkpoint_key(named.path),
        shape=tuple(value.shape),
        dtype=named.variable.dtype.base_dtype.name,
        sha256=array_digest(value),
    )


def checkpoint_key(path: str) -> str:
    """Return the key of a variable below ``vars``, as TensorFlow escapes it.

    Source: tensorflow ``python/trackable/trackable_utils.py``, ``escape_local_name``.
    """
    escaped = path.replace(".", "..").replace("/", ".S")
    return f"vars/{escaped}/.ATTRIBUTES/VARIABLE_VALUE"


def _counter(root: Any) -> WrittenVariable:
    from tfrepair.core.architecture import VariablePath

    return WrittenVariable(
        path=VariablePath(SAVE_COUNTER),
        key=f"{SAVE_COUNTER}/.ATTRIBUTES/VARIABLE_VALUE",
        shape=(),
        dtype="int64",
        sha256=array_digest(np.asarray(root.save_counter.numpy())),
    )


def _root(built: Built, variables: Sequence[NamedVariable], functions: Functions) -> Any:
    import tensorflow as tf

    root = tf.__internal__.tracking.AutoTrackable()
    # First and shallow: a checkpoint key is the first shortest path to a variable.
    root.vars = {named.path: named.variable for named in variables}
    root.save_counter = tf.Variable(np.int64(0), trainable=False, name=SAVE_COUNTER, dtype=tf.int64)
    for name, real in (("model", built.model), ("optimizer", built.optimizer)):
        node = None if real is None else mirror(real)
        if node is not None:
            setattr(root, name, node)
    kept = resources(built.model)
    if kept:
        root.resources = kept
    flags = [(named.variable, bool(named.variable.trainable)) for named in variables]
    root.variables = [variable for variable, _ in flags]
    root.trainable_variables = [variable for variable, trainable in flags if trainable]
    for name, function in functions.callables.items():
        setattr(root, name, function)
    return root


def _save(root: Any, directory: Path, functions: Functions) -> None:
    import tensorflow as tf

    try:
        tf.saved_model.save(root, str(directory), signatures=dict(functions.signatures))
    except AssertionError as error:
        first = first_line(error)
        message = f"TensorFlow does not save the model: {first[:500]}"
        raise HostError(
            message,
            remedy="something in the model holds a resource (table, iterator) that no layer "
            "tracks: make it an attribute of a layer",
        ) from error
    make_deterministic(directory)


def make_deterministic(directory: Path) -> None:
    """Replace the random identifier of the fingerprint by one that follows from its content.

    Source: tensorflow ``core/protobuf/fingerprint.proto``: field 7 is a random uuid.
    """
    from tensorflow.core.protobuf import fingerprint_pb2

    path = directory / "fingerprint.pb"
    if not path.is_file():
        return
    fingerprint = fingerprint_pb2.FingerprintDef.FromString(path.read_bytes())
    fingerprint.uuid = ""
    content = fingerprint.SerializeToString(deterministic=True)
    number = int.from_bytes(hashlib.sha256(content).digest()[:8], "little")
    fingerprint.uuid = str(number)
    path.write_bytes(fingerprint.SerializeToString(deterministic=True))


def _randomness(functions: Functions) -> tuple[str, tuple[Finding, ...]]:
    """Say which functions draw random numbers from a state that no file holds."""
    serving = [f for name, f in functions.signatures.items() if name == "serving_default"]
    drawn = operation_types(serving) & RANDOM_OPS
    if not drawn:
        return "", ()
    text = f"serving draws random numbers ({', '.join(sorted(drawn))})"
    return text, ()


def _probe(built: Built, variables: Sequence[NamedVariable], path: str) -> str:
    if built.serve is None:
        return ""
    restore = snapshot(variables)
    try:
        members: Any = probe(built.serve, restore)
    finally:
        restore()
    np.savez(path, **members)
    return path


def versions(built: Built) -> dict[str, str]:
    """Return the versions of the frameworks at work."""
    import tensorflow as tf

    found = {"tensorflow": tf.__version__}
    if built.framework != MODULE:
        found[built.keras.__name__] = built.keras.__version__
    return found
