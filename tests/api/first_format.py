"""Writes saves of the first format: a table with a block for every few tensors."""

from pathlib import Path

import numpy as np

from tfrepair.core.tensor import Array
from tfrepair.wire.bundle import Extent
from tfrepair.wire.ordered_code import encode_slice_key
from tfrepair.wire.protobuf import bytes_field, varint_field
from tfrepair.wire.sstable_writer import write_table


def write_saver_v1(path: Path, *, seed: int, count: int = 6) -> dict[str, Array]:
    """Write float tensors of 160 kB; returns them by name."""
    generator = np.random.default_rng(seed)
    tensors: dict[str, Array] = {
        f"layer{n}/kernel": generator.normal(size=(200, 200)).astype(np.float32)
        for n in range(count)
    }
    extents = bytes_field(1, b"") * 2
    shape = bytes_field(2, bytes_field(2, varint_field(1, 200)) * 2)
    listed = b""
    values: dict[bytes, bytes] = {}
    for name, array in tensors.items():
        text = bytes_field(1, name.encode())
        listed += bytes_field(1, text + shape + varint_field(3, 1) + bytes_field(4, extents))
        proto = bytes_field(5, array.tobytes())
        data = text + bytes_field(2, extents) + bytes_field(3, proto)
        values[encode_slice_key(name, (Extent(), Extent()))] = bytes_field(2, data)
    header = bytes_field(1, listed + bytes_field(2, varint_field(1, 1)))
    with path.open("wb") as file:
        write_table([(b"", header), *sorted(values.items())], file.write)
    return tensors
