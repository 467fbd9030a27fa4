"""A filled model into Keras' own file, and what Keras brings back from it.

Keras writes; then every variable is given other bits and the file is loaded, so that what did not
come back is known by name: attributes that Keras does not track, optimizers that a loader
leaves out. Comes after assign, beside export. Facts: Keras 3.15, tf_keras 2.21.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tfrepair.core.architecture import VariableKind, VariablePath
from tfrepair.core.digest import array_digest
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.receipt import Receipt, WrittenVariable
from tfrepair.tfhost.protocol import SaveRequest
from tfrepair.tfhost.worker.assign import assign, finalize, reset_training_state, snapshot
from tfrepair.tfhost.worker.built import Built, NamedVariable
from tfrepair.tfhost.worker.captures import captured_variables
from tfrepair.tfhost.worker.export import versions
from tfrepair.tfhost.worker.keras_bytes import finish_archive, finish_weights
from tfrepair.tfhost.worker.layers import walk
from tfrepair.tfhost.worker.loading import first_line, user_code
from tfrepair.tfhost.worker.variables import named_variables

_ARCHIVE, _WEIGHTS = ".keras", ".weights.h5"
_BARE = ".bare"
"""Stands for an ``.h5`` of weights alone in the layout of full models, which tf_keras writes."""
_SHOWN = 8
_OWN_PACKAGES = ("keras", "tf_keras", "tensorflow", "builtins", "numpy")
_KEPT = (VariableKind.WEIGHT, VariableKind.UNTRACKED, VariableKind.OPTIMIZER)
"""What a file should bring back; metrics and seeds start anew in every training."""


def save_file(built: Built, request: SaveRequest) -> Receipt:
    """Fill the model, save it as Keras does, and find out what Keras brings back.

    Returns
    -------
    The variables that come back, each with its digest; a finding names the others.

    Raises
    ------
    ArchitectureError
        If Keras cannot save the model.
    HostError
        If a value does not fit.
    """
    traces = () if built.trace is None else (built.trace.function,)
    variables = named_variables(built, captured_variables(traces, built))
    initial = _digests(variables)
    _fill(built, request, variables)
    path = Path(request.file)
    if request.layout_only:
        return _layout(built, path)
    with user_code(built.folder, f"{type(built.model).__name__} could not be saved"), _quiet():
        _save(built, path)
    findings: tuple[Finding, ...] = ()
    if path.suffix == _ARCHIVE:
        findings = finish_archive(path, request.note, _optimizer_config(built))
    else:
        finish_weights(path, request.note)
    digests = _digests(variables)
    back, problems = _brought_back(built, variables, path, digests)
    lost = [
        named
        for named in variables
        if named.kind in _KEPT
        and named.path not in back
        # What the architecture starts with anyway, such as a learning rate, is not lost.
        and (built.is_live or digests[named.path] != initial[named.path])
    ]
    return Receipt(
        variables=tuple(
            _written(named, digests[named.path])
            for named in variables
            if named.path in back and named.kind is not VariableKind.METRIC
        ),
        signatures=(),
        findings=(*findings, *problems, *_losses(built, lost, path)),
        versions=versions(built),
    )


def _layout(built: Built, path: Path) -> Receipt:
    """Write a file for its layout: a full one, or weights alone, as the suffix says."""
    is_weights = path.name.endswith(_WEIGHTS) or path.suffix == _BARE
    save = built.model.save_weights if is_weights else built.model.save
    target = path.with_suffix(".h5") if path.suffix == _BARE else path
    options = {"save_format": "h5"} if path.suffix == _BARE else {}
    with user_code(built.folder, f"{type(built.model).__name__} could not be saved"), _quiet():
        save(str(target), **options)
    return Receipt(variables=(), signatures=(), findings=(), versions=versions(built))


def _digests(variables: Sequence[NamedVariable]) -> dict[VariablePath, str]:
    return {named.path: array_digest(np.asarray(named.variable.numpy())) for named in variables}


def _fill(built: Built, request: SaveRequest, variables: Sequence[NamedVariable]) -> None:
    assign(request.values, variables)
    if built.is_live and not request.keep_state:
        reset_training_state(built)
        assign(request.values, variables)
    finalize(built)


@contextmanager
def _quiet() -> Iterator[list[warnings.WarningMessage]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


def _save(built: Built, path: Path) -> None:
    if path.suffix == _ARCHIVE:
        built.model.save(str(path))
    else:
        built.model.save_weights(str(path))


def _optimizer_config(built: Built) -> Mapping[str, Any] | None:
    if built.optimizer is None:
        return None
    serialize = built.keras.saving.serialize_keras_object
    config: Mapping[str, Any] = serialize(built.optimizer)
    return config


def _written(named: NamedVariable, digest: str) -> WrittenVariable:
    return WrittenVariable(
        path=named.path,
        key="",
        shape=tuple(named.variable.shape.as_list()),
        dtype=named.variable.dtype.base_dtype.name,
        sha256=digest,
    )


def _brought_back(
    built: Built, variables: Sequence[NamedVariable], path: Path, digests: Mapping[Any, str]
) -> tuple[set[str], tuple[Finding, ...]]:
    """Return the variables that a loader fills with their bits, and what it complained about."""
    if path.suffix != _ARCHIVE:
        return _by_weights(built, variables, path, digests)
    back, problems = _by_model(built, variables, path, digests)
    if back is not None:
        return back, problems
    back, others = _by_weights(built, variables, path, digests)
    return back, (*problems, *others)


def _by_weights(
    built: Built, variables: Sequence[NamedVariable], path: Path, digests: Mapping[Any, str]
) -> tuple[set[str], tuple[Finding, ...]]:
    """Load the file into the same model, whose variables hold other bits before."""
    restore = snapshot(variables)
    problem = ""
    try:
        for named in variables:
            named.variable.assign(_other(np.asarray(named.variable.numpy())))
        with _quiet() as caught:
            try:
                built.model.load_weights(str(path))
            except Exception as error:
                problem = f"{type(error).__name__}: {first_line(error)[:300]}"
        problem = problem or _words(caught)
        back: set[str] = {
            named.path
            for named in variables
            if array_digest(np.asarray(named.variable.numpy())) == digests[named.path]
        }
    finally:
        restore()
        finalize(built)
    return back, (_complaint(path, "load_weights", problem),) if problem else ()


def _other(value: Any) -> Any:
    """Return an array whose every element has other bits."""
    if value.dtype == object:
        return np.full_like(value, b"?")
    if value.dtype == bool:
        return ~value
    flipped = np.ascontiguousarray(value).reshape(-1).view(np.uint8) ^ 0xFF
    return flipped.view(value.dtype).reshape(value.shape)


def _by_model(
    built: Built, variables: Sequence[NamedVariable], path: Path, digests: Mapping[Any, str]
) -> tuple[set[str] | None, tuple[Finding, ...]]:
    """Load the archive as a model of its own; ``None`` if it cannot be loaded."""
    load = built.keras.saving.load_model
    objects = _custom_objects(built)
    findings = []
    if any(type(layer).__name__ == "Lambda" for _, layer in walk(built.model, built.framework)):
        findings.append(_lambda(path))
    with _quiet() as caught:
        try:
            loaded = load(str(path), custom_objects=objects, safe_mode=not findings)
        except Exception as error:
            text = f"{type(error).__name__}: {first_line(error)[:300]}"
            return None, (*findings, _complaint(path, "load_model", text))
    if _words(caught):
        findings.append(_complaint(path, "load_model", _words(caught)))
    other = replace(
        built, model=loaded, optimizer=getattr(loaded, "optimizer", None), trace=None, serve=None
    )
    return _same(variables, named_variables(other), digests), tuple(findings)


def _same(
    have: Sequence[NamedVariable], loaded: Sequence[NamedVariable], digests: Mapping[Any, str]
) -> set[str]:
    """Return the variables that a loaded model holds bit for bit.

    By name; of a kind of which both have as many, by place too: a Sequential model that was
    built late has its own name in front of its weights', and has not when it is loaded.
    """
    again = _digests(loaded)
    back: set[str] = {named.path for named in have if again.get(named.path) == digests[named.path]}
    for kind in VariableKind:
        ours = [named for named in have if named.kind is kind]
        theirs = [named for named in loaded if named.kind is kind]
        if len(ours) == len(theirs):
            back.update(
                one.path
                for one, other in zip(ours, theirs, strict=True)
                if digests[one.path] == again[other.path]
            )
    return back


def _custom_objects(built: Built) -> dict[str, Any]:
    """Return what a loader has to be given: classes and functions that no Keras package has."""
    model, found = built.model, {}
    held: list[Any] = [layer for _, layer in walk(model, built.framework)]
    held += [value for layer in list(held) for value in vars(layer).values() if _has_name(value)]
    held += [built.optimizer, *_flat(getattr(model, "loss", None)), *model.metrics]
    for value in held:
        thing = value if _has_name(value) else type(value)
        if str(thing.__module__).partition(".")[0] not in _OWN_PACKAGES:
            found[thing.__name__] = thing
    return found


def _has_name(value: Any) -> bool:
    return (
        callable(value)
        and isinstance(getattr(value, "__name__", None), str)
        and isinstance(getattr(value, "__module__", None), str)
    )


def _flat(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [part for entry in value for part in _flat(entry)]
    return [value]


def _words(caught: Sequence[warnings.WarningMessage]) -> str:
    return next((first_line(w.message)[:300] for w in caught if _concerns(w)), "")  # type: ignore[arg-type]


def _concerns(caught: warnings.WarningMessage) -> bool:
    return issubclass(caught.category, UserWarning) and "Skipping variable" in str(caught.message)


def _complaint(path: Path, call: str, text: str) -> Finding:
    return Finding(
        code="keras-load-problem",
        severity=Severity.WARNING,
        where=path.name,
        message=f"{call} of Keras says about this file: {text}",
        remedy="give load_model the custom_objects that the model needs; a build that is right "
        "takes load_weights, too",
    )


def _lambda(path: Path) -> Finding:
    return Finding(
        code="lambda-in-archive",
        severity=Severity.WARNING,
        where=path.name,
        message="the model has Lambda layers: their code is in the archive, and load_model takes "
        "it only with safe_mode=False",
        remedy="write --to keras-weights, or replace Lambda by a layer class",
    )


def _losses(built: Built, lost: Sequence[NamedVariable], path: Path) -> Iterator[Finding]:
    if not lost:
        return
    shown = ", ".join(named.path for named in lost[:_SHOWN])
    more = f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
    yield Finding(
        code="keras-drops-variables",
        severity=Severity.LOSS,
        where=path.name,
        message=f"Keras does not bring back {len(lost)} variables from this file: {shown}{more}",
        remedy="a SavedModel or a checkpoint holds them: --to saved-model, --to checkpoint; in "
        f"{type(built.model).__name__}, variables made with add_weight are saved",
    )
