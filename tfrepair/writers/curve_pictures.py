"""Two curves of losses as a PNG, and as one HTML page that needs nothing else.

The picture shows each loss faintly and the mean of ten in a row clearly; below it, how far the one
is above the other. Knows curves and numbers, not where they come from.
"""

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tfrepair.core.curves import Curve, means
from tfrepair.core.errors import WriteError

_MODEL, _REFERENCE = "#0b62a4", "#d1610a"
_WIDTH, _HEIGHT, _BELOW = 860, 380, 150
_LEFT, _TOP, _RIGHT, _BOTTOM = 70, 16, 16, 30
_LOG_FROM = 20.0
"""Ratio of the largest to the smallest mean from which an axis is logarithmic."""


def uses_log(curves: Iterable[Curve]) -> bool:
    """Tell whether losses span so much that a logarithmic axis shows more."""
    values = [mean for curve in curves for mean in means(curve.losses)]
    if not values or not all(math.isfinite(v) and v > 0 for v in values):
        return False
    return max(values) / min(values) > _LOG_FROM


def write_png(path: Path, curve: Curve, reference: Curve, title: str) -> None:
    """Draw the curves.

    Raises
    ------
    WriteError
        If the file cannot be written.
    """
    # Here and not above: it takes a second to import, and few ask for a picture.
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(9, 6), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    for one, color in ((reference, _REFERENCE), (curve, _MODEL)):
        steps = range(1, len(one.losses) + 1)
        upper.plot(steps, one.losses, color=color, linewidth=0.6, alpha=0.35)
        smooth = means(one.losses)
        begin = len(one.losses) - len(smooth) + 1
        upper.plot(range(begin, begin + len(smooth)), smooth, color=color, label=one.label)
    if uses_log((curve, reference)):
        upper.set_yscale("log")
    upper.set_ylabel("loss")
    upper.set_title(title, fontsize=10)
    upper.legend(frameon=False)
    apart = means([a - b for a, b in zip(curve.losses, reference.losses, strict=True)])
    begin = len(curve.losses) - len(apart) + 1
    places = range(begin, begin + len(apart))
    lower.axhline(0.0, color="black", linewidth=0.6)
    lower.plot(places, apart, color=_MODEL)
    lower.set_ylabel("difference")
    lower.set_xlabel("step (thick lines: mean of the last ten)")
    for axes in (upper, lower):
        axes.grid(alpha=0.25)
    try:
        # No software, no date: the same curves give the same bytes.
        figure.savefig(path, format="png", metadata={"Software": None})
    except OSError as error:
        message = f"{path}: cannot be written: {error.strerror}"
        raise WriteError(message) from error


def write_html(
    path: Path,
    curve: Curve,
    reference: Curve,
    numbers: Mapping[str, float | None],
    title: str,
) -> None:
    """Write a page with the picture as SVG, and the numbers.

    Raises
    ------
    WriteError
        If the file cannot be written.
    """
    try:
        path.write_text(page(curve, reference, numbers, title), encoding="utf-8")
    except OSError as error:
        message = f"{path}: cannot be written: {error.strerror}"
        raise WriteError(message) from error


def page(curve: Curve, reference: Curve, numbers: Mapping[str, float | None], title: str) -> str:
    """Return the HTML text."""
    rows = "".join(
        f'<tr><td><span style="color:{color}">&#9632;</span> {html.escape(one.label)}</td>'
        + "".join(f"<td>{value:.5g}</td>" for value in (one.begins, one.peak, one.ends))
        + "</tr>"
        for one, color in ((curve, _MODEL), (reference, _REFERENCE))
    )
    apart = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{'not finite' if v is None else f'{v:.5g}'}</td></tr>"
        for name, v in numbers.items()
    )
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 900px; margin: 2em auto; padding: 0 1em }}
table {{ border-collapse: collapse; margin: 1em 0 }}
td, th {{ padding: .2em 1em .2em 0; text-align: right; border-bottom: 1px solid #ddd }}
td:first-child, th:first-child {{ text-align: left }}
svg {{ width: 100%; height: auto }}
</style></head><body>
<h1 style="font-size:1.2em">{html.escape(title)}</h1>
{_svg(curve, reference)}
<table><tr><th>mean of ten losses</th><th>first</th><th>highest</th><th>last</th></tr>{rows}</table>
<table><tr><th>apart over {len(curve.losses)} steps</th><th></th></tr>{apart}</table>
</body></html>
"""


def _svg(curve: Curve, reference: Curve) -> str:
    is_log = uses_log((curve, reference))
    every = [*curve.finite, *reference.finite] or [0.0, 1.0]
    if is_log:
        every = [v for one in (curve, reference) for v in means(one.losses)]
    upper = _Frame(every, len(curve.losses), _TOP, _HEIGHT, is_log=is_log)
    apart = means([a - b for a, b in zip(curve.losses, reference.losses, strict=True)])
    finite = [v for v in apart if math.isfinite(v)]
    lower = _Frame([*finite, 0.0], len(curve.losses), _HEIGHT + 50, _BELOW, is_log=False)
    total = _HEIGHT + 50 + _BELOW + 40
    parts = [upper.axes("loss"), lower.axes("difference")]
    for one, color in ((reference, _REFERENCE), (curve, _MODEL)):
        smooth = means(one.losses)
        parts.append(upper.line(one.losses, 1, color, "0.6", 0.35))
        parts.append(upper.line(smooth, len(one.losses) - len(smooth) + 1, color, "2", 1.0))
    parts.append(lower.line((0.0, 0.0), 1, "#000", "0.6", 1.0, last=len(curve.losses)))
    parts.append(lower.line(apart, len(curve.losses) - len(apart) + 1, _MODEL, "2", 1.0))
    body = "\n".join(parts)
    return (
        f'<svg viewBox="0 0 {_WIDTH} {total}" role="img" font-size="12" font-family="sans-serif">'
        f"\n{body}\n</svg>"
    )


class _Frame:
    """The part of a picture that has one vertical axis."""

    def __init__(
        self, values: Sequence[float], steps: int, top: int, height: int, *, is_log: bool
    ) -> None:
        self._is_log = is_log
        low, high = min(values), max(values)
        if is_log:
            low, high = math.log10(low), math.log10(high)
        room = (high - low) * 0.05 or 0.5
        self._low, self._high = low - room, high + room
        self._steps, self._top, self._height = max(steps, 2), top, height

    def _x(self, step: float) -> float:
        return _LEFT + (step - 1) / (self._steps - 1) * (_WIDTH - _LEFT - _RIGHT)

    def _y(self, value: float) -> float:
        shown = math.log10(max(value, 1e-300)) if self._is_log else value
        share = (shown - self._low) / (self._high - self._low)
        share = min(max(share, 0.0), 1.0)
        return self._top + (1 - share) * self._height

    def line(
        self,
        values: Sequence[float],
        first: int,
        color: str,
        width: str,
        opacity: float,
        last: int | None = None,
    ) -> str:
        """Return a polyline; it has gaps where a value is no finite number."""
        places: Sequence[int] = range(first, first + len(values))
        if last is not None:
            places = (first, last)
        points: list[list[str]] = [[]]
        for place, value in zip(places, values, strict=False):
            if math.isfinite(value):
                points[-1].append(f"{self._x(place):.1f},{self._y(value):.1f}")
            elif points[-1]:
                points.append([])
        return "".join(
            f'<polyline fill="none" stroke="{color}" stroke-width="{width}" '
            f'stroke-opacity="{opacity}" points="{" ".join(part)}"/>'
            for part in points
            if part
        )

    def axes(self, word: str) -> str:
        """Return lines and numbers around the frame."""
        bottom = self._top + self._height
        marks = []
        for value in ticks(self._low, self._high, is_log=self._is_log):
            y = self._y(value)
            marks.append(
                f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" '
                f'stroke="#ddd"/><text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">'
                f"{value:.4g}</text>"
            )
        places = sorted({1, *(int(t) for t in ticks(1, self._steps) if t >= 1)})
        marks += [
            f'<text x="{self._x(step):.1f}" y="{bottom + 16}" text-anchor="middle">{step}</text>'
            for step in places
        ]
        middle = self._top + self._height / 2
        return (
            "".join(marks) + f'<rect x="{_LEFT}" y="{self._top}" width="{_WIDTH - _LEFT - _RIGHT}" '
            f'height="{self._height}" fill="none" stroke="#888"/>'
            f'<text transform="translate(14 {middle:.0f}) rotate(-90)" text-anchor="middle">'
            f"{html.escape(word)}</text>"
        )


def ticks(low: float, high: float, *, is_log: bool = False, most: int = 6) -> tuple[float, ...]:
    """Return round numbers between two bounds; for a logarithmic axis of ``10**low, 10**high``."""
    if is_log:
        found = [
            factor * 10.0**power
            for power in range(math.floor(low), math.ceil(high) + 1)
            for factor in (1, 2, 5)
        ]
        inside = [v for v in found if low <= math.log10(v) <= high]
        tens = [v for v in inside if math.log10(v) == round(math.log10(v))]
        return tuple(tens if len(inside) > 2 * most and len(tens) > 1 else inside)
    span: Any = high - low
    if not math.isfinite(span) or span <= 0:
        return (low,)
    step = 10.0 ** math.floor(math.log10(span / most))
    step = next(step * factor for factor in (1, 2, 5, 10) if span / (step * factor) <= most)
    first = math.ceil(low / step)
    return tuple(round(place * step, 12) for place in range(first, math.floor(high / step) + 1))
