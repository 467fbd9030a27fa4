"""From the texts of a Keras file to a configuration that the TensorFlow process deserializes.

The way into this package: reads, chooses the generation of Keras, upgrades, checks, and says what
it did. Runs nothing and opens nothing. Comes before :mod:`tfrepair.tfhost`.
"""

import json
from dataclasses import dataclass
from typing import Any

from tfrepair.architecture.keras_config.layers import MAX_CALLS, Layer, Target, count_calls, model
from tfrepair.architecture.keras_config.notes import Notes
from tfrepair.architecture.keras_config.reading import Era, era_of, read_config
from tfrepair.architecture.keras_config.training import training_of
from tfrepair.core.digest import text_digest
from tfrepair.core.errors import ArchitectureError
from tfrepair.core.findings import Finding, Severity

_NAMED = {2: "tf_keras", 3: "Keras 3"}
_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class KerasTexts:
    """What a Keras file says about its model.

    Attributes
    ----------
    where
        Name of the file, for messages.
    model
        ``model_config`` or ``config.json``.
    training
        ``training_config`` or ``compile_config``; empty if there is none.
    version
        ``keras_version``, or empty.
    optimizer
        Name that the file gives its optimizer, or empty.
    """

    where: str
    model: str
    training: str = ""
    version: str = ""
    optimizer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A configuration that names nothing but Keras' own and what the user gives.

    Attributes
    ----------
    keras
        2 (tf_keras) or 3: whose words it uses.
    model, training
        JSON texts for :class:`~tfrepair.tfhost.protocol.ArchRequest`.
    wanted
        Names that ``--custom-objects`` has to define, each with the layer that wants it.
    digest
        SHA-256 of the file's own texts.
    findings
        Where all this comes from, and what was changed.
    """

    keras: int
    model: str
    training: str
    wanted: tuple[tuple[str, str], ...]
    digest: str
    findings: tuple[Finding, ...]


def prepare(
    texts: KerasTexts,
    *,
    keras: int | None = None,
    has_tf_keras: bool = True,
    has_custom_objects: bool = False,
) -> Prepared:
    """Read, upgrade and check a configuration.

    Parameters
    ----------
    texts
        What the file holds.
    keras
        Generation that the user chose; ``None`` for the writer's own where it can be had.
    has_tf_keras
        Whether tf_keras is installed.
    has_custom_objects
        Whether the user gave a module of custom objects.

    Raises
    ------
    ArchitectureError
        If the text is damaged or beyond the limits, or naming every layer that cannot be taken
        from data and what to do about it.
    """
    value = read_config(texts.model, f"{texts.where}: model_config")
    if not isinstance(value, dict) or not isinstance(value.get("class_name"), str):
        message = f"{texts.where}: JSON, but no Keras config: 'class_name' is missing"
        raise ArchitectureError(message, remedy="write it with model.to_json()")
    era = era_of(value, texts.version)
    target = Target(keras=_chosen(era, keras, has_tf_keras, texts), era=era, version=texts.version)
    notes = Notes(where=f"{texts.where}: model_config", has_custom_objects=has_custom_objects)
    built = _model(value, target, notes)
    notes.require_none()
    _require_finite(built, texts.where)
    training = _training(texts, target, has_custom_objects=has_custom_objects)
    findings = (_origin(texts, target, built), *_changes(notes), *notes.findings)
    wanted = {**notes.wanted, **training[1].wanted}
    return Prepared(
        keras=target.keras,
        model=json.dumps(built),
        training=json.dumps(training[0]) if training[0] else "",
        wanted=tuple(sorted(wanted.items())),
        digest=text_digest(f"{texts.model}\n{texts.training}"),
        findings=(*findings, *_changes(training[1]), *training[1].findings),
    )


def _chosen(era: Era, keras: int | None, has_tf_keras: bool, texts: KerasTexts) -> int:
    if era is Era.KERAS_3 and keras == 2:
        version = texts.version or "3"
        message = f"{texts.where}: written by Keras {version}, which tf_keras cannot read"
        raise ArchitectureError(message, remedy="leave out --keras 2, or give a model.py")
    if keras is not None:
        return keras
    return 3 if era is Era.KERAS_3 or not has_tf_keras else 2


def _model(value: dict[str, Any], target: Target, notes: Notes) -> Layer:
    name = value["class_name"]
    settings = value.get("config")
    if isinstance(settings, dict) and "layers" not in settings and name != "Sequential":
        notes.needs_code = True
        notes.refuse(
            str(settings.get("name") or name),
            f"the model is of the class {name}, whose code is not in the file",
        )
        return {}
    return model(value, target, notes)


def _require_finite(built: Layer, where: str) -> None:
    calls = count_calls(built)
    if calls > MAX_CALLS:
        message = f"{where}: {calls} layer calls, the limit is {MAX_CALLS}: models inside models"
        raise ArchitectureError(message, remedy="give a model.py that builds the model")


def _training(
    texts: KerasTexts, target: Target, *, has_custom_objects: bool
) -> tuple[dict[str, Any], Notes]:
    """Read the training part; damage there costs the training step only."""
    where = f"{texts.where}: training_config"
    notes = Notes(where=where, has_custom_objects=has_custom_objects)
    try:
        value = read_config(texts.training, where) if texts.training else None
        found = training_of(value, texts.optimizer, target, notes)
        notes.require_none()
    except ArchitectureError as error:
        lost = Finding(
            code="training-not-read",
            severity=Severity.LOSS,
            where=where,
            message=error.message,
            remedy="give --optimizer, --loss and --metrics",
        )
        return {}, Notes(where=where, findings=[lost])
    return found, notes


def _origin(texts: KerasTexts, target: Target, built: Layer) -> Finding:
    count = len(built["config"]["layers"])
    version = f"Keras {texts.version}" if texts.version else f"Keras {target.era.value}"
    return Finding(
        code="architecture-from-file",
        severity=Severity.NOTE,
        where=f"{texts.where}: model_config",
        message=f"the architecture, {count} layers of {version}, is built with "
        f"{_NAMED[target.keras]}",
    )


def _changes(notes: Notes) -> tuple[Finding, ...]:
    found = []
    for rule, layers in notes.changes.items():
        more = f" and {len(layers) - _SHOWN} more" if len(layers) > _SHOWN else ""
        found.append(
            Finding(
                code="config-upgraded",
                severity=Severity.NOTE,
                where=notes.where,
                message=f"{rule}: {', '.join(layers[:_SHOWN])}{more}",
            )
        )
    return tuple(found)
