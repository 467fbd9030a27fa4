"""Keys of containers as parts of tensor names.

Knows which keys only number what they stand for, and how a key of any allowed type is written.
"""

import re

_POSITION = re.compile(r"(?:arr_)?\d+")


def is_position(key: str) -> bool:
    """Return whether a key only numbers what it stands for: ``7`` and ``arr_7``."""
    return _POSITION.fullmatch(key) is not None


def key_text(key: object) -> str:
    """Return a key as text: bytes as UTF-8, else latin1; the parts of a tuple joined by ``/``."""
    match key:
        case bytes():
            try:
                return printable(key.decode())
            except UnicodeDecodeError:
                return printable(key.decode("latin1"))
        case tuple():
            return "/".join(key_text(part) for part in key)
        case _:
            return printable(str(key))


def printable(text: str) -> str:
    """Escape what would disturb a terminal or cannot be written as UTF-8."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
