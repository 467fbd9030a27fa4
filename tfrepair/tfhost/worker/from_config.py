"""A model from a configuration that was checked and upgraded before it came here.

Deserializes in the chosen Keras, with the user's custom objects by the names that the
configuration gives them and with our own stand-ins for functions whose meaning has changed.
Variables are counted while layers make them: a configuration may not ask for more memory than the
file it belongs to accounts for. Comes beside :mod:`tfrepair.tfhost.worker.loading`.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tfrepair.core.errors import ArchitectureError
from tfrepair.core.findings import Finding, Severity
from tfrepair.tfhost.protocol import CUSTOM, OLD_HARD_SIGMOID, ArchRequest
from tfrepair.tfhost.worker.layers import walk
from tfrepair.tfhost.worker.loading import Loaded, first_line

MAX_ELEMENTS = 1 << 28
"""Most elements of what one layer gives for one example: 1 GiB in float32."""
_WITHIN = "Exception encountered: "
_ASK = "give a model.py that builds the model with --arch"


def keras_module(generation: int) -> Any:
    """Return the Keras of a generation."""
    if generation == 2:
        import tf_keras

        return tf_keras
    import keras

    return keras


def load_config(request: ArchRequest, module: Any) -> Loaded:
    """Deserialize the model of a request and compile it.

    Parameters
    ----------
    request
        Of the kind ``"config"``.
    module
        The user's module of custom objects, or ``None``.

    Raises
    ------
    ArchitectureError
        If Keras refuses the configuration, a custom object is missing, or the model is larger than
        the source accounts for.
    """
    keras = keras_module(request.keras)
    objects = {**_own(keras), **_custom_objects(request, module, keras)}
    label = Path(request.location).name
    with _bounded(keras, request.max_parameters, label):
        model = _deserialized(request, keras, objects, label)
    _require_modest(model, label)
    findings: tuple[Finding, ...] = ()
    if request.training:
        findings = _compiled(model, request, keras, objects)
    return Loaded(model=model, text=request.config + request.training, findings=findings)


def _deserialized(request: ArchRequest, keras: Any, objects: Mapping[str, Any], label: str) -> Any:
    config = json.loads(request.config)
    try:
        if request.keras == 2:
            return keras.models.model_from_config(config, custom_objects=dict(objects))
        return keras.saving.deserialize_keras_object(config, custom_objects=dict(objects))
    except ArchitectureError:
        raise
    except Exception as error:
        message = f"{label}: Keras {request.keras} cannot build it: {_cause(error)[:400]}"
        other = "--keras 3" if request.keras == 2 else "--keras 2"
        remedy = f"try {other} for the other generation, or {_ASK}"
        raise ArchitectureError(message, remedy=remedy) from error


def _cause(error: BaseException) -> str:
    """Return the innermost of the errors that Keras tells within one another."""
    *_, last = str(error).split(_WITHIN)
    return next((line.strip() for line in last.splitlines() if line.strip()), first_line(error))


def _own(keras: Any) -> dict[str, Any]:
    """Return functions that today's Keras has under no name of its own."""
    if keras.__name__ != "keras":
        return {}

    def old_hard_sigmoid(x: Any) -> Any:
        """Compute what ``hard_sigmoid`` was before Keras 3."""
        return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)

    return {f"{CUSTOM}{OLD_HARD_SIGMOID}": old_hard_sigmoid}


def _custom_objects(request: ArchRequest, module: Any, keras: Any) -> dict[str, Any]:
    """Return what the configuration wants of the user's module, under the names it uses."""
    if not request.wanted:
        return {}
    registered = {
        key.rpartition(">")[2]: value for key, value in keras.saving.get_custom_objects().items()
    }
    there = {**registered, **(vars(module) if module is not None else {})}
    missing = [f"{name} (wanted by {who!r})" for name, who in request.wanted if name not in there]
    if missing:
        place = Path(request.custom_objects).name
        own = sorted(n for n, v in there.items() if callable(v) and not n.startswith("_"))
        message = f"{place} does not define {', '.join(missing)}"
        raise ArchitectureError(message, remedy=f"it defines: {', '.join(own) or 'nothing'}")
    return {f"{CUSTOM}{name}": there[name] for name, _ in request.wanted}


@contextmanager
def _bounded(keras: Any, limit: int, label: str) -> Iterator[None]:
    """Count what layers ask for, and stop before a variable goes beyond the limit."""
    if not limit:
        yield
        return
    layer = keras.layers.Layer
    add_weight: Callable[..., Any] = layer.add_weight
    places = (0, 1) if keras.__name__ == "keras" else (1, 0)
    total = 0

    def counting(self: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal total
        at = places[0]
        shape = kwargs.get("shape", args[at] if len(args) > at else None)
        total += _size(shape)
        if total > limit:
            message = (
                f"{label}: with {self.name!r} the configuration asks for {total} parameters; the "
                f"file accounts for no more than {limit}"
            )
            raise ArchitectureError(message, remedy=_ASK)
        return add_weight(self, *args, **kwargs)

    layer.add_weight = counting
    try:
        yield
    finally:
        layer.add_weight = add_weight


def _size(shape: Any) -> int:
    if shape is None:
        return 1
    if isinstance(shape, int):
        return shape
    return math.prod(int(size) for size in shape if size is not None)


def _require_modest(model: Any, label: str) -> None:
    """Refuse layers whose outputs nobody could hold: they cost nothing until they are computed."""
    for path, layer in walk(model, "keras2" if _is_legacy(model) else "keras3"):
        for node in getattr(layer, "_inbound_nodes", ()):
            tensors = getattr(node, "output_tensors", None)
            if tensors is None:
                tensors = getattr(node, "outputs", ())
            for size in map(_elements, _flat(tensors)):
                if size > MAX_ELEMENTS:
                    message = (
                        f"{label}: {path!r} gives {size} elements for each example; the limit is "
                        f"{MAX_ELEMENTS}"
                    )
                    raise ArchitectureError(message, remedy=_ASK)


def _is_legacy(model: Any) -> bool:
    return any(base.__module__.startswith("tf_keras.") for base in type(model).__mro__)


def _flat(tensors: Any) -> list[Any]:
    import tensorflow as tf

    return list(tf.nest.flatten(tensors))


def _elements(tensor: Any) -> int:
    shape = getattr(tensor, "shape", None)
    if shape is None or getattr(shape, "rank", 0) is None:
        return 0
    return math.prod(int(size) for size in tuple(shape) if size is not None)


def _compiled(
    model: Any, request: ArchRequest, keras: Any, objects: Mapping[str, Any]
) -> tuple[Finding, ...]:
    """Compile as the file states; what the user states comes first.

    Returns
    -------
    A finding if it cannot be done: the weights do not depend on it.
    """
    training = json.loads(request.training)
    try:
        with keras.saving.custom_object_scope(dict(objects)):
            model.compile(
                optimizer=_optimizer(request.optimizer, training, keras, objects),
                loss=request.loss or _objects(training.get("loss"), keras.losses, objects),
                metrics=list(request.metrics)
                or _objects(training.get("metrics"), keras.metrics, objects),
                weighted_metrics=_objects(training.get("weighted_metrics"), keras.metrics, objects),
                loss_weights=training.get("loss_weights"),
            )
    except Exception as error:
        if request.optimizer or request.loss or request.metrics:
            message = f"cannot compile as asked: {first_line(error)[:300]}"
            remedy = "use names that Keras knows: adam, mse, ..."
            raise ArchitectureError(message, remedy=remedy) from error
        lost = Finding(
            code="training-not-read",
            severity=Severity.LOSS,
            where=f"{Path(request.location).name}: training_config",
            message=f"the model cannot be compiled as it states: {first_line(error)[:300]}",
            remedy="give --optimizer, --loss and --metrics",
        )
        return (lost,)
    return ()


def _optimizer(
    asked: str, training: Mapping[str, Any], keras: Any, objects: Mapping[str, Any]
) -> Any:
    if asked.lstrip().startswith("{"):
        return keras.optimizers.deserialize(json.loads(asked))
    if asked:
        return keras.optimizers.get(asked)
    return keras.optimizers.deserialize(training["optimizer"], custom_objects=dict(objects))


def _objects(value: Any, module: Any, objects: Mapping[str, Any]) -> Any:
    """Turn names and configurations of losses or metrics into what ``compile`` takes."""
    if isinstance(value, dict) and "class_name" in value:
        return module.deserialize(value, custom_objects=dict(objects))
    if isinstance(value, dict):
        return {key: _objects(part, module, objects) for key, part in value.items()}
    if isinstance(value, list):
        return [_objects(part, module, objects) for part in value]
    return objects.get(value, value) if isinstance(value, str) else value
