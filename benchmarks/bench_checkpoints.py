"""Read whole checkpoints: tfrepair, TensorFlow's own reader and ``cat``, in one run.

    python benchmarks/bench_checkpoints.py [--megabytes 2048] [--tensors 20000] [--save]

Every reader runs in a process of its own, start-up included, on the same files in the same page
cache. They take turns, so that a busy moment of the machine hits all of them; the best time of
each counts, and of the times only the ratios do. Prints one JSON object; ``--save`` keeps it under
``benchmarks/results``, named by the commit.
"""

import argparse
import json
import multiprocessing
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfrepair.wire.bundle_writer import Item, write_data, write_index

OURS = """
import sys
from pathlib import Path
from tfrepair.readers.registry import open_source
store = open_source(Path(sys.argv[1]))
for tensor in store:
    tensor.fetch()
    assert tensor.checked().health.value == "verified"
assert "tensorflow" not in sys.modules
"""
THEIRS = """
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf
reader = tf.train.load_checkpoint(sys.argv[1])
for name in reader.get_variable_to_shape_map():
    reader.get_tensor(name)
"""
ROUNDS = 5
# As installed: a package whose bytecode is never kept would be compiled in every run.
ENVIRONMENT = {name: v for name, v in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
TIMES = ("seconds", "cpu_seconds")
MEMORY = ("peak_mib", "anonymous_mib")
RESULTS = Path(__file__).with_name("results")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a command: seconds on the clock and of processors, peaks of memory in MiB."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    anonymous_mib: float


def run(command: list[str]) -> Run:
    """Run a command once."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT
    )
    anonymous, ended = 0.0, (0, 0, resource.getrusage(resource.RUSAGE_SELF))
    while ended[0] == 0:
        anonymous = max(anonymous, anonymous_mib(process.pid))
        time.sleep(0.002)
        ended = os.wait4(process.pid, os.WNOHANG)
    seconds = time.perf_counter() - started
    if ended[1]:
        message = f"{command[:3]} failed with status {ended[1]}"
        raise RuntimeError(message)
    usage = ended[2]
    return Run(
        seconds=seconds,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_mib=usage.ru_maxrss / 1024,
        anonymous_mib=anonymous,
    )


def anonymous_mib(pid: int) -> float:
    """Return the memory of a process that is not a file's."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"RssAnon:\s+(\d+) kB", text)
    return int(found[1]) / 1024 if found else 0.0


def measure(prefix: Path, *, is_large: bool) -> dict[str, object]:
    """Let all readers take turns on one checkpoint."""
    data = prefix.with_name(f"{prefix.name}.data-00000-of-00001")
    program = [sys.executable, "-m", "tfrepair", "inspect", str(prefix), "--json"]
    commands = {
        "cat": ["cat", str(data)],
        "tfrepair_read_all": [sys.executable, "-c", OURS, str(prefix)],
        "tfrepair_inspect": program,
        "tfrepair_inspect_no_stats": [*program, "--no-stats"],
        "tensorflow_read_all": [sys.executable, "-c", THEIRS, str(prefix)],
    }
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            runs[name].append(run(command))
    best = {
        name: {field: round(min(getattr(run, field) for run in found), 3) for field in TIMES}
        | {field: round(max(getattr(run, field) for run in found)) for field in MEMORY}
        for name, found in runs.items()
    }
    ours = "tfrepair_read_all" if is_large else "tfrepair_inspect"
    return {
        **best,
        "compared": ours,
        **{
            f"times_faster_than_tensorflow_{field}": round(
                best["tensorflow_read_all"][field] / best[ours][field], 2
            )
            for field in TIMES
        },
        **{
            f"read_all_times_cat_{field}": round(
                best["tfrepair_read_all"][field] / best["cat"][field], 2
            )
            for field in TIMES
        },
    }


def commit() -> str:
    """Return the short name of the commit, with a plus if the tree has changed since."""
    git = ["git", "-C", str(RESULTS.parent)]
    head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], check=True, capture_output=True)
    clean = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", "../tfrepair"], check=False)
    return head.stdout.decode().strip() + ("+" if clean.returncode else "")


def main() -> None:
    """Make the checkpoints, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=2048)
    parser.add_argument("--tensors", type=int, default=20_000)
    parser.add_argument("--save", action="store_true")
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
        found = {
            "commit": commit(),
            "machine": {"processors": os.cpu_count(), "load": round(os.getloadavg()[0], 1)},
            "large": {"megabytes": options.megabytes} | measure(large, is_large=True),
            "many": {"tensors": options.tensors} | measure(many, is_large=False),
        }
    text = json.dumps(found, indent=1)
    print(text)
    if options.save:
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"checkpoints-{found['commit']}.json"
        path.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
