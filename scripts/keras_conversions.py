"""Convert every golden Keras file, load each SavedModel, and hold it against what the writer held.

    python scripts/keras_conversions.py OUT.json [PART ...] > table.md

Each file goes through the conversion of ``tfrepair h5-to-savedmodel``, all of it, with the checks
of what was written. What is a run of its own otherwise shares one TensorFlow process for each of
tf_keras, Keras 3 and the forward check. A file of a whole model brings its architecture; weights
alone get the whole model beside them for ``--arch``. Then TensorFlow alone, without any model code,
serves the writer's inputs: outputs must be the writer's to 1e-5. Every element of the slots must
be in the checkpoint of the SavedModel, and the step count must be the file's. ``PART`` picks
files whose path has one of the parts.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from scripts.keras_table import ROOT, TOLERANCE, _environment
from tfrepair.api import architectures, verification
from tfrepair.api.conversion import run_conversion
from tfrepair.api.options import Options
from tfrepair.core.errors import TfrepairError
from tfrepair.core.tensor import Purpose, TensorStore
from tfrepair.readers.registry import open_source
from tfrepair.tfhost.client import ChildHost

GOLDEN = ROOT / "tests" / "golden"
COUNTS = ("iteration", "iterations", "iter")

CHECK = """
import json, sys, numpy as np, tensorflow as tf
for folder, inputs in json.load(open(sys.argv[1])):
    try:
        loaded = tf.saved_model.load(folder)
        serve = loaded.signatures["serving_default"]
        specs = serve.structured_input_signature[1]
        shapes = [list(np.shape(value)) for value in inputs]
        given = {name: tf.cast(np.asarray(value), specs[name].dtype)
                 for name, value in zip(sorted(specs), inputs)}
        for name in given:
            want = specs[name].shape
            if not want.is_compatible_with(given[name].shape):
                given[name] = tf.experimental.numpy.moveaxis(given[name], -3, -1)
        found = {"outputs": next(iter(serve(**given).values())).numpy().tolist()}
    except Exception as error:
        found = {"error": f"{type(error).__name__}: {error}"[:500]}
    print("FOUND " + json.dumps(found), flush=True)
"""


class Shared(ChildHost):
    """A host that stays after a conversion."""

    held: dict[Any, "Shared"] = {}  # noqa: RUF012 - shared on purpose

    def __exit__(self, *_: object) -> None:
        """Stay; a host that has failed is started anew by itself."""


def main(out: Path, parts: list[str]) -> None:
    """Convert, check and print."""
    architectures.ChildHost = lambda keras=3: _host("build", keras)  # type: ignore[assignment, misc]
    verification.ChildHost = lambda keras=3: _host("check", keras)  # type: ignore[assignment, misc]
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for number, (path, arch, model) in enumerate(cases(parts)):
            started = time.monotonic()
            entry = _converted(path, arch, Path(folder) / str(number))
            entry |= {"file": f"{path.parents[1].name}/{path.parent.name}/{path.name}"}
            entry["seconds"] = round(time.monotonic() - started, 1)
            found.append((entry, model))
            state = entry.get("error", "written")
            sys.stderr.write(f"{entry['file']}: {state} ({entry['seconds']} s)\n")
        for host in Shared.held.values():
            host.close(kill=True)
        _serve(found)
    entries = [entry for entry, _ in found]
    out.write_text(json.dumps(entries, indent=1))
    sys.stdout.write(table(entries))


def cases(parts: list[str]) -> list[tuple[Path, Path | None, dict[str, Any]]]:
    """Return every golden file, the file that is its architecture, and what its writer held."""
    found = []
    for record in sorted(GOLDEN.glob("keras*/*/expected.json")):
        held = json.loads(record.read_text())
        listed = held.get("files") or {
            name: case for case, model in held["models"].items() for name in model["files"]
        }
        for name, case in sorted(listed.items()):
            path = record.parent / name
            if parts and not any(part in str(path) for part in parts):
                continue
            is_alone = path.stem.endswith(("_only", ".weights"))
            whole = [path.with_name(f"{case}{end}") for end in (".keras", ".h5")]
            arch = next((p for p in whole if p.exists()), None) if is_alone else None
            if not is_alone or arch is not None:
                found.append((path, arch, held["models"][case]))
    return found


def _host(role: str, keras: int) -> Shared:
    return Shared.held.setdefault((role, keras), Shared(keras=keras))


def _converted(path: Path, arch: Path | None, out: Path) -> dict[str, Any]:
    named = None if arch is None else str(arch)
    try:
        report = run_conversion(path, named, out, Options()).to_json()
    except TfrepairError as error:
        return {"error": f"{type(error).__name__}: {error}"}
    if report.get("error"):
        asked = [f["code"] for f in report["findings"] if f["severity"] == "error"]
        return {"error": str(report["error"]), "asks": asked, "ties": len(report["ties"])}
    kept, stored = _slots(path, out)
    return {
        "out": str(out),
        "exit": report["exit_code"],
        "slots": stored,
        "slots_there": kept,
        "losses": [f["code"] for f in report["findings"] if f["severity"] == "loss"],
        "count": _count(path, out),
    }


def _slots(path: Path, out: Path) -> tuple[int, int]:
    """Return how many slots of the file have all their elements in the SavedModel, of how many.

    Layouts change, so the elements of all slots of one kind are compared, sorted.
    """
    with_place = [t for t in open_source(path) if t.purpose is Purpose.SLOT]
    held = _bag(open_source(out))
    there = 0
    for tensor in with_place:
        values = np.ravel(tensor.fetch()).astype("float64")
        there += all(held.get(value, 0) for value in values.tolist())
    return there, len(with_place)


def _bag(store: TensorStore) -> dict[float, int]:
    bag: dict[float, int] = {}
    for tensor in store:
        if tensor.purpose is Purpose.SLOT or "optimizer" in tensor.name:
            for value in np.ravel(np.asarray(tensor.fetch(), "float64")).tolist():
                bag[value] = bag.get(value, 0) + 1
    return bag


def _count(path: Path, out: Path) -> list[int | None]:
    """Return the step counts of the file and of the SavedModel."""
    return [_steps(open_source(path)), _steps(open_source(out))]


def _steps(store: TensorStore) -> int | None:
    for tensor in store:
        words = tensor.name.removesuffix(":0").replace("/.ATTRIBUTES/VARIABLE_VALUE", "")
        if words.rpartition("/")[2].lower() in COUNTS and tensor.shape == ():
            return int(np.asarray(tensor.fetch()))
    return None


def _serve(found: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    """Serve what was written in a process without any model code."""
    written = [(entry, model) for entry, model in found if "out" in entry]
    asked = [[entry["out"], _inputs(model)] for entry, model in written]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "asked.json"
        place.write_text(json.dumps(asked))
        done = subprocess.run(  # noqa: S603 - this file
            [sys.executable, "-c", CHECK, str(place)],
            check=True,
            capture_output=True,
            text=True,
            env=_environment("keras"),
        )
    lines = [li for li in done.stdout.splitlines() if li.startswith("FOUND ")]
    for (entry, model), line in zip(written, lines, strict=True):
        answer = json.loads(line.removeprefix("FOUND "))
        if "error" in answer:
            entry["error"] = answer["error"]
            continue
        wanted = np.asarray(model["outputs"])
        entry["difference"] = float(np.abs(np.asarray(answer["outputs"]) - wanted).max())


def _inputs(model: dict[str, Any]) -> list[Any]:
    """Return the inputs as a list of arrays: a model of several has lists of three and more."""
    held = model["inputs"]
    try:
        np.asarray(held, "float64")
    except ValueError:
        return list(held)
    is_several = "trainable" in model and any("inner" in n for n in model["trainable"])
    return list(held) if is_several else [held]


def table(entries: list[dict[str, Any]]) -> str:
    """Return a table in Markdown, one line per file."""
    lines = ["| File | Outputs | Slots | Step count |", "|---|---|---|---|"]
    for entry in entries:
        name = entry["file"].removeprefix("keras/")
        if "difference" not in entry:
            why = ", ".join(entry.get("asks", ())) or entry["error"].splitlines()[0][:90]
            lines.append(f"| `{name}` | asks: `{why}` | | |")
            continue
        is_right = entry["difference"] < TOLERANCE
        outputs = "right" if is_right else f"**wrong by {entry['difference']:.2g}**"
        slots = f"{entry['slots_there']} of {entry['slots']}" if entry["slots"] else "none"
        stored, written = entry["count"]
        steps = "none" if stored is None else f"{stored}" if stored == written else (
            f"**{stored}, {written} written**")  # fmt: skip
        lines.append(f"| `{name}` | {outputs} | {slots} | {steps} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
