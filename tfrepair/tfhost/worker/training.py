"""What training needs: the labels that a loss expects, and optimizer and metrics that are built.

A training step can be traced only when every variable exists before; Keras makes most of them on
the first batch. Facts: Keras 3.15, tf_keras 2.21.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from tfrepair.core.findings import Finding, Severity
from tfrepair.tfhost.worker.built import KERAS_3, Built, Labels
from tfrepair.tfhost.worker.inputs import example
from tfrepair.tfhost.worker.loading import first_line
from tfrepair.tfhost.worker.probe import example_args


def prepare_training(built: Built) -> Built:
    """Build optimizer and metrics, and find out what the loss compares outputs with."""
    if built.optimizer is None:
        return built
    labels = _labels(built)
    if labels is not None:
        problem = _build_metrics(built, labels)
        if problem:
            finding = Finding(
                code="no-train-step",
                severity=Severity.LOSS,
                where=built.name,
                message="the compiled loss and metrics could not be run on labels like "
                f"{_words(labels)}: {problem}; the SavedModel gets no train_step",
                remedy="a custom loss or train_step may want other labels; the optimizer's state "
                "is saved all the same",
            )
            labels = None
            built = replace(built, findings=(*built.findings, finding))
    _build_optimizer(built)
    return replace(built, labels=labels)


def _build_optimizer(built: Built) -> None:
    optimizer = built.optimizer
    weights = built.model.trainable_variables
    if hasattr(optimizer, "get_slot_names"):
        # Legacy optimizers have no public way of creating their slots without a step.
        optimizer._create_all_weights(weights)
    else:
        optimizer.build(weights)


def _labels(built: Built) -> Labels | None:
    """Return the labels' specs: those of the outputs, or class numbers for a sparse loss."""
    if built.trace is None or built.serve is None or len(built.serve.args) != 1:
        return None
    loss = getattr(built.model, "loss", None)
    if loss is None or loss in ([], {}, ""):
        return Labels(specs=None) if built.model.losses else None
    outputs = built.trace.function.structured_outputs
    names = list(getattr(built.model, "output_names", None) or ())
    return Labels(specs=_for_outputs(outputs, loss, names))


def _for_outputs(outputs: Any, loss: Any, names: list[str]) -> Any:
    if isinstance(outputs, Mapping):
        return {
            key: _for_outputs(part, _of_key(loss, key, place), [])
            for place, (key, part) in enumerate(outputs.items())
        }
    if isinstance(outputs, list | tuple):
        keys = names if len(names) == len(outputs) else [""] * len(outputs)
        return [
            _for_outputs(part, _of_key(loss, keys[place], place), [])
            for place, part in enumerate(outputs)
        ]
    return _label(outputs, loss)


def _of_key(loss: Any, key: str, place: int) -> Any:
    if isinstance(loss, Mapping):
        return loss.get(key)
    if isinstance(loss, list | tuple):
        return loss[place] if place < len(loss) else None
    return loss


def _label(output: Any, loss: Any) -> Any:
    import tensorflow as tf

    shape = output.shape
    if shape.rank:
        shape = tf.TensorShape([None, *shape[1:]])
    if "sparse" in _name(loss):
        return tf.TensorSpec(shape[:-1], tf.int64)
    dtype = output.dtype if output.dtype.is_floating else tf.float32
    # Labels keep full precision where a mixed policy computes in half.
    return tf.TensorSpec(shape, tf.float32 if dtype.size < tf.float32.size else dtype)


def _name(loss: Any) -> str:
    if isinstance(loss, str):
        return loss.lower()
    parts = (
        getattr(loss, "name", ""),
        getattr(loss, "__name__", ""),
        type(loss).__name__,
        getattr(getattr(loss, "fn", None), "__name__", ""),
    )
    return " ".join(str(part) for part in parts if part).lower()


def _words(labels: Labels) -> str:
    import tensorflow as tf

    flat = tf.nest.flatten(labels.specs)
    return ", ".join(f"{spec.dtype.name} {spec.shape}" for spec in flat) or "none"


def batch_of(built: Built, labels: Labels) -> tuple[Any, ...]:
    """Return one example batch as ``train_step`` takes it: ``(x, y)``, or ``(x,)``."""
    import tensorflow as tf

    if built.serve is None:
        message = "a model without inputs has no batches"
        raise ValueError(message)
    (x,) = built.sample or example_args(built.serve.args, built.serve.call)
    if labels.specs is None:
        return (x,)
    first = tf.nest.flatten(x)[0]
    outputs = built.serve.call(x)
    flat = [
        _example_label(spec, output, int(first.shape[0]))
        for spec, output in zip(
            tf.nest.flatten(labels.specs), tf.nest.flatten(outputs), strict=True
        )
    ]
    return x, tf.nest.pack_sequence_as(labels.specs, flat)


def _example_label(spec: Any, output: Any, batch: int) -> Any:
    import tensorflow as tf

    if spec.dtype == tf.int64:
        return tf.zeros(output.shape[:-1], tf.int64)
    rng = np.random.default_rng(0)
    fitting = tf.TensorSpec(output.shape, spec.dtype)
    return tf.constant(np.abs(example(fitting, batch=batch, size=1, rng=rng)), spec.dtype)


def _build_metrics(built: Built, labels: Labels) -> str:
    """Create the variables of loss and metrics; return what went wrong, or nothing."""
    model = built.model
    try:
        data = batch_of(built, labels)
        if built.framework == KERAS_3:
            _symbolically(model, data)
        else:
            model.test_step(data)
        model.reset_metrics()
    except Exception as error:
        first = first_line(error)
        return f"{type(error).__name__}: {first[:200]}"
    return ""


def _symbolically(model: Any, data: tuple[Any, ...]) -> None:
    try:
        model._symbolic_build(data_batch=data)
    except Exception:
        # Calls that symbolic tensors do not survive may still run on values.
        model.test_step(data)
