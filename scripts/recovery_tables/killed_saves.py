"""Kill a saving process at many moments, repair what it left, and count what came back.

    python -m scripts.recovery_tables.killed_saves [MEGABYTES]

Prints a table: for every kind of save and every moment, the bytes that were on the disk, what
TensorFlow makes of them, and what ``tfrepair repair`` returns, alone and with the save before as a
donor. Every tensor that is returned is compared with what the process was saving.
"""

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scripts.recovery_tables import TENSORS, arrays
from tfrepair.api.repairing import repair
from tfrepair.core.errors import TfrepairError
from tfrepair.readers.registry import open_source

KINDS = ("saver", "sharded", "objects", "first format")
MOMENTS = (0.1, 0.35, 0.6, 0.95)
_PREFIX = {"saver": "model", "sharded": "model", "objects": "ckpt", "first format": "model"}


@dataclass(frozen=True)
class Row:
    """One killed save."""

    kind: str
    moment: float
    on_disk: int
    returned: int
    whole: int
    wrong: int
    completed: str


def kill_at(kind: str, folder: Path, megabytes: int, moment: float) -> int:
    """Start a process that saves twice; kill it when so much of the second save is written."""
    program = subprocess.Popen(
        [sys.executable, "-m", "scripts.recovery_tables.saving", kind, str(folder), str(megabytes)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    if program.stdout is None or "saved 1" not in program.stdout.readline():
        message = f"{kind}: the first save failed"
        raise RuntimeError(message)
    wanted = int(moment * megabytes * (1 << 20))
    while program.poll() is None:
        written = sum(path.stat().st_size for path in growing(folder) if path.exists())
        if written >= wanted:
            break
        time.sleep(0.0005)
    program.send_signal(signal.SIGKILL)
    program.wait()
    return sum(path.stat().st_size for path in growing(folder))


def growing(folder: Path) -> Iterator[Path]:
    """Go through the files of the second save."""
    for path in folder.rglob("*"):
        relative = str(path.relative_to(folder))
        if (
            path.is_file()
            and "-2" in relative
            and (".data" in relative or "model-2.temp" in relative)
        ):
            yield path


def measure(kind: str, megabytes: int, moment: float) -> Row:
    """Kill one save, repair it, and compare."""
    folder = Path(tempfile.mkdtemp(prefix="tfrepair-killed-"))
    try:
        run = folder / "run"
        run.mkdir()
        on_disk = kill_at(kind, run, megabytes, moment)
        source = run / f"{_PREFIX[kind]}-2"
        if kind == "first format":
            source = next(run.glob("model-2*"))
        older = run / f"{_PREFIX[kind]}-1"
        returned, wrong = _repaired(source, folder / "alone", (), megabytes)
        full = _repaired(source, folder / "full", (older,), megabytes)[0]
        return Row(
            kind=kind,
            moment=moment,
            on_disk=on_disk,
            returned=returned,
            whole=min(TENSORS, on_disk // (megabytes * (1 << 20) // TENSORS)),
            wrong=wrong,
            completed=f"{full} of 9",
        )
    finally:
        shutil.rmtree(folder)


def _repaired(source: Path, out: Path, donors: tuple[Path, ...], megabytes: int) -> tuple[int, int]:
    """Return how many tensors came back, and how many of the new save's are not its own."""
    try:
        repair(source, out, donors=donors)
    except TfrepairError as error:
        print(f"  {source.name}: {error.message}", file=sys.stderr)
        return 0, 0
    expected, older = arrays(megabytes, 2), arrays(megabytes, 1)
    wrong = 0
    store = open_source(out)
    tensors = [tensor for tensor in store if tensor.dtype not in ("string", "object")]
    for tensor in tensors:
        if tensor.dtype != "float32":
            continue
        value = tensor.fetch()
        candidates = expected if not donors else [*expected, *older]
        wrong += not any(np.array_equal(value, array) for array in candidates)
    return len(tensors), wrong


def main() -> None:
    """Print the table."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 64
    print("| save | killed at | on disk | whole there | returned | wrong | with the save before |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for kind in KINDS:
        for moment in MOMENTS:
            row = measure(kind, megabytes, moment)
            print(
                f"| {row.kind} | {row.moment:.0%} | {row.on_disk:,} | {row.whole} of 8 | "
                f"{row.returned} | {row.wrong} | {row.completed} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
