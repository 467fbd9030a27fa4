"""The layer tree of a Keras model, and the role of each weight: what list orders depend on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tfrepair.core.architecture import LayerNode, Role, VariablePath
from tfrepair.tfhost.worker.built import KERAS_3
from tfrepair.tfhost.worker.variables import name_of, raw


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The layer that a weight belongs to, and what the weight does there."""

    layer: str
    layer_class: str
    role: Role


def layer_tree(
    model: Any, framework: str, paths: Mapping[int, VariablePath], keras: Any
) -> LayerNode:
    """Describe a model's layers.

    Parameters
    ----------
    model
        A built Keras model.
    framework
        ``"keras3"`` or ``"keras2"``.
    paths
        Paths of the weights by ``id`` of the raw variable.
    keras
        The Keras module that the model belongs to.
    """
    return _node(model, framework, paths, keras, (), "")


def _node(
    layer: Any,
    framework: str,
    paths: Mapping[int, VariablePath],
    keras: Any,
    above: tuple[int, ...],
    path: str,
) -> LayerNode:
    trainable, frozen = own_weights(layer, framework)
    # A layer that holds itself, through a cycle of references, ends there.
    children = () if id(layer) in above else sublayers(layer, framework)
    return LayerNode(
        path=path,
        name=layer.name,
        class_name=type(layer).__name__,
        is_model=isinstance(layer, keras.Model),
        trainable=bool(layer.trainable),
        own_trainable=_known(trainable, paths),
        own_non_trainable=_known(frozen, paths),
        children=tuple(
            _node(child, framework, paths, keras, (*above, id(layer)), _below(path, child.name))
            for child in children
        ),
        epsilon=_epsilon(layer),
    )


def _epsilon(layer: Any) -> float | None:
    found = getattr(layer, "epsilon", None)
    return float(found) if isinstance(found, int | float) else None


def _below(path: str, name: str) -> str:
    return f"{path}/{name}" if path else str(name)


def _known(variables: list[Any], paths: Mapping[int, VariablePath]) -> tuple[VariablePath, ...]:
    return tuple(paths[id(raw(v))] for v in variables if id(raw(v)) in paths)


def own_weights(layer: Any, framework: str) -> tuple[list[Any], list[Any]]:
    """Return the weights that a layer itself owns: created as trainable, and the others."""
    if framework == KERAS_3:
        return list(layer._trainable_variables), list(layer._non_trainable_variables)
    return (
        list(getattr(layer, "_trainable_weights", ())),
        list(getattr(layer, "_non_trainable_weights", ())),
    )


def sublayers(layer: Any, framework: str) -> tuple[Any, ...]:
    """Return a layer's own sublayers, in the order in which Keras lists them."""
    if framework == KERAS_3:
        return tuple(layer._layers)
    return tuple(layer._flatten_layers(recursive=False, include_self=False))


def owners(model: Any, framework: str) -> dict[int, Owner]:
    """Return who owns each weight, by ``id`` of the raw variable; the innermost layer wins."""
    found: dict[int, Owner] = {}
    for path, layer in walk(model, framework):
        trainable, frozen = own_weights(layer, framework)
        for variable in (*trainable, *frozen):
            found[id(raw(variable))] = Owner(
                layer=str(getattr(layer, "path", "") or path or layer.name),
                layer_class=type(layer).__name__,
                role=_role(name_of(variable).rpartition("/")[2], type(layer).__name__),
            )
    return found


def walk(model: Any, framework: str) -> Iterator[tuple[str, Any]]:
    """Yield every layer once, the model first, with its path from there."""
    seen: set[int] = set()
    stack: list[tuple[str, Any]] = [("", model)]
    while stack:
        path, layer = stack.pop()
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        yield path, layer
        below = [(_below(path, child.name), child) for child in sublayers(layer, framework)]
        stack += reversed(below)


_DEPTHWISE = ("DepthwiseConv1D", "DepthwiseConv2D")


def _role(leaf: str, layer_class: str) -> Role:
    if leaf == "kernel" and layer_class in _DEPTHWISE:
        return Role.DEPTHWISE_KERNEL
    try:
        return Role(leaf)
    except ValueError:
        return Role.UNKNOWN
