"""Which optimizer a model trains with: its own, the one asked for, or the source's.

Compiles models that are not, changes hyperparameters of those that are, and lets a learning rate
schedule go on from another step than the optimizer's. Comes before
:mod:`tfrepair.tfhost.worker.training`. Facts: Keras 3.15, tf_keras 2.21.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tfrepair.core.errors import ArchitectureError
from tfrepair.core.findings import Finding, Severity
from tfrepair.tfhost.protocol import CONFIG, ArchRequest
from tfrepair.tfhost.worker.built import Built
from tfrepair.tfhost.worker.loading import first_line

LEGACY = "legacy"
"""Key of a serialized optimizer that asks for ``tf_keras.optimizers.legacy``."""


def compiled(built: Built, request: ArchRequest) -> Built:
    """Give a model its optimizer.

    Parameters
    ----------
    built
        A Keras model whose inputs are known.
    request
        What is asked for.

    Raises
    ------
    ArchitectureError
        If Keras does not know what is asked for.
    """
    found = _with_optimizer(built, request)
    if found.optimizer is None or not request.optimizer_settings:
        return found
    settings = {name: json.loads(text) for name, text in request.optimizer_settings}
    changed = _changed(found, settings)
    if changed is None:
        return found
    found.model.optimizer = changed
    return replace(found, optimizer=changed)


def _with_optimizer(built: Built, request: ArchRequest) -> Built:
    model = built.model
    optimizer = getattr(model, "optimizer", None)
    asked = request.optimizer or request.loss or request.metrics
    if optimizer is not None:
        return _own(built, optimizer, request, is_asked=bool(asked))
    if not asked:
        return _of_source(built, request)
    if not request.optimizer and not request.fallback_optimizer:
        message = "--loss and --metrics say how to train, but not with which optimizer"
        raise ArchitectureError(
            message, remedy="give --optimizer too, for example --optimizer adam"
        )
    text = request.optimizer or request.fallback_optimizer
    try:
        _compile(built, text, request)
    except (ValueError, TypeError) as error:
        message = f"cannot compile with --optimizer {text}: {first_line(error)[:300]}"
        raise ArchitectureError(
            message, remedy="use names that Keras knows: adam, mse, ..."
        ) from error
    origin = "option" if request.optimizer else "source"
    return replace(built, optimizer=model.optimizer, optimizer_origin=origin)


def _own(built: Built, optimizer: Any, request: ArchRequest, *, is_asked: bool) -> Built:
    """Keep what the model is compiled with; a configuration's class may be its legacy one."""
    if request.kind == CONFIG:
        if request.fallback_optimizer and not request.optimizer:
            replaced = _optimizer(built.keras, request.fallback_optimizer)
            built.model.optimizer = optimizer = replaced
        return replace(built, optimizer=optimizer, optimizer_origin="source")
    if not is_asked:
        return replace(built, optimizer=optimizer, optimizer_origin="architecture")
    finding = Finding(
        code="already-compiled",
        severity=Severity.WARNING,
        where=built.model.name,
        message=f"the model is compiled with {type(optimizer).__name__}; --optimizer, --loss "
        "and --metrics are for models that are not, and were left aside",
        remedy="compile the model in model.py as you want it",
    )
    return replace(
        built,
        optimizer=optimizer,
        optimizer_origin="architecture",
        findings=(*built.findings, finding),
    )


def _of_source(built: Built, request: ArchRequest) -> Built:
    """Compile with the optimizer of the source, if this Keras has it; there is no loss then."""
    if not request.fallback_optimizer:
        return built
    try:
        _compile(built, request.fallback_optimizer, request)
    except Exception as error:
        finding = Finding(
            code="optimizer-not-built",
            severity=Severity.WARNING,
            where=built.model.name,
            message="the optimizer that the source was trained with cannot be built here: "
            f"{type(error).__name__}: {first_line(error)[:300]}",
            remedy="compile the model in model.py, or give --optimizer",
        )
        return replace(built, findings=(*built.findings, finding))
    return replace(built, optimizer=built.model.optimizer, optimizer_origin="source")


def _compile(built: Built, text: str, request: ArchRequest) -> None:
    built.model.compile(
        optimizer=_optimizer(built.keras, text),
        loss=request.loss or None,
        metrics=list(request.metrics) or None,
    )


def _optimizer(keras: Any, text: str) -> Any:
    if not text.lstrip().startswith("{"):
        return keras.optimizers.get(text)
    config = json.loads(text)
    if config.pop(LEGACY, False):
        settings = dict(config["config"])
        rate = settings.get("learning_rate")
        if isinstance(rate, dict):
            settings["learning_rate"] = keras.optimizers.schedules.deserialize(rate)
        return getattr(keras.optimizers.legacy, config["class_name"]).from_config(settings)
    return deserialized(keras, config)


def deserialized(keras: Any, config: Mapping[str, Any]) -> Any:
    """Return the optimizer of a serialized one.

    Keras' own lookup does not know all of its classes (Lion and Adafactor in tf_keras, Lamb in
    Keras 3.15), and then returns the name.
    """
    found = keras.optimizers.deserialize(config)
    own = getattr(keras.optimizers, str(config["class_name"]), None)
    return own.from_config(dict(config["config"])) if isinstance(found, str) and own else found


def _changed(built: Built, settings: Mapping[str, Any]) -> Any:
    """Return the optimizer with other hyperparameters; ``None`` if it has these already."""
    optimizer = built.optimizer
    config = built.keras.optimizers.serialize(optimizer)
    inner = config["config"]
    while isinstance(inner.get("inner_optimizer"), dict):
        inner = inner["inner_optimizer"]["config"]
    unknown = [name for name in settings if name not in inner]
    if unknown:
        known = ", ".join(name for name in inner if name not in ("name", "jit_compile"))
        message = f"{type(optimizer).__name__} has no hyperparameter {unknown[0]!r}"
        raise ArchitectureError(message, remedy=f"it has: {known}")
    if all(inner[name] == value for name, value in settings.items()):
        return None
    inner.update(settings)
    try:
        if ".legacy." in type(optimizer).__module__:
            return type(optimizer).from_config(config["config"])
        return deserialized(built.keras, config)
    except (ValueError, TypeError) as error:
        given = ", ".join(f"{name}={value!r}" for name, value in settings.items())
        message = f"{type(optimizer).__name__} does not take {given}: {first_line(error)[:300]}"
        raise ArchitectureError(message, remedy="give other values") from error


def shift_schedule(built: Built, offset: int) -> Callable[[], None]:
    """Let the learning rate schedule see a later step than the optimizer's counter.

    Parameters
    ----------
    built
        Its optimizer is changed; without a schedule nothing happens.
    offset
        Added to the step; the sum is not below 0.

    Returns
    -------
    Puts the schedule back.
    """
    if built.optimizer is None or not offset:
        return _nothing
    optimizer = built.optimizer
    while getattr(optimizer, "inner_optimizer", None) is not None:
        optimizer = optimizer.inner_optimizer
    base = built.keras.optimizers.schedules.LearningRateSchedule
    hyper = getattr(optimizer, "_hyper", None)
    holder: Any = hyper if isinstance(hyper, dict) else vars(optimizer)
    name = "learning_rate" if isinstance(hyper, dict) else "_learning_rate"
    schedule = holder.get(name)
    if not isinstance(schedule, base):
        return _nothing

    def put(value: Any) -> None:
        if isinstance(hyper, dict):
            hyper[name] = value
        else:
            setattr(optimizer, name, value)

    put(_shifted(base, schedule, offset))
    return lambda: put(schedule)


def _nothing() -> None:
    """Nothing was shifted."""


def _shifted(base: Any, schedule: Any, offset: int) -> Any:
    import tensorflow as tf

    class OffsetSchedule(base):  # type: ignore[misc]
        """A schedule that begins at another step."""

        def __call__(self, step: Any) -> Any:
            return schedule(tf.maximum(tf.cast(step, tf.int64) + offset, 0))

        def get_config(self) -> dict[str, Any]:
            return {"offset": offset}

    return OffsetSchedule()
