"""One target for each wire module: bytes in, nothing out; anything but a SourceError is a bug.

:mod:`tests.fuzz.seeds` has sound inputs for each; :mod:`tests.fuzz.test_fuzz` runs them in CI for
a moment, ``scripts/fuzz`` for as long as one likes.
"""

import contextlib
import io
import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from tests.fuzz.salvage_targets import SALVAGE_TARGETS
from tfrepair.core.errors import SourceError
from tfrepair.core.tensor import Limits
from tfrepair.wire.bundle import (
    BundleEntry,
    BundleHeader,
    Extent,
    decode_entry,
    decode_header,
    encode_entry,
)
from tfrepair.wire.bundle_data import decode_tensor, verify_bytes
from tfrepair.wire.bundle_index import read_index, salvage_index
from tfrepair.wire.bundle_merge import merge_indexes
from tfrepair.wire.bundle_repair import corrected_bytes
from tfrepair.wire.crc32c import crc32c
from tfrepair.wire.element_types import NAMES
from tfrepair.wire.exact_stream import EndOfFileError, ExactStream
from tfrepair.wire.farmhash import fingerprint64
from tfrepair.wire.hdf5_attribute import attribute_value, stored_attributes
from tfrepair.wire.hdf5_superblock import find_superblock
from tfrepair.wire.literals import LiteralError, parse_literal
from tfrepair.wire.npy import read_header as read_npy_header
from tfrepair.wire.object_graph import read_saved_graph, read_trackable_graph, walk_pairs
from tfrepair.wire.ordered_code import decode_slice_key, encode_slice_key
from tfrepair.wire.protobuf import Message, parse
from tfrepair.wire.safe_pickle import load_pickle
from tfrepair.wire.safetensors import encode_header, parse_header
from tfrepair.wire.saved_model import all_nodes, read_saved_model, restored_names
from tfrepair.wire.saver_v1 import open_header, read_header, read_slice
from tfrepair.wire.slices import join_slices, slice_shape
from tfrepair.wire.snappy import decompress
from tfrepair.wire.sstable import open_table
from tfrepair.wire.sstable_block import block_entries
from tfrepair.wire.sstable_scan import ScannedTable, scan_table
from tfrepair.wire.tensor_proto import tensor_values

Target = Callable[[bytes], None]


def tolerant(target: Callable[[bytes], object]) -> Target:
    """Let a target raise what readers may raise, and use up what it yields."""

    def run(data: bytes) -> None:
        try:
            found = target(data)
            if isinstance(found, Iterator):
                for _ in found:
                    pass
        except SourceError:
            pass

    return run


def _messages(data: bytes) -> None:
    _descend(parse(data, "m"), 0)


def _descend(message: Message, depth: int) -> None:
    if depth > 3:
        return
    for number in message.fields:
        for read in (message.uint, message.text, message.numbers):
            tolerant(lambda _, read=read, number=number: read(number))(b"")  # type: ignore[misc]
        try:
            nested = list(message.messages(number))
        except SourceError:
            continue
        for part in nested:
            _descend(part, depth + 1)


def _table(data: bytes) -> None:
    table = open_table(data, "t", mend=True)
    for block in table.blocks:
        tolerant(lambda _, block=block: table.read(block))(b"")  # type: ignore[misc]
    table.find(b"some/key")


def _entry(data: bytes) -> tuple[BundleEntry, BundleHeader, memoryview]:
    """Take an entry's numbers from the first bytes, its data from the rest."""
    first = data[:3].ljust(3, b"\0")
    body = memoryview(data[3:])
    entry = BundleEntry(dtype=first[0] % 40, shape=(first[1] % 8,), size=len(body), crc=first[2])
    return entry, BundleHeader(endianness=first[2] & 1), body


def _tensor(data: bytes) -> None:
    entry, header, body = _entry(data)
    tolerant(lambda _: verify_bytes(body, entry, header, "t"))(b"")
    decode_tensor(body, entry, header, "t")


def _repair(data: bytes) -> None:
    entry, header, body = _entry(data)
    corrected_bytes(body, entry, header, "t")


def _saved_model(data: bytes) -> None:
    for graph in read_saved_model(data, "m"):
        tolerant(lambda _, graph=graph: restored_names(graph))(b"")  # type: ignore[misc]
        for _ in all_nodes(graph):
            pass


def _graphs(data: bytes) -> None:
    tracked = read_trackable_graph(data, "g")
    for _ in walk_pairs(read_saved_graph(data, "g"), tracked):
        pass


def _saver(data: bytes) -> None:
    scan = ScannedTable(scan=scan_table(data, "v1"), where="v1")
    for tensor in open_header(scan):
        for part in tensor.slices:
            tolerant(lambda _, t=tensor, p=part: read_slice(scan, t, p))(b"")  # type: ignore[misc]


def _values(data: bytes) -> None:
    message = parse(data, "t")
    for dtype in NAMES:
        tolerant(lambda _, dtype=dtype: tensor_values(message, dtype, 3))(b"")  # type: ignore[misc]


def _entries(data: bytes) -> None:
    entry = decode_entry(data, "e")
    assert decode_entry(encode_entry(entry), "e") == entry


def _slice_keys(data: bytes) -> None:
    name, part = decode_slice_key(data, "k")
    assert decode_slice_key(encode_slice_key(name, part), "k") == (name, part)


def _merge(data: bytes) -> None:
    """Take two indexes: the first two bytes say where the second one begins."""
    size = int.from_bytes(data[:2], "little")
    parts = [salvage_index(part, "i") for part in (data[2 : 2 + size], data[2 + size :])]
    merge_indexes(parts)


def _join(data: bytes) -> None:
    """Take a shape from the first two bytes, a slice from every four that follow."""
    shape = tuple(data[:2].ljust(2, b"\1"))
    pieces = []
    for at in range(2, len(data) - 3, 4):
        starts, lengths = data[at : at + 2], data[at + 2 : at + 4]
        part = tuple(
            Extent(start=start, length=length if length < 255 else None)
            for start, length in zip(starts, lengths, strict=True)
        )
        pieces.append((part, np.zeros(slice_shape(shape, part, "s"), "uint8")))
    whole = join_slices(shape, np.dtype("uint8"), pieces, "s")
    assert whole.size == math.prod(shape)


def _stream(data: bytes) -> None:
    """Read as many bytes as each byte says, or a line; the file may end before it should."""
    stream = ExactStream(io.BytesIO(data), end=len(data) + (data[0] & 1 if data else 0))
    try:
        for count in data:
            if count == 255:
                assert stream.readline().endswith(b"\n")
            else:
                assert len(stream.read(count)) == count
    except EndOfFileError as error:
        if error.offset > len(data):
            raise


def _pickle(data: bytes) -> None:
    load_pickle(io.BytesIO(data), where="p", end=len(data), limits=Limits())


def _literal(data: bytes) -> None:
    with contextlib.suppress(LiteralError):
        parse_literal(data.decode("latin1"))


def _safetensors(data: bytes) -> None:
    """Take the size of the data from the first two bytes."""
    size = int.from_bytes(data[:2], "little")
    places = parse_header(data[2:], size, "s")
    assert parse_header(encode_header(places), size, "s") == places


def _checksums(data: bytes) -> None:
    assert crc32c(memoryview(data)) == crc32c(
        data[len(data) // 2 :], crc32c(data[: len(data) // 2])
    )
    assert 0 <= fingerprint64(data) == fingerprint64(memoryview(data)) < 1 << 64


def _attributes(data: bytes) -> None:
    """Take the address of the object's header from the first two bytes."""
    view = memoryview(data)[2:]
    for attribute in stored_attributes(view, int.from_bytes(data[:2], "little"), 0):
        tolerant(lambda _, a=attribute: attribute_value(a, view, 0))(b"")  # type: ignore[misc]


TARGETS: Mapping[str, Target] = {
    "protobuf": tolerant(_messages),
    "sstable": tolerant(_table),
    "sstable_block": tolerant(lambda data: block_entries(memoryview(data), "b")),
    "sstable_scan": tolerant(lambda data: scan_table(data, "t")),
    "snappy": tolerant(lambda data: decompress(memoryview(data), "s")),
    "bundle_entry": tolerant(_entries),
    "bundle_header": tolerant(lambda data: decode_header(data, "h")),
    "bundle_index": tolerant(lambda data: read_index(data, "i")),
    "bundle_salvage": tolerant(lambda data: salvage_index(data, "i")),
    "bundle_data": tolerant(_tensor),
    "bundle_repair": tolerant(_repair),
    "object_graph": tolerant(_graphs),
    "saved_model": tolerant(_saved_model),
    "bundle_merge": tolerant(_merge),
    "slices": tolerant(_join),
    "ordered_code": tolerant(_slice_keys),
    "saver_v1": tolerant(_saver),
    "saver_v1_header": tolerant(lambda data: read_header(data, "h")),
    "tensor_proto": tolerant(_values),
    "npy": tolerant(lambda data: read_npy_header(io.BytesIO(data), where="n")),
    "literals": tolerant(_literal),
    "exact_stream": tolerant(_stream),
    "safe_pickle": tolerant(_pickle),
    "safetensors": tolerant(_safetensors),
    "hdf5_superblock": tolerant(lambda data: find_superblock(memoryview(data))),
    "hdf5_attribute": tolerant(_attributes),
    "checksums": tolerant(_checksums),
    **{name: tolerant(target) for name, target in SALVAGE_TARGETS.items()},
}
