"""Damage a checkpoint in many ways; count what TensorFlow's reader and tfrepair get back.

    python -m scripts.recovery_tables.damaged_checkpoints PREFIX [OLDER_PREFIX]

PREFIX is any healthy checkpoint of the second format; OLDER_PREFIX a save of the same run beside
which the damaged one is put, as a run folder has it. TensorFlow's reader is asked tensor by
tensor, which returns more than restoring does: that is all or nothing.
"""

import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfrepair.api.repairing import repair
from tfrepair.core.digest import array_digest
from tfrepair.core.errors import TfrepairError
from tfrepair.core.tensor import Health, Tensor
from tfrepair.readers.registry import open_source

CUTS = (5, 10, 25, 50, 75, 90, 95, 99, 99.9)
_SEED = 7


@dataclass(frozen=True)
class Damage:
    """What is done to a copy of the checkpoint."""

    name: str
    do: Callable[[Path], None]


def _data(prefix: Path) -> list[Path]:
    return sorted(prefix.parent.glob(f"{prefix.name}.data-*"))


def _index(prefix: Path) -> Path:
    return prefix.with_name(f"{prefix.name}.index")


def _cut(path: Path, percent: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * percent / 100)])


def _zero_tail(path: Path, percent: float) -> None:
    content = path.read_bytes()
    keep = int(len(content) * percent / 100)
    path.write_bytes(content[:keep] + bytes(len(content) - keep))


def _flip(path: Path, count: int) -> None:
    generator = random.Random(_SEED + count)  # noqa: S311 - damage, not secrets
    content = bytearray(path.read_bytes())
    for _ in range(count):
        bit = generator.randrange(8 * len(content))
        content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


def _exchange(prefix: Path) -> None:
    first, second, *_ = _data(prefix)
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)


def damages(prefix: Path) -> Iterator[Damage]:
    """Go through all kinds of damage that a checkpoint with so many files can have."""
    for percent in CUTS:
        yield Damage(f"data cut at {percent:g} %", lambda p, c=percent: _cut(_data(p)[-1], c))
    for percent in CUTS:
        yield Damage(
            f"data cut at {percent:g} %, no index",
            lambda p, c=percent: (_cut(_data(p)[-1], c), _index(p).unlink())[0],
        )
    for percent in (50, 90):
        yield Damage(f"zeros from {percent} % on", lambda p, c=percent: _zero_tail(_data(p)[-1], c))
    for count in (1, 3, 10):
        yield Damage(f"{count} flipped bits in data", lambda p, c=count: _flip(_data(p)[0], c))
    for count in (1, 3, 10):
        yield Damage(f"{count} flipped bits in the index", lambda p, c=count: _flip(_index(p), c))
    yield Damage("index cut in half", lambda p: _cut(_index(p), 50))
    yield Damage("index of 0 bytes", lambda p: _index(p).write_bytes(b"") and None)
    yield Damage("no index", lambda p: _index(p).unlink())
    if len(_data(prefix)) > 1:
        yield Damage("first data file missing", lambda p: _data(p)[0].unlink())
        yield Damage("two data files exchanged", _exchange)


def of_tensorflow(prefix: Path, names: list[str]) -> int:
    """Return how many tensors TensorFlow's reader gives, asked one by one."""
    import tensorflow as tf

    try:
        reader = tf.train.load_checkpoint(str(prefix))
    except Exception:  # noqa: BLE001 - whatever it says, it gives nothing
        return 0
    return sum(_gives(reader, name) for name in names)


def _gives(reader: Any, name: str) -> bool:  # noqa: ANN401 - TensorFlow's
    try:
        reader.get_tensor(name)
    except Exception:  # noqa: BLE001 - likewise
        return False
    return True


def measure(prefix: Path, older: Path | None, damage: Damage) -> str:
    """Return a row of the table."""
    whole = {t.origin.key: _digest(t) for t in open_source(prefix)}
    with tempfile.TemporaryDirectory() as name:
        run = Path(name) / "run"
        run.mkdir()
        for source in filter(None, (prefix, older)):
            for path in source.parent.glob(f"{source.name}.*"):
                shutil.copyfile(path, run / path.name)
        damage.do(run / prefix.name)
        theirs = of_tensorflow(run / prefix.name, list(whole))
        try:
            repair(run / prefix.name, Path(name) / "fixed")
            found = {t.origin.key: t for t in open_source(Path(name) / "fixed" / prefix.name)}
            source = {t.origin.key: t.checked() for t in open_source(run / prefix.name)}
        except TfrepairError as error:
            print(f"  {damage.name}: {error.message}", file=sys.stderr)
            found, source = {}, {}
        wrong = sum(_digest(tensor) != whole.get(key) for key, tensor in found.items())
        false = sum(
            tensor.health in (Health.VERIFIED, Health.CORRECTED) and _digest(tensor) != whole[key]
            for key, tensor in source.items()
        )
    return f"| {damage.name} | {theirs} | {len(found)} | {wrong} | {false} | {len(whole)} |"


def _digest(tensor: Tensor) -> str:
    array = tensor.fetch()
    if array.dtype == object:
        return repr(array.tolist())
    return array_digest(array)


def main() -> None:
    """Print the table."""
    prefix = Path(sys.argv[1])
    older = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    print("| damage | TensorFlow | tfrepair | wrong | wrong and called verified | tensors |")
    print("| --- | --- | --- | --- | --- | --- |")
    for damage in damages(prefix):
        print(measure(prefix, older, damage), flush=True)


if __name__ == "__main__":
    main()
