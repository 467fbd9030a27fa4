"""The command ``prove``: losses of a training that goes on, drawn in the terminal and as files."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tfrepair.cli.ending import end, print_json
from tfrepair.cli.options import BatchSize, Debug, Json, Quiet
from tfrepair.core.curves import Curve, means

if TYPE_CHECKING:
    from tfrepair.api.proving import Proof

_WIDTH, _HEIGHT = 72, 16
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""Bits of the dots of a braille cell, by column and row. Source: Unicode block U+2800."""
_BRAILLE = 0x2800
_REFERENCE = "·"

Proved = Annotated[
    Path, typer.Argument(help="SavedModel with a train_step signature; it is never changed.")
]
Data = Annotated[
    str,
    typer.Option(
        "--data",
        help="An .npz with the inputs of train_step (x, y), or module:function "
        "(file.py:function) that yields batches. The function is run.",
    ),
]
Steps = Annotated[int, typer.Option("--steps", help="Updates to make.", min=1)]
Reference = Annotated[
    Path | None,
    typer.Option(
        "--against",
        help="SavedModel to compare with; without it, the same one with a fresh optimizer.",
    ),
]
Png = Annotated[Path | None, typer.Option("--png", help="File to draw the losses to.")]
Html = Annotated[
    Path | None, typer.Option("--html", help="Page to write the losses and numbers to.")
]


def prove_command(
    model: Proved,
    data: Data,
    steps: Steps = 100,
    against: Reference = None,
    batch_size: BatchSize = 32,
    png: Png = None,
    page: Html = None,
    quiet: Quiet = False,
    debug: Debug = False,
    as_json: Json = False,
) -> None:
    """Train on from a SavedModel, in memory, and hold its losses against a reference."""

    def work() -> int:
        from tfrepair.api.proving import prove
        from tfrepair.cli.progress import Bar

        with Bar(quiet=quiet) as bar:
            proof = prove(
                model, data, steps=steps, against=against, batch_size=batch_size, progress=bar
            )
        title = f"{model.name}: {len(proof.curve.losses)} further steps"
        if png is not None or page is not None:
            from tfrepair.writers.curve_pictures import write_html, write_png

            if png is not None:
                write_png(png, proof.curve, proof.reference, title)
            if page is not None:
                write_html(page, proof.curve, proof.reference, proof.numbers, title)
        if as_json:
            print_json(proof.to_json())
        elif not quiet:
            print("\n".join(drawn(proof.curve, proof.reference)))
            print("\n".join(told(proof)))
            if proof.note:
                print(f"note: {proof.note}")
            for path in (png, page):
                if path is not None:
                    print(f"written: {path}")
        return 0

    end(work, debug=debug, as_json=as_json)


def drawn(
    curve: Curve, reference: Curve, *, width: int = _WIDTH, height: int = _HEIGHT
) -> list[str]:
    """Draw two curves with characters: the first in dots of braille, the other in points.

    Parameters
    ----------
    curve, reference
        As long as each other.
    width, height
        Characters of the drawing without its axis.
    """
    from tfrepair.writers.curve_pictures import uses_log

    is_log = uses_log((curve, reference))
    smooth = [means(one.losses) for one in (curve, reference)]
    columns = min(2 * width, max(2, len(smooth[0])))
    mine, other = (_columns(losses, columns, is_log) for losses in smooth)
    values = [v for v in (*mine, *other) if math.isfinite(v)]
    if not values:
        return ["no loss is a finite number"]
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    cells = [[0] * ((columns + 1) // 2) for _ in range(height)]
    points = [[False] * ((columns + 1) // 2) for _ in range(height)]
    rows = 4 * height

    def row(value: float) -> int:
        return min(rows - 1, int((high - value) / span * (rows - 1) + 0.5))

    for place, value in enumerate(other):
        if math.isfinite(value):
            points[row(value) // 4][place // 2] = True
    before: int | None = None
    for place, value in enumerate(mine):
        if not math.isfinite(value):
            before = None
            continue
        here = row(value)
        for dot in _between(before, here):
            cells[dot // 4][place // 2] |= _DOTS[place % 2][dot % 4]
        before = here
    lines = []
    for number, (bits, marks) in enumerate(zip(cells, points, strict=True)):
        value = high - span * (number + 0.5) / height
        label = f"{10**value if is_log else value:10.4g}" if number % 3 == 1 else " " * 10
        text = "".join(
            chr(_BRAILLE + bit) if bit else _REFERENCE if mark else " "
            for bit, mark in zip(bits, marks, strict=True)
        )
        lines.append(f"{label} │{text.rstrip()}")
    last = str(len(curve.losses))
    lines.append(" " * 11 + "└" + "─" * len(cells[0]))
    first = str(len(curve.losses) - len(smooth[0]) + 1)
    lines.append(" " * 12 + first + last.rjust(len(cells[0]) - len(first)))
    scale = ", logarithmic" if is_log else ""
    lines.append(
        f"mean of ten losses{scale}   ⠒⠒ {curve.label}   {_REFERENCE * 2} {reference.label}"
    )
    return lines


def _between(before: int | None, here: int) -> range:
    """Return the dots that join a column to the one before it."""
    if before is None or before == here:
        return range(here, here + 1)
    return range(before + 1, here + 1) if before < here else range(here, before)


def _columns(losses: Sequence[float], columns: int, is_log: bool) -> list[float]:
    """Return one mean for each column of dots."""
    found = []
    for place in range(columns):
        start = place * len(losses) // columns
        part = losses[start : max(start + 1, (place + 1) * len(losses) // columns)]
        mean = sum(part) / len(part)
        if is_log:
            mean = math.log10(mean) if mean > 0 and math.isfinite(mean) else math.nan
        found.append(mean)
    return found


def told(proof: "Proof") -> list[str]:
    """Return the numbers as sentences."""
    lines = [
        f"{one.label}: mean of ten losses {one.begins:.4g} at first, {one.peak:.4g} at most, "
        f"{one.ends:.4g} at last"
        for one in (proof.curve, proof.reference)
    ]
    texts = ", ".join(
        f"{name} {'not finite' if value is None else f'{value:.4g}'}"
        for name, value in proof.numbers.items()
    )
    return [*lines, f"apart over {len(proof.curve.losses)} steps: {texts}"]
