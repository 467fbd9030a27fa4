"""Explanations of error messages as text, or as the ``tfrepair.explain/1`` object.

Knows where the text comes from and how an answer is laid out; what messages mean is the API's.
"""

import sys
import textwrap

from tfrepair.api.explanation import Explanation, closest_families, explain
from tfrepair.api.message_catalog import TITLES
from tfrepair.cli.ending import print_json
from tfrepair.cli.tables import Page

UNSURE = 3
"""Exit code if nothing but near misses was found, or nothing at all."""
_STDIN = "-"
_MOST = 1 << 20
"""Bytes of stdin that are read at most."""
_WHOLE = 3
"""Explanations that are printed whole; of the others, the message."""
_WIDTH, _INDENT = 100, 8
_NEXT = "tfrepair check PATH"


def run_explanation(argument: str, *, as_json: bool) -> int:
    """Print what a text means; return the exit code.

    Parameters
    ----------
    argument
        The text, or ``-`` for stdin.
    as_json
        Print one JSON object.
    """
    text = _stdin() if argument == _STDIN else argument
    found = explain(text)
    code = 0 if found and found[0].is_exact else UNSURE
    if as_json:
        _print_object(text, found, code)
    else:
        _print_text(text, found)
    return code


def _stdin() -> str:
    return sys.stdin.buffer.read(_MOST).decode("utf-8", errors="replace")


def _print_object(text: str, found: tuple[Explanation, ...], code: int) -> None:
    families = () if found else closest_families(text)
    print_json(
        {
            "schema": "tfrepair.explain/1",
            "exit_code": code,
            "explanations": [explanation.to_json() for explanation in found],
            "closest_families": [
                {"family": family.value, "title": TITLES[family], "page": family.page}
                for family in families
            ],
            "next": "" if code == 0 else _NEXT,
        }
    )


def _print_text(text: str, found: tuple[Explanation, ...]) -> None:
    page = Page(everything=True)
    if not found:
        page.line("no message that tfrepair knows, nor one like it", style="yellow")
        for family in closest_families(text):
            page.line(f"{TITLES[family]} ({family.page})", head="see     ")
    elif not found[0].is_exact:
        page.line("no message that tfrepair knows; this is the closest:", style="yellow")
    for explanation in found[:_WHOLE]:
        _print_one(page, explanation)
    for explanation in found[_WHOLE:]:
        page.line(explanation.text, head=f"also    {explanation.message.code}  ")
    if not found or not found[0].is_exact:
        page.line(f"{_NEXT} says what is wrong with a file, whatever was printed", head="try     ")


def _print_one(page: Page, explanation: Explanation) -> None:
    message = explanation.message
    likeness = "" if explanation.is_exact else f" (alike by {explanation.likeness:.0f} %)"
    page.line(explanation.text + likeness, head=f"{message.code}  ", style="bold")
    _print_part(page, "cause", message.cause)
    _print_part(page, "lost", message.loss)
    for command in explanation.commands:
        page.line(command, head="run     ", style="green")
    for sentence in explanation.advice:
        _print_part(page, "note", sentence)
    _print_part(page, "seen", message.versions)
    page.line(message.page, head="more    ", style="dim")
    page.line("")


def _print_part(page: Page, head: str, text: str) -> None:
    lines = textwrap.wrap(text, _WIDTH - _INDENT, break_long_words=False, break_on_hyphens=False)
    for number, line in enumerate(lines):
        page.line(line, head=f"{'' if number else head:<{_INDENT}}", style="dim")
