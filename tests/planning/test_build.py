from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.planning.models import Reading, architecture, batch_norm, dense, listed, store
from tfrepair.core.architecture import Architecture
from tfrepair.core.errors import PlanError, Stale, UsageError
from tfrepair.core.plan import Confidence, Plan, Reference
from tfrepair.core.tensor import Array, Purpose, TensorStore
from tfrepair.planning.build import build_plan
from tfrepair.planning.edited import apply_plan_file
from tfrepair.planning.plan_file import parse_plan, plan_to_toml
from tfrepair.rebuild.apply import apply

SEED = architecture(dense("dense", 10, 128), dense("dense_1", 128, 1))
SEED_SHAPES = ((10, 128), (128,), (128, 1), (1,))


def planned(source: TensorStore, arch: Architecture, order: str = "") -> Plan:
    return build_plan(source, arch, Reading(source), order=order)


def pairs(plan: Plan) -> dict[str, str]:
    return {match.target: match.source for match in plan.matches}


def zeros(*shape: int) -> Array:
    return np.zeros(shape, "float32")


def test_a_list_that_fits_is_placed_by_order() -> None:
    plan = planned(listed(*SEED_SHAPES), SEED)
    assert plan.is_complete
    assert list(pairs(plan).values()) == ["0", "1", "2", "3"]
    assert {match.confidence for match in plan.matches} == {Confidence.ORDER}


@pytest.mark.parametrize(
    "shapes",
    [SEED_SHAPES[:3], (*SEED_SHAPES, (1,)), (SEED_SHAPES[1], SEED_SHAPES[0], *SEED_SHAPES[2:])],
    ids=["short", "long", "swapped"],
)
def test_a_list_that_does_not_fit_fills_nothing(shapes: tuple[tuple[int, ...], ...]) -> None:
    plan = planned(listed(*shapes), SEED)
    assert not plan.matches
    assert len(plan.missing) == 4
    assert any(finding.code == "list-does-not-fit" for finding in plan.findings)


def test_equal_shapes_saved_as_one_array_are_split() -> None:
    arch = architecture(dense("a", 4, 4), dense("b", 4, 4))
    biases = tuple(v for v in arch.variables if v.shape == (4,))
    only_biases = architecture(biases)
    source = store({"array": np.arange(8, dtype="float32").reshape(2, 4)}, named=False)
    plan = planned(source, only_biases)
    assert [m.transform.run(source["array"].fetch()).tolist() for m in plan.matches] == [
        [0.0, 1.0, 2.0, 3.0],
        [4.0, 5.0, 6.0, 7.0],
    ]


def test_two_orders_that_fit_are_a_tie() -> None:
    arch = architecture(batch_norm("bn", 4), batch_norm("bn_b", 4))
    plan = planned(listed(*((4,),) * 8), arch)
    assert plan.ties
    assert not plan.is_complete
    assert planned(listed(*((4,),) * 8), arch, order="keras-3").is_complete


def test_a_negative_variance_refutes_an_order() -> None:
    arch = architecture(batch_norm("bn", 4), batch_norm("bn_b", 4))
    values = {str(place): np.full(4, 0.5, "float32") for place in range(8)}
    values["5"] = np.full(4, -0.5, "float32")  # the second beta; trainable-first: a moving mean
    values["6"] = np.full(4, -0.5, "float32")  # the second mean; trainable-first: a variance
    plan = planned(store(values, named=False), arch)
    assert plan.convention == "keras-3"
    assert plan.is_complete


def test_an_unknown_order_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="keras-3"):
        planned(listed(*SEED_SHAPES), SEED, order="backwards")


NAMED = architecture(dense("conv1", 3, 4), dense("fc", 4, 4))


@pytest.mark.parametrize(
    ("names", "confidence"),
    [
        (
            ["conv1/weights:0", "conv1/biases:0", "fc/weights:0", "fc/biases:0"],
            Confidence.CERTAIN,
        ),
        (["conv1/kernel", "conv1/bias", "fc/kernel", "fc/bias"], Confidence.CERTAIN),
        (["conv1_w", "conv1_b", "fc_w", "fc_b"], Confidence.CERTAIN),
        (["net/conv1/W", "net/conv1/b", "net/fc/W", "net/fc/b"], Confidence.STRONG),
        (["conv1/0", "conv1/1", "fc/0", "fc/1"], Confidence.STRONG),
        (["W1", "b1", "W2", "b2"], Confidence.ORDER),
    ],
)
def test_names_are_read(names: list[str], confidence: Confidence) -> None:
    shapes = [(3, 4), (4,), (4, 4), (4,)]
    values = {name: zeros(*shape) for name, shape in zip(names, shapes, strict=True)}
    plan = planned(store(values), NAMED)
    assert list(pairs(plan).values()) == names
    assert {match.confidence for match in plan.matches} == {confidence}


@given(order=st.permutations(range(4)))
def test_the_order_of_named_tensors_does_not_matter(order: list[int]) -> None:
    names = ["conv1/weights", "conv1/biases", "fc/weights", "fc/biases"]
    shapes = [(3, 4), (4,), (4, 4), (4,)]
    values = {names[place]: zeros(*shapes[place]) for place in order}
    assert list(pairs(planned(store(values), NAMED)).values()) == names


def test_keras_2_counts_from_one() -> None:
    arch = architecture(dense("dense", 4, 4), dense("dense_1", 4, 4))
    values = {
        f"{layer}/{leaf}": zeros(*shape)
        for layer in ("dense_1", "dense_2")
        for leaf, shape in (("kernel", (4, 4)), ("bias", (4,)))
    }
    plan = planned(store(values), arch)
    assert pairs(plan)["dense/kernel"] == "dense_1/kernel"
    assert pairs(plan)["dense_1/kernel"] == "dense_2/kernel"
    assert {match.confidence for match in plan.matches} == {Confidence.STRONG}


def test_automatic_names_that_do_not_line_up_are_refused() -> None:
    arch = architecture(dense("dense", 4, 4), dense("dense_1", 4, 4))
    values = {"dense_1/kernel": zeros(4, 4), "dense_1/bias": zeros(4)}
    plan = planned(store(values), arch)
    assert not plan.matches
    assert "do not line up" in plan.missing[0].reason


def test_a_layer_with_one_weight_may_lend_it_its_name() -> None:
    (embeddings, _) = dense("emb", 7, 4)
    arch = architecture((embeddings,), dense("dense", 4, 2))
    values = {"net/emb": zeros(7, 4), "net/dense/kernel": zeros(4, 2), "net/dense/bias": zeros(2)}
    plan = planned(store(values), arch)
    assert pairs(plan)["emb/kernel"] == "net/emb"
    assert plan.is_complete
    assert {match.confidence for match in plan.matches} == {Confidence.STRONG}


def test_the_cell_of_a_recurrent_layer_is_the_layer() -> None:
    arch = architecture(dense("lstm/lstm_cell", 4, 4), dense("lstm_1/lstm_cell", 4, 4))
    for names in (("lstm", "lstm_1"), ("lstm/lstm_cell_5", "lstm_1/lstm_cell_6")):
        values = {
            f"{layer}/{leaf}": zeros(*shape)
            for layer in names
            for leaf, shape in (("kernel", (4, 4)), ("bias", (4,)))
        }
        plan = planned(store(values), arch)
        assert pairs(plan)["lstm/lstm_cell/kernel"] == f"{names[0]}/kernel"
        assert pairs(plan)["lstm_1/lstm_cell/bias"] == f"{names[1]}/bias"


def test_two_scopes_with_the_same_layer_are_a_tie() -> None:
    arch = architecture(dense("conv1", 4, 4))
    values = {
        f"{scope}/conv1/{leaf}": zeros(*shape)
        for scope in ("generator", "discriminator")
        for leaf, shape in (("weights", (4, 4)), ("biases", (4,)))
    }
    plan = planned(store(values), arch)
    assert not plan.matches
    assert {path for tie in plan.ties for path in tie.targets} == {"conv1/kernel", "conv1/bias"}


def test_a_name_with_another_shape_is_a_gap_that_names_it() -> None:
    values = {
        "conv1/weights": zeros(9, 4),
        "conv1/biases": zeros(4),
        "fc/weights": zeros(4, 4),
        "fc/biases": zeros(4),
    }
    plan = planned(store(values), NAMED)
    (gap,) = plan.missing
    assert gap.target == "conv1/kernel"
    assert gap.candidates == ("conv1/weights",)
    assert "(9, 4)" in gap.reason


def test_a_list_inside_a_container_is_found() -> None:
    values = {"epoch": np.array(3)} | {
        f"weights/{place}": np.ones(shape, "float32") for place, shape in enumerate(SEED_SHAPES)
    }
    plan = planned(store(values), SEED)
    assert plan.is_complete
    assert [left.source for left in plan.leftover] == ["epoch"]


def test_natural_order_of_enumerated_names() -> None:
    arch = architecture(*(dense(f"layer{place}", 4, 4) for place in range(6)))
    shapes = [(4, 4), (4,)] * 6
    values = {f"arr_{place}": zeros(*shapes[place]) for place in sorted(range(12), key=str)}
    plan = planned(store(values, named=False), arch)
    assert list(pairs(plan).values()) == [f"arr_{place}" for place in range(12)]


def test_values_that_a_cast_would_destroy_are_refused() -> None:
    values = [np.zeros(shape, "float64") for shape in SEED_SHAPES]
    values[0][0, 0] = 1e300
    source = store({str(place): value for place, value in enumerate(values)}, named=False)
    plan = planned(source, SEED)
    (gap,) = plan.missing
    assert gap.target == "dense/kernel"
    assert "do not fit float32" in gap.reason


def test_what_is_not_finite_is_reported() -> None:
    values = [np.zeros(shape, "float32") for shape in SEED_SHAPES]
    values[1][3] = np.nan
    source = store({str(place): value for place, value in enumerate(values)}, named=False)
    (finding,) = [f for f in planned(source, SEED).findings if f.code == "not-finite"]
    assert finding.where == "1"
    assert "1 NaN" in finding.message


SOURCE = Reference(path="w.npy", digest="s" * 64)
ARCH = Reference(path="model.py", digest="a" * 64)


def test_an_unchanged_plan_file_keeps_its_confidence() -> None:
    source = listed(*SEED_SHAPES)
    plan = planned(source, SEED).with_references(SOURCE, ARCH)
    text = plan_to_toml(plan)
    again = apply_plan_file(parse_plan(text, "plan.toml"), plan, source, SEED, Reading(source))
    assert again.matches == plan.matches
    assert plan_to_toml(again) == text
    assert Plan.from_json(plan.to_json()) == plan


def test_an_edited_line_is_manual_and_settles_a_tie() -> None:
    arch = architecture(dense("a", 4, 4))
    source = listed((4, 4), (4,), (4,))
    plan = planned(source, arch).with_references(SOURCE, ARCH)
    assert not plan.is_complete
    text = plan_to_toml(plan).replace(
        "[map]",
        '[map]\n"a/kernel" = { from = "0", transform = "transpose:1,0" }\n"a/bias" = "2"',
        1,
    )
    edited = apply_plan_file(parse_plan(text, "plan.toml"), plan, source, arch, Reading(source))
    assert edited.is_complete
    assert [str(m.transform) for m in edited.matches] == ["transpose:1,0", "identity"]
    assert {m.confidence for m in edited.matches} == {Confidence.MANUAL}
    assert [left.source for left in edited.leftover] == ["1"]


def test_a_plan_for_another_source_is_stale() -> None:
    source = listed(*SEED_SHAPES)
    plan = planned(source, SEED).with_references(SOURCE, ARCH)
    other = plan.with_references(Reference(path="x.npy", digest="t" * 64), ARCH)
    with pytest.raises(Stale, match="another source"):
        apply_plan_file(
            parse_plan(plan_to_toml(plan), "plan.toml"), other, source, SEED, Reading(source)
        )


def test_every_bad_line_is_named() -> None:
    source = listed(*SEED_SHAPES)
    plan = planned(source, SEED).with_references(SOURCE, ARCH)
    text = plan_to_toml(plan).replace('"dense/kernel" = "0"', '"dense/kernell" = "0"')
    text = text.replace('"dense/bias" = "1"', '"dense/bias" = "0"')
    with pytest.raises(PlanError) as caught:
        apply_plan_file(parse_plan(text, "plan.toml"), plan, source, SEED, Reading(source))
    assert 'did you mean "dense/kernel"?' in str(caught.value)
    assert '"dense/bias": expected shape (128,), found (10, 128)' in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["[plan", "[plan]\nversion = 9", '[plan]\nversion = 1\n[map]\n"a" = { from = "b", by = 1 }'],
    ids=["not toml", "version", "key"],
)
def test_a_broken_plan_file_is_a_plan_error(text: str) -> None:
    with pytest.raises(PlanError, match=r"plan\.toml"):
        parse_plan(text, "plan.toml")


def test_what_the_source_calls_a_slot_never_competes_as_a_weight() -> None:
    kernel = np.ones((10, 128), "float32")
    source = store({"dense/kernel": kernel, "dense/kernel/Adam": 2 * kernel})
    slot = replace(source["dense/kernel/Adam"], purpose=Purpose.SLOT, slot="Adam",
                   slot_of="dense/kernel")  # fmt: skip
    source = replace(source, tensors=(slot, source["dense/kernel"]))
    plan = planned(source, architecture(dense("dense", 10, 128)))
    assert pairs(plan)["dense/kernel"] == "dense/kernel"
    assert {left.source: left.reason for left in plan.leftover} == {
        "dense/kernel/Adam": "slot: Adam of dense/kernel"
    }


def test_a_line_may_take_several_tensors() -> None:
    values = {"left": np.ones((2, 3), "float32"), "right": np.full((2, 2), 2, "float32")}
    weights = store(values)
    arch = architecture(dense("fc", 2, 5)[:1])
    reference = Reference(path="w", digest="d" * 64)
    fresh = build_plan(weights, arch, Reading(weights)).with_references(reference, reference)
    lines = (
        '"fc/kernel" = [{ from = "left", transform = "into::,0:3" }, '
        '{ from = "right", transform = "into::,3:STOP" }]'
    )
    text = plan_to_toml(fresh).split("[map]")[0] + "[map]\n" + lines

    edited = parse_plan(text.replace("STOP", "5"), "plan.toml")
    plan = apply_plan_file(edited, fresh, weights, arch, Reading(weights))
    (match,) = plan.matches
    assert (match.sources, match.confidence) == (("left", "right"), Confidence.MANUAL)
    assert not plan.leftover
    again = parse_plan(plan_to_toml(plan), "plan.toml")
    assert again.lines == edited.lines
    assert Plan.from_json(plan.to_json()) == plan
    (entry,) = apply(plan, weights, arch).entries
    assert entry.fetch is not None
    np.testing.assert_array_equal(entry.fetch(), np.concatenate([*values.values()], axis=1))

    outside = parse_plan(text.replace("STOP", "6"), "plan.toml")
    with pytest.raises(PlanError, match="lies outside of a variable of shape"):
        apply_plan_file(outside, fresh, weights, arch, Reading(weights))
