"""What is kept, derived and started afresh, by consistency group; guards; other classes."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tests.planning.models import Reading
from tests.planning.optimizers import (
    WEIGHTS,
    optimizing,
    power,
    slot_tensor,
    trained,
    value_of,
)
from tfrepair.core.architecture import Architecture, VariableKind, VariablePath
from tfrepair.core.findings import Severity
from tfrepair.core.optimizer_plan import OptimizerPlan, Origin
from tfrepair.core.plan import Plan
from tfrepair.core.tensor import Array, SourceName, Tensor, TensorStore
from tfrepair.planning.build import build_plan
from tfrepair.planning.dialects.optimizers import FAMILIES
from tfrepair.planning.dialects.relatives import RELATIVES
from tfrepair.planning.optimizer_choice import Choice, chosen_optimizer
from tfrepair.planning.optimizer_guards import moment_bound
from tfrepair.rebuild.apply import apply


def planned(store: TensorStore, arch: Architecture) -> tuple[Plan, OptimizerPlan]:
    plan = build_plan(store, arch, Reading(store))
    assert plan.optimizer is not None
    return plan, plan.optimizer


def values(plan: Plan, store: TensorStore, arch: Architecture) -> dict[str, Array]:
    state = apply(plan, store, arch)
    return {
        entry.path.removeprefix("optimizer/"): entry.fetch()
        for entry in state.entries
        if entry.fetch is not None
    }


def losses(plan: Plan) -> list[str]:
    return [finding.message for finding in plan.findings if finding.severity is Severity.LOSS]


def without(store: TensorStore, *ends: str) -> TensorStore:
    return replace(store, tensors=tuple(t for t in store if not t.name.endswith(ends)))


def edited(store: TensorStore, end: str, change: Callable[[Array], Array]) -> TensorStore:
    def edit(tensor: Tensor) -> Tensor:
        if not tensor.name.endswith(end):
            return tensor
        value = change(tensor.fetch().copy())
        return replace(tensor, fetch=lambda: value)

    return replace(store, tensors=tuple(map(edit, store)))


def test_every_second_moment_and_factor_decides_over_its_group() -> None:
    for family in FAMILIES.values():
        kinds = {slot.kind: slot.without for slot in family.slots}
        if family.counts_steps and "v" in kinds:
            assert kinds["v"] == "group", family.name
        assert kinds.get("rms", "weight") == kinds.get("accumulator", "weight") == "weight"
        assert kinds.get("m", "alone") == "alone"


def test_lost_first_moments_start_at_zero_and_the_steps_stay() -> None:
    store = without(trained("adam", "keras_3", kinds=("m", "v")), "_momentum")
    arch = optimizing("adam", kinds=("m", "v"))
    plan, optimizer = planned(store, arch)
    found = values(plan, store, arch)
    assert found["iteration"] == 37
    assert {path for path in found if path.endswith("velocity")} == {
        f"{owner}/velocity" for owner in WEIGHTS
    }
    assert len(optimizer.fresh) == 4
    (message,) = losses(plan)
    assert "expect about half" in message


def test_a_running_maximum_follows_from_what_it_is_the_maximum_of() -> None:
    store = trained("adam", "saver", kinds=("m", "v"))
    arch = optimizing("adam", kinds=("m", "v", "vhat"), amsgrad=True)
    plan, optimizer = planned(store, arch)
    assert not losses(plan)
    found = values(plan, store, arch)
    np.testing.assert_array_equal(found["a/kernel/velocity_hat"], found["a/kernel/velocity"])
    assert {str(entry.rule) for entry in optimizer.rebuilt} == {"copy"}
    assert "optimizer-derived" in {finding.code for finding in plan.findings}


def test_rmsprop_starts_one_weight_afresh_and_keeps_the_others() -> None:
    store = trained("rmsprop", "keras_3")
    arch = optimizing("rmsprop")
    plan, optimizer = planned(without(store, "b_kernel_velocity"), arch)
    fresh = {entry.target.removeprefix("optimizer/") for entry in optimizer.fresh}
    assert fresh == {f"b/kernel/{s}" for s in ("velocity", "momentum", "average_gradient")}
    plan, optimizer = planned(without(store, "b_kernel_momentum"), arch)
    assert [entry.target for entry in optimizer.fresh] == ["optimizer/b/kernel/momentum"]
    assert len(losses(plan)) == 1


@pytest.mark.parametrize("lost", [("_linear",), ("_linear", "_accumulator")])
def test_ftrl_never_forgets_the_weights(lost: tuple[str, ...]) -> None:
    store = without(trained("ftrl", "keras_3"), *lost)
    arch = optimizing("ftrl", l1_regularization_strength=0.25)
    plan, _ = planned(store, arch)
    found = values(plan, store, arch)
    for owner in WEIGHTS:
        accumulator, linear = found[f"{owner}/accumulator"], found[f"{owner}/linear"]
        if len(lost) == 2:
            assert np.all(accumulator == np.float32(0.1))
        weight = (np.clip(linear, -0.25, 0.25) - linear) / (np.sqrt(accumulator) / 0.25)
        np.testing.assert_allclose(weight, found[owner], rtol=1e-5)


def test_weights_alone_become_the_averages_and_copies_of_weights() -> None:
    store = trained("adam", "keras_3", kinds=())
    for arch, slot in (
        (optimizing("schedulefreeadamw"), "momentum"),
        (optimizing("adam", kinds=("m", "v", "average")), "average"),
    ):
        plan, optimizer = planned(store, arch)
        found = values(plan, store, arch)
        for owner in WEIGHTS:
            np.testing.assert_array_equal(found[f"{owner}/{slot}"], found[owner])
        assert optimizer.counter == 0
        assert "iteration" not in found


def test_steps_go_on_in_the_schedule_where_the_slots_are_lost() -> None:
    store = without(trained("adam", "keras_3", kinds=("m", "v")), "b_bias_velocity")
    schedule = {"class_name": "CosineDecay", "config": {}}
    arch = optimizing("adam", kinds=("m", "v"), learning_rate=schedule)
    _, optimizer = planned(store, arch)
    assert (optimizer.steps, optimizer.counter, optimizer.schedule_offset) == (37, 0, 37)


def test_bert_goes_on_without_bias_correction() -> None:
    base = trained("adamw", "saver", kinds=())
    slots = [
        replace(
            slot_tensor(FAMILIES["adamw"], "keras_3", owner, kind, 0),
            name=SourceName(f"{owner}/adam_{kind}"),
            slot=f"adam_{kind}",
        )
        for owner in WEIGHTS
        for kind in ("m", "v")
    ]
    store = replace(without(base, "_power"), tensors=(*without(base, "_power"), *slots))
    schedule = {"class_name": "PolynomialDecay", "config": {}}
    arch = optimizing("adamw", kinds=("m", "v"), learning_rate=schedule, epsilon=1e-6)
    plan, optimizer = planned(store, arch)
    found = values(plan, store, arch)
    assert found["iteration"] == 17_321
    assert (optimizer.steps, optimizer.schedule_offset) == (37, 37 - 17_321)
    np.testing.assert_array_equal(found["b/bias/velocity"], value_of("b/bias", "v"))
    assert not losses(plan)


def test_an_average_of_squares_is_corrected_for_another_class() -> None:
    store, arch = (
        trained("adam", "keras_3", kinds=("m", "v")),
        optimizing("rmsprop", kinds=("rms",)),
    )
    plan, _ = planned(store, arch)
    factor = 1 / (1 - 0.999**37)
    np.testing.assert_allclose(
        values(plan, store, arch)["a/bias/velocity"], value_of("a/bias", "v") * factor, rtol=1e-6
    )
    assert "optimizer-other-family" in {finding.code for finding in plan.findings}


def test_relatives_name_slots_that_exist() -> None:
    for (have, want), relation in RELATIVES.items():
        kinds = {slot.kind for slot in FAMILIES[want].slots}
        source = {slot.kind for slot in FAMILIES[have].slots} | {"vhat"}
        assert relation.kinds.keys() <= kinds
        assert set(relation.kinds.values()) <= source


@pytest.mark.parametrize(
    ("betas", "bound"), [((0.9, 0.999), 7.27), ((0.9, 0.98), 1.70), ((0.5, 0.999), 18.3)]
)
def test_the_bound_of_the_first_moment(betas: tuple[float, float], bound: float) -> None:
    assert moment_bound(betas) == pytest.approx(bound, rel=5e-3)


@pytest.mark.parametrize(
    ("name", "kinds", "end", "change", "told"),
    [
        ("adam", ("m", "v"), "b_kernel_momentum", lambda m: m * 100, "another scale"),
        ("adam", ("m", "v", "vhat"), "a_bias_velocity_hat", lambda v: v * 0.01, "largest second"),
        ("rmsprop", None, "a_bias_average_gradient", lambda m: m + 5, "would be NaN"),
        ("rmsprop", None, "a_bias_velocity", lambda v: v - 9, "smallest value"),
        ("adagrad", None, "a_bias_accumulator", lambda v: v * np.nan, "NaN"),
    ],
)
def test_what_no_training_makes_is_found(
    name: str,
    kinds: tuple[str, ...] | None,
    end: str,
    change: Callable[[Array], Array],
    told: str,
) -> None:
    store, arch = trained(name, "keras_3", kinds=kinds), optimizing(name, kinds=kinds)
    assert not losses(planned(store, arch)[0])
    plan, _ = planned(edited(store, end, change), arch)
    assert any(told in finding.message for finding in plan.findings)


def test_swapped_moments_are_not_passed_on() -> None:
    store = trained("adam", "keras_3", kinds=("m", "v"))
    store = edited(store, "_momentum", lambda m: m * 0.3 - 0.2)
    swap = {"momentum": "velocity", "velocity": "momentum"}
    swapped = tuple(replace(t, slot=swap.get(t.slot, t.slot)) for t in store)
    arch = optimizing("adam", kinds=("m", "v"))
    plan, optimizer = planned(replace(store, tensors=swapped), arch)
    assert len(optimizer.fresh) == 9
    assert len(losses(plan)) == 1


def test_the_number_of_the_file_is_the_last_resort() -> None:
    store = trained("adam", "saver", steps=37, kinds=("m", "v"))
    arch = optimizing("adam", kinds=("m", "v"))
    named = replace(store, path="run/model.ckpt-50")
    plan, optimizer = planned(named, arch)
    assert optimizer.steps == 37
    assert "step-counts-differ" in {finding.code for finding in plan.findings}
    bare = without(named, "_power", "global_step")
    plan, optimizer = planned(bare, arch)
    assert optimizer.steps == 50
    assert values(plan, bare, arch)["iteration"] == 50
    assert "step-count-from-name" in {finding.code for finding in plan.findings}


def choice_of(store: TensorStore, keras: int = 3) -> Choice:
    found = chosen_optimizer(store, Reading(store), keras=keras)
    assert isinstance(found, Choice), found
    return found


def test_the_source_says_what_to_compile_with() -> None:
    store = trained("adam", "saver", kinds=("m", "v"))
    value = power(0.8, 37)
    tensors = (replace(t, fetch=lambda: value) if t.name == "beta1_power" else t for t in store)
    choice = choice_of(replace(store, tensors=tuple(tensors)))
    assert choice.class_name == "Adam"
    told = {name: (s.value, s.origin) for name, s in choice.settings.items()}
    assert told["learning_rate"] == (0.25, Origin.TENSOR)
    assert told["beta_1"] == (0.8, Origin.BETA_POWERS)
    assert told["epsilon"] == (1e-8, Origin.WRITER_DEFAULT)
    graph = '{"sgd": {"momentum": 0.99, "nesterov": true}}'
    store = trained("sgd", "saver")
    choice = choice_of(replace(store, attributes={"updates": graph}))
    assert choice.settings["momentum"].value == 0.99
    assert choice.settings["nesterov"].origin is Origin.GRAPH


def test_epsilon_outside_the_root_becomes_its_square() -> None:
    store = trained("rmsprop", "before", kinds=("rms",))
    config = '{"optimizer_config": {"class_name": "RMSprop", "config": {"epsilon": 0.001}}}'
    store = replace(store, attributes={"training_config": config})
    setting = choice_of(store).settings["epsilon"]
    assert (setting.value, setting.origin) == (pytest.approx(1e-6), Origin.CONVERTED)
    legacy = choice_of(store, keras=2)
    assert legacy.is_legacy
    assert legacy.settings["epsilon"].value == 0.001


def test_decay_of_old_becomes_a_schedule() -> None:
    store = trained("sgd", "before")
    config = '{"optimizer_config": {"class_name": "SGD", "config": {"decay": 0.01, "lr": 0.5}}}'
    choice = choice_of(replace(store, attributes={"training_config": config}))
    schedule = choice.settings["learning_rate"].value
    assert schedule["class_name"] == "InverseTimeDecay"
    assert schedule["config"]["decay_rate"] == 0.01


def test_a_weight_decay_of_addons_is_divided_by_the_rate() -> None:
    config = (
        '{"optimizer_config": {"class_name": "Addons>AdamW", "config": '
        '{"weight_decay": 0.01, "learning_rate": 0.25}}}'
    )
    store = replace(trained("adamw", "before"), attributes={"training_config": config})
    assert choice_of(store).settings["weight_decay"].value == pytest.approx(0.04)
    arch = optimizing("adamw", weight_decay=0.01)
    plan, _ = planned(store, arch)
    texts = [f.message for f in plan.findings if f.code == "update-rule-differs"]
    assert any("does not multiply" in text for text in texts)


def test_every_hyperparameter_has_an_origin() -> None:
    store, arch = trained("adam", "keras_3"), optimizing("adam", beta_1=0.9, epsilon=1e-7)
    _, optimizer = planned(store, arch)
    told = {setting.name: setting.origin for setting in optimizer.settings}
    assert told == {
        "learning_rate": Origin.TENSOR,
        "beta_1": Origin.ARCHITECTURE,
        "epsilon": Origin.ARCHITECTURE,
    }
    kinds = {v.path for v in arch if v.kind is VariableKind.OPTIMIZER}
    assert VariablePath("optimizer/iteration") in kinds
