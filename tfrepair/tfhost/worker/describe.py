"""From a built model to an :class:`~tfrepair.core.architecture.Architecture`.

Also looks for what a save of this model would lose or could not hold: untracked variables, values
baked into the graph, operations that need this process. Comes after build, before planning.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tfrepair.core.architecture import (
    Architecture,
    Role,
    Variable,
    VariableKind,
)
from tfrepair.core.digest import array_digest, text_digest
from tfrepair.core.errors import ArchitectureError
from tfrepair.core.findings import Finding, Severity
from tfrepair.tfhost.protocol import CONFIG, ArchRequest
from tfrepair.tfhost.worker.build import build, trace
from tfrepair.tfhost.worker.built import MODULE, Built, Endpoint, NamedVariable
from tfrepair.tfhost.worker.captures import (
    CODE_OPS,
    RANDOM_OPS,
    Constant,
    captured_variables,
    constants,
    operation_types,
)
from tfrepair.tfhost.worker.export import versions
from tfrepair.tfhost.worker.inputs import described
from tfrepair.tfhost.worker.layers import Owner, layer_tree, owners, walk
from tfrepair.tfhost.worker.loading import user_code
from tfrepair.tfhost.worker.variables import is_variable, named_variables, raw

_ORDER = {
    VariableKind.WEIGHT: 0,
    VariableKind.SEED: 1,
    VariableKind.UNTRACKED: 2,
    VariableKind.METRIC: 3,
    VariableKind.OPTIMIZER: 4,
}


def describe(built: Built, request: ArchRequest) -> Architecture:
    """Describe a built model.

    Raises
    ------
    ArchitectureError
        If the model cannot be run from a file at all.
    """
    with user_code(built.folder, f"{type(built.model).__name__} could not be traced"):
        traces = traces_of(built)
    _require_no_code(built, traces)
    captured = captured_variables(traces, built)
    named = sorted(named_variables(built, captured), key=lambda entry: _ORDER[entry.kind])
    is_module = built.framework == MODULE
    who = {} if is_module else owners(built.model, built.framework)
    weights = {id(n.variable): n.path for n in named if n.kind is VariableKind.WEIGHT}
    root = None if is_module else layer_tree(built.model, built.framework, weights, built.keras)
    variables = tuple(_variable(entry, who, built.is_live) for entry in named)
    return Architecture(
        framework=built.framework,
        name=built.name,
        class_name=type(built.model).__name__,
        source=request.location + (f":{request.factory}" if request.factory else ""),
        digest=_digest(built, variables),
        variables=variables,
        root=root,
        inputs=_inputs(built.serve),
        outputs=() if built.trace is None else built.trace.outputs,
        optimizer="" if built.optimizer is None else type(built.optimizer).__name__,
        optimizer_config=_config(built),
        optimizer_origin=built.optimizer_origin,
        has_loss=built.labels is not None,
        is_live=built.is_live,
        versions=versions(built),
        findings=(
            *built.findings,
            *_untracked(named, built),
            *_random(traces, built),
            *_baked(traces, built, request),
        ),
    )


def _variable(entry: NamedVariable, who: dict[int, Owner], is_live: bool) -> Variable:
    variable = entry.variable
    owner = who.get(id(variable), Owner(layer="", layer_class="", role=Role.UNKNOWN))
    return Variable(
        path=entry.path,
        shape=tuple(variable.shape.as_list()),
        dtype=variable.dtype.base_dtype.name,
        trainable=bool(variable.trainable),
        kind=entry.kind,
        role=owner.role,
        layer=owner.layer,
        layer_class=owner.layer_class,
        of=entry.of,
        slot=entry.slot,
        initial_digest=array_digest(variable.numpy()) if is_live else "",
    )


def _inputs(endpoint: Endpoint | None) -> Any:
    import tensorflow as tf

    return () if endpoint is None else described(endpoint.names, tf.nest.flatten(endpoint.args))


def _digest(built: Built, variables: Sequence[Variable]) -> str:
    """Digest the source's text; a live model has none, so its variables' shapes stand for it."""
    if built.text:
        return text_digest(built.text)
    lines = (f"{v.path} {v.shape} {v.dtype}" for v in variables if v.kind is VariableKind.WEIGHT)
    return text_digest("\n".join(lines))


def _config(built: Built) -> dict[str, Any]:
    if built.optimizer is None:
        return {}
    config = built.keras.optimizers.serialize(built.optimizer)
    # Hyperparameters may be NumPy scalars or objects; what JSON does not know is kept as text.
    plain: dict[str, Any] = json.loads(json.dumps(config, default=str))
    return plain


def traces_of(built: Built) -> tuple[Any, ...]:
    """Return the forward pass as traced for serving, and for training where that differs."""
    if built.trace is None or built.serve is None:
        return tuple(trace(endpoint) for endpoint in built.endpoints.values())
    found = [built.trace.function]
    if built.framework == MODULE:
        return (*found, *(trace(endpoint) for endpoint in built.endpoints.values()))
    if getattr(built.model, "_call_has_training_arg", True):
        import tensorflow as tf

        model = built.model
        found.append(
            tf.function(lambda *args: model(*args, training=True)).get_concrete_function(
                *built.serve.args
            )
        )
    return tuple(found)


def _require_no_code(built: Built, traces: Sequence[Any]) -> None:
    found = operation_types(traces) & CODE_OPS
    if found:
        message = (
            f"{built.name} calls Python while it runs ({', '.join(sorted(found))}): that "
            "code would not be in the SavedModel, which could then not be run"
        )
        raise ArchitectureError(
            message, remedy="replace tf.py_function and tf.numpy_function by TensorFlow operations"
        )


def _untracked(named: Sequence[NamedVariable], built: Built) -> Iterator[Finding]:
    running = _running_states(built)
    for entry in named:
        if entry.kind is not VariableKind.UNTRACKED:
            continue
        if built.is_live:
            severity, what = Severity.WARNING, "its present value is in the SavedModel"
        elif id(entry.variable) in running:
            severity, what = Severity.WARNING, "the stateful layer starts from its initial state"
        else:
            severity, what = Severity.LOSS, "the SavedModel holds it with its initial value"
        yield Finding(
            code="untracked-variable",
            severity=severity,
            where=entry.path,
            message=f"the model computes with {entry.variable.name.partition(':')[0]!r} "
            f"{tuple(entry.variable.shape)}, which is in no weight list of Keras (get_weights, "
            f".weights.h5, .keras): {what}",
            remedy="create it with self.add_weight(...) in the layer, or convert the live model "
            "from Python: tfrepair.convert(..., arch=model)",
        )


def _running_states(built: Built) -> set[int]:
    """Return the states that stateful recurrent layers carry from batch to batch."""
    if built.framework == MODULE:
        return set()
    return {
        id(raw(state))
        for _, layer in walk(built.model, built.framework)
        if getattr(layer, "stateful", False)
        for state in (getattr(layer, "states", None) or ())
        if is_variable(state)
    }


def _random(traces: Sequence[Any], built: Built) -> Iterator[Finding]:
    drawn = operation_types(traces) & RANDOM_OPS
    if drawn:
        yield Finding(
            code="stateful-random",
            severity=Severity.WARNING,
            where=built.name,
            message=f"{', '.join(sorted(drawn))} keep their state in the process: a resumed "
            "training draws other random numbers than an uninterrupted one",
            remedy="use keras.random with a SeedGenerator, or tf.random.stateless_*",
        )


def _baked(traces: Sequence[Any], built: Built, request: ArchRequest) -> Iterator[Finding]:
    """Look for values in the graph that follow from the initial weights.

    A tensor that a layer computed from a weight when it was built is a constant to the graph; it
    would keep the initial weight's value. Building the model once more from other random weights
    shows it: what differs between the two graphs was derived from weights.
    """
    have = constants(traces)
    if not have or built.is_live or request.kind == CONFIG:
        return
    other = constants(traces_of(build(request, initial=1)))
    told: set[str] = set()
    for constant in _unmatched(have, Counter(constant.digest for constant in other)):
        if constant.digest in told or _is_finalized(built, constant):
            continue
        told.add(constant.digest)
        yield Finding(
            code="baked-constant",
            severity=Severity.LOSS,
            where=constant.name,
            message=f"a constant of shape {constant.value.shape} in the graph was computed from "
            "weights when the model was built: it keeps the initial weights' value",
            remedy="compute it in call(), or in a method finalize_state() that derives it anew",
        )


def _unmatched(have: Sequence[Constant], known: "Counter[str]") -> Iterator[Constant]:
    for constant in have:
        if known[constant.digest] > 0:
            known[constant.digest] -= 1
        else:
            yield constant


def _is_finalized(built: Built, constant: Constant) -> bool:
    """Tell whether a layer derives this constant anew once its weights are there."""
    import tensorflow as tf

    if built.framework == MODULE:
        return False
    return any(
        Constant(name=name, value=np.asarray(value)).digest == constant.digest
        for _, layer in walk(built.model, built.framework)
        if callable(getattr(layer, "finalize_state", None))
        for name, value in vars(layer).items()
        if tf.is_tensor(value) and not is_variable(value)
    )
