"""Weights in the H5 layouts of Keras 0 to 2, tf.keras and Keras 3's ``.h5``: lists of names.

Two attributes say what is in the file and in which order: ``layer_names`` of the group that holds
the layers, ``weight_names`` of each layer. Knows these lists and how each era spells a weight;
pure, works on a tree. The other layout is in :mod:`tfrepair.readers.keras_paths`.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Purpose
from tfrepair.readers.h5_tree import H5Dataset, H5Tree, join, natural
from tfrepair.readers.keys import printable

WEIGHTS_GROUP = "model_weights"
OPTIMIZER_GROUP = "optimizer_weights"
_OWN_GROUP = "top_level_model_weights"
_OUTPUT = re.compile(r":\d+$")
_WORDS = r"[WUb](?:_[icfozrh])?|gamma|beta|running_mean|running_std|(?:depth|point)wise_kernel"
_LEAF = re.compile(_WORDS)
_OF_A_LAYER = re.compile(rf".+_(?:{_WORDS})")


@dataclass(frozen=True, slots=True, kw_only=True)
class KerasWeight:
    """One array with what the file says about it.

    Attributes
    ----------
    dataset
        The array.
    name
        Readable: the layer's name, what is inside it, the weight's name.
    raw
        The name that Keras gave the variable, as stored (``dense_1/kernel:0``).
    layer
        Name of the layer of the model that it belongs to.
    inside
        Names of the levels between the layer and the weight.
    purpose
        What it is there for.
    """

    dataset: H5Dataset
    name: str
    raw: str
    layer: str = ""
    inside: tuple[str, ...] = ()
    purpose: Purpose = Purpose.WEIGHT


def layers_group(tree: H5Tree) -> str | None:
    """Return the group that lists layers; ``None`` if the file has another layout."""
    for group in (WEIGHTS_GROUP, ""):
        if tree.names(group, "layer_names") is not None or "nb_layers" in tree.groups.get(
            group, {}
        ):
            return group
    return None


def is_of_keras_0(tree: H5Tree) -> bool:
    """Return whether only Keras 0 can have written the lists: it numbered the layers too."""
    group = layers_group(tree)
    return group is not None and tree.names(group, "layer_names") is None


def listed_weights(tree: H5Tree, where: str) -> tuple[tuple[KerasWeight, ...], list[Finding]]:
    """Return a model's weights in the order of the file's own lists.

    Returns
    -------
    The weights, and what is listed and is not there.
    """
    group = layers_group(tree) or ""
    weights: list[KerasWeight] = []
    findings: list[Finding] = []
    for layer, names in _layers(tree, group):
        for raw in names:
            dataset = _dataset(tree, group, layer, raw)
            if dataset is None:
                findings.append(_absent(where, layer, raw))
            else:
                weights.append(_weight(dataset, layer, raw))
    return _unique(weights), findings


def _layers(tree: H5Tree, group: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    names = tree.names(group, "layer_names")
    if names is None:  # Keras 0: numbered groups, numbered datasets
        held = tree.groups[group]["nb_layers"]
        count = held if isinstance(held, int) else 0
        names = tuple(
            f"layer_{k}" for k in range(count) if join(group, f"layer_{k}") in tree.groups
        )
    for layer in names:
        path = join(group, layer)
        if path is None:
            yield layer, (layer,)
            continue
        listed = tree.names(path, "weight_names")
        if listed is None:
            below = sorted(tree.below(path), key=lambda dataset: natural(dataset.path))
            listed = tuple(dataset.path.removeprefix(f"{path}/") for dataset in below)
        yield layer, listed
    own = join(group, _OWN_GROUP) or ""
    if own in tree.groups and _OWN_GROUP not in names:
        yield "", tree.names(own, "weight_names") or ()


def _dataset(tree: H5Tree, group: str, layer: str, raw: str) -> H5Dataset | None:
    path = join(group, layer or _OWN_GROUP)
    place = join(path, raw) if path is not None else None
    return tree.datasets.get(place) if place is not None else None


def _absent(where: str, layer: str, raw: str) -> Finding:
    outside = raw.startswith("/") or layer.startswith("/")
    why = "the name leaves its group; it is not followed" if outside else "there is no such array"
    return Finding(
        code="listed-but-absent",
        severity=Severity.ERROR,
        where=f"{where}: {printable(layer)}/{printable(raw)}",
        message=f"the file lists this weight, and {why}",
        remedy="look for another copy: some versions of Keras 3 stop in mid-save with "
        "`name already exists` and leave such a file",
    )


def _weight(dataset: H5Dataset, layer: str, raw: str) -> KerasWeight:
    parts = _inside(layer, raw)
    is_seed = parts[-1] == "seed_generator_state"
    return KerasWeight(
        dataset=dataset,
        name=printable("/".join([layer, *parts] if layer else parts)),
        raw=raw,
        layer=layer,
        inside=tuple(parts[:-1]),
        purpose=Purpose.SEED if is_seed else Purpose.WEIGHT,
    )


def _inside(layer: str, raw: str) -> list[str]:
    """Return the parts of a weight's name without the name of its layer.

    ``dense/kernel:0`` of ``dense`` is ``kernel``, and so is ``net/dense/kernel:0``; ``dense_W`` of
    Keras 1 is ``W``; ``inner/kernel:0`` of ``encoder`` stays.
    """
    parts = [part for part in _OUTPUT.sub("", raw).split("/") if part] or [raw]
    own = layer.split("/")
    for start in range(len(parts) - len(own)):
        if parts[start : start + len(own)] == own:
            return parts[start + len(own) :]
    if len(parts) == 1 and parts[0].startswith(f"{layer}_") and parts[0] != f"{layer}_":
        rest = parts[0].removeprefix(f"{layer}_")
        # ``inner_a_W`` of a model ``inner`` belongs to its layer ``inner_a``.
        within = _LEAF.fullmatch(rest) is None and _OF_A_LAYER.fullmatch(rest) is not None
        return parts if within else [rest]
    return parts


def _unique(weights: list[KerasWeight]) -> tuple[KerasWeight, ...]:
    """Spell names in full where the short ones repeat."""
    uses = Counter(weight.name for weight in weights)
    return tuple(
        weight
        if uses[weight.name] == 1
        else replace(weight, name=printable("/".join(filter(None, (weight.layer, weight.raw)))))
        for weight in weights
    )
