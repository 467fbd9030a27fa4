"""Text from files, made harmless for a terminal, and data as JSON that every parser takes.

A name inside a hostile file may hold control sequences that repaint a terminal, or characters
that turn the direction of writing; they are shown as escapes. Pure.
"""

import json
import math
from collections.abc import Mapping
from typing import Any


def one_line(text: str) -> str:
    """Return a text without anything that moves the cursor; line ends are escaped too."""
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def several_lines(text: str) -> str:
    """Return a text in which only line ends move the cursor."""
    return "\n".join(one_line(line) for line in text.split("\n"))


def json_text(data: Mapping[str, Any]) -> str:
    """Return data as indented JSON in ASCII; numbers that JSON does not have become null."""
    try:
        return json.dumps(data, indent=1, allow_nan=False)
    except ValueError:
        return json.dumps(_plain(data), indent=1, allow_nan=False)


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
