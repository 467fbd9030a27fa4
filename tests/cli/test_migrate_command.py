"""The command ``migrate`` as a program: interrupts, events, plans, words."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.api.migrations import Fleet, fleet
from tfrepair.api.migration.journal import NAME


@pytest.fixture
def made(tmp_path: Path) -> Fleet:
    return fleet(tmp_path)


def command(made: Fleet, *options: str) -> list[str]:
    program = [sys.executable, "-m", "tfrepair", "migrate", made.pattern, str(made.out)]
    return [*program, "--arch", made.arch, "--skeleton", str(made.kept), *options]


def run(made: Fleet, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(made, *options), check=False, capture_output=True, text=True)


def test_an_interrupt_finishes_what_is_in_flight(made: Fleet) -> None:
    made.fill(60)
    process = subprocess.Popen(command(made), stderr=subprocess.PIPE, start_new_session=True)
    start = time.monotonic()
    journal = made.out / NAME
    while not journal.exists() or b'"end"' not in journal.read_bytes():
        assert time.monotonic() < start + 60
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert b"finishing what is in flight" in said
    assert not list(made.out.glob(".*tfrepair-*"))
    lines = journal.read_text(encoding="utf-8").splitlines()
    events = [json.loads(line)["event"] for line in lines]
    assert events.count("begin") == events.count("end") < 60
    report = json.loads((made.out / "report.json").read_text(encoding="utf-8"))
    assert report["interrupted"]
    assert run(made, "--quiet").returncode == 0


def test_events_are_lines_of_json(made: Fleet) -> None:
    made.fill(2)
    done = run(made, "--json-lines")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    names = [event["event"] for event in events]
    assert names == ["survey", "plan", "begin", "end", "begin", "end", "over"]
    assert (done.returncode, done.stderr) == (0, "")
    again = run(made)
    assert "done      2 of 2" in again.stdout


def test_plans_are_shown_as_toml(made: Fleet) -> None:
    made.fill(2)
    shown = run(made, "--dry-run")
    assert shown.returncode == 0
    assert "[map]" in shown.stdout
    assert "1 plans for 2 sources; nothing was written" in shown.stdout
    assert not made.out.exists()


def test_an_empty_pattern_is_a_usage_error(made: Fleet) -> None:
    done = run(made, "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"] == "UsageError"
