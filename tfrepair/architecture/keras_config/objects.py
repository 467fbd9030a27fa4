"""What layers hold beside numbers: initializers, regularizers, constraints, activations, dtypes.

Every era writes them otherwise: as words, as a class with settings, with or without a module.
Here they become a class of :mod:`tfrepair.architecture.keras_config.known` with settings, or a
word, written as the chosen Keras reads them. Nothing else is let through.
"""

from collections.abc import Mapping
from typing import Any

from tfrepair.architecture.keras_config import known
from tfrepair.architecture.keras_config.notes import Notes
from tfrepair.tfhost.protocol import CUSTOM, OLD_HARD_SIGMOID

_OWN = ("keras", "tf_keras")
_KIND = {
    "initializer": ("initializers", known.INITIALIZERS, known.INITIALIZER_WORDS),
    "regularizer": ("regularizers", known.REGULARIZERS, known.REGULARIZER_WORDS),
    "constraint": ("constraints", known.CONSTRAINTS, known.CONSTRAINT_WORDS),
}


def is_own(held: Mapping[str, Any]) -> bool:
    """Return whether an object claims to be of Keras itself, as far as module and package say."""
    registered, module = held.get("registered_name"), held.get("module")
    if ">" in str(held.get("class_name")):
        return False
    if isinstance(registered, str) and ">" in registered:
        return False
    if module is None:
        return "module" not in held  # an old file; with an empty one, Keras did not know the class
    parts = str(module).split(".")
    return parts[0] in _OWN or parts[:2] == ["tensorflow", "keras"] or parts[:3] == [
        "tensorflow", "python", "keras"]  # fmt: skip


def bare_name(class_name: object) -> str:
    """Return the name of a class without the package that it was registered in."""
    return str(class_name).rpartition(">")[2]


def build(module: str, class_name: str, settings: Mapping[str, Any], keras: int) -> dict[str, Any]:
    """Return an object as the chosen Keras reads it.

    Parameters
    ----------
    module
        Public module of Keras, such as ``"initializers"``.
    class_name, settings
        A known class; or one that begins with
        :data:`~tfrepair.tfhost.protocol.CUSTOM`.
    keras
        2 (tf_keras looks up bare names) or 3 (which wants a module).
    """
    held = {"class_name": class_name, "config": dict(settings)}
    if keras == 2:
        return held
    if class_name.startswith(CUSTOM):
        return {"module": None, **held, "registered_name": class_name}
    return {"module": f"keras.{module}", **held, "registered_name": None}


def converted(key: str, value: object, keras: int, notes: Notes, layer: str) -> object:
    """Return an initializer, regularizer or constraint.

    Parameters
    ----------
    key
        Name of the setting; its last word is the kind.
    value
        A word, a class with settings, or ``None``.
    """
    kind = key.rpartition("_")[2]
    module, names, words = _KIND[kind]
    if value is None:
        return None
    if isinstance(value, str):
        name, own = value, True
        settings: Any = {}
    elif isinstance(value, dict) and "class_name" in value:
        name, settings = bare_name(value["class_name"]), value.get("config") or {}
        own = is_own(value)
        if name == "function" and isinstance(settings, str):
            name, settings = settings, {}
    else:
        notes.refuse(layer, f"{key} is not understood: {str(value)[:80]}")
        return None
    name = words.get(name, name)
    if own and name in names:
        return build(module, name, _settings(name, settings, notes, layer), keras)
    if kind == "initializer" and not notes.has_custom_objects:
        notes.warn(
            "initializer-replaced",
            layer,
            f"{key} {name} is not Keras' own; zeros stand in for it",
            "this matters for weights without a source only; give it with --custom-objects",
        )
        return build(module, "Zeros", {}, keras)
    return build(module, notes.custom(name, layer, kind), settings, keras)


def _settings(name: str, settings: object, notes: Notes, layer: str) -> dict[str, Any]:
    held = dict(settings) if isinstance(settings, dict) else {}
    if name == "VarianceScaling" and held.get("distribution") == "normal":
        held["distribution"] = "truncated_normal"  # what Keras 2.2 and later mean by it
    held.pop("dtype", None)
    if name == "Identity":
        held = {key: value for key, value in held.items() if key == "gain"}
    return {key: plain(value, notes, layer) for key, value in held.items()}


def activation(value: object, keras: int, era: int, notes: Notes, layer: str) -> object:
    """Return an activation as a word, with the meaning that it had for its writer."""
    if value is None:
        return None
    name, own = _function(value)
    if not name:
        notes.refuse(layer, f"activation {str(value)[:80]}")
        return None
    word = known.ACTIVATION_WORDS.get(name, name)
    if not own or word not in known.ACTIVATIONS[keras]:
        return function_named(notes.custom(name, layer, "activation"), keras)
    if word == known.HARD_SIGMOID and keras == 3 and era < 3:
        notes.change("hard_sigmoid keeps the slope that it had before Keras 3", layer)
        return function_named(CUSTOM + OLD_HARD_SIGMOID, keras)
    return word


def function_named(key: str, keras: int) -> object:
    """Return a custom function as the chosen Keras reads it."""
    if keras == 2:
        return key
    return {"module": None, "class_name": "function", "config": key, "registered_name": key}


def _function(value: object) -> tuple[str, bool]:
    """Return the name of a function, and whether it may be one of Keras."""
    if isinstance(value, str):
        return bare_name(value), ">" not in value
    if isinstance(value, dict) and value.get("class_name") == "function":
        name = value.get("config")
        if isinstance(name, str):
            return bare_name(name), value.get("module") == "builtins" or is_own(value)
    if isinstance(value, dict) and isinstance(value.get("class_name"), str):
        return bare_name(value["class_name"]), is_own(value) and not value.get("config")
    return "", False


def dtype_name(value: object, notes: Notes, layer: str) -> object:
    """Return a dtype or the name of a dtype policy, which both generations read as a word."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dict):
        inner = value.get("config")
        name = inner.get("name") if isinstance(inner, dict) else None
        if isinstance(name, str) and bare_name(value.get("class_name")) in _POLICIES:
            return name
    notes.refuse(layer, f"dtype policy {str(value)[:80]}")
    return None


_POLICIES = frozenset({"DTypePolicy", "Policy", "PolicyV1", "FloatDTypePolicy"})
_ARRAY = "__numpy__"


def plain(value: object, notes: Notes, layer: str) -> Any:  # noqa: ANN401 - JSON
    """Return a setting that may hold no object: tuples and shapes become lists."""
    if isinstance(value, list):
        return [plain(part, notes, layer) for part in value]
    if not isinstance(value, dict):
        return value
    name = value.get("class_name")
    if name in ("__tuple__", "TensorShape", "tuple"):
        return [plain(part, notes, layer) for part in _list(value.get("items"))]
    if name == _ARRAY and _is_numbers(value.get("config")):
        return value
    if name is not None and "config" in value:
        notes.refuse(layer, f"a setting holds an object of the class {bare_name(name)}")
        return None
    return {key: plain(part, notes, layer) for key, part in value.items()}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _is_numbers(config: object) -> bool:
    if not isinstance(config, dict) or not isinstance(config.get("dtype"), str):
        return False
    waiting = [config.get("value")]
    while waiting:
        held = waiting.pop()
        if isinstance(held, list):
            waiting += held
        elif not isinstance(held, int | float):
            return False
    return True
