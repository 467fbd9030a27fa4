"""Flip one random bit in a checkpoint, again and again; count what is read back, and what is said.

    python -m scripts.recovery_tables.flips [--count 300] PREFIX...

PREFIX is any healthy checkpoint of either format; where both lie under one prefix, the file itself
is the first format and the ``.index`` the second. Each time a save, one of its files and one of
its bits are chosen by a fixed seed, every tensor of a copy is read and compared with the undamaged
one. A bit counts once:

corrected    all tensors are equal, and a tensor or a finding says that a bit was set right
unnoticed    all tensors are equal, and nothing is said: the bit takes no part in what is read
reported     a tensor is missing or damaged, and a verdict or a finding says so
refused      the save cannot be opened, and the error says why
WRONG        a tensor that is called sound has another value, or is missing without a word
"""

import argparse
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tfrepair.core.digest import array_digest
from tfrepair.core.errors import TfrepairError
from tfrepair.core.tensor import Health, Tensor
from tfrepair.readers.base import TensorStore
from tfrepair.readers.registry import open_source

OUTCOMES = ("corrected", "unnoticed", "reported", "refused", "WRONG")
_SOUND = (Health.VERIFIED, Health.CORRECTED, Health.UNVERIFIED)
_SEED = 11


@dataclass(frozen=True)
class Save:
    """What to open, and the files in which a bit may be flipped."""

    name: str
    files: tuple[Path, ...]
    is_second_format: bool

    @staticmethod
    def at(path: Path) -> "Save":
        """Return a save of the first format for a file, else one of the second."""
        if path.is_file() and path.suffix != ".index":
            return Save(path.name, (path,), is_second_format=False)
        prefix = path.with_suffix("") if path.suffix == ".index" else path
        found = [*path.parent.glob(f"{prefix.name}.index")]
        found += sorted(path.parent.glob(f"{prefix.name}.data-*"))
        if found:
            return Save(prefix.name, tuple(found), is_second_format=True)
        shards = tuple(sorted(path.parent.glob(f"{path.name}-?????-of-?????")))
        return Save(path.name, shards, is_second_format=False)

    def kind(self, file: Path) -> str:
        """Say what a file is."""
        if not self.is_second_format:
            return "first format"
        return f"{'index' if file.suffix == '.index' else 'data'}, second format"


def digests(store: TensorStore) -> dict[str, str]:
    """Return what every tensor holds, by name."""
    return {tensor.origin.key: array_digest(tensor.fetch()) for tensor in store}


def outcome(damaged: Path, whole: dict[str, str]) -> str:
    """Read a copy with one flipped bit, and say how it went."""
    try:
        store = open_source(damaged)
    except TfrepairError:
        return "refused"
    tensors = {tensor.origin.key: tensor.checked() for tensor in store}
    sound = {key for key, tensor in tensors.items() if tensor.health in _SOUND}
    values = {key: _digest(tensors[key]) for key in sound}
    said = {finding.code for finding in store.findings}
    damaged_ones = len(tensors) - len(sound)
    if any(values[key] != whole.get(key) for key in sound):
        return "WRONG"
    if set(values) == set(whole):
        corrected = any(t.health is Health.CORRECTED for t in tensors.values())
        return "corrected" if corrected or said else "unnoticed"
    return "reported" if damaged_ones or said else "WRONG"


def _digest(tensor: Tensor) -> str:
    try:
        return array_digest(tensor.fetch())
    except TfrepairError:
        return "unreadable"


def copied(save: Save, folder: Path) -> Path:
    """Copy a save, and nothing that lies beside it; return what to open."""
    folder.mkdir()
    for file in save.files:
        shutil.copyfile(file, folder / file.name)
    return folder / save.name


def measure(saves: Sequence[Save], count: int) -> dict[str, Counter[str]]:
    """Flip bits; return the outcomes by kind of file."""
    chooser = random.Random(_SEED)  # noqa: S311 - damage, not secrets
    found: dict[str, Counter[str]] = {}
    with tempfile.TemporaryDirectory() as name:
        wholes = [
            digests(open_source(copied(save, Path(name) / f"whole-{place}")))
            for place, save in enumerate(saves)
        ]
        for turn in range(count):
            place = chooser.randrange(len(saves))
            file = chooser.choice([file for file in saves[place].files if file.stat().st_size])
            bit = chooser.randrange(8 * file.stat().st_size)
            damaged = copied(saves[place], Path(name) / str(turn))
            content = bytearray(file.read_bytes())
            content[bit // 8] ^= 1 << bit % 8
            (damaged.parent / file.name).write_bytes(content)
            how = outcome(damaged, wholes[place])
            found.setdefault(saves[place].kind(file), Counter())[how] += 1
            if how in OUTCOMES[1:]:
                sys.stderr.write(f"{how}: {file}, bit {bit}\n")
            shutil.rmtree(damaged.parent)
    return found


def main() -> int:
    """Print the table; 1 if anything wrong went unsaid."""
    parser = argparse.ArgumentParser(prog="flips", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("prefixes", nargs="+", type=Path, metavar="PREFIX")
    parser.add_argument("--count", type=int, default=300)
    options = parser.parse_args()
    found = measure([Save.at(path) for path in options.prefixes], options.count)
    print(f"| file | flips | {' | '.join(OUTCOMES)} |")
    print("|---" * (2 + len(OUTCOMES)) + "|")
    for kind, counts in sorted(found.items()):
        row = " | ".join(str(counts[name]) for name in OUTCOMES)
        print(f"| {kind} | {counts.total()} | {row} |")
    return int(any(counts["WRONG"] for counts in found.values()))


if __name__ == "__main__":
    sys.exit(main())
