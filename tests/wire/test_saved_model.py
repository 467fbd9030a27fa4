import dataclasses
from pathlib import Path

import pytest

from tests.wire.damage import cut_everywhere, flipped
from tfrepair.core.errors import Corrupt, SourceError
from tfrepair.wire.object_graph import read_trackable_graph, walk_pairs
from tfrepair.wire.protobuf import bytes_field, varint_field
from tfrepair.wire.saved_model import all_nodes, read_saved_model, restored_names

GOLDEN = Path(__file__).parents[1] / "golden" / "saved_model"


def pb(name: str) -> bytes:
    return (GOLDEN / name / "saved_model.pb").read_bytes()


def test_a_model_of_tensorflow_2() -> None:
    (graph,) = read_saved_model(pb("module"), "m")
    assert graph.tags == ("serve",)
    assert graph.asset_files == ("words.txt",)
    assert "vars/dense.Skernel/.ATTRIBUTES/VARIABLE_VALUE" in restored_names(graph)
    assert {node.variable.name for node in graph.objects if node.variable} == {
        "dense/kernel", "dense/bias", "twin/kernel", "half", "flags", "iteration", "save_counter",
    }  # fmt: skip
    assert any("/" in where for where, _ in all_nodes(graph))


def test_a_model_of_tensorflow_1() -> None:
    (graph,) = read_saved_model(pb("tf1_regression"), "m")
    assert graph.version == "1.2.1"
    assert set(restored_names(graph)) == {"w", "b"}
    assert not graph.objects


def test_restore_operations_of_other_checkpoints_are_left_out() -> None:
    graph = read_saved_model(pb("tf1_regression"), "m")[0]
    assert graph.filename_tensor == "save/Const:0"
    foreign = dataclasses.replace(graph, filename_tensor="elsewhere:0", restore_op="")
    assert restored_names(foreign) == ()


def test_edges_that_lead_nowhere_are_corrupt() -> None:
    child = bytes_field(1, varint_field(1, 9) + bytes_field(2, b"x"))
    with pytest.raises(Corrupt, match="node 9"):
        read_trackable_graph(bytes_field(1, child), "g")


def test_cycles_end() -> None:
    loop = bytes_field(1, bytes_field(1, bytes_field(2, b"me")))
    tracked = read_trackable_graph(loop, "g")
    graph = read_saved_model(pb("module"), "m")[0]
    assert list(walk_pairs(graph.objects, tracked)) == [(0, 0)]


def test_damage_gives_source_errors_only() -> None:
    data = pb("tf1_regression")
    for bad in (*cut_everywhere(data, most=100), *flipped(data, 100)):
        try:
            for graph in read_saved_model(bad, "m"):
                restored_names(graph)
        except SourceError:
            continue
