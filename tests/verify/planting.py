"""Small wounds for sound SavedModels."""

import dataclasses
from pathlib import Path
from typing import Any

from tfrepair.wire.bundle import encode_entry, encode_header
from tfrepair.wire.bundle_index import read_index
from tfrepair.wire.sstable_writer import write_table

GOLDEN = Path(__file__).parents[1] / "golden" / "saved_model"


def flip_bit(path: Path, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(bytes(data))


def edit_index(model: Path, key: str = "", *, drop: str = "", **changes: Any) -> None:
    """Change fields of one entry, or drop one; the index stays sound."""
    path = model / "variables" / "variables.index"
    index = read_index(path.read_bytes(), path.name)
    entries = dict(index.entries)
    if drop:
        del entries[drop.encode("utf-8", "surrogateescape")]
    if key:
        entries[key.encode()] = dataclasses.replace(entries[key.encode()], **changes)
    out = bytearray()
    items = [(name, encode_entry(entry)) for name, entry in entries.items()]
    write_table([(b"", encode_header(index.header)), *items], out.extend)
    path.write_bytes(bytes(out))


def swap(model: Path, one: str, other: str) -> None:
    """Exchange the places of two tensors, checksums included."""
    path = model / "variables" / "variables.index"
    entries = read_index(path.read_bytes(), path.name).entries
    first, second = entries[one.encode()], entries[other.encode()]
    edit_index(model, one, offset=second.offset, crc=second.crc)
    edit_index(model, other, offset=first.offset, crc=first.crc)
