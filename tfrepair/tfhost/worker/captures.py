"""What traced functions use besides the variables that a model lists.

A function's captures are the facts: a variable that it reads or writes is there, whether or not
any framework tracks it. Also tells which tensors are baked into the graph, and which operations
do not survive in a file. Comes after tracing; :mod:`tfrepair.tfhost.worker.describe` reports.
"""

import gc
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfrepair.core.architecture import VariableKind
from tfrepair.core.digest import array_digest
from tfrepair.core.tensor import Array
from tfrepair.tfhost.worker.built import MODULE, Built
from tfrepair.tfhost.worker.layers import walk
from tfrepair.tfhost.worker.variables import is_generator, is_variable, raw

RANDOM_OPS = frozenset(
    {
        "RandomUniform", "RandomStandardNormal", "RandomUniformInt", "TruncatedNormal",
        "RandomShuffle", "RandomGamma", "RandomPoissonV2", "Multinomial",
        "ParameterizedTruncatedNormal",
    }
)  # fmt: skip
"""Operations whose state lives in the kernel: no file holds it."""

CODE_OPS = frozenset({"PyFunc", "PyFuncStateless", "EagerPyFunc"})
"""Operations that call back into the process that traced them."""

_DEPTH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """A tensor that is part of the graph instead of a variable."""

    name: str
    value: Array

    @property
    def digest(self) -> str:
        """Digest of the value; text is digested as text."""
        if self.value.dtype == object:
            return array_digest(np.frombuffer(repr(self.value.tolist()).encode(), np.uint8))
        return array_digest(self.value)


def captured_variables(
    functions: Iterable[Any], built: Built
) -> tuple[tuple[str, Any, VariableKind], ...]:
    """Return every variable that functions capture: name, raw variable, seed or untracked."""
    captured = [tensor for function in functions for tensor in _resources(function)]
    if not captured:
        return ()
    by_handle = all_variables()
    generators = generator_states()
    found: dict[int, tuple[str, Any, VariableKind]] = {}
    names: dict[int, str] | None = None
    for tensor in captured:
        variable = by_handle.get(id(tensor))
        if variable is None or id(variable) in found:
            continue
        if names is None:
            names = _attribute_names(built)
        is_seed = id(variable) in generators
        own = str(variable.name).partition(":")[0]
        name = names.get(id(variable), own)
        kind = VariableKind.SEED if is_seed else VariableKind.UNTRACKED
        found[id(variable)] = (f"captured/{name}", variable, kind)
    return tuple(found.values())


def _resources(function: Any) -> Iterator[Any]:
    for tensor, _ in function.graph.captures:
        if tensor.dtype.name == "resource":
            yield tensor


def all_variables() -> dict[int, Any]:
    """Return every raw variable of the process by ``id`` of its handle."""
    import tensorflow as tf

    found = {}
    for candidate in gc.get_objects():
        if issubclass(type(candidate), tf.Variable):
            handle = getattr(candidate, "_handle", None)
            if handle is not None:
                found[id(handle)] = candidate
    return found


def generator_states() -> set[int]:
    """Return the ``id`` of the state of every random generator of the process."""
    states = set()
    for candidate in gc.get_objects():
        if is_generator(candidate):
            for name in ("state", "_state_var"):
                state = getattr(candidate, name, None)
                if state is not None and is_variable(state):
                    states.add(id(raw(state)))
    return states


def _attribute_names(built: Built) -> dict[int, str]:
    """Name variables by the attribute that holds them, wherever in the model that is."""
    found: dict[int, str] = {}
    if built.framework == MODULE:
        places: Iterable[tuple[str, Any]] = [("", built.model)]
    else:
        places = walk(built.model, built.framework)
    for path, layer in places:
        for attribute, value in vars(layer).items():
            if attribute.startswith(("_self_", "_tf_", "_obj_reference")):
                continue
            name = f"{path}/{attribute}" if path else attribute
            _name_within(name, value, found, _DEPTH, set())
    return found


def _name_within(name: str, value: Any, found: dict[int, str], depth: int, seen: set[int]) -> None:
    """Look through containers and plain objects for variables."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if is_variable(value):
        found.setdefault(id(raw(value)), name)
        return
    if depth == 0 or isinstance(value, str | bytes | int | float | type) or value is None:
        return
    if isinstance(value, dict):
        parts: Iterable[tuple[Any, Any]] = value.items()
    elif isinstance(value, list | tuple | set):
        parts = enumerate(value)
    elif hasattr(value, "__dict__") and not callable(getattr(value, "build", None)):
        parts = vars(value).items()
    else:
        return
    for key, part in list(parts):
        _name_within(f"{name}/{key}", part, found, depth - 1, seen)


def constants(functions: Iterable[Any]) -> tuple[Constant, ...]:
    """Return the tensors baked into functions: captured values, and constants of many elements."""
    found = []
    for function in functions:
        for tensor, inner in function.graph.captures:
            if tensor.dtype.name not in ("resource", "variant"):
                found.append(Constant(name=inner.name.partition(":")[0], value=tensor.numpy()))
        for graph in graphs_of(function):
            for operation in graph.get_operations():
                if operation.type == "Const":
                    found += _large(operation)
    return tuple(found)


def _large(operation: Any) -> list[Constant]:
    """Return a floating-point constant of more than one element: a weight may be behind it."""
    dtype = operation.outputs[0].dtype
    shape = operation.outputs[0].shape
    if not (dtype.is_floating or dtype.is_complex) or (shape.num_elements() or 0) <= 1:
        return []
    import tensorflow as tf

    return [Constant(name=operation.name, value=tf.make_ndarray(operation.get_attr("value")))]


def graphs_of(function: Any) -> Iterator[Any]:
    """Yield a function's graph and the graphs of the functions that it calls."""
    pending, seen = [function.graph], set()
    while pending:
        graph = pending.pop()
        if id(graph) in seen:
            continue
        seen.add(id(graph))
        yield graph
        for inner in graph._functions.values():
            inner_graph = getattr(inner, "graph", None)
            if inner_graph is not None:
                pending.append(inner_graph)


def operation_types(functions: Iterable[Any]) -> frozenset[str]:
    """Return the types of all operations in functions and in what they call."""
    types: set[str] = set()
    for function in functions:
        definition = function.graph.as_graph_def()
        types |= {node.op for node in definition.node}
        types |= {node.op for inner in definition.library.function for node in inner.node_def}
    return frozenset(types)
