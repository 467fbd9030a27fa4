"""What each way of saving reaches, asked of the code that saves: nothing is written.

``get_weights`` has a list; ``.weights.h5`` and ``.keras`` are written by a walk of Keras, here into
a store that only remembers; a checkpoint and a SavedModel hold what the edges of TensorFlow's
object graph lead to. Comes before :mod:`tfrepair.tfhost.worker.audit`.
"""

import importlib
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfrepair.tfhost.worker.built import KERAS_2, KERAS_3, MODULE, Built
from tfrepair.tfhost.worker.loading import first_line
from tfrepair.tfhost.worker.variables import is_variable, raw


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What one walk over an object graph came to, by ``id``; variables are raw.

    Attributes
    ----------
    kept
        Objects that it came to.
    by_optimizer
        Objects that only an optimizer leads to.
    broken
        Objects below a node at which the walk fails: so does the save.
    """

    kept: frozenset[int]
    by_optimizer: frozenset[int] = frozenset()
    broken: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """What each way of saving reaches.

    Attributes
    ----------
    weights
        Raw variables that ``get_weights`` lists; ``None`` for a ``tf.Module``, which has none.
    variables
        Raw variables that the model lists at all.
    files
        What ``.weights.h5`` and ``.keras`` hold; ``None`` likewise.
    arrays
        Values that layers with a way of their own put into such files.
    checkpoint, saved_model
        What the two object graphs reach.
    """

    weights: frozenset[int] | None
    variables: frozenset[int]
    files: frozenset[int] | None
    arrays: tuple[Any, ...]
    checkpoint: Reach
    saved_model: Reach


def ways_of(built: Built) -> Ways:
    """Ask every way of saving what it reaches."""
    model = built.model
    checkpoint = _reach(model, "checkpoint")
    if built.framework == MODULE:
        saved = _reach(model, "savedmodel")
        return Ways(
            weights=None,
            variables=checkpoint.kept,
            files=None,
            arrays=(),
            checkpoint=checkpoint,
            saved_model=saved,
        )
    # The SavedModel of tf_keras follows the edges of a checkpoint; asked for its own, it would
    # trace every layer anew.
    saved = checkpoint if built.framework == KERAS_2 else _reach(model, "savedmodel")
    files, arrays = _stored(built)
    return Ways(
        weights=frozenset(id(raw(variable)) for variable in model.weights),
        variables=frozenset(id(raw(variable)) for variable in model.variables),
        files=files,
        arrays=arrays,
        checkpoint=checkpoint,
        saved_model=saved,
    )


def _reach(model: Any, save_type: str) -> Reach:
    optimizer = getattr(model, "optimizer", None)
    broken: set[int] = set()
    kept = _walk([model], save_type, broken, stop=optimizer)
    beyond: set[int] = set()
    if optimizer is not None:
        beyond = _walk([optimizer], save_type, broken, stop=None) - kept
    return Reach(kept=frozenset(kept), by_optimizer=frozenset(beyond), broken=frozenset(broken))


def _walk(roots: list[Any], save_type: str, broken: set[int], *, stop: Any) -> set[int]:
    seen: dict[int, Any] = {}
    pending = list(roots)
    cache: dict[Any, Any] = {}
    while pending:
        node = pending.pop()
        plain = raw(node) if is_variable(node) else node
        if node is stop or id(plain) in seen:
            continue
        seen[id(plain)] = plain
        pending += _children(node, save_type, cache, broken)
    return set(seen)


def _children(node: Any, save_type: str, cache: dict[Any, Any], broken: set[int]) -> list[Any]:
    import tensorflow as tf

    more = {"cache": cache} if save_type == "savedmodel" else {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return list(tf.train.TrackableView.children(node, save_type, **more).values())
    except TypeError as error:
        if "missing a required argument" in str(error):
            return []  # a layer whose functions cannot be traced: Keras takes no notice either
        broken |= set(_within(node))
    except Exception:  # whatever it is, the save would raise it
        broken |= set(_within(node))
    return []


def _within(value: Any) -> Iterator[int]:
    """Yield the variables in a container, and in the layers in it."""
    if is_variable(value):
        yield id(raw(value))
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _within(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _within(part)
    else:
        for variable in getattr(value, "variables", None) or ():
            yield id(raw(variable))


class _Memory(dict[str, Any]):
    """One group of a file that is not written; part of :class:`_Store`'s protocol."""


def _stored(built: Built) -> tuple[frozenset[int], tuple[Any, ...]]:
    """Let Keras walk the model as for a file, and remember what it would write."""
    saving = importlib.import_module(f"{_package(built)}.src.saving.saving_lib")
    groups: list[_Memory] = []

    class Store(saving.H5IOStore):  # type: ignore[misc, name-defined] # Keras checks the class
        def __init__(self) -> None:
            """Open nothing."""

        def __bool__(self) -> bool:
            return True

        def make(self, path: str, metadata: Any = None) -> _Memory:
            del path, metadata
            groups.append(_Memory())
            return groups[-1]

        def close(self) -> None:
            """Close nothing."""

    optimizer = getattr(built.model, "optimizer", None)
    visited = set() if optimizer is None else {id(optimizer)}
    with warnings.catch_warnings(), _by_identity(built):
        warnings.simplefilter("ignore")
        saving._save_state(built.model, Store(), None, "", visited)
    values = [value for group in groups for value in group.values()]
    variables = frozenset(id(raw(value)) for value in values if is_variable(value))
    return variables, tuple(np.asarray(value) for value in values if not is_variable(value))


@contextmanager
def _by_identity(built: Built) -> Iterator[None]:
    """Let layers of tf_keras store their variables, not copies of the values, for a while."""
    if built.framework == KERAS_3:
        yield
        return
    base = importlib.import_module("tf_keras.src.engine.base_layer").Layer
    own = base.save_own_variables

    def save_own_variables(self: Any, store: Any) -> None:
        for place, variable in enumerate(self._trainable_weights + self._non_trainable_weights):
            store[str(place)] = variable

    base.save_own_variables = save_own_variables
    try:
        yield
    finally:
        base.save_own_variables = own


def config_problem(built: Built) -> str:
    """Return why ``.keras`` could not hold the model's configuration; empty if it can."""
    if built.framework == MODULE:
        return ""
    module = importlib.import_module(f"{_package(built)}.src.saving.serialization_lib")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with module.ObjectSharingScope():
                module.serialize_keras_object(built.model)
    except Exception as error:  # whatever it is, the save would raise it
        return f"{type(error).__name__}: {first_line(error)[:200]}"
    return ""


def _package(built: Built) -> str:
    return "tf_keras" if built.framework == KERAS_2 else "keras"
