"""By which attributes, containers and closures a model holds its state.

A walk over the model's own objects, cheapest way first: a plain attribute counts less than a list,
a list less than an object that no framework looks into. What lies on the way to a variable tells
why a way of saving does not find it. Comes before :mod:`tfrepair.tfhost.worker.audit_advice`.
"""

import heapq
import itertools
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from tfrepair.tfhost.worker.audit_creations import is_own
from tfrepair.tfhost.worker.layers import sublayers
from tfrepair.tfhost.worker.variables import is_generator, is_variable, raw


class Link(Enum):
    """How one object holds the next; the value is what the way costs."""

    ATTRIBUTE = 0
    TUPLE = 1
    METRIC = 2
    GENERATOR = 3
    MODULE = 10
    LIST = 11
    DICT = 12
    NESTED = 20
    ODD_KEYS = 21
    OBJECT = 30
    CLOSURE = 40
    GLOBAL = 41


HIDING = frozenset({Link.LIST, Link.DICT, Link.NESTED, Link.ODD_KEYS, Link.OBJECT, Link.MODULE})
"""Links that some way of saving does not follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One link: the object that holds, the name under which, and how."""

    owner: Any
    name: str
    link: Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An object of the model, and the steps that lead to it.

    Attributes
    ----------
    value
        The raw variable, table, generator, metric, tensor or array.
    steps
        From the model to it.
    is_wrapped
        For a variable: whether it is one of Keras 3's own, a wrapper around TensorFlow's.
    """

    value: Any
    steps: tuple[Step, ...]
    is_wrapped: bool = False

    @property
    def path(self) -> str:
        """The names of the steps."""
        return "/".join(step.name for step in self.steps if step.name)

    @property
    def name(self) -> str:
        """The path, the last name as Keras' own layers show it: a kernel hangs at ``_kernel``."""
        before, slash, last = self.path.rpartition("/")
        owner = self.steps[-1].owner if self.steps else None
        is_theirs = owner is not None and _package(type(owner)) in _KERAS
        return before + slash + (last.lstrip("_") if is_theirs else last)

    @property
    def links(self) -> frozenset[Link]:
        """The kinds of link on the way."""
        return frozenset(step.link for step in self.steps)


_KERAS = ("keras", "tf_keras")
_CLOSED = (*_KERAS, "tensorflow", "numpy", "builtins", "threading", "collections", "weakref",
           "functools", "logging", "ml_dtypes", "h5py", "_thread", "optree")  # fmt: skip
_SKIPPED = frozenset(
    {
        "optimizer", "_optimizer", "_compile_metrics", "_compile_loss", "_loss_tracker", "_metrics",
        "compiled_metrics", "compiled_loss", "loss", "_inbound_nodes", "_outbound_nodes", "_nodes",
        "_nodes_by_depth", "_tracker", "_layers", "_variables", "_trainable_variables",
        "_non_trainable_variables", "_seed_generators", "_trainable_weights",
        "_non_trainable_weights", "_self_tracked_trackables", "_operations", "_undeleted_layers",
        "_operations_by_depth", "_functional", "train_function", "test_function", "_updates",
        "predict_function", "_inputs", "_outputs", "_parent", "_tracked", "_losses",
        "_train_counter", "_test_counter", "_predict_counter", "_steps_per_execution",
        "_steps_per_execution_tuner", "_initial_weights", "_feed_inputs", "history",
        "_obj_reference_counts_dict", "_auto_config",
    }
)  # fmt: skip
"""Attributes of Keras' own bookkeeping, and of training: the same objects hang elsewhere."""
_PREFIXES = ("_self_unconditional", "_self_name_based", "_self_setattr", "_tf_", "_obj_ref")
_LIMIT = 200_000


def holdings(model: Any, framework: str) -> dict[int, Held]:
    """Return what a model holds, by ``id``: variables (raw), tables, tensors, arrays, metrics."""
    found: dict[int, Held] = {}
    order = itertools.count()
    queue: list[tuple[int, int, Any, tuple[Step, ...]]] = [(0, next(order), model, ())]
    seen: set[int] = set()
    while queue and len(seen) < _LIMIT:
        cost, _, value, steps = heapq.heappop(queue)
        plain = raw(value) if is_variable(value) else value
        if id(plain) in seen:
            continue
        seen.add(id(plain))
        if _is_state(plain):
            found[id(plain)] = Held(value=plain, steps=steps, is_wrapped=plain is not value)
        for step, part in _parts(value, framework, steps):
            heapq.heappush(queue, (cost + step.link.value + 1, next(order), part, (*steps, step)))
    return found


def _is_state(value: Any) -> bool:
    import tensorflow as tf

    return (
        is_variable(value)
        or hasattr(type(value), "resource_handle")
        or is_generator(value)
        or is_metric(value)
        or isinstance(value, np.ndarray)
        or (tf.is_tensor(value) and hasattr(value, "numpy"))
    )


def is_metric(value: Any) -> bool:
    """Tell whether something is a metric of Keras."""
    return _is_kind(value, "Metric")


def is_layer(value: Any) -> bool:
    """Tell whether something is a layer or a model of Keras."""
    return _is_kind(value, "Layer")


def _is_kind(value: Any, name: str) -> bool:
    return any(
        base.__name__ == name and _package(base) in _KERAS for base in type(value).__mro__[:-1]
    )


def _package(kind: type) -> str:
    return str(kind.__module__).partition(".")[0]


def _parts(value: Any, framework: str, steps: tuple[Step, ...]) -> Iterator[tuple[Step, Any]]:
    if is_variable(value) or isinstance(value, np.ndarray | str | bytes | int | float | type):
        return
    if isinstance(value, Mapping):
        yield from _of_mapping(value, steps)
    elif isinstance(value, list | tuple | set | frozenset):
        yield from _of_sequence(value, steps)
    elif is_generator(value):
        for name in ("state", "_state_var"):
            if is_variable(getattr(value, name, None)):
                yield Step(owner=value, name="state", link=Link.GENERATOR), getattr(value, name)
    elif isinstance(value, FunctionType | MethodType):
        yield from _of_function(value)
    elif not isinstance(value, ModuleType):
        yield from _of_object(value, framework, steps)


def _of_object(value: Any, framework: str, steps: tuple[Step, ...]) -> Iterator[tuple[Step, Any]]:
    import tensorflow as tf

    if is_metric(value):
        yield from _named(value, Link.METRIC)
    elif is_layer(value):
        yield from _of_layer(value, framework)
    elif isinstance(value, tf.Module):
        yield from _named(value, Link.MODULE if steps else Link.ATTRIBUTE)
    elif _package(type(value)) not in _CLOSED:
        yield from _named(value, Link.OBJECT)


def _named(value: Any, link: Link) -> Iterator[tuple[Step, Any]]:
    for name, part in list(getattr(value, "__dict__", {}).items()):
        if name not in _SKIPPED and not name.startswith(_PREFIXES):
            yield Step(owner=value, name=name, link=link), part


def _of_layer(layer: Any, framework: str) -> Iterator[tuple[Step, Any]]:
    yield from _named(layer, Link.ATTRIBUTE)
    kinds = {base.__name__ for base in type(layer).__mro__}
    if kinds & {"Functional", "Sequential"}:
        for child in sublayers(layer, framework):
            yield Step(owner=layer, name=str(child.name), link=Link.ATTRIBUTE), child
    for kind in type(layer).__mro__:
        for function in vars(kind).values():
            if isinstance(function, FunctionType) and is_own(function.__code__.co_filename):
                yield from _of_function(function, layer)


def _of_mapping(value: Mapping[Any, Any], steps: tuple[Step, ...]) -> Iterator[tuple[Step, Any]]:
    keys = list(value)
    link = Link.DICT if all(isinstance(key, str) for key in keys) else Link.ODD_KEYS
    if _is_within(steps) and link is Link.DICT:
        link = Link.NESTED
    for key in keys:
        yield Step(owner=value, name=str(key), link=link), value[key]


def _of_sequence(value: Any, steps: tuple[Step, ...]) -> Iterator[tuple[Step, Any]]:
    link = Link.TUPLE if isinstance(value, tuple) else Link.LIST
    if _is_within(steps):
        link = Link.NESTED
    for place, part in enumerate(value):
        yield Step(owner=value, name=str(place), link=link), part


def _is_within(steps: tuple[Step, ...]) -> bool:
    """Tell whether the last step came out of a list or dict."""
    last = steps[-1].link if steps else Link.ATTRIBUTE
    return last in (Link.LIST, Link.DICT, Link.NESTED, Link.ODD_KEYS)


def _of_function(value: Any, owner: Any = None) -> Iterator[tuple[Step, Any]]:
    function = value.__func__ if isinstance(value, MethodType) else value
    code = function.__code__
    holder = function if owner is None else owner
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            part = cell.cell_contents
        except ValueError:
            continue  # not assigned yet
        if name != "__class__":
            yield Step(owner=holder, name=name, link=Link.CLOSURE), part
    if not is_own(code.co_filename):
        return
    for name in _names(code):
        part = function.__globals__.get(name)
        if part is not None and not isinstance(part, ModuleType | type):
            yield Step(owner=holder, name=name, link=Link.GLOBAL), part


def _names(code: Any) -> set[str]:
    """Return the global names in a function and in the functions written inside it."""
    inner = (part for part in code.co_consts if hasattr(part, "co_names"))
    return set(code.co_names).union(*(_names(part) for part in inner))


def is_users(held: Held) -> bool:
    """Tell whether the user's code holds something: an object of its class, or its function."""
    for step in held.steps[-2:]:
        owner = step.owner
        if isinstance(owner, FunctionType):
            return is_own(owner.__code__.co_filename)
        file = file_of(type(owner))
        if file and is_own(file):
            return True
    return False


def file_of(kind: type) -> str:
    """Return the file that a class comes from, empty if it has none."""
    return getattr(sys.modules.get(kind.__module__), "__file__", "") or ""
