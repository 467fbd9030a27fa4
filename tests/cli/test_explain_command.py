"""The command ``explain``: text, JSON, stdin, exit codes."""

import io
import json

import pytest

from tests.cli.conftest import Run

KNOWN = (
    "OSError: Unable to open file (truncated file: eof = 482688, sblock->base_addr = 0, "
    "stored_eof = 804480)"
)


def test_a_known_message_is_explained(run: Run) -> None:
    ended = run("explain", KNOWN)
    assert ended.code == 0
    assert ended.out.startswith(
        "TFR-H5-TRUNCATED  Unable to open file (truncated file: eof = 482688"
    )
    for head in ("cause", "lost", "note", "seen", "more"):
        assert f"\n{head:<8}" in ended.out
    assert "docs/messages/h5-files.md#tfr-h5-truncated" in ended.out
    assert ended.err == ""


def test_the_command_has_the_path_of_the_text(run: Run) -> None:
    ended = run("explain", "Failed to find any matching files for /x/model.ckpt-7")
    assert "run     tfrepair check /x/model.ckpt-7\n" in ended.out


def test_a_near_miss_is_said_to_be_one(run: Run) -> None:
    ended = run("explain", "not an sstble (bad magc umber)")
    assert ended.code == 3
    assert ended.out.startswith("no message that tfrepair knows; this is the closest:")
    assert "TFR-CKPT-BAD-MAGIC" in ended.out
    assert "try     tfrepair check PATH" in ended.out


def test_an_unknown_text_gets_three_families_and_check(run: Run) -> None:
    ended = run("explain", "it does not work")
    assert ended.code == 3
    assert ended.out.count("\nsee     ") == 3
    assert "try     tfrepair check PATH" in ended.out


def test_json_has_a_schema_and_every_fact(run: Run) -> None:
    ended = run("explain", KNOWN, "--json")
    data = json.loads(ended.out)
    assert ended.code == data["exit_code"] == 0
    assert data["schema"] == "tfrepair.explain/1"
    (found,) = data["explanations"]
    assert found["code"] == "TFR-H5-TRUNCATED"
    assert found["parts"] == {"N": "482688", "K": "0", "M": "804480"}
    assert data["closest_families"] == []


def test_json_of_nothing_names_families(run: Run) -> None:
    data = json.loads(run("explain", "it does not work", "--json").out)
    assert data["exit_code"] == 3
    assert data["explanations"] == []
    assert len(data["closest_families"]) == 3
    assert data["next"] == "tfrepair check PATH"


def test_a_dash_reads_stdin_whatever_its_bytes(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(b"\xff\xfe " + KNOWN.encode()), encoding="ascii")
    monkeypatch.setattr("sys.stdin", stdin)
    ended = run("explain", "-")
    assert ended.code == 0
    assert ended.out.startswith("TFR-H5-TRUNCATED")


def test_a_hostile_path_cannot_repaint_the_terminal(run: Run) -> None:
    ended = run("explain", "SavedModel file does not exist at: \x1b]0;title\x07\x9b31mx\u202ey")
    assert ended.code == 0
    assert "\x1b" not in ended.out
    assert "\x9b" not in ended.out
    assert "\u202e" not in ended.out


def test_without_a_text_it_is_a_usage_error(run: Run) -> None:
    assert run("explain").code == 2
