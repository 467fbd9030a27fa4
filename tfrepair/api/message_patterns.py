"""Messages as templates: how a form such as ``Key <name> not found`` finds its text in a paste.

Knows how pasted text differs from what a library printed: colors, quotation marks, folded lines.
Knows no message; the catalog comes before it, :mod:`tfrepair.api.explanation` after it. Pure.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

LIMIT = 100_000
"""Characters that are looked at, counted from the end: tracebacks end with their message."""

_INTEGER = r"-?[\d,]{1,20}"
_SHAPE = r"[\[(][^\[\]()]{0,200}[\])]"
_PATH = (
    # A word with a slash in it goes on with the path: /content/drive/My Drive/model.ckpt.
    r"[^\s'\"`;,()]{1,400}(?: [^\s'\"`;,()\[\]=:/]{1,60}/[^\s'\"`;,()]{1,300}){0,4}"
)
_NAME = r"[^\s'\"`,;]{1,300}"
_SLOT = (
    r"[^\s'\"`,;]{0,300}?(?:/(?:Adam|Momentum|RMSProp|Adagrad|Adadelta|Ftrl|FtrlProximal)(?:_\d)?"
    r"|adam_[mv]|beta[12]_power(?:_\d{1,4})?)"
)
_PLACES = {
    "<path>": _PATH,
    "<name>": _NAME,
    "<class>": _NAME,
    "<slot>": _SLOT,
    "<N>": _INTEGER,
    "<M>": _INTEGER,
    "<K>": _INTEGER,
    "<shape>": _SHAPE,
    "<other shape>": _SHAPE,
    "...": r".{0,200}?",
}
_QUOTED = r"[^'\"`]{1,300}"
_QUOTES = "'\"`"
_SOME_QUOTE = rf"[\\{_QUOTES}]{{1,2}}"
_ANY_QUOTE = rf"[\\{_QUOTES}]{{0,2}}"
"""A quotation mark may be of another kind, escaped (a message in a message), or lost."""
_SPLIT = re.compile("(" + "|".join(re.escape(place) for place in _PLACES) + ")")
_ANSI = re.compile(r"\x1b(?:\[[0-9;?]{0,40}[ -/]{0,4}[@-~]|\][^\x07\x1b]{0,200}(?:\x07|\x1b\\))")
_GOES_ON = re.compile(r"[\w./~-]")
"""How a line begins that may go on with a word of the line before."""
_OPEN_END = re.compile(r"[^\[\]:;,()'\"]{0,60}")
"""What may stand between a part and the fold if the part goes on behind it."""
_MARGIN = " \t\r\f\v>|│┃"
_SAME = str.maketrans("\u2018\u2019\u201c\u201d\u00a0", "''\"\" ")
"""Typographic quotation marks and the space that does not break."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pasted:
    """A pasted text, ready to be searched.

    Attributes
    ----------
    text
        One line, with single spaces; upper and lower case are kept.
    squashed
        The same without any space: a terminal folds lines within words.
    lower
        ``squashed`` in lower case.
    lines
        The text as it was folded; what stands on one line is whole.
    """

    text: str
    squashed: str
    lower: str
    lines: tuple[str, ...]

    def is_whole(self, part: str) -> bool:
        """Return False if a part may have been folded: where a space was is anybody's guess."""
        longest = max(map(len, self.lines), default=0)
        following = (*self.lines[1:], "")
        for line, after in zip(self.lines, following, strict=True):
            _, found, rest = line.rpartition(part)
            may_go_on = len(line) == longest and _GOES_ON.match(after) is not None
            if found and not (may_go_on and _OPEN_END.fullmatch(rest)):
                return True
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Where a form was found, as offsets into ``Pasted.squashed``, and what its places hold."""

    start: int
    end: int
    parts: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A form, compiled.

    Attributes
    ----------
    pattern
        Expression that ignores case and bounds every place that varies.
    needle
        Longest piece that never varies; a text without it is not searched.
    literal
        Everything that never varies, in lower case and without spaces.
    """

    pattern: re.Pattern[str]
    needle: str
    literal: str


def pasted(text: str) -> Pasted:
    """Undo what terminals, mail and forums do to a message.

    Parameters
    ----------
    text
        A message or a whole traceback; of a very long text the end counts.
    """
    plain = _ANSI.sub("", text[-LIMIT:]).translate(_SAME)
    parts = (line.strip(_MARGIN) for line in plain.replace("\\n", "\n").splitlines())
    lines = tuple(" ".join(part.split()) for part in parts if part)
    text = " ".join(line for line in lines if line)
    squashed = text.replace(" ", "")
    return Pasted(text=text, squashed=squashed, lower=squashed.lower(), lines=lines)


@cache
def template(form: str) -> Template:
    """Compile a form; literal text outside of its places matches as it stands.

    Parameters
    ----------
    form
        Message with places: ``<path>``, ``<name>``, ``<N>``, ``<shape>``, ..., and ``...`` for
        text that does not matter.
    """
    pieces = _SPLIT.split(form)
    seen: dict[str, int] = {}
    pattern, literals = "", []
    for index, piece in enumerate(pieces):
        if piece in _PLACES:
            is_quoted = pieces[index - 1][-1:] in _QUOTES and pieces[index + 1][:1] in _QUOTES
            pattern += _place(piece, seen, is_quoted=bool(pieces[index - 1]) and is_quoted)
        else:
            # A place at the start is looked for at quotation marks only: there are few of them.
            is_start = index == 0 and piece in tuple(_QUOTES)
            pattern += _SOME_QUOTE if is_start else "".join(map(_character, piece))
            literals.append(_squashed(piece))
    unquoted = re.split(f"[{_QUOTES}]", "\n".join(literals).replace("\n", "'"))
    return Template(
        pattern=re.compile(pattern, re.IGNORECASE),
        needle=max(unquoted, key=len),
        literal="".join(literals),
    )


def find(form: Template, where: Pasted) -> Found | None:
    """Return the first place where a form stands in a text."""
    if form.needle not in where.lower:
        return None
    match = form.pattern.search(where.text)
    if match is not None:
        start = match.start() - where.text.count(" ", 0, match.start())
        end = match.end() - where.text.count(" ", 0, match.end())
    else:
        match = form.pattern.search(where.squashed)
        if match is None:
            return None
        start, end = match.span()
    parts = {
        name.replace("_", " "): value.rstrip(".:,;\\") if name != "shape" else value
        for name, value in match.groupdict(default="").items()
    }
    return Found(start=start, end=end, parts=parts)


def filled(form: str, parts: Mapping[str, str]) -> str:
    """Return a form with what was found in its places; a place without a part stays."""
    seen: dict[str, int] = {}
    return "".join(
        parts.get(_part_name(piece, seen), piece) if piece in _PLACES else piece
        for piece in _SPLIT.split(form)
    )


def _part_name(piece: str, seen: dict[str, int]) -> str:
    """Return the name of a place; the second of its kind is numbered."""
    name = piece.strip("<>")
    seen[name] = seen.get(name, 0) + 1
    return name if seen[name] == 1 else f"{name} {seen[name]}"


def _place(piece: str, seen: dict[str, int], *, is_quoted: bool) -> str:
    if piece == "...":
        return _PLACES[piece]
    name = _part_name(piece, seen).replace(" ", "_")
    inside = _QUOTED if is_quoted and piece in ("<path>", "<name>", "<class>") else _PLACES[piece]
    return f"(?P<{name}>{inside})"


def _character(character: str) -> str:
    if character in _QUOTES:
        return _ANY_QUOTE
    return " ?" if character == " " else re.escape(character)


def _squashed(text: str) -> str:
    return "".join(text.split()).lower()
