"""The command ``check``: text, JSON, exit codes."""

import json
from pathlib import Path

import pytest

from tests.api.saves import bundle, data_of, state, values
from tests.cli.conftest import Run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for step in (1, 2):
        bundle(tmp_path / f"ckpt-{step}", values(step))
    state(tmp_path, "ckpt-2")
    return tmp_path


def test_a_healthy_run_ends_with_0(run: Run, folder: Path) -> None:
    ended = run("check", str(folder))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[-1] == "healthy: 2 of 2 saves without damage"


def test_damage_ends_with_3(run: Run, folder: Path) -> None:
    data_of(folder / "ckpt-2").unlink()
    ended = run("check", str(folder))
    assert ended.code == 3
    assert "index without data" in ended.out
    assert f"newest fully verified: {folder / 'ckpt-1'}" in ended.out
    assert run("check", str(folder), "-q").out == ""
    listed = run("check", str(folder / "ckpt-1"), "--all").out
    assert "verified  layer0/kernel" in listed


def test_nothing_readable_ends_with_5(run: Run, folder: Path) -> None:
    data_of(folder / "ckpt-2").unlink()
    ended = run("check", str(folder / "ckpt-2"), "--json")
    data = json.loads(ended.out)
    assert (data["schema"], data["exit_code"], ended.code) == ("tfrepair.check/1", 5, 5)
    (save,) = data["saves"]
    assert (save["state"], save["total"], save["whole"]) == ("unreadable", 6, 0)


def test_a_missing_path_ends_with_5_and_an_error(run: Run, folder: Path) -> None:
    ended = run("check", str(folder / "ckpt-3"), "--json")
    assert ended.code == 5
    assert json.loads(ended.out)["schema"] == "tfrepair.error/1"
