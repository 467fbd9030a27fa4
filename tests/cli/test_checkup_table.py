from pathlib import Path

import pytest

from tests.api.saves import bundle, data_of, index_of, state, values
from tfrepair.api.checking import check
from tfrepair.cli.checkup_table import show_checkup


@pytest.fixture
def run(tmp_path: Path) -> Path:
    for step in (1, 2):
        bundle(tmp_path / f"ckpt-{step}", values(step))
    state(tmp_path, "ckpt-2")
    return tmp_path


def shown(path: Path, capsys: pytest.CaptureFixture[str], *, everything: bool = False) -> list[str]:
    show_checkup(check(path), everything=everything)
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_a_healthy_run(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(run, capsys)
    assert lines[0] == str(run)
    assert "2 ckpt-2 tensor_bundle complete 6 of 6" in lines
    assert lines[-2] == f"newest fully verified: {run / 'ckpt-2'}"
    assert lines[-1] == "healthy: 2 of 2 saves without damage"


def test_damage_has_its_cause_and_its_remedy(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with data_of(run / "ckpt-2").open("r+b") as file:
        file.truncate(8192 * 3)
    lines = shown(run, capsys)
    assert "2 ckpt-2 tensor_bundle damaged 3 of 6" in lines
    assert "ckpt-2 damaged: 3 of 6 tensors, 3 are whole" in lines
    assert any(line.startswith("error truncated data: ckpt-2.data-00000") for line in lines)
    assert any(line.startswith("try copy the file again") for line in lines)
    assert any(line.startswith("truncated layer3/kernel: 0 of 64 rows") for line in lines)
    assert any(line.startswith("warning checkpoint names ckpt-2") for line in lines)
    assert lines[-2] == f"newest fully verified: {run / 'ckpt-1'}"
    assert lines[-1] == "damage found: 1 of 2 saves without damage"
    everything = shown(run, capsys, everything=True)
    assert "verified layer0/kernel" in everything


def test_one_save_and_nothing(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "1 ckpt-1 tensor_bundle complete 6 of 6" in shown(run / "ckpt-1", capsys)
    (tmp_path / "empty").mkdir()
    assert shown(tmp_path / "empty", capsys)[-1] == "nothing no save was found here"
    index_of(run / "ckpt-1").unlink()
    assert shown(run / "ckpt-1", capsys)[-2].startswith("none: no save in which")


def test_eighty_columns_and_no_color(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    data_of(run / "ckpt-2").write_bytes(b"")
    show_checkup(check(run))
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert max(len(line) for line in out.splitlines()[1:-2]) <= 80
