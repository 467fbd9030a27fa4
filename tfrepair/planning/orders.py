"""The orders in which Keras has listed a model's weights, computed from the layer tree.

A bare list has no names: only its order says which array is which. Keras changed that order
several times (nested models, composite layers, weights that the model itself owns, frozen
layers). Each order is a :class:`Convention`; whether a list fits one is decided elsewhere
(:mod:`tfrepair.planning.lists`). Pure.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tfrepair.core.architecture import Architecture, LayerNode, Variable, VariablePath


@dataclass(frozen=True, slots=True, kw_only=True)
class Convention:
    """One known list order.

    Attributes
    ----------
    name
        What ``--order`` takes.
    description
        Who writes lists in this order, in words.
    order
        Every weight of the architecture (or only the trainable ones) in list order.
    """

    name: str
    description: str
    order: tuple[Variable, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rules:
    """What distinguishes one order from another.

    ``own_last``: a model lists the weights that it owns itself after those of its layers.
    ``layers_split``, ``models_split``: a composite layer, or a nested model, lists everything
    trainable first. ``ignore_flags``: as if nothing were frozen.
    """

    own_last: bool = False
    layers_split: bool = False
    models_split: bool = False
    ignore_flags: bool = False


# First name wins where two orders list a given model alike, so the most common comes first.
# Source: measured on lists written by Keras 1.0 to 3.15; tf_keras `Layer.weights`,
# `Model._undeduplicated_weights`; keras `Layer.weights`.
_TREE_ORDERS: tuple[tuple[str, str, _Rules], ...] = (
    ("keras-3", "get_weights() of Keras 3: layer by layer, depth first", _Rules()),
    (
        "tf-keras",
        (
            "get_weights() of tf.keras 1.15 to 2.15 and tf_keras: depth first, the trainable "
            "weights of a composite layer first, the model's own weights last"
        ),
        _Rules(own_last=True, layers_split=True),
    ),
    (
        "tf-keras-unfrozen",
        "the same, saved while no layer was frozen",
        _Rules(own_last=True, layers_split=True, ignore_flags=True),
    ),
    (
        "keras-2.3",
        (
            "get_weights() of Keras 1 to 2.3: a nested model counts as one layer, all its "
            "trainable weights first"
        ),
        _Rules(own_last=True, layers_split=True, models_split=True),
    ),
    (
        "keras-2.3-unfrozen",
        "the same, saved while no layer was frozen",
        _Rules(own_last=True, layers_split=True, models_split=True, ignore_flags=True),
    ),
)


def conventions(architecture: Architecture) -> tuple[Convention, ...]:
    """Return every order in which a complete list of this architecture's weights may stand.

    Orders that list this architecture's weights alike are given once, under the first name.
    """
    found: dict[tuple[VariablePath, ...], Convention] = {}
    for convention in _all_orders(architecture):
        key = tuple(variable.path for variable in convention.order)
        found.setdefault(key, convention)
    return tuple(found.values())


def named_convention(architecture: Architecture, name: str) -> Convention | None:
    """Return the order called ``name`` for this architecture, or ``None``."""
    known = {convention.name: convention for convention in _all_orders(architecture)}
    return known.get(name)


def trainable_only(architecture: Architecture) -> Convention:
    """Return the order of ``model.trainable_weights``: a list that leaves the others open."""
    weights = architecture.weights
    return Convention(
        name="trainable-only",
        description="model.trainable_weights: nothing that is not trained",
        order=tuple(variable for variable in weights if variable.trainable),
    )


CONVENTION_NAMES: tuple[str, ...] = (
    *(name for name, _, _ in _TREE_ORDERS),
    "as-described",
    "trainable-first",
    "trainable-first-unfrozen",
)
"""Every name that ``--order`` takes."""


def _all_orders(architecture: Architecture) -> Iterator[Convention]:
    weights = architecture.weights
    root = architecture.root
    by_path = {variable.path: variable for variable in weights}
    if root is not None:
        for name, description, rules in _TREE_ORDERS:
            paths = _model(root, rules, is_root=True)
            yield Convention(
                name=name, description=description, order=_resolve(paths, by_path, weights)
            )
    else:
        yield Convention(
            name="as-described", description="the module's own variables, in order", order=weights
        )
    yield from _split_orders(root, weights, by_path)


def _split_orders(
    root: LayerNode | None,
    weights: tuple[Variable, ...],
    by_path: dict[VariablePath, Variable],
) -> Iterator[Convention]:
    text = "trainable weights first, then the others (trainable_weights + non_trainable_weights)"
    if root is None:
        ordered = sorted(weights, key=lambda variable: not variable.trainable)
        yield Convention(name="trainable-first", description=text, order=tuple(ordered))
        return
    for name, ignore in (("trainable-first", False), ("trainable-first-unfrozen", True)):
        rules = _Rules(own_last=True, ignore_flags=ignore)
        paths = [*_trainable(root, rules), *_frozen(root, rules)]
        suffix = ", as if nothing were frozen" if ignore else ""
        yield Convention(
            name=name, description=text + suffix, order=_resolve(paths, by_path, weights)
        )


def _resolve(
    paths: Iterable[VariablePath],
    by_path: dict[VariablePath, Variable],
    weights: tuple[Variable, ...],
) -> tuple[Variable, ...]:
    """Drop second uses of shared layers; weights outside the tree come last."""
    seen = dict.fromkeys(path for path in paths if path in by_path)
    seen |= dict.fromkeys(variable.path for variable in weights)
    return tuple(by_path[path] for path in seen)


def _model(node: LayerNode, rules: _Rules, *, is_root: bool = False) -> list[VariablePath]:
    if rules.models_split and not is_root:
        return [*_trainable(node, rules), *_frozen(node, rules)]
    own = [*node.own_trainable, *node.own_non_trainable]
    below = [path for child in node.children for path in _any(child, rules)]
    return [*below, *own] if rules.own_last else [*own, *below]


def _any(node: LayerNode, rules: _Rules) -> list[VariablePath]:
    if node.is_model:
        return _model(node, rules)
    if rules.layers_split:
        return [*_trainable(node, rules), *_frozen(node, rules)]
    own = [*node.own_trainable, *node.own_non_trainable]
    return [*own, *(path for child in node.children for path in _any(child, rules))]


def _trainable(node: LayerNode, rules: _Rules) -> list[VariablePath]:
    if not (node.trainable or rules.ignore_flags):
        return []
    below = [path for child in node.children for path in _trainable(child, rules)]
    return _around(node, list(node.own_trainable), below, rules)


def _frozen(node: LayerNode, rules: _Rules) -> list[VariablePath]:
    if node.trainable or rules.ignore_flags:
        below = [path for child in node.children for path in _frozen(child, rules)]
        return _around(node, list(node.own_non_trainable), below, rules)
    below = [path for child in node.children for path in _any(child, rules)]
    return _around(node, [*node.own_trainable, *node.own_non_trainable], below, rules)


def _around(
    node: LayerNode, own: list[VariablePath], below: list[VariablePath], rules: _Rules
) -> list[VariablePath]:
    return [*below, *own] if node.is_model and rules.own_last else [*own, *below]
