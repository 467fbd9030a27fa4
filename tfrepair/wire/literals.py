"""The literals of a ``.npy`` header: dict, list, tuple, text, number and truth value.

Knows a small part of Python's syntax, as data: nothing is evaluated, nesting and digits are
bounded, and the parser never warns. Python 2 wrote ``10L`` for some numbers.
"""

import re
from typing import NoReturn, TypeAlias

Literal: TypeAlias = "str | int | bool | list[Literal] | tuple[Literal, ...] | dict[str, Literal]"

_MAX_NESTING = 8
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'[^'\\]*'|\"[^\"\\]*\")|(?P<number>-?\d{1,20})L?"
    r"|(?P<word>True|False)|(?P<mark>[{}\[\](),:]))"
)


class LiteralError(ValueError):
    """The text is not a literal; says where it stops being one."""


def parse_literal(text: str) -> Literal:
    """Return the value of a literal.

    Raises
    ------
    LiteralError
        With the character and what was expected there.
    """
    return _Parser(text).parse()


class _Parser:
    """A position in the text, moved on by what is read."""

    def __init__(self, text: str) -> None:
        self._text = text.rstrip()
        self._at = 0

    def parse(self) -> Literal:
        """Return the value of the whole text."""
        value = self._value(0)
        if self._at != len(self._text):
            self._fail("the end")
        return value

    def _fail(self, expected: str) -> NoReturn:
        found = self._text[self._at : self._at + 12]
        message = f"expected {expected} at character {self._at}, found {found!r}"
        raise LiteralError(message)

    def _next(self) -> re.Match[str]:
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            self._fail("a literal")
        self._at = match.end()
        return match

    def _closes(self, mark: str) -> bool:
        match = _TOKEN.match(self._text, self._at)
        if match is None or match["mark"] != mark:
            return False
        self._at = match.end()
        return True

    def _value(self, depth: int) -> Literal:
        if depth > _MAX_NESTING:
            self._fail(f"at most {_MAX_NESTING} levels of nesting")
        match = self._next()
        if match["text"] is not None:
            return match["text"][1:-1]
        if match["number"] is not None:
            return int(match["number"])
        if match["word"] is not None:
            return match["word"] == "True"
        if match["mark"] == "{":
            return dict(self._pairs(depth))
        if match["mark"] == "[":
            return self._items("]", depth)[0]
        if match["mark"] != "(":
            self._fail("a value")
        items, is_group = self._items(")", depth)
        return items[0] if is_group else tuple(items)

    def _items(self, closing: str, depth: int) -> tuple[list[Literal], bool]:
        """Return the items up to a closing mark, and whether it was one item without a comma."""
        items: list[Literal] = []
        while not self._closes(closing):
            items.append(self._value(depth + 1))
            if not self._closes(","):
                if not self._closes(closing):
                    self._fail(f"',' or {closing!r}")
                return items, len(items) == 1
        return items, False

    def _pairs(self, depth: int) -> list[tuple[str, Literal]]:
        pairs: list[tuple[str, Literal]] = []
        while not self._closes("}"):
            key = self._value(depth + 1)
            if not isinstance(key, str) or not self._closes(":"):
                self._fail("a text key and ':'")
            pairs.append((key, self._value(depth + 1)))
            if not self._closes(","):
                if not self._closes("}"):
                    self._fail("',' or '}'")
                break
        return pairs
