"""Saves as TensorFlow leaves them, built by the writers, for the tests of the use cases."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tfrepair.core.tensor import Array
from tfrepair.wire.bundle import BundleHeader
from tfrepair.wire.bundle_writer import Item, merged, write_data, write_index
from tfrepair.wire.element_types import NAMES

NUMBERS = {name: number for number, name in reversed(tuple(NAMES.items()))}


def values(seed: int = 0, count: int = 6) -> dict[str, Array]:
    """Return the tensors of a small network: layers of 64 x 32 floats, and a step counter."""
    generator = np.random.default_rng(seed)
    tensors: dict[str, Any] = {
        f"layer{place}/kernel": generator.normal(size=(64, 32)).astype(np.float32)
        for place in range(count - 1)
    }
    return {**tensors, "step": np.array(seed, np.int64)}


def bundle(prefix: Path, tensors: Mapping[str, Array], *, shards: int = 1) -> Path:
    """Write a tensor bundle; tensors go to the shards in turn."""
    prefix.parent.mkdir(parents=True, exist_ok=True)
    names = sorted(tensors)
    header = BundleHeader(num_shards=shards)
    found = []
    for shard in range(shards):
        items = [
            Item(name=name, dtype=NUMBERS[tensors[name].dtype.name], array=tensors[name])
            for name in names[shard::shards]
        ]
        path = prefix.with_name(f"{prefix.name}.data-{shard:05d}-of-{shards:05d}")
        with path.open("wb") as file:
            found.append(write_data(items, file.write, shard=shard))
    with index_of(prefix).open("wb") as file:
        write_index(merged(found), file.write, header=header)
    return prefix


def index_of(prefix: Path) -> Path:
    return prefix.with_name(f"{prefix.name}.index")


def data_of(prefix: Path, shard: int = 0, shards: int = 1) -> Path:
    return prefix.with_name(f"{prefix.name}.data-{shard:05d}-of-{shards:05d}")


def state(folder: Path, target: str) -> None:
    (folder / "checkpoint").write_text(f'model_checkpoint_path: "{target}"\n')


def photograph(folder: Path) -> dict[str, tuple[str, int]]:
    """Return digest and time of change of every file."""
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime_ns,
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
