from pathlib import Path

import numpy as np
import pytest

from tests.api.saves import bundle, data_of, values
from tfrepair.api.comparison import diff
from tfrepair.cli.comparison_table import show_comparison


def shown(
    one: Path, other: Path, capsys: pytest.CaptureFixture[str], *, everything: bool = False
) -> list[str]:
    show_comparison(diff(one, other), everything=everything)
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_what_differs_has_a_row_and_the_rest_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = values(1)
    after = {**before, "layer0/kernel": before["layer0/kernel"] + np.float32(1)}
    after["layer1/kernel"] = before["layer1/kernel"].reshape(-1)
    del after["step"]
    one, two = bundle(tmp_path / "a", before), bundle(tmp_path / "b", after)
    lines = shown(one, two, capsys)
    assert any(line.startswith("layer0/kernel changed 2,048 of 2,048 elem") for line in lines)
    assert "layer1/kernel shape float32 (64, 32) | float32 (2048,)" in lines
    assert "step only-in-a int64 ()" in lines
    assert not any(line.startswith("layer2/kernel") for line in lines)
    assert lines[-1] == "different (3 equal, 1 changed, 1 shape, 1 only-in-a)"
    lines = shown(one, two, capsys, everything=True)
    assert "layer2/kernel equal all 2,048 values are equal" in lines


def test_equal_sources(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = bundle(tmp_path / "a", values(1))
    lines = shown(one, one, capsys)
    assert lines[0].startswith("A ")
    assert lines[-1] == "equal (6 equal)"
    assert len(lines) == 3


def test_damage_says_where_and_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "500")  # long paths fold no cell
    one, two = bundle(tmp_path / "a", values(1)), bundle(tmp_path / "b", values(1))
    with data_of(two).open("r+b") as file:
        file.truncate(1000)
    text = "\n".join(shown(one, two, capsys))
    assert "layer0/kernel damaged-in-b 7 of 64 rows compared; all 224 values are equal;" in text
    assert "B truncated: 7 of 64 rows" in text


def test_eighty_columns_and_no_color(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    long = {"a/very/long/name/" * 6: np.ones(3, np.float32)}
    show_comparison(diff(bundle(tmp_path / "a", long), bundle(tmp_path / "b", values(1))))
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert max(len(line) for line in out.splitlines()[2:-3]) <= 80
