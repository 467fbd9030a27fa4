"""Every variable of a built model, once, under a unique readable name.

The order is that of the architecture: weights as ``get_weights()`` lists them, seeds, metrics, the
optimizer's. What the traced functions capture besides is found by
:mod:`tfrepair.tfhost.worker.captures`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tfrepair.core.architecture import VariableKind, VariablePath
from tfrepair.tfhost.worker.built import KERAS_3, MODULE, Built, NamedVariable
from tfrepair.tfhost.worker.slots import slots_of


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A variable under the name that its framework gives it, not unique yet."""

    name: str
    variable: Any
    kind: VariableKind
    of: Any = None
    slot: str = ""


def raw(variable: Any) -> Any:
    """Return the ``tf.Variable`` behind a wrapper: Keras 3's own, or tf_keras' for casting."""
    if hasattr(variable, "_value") and hasattr(variable, "path"):
        return variable._value
    if type(variable).__name__.startswith("AutoCast") and hasattr(variable, "_variable"):
        return variable._variable
    return variable


def name_of(variable: Any) -> str:
    """Return the name that a framework gives a variable: a path, without the output suffix."""
    name = str(getattr(variable, "path", "") or variable.name)
    return name.partition(":")[0]


def named_variables(
    built: Built, captured: Iterable[tuple[str, Any, VariableKind]] = ()
) -> tuple[NamedVariable, ...]:
    """Name every variable.

    Parameters
    ----------
    built
        A built model.
    captured
        Names, variables and kinds of what traced functions use besides; already known ones
        are left out.

    Returns
    -------
    Each raw variable once; a second use of a name is ``name#2``, as Keras does not promise
    unique paths.
    """
    found = [*_of_model(built), *_of_metrics(built), *_of_optimizer(built)]
    # Last: whatever is known under a better name keeps that.
    found += [_Found(name=name, variable=variable, kind=kind) for name, variable, kind in captured]
    return tuple(_named(found))


def _named(found: Iterable[_Found]) -> Iterator[NamedVariable]:
    seen: set[int] = set()
    uses: dict[str, int] = {}
    paths: dict[int, str] = {}
    for entry in found:
        variable = raw(entry.variable)
        if id(variable) in seen:
            continue
        seen.add(id(variable))
        of = paths.get(id(raw(entry.of)), "") if entry.of is not None else ""
        name = f"optimizer/{of}/{entry.slot}" if of else entry.name
        uses[name] = uses.get(name, 0) + 1
        path = name if uses[name] == 1 else f"{name}#{uses[name]}"
        paths[id(variable)] = path
        yield NamedVariable(
            path=VariablePath(path),
            variable=variable,
            kind=entry.kind,
            of=of,
            slot=entry.slot if of else "",
        )


def _of_model(built: Built) -> Iterator[_Found]:
    if built.framework == MODULE:
        yield from _of_module(built.model)
        return
    weights = list(built.model.weights)
    for variable in weights:
        yield _Found(name=name_of(variable), variable=variable, kind=VariableKind.WEIGHT)
    # Keras 3 lists the state of random generators in `variables`, and in no weight list.
    if built.framework == KERAS_3:
        for variable in built.model.variables:
            yield _Found(name=name_of(variable), variable=variable, kind=VariableKind.SEED)


def _of_module(module: Any) -> Iterator[_Found]:
    """Name a module's variables by their place in it; what only layers inside it own follows."""
    import tensorflow as tf

    own = module._flatten(
        predicate=lambda value: isinstance(value, tf.Variable),
        with_path=True,
        expand_composites=True,
    )
    for path, variable in own:
        name = "/".join(str(part) for part in path)
        yield _Found(name=name, variable=variable, kind=VariableKind.WEIGHT)
    for path, variable, in_generator in tracked(module):
        kind = VariableKind.SEED if in_generator else VariableKind.WEIGHT
        yield _Found(name=path, variable=variable, kind=kind)


def tracked(module: Any) -> Iterator[tuple[str, Any, bool]]:
    """Walk an object as ``tf.train.Checkpoint`` does.

    Yields
    ------
    Path, variable, and whether a random generator owns it; the shallowest path first.
    """
    queue: list[tuple[str, Any, bool]] = [("", module, False)]
    seen: set[int] = set()
    while queue:
        path, node, in_generator = queue.pop(0)
        for name, child in node._trackable_children().items():
            if id(child) in seen:
                continue
            seen.add(id(child))
            below = f"{path}/{name}" if path else str(name)
            is_random = in_generator or is_generator(node)
            if is_variable(child):
                yield (name_of(child) if hasattr(child, "_value") else below, child, is_random)
            else:
                queue.append((below, child, is_random))


def is_variable(value: Any) -> bool:
    """Tell whether something is a variable, raw or wrapped by Keras 3."""
    import tensorflow as tf

    return isinstance(value, tf.Variable) or (hasattr(value, "_value") and hasattr(value, "path"))


def is_generator(value: Any) -> bool:
    """Tell whether something draws random numbers from a state of its own."""
    return type(value).__name__ in ("SeedGenerator", "Generator")


def _of_metrics(built: Built) -> Iterator[_Found]:
    if built.framework == MODULE:
        return
    for metric in built.model.metrics:
        for variable in metric.variables:
            own = name_of(variable)
            name = own if own.startswith(f"{metric.name}/") else f"{metric.name}/{own}"
            yield _Found(name=f"metrics/{name}", variable=variable, kind=VariableKind.METRIC)


def _of_optimizer(built: Built) -> Iterator[_Found]:
    if built.optimizer is None:
        return
    slots: Mapping[int, tuple[Any, str]] = slots_of(
        built.optimizer, list(built.model.trainable_variables)
    )
    for variable in optimizer_variables(built.optimizer):
        of, slot = slots.get(id(raw(variable)), (None, ""))
        yield _Found(
            name=f"optimizer/{name_of(variable).rpartition('/')[2]}",
            variable=variable,
            kind=VariableKind.OPTIMIZER,
            of=of,
            slot=slot,
        )


def optimizer_variables(optimizer: Any) -> list[Any]:
    """Return everything that an optimizer keeps, including what it leaves out of ``variables``.

    tf_keras lists neither the learning rate nor Nadam's product nor the scale of a loss; edges
    of the object graph lead to them.
    """
    listed = optimizer.variables
    known = list(listed() if callable(listed) and not isinstance(listed, list) else listed)
    seen = {id(raw(variable)) for variable in known}
    for _, variable, _ in tracked(optimizer):
        if id(raw(variable)) not in seen:
            seen.add(id(raw(variable)))
            known.append(variable)
    return known
