"""Weights in the layout of ``.weights.h5`` and ``.keras``: a path of attributes, and numbers.

``layers/conv2d_1/vars/0`` counts layers by class and variables by number. Real names come from the
``name`` that Keras 3.6 and later store on each level, or from the configuration in a ``.keras``;
without either the path itself is the name. Pure, works on a tree; the layout with lists of names
is in :mod:`tfrepair.readers.keras_weights`.

Source: ``saving_lib`` of tf_keras 2.21 and Keras 3.15; ``tests/golden/keras``.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tfrepair.core.tensor import Purpose
from tfrepair.readers.h5_tree import H5Dataset, H5Tree, natural
from tfrepair.readers.keras_config import LayerConfig
from tfrepair.readers.keras_variables import CELLS, variable_names
from tfrepair.readers.keras_weights import KerasWeight
from tfrepair.readers.keys import printable

VARS = "vars"
OPTIMIZER = "optimizer"
_CONTAINERS = ("layers", "_layer_checkpoint_dependencies")
_METRICS = frozenset({"metrics", "_metrics", "_loss_tracker", "_compile_metrics"})
_SEED = "seed_generator"
_NUMBERED = re.compile(r"^(?P<base>.*?)(?:_(?P<number>\d+))?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owner:
    """A group with variables: the path of what owns them, and the variables by number."""

    path: tuple[str, ...]
    variables: tuple[H5Dataset, ...]

    @property
    def numbers(self) -> tuple[str, ...]:
        """The last part of each variable's path."""
        return tuple(dataset.path.rpartition("/")[2] for dataset in self.variables)

    @property
    def is_complete(self) -> bool:
        """True if the variables are numbered from 0 without a gap."""
        return self.numbers == tuple(map(str, range(len(self.variables))))


def has_paths(tree: H5Tree) -> bool:
    """Return whether the file has this layout."""
    return any(path.rpartition("/")[2] == VARS for path in tree.groups)


def path_weights(
    tree: H5Tree, root: LayerConfig | None
) -> tuple[tuple[KerasWeight, ...], tuple[H5Dataset, ...]]:
    """Return what a file of this layout holds.

    Parameters
    ----------
    tree
        The file.
    root
        The model's configuration, where there is one.

    Returns
    -------
    Weights, seeds and metrics in the order of the configuration, else in that of the file's
    bytes, which is the order in which the model was walked; and the optimizer's list.
    """
    layers = dict(_configured(tree, (), root)) if root is not None else {}
    owners = [owner for owner in _owners(tree) if owner.path[:1] != (OPTIMIZER,)]
    ranks = {path: rank for rank, path in enumerate(layers) if path}
    if not all(_rank(owner, ranks) for owner in owners if _purpose(owner.path) is Purpose.WEIGHT):
        ranks = {}  # one order for all: some are not in the configuration
    owners.sort(key=lambda owner: _place(owner, ranks))
    weights = [weight for owner in owners for weight in _weights(tree, owner, layers)]
    return _unique(weights), optimizer_list(tree)


def incomplete_lists(tree: H5Tree) -> tuple[str, ...]:
    """Return the groups whose variables are not numbered from 0 without a gap."""
    return tuple("/".join((*o.path, VARS)) for o in _owners(tree) if not o.is_complete)


def optimizer_list(tree: H5Tree) -> tuple[H5Dataset, ...]:
    """Return the optimizer's variables by number; outer and inner ones of a wrapper in turn."""
    found = [owner for owner in _owners(tree) if owner.path[:1] == (OPTIMIZER,)]
    found.sort(key=lambda owner: (len(owner.path), owner.path))
    return tuple(dataset for owner in found for dataset in owner.variables)


def _owners(tree: H5Tree) -> Iterator[_Owner]:
    grouped: dict[tuple[str, ...], list[H5Dataset]] = defaultdict(list)
    for dataset in tree.datasets.values():
        *owner, last, _ = ("", "", *dataset.path.split("/"))
        path = tuple(part for part in owner if part)
        if last == VARS:
            grouped[path].append(dataset)
    for path, datasets in grouped.items():
        ordered = sorted(datasets, key=lambda dataset: natural(dataset.path))
        yield _Owner(path=path, variables=tuple(ordered))


def _rank(owner: _Owner, ranks: Mapping[tuple[str, ...], int]) -> int:
    """Return where the configuration has an owner, counted from 1; 0 if it does not."""
    above = [owner.path[:length] for length in range(len(owner.path) + 1)]
    return max((ranks[path] for path in above if path in ranks), default=0)


def _place(
    owner: _Owner, ranks: Mapping[tuple[str, ...], int]
) -> tuple[int, str, int, tuple[str, ...]]:
    """Return where an owner stands: by the configuration, then by the bytes of its variables.

    What the configuration does not have comes last: metrics.
    """
    rank = _rank(owner, ranks) or len(ranks) + 1
    file, offset = min(((d.file, d.offset or 0) for d in owner.variables), default=("", 0))
    return rank, file, offset, owner.path


def _weights(
    tree: H5Tree, owner: _Owner, layers: Mapping[tuple[str, ...], LayerConfig]
) -> Iterator[KerasWeight]:
    levels = _levels(tree, owner.path, layers)
    purpose = _purpose(owner.path)
    names = owner.numbers
    if owner.is_complete:
        names = variable_names(layers.get(owner.path), len(owner.variables))
    if purpose is Purpose.SEED and len(owner.variables) == 1:
        names = ("seed_generator_state",)
    for dataset, name in zip(owner.variables, names, strict=True):
        yield KerasWeight(
            dataset=dataset,
            name=printable("/".join((*levels, name))),
            raw=dataset.path,
            layer=levels[0] if levels else "",
            inside=tuple(levels[1:]),
            purpose=purpose,
        )


def _purpose(path: tuple[str, ...]) -> Purpose:
    if path and path[0] in _METRICS:
        return Purpose.METRIC
    return Purpose.SEED if path and path[-1].startswith(_SEED) else Purpose.WEIGHT


def _levels(
    tree: H5Tree, path: tuple[str, ...], layers: Mapping[tuple[str, ...], LayerConfig]
) -> list[str]:
    """Return the names of what lies on the way; lists in which layers stand are no level."""
    names = [_name(tree, path[: n + 1], layers) for n in range(len(path))]
    last_known = max((place for place, name in enumerate(names) if name), default=-1)
    return [
        name or part
        for place, (name, part) in enumerate(zip(names, path, strict=True))
        if name or (place > last_known and part not in _CONTAINERS)
    ]


def _name(
    tree: H5Tree, path: tuple[str, ...], layers: Mapping[tuple[str, ...], LayerConfig]
) -> str:
    stored = tree.text("/".join((*path, VARS)), "name")
    if stored:
        return stored
    return layers[path].name if path in layers else ""


def _configured(
    tree: H5Tree, path: tuple[str, ...], layer: LayerConfig
) -> Iterator[tuple[tuple[str, ...], LayerConfig]]:
    """Yield path and configuration of every layer, in the order of the configuration."""
    yield path, layer
    if layer.is_model:
        for container in _CONTAINERS:
            inside = (*path, container)
            if "/".join(inside) in tree.groups:
                for name, child in _matched(tree, inside, layer):
                    yield from _configured(tree, (*inside, name), child)
        return
    for name, child in _wrapped(layer):
        if "/".join((*path, name)) in tree.groups:
            yield from _configured(tree, (*path, name), child)


def _matched(
    tree: H5Tree, container: tuple[str, ...], model: LayerConfig
) -> list[tuple[str, LayerConfig]]:
    """Pair a model's layers with the groups of a container, by class and rank in the class.

    Rank instead of number: TensorFlow 2.12 and 2.13 count each layer twice.
    """
    start = "/".join(container) + "/"
    groups: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for path in tree.groups:
        name = path.removeprefix(start)
        match = _NUMBERED.match(name)
        if path.startswith(start) and "/" not in name and match is not None:
            groups[match["base"]].append((int(match["number"] or 0), name))
    by_class: dict[str, list[LayerConfig]] = defaultdict(list)
    for child in model.children:
        by_class[snake_case(child.class_name)].append(child)
    found = {}
    for base, children in by_class.items():
        names = [name for _, name in sorted(groups.get(base, []))]
        if len(names) == len(children):
            found.update({id(child): name for child, name in zip(children, names, strict=True)})
    return [(found[id(child)], child) for child in model.children if id(child) in found]


def _wrapped(layer: LayerConfig) -> Iterator[tuple[str, LayerConfig]]:
    """Yield attribute and configuration of what a layer wraps."""
    cell = CELLS.get(layer.class_name)
    if cell is not None:
        name = snake_case(cell)
        yield "cell", replace(layer, class_name=cell, name=name, children=())
    elif layer.class_name == "Bidirectional" and layer.children:
        backward = layer.children[1] if len(layer.children) > 1 else layer.children[0]
        yield "forward_layer", _prefixed("forward", layer.children[0])
        yield "backward_layer", _prefixed("backward", backward)
    elif len(layer.children) == 1:
        yield "cell" if layer.class_name == "RNN" else "layer", layer.children[0]


def _prefixed(word: str, layer: LayerConfig) -> LayerConfig:
    name = layer.name if layer.name.startswith(word) else f"{word}_{layer.name}"
    return replace(layer, name=name)


def snake_case(class_name: str) -> str:
    """Return a class name as groups spell it; source: ``to_snake_case`` of Keras."""
    name = re.sub(r"\W+", "", class_name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _unique(weights: Sequence[KerasWeight]) -> tuple[KerasWeight, ...]:
    """Take the path for names that repeat."""
    uses = Counter(weight.name for weight in weights)
    return tuple(
        weight if uses[weight.name] == 1 else replace(weight, name=printable(weight.raw))
        for weight in weights
    )
