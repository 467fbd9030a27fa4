"""What the tensor writers write, read back by our readers and by the formats' own packages."""

from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import load_file

from tfrepair.core.errors import UsageError, WriteError
from tfrepair.core.tensor import Array, Limits
from tfrepair.readers.registry import open_source
from tfrepair.writers.registry import WRITERS, writer_named
from tfrepair.writers.values import NamedValue, TensorWriter

RNG = np.random.default_rng(3)
ARRAYS: dict[str, Array] = {
    "dense/kernel": RNG.normal(size=(3, 4)).astype("float32"),
    "dense/bias": RNG.normal(size=4).astype("float64"),
    "step": np.array(7, "int64"),
    "empty": np.zeros((0, 5), "float32"),
    "flags": np.array([True, False]),
    "half": RNG.normal(size=(2, 2)).astype("float16"),
    "brain": RNG.normal(size=(2, 3)).astype(ml_dtypes.bfloat16),
    "turned": RNG.normal(size=(4, 5)).astype("float32").T,
    "big": np.arange(6, dtype=">i4").reshape(2, 3).astype("int32"),
}


def values(arrays: dict[str, Array]) -> list[NamedValue]:
    return [
        NamedValue(name=name, shape=a.shape, dtype=a.dtype.name, fetch=lambda a=a: a)  # type: ignore[misc]
        for name, a in arrays.items()
    ]


def silent(_done: int, _total: int) -> None:
    pass


@pytest.mark.parametrize("name", ["checkpoint", "npz"])
def test_our_readers_find_the_same_bits(name: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    writer_named(name).write(values(ARRAYS), out, silent)
    store = open_source(out, limits=Limits(), reader=None)
    assert {tensor.name for tensor in store} == set(ARRAYS)
    for tensor in store:
        want = ARRAYS[tensor.name]
        assert (tensor.shape, tensor.dtype) == (want.shape, want.dtype.name)
        assert tensor.fetch().tobytes() == want.tobytes()


def test_numpy_reads_the_npz(tmp_path: Path) -> None:
    out = tmp_path / "out.npz"
    writer_named("npz").write(values(ARRAYS), out, silent)
    with np.load(out, allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["turned"], ARRAYS["turned"])
        assert set(archive.files) == set(ARRAYS)


def test_the_format_s_own_package_reads_the_safetensors(tmp_path: Path) -> None:
    out = tmp_path / "out.safetensors"
    arrays = {name: value for name, value in ARRAYS.items() if name != "brain"}
    writer_named("safetensors").write(values(arrays), out, silent)
    loaded = load_file(out)
    assert set(loaded) == set(arrays)
    for name, want in arrays.items():
        assert loaded[name].dtype == want.dtype
        np.testing.assert_array_equal(loaded[name], want)


@pytest.mark.tf
def test_tensorflow_reads_the_checkpoint(tmp_path: Path) -> None:
    import tensorflow as tf

    out = tmp_path / "out"
    arrays = ARRAYS | {"text": np.array([b"a", b"bc\0"], object)}
    writer_named("checkpoint").write(values(arrays), out, silent)
    assert tf.train.latest_checkpoint(str(out)) == str(out / "model.ckpt")
    reader = tf.train.load_checkpoint(str(out / "model.ckpt"))
    assert set(reader.get_variable_to_shape_map()) == set(arrays)
    for name, want in arrays.items():
        have = np.asarray(reader.get_tensor(name))
        assert have.tolist() == want.tolist(), name


@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.name)
def test_the_same_values_give_the_same_bytes(writer: TensorWriter, tmp_path: Path) -> None:
    for name in ("one", "two"):
        writer.write(values(ARRAYS), tmp_path / name, silent)
    one, two = tmp_path / "one", tmp_path / "two"
    files = sorted(one.rglob("*")) if one.is_dir() else [one]
    for file in files:
        other = two / file.relative_to(one) if one.is_dir() else two
        assert file.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("name", ["npz", "safetensors"])
def test_text_is_refused_where_it_would_have_to_be_pickled(name: str, tmp_path: Path) -> None:
    text = {"words": np.array([b"a", b"b"], object)}
    with pytest.raises(WriteError, match="words"):
        writer_named(name).write(values(text), tmp_path / "out", silent)
    assert not (tmp_path / "out").exists()


def test_an_unknown_format_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"--to zip") as caught:
        writer_named("zip")
    assert "saved-model, keras, keras-weights, checkpoint, npz, safetensors" in str(caught.value)
