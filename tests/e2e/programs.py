"""Runs the program as a user does, and Python snippets in processes of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "samples"


def quiet_environment() -> dict[str, str]:
    return {
        **os.environ,
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "CUDA_VISIBLE_DEVICES": "-1",
        "NO_COLOR": "1",
        "COLUMNS": "120",
    }


def tfrepair(*arguments: object, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Run the command line; the caller looks at the exit code."""
    program = Path(sys.executable).with_name("tfrepair")
    return subprocess.run(
        [str(program), *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        env=quiet_environment(),
        cwd=cwd,
    )


def report_of(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    """Return the JSON object that a run with ``--json`` printed."""
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def python(code: str, *arguments: object, cwd: Path) -> str:
    """Run a snippet in a folder, with nothing of this project on its path; return its stdout."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        env=quiet_environment(),
        cwd=cwd,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
