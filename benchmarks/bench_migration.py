"""Migrate many checkpoints: tfrepair, three ways with TensorFlow, and ``cp -r``, in one run.

    python benchmarks/bench_migration.py [--model small|resnet50] [--items 100] [--peers 3] [--save]

Sources are pickled ``.npy`` lists of weights. Every way is a process of its own, start-up
included; of the slow ones only ``--peers`` items are run, and the cost of one more item is told
beside the cost of the start. CPU seconds count children. Prints one JSON object; ``--save`` keeps
it under ``benchmarks/results``.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MODELS = {
    "small": """
import keras
def build_model():
    layers = keras.layers
    return keras.Sequential([
        keras.Input((28, 28, 1)), layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten(),
        layers.Dense(128, activation="relu"), layers.Dense(10)])
""",
    "resnet50": """
import keras
def build_model():
    return keras.applications.ResNet50(weights=None)
""",
}
SOURCES = """
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
sys.path.insert(0, sys.argv[1])
from model import build_model
shapes = [w.shape for w in build_model().get_weights()]
for place in range(int(sys.argv[3])):
    draw = np.random.default_rng(place)
    held = np.empty(len(shapes), object)
    held[:] = [draw.random(shape, np.float32) for shape in shapes]
    np.save(f"{sys.argv[2]}/w{place:04d}.npy", held, allow_pickle=True)
"""
START = """
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
sys.path.insert(0, sys.argv[1])
from model import build_model
model = build_model()
def load(path):
    model.set_weights(list(np.load(path, allow_pickle=True)))
"""
EXPORT = (
    START
    + """
for path in sys.argv[3:]:
    load(path)
    model.export(f"{sys.argv[2]}/{os.path.basename(path)}", verbose=False)
"""
)
WRITE = (
    START
    + """
import shutil
import tensorflow as tf
root = tf.Module()
root.weights = [getattr(weight, "value", weight) for weight in model.weights]
shape = [1, *model.inputs[0].shape[1:]]
root.serve = tf.function(model.call, input_signature=[tf.TensorSpec([None, *shape[1:]])])
first = f"{sys.argv[2]}/first"
tf.saved_model.save(root, first, signatures=root.serve.get_concrete_function())
checkpoint = tf.train.Checkpoint(root)
for path in sys.argv[3:]:
    load(path)
    out = f"{sys.argv[2]}/{os.path.basename(path)}"
    os.makedirs(f"{out}/variables")
    shutil.copyfile(f"{first}/saved_model.pb", f"{out}/saved_model.pb")
    checkpoint.write(f"{out}/variables/variables")
"""
)
RESULTS = Path(__file__).with_name("results")


def measured(command: list[str]) -> dict[str, float]:
    """Run a command; wall and CPU seconds, and the largest process in MiB."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    code = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], stdout=2)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)\n"
        "sys.exit(done.returncode)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *command], check=False, capture_output=True)
    if done.returncode:
        sys.stderr.write(done.stderr.decode()[-2000:])
        sys.exit(f"{command[:4]} ended with {done.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "seconds": time.monotonic() - start,
        "cpu_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "peak_mib": float(done.stdout),
    }


def per_item(one: dict[str, float], many: dict[str, float], more: int) -> dict[str, float]:
    """Return the cost of one more item, the largest process, and the cost of the start."""
    names = ("seconds", "cpu_seconds")
    return {name: (many[name] - one[name]) / more for name in names} | {
        "peak_mib": many["peak_mib"],
        "start_cpu_seconds": one["cpu_seconds"],
    }


def run(model: str, items: int, peers: int, folder: Path) -> dict[str, dict[str, float]]:
    """Measure every way once."""
    (folder / "model.py").write_text(MODELS[model], encoding="utf-8")
    sources = folder / "src"
    sources.mkdir()
    python = [sys.executable, "-c"]
    subprocess.run([*python, SOURCES, str(folder), str(sources), str(items)], check=True)
    names = [str(path) for path in sorted(sources.iterdir())]
    found: dict[str, dict[str, float]] = {}

    def ours(out: str, *options: str) -> dict[str, float]:
        command = [sys.executable, "-m", "tfrepair", "migrate", f"{sources}/*.npy", out, "--quiet"]
        arch = ["--arch", str(folder / "model.py"), "--skeleton", str(folder / "kept")]
        return measured([*command, *arch, *options])

    def fresh(name: str) -> str:
        out = folder / name
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        return str(out)

    subprocess.run(["/bin/cat", *names], check=True, stdout=subprocess.DEVNULL)
    first = measured([*python, EXPORT, str(folder), fresh("export"), names[0]])
    found["one process per checkpoint, export"] = first
    many = measured([*python, EXPORT, str(folder), fresh("export"), *names[: 1 + peers]])
    found["one process, set_weights and export"] = per_item(first, many, peers)
    one = measured([*python, WRITE, str(folder), fresh("write"), names[0]])
    many = measured([*python, WRITE, str(folder), fresh("write"), *names[: 1 + 8 * peers]])
    found["one process, Checkpoint.write into a copy"] = per_item(one, many, 8 * peers)
    shutil.rmtree(folder / "export")
    shutil.rmtree(folder / "write")
    manifest = folder / "one.jsonl"
    manifest.write_text(json.dumps({"source": names[0]}) + "\n", encoding="utf-8")
    arch = ["--arch", str(folder / "model.py"), "--skeleton", str(folder / "kept"), "--quiet"]
    program = [sys.executable, "-m", "tfrepair", "migrate", str(manifest)]
    found["tfrepair: the skeleton, once"] = measured([*program, str(folder / "first"), *arch])
    found["tfrepair: start and one item"] = measured([*program, str(folder / "again"), *arch])
    for jobs in (1, 2):
        out = folder / f"jobs{jobs}"
        whole = ours(str(out), "--jobs", str(jobs))
        found[f"tfrepair, --jobs {jobs}, all of it"] = {
            name: value / items if name != "peak_mib" else value for name, value in whole.items()
        }
    copied = measured(["cp", "-r", str(folder / "jobs1"), fresh("copy")])
    found["cp -r of the outputs"] = {
        name: value / items if name != "peak_mib" else value for name, value in copied.items()
    }
    return found


def main() -> None:
    """Parse the arguments and print the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=MODELS, default="small")
    parser.add_argument("--items", type=int, default=100)
    parser.add_argument("--peers", type=int, default=3)
    parser.add_argument("--save", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ways = run(asked.model, asked.items, asked.peers, Path(folder))
    result = {
        "benchmark": "migration",
        "model": asked.model,
        "items": asked.items,
        "peers": asked.peers,
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "per_item": {
            name: {key: round(value, 5) for key, value in way.items()} for name, way in ways.items()
        },
    }
    text = json.dumps(result, indent=1)
    print(text)
    if asked.save:
        commit = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 - whichever git there is
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"migration-{asked.model}-{commit}.json"
        path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
