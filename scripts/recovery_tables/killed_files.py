"""Kill a process that saves a Keras file, at several moments, and count what comes back.

    python -m scripts.recovery_tables.killed_files [LAYERS] [WIDTH]

The process saves the same values twice; the first save is the truth and, where the table says so,
the sibling that tells the layout. Keras is the one that is installed.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py

from tfrepair.core.digest import array_digest
from tfrepair.core.errors import SourceError
from tfrepair.readers.registry import open_source

KINDS = ("h5", "weights.h5", "keras")
MOMENTS = (0.1, 0.5, 0.9)
PROGRAM = """
import sys
import numpy as np
import keras
folder, kind, layers, width = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
dense = [keras.layers.Dense(width, bias_initializer="random_normal") for _ in range(layers)]
model = keras.Sequential([keras.Input((width,)), *dense])
model.compile("adam", "mse")
model.fit(np.random.rand(8, width), np.random.rand(8, width), verbose=0)
save = model.save_weights if kind == "weights.h5" else model.save
save(f"{folder}/save-1.{kind}")
print("saved", flush=True)
save(f"{folder}/save-2.{kind}")
"""


def kill_at(folder: Path, kind: str, size: tuple[str, str], moment: float) -> bool:
    """Kill the process when so much of the second save is written; False if it was faster."""
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder), kind, *size],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    stream = program.stdout
    while stream is not None and (line := stream.readline()) and "saved" not in line:
        pass
    first, second = folder / f"save-1.{kind}", folder / f"save-2.{kind}"
    wanted = moment * first.stat().st_size
    while program.poll() is None:
        if second.exists() and second.stat().st_size >= wanted:
            program.kill()
        time.sleep(0.0005)
    return program.returncode != 0


def counts(path: Path, whole: dict[str, str]) -> tuple[int, int]:
    """Return how many arrays come back under their names, and how many wrongly."""
    try:
        store = open_source(path)
    except SourceError:
        return 0, 0
    found = {str(t.origin.key): array_digest(t.fetch()) for t in store if t.is_whole}
    named = sum(whole.get(key) == digest for key, digest in found.items())
    wrong = sum(whole.get(key, digest) != digest for key, digest in found.items())
    return named, wrong


def h5py_opens(path: Path) -> str:
    """Return what h5py says of a file."""
    try:
        with h5py.File(path, "r") as file:
            return f"{len(file)} groups"
    except OSError as error:
        return str(error).partition("(")[2].rstrip(")") or str(error)


def main(size: tuple[str, str]) -> None:
    """Print the table."""
    print("| kind | written | alone | beside a sibling | wrong | h5py |")
    print("| --- | --- | --- | --- | --- | --- |")
    for kind in KINDS:
        for moment in MOMENTS:
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                was_killed = kill_at(folder, kind, size, moment)
                first, second = folder / f"save-1.{kind}", folder / f"save-2.{kind}"
                whole = {str(t.origin.key): array_digest(t.fetch()) for t in open_source(first)}
                beside, wrong = counts(second, whole)
                share = second.stat().st_size / first.stat().st_size
                (folder / "apart").mkdir()
                first.rename(folder / "apart" / first.name)
                alone, more = counts(second, whole)
                state = f"{share:.1%}" if was_killed else "finished before the kill"
                total = len(whole)
                print(
                    f"| {kind} | {state} | {alone}/{total} | {beside}/{total} |"
                    f" {wrong + more} | {h5py_opens(second)} |",
                    flush=True,
                )


if __name__ == "__main__":
    layers, width = (sys.argv[1:] + ["30", "1024"][len(sys.argv) - 1 :])[:2]
    main((layers, width))
