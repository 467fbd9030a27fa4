"""Every file of every Keras: values, names, order and slots against the model that wrote it."""

import re

import pytest

from tests.readers.keras_goldens import FOLDER, KerasGolden, keras_goldens, sha256, slots_of
from tfrepair.core.tensor import Health, Purpose, TensorStore
from tfrepair.readers.registry import open_source

GOLDENS = keras_goldens()
IDS = [golden.id for golden in GOLDENS]


def weights(store: TensorStore) -> list[str]:
    return [sha256(tensor) for tensor in store if tensor.purpose is Purpose.WEIGHT]


def plain(name: str) -> str:
    """A name without levels and endings: Keras 1 glues what later versions separate."""
    return re.sub(r":\d+$", "", name).removeprefix("sequential/").replace("/", "_")


def test_there_are_goldens_of_every_era() -> None:
    folders = {golden.path.parent.name for golden in GOLDENS}
    assert folders == {
        "keras1", "keras1_theano", "keras2_0", "keras2_2", "keras2_3", "tf1_15", "tf2_3", "tf2_4",
        "tf2_10", "tf2_15", "tf_keras", "keras3",
    }  # fmt: skip
    assert {golden.path.suffix for golden in GOLDENS} == {".h5", ".keras"}
    assert all(golden.path.stat().st_size <= 50_000 for golden in GOLDENS)


@pytest.mark.parametrize("golden", GOLDENS, ids=IDS)
def test_values(golden: KerasGolden) -> None:
    store = open_source(golden.path)
    expected = [weight["sha256"] for weight in golden.model["weights"]]
    assert sorted(weights(store)) == sorted(expected)
    held = {weight["sha256"]: weight for weight in golden.model["weights"]}
    for tensor in store:
        if tensor.purpose is Purpose.WEIGHT:
            assert list(tensor.shape) == held[sha256(tensor)]["shape"]
    assert not [finding for finding in store.findings if finding.severity == "error"]


@pytest.mark.parametrize("golden", GOLDENS, ids=IDS)
def test_names(golden: KerasGolden) -> None:
    store = open_source(golden.path)
    names = {sha256(t): t.name for t in store if t.purpose is Purpose.WEIGHT}
    for weight in golden.model["weights"]:
        name = names[weight["sha256"]]
        if re.search(r"/\d+$", name):
            assert golden.path.name.endswith(".weights.h5")
        else:
            expected = plain(weight["name"]).removeprefix("both_")
            within = plain(name).replace("spread_dense", "spread")  # the layer that it wraps
            assert plain(name).endswith(expected) or within.endswith(expected)
    nested = [name for name in names.values() if "inner" in name]
    assert all(name.startswith("encoder/inner_") for name in nested)
    doubled = [name for name in names.values() if re.search(r"(^|/)([^/]+)/\2/", name)]
    assert not doubled


@pytest.mark.parametrize("golden", GOLDENS, ids=IDS)
def test_order_within_a_layer_is_the_files_own(golden: KerasGolden) -> None:
    store = open_source(golden.path)
    assert store.names_are_meaningful
    assert store.order_is_meaningful
    found = weights(store)
    kernels = [w["sha256"] for w in golden.model["weights"] if len(w["shape"]) > 1]
    if golden.case == "cnn":
        assert [digest for digest in found if digest in kernels] == kernels


@pytest.mark.parametrize("golden", [g for g in GOLDENS if g.has_optimizer], ids=lambda g: g.id)
def test_slots(golden: KerasGolden) -> None:
    store = open_source(golden.path)
    found, expected = slots_of(store), golden.slots()
    assert found <= expected  # never a wrong one
    if golden.has_config:
        assert found == expected
        assert "optimizer-slots-tied" not in {finding.code for finding in store.findings}
    elif found != expected:
        assert "optimizer-slots-tied" in {finding.code for finding in store.findings}
    others = {t.purpose for t in store} - {Purpose.WEIGHT, Purpose.SLOT}
    allowed = {Purpose.COUNTER, Purpose.HYPERPARAMETER, Purpose.METRIC, Purpose.BOOKKEEPING}
    assert others <= allowed


@pytest.mark.parametrize("golden", [g for g in GOLDENS if g.has_optimizer], ids=lambda g: g.id)
def test_counters(golden: KerasGolden) -> None:
    store = open_source(golden.path)
    counters = [tensor for tensor in store if tensor.purpose is Purpose.COUNTER]
    first = golden.model["optimizer_variables"][0]
    assert [sha256(tensor) for tensor in counters] == ([first["sha256"]] * (first["shape"] == []))


@pytest.mark.parametrize("golden", GOLDENS, ids=IDS)
def test_attributes(golden: KerasGolden) -> None:
    attributes = open_source(golden.path).attributes
    assert ("model_config" in attributes) == golden.has_config
    assert ("training_config" in attributes) == golden.has_config
    if golden.path.parent.name == "keras1_theano":
        assert attributes["kernels"] == "theano"
    if golden.has_config:
        assert attributes["keras_version"][0] in {"keras1": "1", "keras3": "3"}.get(
            golden.writer, "2"
        )


def test_theano_kernels_are_reported_and_not_touched() -> None:
    store = open_source(FOLDER / "keras1_theano" / "cnn.h5")
    codes = {finding.code for finding in store.findings}
    assert {"theano-kernels", "theano-dim-ordering", "running-std"} <= codes
    assert store["conv_a/W"].shape == (3, 2, 3, 3)
    assert store.attributes["dim_ordering"] == "th"
    plain_file = open_source(FOLDER / "keras1" / "cnn.h5")
    assert {finding.code for finding in plain_file.findings} == {"running-std"}


def test_an_archive_vouches_for_its_values() -> None:
    store = open_source(FOLDER / "keras3" / "cnn.keras")
    assert {tensor.checked().health for tensor in store} == {Health.VERIFIED}
    bare = open_source(FOLDER / "keras3" / "cnn.weights.h5")
    assert {tensor.checked().health for tensor in bare} == {Health.UNVERIFIED}
