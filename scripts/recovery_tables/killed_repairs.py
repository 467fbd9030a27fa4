"""Kill ``tfrepair repair`` at random moments: output whole or not there, input as it was.

python -m scripts.recovery_tables.killed_repairs [TIMES]
"""

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

from tfrepair.readers.registry import open_source
from tfrepair.wire.bundle_writer import Item, write_data, write_index

_FLOAT = 1
_WHOLE = 7
"""Tensors of the save that the damage leaves."""
_LONGEST = 3.0
"""Seconds after which a process is killed at the latest."""


def _save(folder: Path) -> Path:
    """Write a damaged save of 128 MiB; returns its prefix."""
    folder.mkdir()
    prefix = folder / "model.ckpt-7"
    generator = np.random.default_rng(0)
    items = [
        Item(
            name=f"layer{n}/kernel", dtype=_FLOAT, array=generator.random((1 << 16, 64), np.float32)
        )
        for n in range(8)
    ]
    data = prefix.with_name(f"{prefix.name}.data-00000-of-00001")
    with data.open("wb") as file:
        entries = write_data(items, file.write)
    with prefix.with_name(f"{prefix.name}.index").open("wb") as file:
        write_index(entries, file.write)
    with data.open("r+b") as file:
        file.seek(1000)
        file.write(bytes(1000))
    return prefix


def _digest(folder: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            total.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return total.hexdigest()


def main() -> None:
    """Kill and count."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    generator = random.Random(7)  # noqa: S311 - moments, not secrets
    base = Path(tempfile.mkdtemp(prefix="tfrepair-killed-"))
    prefix = _save(base / "run")
    before, whole, absent, half = _digest(base / "run"), 0, 0, 0
    program = str(Path(sys.executable).with_name("tfrepair"))
    for _ in range(times):
        out = base / "fixed"
        shutil.rmtree(out, ignore_errors=True)
        process = subprocess.Popen(
            [program, "repair", "--quiet", str(prefix), "-o", str(out)], start_new_session=True
        )
        time.sleep(generator.uniform(0, _LONGEST))
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if not out.exists():
            absent += 1
        elif len(open_source(out)) == _WHOLE and (out / "rescue-note.md").is_file():
            whole += 1
        else:
            half += 1
    left = [path.name for path in base.iterdir() if path.name not in ("run", "fixed")]
    subprocess.run(
        [program, "repair", "--quiet", "--overwrite", str(prefix), "-o", str(base / "fixed")],
        check=False,
    )
    cleaned = [path.name for path in base.iterdir() if path.name not in ("run", "fixed")]
    print(f"{times} kills: {whole} whole, {absent} absent, {half} half-visible")
    print(f"input {'unchanged' if _digest(base / 'run') == before else 'CHANGED'}")
    print(f"abandoned stages: {len(left)} before the next run, {len(cleaned)} after it")
    shutil.rmtree(base)


if __name__ == "__main__":
    main()
