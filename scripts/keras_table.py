"""What today's loaders do with every golden Keras file, beside tfrepair: a table for the docs.

    python scripts/keras_table.py > table.md

Each file is given to ``keras.models.load_model`` of Keras 3, to that of tf_keras, and to
``tfrepair h5-to-savedmodel`` (``convert`` for ``.keras``) without ``--arch``. Files of weights
alone are left out: no loader makes a model of them. Each loader runs in a process of its own.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "golden" / "keras"
TOLERANCE = 1e-5
_WIDTH = 56

LOADER = """
import json, sys
import numpy as np
which = __import__(sys.argv[1])

def slots(optimizer):
    if optimizer is None:
        return 0
    held = getattr(optimizer, "variables", [])
    held = held() if callable(held) else held
    return sum(1 for v in held if tuple(v.shape) and np.any(np.asarray(v)))

for path, held in json.load(open(sys.argv[2])):
    try:
        model = which.models.load_model(path)
        several = len(model.inputs) > 1
        x = [np.float32(v) for v in (held["inputs"] if several else [held["inputs"]])]
        y = np.asarray(model(x if several else x[0], training=False))
        found = {"difference": float(np.abs(y - np.float32(held["outputs"])).max()),
                 "slots": slots(model.optimizer)}
    except Exception as error:
        lines = [line for line in str(error).splitlines() if line.strip()] or [""]
        found = {"error": f"{type(error).__name__}: {lines[0]}"}
    print("FOUND " + json.dumps(found), flush=True)
"""


def main() -> None:
    """Print the table."""
    files = _files()
    listed = [(str(path), held) for path, held in files]
    columns = [_loaded("keras", listed), _loaded("tf_keras", listed), _ours([p for p, _ in files])]
    lines = ["| File | Keras 3 | tf_keras | tfrepair |", "|---|---|---|---|"]
    for number, (path, _) in enumerate(files):
        cells = [_cell(column[number]) for column in columns]
        lines.append(f"| `{path.parent.name}/{path.name}` | {' | '.join(cells)} |")
    sys.stdout.write("\n".join(lines) + "\n")


def _files() -> list[tuple[Path, dict[str, Any]]]:
    found = []
    for record in sorted(GOLDEN.glob("*/expected.json")):
        held = json.loads(record.read_text())
        for name, case in sorted(held["files"].items()):
            model = held["models"][case]
            is_whole = not Path(name).stem.endswith(("_only", ".weights"))
            if is_whole and {"inputs", "outputs"} <= model.keys():
                found.append((record.parent / name, model))
    return found


def _environment(module: str) -> dict[str, str]:
    settings = {
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_USE_LEGACY_KERAS": "1" if module == "tf_keras" else "0",
        "KERAS_BACKEND": "tensorflow",
    }
    return {**os.environ, **settings}


def _loaded(module: str, listed: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "files.json"
        place.write_text(json.dumps(listed))
        done = subprocess.run(  # noqa: S603 - this file
            [sys.executable, "-c", LOADER, module, str(place)],
            check=True,
            capture_output=True,
            text=True,
            env=_environment(module),
        )
    start = "FOUND "
    return [
        json.loads(line.removeprefix(start))
        for line in done.stdout.splitlines()
        if line.startswith(start)
    ]


def _ours(files: list[Path]) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "files.json"
        place.write_text(json.dumps([[str(path), None] for path in files]))
        done = subprocess.run(  # noqa: S603 - this file
            [sys.executable, "-m", "tests.e2e.built_configs", str(place)],
            check=True,
            capture_output=True,
            text=True,
            env=_environment("keras"),
            cwd=ROOT,
        )
    found = []
    for line in done.stdout.splitlines():
        held = json.loads(line)
        error = held["error"]
        found.append(
            {"error": error}
            if isinstance(error, str)
            else {"difference": error, "slots": held["slots_filled"]}
        )
    return found


def _cell(found: dict[str, Any]) -> str:
    if "error" in found:
        text = found["error"].splitlines()[0].partition(": ")[2].replace("|", "/")
        words = text[:_WIDTH].rpartition(" ")[0] if len(text) > _WIDTH else text
        return f"refused: `{words.replace('`', '')}`"
    difference = found["difference"]
    if difference < TOLERANCE:
        return f"right, {found['slots']} slots"
    return f"**wrong by {difference:.2g}**, {found['slots']} slots"


if __name__ == "__main__":
    main()
