"""What the program loads before it does anything: start-up stays short."""

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("tensorflow", "keras", "tf_keras", "h5py", "scipy")
_REPORT = """
import sys
sys.argv = ["tfrepair", *sys.argv[1:]]
from tfrepair.cli.main import run
try:
    run()
except SystemExit as end:
    code = end.code
print("LOADED", code, *[name for name in sys.modules if "." not in name], file=sys.stderr)
"""
SAMPLE = Path(__file__).parents[2] / "samples" / "mtcnn-pnet" / "det1.npy"


@pytest.mark.parametrize(
    ("arguments", "code", "lean"),
    [
        (["--help"], 0, True),
        (["convert", "--help"], 0, True),
        (["--version"], 0, True),
        (["inspect", str(SAMPLE)], 0, False),
        (["inspect", str(SAMPLE), "--json"], 0, False),
        (["convert", str(SAMPLE), "out"], 2, False),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_tensorflow_is_not_imported(
    arguments: list[str], code: int, lean: bool, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _REPORT, *arguments],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    _, ended, *loaded = done.stderr[done.stderr.index("LOADED") :].split()
    assert ended == str(code)
    assert set(loaded).isdisjoint(HEAVY)
    if lean:
        assert "numpy" not in loaded
