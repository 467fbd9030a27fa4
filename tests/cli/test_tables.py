"""Reports on a page: 80 and 120 columns, a pipe, many weights, names that are hostile."""

import re
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Ended, FakeHost, Run, save_list
from tests.planning.models import architecture, dense
from tfrepair.cli import inspection_table

DRY = ("convert", "weights.npy", "out", "--arch", "model.py", "--dry-run")
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
COLORS = re.compile(r"\x1b\[(?:[0-9;]*;)?[34][0-7](?:;[0-9;]*)?m")

pytestmark = pytest.mark.usefixtures("folder", "fake_host")


@pytest.fixture
def many(folder: Path, fake_host: type[FakeHost], monkeypatch: pytest.MonkeyPatch) -> None:
    layers = tuple(dense(f"block_{n}_projection", 4, 4) for n in range(160))
    monkeypatch.setattr(fake_host, "described", architecture(*layers))
    save_list("weights.npy", ((4, 4), (4,)) * 160)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")


def rows(ended: Ended) -> list[str]:
    return [line.rstrip() for line in ESCAPES.sub("", ended.out).splitlines()]


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("width", [80, 120])
def test_nothing_is_cut_off(run: Run, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    report, listing = rows(run(*DRY)), rows(run("inspect", "weights.npy"))
    for table in (report, listing):
        start = next(place for place, line in enumerate(table) if "───" in line)
        assert (
            max(len(line.rstrip()) for line in table[start - 1 : table.index("", start)]) <= width
        )
        assert not any("…" in line for line in table)
    heading = next(line for line in report if "target" in line).split()
    wanted = ["target", "source", "transform", "confidence", "provenance"]
    assert [word for word in heading if word != "shape"] == wanted
    assert ("shape" in heading) == (width == 120)


@pytest.mark.usefixtures("terminal", "many")
def test_a_long_report_is_shortened_on_a_terminal_only(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = rows(run(*DRY))
    assert len(short) < 20
    assert any("... 316 more like these" in line for line in short)
    assert any("block_159_projection/bias" in line for line in short)
    assert len(rows(run(*DRY, "--all"))) > 320
    monkeypatch.delenv("FORCE_COLOR")
    assert len(rows(run(*DRY))) > 320


@pytest.mark.usefixtures("terminal", "many")
def test_a_long_refusal_stays_short_and_complete_in_numbers(run: Run) -> None:
    save_list("weights.npy", ((4, 4), (4,)) * 150)
    ended = run(*DRY)
    assert ended.code == 4
    assert len(rows(ended)) < 25
    assert "missing ... and 315 more: the list fits no known order" in ESCAPES.sub("", ended.out)
    assert "unused ... and 295 more" in ESCAPES.sub("", ended.out)
    assert "300 arrays for 320 weights" in ended.out


def test_a_pipe_gets_one_line_per_tensor(run: Run) -> None:
    name = "/".join(["a_rather_long_scope_of_an_old_checkpoint"] * 12)
    np.savez("weights.npz", **{name: np.zeros(3, "float32")})  # type: ignore[arg-type]
    assert any(name in line and "float32" in line for line in rows(run("inspect", "weights.npz")))


@pytest.mark.usefixtures("terminal")
def test_no_color_is_honored(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert COLORS.search(run(*DRY).out)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not COLORS.search(run(*DRY).out)


def test_names_are_shown_as_they_are_and_cannot_steer_the_terminal(run: Run) -> None:
    names = ("[red]x[/red]", "[/]", ":smile:", "\x1b[2Jgone", "line\nend", "\u202ereversed")
    np.savez("weights.npz", **{name: np.zeros(3, "float32") for name in names})  # type: ignore[arg-type]
    ended = run("inspect", "weights.npz")
    assert ended.code == 0
    for shown in ("[red]x[/red]", "[/]", ":smile:", "\\x1b[2Jgone", "line\\nend", "\\u202erev"):
        assert shown in ended.out
    assert "\x1b" not in ended.out


def test_a_path_is_no_markup(run: Run) -> None:
    Path("weights.npy").rename("[bold]w[x].npy")
    ended = run("convert", "[bold]w[x].npy", "out", "--arch", "model.py", "--dry-run")
    assert ended.code == 0
    assert "[bold]w[x].npy -> sequential" in ended.out


def test_the_words_of_the_report_are_explained(run: Run) -> None:
    out = run(*DRY).out
    assert "4 ORDER    by position only; the whole list fits (--strict refuses this)" in out
    assert "weights   4 of 4 have a source" in out
    assert "would be complete (dry run: no SavedModel was written)" in out
    assert not Path("out").exists()


def test_what_is_lost_is_said_and_has_its_code(run: Run) -> None:
    names = ("dense/kernel", "dense/bias", "dense_1/kernel")
    values = {
        n: np.ones(s, "float32") for n, s in zip(names, ((10, 128), (128,), (128, 1)), strict=True)
    }
    np.savez("weights.npz", **values)  # type: ignore[arg-type]
    arguments = ("convert", "weights.npz", "out", "--arch", "model.py", "--dry-run")
    assert run(*arguments).code == 4
    ended = run(*arguments, "--allow-missing")
    assert ended.code == 3
    assert "missing dense_1/bias" in ended.out
    assert "would be lossy" in ended.out


def test_values_that_are_not_finite_are_null_in_json(run: Run) -> None:
    np.save("huge.npy", np.full((4,), 1.7e308))
    ended = run("inspect", "huge.npy", "--json")
    assert '"mean": null' in ended.out
    assert "Infinity" not in ended.out


@pytest.mark.parametrize("width", ["", "90", "60"], ids=["pipe", "wide", "narrow"])
def test_a_long_listing_is_laid_out_as_a_short_one(
    run: Run, monkeypatch: pytest.MonkeyPatch, width: str
) -> None:
    if width:
        monkeypatch.setenv("COLUMNS", width)
    arrays = {f"block_{place}/重み": np.full((place, 1), place / 3) for place in range(30)}
    np.savez("weights.npz", **arrays)  # type: ignore[arg-type]
    short = run("inspect", "weights.npz").out
    monkeypatch.setattr(inspection_table, "_LONG", 0)
    assert run("inspect", "weights.npz").out == short
