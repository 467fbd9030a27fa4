"""The optimizer's state is carried over as a whole, or not at all, whoever stored it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tfrepair
from tests.planning.models import Reading, architecture, dense
from tests.planning.optimizers import (
    ERAS,
    SOURCES,
    WEIGHTS,
    has_era,
    kinds_of,
    optimizing,
    power,
    saved,
    slot_of,
    slot_tensor,
    trained,
    value_of,
)
from tfrepair.core.architecture import Architecture, VariableKind, VariablePath
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.plan import Confidence, Match, Plan
from tfrepair.core.state import ProvenanceKind
from tfrepair.core.tensor import Array, Health, Purpose, SourceName, Tensor, TensorStore
from tfrepair.planning.build import build_plan
from tfrepair.planning.dialects.optimizers import FAMILIES
from tfrepair.planning.edited import apply_plan_file
from tfrepair.planning.plan_file import parse_plan, plan_to_toml
from tfrepair.rebuild.apply import apply

GOLDEN = Path(__file__).parents[1] / "golden" / "tf_checkpoint"


def planned(store: TensorStore, arch: Architecture) -> Plan:
    return build_plan(store, arch, Reading(store))


def of_optimizer(plan: Plan, arch: Architecture) -> dict[str, Match]:
    kinds = {variable.path: variable.kind for variable in arch}
    found = (m for m in plan.matches if kinds[m.target] is VariableKind.OPTIMIZER)
    return {match.target.removeprefix("optimizer/"): match for match in found}


def losses(plan: Plan) -> list[Finding]:
    return [finding for finding in plan.findings if finding.severity is Severity.LOSS]


def values(plan: Plan, store: TensorStore, arch: Architecture) -> dict[str, Array]:
    state = apply(plan, store, arch)
    return {entry.path: entry.fetch() for entry in state.entries if entry.fetch is not None}


def changed(store: TensorStore, name: str, edit: Callable[[Tensor], Tensor | None]) -> TensorStore:
    edited = (edit(t) if t.name == name else t for t in store)
    return replace(store, tensors=tuple(t for t in edited if t is not None))


THEIR_OWN = {"adamweightdecay", "proximaladagrad"}
"""Families without a class in Keras: others go on from their slots."""


def pairs() -> list[tuple[str, str, str]]:
    found = []
    for family in FAMILIES.values():
        for source in SOURCES:
            for era in ERAS:
                if not (has_era(family, source) and has_era(family, era)):
                    continue
                is_crossed = (source == "before") != (era == "before")
                if family.name in THEIR_OWN or (family.name == "nadam" and is_crossed):
                    continue
                found.append((family.name, source, era))
    return found


@pytest.mark.parametrize(("name", "source", "era"), pairs())
def test_every_family_goes_from_every_era_to_every_era(name: str, source: str, era: str) -> None:
    kinds = kinds_of(FAMILIES[name])
    store, arch = trained(name, source), optimizing(name, era)
    plan = planned(store, arch)
    assert not losses(plan)
    assert plan.is_complete
    matches = of_optimizer(plan, arch)
    assert len(matches) == sum(v.kind is VariableKind.OPTIMIZER for v in arch)
    found = values(plan, store, arch)
    factor = np.float32(-0.25) if (name, source) == ("sgd", "saver") else np.float32(1)
    for owner in WEIGHTS:
        for kind in kinds:
            word = getattr(slot_of(FAMILIES[name], kind), era)
            have = found[f"optimizer/{owner}/{word}"]
            np.testing.assert_array_equal(have, value_of(owner, kind) * factor)
    step = "iter" if era == "before" else "iteration"
    assert found[f"optimizer/{step}"] == 37
    assert found["optimizer/learning_rate"] == np.float32(0.25)
    assert {m.confidence for m in matches.values()} <= {Confidence.CERTAIN, Confidence.STRONG}
    assert not [left for left in plan.leftover if left.reason.startswith("slot")]


def test_provenance_tells_what_was_read_and_what_was_converted() -> None:
    store, arch = trained("sgd", "saver"), optimizing("sgd")
    state = apply(planned(store, arch), store, arch).by_path
    kinds = {path.removeprefix("optimizer/"): str(e.provenance) for path, e in state.items()}
    assert kinds["a/kernel/momentum"] == "converted(scale:-0.25)"
    assert kinds["iteration"] == kinds["learning_rate"] == "read"
    store, arch = trained("adam", "saver"), optimizing("adam", kinds=("m", "v"))
    state = apply(planned(store, arch), store, arch).by_path
    provenances = {str(e.provenance) for p, e in state.items() if p.startswith("optimizer/")}
    assert provenances == {"read", "converted(steps:beta=0.9)"}
    store = replace(store, tensors=tuple(t for t in store if "Adam" not in t.name))
    state = apply(planned(store, arch), store, arch).by_path
    kind = {e.provenance.kind for p, e in state.items() if p.startswith("optimizer/")}
    assert kind == {ProvenanceKind.INITIALISED}


def test_slots_follow_what_was_done_to_their_weight() -> None:
    store, arch = trained("adam", "keras_3"), optimizing("adam", kinds=("m", "v"))
    swap = {"a/kernel": (2, 3)}
    path = "optimizer/a/kernel/momentum"
    turned = (replace(v, shape=swap.get(v.of or v.path, v.shape)) for v in arch)
    other = replace(arch, variables=tuple(turned))
    lines = "\n".join(f'"{owner}" = "{owner}"' for owner in WEIGHTS if owner != "a/kernel")
    assert losses(planned(store, other))  # the weight does not fit by itself
    text = f"""
        [plan]
        version = 1
        source = {{ path = "", digest = "" }}
        arch = {{ path = "", digest = "" }}
        [map]
        "a/kernel" = {{ from = "a/kernel", transform = "transpose:1,0" }}
        {lines}
        "{path}" = {{ from = "adam_2/a_kernel_momentum", transform = "transpose:1,0" }}
    """
    file = parse_plan(text.replace("        ", ""), "plan.toml")
    plan = apply_plan_file(file, planned(store, other), store, other, Reading(store))
    assert [finding.code for finding in losses(plan)] == ["optimizer-mixture"]
    found = values(plan, store, other)[path]
    np.testing.assert_array_equal(found, value_of("a/kernel", "m").T)


def test_a_stacked_weight_shares_out_its_slots() -> None:
    base = optimizing("adam", kinds=("m", "v"))
    store = trained("adam", "keras_3")
    loose = {"a/bias": (1, 2)}
    shaped = tuple(replace(v, shape=loose.get(v.of or v.path, v.shape)) for v in base)
    arch = replace(base, variables=shaped)
    plan = planned(store, arch)
    matches = of_optimizer(plan, arch)
    assert str(matches["a/bias/velocity"].transform) == "reshape:1,2"
    assert matches["a/bias/velocity"].confidence is Confidence.STRONG


def test_adam_and_adamw_take_each_others_slots() -> None:
    for source, target in (("adam", "adamw"), ("adamw", "adam")):
        plan = planned(trained(source, "keras_3"), optimizing(target))
        assert not losses(plan)
        assert len(of_optimizer(plan, optimizing(target))) == 10


@pytest.mark.parametrize(
    ("have", "want"), [("sgd", "adam"), ("adam", "adamax"), ("rmsprop", "adam"), ("lion", "sgd")]
)
def test_slots_of_another_family_are_never_used(have: str, want: str) -> None:
    arch = optimizing(want)
    plan = planned(trained(have, "keras_3"), arch)
    assert not of_optimizer(plan, arch)
    (finding,) = losses(plan)
    assert finding.code == "optimizer-state-lost"
    assert f"{len(kinds_of(FAMILIES[have])) * 4} slots of {FAMILIES[have].title}" in finding.message
    assert plan.is_complete


def damage(kind: str) -> Callable[[Tensor], Tensor | None]:
    def edit(tensor: Tensor) -> Tensor | None:
        value = tensor.fetch().copy()
        match kind:
            case "missing":
                return None
            case "corrupt":
                return replace(tensor, health=Health.CORRUPT)
            case "nan":
                value[..., 0] = np.nan
            case "negative":
                value[..., 0] = -1
            case "shape":
                value = value.reshape(1, -1)
            case _:
                value = value.astype("int32")
        return replace(tensor, shape=value.shape, dtype=value.dtype.name, fetch=lambda: value)

    return edit


@pytest.mark.parametrize("kind", ["missing", "corrupt", "nan", "negative", "shape", "integers"])
@pytest.mark.parametrize("source", SOURCES[:-1])
def test_one_bad_second_moment_costs_the_whole_optimizer(kind: str, source: str) -> None:
    arch = optimizing("adam", kinds=("m", "v"))
    store = trained("adam", source, kinds=("m", "v"))
    (name,) = [t.name for t in store if t.slot_of == "b/kernel" and t.slot in
               ("Adam_1", "v", "velocity")]  # fmt: skip
    plan = planned(changed(store, name, damage(kind)), arch)
    assert set(of_optimizer(plan, arch)) == {"learning_rate"}
    (finding,) = losses(plan)
    assert "step 0" in finding.message
    assert plan.is_complete
    assert plan.optimizer is not None
    assert (plan.optimizer.steps, plan.optimizer.counter) == (37, 0)
    discarded = [entry for entry in plan.optimizer.fresh if entry.discarded]
    assert len(discarded) == 7


@pytest.mark.parametrize("kind", ["missing", "corrupt", "nan", "shape", "integers"])
def test_one_bad_first_moment_costs_only_itself(kind: str) -> None:
    arch = optimizing("adam", kinds=("m", "v"))
    store = trained("adam", "keras_3", kinds=("m", "v"))
    (name,) = [t.name for t in store if t.slot_of == "b/kernel" and t.slot == "momentum"]
    plan = planned(changed(store, name, damage(kind)), arch)
    assert len(of_optimizer(plan, arch)) == 9
    (finding,) = losses(plan)
    assert finding.code == "optimizer-partly-lost"
    assert "1 of 8 slots" in finding.message
    assert plan.optimizer is not None
    assert [entry.target for entry in plan.optimizer.fresh] == ["optimizer/b/kernel/momentum"]


@given(
    lost=st.sets(st.sampled_from([f"{o}/{k}" for o in WEIGHTS for k in ("m", "v")]) | st.just("t")),
    source=st.sampled_from(SOURCES),
)
def test_never_a_mixture(lost: set[str], source: str) -> None:
    arch = optimizing("adam", kinds=("m", "v"))
    store = trained("adam", source, kinds=("m", "v"))
    kinds = {"Adam": "m", "momentum": "m", "Adam_1": "v", "velocity": "v"}
    gone = {t.name for t in store if f"{t.slot_of}/{kinds.get(t.slot, t.slot)}" in lost}
    if "t" in lost:
        gone |= {t.name for t in store if t.purpose is Purpose.COUNTER or "power" in t.name}
    store = replace(store, tensors=tuple(t for t in store if t.name not in gone))
    plan = planned(store, arch)
    slots = {path: m for path, m in of_optimizer(plan, arch).items() if "/" in path}
    is_reset = any(f"{owner}/v" in lost for owner in WEIGHTS)
    assert len(slots) == (0 if is_reset else 8 - len(lost - {"t"}))
    found = values(plan, store, arch)
    steps = int(found.get("optimizer/iteration", 0))
    assert steps == (0 if is_reset else 17_321 if "t" in lost else 37)
    all_lost = all(f"{o}/{k}" in lost for o in WEIGHTS for k in ("m", "v"))
    assert bool(losses(plan)) == bool(lost and not all_lost)
    sources = [source for match in plan.matches for source in match.sources]
    assert len(sources) == len(set(sources))
    left = {leftover.source for leftover in plan.leftover}
    assert not left & set(sources)
    assert left | set(sources) == {t.name for t in store}
    assert plan.optimizer is not None
    decided = [m.target for m in plan.matches]
    decided += [entry.target for entry in plan.optimizer.rebuilt]
    decided += [entry.target for entry in plan.optimizer.fresh]
    every = [v.path for v in arch]
    assert sorted(set(decided) | {VariablePath("optimizer/learning_rate")}) == sorted(every)
    assert len(decided) == len(set(decided))
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan
    file = parse_plan(plan_to_toml(plan), "plan.toml")
    again = apply_plan_file(file, plan, store, arch, Reading(store))
    assert again == plan


def test_two_optimizers_of_one_family_are_a_tie() -> None:
    store, arch = trained("adam", "keras_3", kinds=("m", "v")), optimizing("adam")
    twins = tuple(
        replace(
            t,
            name=SourceName(f"twin/{t.name}"),
            origin=replace(t.origin, key=t.origin.key.replace("optimizer/", "twin/")),
        )
        for t in store
        if t.origin.key.startswith("optimizer/")
    )
    plan = planned(replace(store, tensors=(*store.tensors, *twins)), arch)
    assert not of_optimizer(plan, arch)
    (finding,) = losses(plan)
    assert "nothing decides" in finding.message


def test_the_architecture_decides_between_families() -> None:
    adam, momentum = trained("adam", "saver", kinds=("m", "v")), trained("sgd", "saver")
    store = replace(adam, tensors=(*adam.tensors, *(t for t in momentum if "Momentum" in t.name)))
    for name, taken, left in (("adam", "Adam", "Momentum"), ("sgd", "Momentum", "Adam")):
        arch = optimizing(name, kinds=("m", "v") if name == "adam" else None)
        plan = planned(store, arch)
        slots = [m.source for p, m in of_optimizer(plan, arch).items() if "/" in p]
        assert slots
        assert all(taken in source for source in slots)
        (finding,) = losses(plan)
        assert finding.code == "optimizer-slots-unused"
        assert left in finding.message


def test_momentum_of_tensorflow_1_needs_the_one_learning_rate() -> None:
    store, arch = trained("sgd", "saver"), optimizing("sgd")
    bare = changed(store, "learning_rate", lambda _: None)
    rate = next(t for t in store if t.name == "learning_rate")
    other = replace(
        rate, name=SourceName("gan/learning_rate"), fetch=lambda: np.asarray(1, "float32")
    )
    for source in (bare, replace(store, tensors=(*store.tensors, other))):
        plan = planned(source, arch)
        assert set(of_optimizer(plan, arch)) == {"iteration"}
        (finding,) = losses(plan)
        assert "learning rate" in finding.message


def test_a_person_who_knows_the_rate_writes_it_into_the_plan() -> None:
    store, arch = trained("sgd", "saver"), optimizing("sgd")
    store = changed(store, "learning_rate", lambda _: None)
    fresh = planned(store, arch)
    lines = "".join(
        f'"optimizer/{owner}/momentum" = '
        f'{{ from = "{owner}/Momentum", transform = "scale:-0.5" }}\n'
        for owner in WEIGHTS
    )
    text = plan_to_toml(fresh)
    head, _, tail = text.partition("[unused]")
    file = parse_plan(head + lines + "[unused]" + tail, "plan.toml")
    plan = apply_plan_file(file, fresh, store, arch, Reading(store))
    assert not losses(plan)
    matches = of_optimizer(plan, arch)
    by_hand = {path for path, m in matches.items() if m.confidence is Confidence.MANUAL}
    assert by_hand == {f"{owner}/momentum" for owner in WEIGHTS}
    found = values(plan, store, arch)["optimizer/b/bias/momentum"]
    np.testing.assert_array_equal(found, value_of("b/bias", "momentum") * np.float32(-0.5))


def steps_of(store: TensorStore, **config: Any) -> tuple[int, str, list[str]]:
    arch = optimizing("adam", kinds=("m", "v"), **config)
    plan = planned(store, arch)
    match = of_optimizer(plan, arch)["iteration"]
    value = int(values(plan, store, arch)["optimizer/iteration"])
    return (
        value,
        str(match.transform),
        [f.code for f in plan.findings if f.code != "epsilon-unknown"],
    )


def with_power(store: TensorStore, number: int, beta: float, steps: int) -> TensorStore:
    value = power(beta, steps)
    return changed(store, f"beta{number}_power", lambda t: replace(t, fetch=lambda: value))


@pytest.mark.parametrize("steps", [0, 1, 100, 827, 828, 4000])
def test_steps_come_from_beta_powers(steps: int) -> None:
    store = trained("adam", "saver", steps=steps, kinds=("m", "v"))
    beta = "0.9" if steps < 828 else "0.999"
    expected = ["learning-rate-restored"]
    assert steps_of(store) == (steps, f"steps:beta={beta}", expected)


def test_a_count_that_both_powers_have_lost_comes_from_the_global_step() -> None:
    store = trained("adam", "saver", steps=3, kinds=("m", "v"))
    for number in (1, 2):
        store = changed(
            store,
            f"beta{number}_power",
            lambda t: replace(t, fetch=lambda: np.asarray(0, "float32")),
        )
    bounded = steps_of(store)
    assert bounded[:2] == (87_293, "steps:beta=0.999")
    assert "step-count-bounded" in bounded[2]
    late = np.asarray(100_000)
    store = changed(store, "global_step", lambda t: replace(t, fetch=lambda: late))
    assert steps_of(store)[:2] == (100_000, "identity")


def test_betas_of_the_training_are_found_by_their_powers() -> None:
    store = with_power(trained("adam", "saver", kinds=("m", "v")), 2, 0.98, 37)
    value, transform, codes = steps_of(store)
    assert (value, transform) == (37, "steps:beta=0.9")
    assert "betas-differ" in codes
    assert steps_of(store, beta_2=0.98)[2] == ["learning-rate-restored"]


def test_counts_that_contradict_each_other_are_named() -> None:
    store = trained("adam", "saver", steps=37, kinds=("m", "v"))
    other = changed(store, "global_step", lambda t: replace(t, fetch=lambda: np.asarray(74)))
    assert "step-counts-differ" in steps_of(other)[2]
    arch = optimizing("adam", kinds=("m", "v"))
    plan = planned(with_power(store, 2, 0.999, 40), arch)
    (finding,) = losses(plan)
    assert "no pair of betas" in finding.message
    assert "17321 is taken" in finding.message


def zeroed(tensor: Tensor) -> Tensor:
    return replace(tensor, fetch=lambda: np.zeros(tensor.shape, "float32"))


@pytest.mark.parametrize("name", ["adam", "sgd"])
def test_object_based_saves_of_tensorflow_1_keep_its_meaning(name: str) -> None:
    slots = {"Adam": "m", "Adam_1": "v", "Momentum": "momentum"}
    store, arch = trained(name, "saver"), optimizing(name)
    ends = {t.name: slots.get(t.slot, "") for t in store}
    ways = {
        t.name: f"{t.slot_of}/.OPTIMIZER_SLOT/optimizer/optimizer/{ends[t.name]}" if t.slot
        else f"optimizer/optimizer/{t.name}" for t in store
    }  # fmt: skip
    keyed = tuple(
        replace(
            t,
            slot=ends[t.name],
            origin=replace(t.origin, key=f"{ways[t.name]}/.ATTRIBUTES/VARIABLE_VALUE"),
        )
        for t in store
    )
    have, want = planned(replace(store, tensors=keyed), arch), planned(store, arch)
    assert of_optimizer(have, arch) == of_optimizer(want, arch)
    assert have.findings == want.findings


def test_zeros_that_nobody_wants_are_no_loss() -> None:
    family = FAMILIES["rmsprop"]
    plain = [
        slot_tensor(family, "saver", owner, kind, place)
        for owner in WEIGHTS
        for place, kind in enumerate(("rms", "momentum"))
    ]
    still = trained("rmsprop", "saver", kinds=())
    arch = optimizing("rmsprop", kinds=("rms",))
    store = saved("saver", (*still.tensors, *plain), "")
    (finding,) = losses(planned(store, arch))
    assert finding.code == "optimizer-slots-unused"
    zeros = [zeroed(t) if t.slot == "RMSProp_1" else t for t in plain]
    assert not losses(planned(saved("saver", (*still.tensors, *zeros), ""), arch))


def test_update_rules_that_differ_are_named() -> None:
    arch = optimizing("rmsprop", kinds=("rms",))
    plan = planned(trained("rmsprop", "before", kinds=("rms",)), arch)
    assert "update-rule-differs" in {finding.code for finding in plan.findings}
    plan = planned(trained("rmsprop", "since", kinds=("rms",)), arch)
    assert "update-rule-differs" not in {finding.code for finding in plan.findings}


@pytest.mark.parametrize(("source", "era"), [("before", "keras_3"), ("since", "before")])
def test_nadam_across_2_11_is_the_nearest_there_is(source: str, era: str) -> None:
    arch = optimizing("nadam", era)
    store = trained("nadam", source)
    plan = planned(store, arch)
    assert not losses(plan)
    assert "update-rule-differs" in {finding.code for finding in plan.findings}
    word, speed = ("variable", 1.0) if era == "keras_3" else ("momentum_cache", 0.004)
    product = 1.0
    for step in range(1, 38):
        product *= 0.9 * (1 - 0.5 * 0.96 ** (speed * step))
    state = apply(plan, store, arch).by_path[VariablePath(f"optimizer/{word}")]
    assert state.fetch is not None
    np.testing.assert_allclose(state.fetch(), product, rtol=1e-5)
    assert str(state.provenance).startswith("derived(nadam_product")


def test_a_learning_rate_that_only_a_configuration_states_is_restored() -> None:
    store = changed(trained("sgd", "keras_file"), "optimizer/learning_rate", lambda _: None)
    arch = optimizing("sgd")
    plan = planned(store, arch)
    assert values(plan, store, arch)["optimizer/learning_rate"] == np.float32(0.25)
    (note,) = [f for f in plan.findings if f.code == "learning-rate-restored"]
    assert "training_config" in note.message
    assert not planned(store, optimizing("sgd", learning_rate=0.25)).findings


def test_without_slots_nothing_is_lost() -> None:
    store = trained("adam", "saver", kinds=())
    arch = optimizing("adam")
    assert not losses(planned(store, arch))
    assert not of_optimizer(planned(store, arch), arch)


def test_without_an_optimizer_a_note_says_how_to_keep_it() -> None:
    arch = architecture(dense("a", 3, 2), dense("b", 2, 4))
    plan = planned(trained("adam", "since"), arch)
    (finding,) = [f for f in plan.findings if f.code == "optimizer-left-out"]
    assert finding.severity is Severity.NOTE
    assert "8 slots of Adam" in finding.message


def test_averages_keep_the_slots_of_their_weights() -> None:
    store = trained("adam", "saver", kinds=("m", "v"))
    averages = tuple(
        replace(
            slot_tensor(FAMILIES["adam"], "saver", owner, "m", 0),
            name=SourceName(f"{owner}/ExponentialMovingAverage"),
            purpose=Purpose.AVERAGE,
            slot="ExponentialMovingAverage",
        )
        for owner in WEIGHTS
    )
    store = replace(store, tensors=(*store.tensors, *averages))
    arch = optimizing("adam", kinds=("m", "v"))
    plan = build_plan(store, arch, Reading(store), use_averages=True)
    assert not losses(plan)
    assert len(of_optimizer(plan, arch)) == 10
    assert not [f for f in plan.findings if f.code == "no-average"]


def test_a_real_file_with_six_optimizers() -> None:
    store = tfrepair.open(GOLDEN / "tf1_15" / "training.v2")
    base = optimizing("adam", kinds=("m", "v"))
    names = {"a/kernel": "net/dense/kernel", "a/bias": "net/dense/bias"}
    shapes = {"net/dense/kernel": (4, 2), "net/dense/bias": (2,)}
    variables = tuple(
        replace(
            v,
            path=VariablePath(names.get(v.path, v.path).replace(v.of or "/", names.get(v.of, "/"))),
            of=names.get(v.of, ""),
            shape=shapes.get(names.get(v.of or v.path, ""), v.shape),
            layer=v.layer and "net/dense",
        )
        for v in base
        if not (v.of or v.path).startswith("b/")
    )  # fmt: skip
    arch = replace(base, variables=variables)
    plan = planned(store, arch)
    matches = of_optimizer(plan, arch)
    assert matches["net/dense/kernel/velocity"].source == "net/dense/kernel/Adam_1"
    assert str(matches["iteration"].transform) == "steps:beta=0.9"
    count = int(values(plan, store, arch)["optimizer/iteration"])
    assert count == int(store["global_step"].fetch())
    (finding,) = losses(plan)
    assert "3 of RMSProp" in finding.message
