"""Sound inputs for every fuzz target, out of the golden files: what mutations start from."""

import gzip
import io
from collections.abc import Mapping

import h5py
import numpy as np

from tests.wire.goldens import CHECKPOINTS, GOLDEN
from tfrepair.wire.bundle_data import decode_tensor
from tfrepair.wire.bundle_index import read_index
from tfrepair.wire.crc32c import masked_crc32c
from tfrepair.wire.protobuf import bytes_field, parse
from tfrepair.wire.sstable import open_table

_NPY = GOLDEN / "npy"
_ARRAYS = sorted(_NPY.glob("py27-numpy1.11/*.npy")) + sorted(_NPY.glob("py311-numpy2.4/*.npy"))
_PICKLES = sorted(_NPY.rglob("*.pkl"))


def _hdf5(version: str) -> tuple[int, bytes]:
    """Return the address of a header with texts and a number, and the file around it."""
    made = io.BytesIO()
    with h5py.File(made, "w", libver=version) as file:
        file.attrs["number"] = 1
        file.attrs["text"] = np.bytes_("fixed")
        file.attrs["names"] = ["kernel", "bias"]
        address = int(h5py.h5o.get_info(file.id).addr)
    return address, made.getvalue()


def _hdf5_attributes() -> tuple[bytes, ...]:
    found = (_hdf5(version) for version in ("earliest", "latest"))
    return tuple(address.to_bytes(2, "little") + data for address, data in found)


def _safetensors_headers() -> tuple[bytes, ...]:
    data = (GOLDEN / "safetensors" / "small.safetensors").read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    return ((len(data) - end).to_bytes(2, "little") + data[8:end],)


def _object_graph_bytes() -> bytes:
    index = read_index((CHECKPOINTS / "tf2_3" / "module.index").read_bytes(), "i")
    entry = index.entries[b"_CHECKPOINTABLE_OBJECT_GRAPH"]
    data = (CHECKPOINTS / "tf2_3" / "module.data-00000-of-00001").read_bytes()
    body = memoryview(data)[entry.offset : entry.offset + entry.size]
    return bytes(decode_tensor(body, entry, index.header, "g").item())


def _v1_entry(place: int) -> bytes:
    table = open_table((CHECKPOINTS / "tf1_4" / "training.v1").read_bytes(), "v1")
    return bytes(list(table.entries())[place][1])


def _layout() -> bytes:
    """Return an index without its object graph, and the data that it tells."""
    index = (CHECKPOINTS / "tf1_4" / "training.v2.index").read_bytes()
    data = (CHECKPOINTS / "tf1_4" / "training.v2.data-00000-of-00001").read_bytes()
    return len(index).to_bytes(2, "little") + index + data


def _graph() -> bytes:
    """Return a small MetaGraphDef: the save and update operations of a golden one."""
    meta = gzip.decompress((GOLDEN / "metagraph" / "tf1_4" / "pipeline.ckpt.meta.gz").read_bytes())
    wanted = ("SaveV2", "ShardedFilename", "Variable", "Apply")
    nodes = [
        raw
        for raw in parse(meta, "m").message(2).raws(1)
        if (node := parse(raw, "n")).text(2).startswith(wanted)
        or (node.text(2) == "Const" and len(raw) < 400)
    ]
    return bytes_field(2, b"".join(bytes_field(1, bytes(raw)) for raw in nodes))


def _events() -> bytes:
    found = b""
    for number, graph in ((9, _graph()), (4, bytes(parse(_graph(), "m").raw(2)))):
        record = bytes_field(number, graph)
        size = len(record).to_bytes(8, "little")
        parts = (size, masked_crc32c(size), record, masked_crc32c(record))
        found += b"".join(p if isinstance(p, bytes) else p.to_bytes(4, "little") for p in parts)
    return found


def _hdf5_datasets() -> tuple[bytes, ...]:
    found = []
    for version in ("earliest", "latest"):
        made = io.BytesIO()
        with h5py.File(made, "w", libver=version) as file:
            file["group/plain"] = np.arange(6, dtype="f4").reshape(2, 3)
            chunked = np.arange(40, dtype="i2")
            file.create_dataset("group/chunked", data=chunked, chunks=(8,), compression=1)
        found.append(made.getvalue())
    return tuple(found)


def _zip() -> bytes:
    made = io.BytesIO()
    np.savez_compressed(made, kernel=np.arange(6), bias=np.zeros(3))
    return made.getvalue()


def seeds() -> Mapping[str, tuple[bytes, ...]]:
    """Return sound inputs for each target, to mutate."""
    index = (CHECKPOINTS / "tf2_3" / "module.index").read_bytes()
    saver = (CHECKPOINTS / "tf1_4" / "training.v1").read_bytes()
    other = (CHECKPOINTS / "tf2_3" / "keras_checkpoint.index").read_bytes()
    graph = _object_graph_bytes()
    model = (GOLDEN / "saved_model" / "tf1_regression" / "saved_model.pb").read_bytes()
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
        "bundle_merge": (len(index).to_bytes(2, "little") + index + other,),
        "slices": (b"\x04\x03\x00\x00\x02\xff\x02\x00\x02\x03",),
        "npy": tuple(path.read_bytes()[:400] for path in _ARRAYS),
        "literals": (b"{'descr': '<f4', 'fortran_order': False, 'shape': (3L, 4), }",),
        "exact_stream": (b"\x02\xffa\n\x01", b"\xff\n\x00"),
        "safe_pickle": tuple(path.read_bytes() for path in _PICKLES),
        "safetensors": _safetensors_headers(),
        "hdf5_superblock": tuple(_hdf5(version)[1][:512] for version in ("earliest", "latest")),
        "hdf5_attribute": _hdf5_attributes(),
        "bundle_layout": (_layout(),),
        "graph_saves": (_graph(),),
        "graph_updates": (_graph(),),
        "event_file": (_events(),),
        "hdf5_dataset": _hdf5_datasets(),
        "hdf5_groups": tuple(b"\x60\x00" + data for data in _hdf5_datasets()),
        "hdf5_root": tuple(data[:512] for data in _hdf5_datasets()),
        "pickle_prefix": tuple(path.read_bytes()[:-40] for path in _PICKLES),
        "zip_scan": (_zip(), _zip()[:-30]),
        "checksums": (b"", bytes(range(17)), bytes(range(256))),
    }
