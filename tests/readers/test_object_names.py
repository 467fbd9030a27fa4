from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from tests.wire.goldens import CHECKPOINTS
from tfrepair.core.tensor import Purpose, Tensor
from tfrepair.readers import tensor_bundle
from tfrepair.readers.object_names import name_objects, path_of
from tfrepair.readers.registry import open_source
from tfrepair.wire.bundle_writer import Item, write_data, write_index
from tfrepair.wire.object_graph import Attribute, TrackableNode

END = "/.ATTRIBUTES/VARIABLE_VALUE"


def by_name(case: str) -> Mapping[str, Tensor]:
    return {str(tensor.name): tensor for tensor in open_source(CHECKPOINTS / case)}


@pytest.mark.parametrize(
    ("case", "name", "slot"),
    [
        ("tf2_3/keras_checkpoint", "Adam/hidden/kernel/m", "m"),
        ("tf2_3/keras_weights", "Adam/hidden/kernel/v", "v"),
        ("tf2_21/keras_checkpoint", "Adam/v/hidden/kernel", "v"),
    ],
)
def test_slots_of_every_generation(case: str, name: str, slot: str) -> None:
    found = by_name(case)[name]
    assert (found.purpose, found.slot, found.slot_of) == (Purpose.SLOT, slot, "hidden/kernel")


@pytest.mark.parametrize("case", ["tf2_3/keras_checkpoint", "tf2_21/keras_checkpoint"])
def test_only_the_model_is_weights(case: str) -> None:
    names = {name for name, tensor in by_name(case).items() if tensor.may_be_weight}
    assert names == {
        "emb/embeddings", "hidden/kernel", "hidden/bias", "bn/gamma", "bn/beta",
        "bn/moving_mean", "bn/moving_variance", "out/kernel", "out/bias",
    }  # fmt: skip


def test_variables_without_a_name_are_called_by_their_way() -> None:
    assert {name for name, t in by_name("tf2_21/module").items() if t.may_be_weight} == {
        "layers/0", "layers/1", "layers/2", "by_name/a/b", "by_name/c",
    }  # fmt: skip


def test_escapes_are_undone() -> None:
    assert path_of(f"vars/a.Sb..c{END}") == "vars/a/b.c"


def node(full_name: str, key: str, **children: int) -> TrackableNode:
    attributes = (Attribute(name="VARIABLE_VALUE", full_name=full_name, key=key),) if key else ()
    return TrackableNode(children=children, attributes=attributes, slots=())


def test_names_that_are_used_twice_are_replaced() -> None:
    nodes = (
        node("", "", one=1, two=2, three=3),
        node("dense/kernel", f"one/kernel{END}"),
        node("dense/kernel", f"two/kernel{END}"),
        node("one/kernel", f"three/kernel{END}"),
    )
    keys = [f"{way}/kernel{END}" for way in ("one", "two", "three")]
    names = [naming.name for naming in name_objects(nodes, keys).values()]
    assert len(set(names)) == 3
    assert names[1] == "two/kernel"


def test_a_slot_of_two_possible_variables_names_none() -> None:
    nodes = (
        node("", "", opt=1, a=4, b=5),
        TrackableNode(children={"_variables": 2, "_iterations": 6}, attributes=(), slots=()),
        node("", "", **{"0": 3}),
        node("adam/a_b_c_momentum", f"opt/_variables/0{END}"),
        node("a/b_c", f"a{END}"),
        node("a_b/c", f"b{END}"),
        node("adam/iteration", f"opt/_iterations{END}"),
    )
    found = name_objects(nodes, [f"opt/_variables/0{END}"])[f"opt/_variables/0{END}"]
    assert (found.purpose, found.slot, found.slot_of) == (Purpose.SLOT, "momentum", "")


def adafactor(*edges: str) -> tuple[TrackableNode, ...]:
    """A weight ``net/kernel`` with its row factor, column factor and velocity."""
    listed = {str(place): 3 + place for place in range(3)}
    children = {"_variables": 2, "_iterations": 6, **dict.fromkeys(edges, 8)}
    return (
        node("", "", opt=1, w=7),
        TrackableNode(children=children, attributes=(), slots=()),
        node("", "", **listed),
        node("adafactor/kernel", f"opt/_variables/0{END}"),
        node("adafactor/kernel", f"opt/_variables/1{END}"),
        node("adafactor/net_kernel_velocity", f"opt/_variables/2{END}"),
        node("adafactor/iteration", f"opt/_iterations{END}"),
        node("net/kernel", f"w{END}"),
        node("", ""),
    )


@pytest.mark.parametrize(
    ("edges", "slots"),
    [
        (("_r", "_c"), [("r", "net/kernel"), ("c", "net/kernel")]),
        ((), [("", ""), ("", "")]),
    ],
    ids=["edges", "no edges"],
)
def test_factors_with_one_name_are_told_apart_by_edges(
    edges: tuple[str, ...], slots: list[tuple[str, str]]
) -> None:
    keys = [f"opt/_variables/{place}{END}" for place in range(3)]
    found = list(name_objects(adafactor(*edges), keys).values())
    assert len({naming.name for naming in found}) == 3
    assert {naming.purpose for naming in found} == {Purpose.SLOT}
    told = [(naming.slot, naming.slot_of) for naming in found]
    assert told == [*slots, ("velocity", "net/kernel")]


def test_slots_that_say_nothing_are_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [f"opt/_variables/{place}{END}" for place in range(3)]
    monkeypatch.setattr(tensor_bundle, "_object_graph", lambda _: (adafactor(), ()))
    with (tmp_path / "m.data-00000-of-00001").open("wb") as file:
        items = [Item(name=key, dtype=1, array=np.zeros(2, "float32")) for key in keys]
        entries = write_data(items, file.write)
    with (tmp_path / "m.index").open("wb") as file:
        write_index(entries, file.write)
    (finding,) = open_source(tmp_path / "m").findings
    assert finding.code == "slots-without-names"
    assert "opt/_variables/0, opt/_variables/1" in finding.message


def test_state_in_a_saved_model_of_our_own() -> None:
    listed = {
        "net/kernel": "net.Skernel",
        "adam/net_kernel_momentum": "optimizer.Snet.Skernel.Smomentum",
        "adam/net_kernel_average": "optimizer.Snet.Skernel.Saverage",
        "adam/iteration": "optimizer.Siteration",
        "adam/learning_rate": "optimizer.Slearning_rate",
        "loss/total": "metrics.Sloss.Stotal",
    }
    nodes = [node(name, f"vars/{key}{END}") for name, key in listed.items()]
    found = name_objects(tuple(nodes), [f"vars/{key}{END}" for key in listed.values()]).values()
    assert [(n.name, n.purpose, n.slot, n.slot_of) for n in found] == [
        ("net/kernel", Purpose.WEIGHT, "", ""),
        ("adam/net_kernel_momentum", Purpose.SLOT, "momentum", "net/kernel"),
        ("adam/net_kernel_average", Purpose.AVERAGE, "average", "net/kernel"),
        ("adam/iteration", Purpose.COUNTER, "", ""),
        ("adam/learning_rate", Purpose.HYPERPARAMETER, "", ""),
        ("loss/total", Purpose.METRIC, "", ""),
    ]


def test_keys_that_the_graph_does_not_know_keep_their_key() -> None:
    found = name_objects((node("", ""),), ["table-keys"])["table-keys"]
    assert (found.name, found.purpose) == ("table-keys", Purpose.BOOKKEEPING)
