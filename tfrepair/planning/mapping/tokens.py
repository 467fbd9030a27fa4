"""How a name is taken apart: components, and in each the words and the numbers.

Letters that directly follow a number count as numbers (``block3b``), sizes (``3x3``) and
dimensions (``conv2d``) stay whole. Knows nothing about tensors. Pure. Comes before
:mod:`tfrepair.planning.mapping.roles` and :mod:`tfrepair.planning.mapping.units`.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from tfrepair.planning.dialects.words import SYNONYMS

_ATTRIBUTES = re.compile(r"/\.ATTRIBUTES/[A-Z_]+$")
_OUTPUT = re.compile(r":\d+$")
_PIECE = re.compile(
    r"(?P<size>\d+x\d+(?:x\d+)?)(?![a-z0-9])"
    r"|(?P<dim>(?i:[a-z]*(?:conv|pool|pooling|convolution|sampling|padding|norm)[123]d))(?![a-z])"
    r"|(?P<number>\d+)(?P<letter>[A-Za-z](?![A-Za-z]))?"
    r"|(?P<word>[A-Z]+(?![a-z])|[A-Z]?[a-z]+)"
)


@dataclass(frozen=True, slots=True)
class Token:
    """A word (``number`` is ``None``) or a number (``word`` is what it counts, or empty)."""

    word: str
    number: int | None = None


def components(name: str) -> tuple[str, ...]:
    """Return the levels of a name; ``.`` separates them where there is no ``/``."""
    name = _OUTPUT.sub("", _ATTRIBUTES.sub("", name)).strip("/")
    separator = "/" if "/" in name or "." not in name else "."
    return tuple(part for part in name.split(separator) if part and part != ".S")


@lru_cache(maxsize=65536)
def tokens_of(component: str) -> tuple[Token, ...]:
    """Return the words and numbers of one component, in order, words in lower case."""
    found: list[Token] = []
    for match in _PIECE.finditer(component):
        if match["number"] is None:
            text = (match["size"] or match["dim"] or match["word"]).lower()
            found.append(Token(text))
            continue
        word = found[-1].word if found and found[-1].number is None else ""
        found.append(Token(word, int(match["number"])))
        if match["letter"]:
            found.append(Token(word + "'", ord(match["letter"].lower()) - ord("a")))
    return tuple(found)


@lru_cache(maxsize=65536)
def words_of(component: str) -> tuple[str, ...]:
    """Return the words of one component, joined and replaced by their synonyms."""
    plain = [token.word for token in tokens_of(component) if token.number is None]
    out: list[str] = []
    place = 0
    while place < len(plain):
        for length in (3, 2, 1):
            joined = "_".join(plain[place : place + length])
            if place + length <= len(plain) and (length == 1 or joined in SYNONYMS):
                out.append(SYNONYMS.get(joined, joined))
                place += length
                break
    return tuple(out)
