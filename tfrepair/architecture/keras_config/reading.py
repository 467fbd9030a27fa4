"""From a configuration's text to JSON, within bounds, and which Keras wrote it.

Knows nothing about layers; comes before :mod:`tfrepair.architecture.keras_config.preparing`.
"""

import json
import re
from collections.abc import Iterator
from enum import IntEnum
from typing import Any

from tfrepair.core.errors import ArchitectureError

MAX_TEXT = 1 << 26
"""Longest text in characters; the largest real ones have a few megabytes."""
MAX_DEPTH = 64
"""Deepest nesting of objects and lists; eight levels of nested models take about 50."""
MAX_PARTS = 4_000_000
"""Most values of one configuration."""


class Era(IntEnum):
    """The generation of Keras that a configuration was written by."""

    KERAS_1 = 1
    """Keras 1: ``nb_filter``, ``border_mode``, ``W_regularizer``."""
    KERAS_2 = 2
    """Keras 2, tf.keras up to 2.15, tf_keras: ``batch_input_shape``."""
    KERAS_3 = 3
    """Keras 3: ``batch_shape``, ``DTypePolicy``."""


_OF_1 = frozenset({"border_mode", "W_regularizer", "inner_init", "nb_filter", "dim_ordering"})
_OF_2 = frozenset({"batch_input_shape", "kernel_initializer", "data_format"})
_OF_3 = frozenset({"batch_shape"})
_POLICY = "DTypePolicy"


def read_config(text: str, where: str) -> Any:  # noqa: ANN401 - any JSON
    """Parse a configuration.

    Parameters
    ----------
    text
        JSON.
    where
        File and part, for messages.

    Raises
    ------
    ArchitectureError
        If it is no JSON object, or larger or deeper than any real one.
    """
    if len(text) > MAX_TEXT:
        message = f"{where}: {len(text)} characters, the limit is {MAX_TEXT}"
        raise ArchitectureError(message, remedy=_REMEDY)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        message = f"{where}: not JSON: {reason}"
        raise ArchitectureError(message, remedy=_REMEDY) from error
    _require_bounds(value, where)
    return value


_REMEDY = "give a model.py that builds the model with --arch"


def _require_bounds(value: object, where: str) -> None:
    level, depth, total = [value], 0, 0
    while level:
        depth += 1
        total += len(level)
        if depth > MAX_DEPTH:
            message = f"{where}: nested deeper than {MAX_DEPTH} levels"
            raise ArchitectureError(message, remedy=_REMEDY)
        if total > MAX_PARTS:
            message = f"{where}: more than {MAX_PARTS} values"
            raise ArchitectureError(message, remedy=_REMEDY)
        level = [part for held in level for part in _parts(held)]


def _parts(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def era_of(value: object, version: str) -> Era:
    """Return which generation wrote a configuration: by its version, else by its words.

    Parameters
    ----------
    value
        As :func:`read_config` gives it.
    version
        ``keras_version`` of the file, or empty.
    """
    major = re.match(r"\d+", version)
    if major:
        return Era(min(max(int(major[0]), 1), 3))
    keys: set[str] = set()
    classes: set[str] = set()
    for found in _dicts(value):
        keys |= found.keys()
        classes.add(str(found.get("class_name")))
    if _POLICY in classes or (keys & _OF_3 and not keys & {"batch_input_shape"}):
        return Era.KERAS_3
    return Era.KERAS_1 if keys & _OF_1 and not keys & _OF_2 else Era.KERAS_2


def _dicts(value: object) -> Iterator[dict[str, Any]]:
    waiting = [value]
    while waiting:
        held = waiting.pop()
        if isinstance(held, dict):
            yield held
        waiting += _parts(held)
