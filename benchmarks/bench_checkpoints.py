"""Read whole checkpoints: tfrepair, TensorFlow's own reader and ``cat``, in one run.

    python benchmarks/bench_checkpoints.py [--megabytes 1024] [--tensors 20000]

Every reader runs in a process of its own, start-up included, on the same files in the same page
cache; the ratios are what counts. Prints one JSON object.
"""

import argparse
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tfrepair.wire.bundle_writer import Item, write_data, write_index

OURS = """
import sys
from pathlib import Path
from tfrepair.readers.registry import open_source
store = open_source(Path(sys.argv[1]))
bad = [t.name for t in store if t.checked().health.value != "verified"]
assert not bad and "tensorflow" not in sys.modules
print(len(store))
"""
OPEN = """
import sys
from pathlib import Path
from tfrepair.readers.registry import open_source
print(len(open_source(Path(sys.argv[1]))))
"""
THEIRS = """
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf
reader = tf.train.load_checkpoint(sys.argv[1])
names = list(reader.get_variable_to_shape_map())
for name in names:
    reader.get_tensor(name)
print(len(names))
"""
RUNS = 3


def write(prefix: Path, shapes: list[tuple[int, ...]]) -> None:
    """Write a checkpoint of random tensors."""
    chooser = np.random.default_rng(0)

    def items() -> Iterator[Item]:
        for place, shape in enumerate(shapes):
            array = chooser.random(shape, "float32")
            yield Item(name=f"layer_{place:06d}/kernel", dtype=1, array=array)

    with prefix.with_name(f"{prefix.name}.data-00000-of-00001").open("wb") as file:
        entries = write_data(items(), file.write)
    with prefix.with_name(f"{prefix.name}.index").open("wb") as file:
        write_index(entries, file.write)


def timed(command: list[str]) -> dict[str, float]:
    """Return the best wall time of a command, and its peak memory in MiB."""
    best, peak = float("inf"), 0.0
    for _ in range(RUNS):
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = _wait(process)
        if status:
            message = f"{command[:3]} failed with status {status}"
            raise RuntimeError(message)
        best = min(best, time.perf_counter() - started)
        peak = max(peak, usage.ru_maxrss / 1024)
    return {"seconds": round(best, 3), "peak_mib": round(peak)}


def _wait(process: "subprocess.Popen[bytes]") -> tuple[int, int, resource.struct_rusage]:
    return os.wait4(process.pid, 0)


def measure(prefix: Path) -> dict[str, object]:
    """Measure all readers on one checkpoint."""
    data = prefix.with_name(f"{prefix.name}.data-00000-of-00001")
    found: dict[str, dict[str, float]] = {
        "cat": timed(["cat", str(data)]),
        "tfrepair_open": timed([sys.executable, "-c", OPEN, str(prefix)]),
        "tfrepair_verify_all": timed([sys.executable, "-c", OURS, str(prefix)]),
        "tensorflow_read_all": timed([sys.executable, "-c", THEIRS, str(prefix)]),
    }
    ours, theirs = (found[n]["seconds"] for n in ("tfrepair_verify_all", "tensorflow_read_all"))
    return {
        **found,
        "times_faster_than_tensorflow": round(theirs / ours, 1),
        "times_cat": round(ours / found["cat"]["seconds"], 2),
    }


def main() -> None:
    """Make the checkpoints, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1024)
    parser.add_argument("--tensors", type=int, default=20_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        large, many = Path(folder) / "large", Path(folder) / "many"
        # In processes of their own: a child starts with the peak memory of its parent.
        for prefix, shape, count in (
            (large, (options.megabytes // 8, 512, 512), 8),
            (many, (1024,), options.tensors),
        ):
            made = multiprocessing.Process(target=write, args=(prefix, [shape] * count))
            made.start()
            made.join()
        print(json.dumps({"large": measure(large), "many": measure(many)}, indent=1))


if __name__ == "__main__":
    main()
