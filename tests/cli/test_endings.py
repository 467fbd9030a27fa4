"""Every end of a command: exit code, one sentence on stderr, one JSON object on stdout."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.attacks import hostile
from tests.cli.conftest import Ended, FakeHost, Run, save_list, snapshot
from tfrepair.core.errors import ArchitectureError

CONVERT = ("npy-to-savedmodel", "weights.npy", "out")
_PROGRAM = "from tfrepair.cli.main import run; run()"
ERROR_KEYS = {"schema", "outcome", "exit_code", "error", "message", "remedy"}


def only_object(ended: Ended) -> dict[str, Any]:
    found = json.loads(ended.out)
    assert isinstance(found, dict)
    assert found["exit_code"] == ended.code
    return found


@pytest.fixture(autouse=True)
def _in_a_folder(folder: Path) -> None:
    Path("hostile.npy").write_bytes(
        hostile.npy_of(hostile.reduce_call("os", "system", f"touch {folder}/sprung"))
    )
    Path("noise.bin").write_bytes(bytes(range(256)))


CASES: list[tuple[list[str], int, str]] = [
    (["nonsense"], 2, "No such command 'nonsense'"),
    (["--nonsense"], 2, "No such option"),
    (["inspect"], 2, "Missing argument"),
    ([*CONVERT, "--nonsense"], 2, "No such option"),
    ([*CONVERT, "--keras", "4", "--arch", "model.py"], 2, "'--keras'"),
    ([*CONVERT, "--keras", "two", "--arch", "model.py"], 2, "'--keras'"),
    ([*CONVERT, "--input-shape", "a,b", "--arch", "model.py"], 2, "--input-shape a,b"),
    ([*CONVERT, "--input-shape", "0", "--arch", "model.py"], 2, "--input-shape 0"),
    ([*CONVERT], 2, "a weight file holds numbers only"),
    (["plan", "weights.npy"], 2, "a weight file holds numbers only"),
    (["inspect", "weights.npy", "--reader", "nope"], 2, "no reader is called 'nope'"),
    (["inspect", "weights-2.npy"], 5, "weights-2.npy: there is no such file"),
    (["inspect", "noise.bin"], 5, "noise.bin"),
    (["inspect", "hostile.npy"], 5, "system"),
    (["npy-to-savedmodel", "nope.npy", "out", "--arch", "model.py"], 5, "there is no such file"),
    (["npy-to-savedmodel", "hostile.npy", "out", "--arch", "model.py"], 5, "system"),
    ([*CONVERT, "--arch", "nope.py"], 7, "--arch nope.py: there is no such file"),
    ([*CONVERT, "--arch", "nope/model"], 7, "there is no such file"),
    ([*CONVERT, "--arch", "."], 7, "it is a folder"),
    ([*CONVERT, "--arch", "x" * 5000 + "/m.py"], 7, "there is no such file"),
    ([*CONVERT, "--arch", "weights.npy"], 7, "expected a Python file"),
    (["convert", "weights.npy", "weights.npy/out", "--arch", "model.py"], 4, "weights.npy"),
    (["convert", "weights.npy", ".", "--arch", "model.py"], 4, "holds weights.npy"),
    (["verify", "weights.npy"], 6, "tfrepair.json"),
]


@pytest.mark.parametrize(("arguments", "code", "words"), CASES, ids=lambda v: str(v)[:60])
def test_an_error_has_a_code_a_sentence_and_an_object(
    run: Run, folder: Path, arguments: list[str], code: int, words: str
) -> None:
    before = snapshot(folder)
    ended = run(*arguments)
    assert (ended.code, ended.out) == (code, "")
    assert words in ended.err
    assert ended.err.startswith("tfrepair: ")
    assert "Traceback" not in ended.err
    for flags in (["--json"], ["--json", "--quiet"]):
        found = only_object(run(*arguments, *flags))
        assert found.keys() == ERROR_KEYS
        assert words in found["message"]
    assert snapshot(folder) == before


def test_what_is_missing_and_how_to_give_it(run: Run) -> None:
    ended = run(*CONVERT)
    assert "how these are connected" in ended.err
    assert "--arch model.py" in ended.err
    assert "build_model()" in ended.err


def test_no_arguments_show_the_help(run: Run) -> None:
    ended = run()
    assert ended.code == 2
    assert "npy-to-savedmodel" in ended.out
    assert "Exit codes" in ended.out


def test_version(run: Run) -> None:
    assert run("--version").out.count(".") == 2


def test_a_refusal_is_one_object_and_one_sentence(run: Run, fake_host: type[FakeHost]) -> None:
    save_list("weights.npy", ((3, 3),))
    ended = run(*CONVERT, "--arch", "model.py", "--json")
    found = only_object(ended)
    assert found["schema"] == "tfrepair.report/1"
    assert (found["outcome"], ended.code) == ("refused", 4)
    assert found["error"] in ended.err
    assert found["remedy"] in ended.err
    assert not Path("out").exists()
    assert run(*CONVERT, "--arch", "model.py", "--quiet").out == ""


def test_an_output_that_exists_is_left_alone(run: Run, folder: Path) -> None:
    Path("out").mkdir()
    Path("out/saved_model.pb").write_bytes(b"old")
    before = snapshot(folder)
    ended = run(*CONVERT, "--arch", "model.py")
    assert (ended.code, ended.out) == (4, "")
    assert "out exists" in ended.err
    assert "--overwrite" in ended.err
    assert snapshot(folder) == before


def test_overwrite_never_removes_an_input(run: Run, folder: Path) -> None:
    Path("out").mkdir()
    Path("out/saved_model.pb").write_bytes(b"old")
    Path("weights.npy").rename("out/weights.npy")
    before = snapshot(folder)
    ended = run("convert", "out/weights.npy", "out", "--arch", "model.py", "--overwrite")
    assert ended.code == 4
    assert "holds out/weights.npy" in ended.err
    assert snapshot(folder) == before


def _failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("tfrepair.api.inspection.inspect", fail)


@pytest.mark.parametrize("flags", [[], ["--json"], ["--debug"], ["--json", "--debug"]])
def test_a_bug_is_one_sentence(run: Run, monkeypatch: pytest.MonkeyPatch, flags: list[str]) -> None:
    _failing(monkeypatch, ZeroDivisionError("by zero"))
    ended = run("inspect", "weights.npy", *flags)
    assert ended.code == 1
    assert "a bug of ours: ZeroDivisionError: by zero" in ended.err
    assert "report" in ended.err
    assert ("Traceback" in ended.err) == ("--debug" in flags)
    if "--json" in flags:
        assert only_object(ended).keys() == ERROR_KEYS
    else:
        assert ended.out == ""


def test_debug_shows_a_traceback_with_every_error(run: Run, fake_host: type[FakeHost]) -> None:
    assert "Traceback" in run("inspect", "nope", "--debug").err
    save_list("weights.npy", ((3, 3),))
    ended = run(*CONVERT, "--arch", "model.py", "--debug")
    assert "tfrepair.core.errors.Incomplete" in ended.err


def test_an_interrupt(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    _failing(monkeypatch, KeyboardInterrupt())
    ended = run("inspect", "weights.npy", "--json")
    assert only_object(ended)["error"] == "Interrupted"
    assert ended.code == 130
    assert "nothing was put in place" in ended.err


def test_the_lines_of_the_user_come_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    _failing(monkeypatch, ArchitectureError("failed", remedy="mend", user_traceback="line 7\n"))
    ended = run("inspect", "weights.npy")
    assert ended.err == "line 7\ntfrepair: failed\n  try: mend\n"
    assert ended.code == 7


def test_names_of_a_file_cannot_steer_the_terminal(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    _failing(monkeypatch, ArchitectureError("layer \x1b[2J\u202e \x07", remedy="\x1b]0;t\x07"))
    ended = run("inspect", "weights.npy")
    assert "layer \\x1b[2J\\u202e \\x07" in ended.err
    assert "\x1b" not in ended.err


def test_a_full_stdout_is_said_so(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    class Full:
        encoding = "utf-8"

        def write(self, _text: str) -> int:
            return 0

        def flush(self) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def isatty(self) -> bool:
            return False

        def fileno(self) -> int:
            raise OSError

    monkeypatch.setattr(sys, "stdout", Full())
    ended = run("inspect", "weights.npy")
    assert ended.code == 1
    assert "stdout cannot be written: No space left on device" in ended.err
    assert "bug" not in ended.err


def test_a_closed_pipe_is_no_bug(folder: Path) -> None:
    save_list("weights.npy", ((1,),) * 3000)
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, "inspect", "weights.npy"],
        check=False,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


_STAGING = """
import sys, time
from pathlib import Path
import typer
from tfrepair.cli.ending import end
from tfrepair.writers.staging import staged

def work():
    with staged(Path("out").absolute()):
        print("staged", flush=True)
        time.sleep(99)

try:
    end(work, debug=False, as_json=False)
except typer.Exit as ended:
    sys.exit(ended.exit_code)
"""


def test_termination_removes_the_stage(folder: Path) -> None:
    before = sorted(folder.iterdir())
    with subprocess.Popen(
        [sys.executable, "-c", _STAGING], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stdout.readline() == b"staged\n"
        time.sleep(0.05)
        assert sorted(folder.iterdir()) != before
        child.send_signal(signal.SIGTERM)
        assert b"interrupted" in child.stderr.read()
    assert child.returncode == 143
    assert sorted(folder.iterdir()) == before
