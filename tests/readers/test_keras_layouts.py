"""What files of Keras may look like beyond the goldens: written by hand, with h5py alone."""

import json
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import ml_dtypes
import numpy as np
import pytest

from tests.readers.keras_goldens import FOLDER
from tfrepair.core.errors import Refused, SourceError
from tfrepair.core.tensor import Purpose, TensorStore
from tfrepair.readers.registry import open_source


def names(store: TensorStore) -> list[str]:
    return [str(tensor.name) for tensor in store]


def codes(store: TensorStore) -> list[str]:
    return [finding.code for finding in store.findings]


def values(count: int) -> np.ndarray[Any, np.dtype[Any]]:
    return np.full((2, 3), count, "float32")


def write_lists(
    path: Path, layers: dict[str, Sequence[str]], *, style: str = "fixed", version: str = "2.4.0"
) -> None:
    """Write weights with lists of names in one of the styles of h5py."""

    def listed(group: h5py.Group, name: str, texts: Sequence[str]) -> None:
        match style:
            case "fixed":
                group.attrs[name] = [text.encode() for text in texts]
            case "variable":
                group.attrs[name] = np.array(list(texts), dtype=object)
            case _:
                for number, part in enumerate(np.array_split(np.array(texts, "S"), 3)):
                    group.attrs[f"{name}{number}"] = part

    with h5py.File(path, "w") as file:
        listed(file, "layer_names", list(layers))
        file.attrs["backend"] = "tensorflow"
        if version:
            file.attrs["keras_version"] = version
        count = 0
        for layer, weights in layers.items():
            group = file.create_group(layer)
            listed(group, "weight_names", weights)
            for weight in weights:
                group[weight] = values(count)
                count += 1


MANY: dict[str, Sequence[str]] = {
    f"dense_{number}": [f"dense_{number}/kernel:0", f"dense_{number}/bias:0"]
    for number in (10, 9, 1, 2)
}


@pytest.mark.parametrize("style", ["fixed", "variable", "cut"])
def test_every_style_of_lists_gives_the_same(style: str, tmp_path: Path) -> None:
    write_lists(tmp_path / "w.h5", MANY, style=style)
    store = open_source(tmp_path / "w.h5")
    assert names(store) == [
        f"dense_{number}/{leaf}" for number in (10, 9, 1, 2) for leaf in ("kernel", "bias")
    ]
    assert [int(tensor.fetch()[0, 0]) for tensor in store] == list(range(8))
    assert not store.findings


@pytest.mark.parametrize(
    ("layer", "raw", "expected"),
    [
        ("dense", "dense/kernel:0", "dense/kernel"),
        ("dense", "kernel", "dense/kernel"),
        ("dense", "net/dense/kernel:0", "dense/kernel"),
        ("dense", "dense_W:0", "dense/W"),
        ("dense", "dense_W", "dense/W"),
        ("dense", "param_0", "dense/param_0"),
        ("encoder", "inner/kernel:0", "encoder/inner/kernel"),
        ("encoder", "encoder/inner/kernel", "encoder/inner/kernel"),
        ("lstm", "lstm/lstm_cell/kernel:0", "lstm/lstm_cell/kernel"),
        ("fire5/squeeze", "fire5/squeeze/kernel:0", "fire5/squeeze/kernel"),
        ("dense", "dense_1/kernel:0", "dense/dense_1/kernel"),
        ("dense", "dense/dense/kernel:0", "dense/dense/kernel"),
    ],
)
def test_names(layer: str, raw: str, expected: str, tmp_path: Path) -> None:
    write_lists(tmp_path / "w.h5", {layer: [raw]})
    assert names(open_source(tmp_path / "w.h5")) == [expected]


def test_names_that_repeat_are_spelled_in_full(tmp_path: Path) -> None:
    write_lists(tmp_path / "w.h5", {"net": ["a/net/kernel:0", "b/net/kernel:0"]})
    assert names(open_source(tmp_path / "w.h5")) == ["net/a/net/kernel:0", "net/b/net/kernel:0"]


def test_weights_of_the_model_itself(tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    write_lists(path, {"dense": ["dense/kernel:0"]})
    with h5py.File(path, "a") as file:
        group = file.create_group("top_level_model_weights")
        group.attrs["weight_names"] = [b"scale:0"]
        group["scale:0"] = values(7)
    assert names(open_source(path)) == ["dense/kernel", "scale"]


def test_keras_0(tmp_path: Path) -> None:
    path = tmp_path / "w.hdf5"
    with h5py.File(path, "w") as file:
        file.attrs["nb_layers"] = 12
        for number in range(12):
            group = file.create_group(f"layer_{number}")
            group.attrs["nb_params"] = 2 * (number % 2)
            for place in range(2 * (number % 2)):
                group[f"param_{place}"] = values(number)
    store = open_source(path)
    assert names(store)[:3] == ["layer_1/param_0", "layer_1/param_1", "layer_3/param_0"]
    assert names(store)[-1] == "layer_11/param_1"
    assert store.attributes["kernels"] == "unknown"
    assert store.attributes["variances"] == "deviations"


def test_what_is_listed_and_absent_is_named(tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    write_lists(path, {"dense": ["dense/kernel:0", "dense/bias:0"], "out": ["out/kernel:0"]})
    with h5py.File(path, "a") as file:
        del file["dense/dense/bias:0"]
        file["left/over"] = values(9)
    store = open_source(path)
    assert names(store) == ["dense/kernel", "out/kernel", "left/over"]
    assert sorted(codes(store)) == ["listed-but-absent", "not-listed"]
    assert "dense/dense/bias:0" in store.findings[0].where


def test_hdf5_that_is_not_from_keras(tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    with h5py.File(path, "w") as file:
        for number in (10, 9, 2):
            file[f"block{number}/w"] = values(number)
    store = open_source(path)
    assert names(store) == ["block2/w", "block9/w", "block10/w"]
    assert store.names_are_meaningful
    assert not store.order_is_meaningful


def add_optimizer(path: Path, listed: Sequence[str], config: object = None) -> None:
    with h5py.File(path, "a") as file:
        if config is not None:
            file.attrs["training_config"] = json.dumps({"optimizer_config": config})
        group = file.create_group("optimizer_weights")
        group.attrs["weight_names"] = [name.encode() for name in listed]
        for place, name in enumerate(listed):
            group[name] = np.int64(3) if place == 0 else values(place)


UNNAMED = ["Adam/iterations:0", *(f"training/Adam/Variable{end}:0" for end in ("", "_1"))]
SGD = {"class_name": "SGD", "config": {"momentum": 0.9}}
TWO: dict[str, Sequence[str]] = {"b": ["b/kernel:0"], "a": ["a/kernel:0"]}


@pytest.mark.parametrize(
    ("version", "owners"),
    [
        ("1.2.2", ["a/kernel", "b/kernel"]),
        ("2.0.4", ["a/kernel", "b/kernel"]),
        ("2.0.5", ["", ""]),
        ("2.0.6", ["b/kernel", "a/kernel"]),
        ("2.2.4", ["b/kernel", "a/kernel"]),
    ],
)
def test_order_of_unnamed_slots(version: str, owners: list[str], tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    write_lists(path, TWO, version=version)
    add_optimizer(path, UNNAMED, SGD)
    store = open_source(path)
    slots = [tensor for tensor in store if tensor.purpose is Purpose.SLOT]
    assert [tensor.slot_of for tensor in slots] == owners
    assert ("optimizer-slots-tied" in codes(store)) == (owners == ["", ""])


@pytest.mark.parametrize("config", [None, {"class_name": "Mine"}, {"class_name": "Adam"}, 7])
def test_unknown_lists_are_ties(config: object, tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    write_lists(path, TWO, version="2.2.4")
    add_optimizer(path, UNNAMED, config)
    store = open_source(path)
    slots = [tensor for tensor in store if tensor.purpose is Purpose.SLOT]
    assert [(tensor.slot, tensor.slot_of) for tensor in slots] == [("", "")] * 2
    assert codes(store) == ["optimizer-slots-tied"]


def test_a_name_that_two_weights_have_is_a_tie(tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    write_lists(path, {"left": ["dense/kernel:0"], "right": ["dense/kernel:0", "own/kernel:0"]})
    add_optimizer(path, ["Adam/iter:0", "Adam/dense/kernel/m:0", "Adam/own/kernel/m:0"])
    store = open_source(path)
    slots = {tensor.name: tensor.slot_of for tensor in store if tensor.purpose is Purpose.SLOT}
    assert slots == {
        "optimizer/Adam/dense/kernel/m": "",
        "optimizer/right/own/kernel/m": "right/own/kernel",
    }
    assert codes(store) == ["optimizer-slots-tied"]


def test_keras_3_names_may_contradict_the_order(tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    config = {"class_name": "SGD", "config": {"momentum": 0.9}}
    listed = ["sgd/iteration", "sgd/a_kernel_momentum", "sgd/b_kernel_momentum"]
    for order in (listed, [listed[0], listed[2], listed[1]]):
        write_lists(path, {"a": ["a/kernel"], "b": ["b/kernel"]}, version="3.5.0")
        add_optimizer(path, order, config)
        store = open_source(path)
        assert ("optimizer-slots-tied" in codes(store)) == (order is not listed)


def write_paths(path: Path, groups: dict[str, int], stored: dict[str, str] | None = None) -> None:
    with h5py.File(path, "w") as file:
        for place, (group, count) in enumerate(groups.items()):
            held = file.create_group(f"{group}/vars")
            for number in range(count):
                held[str(number)] = values(10 * place + number)
        for group, name in (stored or {}).items():
            file[f"{group}/vars"].attrs["name"] = name


def archive(path: Path, weights: Path, config: object, **more: bytes) -> None:
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("metadata.json", json.dumps({"keras_version": "2.12.0"}))
        made.writestr("config.json", json.dumps(config))
        made.write(weights, "model.weights.h5")
        for name, data in more.items():
            made.writestr(name, data)


def layer(kind: str, name: str, **settings: object) -> dict[str, object]:
    return {"class_name": kind, "config": {"name": name, **settings}}


def test_counters_that_count_twice(tmp_path: Path) -> None:
    prefix = "_layer_checkpoint_dependencies"
    write_paths(
        tmp_path / "w.h5",
        {f"{prefix}/dense": 2, f"{prefix}/dense_2": 2, f"{prefix}/dense_10": 1},
    )
    layers = [
        layer("Dense", "first"),
        layer("Dense", "second"),
        layer("Mine>Dense", "third", use_bias=False),
    ]
    config = {"class_name": "Sequential", "config": {"name": "net", "layers": layers}}
    archive(tmp_path / "w.keras", tmp_path / "w.h5", config)
    assert names(open_source(tmp_path / "w.keras")) == [
        "first/kernel", "first/bias", "second/kernel", "second/bias", "third/kernel",
    ]  # fmt: skip
    assert names(open_source(tmp_path / "w.h5"))[:2] == ["dense/0", "dense/1"]


def test_paths_without_any_name(tmp_path: Path) -> None:
    groups = {"layers/dense": 11, "blocks/block/bn": 4, "": 1, "layers/dropout/seed_generator": 1}
    write_paths(tmp_path / "w.weights.h5", groups)
    store = open_source(tmp_path / "w.weights.h5")
    assert names(store)[:11] == [f"dense/{number}" for number in range(11)]
    assert names(store)[11:] == [
        *(f"blocks/block/bn/{number}" for number in range(4)), "0",
        "dropout/seed_generator/seed_generator_state",
    ]  # fmt: skip
    assert store.tensors[-1].purpose is Purpose.SEED


def test_attributes_of_a_class_are_no_certain_order(tmp_path: Path) -> None:
    groups = {"layers/dense": 1, "encoder/dense": 1, "optimizer": 3}
    write_paths(tmp_path / "w.weights.h5", groups, {"optimizer": "sgd"})
    store = open_source(tmp_path / "w.weights.h5")
    assert codes(store) == ["optimizer-slots-tied"]


def test_layers_that_the_config_does_not_have(tmp_path: Path) -> None:
    groups = {"layers/mine": 1, "layers/dense": 1, "optimizer": 3}
    stored = {"layers/mine": "first", "layers/dense": "second", "optimizer": "sgd"}
    write_paths(tmp_path / "w.h5", groups, stored)
    with h5py.File(tmp_path / "w.h5", "a") as file:
        del file["optimizer/vars/0"]
        file["optimizer/vars/0"] = np.int64(3)
    compiled = {"optimizer": {"class_name": "SGD", "config": {"momentum": 0.9}}}
    layers = [layer("Other", "elsewhere"), layer("Dense", "second", use_bias=False)]
    config = {"class_name": "Sequential", "config": {"layers": layers}, "compile_config": compiled}
    archive(tmp_path / "w.keras", tmp_path / "w.h5", config)
    store = open_source(tmp_path / "w.keras")
    assert names(store)[:2] == ["first/0", "second/kernel"]  # as they lie in the file
    slots = [t.slot_of for t in store if t.purpose is Purpose.SLOT]
    assert slots == ["first/0", "second/kernel"]


def test_numbers_with_a_gap(tmp_path: Path) -> None:
    path = tmp_path / "cnn.keras"
    with zipfile.ZipFile(FOLDER / "keras3" / "cnn.keras") as golden:
        (tmp_path / "w.h5").write_bytes(golden.read("model.weights.h5"))
        config = json.loads(golden.read("config.json"))
    with h5py.File(tmp_path / "w.h5", "a") as file:
        del file["layers/conv2d/vars/0"]
    archive(path, tmp_path / "w.h5", config)
    store = open_source(path)
    assert names(store)[0] == "conv_a/1"
    assert names(store)[1] == "bn_a/gamma"
    assert set(codes(store)) == {"listed-but-absent", "optimizer-slots-tied"}
    assert not any(tensor.slot_of for tensor in store)


def test_an_optimizer_that_the_config_forgot(tmp_path: Path) -> None:
    write_paths(tmp_path / "w.h5", {"layers/dense": 2, "optimizer": 3}, {"optimizer": "adam"})
    config = {
        "class_name": "Sequential",
        "config": {"layers": [layer("Dense", "a")]},
        "compile_config": {"loss": "mse"},
    }
    archive(tmp_path / "w.keras", tmp_path / "w.h5", config)
    store = open_source(tmp_path / "w.keras")
    assert "optimizer-not-in-config" in codes(store)
    assert store.attributes["optimizer"] == "adam"


def test_bfloat16(tmp_path: Path) -> None:
    held = np.array([1.5, -2], ml_dtypes.bfloat16)
    path = tmp_path / "w.weights.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("layers/dense/vars")
        group.create_dataset("0", data=held).attrs["dtype"] = "bfloat16"
    tensor = open_source(path).tensors[0]
    assert tensor.dtype == "bfloat16"
    assert tensor.fetch().astype("float32").tolist() == [1.5, -2]


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    write_paths(tmp_path / "m_00000.weights.h5", {"layers/dense": 2}, {"layers/dense": "a"})
    with h5py.File(tmp_path / "m_00001.weights.h5", "w") as file:
        file["layers/dense/vars/2"] = values(5)
    index = tmp_path / "m.weights.json"
    listed = {"/layers/dense/vars": ["m_00000.weights.h5", "m_00001.weights.h5"]}
    index.write_text(json.dumps({"metadata": {"total_size": 72}, "weight_map": listed}))
    return index


def test_shards(shards: Path) -> None:
    store = open_source(shards)
    assert store.format == "keras_h5"
    assert names(store) == ["a/0", "a/1", "a/2"]
    assert len(store.files) == 3
    assert store["a/2"].fetch().tolist() == values(5).tolist()
    (shards.parent / "m_00001.weights.h5").unlink()
    store = open_source(shards)
    assert names(store) == ["a/0", "a/1"]
    assert codes(store) == ["missing-shard"]


@pytest.mark.parametrize("name", ["../w.h5", "/etc/w.h5", "..", "a\\b.h5", "a\0.h5"])
def test_shards_stay_in_their_folder(name: str, shards: Path) -> None:
    shards.write_text(json.dumps({"weight_map": {"/vars": [name, "m_00000.weights.h5"]}}))
    with pytest.raises(Refused, match="outside its folder"):
        open_source(shards)


def test_an_index_without_shards(shards: Path) -> None:
    shards.write_text(json.dumps({"weight_map": {"/vars": ["gone.weights.h5"]}}))
    with pytest.raises(SourceError, match="none of its 1 shards"):
        open_source(shards)


def test_a_folder_instead_of_an_archive(tmp_path: Path) -> None:
    golden = FOLDER / "keras3" / "cnn.keras"
    with zipfile.ZipFile(golden) as packed:
        packed.extractall(tmp_path / "model")  # our own golden
    one, two = open_source(tmp_path / "model"), open_source(golden)
    assert names(one) == names(two)
    assert one.format == two.format == "keras_zip"
    assert [t.fetch().tolist() for t in one] == [t.fetch().tolist() for t in two]


@pytest.mark.parametrize("name", ["w.keras", "w.npz", "w.pkl", "weights"])
def test_content_decides(name: str, tmp_path: Path) -> None:
    shutil.copy(FOLDER / "tf2_3" / "cnn.h5", tmp_path / name)
    assert open_source(tmp_path / name).format == "keras_h5"
