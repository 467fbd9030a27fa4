"""The command ``diff``: text, JSON, exit codes."""

import json
from pathlib import Path

from tests.api.saves import bundle, values
from tests.cli.conftest import Run


def test_equal_sources_end_with_0(run: Run, tmp_path: Path) -> None:
    one, two = bundle(tmp_path / "a", values(1)), bundle(tmp_path / "b", values(1), shards=2)
    ended = run("diff", str(one), str(two))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[-1] == "equal (6 equal)"


def test_different_sources_end_with_3(run: Run, tmp_path: Path) -> None:
    one, two = bundle(tmp_path / "a", values(1)), bundle(tmp_path / "b", values(2))
    ended = run("diff", str(one), str(two))
    assert ended.code == 3
    assert ended.out.splitlines()[-1] == "different (6 changed)"
    assert run("diff", str(one), str(two), "--quiet").out == ""


def test_json_is_one_object(run: Run, tmp_path: Path) -> None:
    one, two = bundle(tmp_path / "a", values(1)), bundle(tmp_path / "b", values(2))
    ended = run("diff", str(one), str(two), "--json")
    data = json.loads(ended.out)
    assert (data["schema"], data["exit_code"]) == ("tfrepair.diff/1", ended.code)
    assert [row["relation"] for row in data["tensors"]] == ["changed"] * 6


def test_a_missing_source_ends_with_5(run: Run, tmp_path: Path) -> None:
    ended = run("diff", str(bundle(tmp_path / "a", values(1))), str(tmp_path / "b"), "--json")
    assert ended.code == 5
    assert json.loads(ended.out)["schema"] == "tfrepair.error/1"
    assert "no such file" in ended.err
