"""Text from files, made harmless for a terminal, and data as JSON that every parser takes.

A name inside a hostile file may hold control sequences that repaint a terminal, or characters
that turn the direction of writing; they are shown as escapes. Pure.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

_LONG_LIST = 500
_ENCODER = json.JSONEncoder(allow_nan=False)


def one_line(text: str) -> str:
    """Return a text without anything that moves the cursor; line ends are escaped too."""
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def several_lines(text: str) -> str:
    """Return a text in which only line ends move the cursor."""
    return "\n".join(one_line(line) for line in text.split("\n"))


def json_text(data: Mapping[str, Any]) -> str:
    """Return data as JSON in ASCII; numbers that JSON does not have become null.

    Indented by one blank for each level, but the entries of a long list take one line each.
    """
    try:
        return _json_object(data)
    except ValueError:
        return _json_object(_plain(data))


def _json_object(data: Mapping[str, Any]) -> str:
    lines = [f" {json.dumps(key)}: {_json_value(value)}" for key, value in data.items()]
    return "{\n" + ",\n".join(lines) + "\n}" if lines else "{}"


def _json_value(value: Any) -> str:  # noqa: ANN401 - JSON
    if isinstance(value, list | tuple) and len(value) > _LONG_LIST:
        # Only what is not indented is written by compiled code: ten times as fast.
        entries = ",\n".join(f"  {_ENCODER.encode(entry)}" for entry in value)
        return f"[\n{entries}\n ]"
    return json.dumps(value, indent=1, allow_nan=False).replace("\n", "\n ")


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    match value:
        case float() if not math.isfinite(value):
            return None
        case dict():
            return {key: _plain(entry) for key, entry in value.items()}
        case list() | tuple():
            return [_plain(entry) for entry in value]
        case _:
            return value
