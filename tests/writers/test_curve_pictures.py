"""Pictures of two curves are complete, and the same for the same curves."""

import math
from pathlib import Path
from xml.dom import minidom

import pytest

from tfrepair.core.curves import Curve, compared
from tfrepair.core.errors import WriteError
from tfrepair.writers.curve_pictures import page, ticks, uses_log, write_html, write_png

GOOD = Curve(label="out <1>", losses=tuple(1 / (1 + i / 9) for i in range(40)))
WORSE = Curve(label="slots at zero", losses=tuple(2 / (1 + i / 9) for i in range(40)))
BROKEN = Curve(label="nan", losses=(1.0, math.nan, *GOOD.losses[2:]))


def svg_of(text: str) -> minidom.Document:
    own = text[text.index("<svg") : text.index("</svg>") + 6]
    return minidom.parseString(own)  # noqa: S318 - our own text


@pytest.mark.parametrize("reference", [WORSE, BROKEN], ids=["finite", "not finite"])
def test_the_page_holds_both_curves_and_their_numbers(reference: Curve) -> None:
    text = page(GOOD, reference, compared(GOOD, reference), "a & b")
    lines = svg_of(text).getElementsByTagName("polyline")
    assert len(lines) >= 5
    assert "nan" not in "".join(line.getAttribute("points") for line in lines)
    assert "out &lt;1&gt;" in text
    assert "a &amp; b" in text
    assert "http" not in text.replace("http://www.w3.org", "")


def test_pictures_are_written_and_repeatable(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        write_png(tmp_path / name, GOOD, WORSE, "title")
    first, second = ((tmp_path / name).read_bytes() for name in ("a.png", "b.png"))
    assert first.startswith(b"\x89PNG")
    assert first == second
    write_html(tmp_path / "a.html", GOOD, WORSE, compared(GOOD, WORSE), "title")
    assert (tmp_path / "a.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="cannot be written"):
        write_html(tmp_path / "none" / "a.html", GOOD, WORSE, {}, "title")
    with pytest.raises(WriteError, match="cannot be written"):
        write_png(tmp_path / "none" / "a.png", GOOD, WORSE, "title")


def test_a_wide_range_gets_a_logarithmic_axis() -> None:
    falling = Curve(label="falling", losses=tuple(10.0 ** (-i / 10) for i in range(60)))
    assert uses_log([falling])
    assert not uses_log([GOOD, WORSE])
    assert ticks(-2, 0, is_log=True)[0] == pytest.approx(0.01)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (1, 120), (-3e-5, 2e-4), (5, 5)])
def test_ticks_are_round_and_inside(low: float, high: float) -> None:
    found = ticks(low, high)
    assert 1 <= len(found) <= 7
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in found)
