"""Donors: whole tensors of the same run, slots together, and nothing of another run."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.api.saves import bundle, data_of, index_of
from tfrepair.api.checking import check
from tfrepair.api.donors import open_donors, step_of, with_donors
from tfrepair.api.recovering import choose
from tfrepair.api.sources import examined, open_store
from tfrepair.core.errors import SourceError
from tfrepair.core.tensor import Array, TensorStore


def training(step: int, run: int = 0) -> dict[str, Array]:
    """Return the variables of a run of ``tf.train.AdamOptimizer`` after some steps."""
    start, moves = np.random.default_rng(run), np.random.default_rng(1000 * run + step)
    tensors: dict[str, Any] = {}
    for layer in "abc":
        kernel = start.normal(size=(40, 20)).astype(np.float32)
        kernel += np.float32(0.05) * moves.normal(size=kernel.shape).astype(np.float32)
        tensors[f"{layer}/kernel"] = kernel
        tensors[f"{layer}/kernel/Adam"] = moves.normal(size=kernel.shape).astype(np.float32)
        tensors[f"{layer}/kernel/Adam_1"] = moves.random(kernel.shape).astype(np.float32)
    tensors["global_step"] = np.array(step, np.int64)
    return tensors


def flip(prefix: Path, name: str) -> None:
    """Damage a tensor beyond one bit."""
    tensor = open_store(prefix)[name]
    offset = tensor.origin.offset or 0
    data = bytearray(data_of(prefix).read_bytes())
    data[offset : offset + 64] = bytes(64)
    data_of(prefix).write_bytes(data)


def filled(prefix: Path, *donors: Path) -> TensorStore:
    store = examined(open_store(prefix))
    return with_donors(store, open_donors(store, donors))


def test_a_lost_weight_comes_with_its_slots(tmp_path: Path) -> None:
    new = bundle(tmp_path / "model.ckpt-30", training(30))
    old = bundle(tmp_path / "model.ckpt-20", training(20))
    flip(new, "b/kernel")
    store = filled(new, old)
    donated = {str(tensor.name) for tensor in store if tensor.donor}
    assert donated == {"b/kernel", "b/kernel/Adam", "b/kernel/Adam_1"}
    assert {tensor.donor for tensor in store} == {"", "model.ckpt-20, 10 steps older"}
    for tensor in store:
        source = training(20 if str(tensor.name) in donated else 30)
        assert np.array_equal(tensor.fetch(), source[str(tensor.name)])
    (finding,) = [finding for finding in store.findings if finding.code == "donor"]
    assert finding.message.startswith("3 of 10 tensors are of another save")


def test_of_two_slots_both_come_or_none(tmp_path: Path) -> None:
    new = bundle(tmp_path / "model.ckpt-30", training(30))
    old = bundle(tmp_path / "model.ckpt-20", training(20))
    oldest = bundle(tmp_path / "model.ckpt-10", training(10))
    flip(new, "a/kernel/Adam")
    flip(old, "a/kernel/Adam_1")
    assert not [tensor for tensor in filled(new, old) if tensor.donor]
    from_oldest = {str(tensor.name) for tensor in filled(new, old, oldest) if tensor.donor}
    assert from_oldest == {"a/kernel/Adam", "a/kernel/Adam_1"}


def test_what_a_killed_save_never_wrote_comes_from_the_donor(tmp_path: Path) -> None:
    old = bundle(tmp_path / "model.ckpt-20", training(20))
    whole = bundle(tmp_path / "elsewhere" / "model.ckpt-30", training(30))
    part = tmp_path / "model.ckpt-30.data-00000-of-00001.tempstate77"
    part.write_bytes(data_of(whole).read_bytes()[: 4 * 3200 + 17])
    store = filled(tmp_path / "model.ckpt-30", old)
    assert {str(tensor.name) for tensor in store} == set(training(20))
    assert {str(t.name) for t in store if not t.donor} == {
        "a/kernel",
        "a/kernel/Adam",
        "a/kernel/Adam_1",
        "b/kernel",
    }


def test_a_slot_that_is_not_there_takes_its_mates_with_it(tmp_path: Path) -> None:
    """The data ends between the two slots of a variable."""
    old = bundle(tmp_path / "model.ckpt-20", training(20))
    whole = bundle(tmp_path / "elsewhere" / "model.ckpt-30", training(30))
    part = tmp_path / "model.ckpt-30.data-00000-of-00001.tempstate77"
    part.write_bytes(data_of(whole).read_bytes()[: 5 * 3200 + 17])
    donated = {str(t.name) for t in filled(tmp_path / "model.ckpt-30", old) if t.donor}
    assert {"b/kernel/Adam", "b/kernel/Adam_1"} <= donated
    assert "b/kernel" not in donated


def test_steps_are_counted_as_the_oldest_slots_were(tmp_path: Path) -> None:
    def with_powers(step: int) -> dict[str, Array]:
        return training(step) | {"beta1_power": np.array(0.9**step, np.float32)}

    new = bundle(tmp_path / "model.ckpt-30", with_powers(30))
    old = bundle(tmp_path / "model.ckpt-20", with_powers(20))
    assert filled(new, old)["beta1_power"].fetch() == np.float32(0.9**30)
    flip(new, "b/kernel/Adam")
    store = filled(new, old)
    assert store["beta1_power"].fetch() == np.float32(0.9**20)
    assert store["global_step"].fetch() == 30


@pytest.mark.parametrize(("step", "warns"), [(1000, False), (100, True)])
def test_slots_from_long_ago_are_named(step: int, warns: bool, tmp_path: Path) -> None:
    new = bundle(tmp_path / f"model.ckpt-{step}", training(step))
    old = bundle(tmp_path / f"model.ckpt-{step - 50}", training(step - 50))
    flip(new, "b/kernel/Adam")
    found = [f.message for f in filled(new, old).findings if f.code == "donor-old"]
    assert bool(found) is warns
    assert all("50% of the training before" in message for message in found)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (training(20, run=1), "the weights that both have are unrelated"),
        (training(20) | {"a/kernel": np.zeros((40, 21), np.float32)}, "another shape or type"),
        ({"x": np.zeros(3, np.float32)}, "none of its 1 names"),
    ],
)
def test_a_save_of_another_run_is_refused(
    other: dict[str, Array], message: str, tmp_path: Path
) -> None:
    new = bundle(tmp_path / "model.ckpt-30", training(30))
    donor = bundle(tmp_path / "other" / "model.ckpt-20", other)
    flip(new, "b/kernel")
    with pytest.raises(SourceError, match=message):
        filled(new, donor)


def test_the_step_is_that_of_the_counter_before_that_of_the_name(tmp_path: Path) -> None:
    assert step_of(open_store(bundle(tmp_path / "model.ckpt-7", training(30)))) == 30
    plain = {"w": np.zeros(3, np.float32)}
    assert step_of(open_store(bundle(tmp_path / "model.ckpt-8", plain))) == 8
    assert step_of(open_store(bundle(tmp_path / "model", plain))) is None


def test_the_newest_verified_save_is_taken_and_newer_ones_are_told(tmp_path: Path) -> None:
    for step in (10, 20):
        bundle(tmp_path / f"model.ckpt-{step}", training(step))
    new = bundle(tmp_path / "model.ckpt-30", training(30))
    flip(new, "c/kernel")
    choice = choose(check(tmp_path))
    assert (choice.save.path, choice.donors) == (str(tmp_path / "model.ckpt-20"), ())
    assert [finding.code for finding in choice.findings] == ["save-chosen", "newer-save"]


def test_newest_takes_the_damaged_one_with_donors_by_age(tmp_path: Path) -> None:
    for step in (10, 20):
        bundle(tmp_path / f"model.ckpt-{step}", training(step))
    bundle(tmp_path / "model.ckpt-25", training(25, run=3))
    new = bundle(tmp_path / "model.ckpt-30", training(30))
    flip(new, "c/kernel")
    choice = choose(check(tmp_path), newest=True)
    assert choice.save.step == 30
    assert [donor.step for donor in choice.donors] == [20, 10], "never the one of another run"
    near = choose(check(tmp_path), newest=True, max_staleness=10)
    assert [donor.step for donor in near.donors] == [20]


def test_without_any_whole_save_what_is_there_is_taken(tmp_path: Path) -> None:
    new = bundle(tmp_path / "model.ckpt-30", training(30))
    flip(new, "c/kernel")
    assert choose(check(tmp_path)).save.step == 30
    data_of(new).unlink()
    index_of(new).write_bytes(b"")
    with pytest.raises(SourceError, match="nothing can be had from its"):
        choose(check(tmp_path))


def test_newest_takes_no_save_that_gives_no_weight(tmp_path: Path) -> None:
    bundle(tmp_path / "model.ckpt-20", training(20))
    new = bundle(tmp_path / "model.ckpt-30", training(30))
    for name in "abc":
        flip(new, f"{name}/kernel")
    assert choose(check(tmp_path), newest=True).save.step == 20
