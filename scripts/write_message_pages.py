"""Write docs/messages from the catalog of messages; a test compares the two."""

import textwrap
from pathlib import Path

from tfrepair.api.message_catalog import ABOUT, MESSAGES, TITLES, Family, Message

ROOT = Path(__file__).parents[1]
FOLDER = "docs/messages"
WIDTH = 118
START = """\
# Error messages, and what to do

What TensorFlow, Keras, h5py, NumPy, zipfile and pickle print when a model does not load or
save: the cause, what is lost, what to do. In a terminal:

    tfrepair explain "OSError: Unable to open file (truncated file: eof = 482688, ..."
    python train.py 2>&1 | tail -n 50 | tfrepair explain -

The text may be a whole traceback, colored, quoted or folded; the answer has your own path and
names filled in. Exit code 0: explained; 3: only messages that are alike, or none. `--json`
prints the schema `tfrepair.explain/1`.

`scripts/write_message_pages.py` writes these pages from `tfrepair/api/message_catalog.py`.
"""


def pages() -> dict[str, str]:
    """Return the text of every page by its path, relative to the checkout."""
    return {f"{FOLDER}/README.md": overview()} | {family.page: page(family) for family in Family}


def overview() -> str:
    """Return the page that lists every message."""
    parts = [START]
    for family in Family:
        parts.append(f"\n## [{TITLES[family]}]({family.value}.md)\n\n")
        parts.extend(
            f"- [`{code(message.forms[0])}`]({family.value}.md#{message.code.lower()})\n"
            for message in MESSAGES
            if message.family is family
        )
    return "".join(parts)


def page(family: Family) -> str:
    """Return the page of one family."""
    messages = [message for message in MESSAGES if message.family is family]
    head = f"# {TITLES[family]}\n\n{wrapped(ABOUT[family])}\n\n[All messages](README.md)\n"
    return head + "".join(section(message) for message in messages)


def section(message: Message) -> str:
    """Return the section of one message; its anchor is the code in lower case."""
    lines = [
        "",
        f'<a id="{message.code.lower()}"></a>',
        f"## {literal(message.forms[0])}",
        "",
    ]
    others = other_wordings(message)
    if others:
        lines += ["Also printed as:", "", *(f"- {literal(form)}" for form in others), ""]
    lines += [wrapped(f"**Cause.** {message.cause}"), ""]
    lines += [wrapped(f"**What is lost.** {message.loss}"), ""]
    lines += ["**What to do.**", ""] if message.commands or message.advice else []
    if message.commands:
        lines += [*(f"    {shown(command)}" for command in message.commands), ""]
    if message.advice:
        lines += [*(wrapped(shown(sentence), "- ") for sentence in message.advice), ""]
    seen = f"Seen in: {message.versions}. `tfrepair explain` calls it {message.code}."
    lines.append(wrapped(seen))
    return "\n".join(lines) + "\n"


def other_wordings(message: Message) -> list[str]:
    """Return the forms of a message that are more than a part of another one."""
    forms = message.forms
    return [
        form for form in forms[1:] if not any(form in other for other in forms if other != form)
    ]


def wrapped(text: str, start: str = "") -> str:
    """Return a paragraph, or an entry of a list, as lines."""
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=start,
        subsequent_indent=" " * len(start),
        break_long_words=False,
        break_on_hyphens=False,
    )


def literal(form: str) -> str:
    """Return a message as code that may hold backticks itself."""
    return f"`` {form} ``" if "`" in form else f"`{form}`"


def code(form: str) -> str:
    """Return a message without backticks, for code inside a link."""
    return form.replace("`", "")


def shown(command: str) -> str:
    """Return a command with words for its places."""
    return command.replace("<path>", "PATH").replace("<M>", "M")


if __name__ == "__main__":
    for place, text in pages().items():
        path = ROOT / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
