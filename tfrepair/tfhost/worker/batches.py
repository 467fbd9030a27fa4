"""Batches to train on, from an archive of arrays or from the user's own function.

A batch is a mapping from the names that a training step takes: ``x`` and ``y``, or ``x_<key>`` and
``y_<key>`` for each of several. Pairs ``(x, y)`` are taken apart. Runs the user's function, because
the user named it. Comes before :mod:`tfrepair.tfhost.worker.calibrate`.
"""

import importlib
import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tfrepair.core.errors import ArchitectureError
from tfrepair.tfhost.training_requests import DataRequest
from tfrepair.tfhost.worker.loading import run_file, user_code

Batch = Mapping[str, Any]
_ARCHIVE = ".npz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batches:
    """Batches in memory, and what should be known about them."""

    batches: tuple[Batch, ...]
    note: str = ""


def load_batches(request: DataRequest, specs: Mapping[str, Any]) -> Batches:
    """Read or make the batches.

    Parameters
    ----------
    request
        Where they come from.
    specs
        ``tf.TensorSpec`` of every input of the training step, by name.

    Returns
    -------
    At least one batch, each value with its input's type.

    Raises
    ------
    ArchitectureError
        If there is no such data, an input has none, or a shape does not fit; with names, shapes
        and what was expected.
    """
    if request.location.endswith(_ARCHIVE):
        found = _from_archive(request, specs)
    else:
        found = _from_function(request, specs)
    if not found.batches:
        message = f"{request.location} yields no batch"
        raise ArchitectureError(message, remedy="give examples of what the model is trained with")
    return found


def _from_archive(request: DataRequest, specs: Mapping[str, Any]) -> Batches:
    path = request.location
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, KeyError) as error:
        message = f"{path}: cannot be read as an archive of arrays: {error}"
        raise ArchitectureError(
            message, remedy="write it with numpy.savez(path, x=..., y=...)"
        ) from error
    except Exception as error:  # zipfile's own errors
        message = f"{path}: {type(error).__name__}: {error}"
        raise ArchitectureError(
            message, remedy="write it with numpy.savez(path, x=..., y=...)"
        ) from error
    _require_names(arrays, specs, path)
    arrays = {name: arrays[name] for name in specs}
    lengths = {name: len(array) if array.ndim else 0 for name, array in arrays.items()}
    if len(set(lengths.values())) != 1 or 0 in lengths.values():
        listed = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        message = f"{path}: the arrays do not have one first axis in common: {listed}"
        raise ArchitectureError(message, remedy="the first axis counts examples, or batches")
    is_batched = all(_is_batched(arrays[name], spec) for name, spec in specs.items())
    if is_batched:
        number = min(request.batches, next(iter(lengths.values())))
        cut = [{name: array[place] for name, array in arrays.items()} for place in range(number)]
        return Batches(batches=tuple(_checked(batch, specs, path) for batch in cut))
    return _drawn(arrays, specs, request)


def _is_batched(array: Any, spec: Any) -> bool:
    rank = spec.shape.rank
    return rank is not None and array.ndim == rank + 1


def _drawn(arrays: Mapping[str, Any], specs: Mapping[str, Any], request: DataRequest) -> Batches:
    """Draw batches of examples in an order that depends on nothing but their number."""
    count = len(next(iter(arrays.values())))
    fixed = {s.shape[0] for s in specs.values() if s.shape.rank and s.shape[0] is not None}
    size = min(fixed.pop() if len(fixed) == 1 else request.batch_size, count)
    rng = np.random.default_rng(0)
    per_pass = count // size
    order = np.concatenate([rng.permutation(count)[: per_pass * size]
                            for _ in range(-(-request.batches // per_pass))])  # fmt: skip
    batches = []
    for place in range(request.batches):
        chosen = order[place * size : (place + 1) * size]
        batch = {name: array[chosen] for name, array in arrays.items()}
        batches.append(_checked(batch, specs, request.location))
    note = ""
    if request.batches > per_pass:
        note = (
            f"{request.location} holds {count} examples, {per_pass} batches of {size}: "
            f"they are used {-(-request.batches // per_pass)} times"
        )
    return Batches(batches=tuple(batches), note=note)


def _from_function(request: DataRequest, specs: Mapping[str, Any]) -> Batches:
    made = _called(request.location)
    found: list[Batch] = []
    with user_code(Path.cwd(), f"{request.location} failed while it yielded batches"):
        for place, batch in enumerate(made):
            if place == request.batches:
                break
            found.append(_checked(_named(batch, specs, request.location), specs, request.location))
    note = ""
    if 0 < len(found) < request.batches:
        note = f"{request.location} yields {len(found)} batches, {request.batches} were asked for"
    return Batches(batches=tuple(found), note=note)


def _called(location: str) -> Iterable[Any]:
    """Run the user's function, or take what the name stands for."""
    place, colon, name = location.rpartition(":")
    if not colon or not name:
        message = f"{location!r} is neither an .npz nor module:function"
        raise ArchitectureError(message, remedy="for example --data data.npz or data.py:batches")
    module = _module(place)
    found = getattr(module, name, None)
    if found is None:
        there = ", ".join(n for n in vars(module) if not n.startswith("_"))
        message = f"{place} has no {name!r}"
        raise ArchitectureError(message, remedy=f"there are: {there or 'no names'}")
    if callable(found) and not hasattr(found, "__iter__"):
        with user_code(Path.cwd(), f"{name}() in {place} failed"):
            _require_no_arguments(found, location)
            found = found()
    if not isinstance(found, Iterable | Iterator):
        message = f"{location} gives {type(found).__name__}, not something that yields batches"
        raise ArchitectureError(message, remedy="yield (x, y), or {'x': ..., 'y': ...}")
    return found


def _require_no_arguments(function: Any, location: str) -> None:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return
    needed = [
        p.name
        for p in parameters
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    if needed:
        message = f"{location} needs arguments: {', '.join(needed)}"
        raise ArchitectureError(message, remedy="name a function without required arguments")


def _module(place: str) -> ModuleType:
    if place.endswith(".py"):
        path = Path(place).absolute()
        if not path.is_file():
            message = f"{place}: there is no such file"
            raise ArchitectureError(
                message, remedy="give data.npz, data.py:batches or pkg.mod:batches"
            )
        with user_code(path.parent, f"{path.name} could not be run"):
            return run_file(path)
    sys.path.insert(0, str(Path.cwd()))
    with user_code(Path.cwd(), f"{place} could not be imported"):
        return importlib.import_module(place)


def _named(batch: Any, specs: Mapping[str, Any], where: str) -> Batch:
    """Give the parts of a batch their names."""
    if isinstance(batch, Mapping) and set(specs) <= set(batch):
        return batch
    if len(specs) == 1 and not isinstance(batch, Mapping | tuple | list):
        return dict.fromkeys(specs, batch)
    if isinstance(batch, Mapping):
        _require_names(batch, specs, where)
    found: dict[str, Any] = {}
    for letter, part in zip("xy", batch, strict=False):
        names = [name for name in specs if name == letter or name.startswith(f"{letter}_")]
        found |= _parts(part, names, letter, where)
    _require_names(found, specs, where)
    return found


def _parts(part: Any, names: Sequence[str], letter: str, where: str) -> dict[str, Any]:
    if not names:
        return {}
    if isinstance(part, Mapping):
        return {f"{letter}_{key}": value for key, value in part.items()}
    if len(names) == 1 and not isinstance(part, tuple):
        return {names[0]: part}
    if not isinstance(part, tuple | list) or len(part) != len(names):
        have = len(part) if isinstance(part, tuple | list) else 1
        message = (
            f"{where}: {letter} of a batch has {have} parts, the training step takes {len(names)}"
        )
        raise ArchitectureError(message, remedy=f"in this order: {', '.join(names)}")
    return dict(zip(names, part, strict=True))


def _require_names(found: Mapping[str, Any], specs: Mapping[str, Any], where: str) -> None:
    missing = [name for name in specs if name not in found]
    if missing:
        wants = ", ".join(f"{name} {spec.shape} {spec.dtype.name}" for name, spec in specs.items())
        message = f"{where}: no {', '.join(missing)}; found {', '.join(found) or 'nothing'}"
        raise ArchitectureError(message, remedy=f"the training step takes {wants}")


def _checked(batch: Batch, specs: Mapping[str, Any], where: str) -> Batch:
    """Bring every value to its input's type, and hold its shape against it."""
    import tensorflow as tf

    found = {}
    for name, spec in specs.items():
        try:
            value = tf.convert_to_tensor(batch[name])
        except (ValueError, TypeError) as error:
            message = f"{where}: {name} is {type(batch[name]).__name__}, not an array of numbers"
            raise ArchitectureError(message) from error
        if value.dtype != spec.dtype and tf.string not in (value.dtype, spec.dtype):
            value = tf.cast(value, spec.dtype)
        if value.dtype != spec.dtype or not spec.shape.is_compatible_with(value.shape):
            value = _reshaped(value, spec)
        if value.dtype != spec.dtype or not spec.shape.is_compatible_with(value.shape):
            message = (
                f"{where}: {name} is {tuple(value.shape)} {value.dtype.name}, the training step "
                f"takes {spec.shape} {spec.dtype.name}"
            )
            raise ArchitectureError(message, remedy="the first axis counts the examples of a batch")
        found[name] = value
    return found


def _reshaped(value: Any, spec: Any) -> Any:
    """Add the last axis that labels are often stored without, or take it away."""
    import tensorflow as tf

    rank = spec.shape.rank
    if rank is None or not value.shape.is_fully_defined():
        return value
    if value.shape.rank == rank - 1:
        return tf.expand_dims(value, -1)
    if value.shape.rank == rank + 1 and value.shape[-1] == 1:
        return tf.squeeze(value, -1)
    return value
