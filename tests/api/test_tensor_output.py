"""``--to checkpoint|npz|safetensors``: the tensors of a source under their own names."""

from pathlib import Path

import numpy as np
import pytest

import tfrepair
from tfrepair.core.errors import Incomplete, UsageError, WriteError
from tfrepair.core.tensor import Array

ARRAYS: dict[str, Array] = {
    "dense/kernel": np.arange(12, dtype="float32").reshape(3, 4),
    "dense/bias": np.ones(4, "float32"),
    "step": np.array(9, "int64"),
}
FORMATS = ("checkpoint", "npz", "safetensors")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "weights.npz"
    np.savez(path, **ARRAYS)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize("to", FORMATS)
def test_a_chain_of_formats_keeps_every_bit(to: str, source: Path, tmp_path: Path) -> None:
    first = tfrepair.convert(source, out=tmp_path / "first", to=to)
    assert first.exit_code == 0
    assert first.verdict is not None
    assert len(first.verdict.checks) == len(ARRAYS)
    again = tfrepair.convert(tmp_path / "first", out=tmp_path / "again.npz", to="npz")
    assert {str(match.target) for match in again.plan.matches} == set(ARRAYS)
    with np.load(tmp_path / "again.npz") as archive:
        for name, want in ARRAYS.items():
            assert archive[name].dtype == want.dtype
            np.testing.assert_array_equal(archive[name], want)


@pytest.mark.parametrize("to", FORMATS)
def test_only_an_output_of_the_same_kind_is_replaced(to: str, source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.write_text("something else")
    with pytest.raises(WriteError):
        tfrepair.convert(source, out=out, to=to, overwrite=True)
    assert out.read_text() == "something else"
    out.unlink()
    tfrepair.convert(source, out=out, to=to)
    with pytest.raises(WriteError, match="exists"):
        tfrepair.convert(source, out=out, to=to)
    assert tfrepair.convert(source, out=out, to=to, overwrite=True).exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "weights.npz"]


def damaged(source: Path, tmp_path: Path) -> Path:
    tfrepair.convert(source, out=tmp_path / "checkpoint", to="checkpoint")
    data = tmp_path / "checkpoint" / "model.ckpt.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    content[2] ^= 3  # two bits of dense/bias, which sorts first: more than can be corrected
    data.write_bytes(content)
    return tmp_path / "checkpoint"


def test_what_is_damaged_is_left_out_only_on_request(source: Path, tmp_path: Path) -> None:
    checkpoint = damaged(source, tmp_path)
    with pytest.raises(Incomplete, match="1 of 3"):
        tfrepair.convert(checkpoint, out=tmp_path / "healthy.npz", to="npz")
    assert not (tmp_path / "healthy.npz").exists()
    report = tfrepair.convert(
        checkpoint, out=tmp_path / "healthy.npz", to="npz", allow_missing=True
    )
    assert report.exit_code == 3
    assert [gap.target for gap in report.plan.missing] == ["dense/bias"]
    assert "corrupt" in report.plan.missing[0].reason
    with np.load(tmp_path / "healthy.npz") as archive:
        assert set(archive.files) == {"dense/kernel", "step"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "--arch model.py"),
        ({"to": "zip"}, "saved-model"),
        ({"to": "npz", "order": "keras-3"}, "--order"),
        ({"to": "npz", "use_averages": True}, "--use-ema"),
    ],
)
def test_what_needs_an_architecture_says_so(
    options: dict[str, object], words: str, source: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as caught:
        tfrepair.convert(source, out=tmp_path / "out", **options)  # type: ignore[arg-type]
    assert words in str(caught.value)
    assert not (tmp_path / "out").exists()
