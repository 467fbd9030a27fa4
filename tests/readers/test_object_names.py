from collections.abc import Mapping

import pytest

from tests.wire.goldens import CHECKPOINTS
from tfrepair.core.tensor import Purpose, Tensor
from tfrepair.readers.object_names import name_objects, path_of
from tfrepair.readers.registry import open_source
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


def test_keys_that_the_graph_does_not_know_keep_their_key() -> None:
    found = name_objects((node("", ""),), ["table-keys"])["table-keys"]
    assert (found.name, found.purpose) == ("table-keys", Purpose.BOOKKEEPING)
