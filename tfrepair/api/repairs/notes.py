"""The rescue note: what was done, from which bytes, what nothing vouches for, how to undo it."""

from collections.abc import Iterable, Iterator, Sequence

from tfrepair.api.repairs.job import Action, Part

_TITLES = {
    Action.LOST: "Lost: not in the output",
    Action.DONOR: "Taken from another save",
    Action.REBUILT: "Read without a checksum that was stored with it: unverified",
    Action.CORRECTED: "Corrected",
    Action.KEPT: "Kept as it was",
}


def rescue_note(source: str, output: str, actions: Sequence[str], parts: Sequence[Part]) -> str:
    """Return the note as Markdown; the same repair gives the same text.

    Parameters
    ----------
    source
        Path, as the user gave it.
    output
        Name of the output without its directory.
    actions
        What was wrong and done about it, in sentences.
    parts
        All of them.
    """
    return "\n".join(_lines(source, output, actions, parts)) + "\n"


def _lines(
    source: str, output: str, actions: Sequence[str], parts: Sequence[Part]
) -> Iterator[str]:
    yield f"# Rescue note of `{output}`"
    yield ""
    yield f"`{output}` was made from `{source}`, which was not changed."
    yield "To undo the repair, remove the output; nothing else was touched."
    yield ""
    yield "## What was done"
    yield ""
    yield from _listed(actions or ("nothing was damaged: this is a plain copy",))
    for action, title in _TITLES.items():
        found = [part for part in parts if part.action is action]
        if found:
            yield ""
            yield f"## {title} ({len(found)} of {len(parts)})"
            yield ""
            yield from _listed(_said(part) for part in found)


def _listed(items: Iterable[str]) -> Iterator[str]:
    return (f"- {' '.join(item.split())}" for item in items)


def _said(part: Part) -> str:
    origin = f", from {part.origin}" if part.origin else ""
    note = f": {part.note}" if part.note else ""
    return f"`{part.name}` ({part.health.value}{origin}){note}"
