"""Rule: a header is data; what it announces must be there, and nothing in it is evaluated."""

import tracemalloc
from pathlib import Path

import pytest

from tests.attacks import hostile
from tfrepair.core.errors import Corrupt, OverLimit, SourceError, Truncated, Unsupported
from tfrepair.core.tensor import Health, Limits
from tfrepair.readers.registry import open_source


def header(descr: str = "'<f4'", shape: str = "(2,)", order: str = "False") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (header(shape="(-1,)"), Corrupt),
        (header(shape="(2, -2)"), Corrupt),
        (header(shape="(4611686018427387904, 4)"), Corrupt),
        (header(shape="(99999999999999999999999999,)"), Corrupt),
        (header(shape="(0, 99999999999999999999)"), Corrupt),
        (header(shape="(1.5,)"), Corrupt),
        (header(shape="[2]"), Corrupt),
        (header(shape="(True,)"), Corrupt),
        (header(shape="2"), Corrupt),
        (header(shape="(" + "1, " * 100 + ")"), Corrupt),
        (header(shape="(" * 500 + "2" + ")" * 500), Corrupt),
        (header(order="1"), Corrupt),
        (header(order="open('witness', 'w')"), Corrupt),
        (header(descr="__import__('os').system('touch witness')"), Corrupt),
        (header(shape="(lambda: 2)()"), Corrupt),
        (header(shape="(2,) if open('witness', 'w') else (2,)"), Corrupt),
        (header(descr="'<f4' 'x'"), Corrupt),
        (header(descr="'\\x3cf4'"), Corrupt),
        (header(descr="{'a': '<f4'}"), Corrupt),
        (header(descr="[('a',)]"), Corrupt),
        (header(descr="[('a', '<f4'), ('a', '<f4')]"), Corrupt),
        (header(descr="[" * 50 + "]" * 50), Corrupt),
        (header(descr="'i4,i4'"), Unsupported),
        (header(descr="'<f5'"), Unsupported),
        (header(descr="'numpy.float32'"), Unsupported),
        (header(descr="'V99999999999'"), Unsupported),
        (header(descr="'<V1'"), Unsupported),
        ("{'descr': '<f4'}\n", Corrupt),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'x': 1}\n", Corrupt),
        ("", Corrupt),
        ("None", Corrupt),
    ],
    ids=lambda value: value[:60] if isinstance(value, str) else "",
)
def test_damaged_or_hostile(
    text: str, error: type[SourceError], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = hostile.put(tmp_path / "w.npy", hostile.npy(text, b"\0" * 8))
    with pytest.raises(error) as caught:
        open_source(path)
    assert str(path) in caught.value.message
    assert "byte" in caught.value.message
    assert caught.value.remedy
    assert not (tmp_path / "witness").exists()


@pytest.mark.parametrize("shape", ["(1000000, 1000000)", "(576460752303423487,)"])
def test_huge_shapes_allocate_nothing(shape: str, tmp_path: Path) -> None:
    path = hostile.put(tmp_path / "w.npy", hostile.npy(header(shape=shape), b"\0" * 80))
    tracemalloc.start()
    try:
        tensor = open_source(path, limits=Limits(max_tensor_bytes=1 << 62))["0"]
        with pytest.raises(Truncated, match="found 80"):
            tensor.fetch()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert tensor.health is Health.TRUNCATED
    assert peak < 1 << 20


def test_huge_shapes_are_over_the_limit(tmp_path: Path) -> None:
    path = hostile.put(tmp_path / "w.npy", hostile.npy(header(shape="(1000000, 1000000)")))
    with pytest.raises(OverLimit, match="4000000000000 bytes"):
        open_source(path)


@pytest.mark.parametrize("version", [0, 4, 255])
def test_unknown_version(version: int, tmp_path: Path) -> None:
    data = b"\x93NUMPY" + bytes([version, 0]) + b"\x10\x00" + b" " * 16
    with pytest.raises(Unsupported, match=rf"version {version}\.0"):
        open_source(hostile.put(tmp_path / "w.npy", data))


def test_header_longer_than_any(tmp_path: Path) -> None:
    data = b"\x93NUMPY\x02\x00" + (1 << 31).to_bytes(4, "little") + b"{"
    with pytest.raises(Corrupt, match="2147483648 bytes"):
        open_source(hostile.put(tmp_path / "w.npy", data))


def test_header_longer_than_the_file(tmp_path: Path) -> None:
    data = b"\x93NUMPY\x01\x00\x76\x00{'descr'"
    with pytest.raises(Truncated, match="expected 118 bytes, found 8"):
        open_source(hostile.put(tmp_path / "w.npy", data))
