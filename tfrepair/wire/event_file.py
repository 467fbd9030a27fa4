"""Event files of a run: the graphs in them.

Records one behind the other: length (8 bytes, little-endian), masked CRC-32C of the length, the
record, masked CRC-32C of the record. A record is an Event; field 4 is a GraphDef, field 9 a
MetaGraphDef. Reads up to the first damaged record: a run that was killed cuts the last one.

Source: record_writer.cc and event.proto; files of TensorFlow 1.4 and 1.15.
"""

from collections.abc import Iterator

from tfrepair.core.errors import SourceError
from tfrepair.wire.crc32c import Buffer, crc32c, mask
from tfrepair.wire.protobuf import bytes_field, parse
from tfrepair.wire.saved_model import MetaGraph, read_meta_graph

_HEAD, _TAIL = 12, 4
_GRAPH, _META_GRAPH = 4, 9
_GRAPH_IN_META = 2


def graphs_in_events(data: Buffer, where: str) -> Iterator[MetaGraph]:
    """Go through the graphs of an event file, in order."""
    view, at = memoryview(data), 0
    while at + _HEAD + _TAIL <= len(view):
        size = int.from_bytes(view[at : at + 8], "little")
        stored = int.from_bytes(view[at + 8 : at + _HEAD], "little")
        start, end = at + _HEAD, at + _HEAD + size
        if mask(crc32c(view[at : at + 8])) != stored or end + _TAIL > len(view):
            return
        record = view[start:end]
        if mask(crc32c(record)) != int.from_bytes(view[end : end + _TAIL], "little"):
            return
        try:
            event = parse(record, where)
            for graph in event.raws(_META_GRAPH):
                yield read_meta_graph(graph, where)
            for graph in event.raws(_GRAPH):
                yield read_meta_graph(bytes_field(_GRAPH_IN_META, bytes(graph)), where)
        except SourceError:
            return
        at = end + _TAIL
