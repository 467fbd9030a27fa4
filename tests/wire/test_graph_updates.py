"""Hyperparameters in the graph beside a checkpoint, from bytes made by hand and a real writer's."""

import contextlib
import struct
from pathlib import Path

import pytest

from tfrepair.wire.graph_updates import read_updates
from tfrepair.wire.protobuf import bytes_field, varint_field


def attribute(name: str, value: bytes) -> bytes:
    return bytes_field(5, bytes_field(1, name.encode()) + bytes_field(2, value))


def node(name: str, op: str, *inputs: str, attributes: bytes = b"") -> bytes:
    body = bytes_field(1, name.encode()) + bytes_field(2, op.encode())
    body += b"".join(bytes_field(3, one.encode()) for one in inputs)
    return bytes_field(1, body + attributes)


def constant(name: str, value: float, *, as_bytes: bool = False) -> bytes:
    data = struct.pack("<f", value)
    tensor = varint_field(1, 1)
    tensor += bytes_field(4, data) if as_bytes else bytes_field(5, data)
    return node(name, "Const", attributes=attribute("value", bytes_field(8, tensor)))


def graph(tmp_path: Path, *nodes: bytes) -> Path:
    path = tmp_path / "model.ckpt.meta"
    path.write_bytes(bytes_field(2, b"".join(nodes)))
    return path


NUMBERS = constant("lr", 0.02) + constant("b1", 0.8, as_bytes=True) + constant("b2", 0.98)


def test_constants_of_adam_are_read(tmp_path: Path) -> None:
    adam = ("w", "m", "v", "p1", "p2", "lr/read", "b1", "b2", "eps", "g", "^other")
    path = graph(
        tmp_path,
        NUMBERS,
        constant("eps", 1e-6),
        node("lr/read", "Identity", "lr:0"),
        node("train/w", "ResourceApplyAdam", *adam),
        node("train/u", "ApplyAdam", *adam),
    )
    expected = {"learning_rate": 0.02, "beta_1": 0.8, "beta_2": 0.98, "epsilon": 1e-6}
    assert read_updates(path) == {"adam": expected}


def test_what_is_computed_or_differs_stays_out(tmp_path: Path) -> None:
    nesterov = attribute("use_nesterov", varint_field(5, 1))
    path = graph(
        tmp_path,
        NUMBERS,
        constant("mu", 0.9),
        node("decayed", "Mul", "lr", "lr"),
        node("a", "ApplyMomentum", "w", "acc", "decayed", "g", "mu", attributes=nesterov),
        node("b", "ApplyMomentum", "u", "acc", "lr", "g", "mu", attributes=nesterov),
    )
    assert read_updates(path) == {"sgd": {"momentum": 0.9, "nesterov": True}}


@pytest.mark.parametrize("data", [b"", b"\x00" * 40, b"graph"])
def test_what_is_no_graph_has_no_updates(data: bytes, tmp_path: Path) -> None:
    from tfrepair.core.errors import SourceError

    path = tmp_path / "model.ckpt.meta"
    path.write_bytes(data)
    with contextlib.suppress(SourceError):
        assert read_updates(path) == {}
