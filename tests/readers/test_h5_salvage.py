"""HDF5 files that are cut, were never finished, or lost their metadata: what is read of them.

Damage is made from the golden files; what h5py reads from the whole file is the truth.
"""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.readers.keras_goldens import FOLDER
from tfrepair.core.digest import array_digest
from tfrepair.core.errors import Corrupt, SourceError
from tfrepair.core.tensor import Array, Health, Limits, TensorStore
from tfrepair.readers.h5_bytes import H5Bytes
from tfrepair.readers.h5_salvage import Salvaged, salvage, template_of
from tfrepair.readers.registry import open_source

GOLDENS = sorted(FOLDER.glob("*/*.h5"))
CUTS = (5, 10, 25, 50, 75, 90, 95, 99, 99.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    value: Array
    begin: int
    end: int


def stored(data: bytes) -> dict[str, Stored]:
    found: dict[str, Stored] = {}

    def visit(path: str, item: object) -> None:
        if isinstance(item, h5py.Dataset) and item.id.get_offset() is not None:
            begin = item.id.get_offset()
            end = begin + item.id.get_storage_size()
            found[path] = Stored(value=item[()], begin=begin, end=end)

    with h5py.File(io.BytesIO(data), "r") as file:
        file.visititems(visit)
    return found


def salvaged(data: bytes, twin: bytes | None = None, *, is_given: bool = True) -> Salvaged | None:
    templates = []
    if twin is not None:
        source = H5Bytes(path=Path("twin.h5"), held=twin)
        template = template_of(Path("twin.h5"), source, Limits(), is_given=is_given)
        assert template is not None
        templates.append(template)
    held = H5Bytes(path=Path("damaged.h5"), held=data)
    return salvage(held, limits=Limits(), templates=templates)


def whole_arrays(found: Salvaged | None, truth: Mapping[str, Stored]) -> set[str]:
    """Return the paths of the arrays that came back; all of them must have the right values."""
    if found is None:
        return set()
    digests = {array_digest(item.value) for item in truth.values()}
    names = set()
    for path, dataset in found.tree.datasets.items():
        if dataset.health is Health.UNVERIFIED:
            digest = array_digest(dataset.fetch())
            assert digest in digests, path
            if "unnamed" not in path:
                assert digest == array_digest(truth[path].value), path
                names.add(path)
    return names


def other_values(data: bytes, seed: int = 1) -> bytes:
    """Return a file of the same layout, with values that are a bit further in training."""
    made = bytearray(data)
    rng = np.random.default_rng(seed)
    for item in stored(data).values():
        if item.value.dtype.kind == "f":
            noise = np.asarray(rng.normal(0, 0.01, item.value.shape)).astype(item.value.dtype)
            made[item.begin : item.end] = (item.value + noise).astype(item.value.dtype).tobytes()
    return bytes(made)


def killed(data: bytes, length: int) -> bytes:
    """Return what a killed writer leaves: data as far as it went, none of the metadata."""
    made = bytearray(length)
    made[:96] = data[:96]
    made[40:48] = (2048).to_bytes(8, "little")
    for item in stored(data).values():
        made[item.begin : item.end] = data[item.begin : item.end][: max(0, length - item.begin)]
    return bytes(made[:length])


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@pytest.mark.parametrize("path", GOLDENS, ids=name_of)
def test_every_array_that_is_there_comes_back_with_a_twin(path: Path) -> None:
    data = path.read_bytes()
    truth, twin = stored(data), other_values(data)
    for percent in CUTS:
        cut = data[: int(len(data) * percent / 100)]
        there = {p for p, item in truth.items() if item.end <= len(cut)}
        if there:
            assert whole_arrays(salvaged(cut, twin), truth) == there


@pytest.mark.parametrize("path", GOLDENS, ids=name_of)
def test_without_a_twin_nothing_is_called_by_a_wrong_name(path: Path) -> None:
    data = path.read_bytes()
    truth = stored(data)
    counts = [
        len(whole_arrays(salvaged(data[: int(len(data) * percent / 100)]), truth))
        for percent in CUTS
    ]
    assert counts[-1] == len(truth)


@pytest.mark.parametrize("percent", [30, 60, 80, 100])
@pytest.mark.parametrize(
    "name", ["keras2_2/cnn.h5", "tf_keras/rnn.h5", "keras3/cnn.h5", "keras3/nested.weights.h5"]
)
def test_killed_writers(name: str, percent: int) -> None:
    data = (FOLDER / name).read_bytes()
    truth = stored(data)
    length = len(data) * percent // 100
    there = {p for p, item in truth.items() if item.end <= length and item.value.any()}
    damaged = killed(data, length)
    assert salvaged(damaged) is None
    if not there:
        return
    found = salvaged(damaged, other_values(data))
    assert found is not None
    assert whole_arrays(found, truth) == there
    zeros = {p for p, item in truth.items() if item.end <= length and not item.value.any()}
    assert all(found.tree.datasets[path].health is Health.MISSING for path in zeros)
    assert found.by_twin == set(truth)


def test_a_sibling_beside_the_file_is_found(tmp_path: Path) -> None:
    data = (FOLDER / "keras3" / "cnn.h5").read_bytes()
    damaged = tmp_path / "run-00002.h5"
    damaged.write_bytes(killed(data, len(data)))
    with pytest.raises(SourceError, match="ends at byte 2048"):
        open_source(damaged)
    (tmp_path / "run-00001.h5").write_bytes(other_values(data))
    store = open_source(damaged)
    whole = open_source(FOLDER / "keras3" / "cnn.h5")
    assert names(store) == names(whole)
    kernel = store["conv_a/kernel"]
    assert "known from run-00001.h5" in kernel.health_note
    assert array_digest(kernel.fetch()) == array_digest(whole["conv_a/kernel"].fetch())


def names(store: TensorStore) -> set[tuple[str, str]]:
    return {(str(tensor.name), tensor.slot_of) for tensor in store}


def test_a_sibling_of_another_run_is_not_believed() -> None:
    data = (FOLDER / "keras3" / "cnn.h5").read_bytes()
    strange = bytearray(data)
    rng = np.random.default_rng(5)
    for item in stored(data).values():
        if item.value.dtype.kind == "f":
            noise = np.asarray(rng.normal(0, 1, item.value.shape)).astype(item.value.dtype)
            strange[item.begin : item.end] = noise.tobytes()
    damaged = killed(data, len(data))
    assert salvaged(damaged, bytes(strange), is_given=False) is None
    assert salvaged(damaged, bytes(strange)) is not None


def written(order: tuple[str, ...], seed: int, *, note: int = 0, size: int = 40) -> bytes:
    """Return a file whose arrays have one shape, written in a certain order."""
    made = io.BytesIO()
    with h5py.File(made, "w") as file:
        file.attrs["model_config"] = "x" * (5000 + note)
        for name in order:
            base = np.random.default_rng(sum(map(ord, name))).normal(size=(size, size))
            noise = np.random.default_rng(seed).normal(0, 0.05, (size, size))
            file[f"{name}/kernel"] = (base + noise).astype("f4")
    return made.getvalue()


def test_a_twin_of_another_order_is_refused() -> None:
    damaged = killed(written(("a", "b", "c"), 1), 10**5)
    with pytest.raises(Corrupt, match=r"what would be \w/kernel looks like \w/kernel"):
        salvaged(damaged, written(("c", "b", "a"), 2))


@pytest.mark.parametrize("note", [8, 64, 4096])
def test_a_displaced_twin_is_set_right(note: int) -> None:
    data = written(("a", "b", "c", "d"), 1)
    truth = stored(data)
    found = salvaged(killed(data, len(data)), written(("a", "b", "c", "d"), 2, note=note))
    assert whole_arrays(found, truth) == set(truth)
    assert found is not None
    assert found.twin is not None
    assert found.twin.shift == min(item.begin for item in truth.values()) - min(
        item.begin for item in stored(written(("a", "b", "c", "d"), 2, note=note)).values()
    )


def test_a_twin_of_another_size_is_refused() -> None:
    data = written(("a", "b", "c"), 1)
    with pytest.raises(Corrupt, match="no layout fits"):
        salvaged(killed(data, len(data)), written(("a", "b", "c"), 2, size=39))


def test_a_twin_of_another_layout_with_the_same_names_gives_no_places() -> None:
    """The same model in an archive and in a file of its own: HDF5 allocates differently."""
    with zipfile.ZipFile(FOLDER / "tf_keras" / "cnn.keras") as archive:
        inner = archive.read("model.weights.h5")
    truth = stored(inner)
    twin = other_values((FOLDER / "tf_keras" / "cnn.weights.h5").read_bytes())
    for percent in range(30, 100, 5):
        cut = inner[: len(inner) * percent // 100]
        try:
            found = salvaged(cut, twin)
        except Corrupt:
            found = salvaged(cut)
        whole_arrays(found, truth)


def test_a_lost_superblock_and_a_lost_root(tmp_path: Path) -> None:
    data = (FOLDER / "tf_keras" / "cnn.h5").read_bytes()
    truth = stored(data)
    assert whole_arrays(salvaged(bytes(96) + data[96:]), truth) == set(truth)
    path = tmp_path / "w.h5"
    path.write_bytes(bytes(800) + data[800:])
    whole = {t.name: array_digest(t.fetch()) for t in open_source(FOLDER / "tf_keras" / "cnn.h5")}
    found = {t.name: array_digest(t.fetch()) for t in open_source(path)}
    assert whole.items() >= {n: d for n, d in found.items() if n in whole}.items()
    assert sorted(found.values()) == sorted(whole.values())


@pytest.mark.parametrize("style", ["v110", "latest"])
def test_a_mark_of_a_killed_writer(style: str, tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    with h5py.File(path, "w", libver=style) as file:
        for place in range(20):
            file[f"w{place}"] = np.full(10, place + 1.0)
    data = bytearray(path.read_bytes())
    data[11] = 1
    from tfrepair.wire.lookup3 import lookup3

    data[44:48] = lookup3(bytes(data[:44])).to_bytes(4, "little")
    path.write_bytes(data)
    store = open_source(path)
    assert [float(store[f"w{place}"].fetch()[0]) for place in range(20)] == list(range(1, 21))
    assert any(finding.code == "marked-open" for finding in store.findings)
    assert path.read_bytes() == bytes(data)


def test_zeros_at_the_end_are_no_values(tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    with h5py.File(path, "w") as file:
        file["a"] = np.random.default_rng(1).normal(size=5000)
        file["b"] = np.random.default_rng(2).normal(size=5000)
    whole = {t.name: array_digest(t.fetch()) for t in open_source(path)}
    data = path.read_bytes()
    lost = len(data) // 4096 * 4096 - 4096
    path.write_bytes(data[:lost] + bytes(len(data) - lost))
    store = open_source(path)
    found = {str(t.name): t for t in store}
    assert array_digest(found["a"].fetch()) == whole[found["a"].name]
    assert found["b"].health is Health.TRUNCATED
    assert any(finding.code == "zero-tail" for finding in store.findings)


def test_leading_rows_of_a_cut_array(tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    values = np.random.default_rng(1).normal(size=(100, 50)).astype("f4")
    with h5py.File(path, "w") as file:
        file["w"] = values
    path.write_bytes(path.read_bytes()[:-1000])
    tensor = open_source(path)["w"]
    assert tensor.health is Health.TRUNCATED
    assert tensor.leading is not None
    rows = tensor.leading()
    assert rows.shape == (95, 50)
    np.testing.assert_array_equal(rows, values[:95])


@pytest.mark.parametrize("options", [{}, {"compression": "gzip"}, {"shuffle": True}])
def test_chunks_of_a_cut_file(options: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    values = np.arange(60.0).reshape(12, 5)
    with h5py.File(path, "w") as file:
        file.create_dataset("w", data=values, chunks=(5, 3), fletcher32=True, **options)
        file["last"] = np.arange(3000.0)
    path.write_bytes(path.read_bytes()[:-100])
    store = open_source(path)
    np.testing.assert_array_equal(store["w"].fetch(), values)
    assert store["last"].health is Health.TRUNCATED
