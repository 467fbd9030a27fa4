"""One target for each wire module: bytes in, nothing out; anything but a SourceError is a bug."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.wire.goldens import CHECKPOINTS, GOLDEN
from tfrepair.core.errors import SourceError
from tfrepair.wire.bundle import BundleEntry, BundleHeader, decode_entry, decode_header
from tfrepair.wire.bundle_data import decode_tensor, verify_bytes
from tfrepair.wire.bundle_index import read_index, salvage_index
from tfrepair.wire.bundle_repair import corrected_bytes
from tfrepair.wire.element_types import NAMES
from tfrepair.wire.object_graph import read_saved_graph, read_trackable_graph, walk_pairs
from tfrepair.wire.ordered_code import decode_slice_key
from tfrepair.wire.protobuf import Message, parse
from tfrepair.wire.saved_model import all_nodes, read_saved_model, restored_names
from tfrepair.wire.saver_v1 import open_header, read_header, read_slice
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


TARGETS: Mapping[str, Target] = {
    "protobuf": tolerant(_messages),
    "sstable": tolerant(_table),
    "sstable_block": tolerant(lambda data: block_entries(memoryview(data), "b")),
    "sstable_scan": tolerant(lambda data: scan_table(data, "t")),
    "snappy": tolerant(lambda data: decompress(memoryview(data), "s")),
    "bundle_entry": tolerant(lambda data: decode_entry(data, "e")),
    "bundle_header": tolerant(lambda data: decode_header(data, "h")),
    "bundle_index": tolerant(lambda data: read_index(data, "i")),
    "bundle_salvage": tolerant(lambda data: salvage_index(data, "i")),
    "bundle_data": tolerant(_tensor),
    "bundle_repair": tolerant(_repair),
    "object_graph": tolerant(_graphs),
    "saved_model": tolerant(_saved_model),
    "ordered_code": tolerant(lambda data: decode_slice_key(data, "k")),
    "saver_v1": tolerant(_saver),
    "saver_v1_header": tolerant(lambda data: read_header(data, "h")),
    "tensor_proto": tolerant(_values),
}


def _object_graph_bytes() -> bytes:
    index = read_index((CHECKPOINTS / "tf2_3" / "module.index").read_bytes(), "i")
    entry = index.entries[b"_CHECKPOINTABLE_OBJECT_GRAPH"]
    data = (CHECKPOINTS / "tf2_3" / "module.data-00000-of-00001").read_bytes()
    body = memoryview(data)[entry.offset : entry.offset + entry.size]
    return bytes(decode_tensor(body, entry, index.header, "g").item())


def _v1_entry(place: int) -> bytes:
    table = open_table((CHECKPOINTS / "tf1_4" / "training.v1").read_bytes(), "v1")
    return bytes(list(table.entries())[place][1])


def seeds() -> Mapping[str, tuple[bytes, ...]]:
    """Return sound inputs for each target, to mutate."""
    index = (CHECKPOINTS / "tf2_3" / "module.index").read_bytes()
    saver = (CHECKPOINTS / "tf1_4" / "training.v1").read_bytes()
    graph = _object_graph_bytes()
    model = (Path(GOLDEN) / "saved_model" / "tf1_regression" / "saved_model.pb").read_bytes()
    entry = bytes(
        dict(open_table(index, "i").entries())[b"root/layers/0/.ATTRIBUTES/VARIABLE_VALUE"]
    )
    values = bytes(parse(_v1_entry(4), "v").message(2).raw(3))
    block = index[: index.index(b"\xc0\xf2\xa1\xb0") - 14]
    return {
        "protobuf": (graph, entry, values),
        "sstable": (index, saver),
        "sstable_block": (block[:-5],),
        "sstable_scan": (index, saver),
        "snappy": (
            b"\x0a\x04ab" + bytes([7 << 2 | 2, 2, 0]),
            b"\x64" + b"\xf4\x63\x00" + b"x" * 100,
        ),
        "bundle_entry": (entry,),
        "bundle_header": (bytes(dict(open_table(index, "i").entries())[b""]),),
        "bundle_index": (index,),
        "bundle_salvage": (index, saver),
        "bundle_data": (b"\x01\x02\x00" + bytes(8), b"\x07\x02\x00\x01\x02crc4abc"),
        "bundle_repair": (b"\x01\x02\x00" + bytes(8), b"\x07\x02\x00\x01\x02crc4abc"),
        "object_graph": (graph,),
        "saved_model": (model,),
        "ordered_code": (b"\x00emb\x00\x01\x01\x02\x80\x85\x80\x7f",),
        "saver_v1": (saver,),
        "saver_v1_header": (_v1_entry(0),),
        "tensor_proto": (values,),
    }
