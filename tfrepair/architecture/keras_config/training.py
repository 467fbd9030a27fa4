"""What a file says about training: optimizer, loss and metrics, for ``compile`` of today's Keras.

``training_config`` of every era and ``compile_config`` of ``.keras``. Names and settings that have
changed are brought up to date; what is not Keras' own and not given costs the training step, never
the weights.

Source: ``compile_args_from_training_config`` in tf_keras 2.21, ``get_compile_config`` in Keras
3.15, the optimizers of Keras 1.2.2 to 3.15; ``tests/golden/keras``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tfrepair.architecture.keras_config import known
from tfrepair.architecture.keras_config.layers import Target
from tfrepair.architecture.keras_config.notes import Notes
from tfrepair.architecture.keras_config.objects import bare_name, build, dtype_name, is_own, plain
from tfrepair.core.findings import Finding, Severity

_BASE = frozenset({"name", "learning_rate", "weight_decay", "clipnorm", "clipvalue",
                   "global_clipnorm", "use_ema", "ema_momentum", "ema_overwrite_frequency",
                   "loss_scale_factor", "gradient_accumulation_steps"})  # fmt: skip
_MOMENTS = frozenset({"beta_1", "beta_2", "epsilon"})
_OWN: Mapping[str, frozenset[str]] = {
    "SGD": frozenset({"momentum", "nesterov"}),
    "RMSprop": frozenset({"rho", "momentum", "epsilon", "centered"}),
    "Adam": _MOMENTS | {"amsgrad"},
    "AdamW": _MOMENTS | {"amsgrad"},
    "Adamax": _MOMENTS,
    "Nadam": _MOMENTS,
    "Adagrad": frozenset({"initial_accumulator_value", "epsilon"}),
    "Adadelta": frozenset({"rho", "epsilon"}),
    "Ftrl": frozenset({"learning_rate_power", "initial_accumulator_value", "beta",
                       "l1_regularization_strength", "l2_regularization_strength",
                       "l2_shrinkage_regularization_strength"}),
    "Lion": frozenset({"beta_1", "beta_2"}),
    "Adafactor": frozenset({"beta_2_decay", "epsilon_1", "epsilon_2", "clip_threshold",
                            "relative_step"}),
}  # fmt: skip
_SILENT = frozenset({"decay", "jit_compile", "is_legacy_optimizer", "schedule_decay"})
"""Settings that Keras 3 has not and whose absence is dealt with, or changes nothing."""
_REDUCTIONS = {"auto": "sum_over_batch_size"}
_WRAPPERS = ("MeanMetricWrapper", "SumOverBatchSizeMetricWrapper", "LossFunctionWrapper")
_LOSS_CLASSES = {name: word for word, name in known.LOSSES.items()}
Value = Any


@dataclass(slots=True, kw_only=True)
class _Reading:
    """Lives within one call of :func:`training_of`."""

    target: Target
    notes: Notes
    lost: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def training_of(value: object, stored: str, target: Target, notes: Notes) -> dict[str, Value]:
    """Return what to compile a model with.

    Parameters
    ----------
    value
        ``training_config`` or ``compile_config``, parsed; ``None`` if there is none.
    stored
        Name that the file gives its optimizer beside the configuration (``"adam"``), or empty.
    target, notes
        As for :func:`~tfrepair.architecture.keras_config.layers.model`.

    Returns
    -------
    ``optimizer`` (class and settings), ``loss``, ``metrics``, ``weighted_metrics``,
    ``loss_weights``, as far as they are there; empty if there is no optimizer.
    """
    held = value if isinstance(value, dict) else {}
    reading = _Reading(target=target, notes=notes)
    optimizer = _optimizer(held.get("optimizer_config", held.get("optimizer")), reading)
    if optimizer is None and stored and not reading.lost:
        optimizer = _by_name(stored, reading)
    found: dict[str, Value] = {}
    if optimizer is not None:
        found["optimizer"] = optimizer
        loss = _structure(held.get("loss"), _loss, reading)
        if loss not in (None, [], {}, ""):
            found["loss"] = loss
        for key in ("metrics", "weighted_metrics"):
            metrics = _flat(_structure(held.get(key), _metric, reading))
            if metrics:
                found[key] = metrics
        weights = plain(held.get("loss_weights"), notes, "")
        if weights:
            found["loss_weights"] = weights
    _tell(found, reading)
    return found


def _tell(found: Mapping[str, Value], reading: _Reading) -> None:
    notes = reading.notes
    part = notes.where
    if reading.lost:
        notes.findings.append(
            Finding(
                code="training-not-read",
                severity=Severity.LOSS,
                where=part,
                message=f"not Keras' own, and not run: {', '.join(reading.lost)}",
                remedy="give the module that defines it with --custom-objects (it is run), or "
                "--optimizer, --loss and --metrics",
            )
        )
    if reading.skipped:
        notes.warn(
            "metrics-not-read",
            "",
            f"these metrics are not Keras' own and were left out: {', '.join(reading.skipped)}",
            "give the module that defines them with --custom-objects (it is run), or --metrics",
        )
    if "optimizer" in found:
        notes.findings.append(
            Finding(
                code="training-from-file",
                severity=Severity.NOTE,
                where=part,
                message=_words(found),
            )
        )


def _words(found: Mapping[str, Value]) -> str:
    optimizer = found["optimizer"]
    settings = optimizer["config"]
    rate = settings.get("learning_rate", settings.get("lr"))
    if isinstance(rate, dict):
        rate = rate["class_name"]
    at = "" if rate is None else f" at learning rate {rate:.6g}" if isinstance(
        rate, int | float) else f" at learning rate {rate}"  # fmt: skip
    loss = f", loss {_short(found['loss'])}" if "loss" in found else ", no loss"
    metrics = f", metrics {_short(found['metrics'])}" if "metrics" in found else ""
    return f"compiled as the file states: {optimizer['class_name']}{at}{loss}{metrics}"


def _short(value: Value) -> str:
    if isinstance(value, dict) and "class_name" in value:
        return str(value["class_name"])
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_short(part)}" for key, part in value.items())
    if isinstance(value, list):
        return ", ".join(_short(part) for part in value)
    return str(value)


def _optimizer(value: object, reading: _Reading) -> dict[str, Value] | None:
    if isinstance(value, str):
        value = {"class_name": value, "config": {}}
    if not isinstance(value, dict) or not isinstance(value.get("class_name"), str):
        return None
    settings = value.get("config")
    if not isinstance(settings, dict):
        settings = {}
    name = _class_of(bare_name(value["class_name"]), reading.target.keras)
    # tf_keras writes its own optimizers as registered in "Custom".
    if not name or not (is_own(value) or value["class_name"].startswith("Custom>")):
        return _custom_optimizer(bare_name(value["class_name"]), settings, reading)
    held = _settings_of(name, settings, reading)
    return None if held is None else build("optimizers", name, held, reading.target.keras)


def _class_of(name: str, keras: int) -> str:
    plain_name = name.replace("_", "").lower()
    plain_name = "lossscaleoptimizer" if plain_name.startswith("lossscaleoptimizer") else plain_name
    return next((k for k in known.OPTIMIZERS[keras] if k.lower() == plain_name), "")


def _custom_optimizer(
    name: str, settings: Mapping[str, Value], reading: _Reading
) -> dict[str, Value] | None:
    if not reading.notes.has_custom_objects:
        reading.lost.append(f"optimizer {name}")
        return None
    key = reading.notes.custom(name, "training_config", "optimizer")
    return build("optimizers", key, settings, reading.target.keras)


def _by_name(stored: str, reading: _Reading) -> dict[str, Value] | None:
    """Return an optimizer of which the file keeps only variables and a name."""
    name = _class_of(stored, reading.target.keras)
    if not name:
        return None
    reading.notes.warn(
        "optimizer-by-name",
        "",
        f"the configuration has no optimizer, its variables are called {stored}: {name} with its "
        "default settings; the learning rate is the stored one where it is a variable",
        "give the settings with --optimizer, as JSON of keras.optimizers.serialize",
    )
    return build("optimizers", name, {}, reading.target.keras)


def _settings_of(
    name: str, settings: Mapping[str, Value], reading: _Reading
) -> dict[str, Value] | None:
    """Return an optimizer's settings; ``None`` if a part is unknown."""
    held = dict(settings)
    if name == "LossScaleOptimizer":
        inner = _optimizer(held.get("inner_optimizer", held.get("optimizer")), reading)
        held.pop("optimizer", None)
        return None if inner is None else {**held, "inner_optimizer": inner}
    for key in ("learning_rate", "lr"):
        if isinstance(held.get(key), dict):
            schedule = _schedule(held[key], reading)
            if schedule is None:
                return None
            held[key] = schedule
    plain_ones = {k: v if k in ("learning_rate", "lr") else plain(v, reading.notes, name)
                  for k, v in held.items()}  # fmt: skip
    return for_keras_3(name, plain_ones, reading.notes) if reading.target.moves else plain_ones


def _schedule(value: Mapping[str, Value], reading: _Reading) -> dict[str, Value] | None:
    name, settings = bare_name(value.get("class_name")), value.get("config")
    held = settings if isinstance(settings, dict) else {}
    if name in known.SCHEDULES and is_own(value):
        held = {key: plain(part, reading.notes, name) for key, part in held.items()}
        return build("optimizers.schedules", name, held, reading.target.keras)
    if reading.notes.has_custom_objects:
        key = reading.notes.custom(name, "training_config", "schedule")
        return build("optimizers.schedules", key, held, reading.target.keras)
    reading.lost.append(f"learning rate schedule {name}")
    return None


def for_keras_3(name: str, settings: Mapping[str, Value], notes: Notes) -> dict[str, Value]:
    """Return settings of an optimizer of Keras 1, 2 or tf.keras as Keras 3 takes them.

    ``lr`` is ``learning_rate``; ``decay`` becomes the schedule that computes the same,
    ``lr / (1 + decay * step)``. Nadam's ``decay`` is that of its momentum, which Keras 3 fixes.
    """
    held = dict(settings)
    if "lr" in held:
        held["learning_rate"] = held.pop("lr")
    decay = held.pop("decay", 0.0)
    rate = held.get("learning_rate")
    if decay and name != "Nadam" and isinstance(rate, int | float):
        notes.change("decay of an optimizer becomes the schedule InverseTimeDecay", name)
        schedule = {"initial_learning_rate": rate, "decay_steps": 1, "decay_rate": decay}
        held["learning_rate"] = build("optimizers.schedules", "InverseTimeDecay", schedule, 3)
    if "epsilon" in held and held["epsilon"] is None:
        held["epsilon"] = 1e-7
    taken = _BASE | _OWN.get(name, frozenset())
    left = sorted(key for key in held.keys() - taken - _SILENT if held[key])
    if left:
        notes.warn("setting-left-out", name, f"Keras 3 has no {', '.join(left)}", "try --keras 2")
    return {key: value for key, value in held.items() if key in taken}


def _structure(
    value: object, leaf: Callable[[object, _Reading], Value], reading: _Reading
) -> Value:
    """Apply a function to every loss or metric in lists and dicts by output."""
    if isinstance(value, list):
        found = [_structure(part, leaf, reading) for part in value]
        return [part for part in found if part is not None] if leaf is _metric else found
    if isinstance(value, dict) and "class_name" not in value:
        return {key: _structure(part, leaf, reading) for key, part in value.items()}
    return None if value is None else leaf(value, reading)


def _flat(metrics: Value) -> Value:
    """Take metrics of a single output out of the list of outputs."""
    if isinstance(metrics, list) and len(metrics) == 1 and isinstance(metrics[0], list):
        return metrics[0]
    return metrics


def _word(value: object) -> str:
    """Return the name of a function, however it is written; empty for a class."""
    if isinstance(value, str):
        return bare_name(value)
    if isinstance(value, dict):
        inner = value.get("config")
        if value.get("class_name") == "function" and isinstance(inner, str):
            return bare_name(inner)
        if bare_name(value.get("class_name")) in _WRAPPERS and isinstance(inner, dict):
            return _word(inner.get("fn"))
    return ""


def _loss(value: object, reading: _Reading) -> Value:
    word = _word(value)
    word = known.LOSS_WORDS.get(word, word)
    word = _LOSS_CLASSES.get(word, word)
    if word == "cosine_proximity" and _has_todays_cosine(reading.target):
        word = "cosine_similarity"
    if word in known.LOSSES:
        return word
    if isinstance(value, dict) and not word and is_own(value):
        name, settings = bare_name(value["class_name"]), value.get("config")
        if name in _LOSS_CLASSES and isinstance(settings, dict):
            return build("losses", name, _loss_settings(settings, reading), reading.target.keras)
    name = word or bare_name(value.get("class_name") if isinstance(value, dict) else value)
    if reading.notes.has_custom_objects:
        key = reading.notes.custom(name, "training_config", "loss")
        settings = value.get("config") if isinstance(value, dict) and not word else None
        if isinstance(settings, dict):
            return build("losses", key, settings, reading.target.keras)
        return key
    reading.lost.append(f"loss {name}")
    return None


def _has_todays_cosine(target: Target) -> bool:
    """Keras up to 2.1 took the mean of the products, later versions their sum."""
    version = target.version
    return "tf" in version or version.startswith(("2.3", "2.4", "2.5", "2.6", "2.7", "2.8", "2.9"))


def _loss_settings(settings: Mapping[str, Value], reading: _Reading) -> dict[str, Value]:
    held = {key: part for key, part in settings.items() if key not in ("fn", "dtype")}
    if reading.target.keras == 3 and held.get("reduction") in _REDUCTIONS:
        held["reduction"] = _REDUCTIONS[held["reduction"]]
    if reading.target.moves and held.get("axis") == -1 and "from_logits" not in held:
        held.pop("axis")
    return {key: plain(part, reading.notes, "loss") for key, part in held.items()}


def _metric(value: object, reading: _Reading) -> Value:
    word = _word(value)
    word = known.LOSS_WORDS.get(word, word)
    if word in known.METRIC_FUNCTIONS:
        return word
    if word in known.METRICS:
        return build("metrics", word, {}, reading.target.keras)
    if isinstance(value, dict) and not word and is_own(value):
        name, settings = bare_name(value["class_name"]), value.get("config")
        if name in known.METRICS and isinstance(settings, dict):
            held = {key: part for key, part in settings.items() if key != "fn"}
            if "dtype" in held:
                held["dtype"] = dtype_name(held["dtype"], reading.notes, name)
            held = {key: plain(part, reading.notes, name) for key, part in held.items()}
            return build("metrics", name, held, reading.target.keras)
    name = word or bare_name(value.get("class_name") if isinstance(value, dict) else value)
    if reading.notes.has_custom_objects:
        key = reading.notes.custom(name, "training_config", "metric")
        settings = value.get("config") if isinstance(value, dict) and not word else None
        if isinstance(settings, dict):
            return build("metrics", key, settings, reading.target.keras)
        return key
    reading.skipped.append(name)
    return None
