"""Bare functions in a functional model: ``tf.*`` in tf.keras, ``keras.ops`` in Keras 3.

They are layers by name and hold the name of a function. Only functions that compute are taken, by
a list; any other could read files or run code.
"""

import re
from collections.abc import Mapping
from typing import Any

from tfrepair.architecture.keras_config import known
from tfrepair.architecture.keras_config.notes import Notes
from tfrepair.architecture.keras_config.objects import plain

_OPS = re.compile(r"keras\.src\.ops\.(?:numpy|nn|math|core|linalg|image|einops)$")
_WITH_FUNCTIONS = frozenset({"Map", "Scan", "AssociativeScan", "Cond", "WhileLoop", "ForiLoop",
                             "VectorizedMap", "Vectorize", "Switch", "CustomGradient"})  # fmt: skip
_OF_TENSORFLOW = frozenset({"TFOpLambda", "SlicingOpLambda"})


def operation(
    class_name: str, value: Mapping[str, Any], settings: dict[str, Any], keras: int, notes: Notes
) -> dict[str, Any] | None:
    """Return a bare function as the chosen Keras reads it, or ``None`` if it is none."""
    name = str(settings.get("name") or value.get("name") or "")
    held = {"class_name": class_name, "config": settings}
    if class_name in _OF_TENSORFLOW:
        function = str(settings.get("function"))
        _take(function, function in known.TF_FUNCTIONS, keras, notes, name)
        return held
    if class_name == "TensorFlowOpLayer":
        node = settings.get("node_def")
        found = str(node.get("op")) if isinstance(node, dict) else "in a binary form"
        _take(found, found in known.TF_OPERATIONS, keras, notes, name)
        return held
    module = str(value.get("module", ""))
    if not _OPS.match(module):
        return None
    if class_name in _WITH_FUNCTIONS or not class_name.isidentifier():
        notes.refuse(name, f"{class_name} calls a function that is not in the file")
    if keras == 2:
        notes.refuse(name, f"keras.ops {class_name} is of Keras 3; try --keras 3")
    settings = {key: plain(part, notes, name) for key, part in settings.items()}
    return {**held, "config": settings, "module": module, "registered_name": None}


def _take(function: str, is_known: bool, keras: int, notes: Notes, name: str) -> None:
    if not is_known:
        notes.refuse(name, f"it calls TensorFlow's {function}, which is not on the list of those "
                           "that only compute")  # fmt: skip
    elif keras == 3:
        notes.refuse(name, f"it calls TensorFlow's {function}, which Keras 3 cannot take from a "
                           "file; try --keras 2")  # fmt: skip
