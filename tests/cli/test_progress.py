"""Progress is for people at a terminal; everything else sees nothing of it."""

import io
import sys

import pytest
from typing_extensions import override

from tfrepair.cli.progress import Bar


class Terminal(io.StringIO):
    @override
    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Put a terminal in place; inside the test, as pytest sets stderr anew for every phase."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    return stream


def work(*, quiet: bool) -> None:
    with Bar(quiet=quiet) as bar:
        bar("read", 0, 0)
        sys.stderr.write("printed by model.py\n")
        for done in range(3):
            bar("prepare values", done + 1, 3)


def test_a_terminal_sees_each_stage_and_prints_above_the_bar(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = terminal(monkeypatch)
    before = sys.stderr
    work(quiet=False)
    shown = stream.getvalue()
    assert "read ..." in shown
    assert "prepare values" in shown
    assert "printed by model.py\n" in shown
    assert "read ...printed" not in shown
    assert sys.stderr is before


def test_quiet_and_pipes_see_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = terminal(monkeypatch)
    work(quiet=True)
    assert "read" not in stream.getvalue()
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stderr", pipe)
    work(quiet=False)
    assert pipe.getvalue() == "printed by model.py\n"


def test_a_closed_stderr_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with Bar(quiet=False) as bar:
        bar("read", 0, 0)
        bar("prepare values", 1, 3)
