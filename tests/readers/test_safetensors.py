"""The safetensors reader: real files, cut ones, and headers that lie."""

import json
from pathlib import Path

import pytest

from tfrepair.core.digest import array_digest
from tfrepair.core.errors import Corrupt, OverLimit, Truncated
from tfrepair.core.tensor import Health, Limits
from tfrepair.readers.registry import open_source

FOLDER = Path(__file__).parents[1] / "golden" / "safetensors"
SMALL = FOLDER / "small.safetensors"


def written(tmp_path: Path, header: object, data: bytes = b"") -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path = tmp_path / "w.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def test_the_golden_file() -> None:
    expected = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))
    store = open_source(SMALL)
    found = [
        {
            "name": tensor.name,
            "shape": list(tensor.shape),
            "dtype": tensor.dtype,
            "sha256": array_digest(tensor.fetch()),
        }
        for tensor in sorted(store, key=lambda tensor: tensor.name)
    ]
    assert found == expected["tensors"]


def test_a_cut_file_keeps_what_is_whole(tmp_path: Path) -> None:
    data = SMALL.read_bytes()
    path = tmp_path / "cut.safetensors"
    path.write_bytes(data[:-30])
    store = open_source(path)
    health = {str(tensor.name): tensor.health for tensor in store}
    assert health["step"] is Health.UNVERIFIED
    cut = [tensor for tensor in store if tensor.health is Health.TRUNCATED]
    assert cut
    assert "rows are in the file" in cut[0].health_note
    with pytest.raises(Truncated, match=cut[0].name):
        cut[0].fetch()


ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (b"{nonsense", "not JSON"),
        (b'{"a": 1, "a": 2}', "unique names"),
        ([ENTRY], "list"),
        ({"a": {**ENTRY, "dtype": "F99"}}, "'a'"),
        ({"a": {**ENTRY, "shape": [-2]}}, "no size"),
        ({"a": {**ENTRY, "shape": [True]}}, "no size"),
        ({"a": {**ENTRY, "shape": [1 << 40, 1 << 40]}}, "bytes"),
        ({"a": {**ENTRY, "shape": [3]}}, "12 bytes"),
        ({"a": {**ENTRY, "data_offsets": [8, 16]}}, "expected 0"),
        ({"a": ENTRY, "b": {**ENTRY, "data_offsets": [4, 12]}}, "expected 8"),
        ({"a": "text"}, "'a'"),
    ],
)
def test_a_header_that_lies_is_corrupt(header: object, words: str, tmp_path: Path) -> None:
    path = (
        written(tmp_path, header, bytes(16))
        if isinstance(header, dict)
        else (written(tmp_path, header))
    )
    with pytest.raises(Corrupt, match=words):
        open_source(path, reader="safetensors")


def test_bytes_that_nobody_claims_are_corrupt(tmp_path: Path) -> None:
    with pytest.raises(Corrupt, match="end at byte 8"):
        open_source(written(tmp_path, {"a": ENTRY}, bytes(9)))


def test_deep_json_does_not_overflow(tmp_path: Path) -> None:
    with pytest.raises(Corrupt):
        open_source(written(tmp_path, b'{"a":' + b"[" * 100_000), reader="safetensors")


def test_limits_hold(tmp_path: Path) -> None:
    with pytest.raises(OverLimit, match="1 tensors"):
        open_source(written(tmp_path, {"a": ENTRY}, bytes(8)), limits=Limits(max_tensors=0))
