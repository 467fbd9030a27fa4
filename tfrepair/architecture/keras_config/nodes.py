"""The calls of a functional model: which layer is called on which output of which layer.

Old files list ``[layer, node, tensor, arguments]``; Keras 3 lists arguments that hold
``__keras_tensor__``. Both are checked here, and the first is turned into the second.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tfrepair.architecture.keras_config.notes import Notes

TENSOR = "__keras_tensor__"
CONSTANT = "_CONSTANT_VALUE"
_WITH_STATE = frozenset({"LSTM", "GRU", "SimpleRNN", "RNN", "ConvLSTM1D", "ConvLSTM2D",
                         "ConvLSTM3D", "Bidirectional"})  # fmt: skip
_PLAIN = frozenset({TENSOR, "__tensor__", "__numpy__", "__ellipsis__", "__slice__", "TypeSpec"})


def is_reference(value: object) -> bool:
    """Return whether a value names an output of a call: ``[layer, node, tensor, ...]``."""
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and isinstance(value[1], int)
        and isinstance(value[2], int)
    )


def sources(node: object) -> Iterator[str]:
    """Yield the names of the layers whose outputs a call takes."""
    waiting = [node]
    while waiting:
        held = waiting.pop()
        if is_reference(held) and isinstance(held, list):
            if held[0] != CONSTANT:
                yield held[0]
            waiting += held[3:]
        elif isinstance(held, list):
            waiting += held
        elif isinstance(held, dict):
            inner = held.get("config")
            if held.get("class_name") == TENSOR and isinstance(inner, dict):
                history = inner.get("keras_history")
                yield str(history[0]) if isinstance(history, list) and history else ""
            else:
                waiting += held.values()


def checked(node: object, notes: Notes, layer: str) -> object:
    """Refuse what a call's arguments may not hold: objects that are no tensors and no numbers."""
    waiting = [node]
    while waiting:
        held = waiting.pop()
        if isinstance(held, dict):
            name = held.get("class_name")
            if name is not None and name not in _PLAIN:
                notes.refuse(layer, f"it is called with an object of the class {name}")
            waiting += held.values()
        elif isinstance(held, list):
            waiting += held
    return node


def renamed(value: object, names: Mapping[str, str]) -> object:
    """Return a structure of references in which layers have other names."""
    if is_reference(value) and isinstance(value, list):
        rest = [renamed(part, names) for part in value[3:]]
        return [names.get(value[0], value[0]), *value[1:3], *rest]
    if isinstance(value, list):
        return [renamed(part, names) for part in value]
    if isinstance(value, dict):
        return {key: renamed(part, names) for key, part in value.items()}
    return value


def to_keras_3(node: object, class_name: str, offsets: Mapping[str, int]) -> object:
    """Turn a call of an old file into one of Keras 3.

    Parameters
    ----------
    node
        ``[[layer, node, tensor, arguments], ...]``, or what Keras 3 wrote.
    class_name
        Of the layer that is called: recurrent ones take their initial state apart.
    offsets
        Layers whose calls the old file counts from 1: models inside the model.
    """
    if not isinstance(node, list):
        return node
    listed = [node] if is_reference(node) else node
    arguments: dict[str, Any] = {}
    tensors = []
    for entry in listed:
        if is_reference(entry) and isinstance(entry, list):
            tensors.append(_tensor(entry, offsets))
            if len(entry) > 3 and isinstance(entry[3], dict):
                arguments |= {key: _argument(v, offsets) for key, v in entry[3].items()}
        else:
            tensors.append(_argument(entry, offsets))
    if class_name in _WITH_STATE and len(tensors) > 1:
        arguments["initial_state"] = tensors[1:]
        tensors = tensors[:1]
    return {"args": tensors if len(tensors) == 1 else [tensors], "kwargs": arguments}


def _tensor(reference: Sequence[Any], offsets: Mapping[str, int]) -> object:
    if reference[0] == CONSTANT:
        return reference[2]
    place = reference[1] - offsets.get(reference[0], 0)
    history = [reference[0], place, reference[2]]
    held = {"shape": [], "dtype": "float32", "keras_history": history}
    return {"class_name": TENSOR, "config": held}


def _argument(value: object, offsets: Mapping[str, int]) -> object:
    if is_reference(value) and isinstance(value, list) and value[0] in offsets:
        return _tensor(value, offsets)
    if isinstance(value, list):
        return [_argument(part, offsets) for part in value]
    return value
