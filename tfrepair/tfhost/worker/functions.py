"""The functions that a SavedModel offers: serve, train, evaluate, reset - callable and signatures.

Each exists twice over one trace: with the model's own structures for Python, and flat under string
names for everything else. Comes after the values are assigned: what a trace bakes in is then right.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tfrepair.core.findings import Finding, Severity
from tfrepair.core.receipt import SignatureRecord
from tfrepair.tfhost.worker.built import Built, Endpoint
from tfrepair.tfhost.worker.inputs import described, named_outputs, output_names
from tfrepair.tfhost.worker.loading import first_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Functions:
    """Traced functions.

    Attributes
    ----------
    callables
        ``tf.function`` by attribute name.
    signatures
        Concrete functions by signature name.
    records
        What each signature takes and gives.
    findings
        What could not be traced.
    """

    callables: Mapping[str, Any]
    signatures: Mapping[str, Any]
    records: tuple[SignatureRecord, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def traces(self) -> tuple[Any, ...]:
        """Every concrete function."""
        return tuple(self.signatures.values())


@dataclass(slots=True)
class _Collected:
    """What is traced so far; lives within one call of :func:`trace_all`."""

    callables: dict[str, Any] = field(default_factory=dict)
    signatures: dict[str, Any] = field(default_factory=dict)
    records: list[SignatureRecord] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def add(self, name: str, signature: str, call: Callable[..., Any], endpoint: Endpoint) -> None:
        """Trace a call once for Python and wrap it for the signature."""
        import tensorflow as tf

        function = tf.function(call, input_signature=endpoint.args)
        function.get_concrete_function()
        flat = _flat(function, endpoint)
        self.callables[name] = function
        self.signatures[signature] = flat
        outputs = flat.structured_outputs
        self.records.append(
            SignatureRecord(
                name=signature,
                inputs=described(endpoint.names, tf.nest.flatten(endpoint.args)),
                outputs=described(outputs, outputs.values()),
            )
        )


def trace_all(built: Built) -> Functions:
    """Trace everything that a model can do."""
    collected = _Collected()
    if built.serve is not None:
        collected.add("serve", "serving_default", built.serve.call, built.serve)
    for name, endpoint in built.endpoints.items():
        taken = "serve" if name in collected.callables else name
        collected.add(f"{name}_" if taken != name else name, name, endpoint.call, endpoint)
    if built.labels is not None and built.serve is not None:
        _add_training(built, collected)
    return Functions(
        callables=collected.callables,
        signatures=collected.signatures,
        records=tuple(collected.records),
        findings=tuple(collected.findings),
    )


def _flat(function: Any, endpoint: Endpoint) -> Any:
    """Return a concrete function from named tensors to a dict of named tensors."""
    import tensorflow as tf

    names = endpoint.names

    def call(**inputs: Any) -> dict[str, Any]:
        flat = [inputs[name] for name in names]
        outputs = function(*tf.nest.pack_sequence_as(endpoint.args, flat))
        named = zip(*named_outputs(outputs), strict=True)
        return {name: tf.identity(value) for name, value in named}

    specs = {
        name: tf.TensorSpec(spec.shape, spec.dtype, name=name)
        for name, spec in zip(names, tf.nest.flatten(endpoint.args), strict=True)
    }
    return tf.function(call).get_concrete_function(**specs)


def _add_training(built: Built, collected: _Collected) -> None:
    model = built.model
    endpoint = step_endpoint(built)
    has_labels = built.labels is not None and built.labels.specs is not None
    jit = getattr(model, "jit_compile", None) is True
    for name in ("train_step", "test_step"):
        step = _compiled(getattr(model, name), has_labels, jit)
        try:
            collected.add(name, name, step, endpoint)
        except Exception as error:
            first = first_line(error)
            collected.findings.append(
                Finding(
                    code=f"no-{name.replace('_', '-')}",
                    severity=Severity.LOSS,
                    where=model.name,
                    message=f"{name} could not be traced: {type(error).__name__}: {first[:300]}",
                    remedy="the model serves and holds its optimizer's state; to train on from the "
                    "SavedModel, make model.train_step traceable for (x, y)",
                )
            )
            return
    collected.add("reset_metrics", "reset_metrics", _resetter(model), _NOTHING)


_NOTHING = Endpoint(call=lambda: None, args=(), names=())


def _compiled(step: Callable[..., Any], has_labels: bool, jit: bool) -> Callable[..., Any]:
    """Return a step over ``(x, y)`` or ``(x)``, as the positional arguments of a function."""
    import tensorflow as tf

    def on_pair(x: Any, y: Any) -> Any:
        return step((x, y))

    def on_inputs(x: Any) -> Any:
        return step((x,))

    body = on_pair if has_labels else on_inputs
    return tf.function(body, jit_compile=True) if jit else body


def _resetter(model: Any) -> Callable[[], Any]:
    import tensorflow as tf

    def call() -> dict[str, Any]:
        model.reset_metrics()
        return {"done": tf.constant(True)}

    return call


def step_endpoint(built: Built) -> Endpoint:
    """Return the arguments of a training step: ``x`` and ``y``, flat ``x_<key>``, ``y_<key>``."""
    if built.serve is None or built.labels is None:
        message = "training needs inputs and a loss"
        raise ValueError(message)
    (x,) = built.serve.args
    args = (x,) if built.labels.specs is None else (x, built.labels.specs)
    names: list[str] = []
    for letter, part in zip("xy", args, strict=False):
        names += _lettered(letter, part)
    return Endpoint(call=built.model.train_step, args=args, names=tuple(names))


def _lettered(letter: str, structure: Any) -> list[str]:
    import tensorflow as tf

    if isinstance(structure, tf.TensorSpec):
        return [letter]
    keys = output_names(structure)
    return [f"{letter}_{key.removeprefix('output_')}" for key in keys]
