"""Use case: what a pasted error message means, what is lost, and what to do.

Looks for every message of the catalog in the text; where none stands there word for word, for one
that is nearly the same. Reads no file and starts nothing.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from rapidfuzz import fuzz

from tfrepair.api.message_catalog import MESSAGES, Family, Message
from tfrepair.api.message_patterns import Found, Pasted, filled, find, pasted, template

NEAR = 82.0
"""Likeness, in percent, from which a text is taken for a misspelled or cut message."""
_LOOKED_AT = 4_000
"""Characters at the end of a text in which near misses are looked for."""
_SHORTEST = 12
"""Characters below which a text is like everything."""
_TRIED, _FAMILIES, _LONGEST_PATH = 6, 3, 500
_TOKEN = re.compile(r"[\s'\"`;,()\[\]=]+")
_FILE = re.compile(
    r".*(?:\.(?:h5|hdf5|keras|npy|npz|pkl|pickle|index|meta|pb)|\.data-\d{5}-of-\d{5}"
    r"|\.ckpt(?:-\d{1,12})?|/ckpt-\d{1,12}|/variables/variables)",
    re.IGNORECASE | re.DOTALL,
)
_IN_QUOTES = re.compile(r"['\"]([^'\"]{1,400})['\"]")
_ANNOUNCED = re.compile(r"(?:open table file|TensorBundle at) (.{1,400}?)(?:: | shard |; |$)")
_PLACE = re.compile(r"<[A-Za-z ]{1,20}>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One message of the catalog that a text holds, or nearly holds.

    Attributes
    ----------
    message
        What the catalog says.
    form
        Wording of the message that stands in the text; for a near miss, the first one.
    is_exact
        False for a near miss.
    likeness
        In percent; 100 if exact.
    parts
        What stood in the places of the message, by the place's name (``path``, ``name``, ``N``).
    """

    message: Message
    form: str
    is_exact: bool
    likeness: float
    parts: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The message with the names and numbers of the text."""
        return filled(self.form, self.parts) if self.is_exact else self.form

    @property
    def commands(self) -> tuple[str, ...]:
        """Commands to run now, with the user's own path where the text had one."""
        return tuple(_PLACE.sub(self._filled, command) for command in self.message.commands)

    @property
    def advice(self) -> tuple[str, ...]:
        """Advice besides the commands, with the user's own numbers."""
        return tuple(_PLACE.sub(self._filled, sentence) for sentence in self.message.advice)

    def _filled(self, place: re.Match[str]) -> str:
        name = place.group().strip("<>")
        return shlex.quote(self.parts[name]) if self.parts.get(name) else name.upper()

    def to_json(self) -> dict[str, Any]:
        """Return the explanation as plain JSON data."""
        return {
            "code": self.message.code,
            "family": self.message.family.value,
            "message": self.message.forms[0],
            "text": self.text,
            "is_exact": self.is_exact,
            "likeness": round(self.likeness, 1),
            "parts": dict(self.parts),
            "cause": self.message.cause,
            "loss": self.message.loss,
            "commands": list(self.commands),
            "advice": list(self.advice),
            "versions": self.message.versions,
            "page": self.message.page,
        }


def explain(text: str) -> tuple[Explanation, ...]:
    """Say what a pasted text means.

    Parameters
    ----------
    text
        An error message, or everything around it: colors, quotation marks, folded lines and other
        numbers do no harm.

    Returns
    -------
    The messages found, the most telling first; if there is none, those that are nearly the same;
    empty if nothing is like the text.

    Raises
    ------
    TypeError
        If it is no text.
    """
    where = pasted(text)
    return _exact(where) or _near(where)


def closest_families(text: str) -> tuple[Family, ...]:
    """Return the three families whose messages have most in common with a text."""
    pieces = _trigrams(pasted(text).lower[-_LOOKED_AT:])
    shares: dict[Family, float] = {}
    for message in MESSAGES:
        share = _share(message, pieces)
        shares[message.family] = max(share, shares.get(message.family, 0.0))
    return tuple(sorted(shares, key=lambda family: -shares[family])[:_FAMILIES])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hit:
    message: Message
    form: str
    found: Found

    @property
    def rank(self) -> tuple[int, int, int]:
        """Sorts the most telling first: special cases, long messages, early ones."""
        return -self.message.priority, -len(template(self.form).literal), self.found.start


def _exact(where: Pasted) -> tuple[Explanation, ...]:
    """Return the messages that stand in a text.

    One within a more telling one does not count, nor does one that wraps the real cause.
    """
    hits = [hit for message in MESSAGES if (hit := _best_hit(message, where)) is not None]
    if any(hit.message.priority >= 0 for hit in hits):
        hits = [hit for hit in hits if hit.message.priority >= 0]
    kept: list[_Hit] = []
    for hit in sorted(hits, key=lambda hit: hit.rank):
        if not any(_is_within(hit.found, other.found) for other in kept):
            kept.append(hit)
    path = _path_in(where) if kept else ""
    return tuple(
        Explanation(
            message=hit.message,
            form=hit.form,
            is_exact=True,
            likeness=100.0,
            parts=_parts(hit.found, path, where),
        )
        for hit in kept
    )


def _parts(found: Found, path: str, where: Pasted) -> dict[str, str]:
    """Return what stood in the places; a path that may have lost or gained a space is left out."""
    parts = ({"path": path} if path else {}) | found.parts
    if "path" in parts and not where.is_whole(parts["path"]):
        del parts["path"]
    return parts


def _best_hit(message: Message, where: Pasted) -> _Hit | None:
    """Return the longest form of a message that stands in a text."""
    hits = [
        _Hit(message=message, form=form, found=found)
        for form in message.forms
        if (found := find(template(form), where)) is not None
    ]
    return min(hits, key=lambda hit: hit.rank) if hits else None


def _is_within(found: Found, other: Found) -> bool:
    return other.start <= found.start and found.end <= other.end


def _near(where: Pasted) -> tuple[Explanation, ...]:
    text = where.lower[-_LOOKED_AT:]
    if len(text) < _SHORTEST:
        return ()
    pieces = _trigrams(text)
    likely = sorted(MESSAGES, key=lambda message: -_share(message, pieces))[:_TRIED]
    path = _path_in(where)
    path = path if path and where.is_whole(path) else ""
    near = [
        Explanation(
            message=message,
            form=message.forms[0],
            is_exact=False,
            likeness=likeness,
            parts={"path": path} if path else {},
        )
        for message in likely
        if (likeness := _likeness(message, text)) >= NEAR
    ]
    return tuple(sorted(near, key=lambda explanation: -explanation.likeness))


def _likeness(message: Message, text: str) -> float:
    return max(
        fuzz.partial_ratio(form.literal, text, score_cutoff=NEAR)
        for form in map(template, message.forms)
    )


def _share(message: Message, pieces: frozenset[str]) -> float:
    return max(len(own & pieces) / max(1, len(own)) for own in _own_trigrams(message))


@cache
def _own_trigrams(message: Message) -> tuple[frozenset[str], ...]:
    return tuple(_trigrams(template(form).literal) for form in message.forms)


def _trigrams(text: str) -> frozenset[str]:
    return frozenset(text[start : start + 3] for start in range(len(text) - 2))


def _path_in(where: Pasted) -> str:
    """Return the last thing in a text that looks like a model's file; empty if nothing does."""
    announced = _ANNOUNCED.search(where.text)
    if announced is not None:
        return announced.group(1)
    for tokens in (_IN_QUOTES.findall(where.text), _TOKEN.split(where.text)):
        for token in reversed(tokens):
            trimmed = token.strip().rstrip(".:")
            is_short = len(trimmed) < _LONGEST_PATH
            if is_short and "://" not in trimmed and _FILE.fullmatch(trimmed):
                return str(trimmed)
    return ""
