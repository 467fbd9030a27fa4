"""The ``[optimizer]`` table of a plan: edits are carried out, or named by their line."""

from collections.abc import Mapping

import numpy as np
import pytest

from tests.planning.models import Reading
from tests.planning.optimizers import optimizing, trained
from tfrepair.core.architecture import Architecture, VariablePath
from tfrepair.core.errors import PlanError
from tfrepair.core.optimizer_plan import Origin, Setting
from tfrepair.core.plan import Plan
from tfrepair.core.tensor import TensorStore
from tfrepair.planning.build import build_plan
from tfrepair.planning.edited import apply_plan_file
from tfrepair.planning.optimizer import Origins
from tfrepair.planning.optimizer_table import changed_settings
from tfrepair.planning.plan_file import parse_plan, plan_to_toml
from tfrepair.rebuild.apply import apply


def sides() -> tuple[TensorStore, Architecture]:
    kinds = ("m", "v", "vhat")
    store = trained("adam", "keras_3", kinds=("m", "v"))
    return store, optimizing("adam", kinds=kinds, amsgrad=True, beta_1=0.9)


def carried_out(store: TensorStore, arch: Architecture, changes: Mapping[str, str]) -> Plan:
    fresh = build_plan(store, arch, Reading(store))
    text = plan_to_toml(fresh)
    for old, new in changes.items():
        assert old in text, text
        text = text.replace(old, new)
    file = parse_plan(text, "plan.toml")
    changed = changed_settings(file.optimizer, fresh.optimizer)
    if changed:
        fresh = build_plan(store, arch, Reading(store), optimizer=Origins(settings=changed))
    return apply_plan_file(file, fresh, store, arch, Reading(store))


def value(plan: Plan, store: TensorStore, arch: Architecture, path: str) -> float | None:
    entry = apply(plan, store, arch).by_path[VariablePath(path)]
    return None if entry.fetch is None else float(entry.fetch())


def test_an_unchanged_table_changes_nothing() -> None:
    store, arch = sides()
    assert carried_out(store, arch, {}) == build_plan(store, arch, Reading(store))


def test_a_hyperparameter_that_is_edited_is_compiled_in() -> None:
    store, arch = sides()
    plan = carried_out(store, arch, {"learning_rate = 0.25": "learning_rate = 0.125"})
    assert plan.optimizer is not None
    rate = next(s for s in plan.optimizer.settings if s.name == "learning_rate")
    assert rate == Setting(name="learning_rate", value=0.5, origin=Origin.PLAN)
    # The host compiles with 0.125 before this; here the architecture keeps its 0.5.
    assert value(plan, store, arch, "optimizer/learning_rate") is None


def test_steps_that_are_edited_count() -> None:
    store, arch = sides()
    plan = carried_out(store, arch, {"steps = 37": "steps = 5000"})
    assert value(plan, store, arch, "optimizer/iteration") == 5000
    entry = apply(plan, store, arch).by_path[VariablePath("optimizer/iteration")]
    assert str(entry.provenance) == "derived(constant:value=5000.0)"


def test_values_by_rule_can_be_edited() -> None:
    store, arch = sides()
    line = '"optimizer/b/bias/velocity_hat" = {rule = "copy", of = ["optimizer/b/bias/velocity"]}'
    plan = carried_out(store, arch, {line: '"optimizer/b/bias/velocity_hat" = "constant:value=2"'})
    entry = apply(plan, store, arch).by_path[VariablePath("optimizer/b/bias/velocity_hat")]
    assert entry.fetch is not None
    np.testing.assert_array_equal(entry.fetch(), np.full(4, 2, "float32"))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('name = "Adam"', "name = 3", r"\[optimizer\] name \(line \d+\): expected a class name"),
        ('name = "Adam"', 'name = "SGD"', r"name \(line \d+\): the architecture is compiled"),
        ("steps = 37", "steps = -1", r"steps \(line \d+\): expected a number of updates"),
        ("steps = 37", 'steps = "x"', r"steps \(line \d+\)"),
        ("beta_1 = 0.9", "beta_1 = [1]", r"beta_1 \(line \d+\): expected a number"),
        ('rule = "copy"', 'rule = "twice"', r"\[optimizer.values\] .* \(line \d+\): no such rule"),
        ("of = [", 'of = ["a/bias", ', r"copy takes 1 variables, found 2"),
        ('of = ["optimizer/', 'of = ["optimiser/', r"\(line \d+\): no variable is called"),
    ],
)
def test_errors_name_the_line(old: str, new: str, told: str) -> None:
    store, arch = sides()
    with pytest.raises(PlanError, match=told):
        carried_out(store, arch, {old: new})


def test_the_line_is_the_right_one() -> None:
    store, arch = sides()
    text = plan_to_toml(build_plan(store, arch, Reading(store)))
    broken = text.replace("steps = 37", "steps = -37")
    number = 1 + broken.splitlines().index(
        next(line for line in broken.splitlines() if "steps = -37" in line)
    )
    with pytest.raises(PlanError, match=rf"steps \(line {number}\)"):
        parse_plan(broken, "plan.toml")
