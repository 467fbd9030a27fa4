"""What each era of Keras did with the weights of a layer, as rules with their evidence.

A rule applies where the file itself says that it does: by the names of its weights, by what its
configuration says about the layer, or by a shape that nothing else has. Pure. Comes before
:mod:`tfrepair.planning.eras`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tfrepair.core.architecture import Architecture
from tfrepair.core.tensor import Shape, SourceName, Tensor, TensorStore
from tfrepair.core.transform import Transform, parse_transform
from tfrepair.planning.era_words import todays_leaf
from tfrepair.planning.layouts import Part, recurrent_routes

Edges = tuple[tuple[SourceName, Transform], ...]
_LSTM, _GRU = ("i", "c", "f", "o"), ("z", "r", "h")
_OF_KERAS = {_LSTM: ("i", "f", "c", "o"), _GRU: ("z", "r", "h")}
_ORDERS: Mapping[int, tuple[tuple[int, ...], ...]] = {
    3: ((1, 2, 0),),
    4: ((1, 2, 3, 0), (0, 2, 3, 1)),
    5: ((0, 2, 3, 4, 1),),
}
_TWO_BIASES = 2
"""Rank of the bias of a GRU with ``reset_after``."""
_TRANSPOSED = frozenset({"Deconvolution2D"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The weights of one layer.

    Attributes
    ----------
    unit
        Name of the layer in the source.
    named
        Its name in the architecture, where a wrapper tells; else the same.
    members
        Leaf words and tensors, in the file's order.
    """

    unit: str
    named: str
    members: tuple[tuple[str, Tensor], ...]

    @property
    def why(self) -> tuple[str, ...]:
        """Evidence for another name."""
        if self.named == self.unit:
            return ()
        return (f"the wrapper tells that {self.unit} is {self.named}",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One variable in today's terms."""

    name: SourceName
    shape: Shape
    edges: Edges
    why: tuple[str, ...] = ()


def rules(group: Group, store: TensorStore, architecture: Architecture) -> tuple[Rule, ...]:
    """Return what a layer's weights are in today's terms; empty where nothing changes."""
    facts = facts_of(group.unit, store)
    era = store.attributes.get("era", "")
    found = _recurrent(group, era, facts, architecture)
    if found is None:
        found = tuple(
            _single(group, leaf, tensor, facts, era, store, architecture)
            for leaf, tensor in group.members
        )
    changed = any(rule.why or _old_name(rule) != rule.name for rule in found)
    return found if changed else ()


def _old_name(rule: Rule) -> str:
    return rule.edges[0][0] if len(rule.edges) == 1 else ""


def facts_of(unit: str, store: TensorStore) -> Mapping[str, Any]:
    """Return what a file says about the layer that a unit belongs to; empty if nothing."""
    layers = _parsed(store.attributes.get("layers", ""))
    parts = unit.split("/")
    for stop in range(len(parts), 0, -1):
        found = layers.get("/".join(parts[:stop]))
        if isinstance(found, dict):
            return found
    return {}


@lru_cache(maxsize=4)
def _parsed(text: str) -> Mapping[str, Any]:
    """Return the facts of all layers; a file's text is parsed once."""
    found: Mapping[str, Any] = json.loads(text) if text else {}
    return found


def _recurrent(
    group: Group, era: str, facts: Mapping[str, Any], architecture: Architecture
) -> tuple[Rule, ...] | None:
    words = dict(group.members)
    for gates in (_LSTM, _GRU):
        biased = {f"{letter}_{gate}" for letter in "WUb" for gate in gates}
        if set(words) not in (biased, {word for word in biased if word[0] != "b"}):
            continue
        first = words[f"W_{gates[0]}"].shape
        if len(first) == 2:
            return _put_together(group, "LSTM" if gates is _LSTM else "GRU", words)
        return _convolved(group, words, facts, gates)
    if set(words) == {"kernel", "recurrent_kernel", "bias"} and not era:
        return _of_cudnn(group, words, architecture) or _to_cudnn(group, facts, architecture)
    return None


def _put_together(group: Group, kind: str, words: Mapping[str, Tensor]) -> tuple[Rule, ...] | None:
    gate = "i" if kind == "LSTM" else "z"
    count = 4 if kind == "LSTM" else 3
    n, u = words[f"W_{gate}"].shape
    want: dict[str, Shape] = {"kernel": (n, count * u), "recurrent_kernel": (u, count * u)}
    if f"b_{gate}" in words:
        want["bias"] = (count * u,)
    why = (
        f"Keras 1 kept the gates of an {kind} apart"
        if kind == "LSTM"
        else ("Keras 1 kept the gates of a GRU apart, and it resets the state before the product")
    )
    return _routed(group, kind, want, why, "keras-1-gates")


def _routed(
    group: Group, kind: str, want: Mapping[str, Shape], why: str, system: str
) -> tuple[Rule, ...] | None:
    sources = [Part(role=leaf, shape=tensor.shape) for leaf, tensor in group.members]
    targets = [Part(role=role, shape=shape) for role, shape in want.items()]
    for route in recurrent_routes(sources, kind, targets):
        if route.system == system and route.exact:
            return tuple(
                Rule(
                    name=_named(group, role),
                    shape=shape,
                    edges=tuple(
                        (group.members[piece.source][1].name, piece.transform) for piece in pieces
                    ),
                    why=(why,),
                )
                for (role, shape), pieces in zip(want.items(), route.targets, strict=True)
            )
    return None


def _convolved(
    group: Group, words: Mapping[str, Tensor], facts: Mapping[str, Any], gates: tuple[str, ...]
) -> tuple[Rule, ...] | None:
    """Put the gates of a ``ConvLSTM2D`` together, which are kernels of convolutions."""
    if len(words[f"W_{gates[0]}"].shape) != 4 or not facts:
        return None
    turn = "transpose:2,3,1,0|" if facts.get("first") else ""
    found = []
    for letter in "WUb":
        if f"{letter}_{gates[0]}" not in words:
            continue
        tensors = [words[f"{letter}_{gate}"] for gate in _OF_KERAS[gates]]
        moves = turn if letter != "b" else ""
        shape = parse_transform(moves.rstrip("|")).shape(tensors[0].shape)
        lead, width = "".join(":," for _ in shape[1:]), shape[-1]
        edges = tuple(
            (t.name, parse_transform(f"{moves}into:{lead}{k * width}:{(k + 1) * width}"))
            for k, t in enumerate(tensors)
        )
        whole = (*shape[:-1], len(gates) * width)
        why = ("Keras 1 kept the gates of a ConvLSTM2D apart",)
        found.append(
            Rule(name=_named(group, todays_leaf(letter)), shape=whole, edges=edges, why=why)
        )
    return tuple(found)


def _of_cudnn(
    group: Group, words: Mapping[str, Tensor], architecture: Architecture
) -> tuple[Rule, ...] | None:
    """Turn the layout of ``CuDNNLSTM`` and ``CuDNNGRU``, which their bias gives away."""
    kernel, recurrent, bias = (words[w].shape for w in ("kernel", "recurrent_kernel", "bias"))
    if len(kernel) != 2 or len(recurrent) != 2 or bias != (2 * kernel[1],):
        return None
    if any(variable.layer_class.startswith("CuDNN") for variable in architecture.weights):
        return None
    want: dict[str, Shape] = {"kernel": kernel, "recurrent_kernel": recurrent}
    if kernel[1] == 4 * recurrent[0]:
        why = "written by CuDNNLSTM: kernels turned by gate, the two biases added"
        return _routed(group, "LSTM", {**want, "bias": (kernel[1],)}, why, "cudnn-keras")
    if kernel[1] == 3 * recurrent[0]:
        why = "written by CuDNNGRU: kernels turned by gate, which is reset_after=True"
        return _routed(group, "GRU", {**want, "bias": (2, kernel[1])}, why, "cudnn-keras")
    return None


def _to_cudnn(
    group: Group, facts: Mapping[str, Any], architecture: Architecture
) -> tuple[Rule, ...] | None:
    """Lay a plain LSTM or GRU out as the cuDNN layer of its name wants it, where they are equal."""
    name = group.named.rpartition("/")[2]
    found = {
        variable.path.rpartition("/")[2]: variable
        for variable in architecture.weights
        if variable.layer_class.startswith("CuDNN") and variable.layer.rpartition("/")[2] == name
    }
    if set(found) != {"kernel", "recurrent_kernel", "bias"} or facts.get("hard_sigmoid"):
        return None
    kind = found["kernel"].layer_class
    want = {role: found[role].shape for role in ("kernel", "recurrent_kernel", "bias")}
    why = f"laid out for {kind}: kernels turned by gate, " + (
        "the bias in two halves" if kind == "CuDNNLSTM" else "its two biases in one row"
    )
    if kind == "CuDNNGRU" and len(dict(group.members)["bias"].shape) != _TWO_BIASES:
        return None
    return _routed(group, kind, want, why, "keras")


def _named(group: Group, leaf: str) -> SourceName:
    return SourceName(f"{group.named}/{leaf}" if group.named else leaf)


def _single(
    group: Group,
    leaf: str,
    tensor: Tensor,
    facts: Mapping[str, Any],
    era: str,
    store: TensorStore,
    architecture: Architecture,
) -> Rule:
    text: str = ""
    why: tuple[str, ...] = ()
    if era == "1":
        text, why = _kernel(leaf, tensor.shape, facts)
    if not text and leaf in ("W", "kernel") and facts.get("channels", 0) > 0:
        text, why = _rows(tensor.shape, facts["channels"], store, architecture)
    if leaf == "running_std" and era == "1":
        why = (*why, "Keras 1 keeps the variance under the name running_std")
    transform = parse_transform(text)
    renamed = group.named != group.unit or leaf == "running_std" or bool(text)
    name = _named(group, todays_leaf(leaf)) if renamed else tensor.name
    return Rule(
        name=name,
        shape=transform.shape(tensor.shape),
        edges=((tensor.name, transform),),
        why=why,
    )


def _kernel(leaf: str, shape: Shape, facts: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Return how the axes of a kernel of Keras 1 become today's."""
    kind = facts.get("inner") or facts.get("class", "")
    if leaf not in ("W", "depthwise_kernel", "pointwise_kernel") or len(shape) not in (4, 5):
        return "", ()
    if kind.endswith("Convolution1D") and len(shape) == 4 and shape[1] == 1:
        dims = ",".join(str(size) for size in (shape[0], *shape[2:]))
        return f"reshape:{dims}", ("Keras 1 kept an axis of length one in it",)
    if kind in _TRANSPOSED:
        turn = "2,3,0,1" if facts.get("first") else "0,1,3,2"
        return f"transpose:{turn}", (f"the axes of a {kind} of Keras 1",)
    if facts.get("first"):
        spatial = [str(axis) for axis in range(2, len(shape))]
        why = 'Keras 1 with dim_ordering="th" kept (filters, channels, rows, columns)'
        return f"transpose:{','.join([*spatial, '1', '0'])}", (why,)
    return "", ()


def _rows(
    shape: Shape, channels: int, store: TensorStore, architecture: Architecture
) -> tuple[str, tuple[str, ...]]:
    """Return how the rows of a dense kernel behind a ``Flatten`` are reordered."""
    if len(shape) != 2 or shape[0] % channels or channels_move(store, architecture) is not True:
        return "", ()
    space = shape[0] // channels
    text = f"reshape:{channels},{space},{shape[1]}|transpose:1,0,2|reshape:{shape[0]},{shape[1]}"
    why = (
        f"it stands behind a Flatten of {channels} channels, which came first in the source and "
        "come last in the architecture"
    )
    return (text if 1 < channels < shape[0] else ""), (why,)


def channels_move(store: TensorStore, architecture: Architecture) -> bool | None:
    """Return whether channels come first in the source's inputs and last in the architecture's.

    ``False`` if both have them first, ``None`` if the shapes of the inputs do not tell.
    """
    text = store.attributes.get("inputs", "")
    theirs = [tuple(shape) for shape in json.loads(text)] if text else []
    images = [shape for shape in theirs if len(shape) > 2]
    ours = [s.shape[1:] for s in architecture.inputs if s.shape is not None and len(s.shape) > 3]
    if not images or len(images) != len(ours):
        return None
    is_kept = ours == images
    is_moved = all(own in _moved(their) for own, their in zip(ours, images, strict=True))
    return None if is_kept == is_moved else is_moved


def _moved(shape: Sequence[int | None]) -> list[tuple[int | None, ...]]:
    """Return an image with its channels last; a sequence of images may have its time first."""
    orders: dict[int, list[tuple[int, ...]]] = {
        3: [(1, 2, 0)],
        4: [(1, 2, 3, 0), (0, 2, 3, 1)],
        5: [(0, 2, 3, 4, 1)],
    }
    return [tuple(shape[axis] for axis in order) for order in orders.get(len(shape), [])]
