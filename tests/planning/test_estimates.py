"""With data, a loss takes nothing with it: the rest of a group is kept, and the loss estimated."""

from dataclasses import replace

import pytest

from tests.planning.models import Reading
from tests.planning.optimizers import optimizing, trained
from tfrepair.core.calibration import Role
from tfrepair.core.findings import Severity
from tfrepair.core.optimizer_plan import OptimizerPlan
from tfrepair.core.plan import Plan
from tfrepair.core.state import ProvenanceKind
from tfrepair.core.tensor import TensorStore
from tfrepair.planning.build import build_plan
from tfrepair.planning.dialects.optimizers import FAMILIES
from tfrepair.planning.dialects.slot_meanings import MEANINGS
from tfrepair.planning.estimates import (
    ESTIMATED,
    fresh_start,
    settled,
    slot_tasks,
    with_estimates,
)
from tfrepair.planning.optimizer import Origins
from tfrepair.planning.plan_file import parse_plan, plan_to_toml
from tfrepair.rebuild.apply import apply
from tfrepair.rebuild.estimates import with_estimated


def without(store: TensorStore, *words: str) -> TensorStore:
    kept = tuple(t for t in store if not any(word in str(t.name) for word in words))
    return replace(store, tensors=kept)


def planned(store: TensorStore, name: str = "adam") -> Plan:
    arch = optimizing(name)
    plan = build_plan(store, arch, Reading(store), optimizer=Origins(calibrates=True))
    return with_estimates(plan, arch, 64)


def optimizer_of(plan: Plan) -> OptimizerPlan:
    assert plan.optimizer is not None
    return plan.optimizer


def test_first_moments_outlive_lost_second_ones() -> None:
    plan = planned(without(trained("adam", "keras_3"), "velocity"))
    lost = {str(entry.target).rpartition("/")[2] for entry in optimizer_of(plan).estimated}
    assert lost == {"velocity"}
    assert {str(m.target).rpartition("/")[2] for m in plan.matches} >= {"momentum", "iteration"}


def test_slots_of_one_weight_are_estimated_beside_the_others() -> None:
    plan = planned(without(trained("adam", "keras_3"), "a_kernel_velocity"))
    assert [entry.target for entry in optimizer_of(plan).estimated] == [
        "optimizer/a/kernel/velocity"
    ]


def test_without_any_optimizer_all_is_estimated() -> None:
    plan = planned(without(trained("adam", "keras_3"), "adam", "optimizer"))
    tasks = slot_tasks(plan, optimizing("adam"))
    assert len(tasks) == 8
    assert all(task.lost for task in tasks)
    assert {task.role for task in tasks} == {Role.FIRST, Role.SECOND}
    assert {task.decay for task in tasks} == {0.9, 0.999}


def test_a_fresh_start_says_what_to_expect() -> None:
    arch = optimizing("adam")
    whole = trained("adam", "keras_3")
    bare = without(whole, "adam", "optimizer")
    (note,) = fresh_start(build_plan(bare, arch, Reading(bare)), arch)
    assert note.severity is Severity.NOTE
    assert "the 8 of Adam start as before the first step" in note.message
    assert "expect" in note.message
    assert not fresh_start(build_plan(whole, arch, Reading(whole)), arch)
    lossy = without(whole, "velocity")
    assert not fresh_start(build_plan(lossy, arch, Reading(lossy)), arch)


def test_what_is_whole_is_left_alone() -> None:
    plan = planned(trained("adam", "keras_3"))
    assert not optimizer_of(plan).estimated
    assert not [f for f in plan.findings if f.code == ESTIMATED]


def test_the_finding_says_what_and_what_to_expect() -> None:
    plan = planned(without(trained("adam", "keras_3"), "velocity"))
    (finding,) = (f for f in plan.findings if f.code == ESTIMATED)
    assert finding.severity is Severity.LOSS
    assert finding.message.startswith("4 of 8 slots of Adam are lost (v: ")
    assert "expect" in finding.message
    assert not [f for f in plan.findings if f.code == "optimizer-state-lost"]


def test_the_step_count_becomes_the_evidence_and_the_schedule_goes_on() -> None:
    plan = planned(without(trained("adam", "keras_3", steps=900), "velocity"))
    optimizer = optimizer_of(plan)
    counter = next(m.target for m in plan.matches if m.target.endswith("/iteration"))
    found = settled(optimizer, counter, 48)
    assert (found.counter, found.schedule_offset) == (48, 900 - 48)
    assert [(e.target, e.kind) for e in found.rebuilt] == [(counter, ProvenanceKind.ESTIMATED)]


def test_an_estimate_is_never_called_read() -> None:
    store = without(trained("adam", "keras_3"), "velocity")
    plan = planned(store)
    state = apply(plan, store, optimizing("adam"))
    labeled = with_estimated(state, optimizer_of(plan), {}, "data: 64 batches")
    for entry in optimizer_of(plan).estimated:
        assert str(labeled.by_path[entry.target].provenance) == "estimated(data: 64 batches)"


def test_a_plan_with_estimates_can_be_written_and_read() -> None:
    plan = planned(without(trained("adam", "keras_3"), "velocity"))
    text = plan_to_toml(plan)
    assert "[optimizer.estimated]" in text
    assert parse_plan(text, "plan.toml").optimizer is not None
    assert Plan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize("name", sorted(MEANINGS))
def test_every_slot_that_has_a_meaning_is_one_of_its_family(name: str) -> None:
    kinds = {slot.kind for slot in FAMILIES[name].slots}
    assert set(MEANINGS[name]) <= kinds
