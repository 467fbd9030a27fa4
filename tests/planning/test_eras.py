"""Files of earlier eras of Keras: what is certain is converted, what is not is a tie."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.planning.models import Reading, architecture, dense, store
from tfrepair.core.architecture import (
    Architecture,
    LayerNode,
    Role,
    TensorSpec,
    Variable,
    VariablePath,
)
from tfrepair.core.plan import Confidence, Plan
from tfrepair.core.tensor import Array, Shape, TensorStore
from tfrepair.planning.build import build_plan
from tfrepair.rebuild.apply import apply

RNG = np.random.default_rng(2)
ROLES = {
    "kernel": Role.KERNEL,
    "recurrent_kernel": Role.RECURRENT_KERNEL,
    "bias": Role.BIAS,
    "moving_variance": Role.MOVING_VARIANCE,
}


def made(*shape: int) -> Array:
    return RNG.uniform(0.1, 1, shape).astype("float32")


def layer(path: str, class_name: str, **shapes: Shape) -> tuple[Variable, ...]:
    return tuple(
        Variable(
            path=VariablePath(f"{path}/{leaf}"),
            shape=shape,
            dtype="float32",
            trainable=True,
            role=ROLES[leaf],
            layer=path,
            layer_class=class_name,
        )
        for leaf, shape in shapes.items()
    )


def file_of(
    values: Mapping[str, Array], layers: Mapping[str, Any] = {}, **more: str
) -> TensorStore:
    attributes = {"layout": "lists", **more}
    if layers:
        attributes["layers"] = json.dumps(layers)
    return replace(store(values), attributes=attributes)


def planned(source: TensorStore, arch: Architecture) -> Plan:
    return build_plan(source, arch, Reading(source))


def filled(source: TensorStore, arch: Architecture) -> dict[str, Array]:
    plan = planned(source, arch)
    assert plan.is_complete, (plan.missing, plan.ties)
    state = apply(plan, source, arch)
    return {e.path: e.fetch() for e in state.entries if e.fetch is not None}


def gates(unit: str, letters: str) -> dict[str, Array]:
    values: dict[str, Array] = {}
    for gate in letters:
        values |= {
            f"{unit}W_{gate}": made(3, 2),
            f"{unit}U_{gate}": made(2, 2),
            f"{unit}b_{gate}": made(2),
        }
    return values


def test_gates_of_keras_1_are_put_together() -> None:
    values = gates("rnn/", "icfo")
    arch = architecture(
        layer("rnn", "LSTM", kernel=(3, 8), recurrent_kernel=(2, 8), bias=(8,)), dense("fc", 2, 1)
    )
    source = file_of(values | {"fc/W": made(2, 1), "fc/b": made(1)}, era="1", kernels="tensorflow")
    found = filled(source, arch)
    for leaf, letter in (("kernel", "W"), ("recurrent_kernel", "U"), ("bias", "b")):
        expected = np.concatenate([values[f"rnn/{letter}_{gate}"] for gate in "ifco"], axis=-1)
        np.testing.assert_array_equal(found[f"rnn/{leaf}"], expected)
    plan = planned(source, arch)
    (kernel,) = [match for match in plan.matches if match.target == "rnn/kernel"]
    assert kernel.sources == tuple(f"rnn/W_{gate}" for gate in "ifco")
    assert kernel.confidence is Confidence.STRONG
    assert not plan.leftover


def both_of(name: str, inner: str, kernel: Shape, bias: Shape) -> tuple[Architecture, list[str]]:
    """A model whose only layer is a ``Bidirectional``."""
    paths = [f"{name}/forward_{inner}", f"{name}/backward_{inner}"]
    shapes = {"kernel": kernel, "recurrent_kernel": (2, kernel[1]), "bias": bias}
    parts = [layer(path, "GRU", **shapes) for path in paths]
    flat = architecture(*parts)
    assert flat.root is not None
    wrapper = LayerNode(
        path=name, name=name, class_name="Bidirectional", is_model=False, trainable=True,
        children=flat.root.children,
    )  # fmt: skip
    return replace(flat, root=replace(flat.root, children=(wrapper,))), paths


@pytest.mark.parametrize(
    ("theirs", "name"), [("both", "both"), ("bidirectional_3", "bidirectional")]
)
def test_the_two_directions_are_told_by_their_wrapper(theirs: str, name: str) -> None:
    forward, backward = f"{theirs}/forward_gru_1_", f"{theirs}/backward_gru_1_"
    values = gates(backward, "zrh") | gates(forward, "zrh")
    arch, paths = both_of(name, "gru", (3, 6), (6,))
    found = filled(file_of(values, era="1", kernels="tensorflow"), arch)
    for unit, path in ((forward, paths[0]), (backward, paths[1])):
        expected = np.concatenate([values[f"{unit}W_{gate}"] for gate in "zrh"], axis=-1)
        np.testing.assert_array_equal(found[f"{path}/kernel"], expected)


def test_the_layer_inside_time_distributed() -> None:
    part = dense("spread/dense", 3, 2)
    flat = architecture(part)
    assert flat.root is not None
    wrapper = LayerNode(
        path="spread", name="spread", class_name="TimeDistributed", is_model=False, trainable=True,
        children=flat.root.children,
    )  # fmt: skip
    arch = replace(flat, root=replace(flat.root, children=(wrapper,)))
    values = {"spread/kernel": made(3, 2), "spread/bias": made(2)}
    found = filled(file_of(values, kernels="tensorflow"), arch)
    np.testing.assert_array_equal(found["spread/dense/kernel"], values["spread/kernel"])


def test_the_layout_of_cudnn_is_known_by_its_bias() -> None:
    values = {
        "rnn/kernel": made(3, 8), "rnn/recurrent_kernel": made(2, 8), "rnn/bias": made(16),
    }  # fmt: skip
    arch = architecture(layer("rnn", "LSTM", kernel=(3, 8), recurrent_kernel=(2, 8), bias=(8,)))
    found = filled(file_of(values, kernels="tensorflow"), arch)
    kernels = [k.ravel().reshape(2, 3).T for k in np.split(values["rnn/kernel"], 4, axis=1)]
    np.testing.assert_array_equal(found["rnn/kernel"], np.concatenate(kernels, axis=1))
    turned = [k.T for k in np.split(values["rnn/recurrent_kernel"], 4, axis=1)]
    np.testing.assert_array_equal(found["rnn/recurrent_kernel"], np.concatenate(turned, axis=1))
    np.testing.assert_array_equal(found["rnn/bias"], values["rnn/bias"].reshape(2, 8).sum(0))


def test_the_name_running_std_of_keras_1_means_the_variance() -> None:
    arch = architecture(layer("bn", "BatchNormalization", moving_variance=(3,)), dense("fc", 3, 1))
    values = {"bn/running_std": made(3), "fc/W": made(3, 1), "fc/b": made(1)}
    found = filled(file_of(values, era="1", kernels="tensorflow"), arch)
    np.testing.assert_array_equal(found["bn/moving_variance"], values["bn/running_std"])


SQUARE = made(3, 3, 3, 3)


def images(*layers: tuple[Variable, ...], inputs: tuple[int | None, ...]) -> Architecture:
    spec = TensorSpec(name="x", shape=(None, *inputs), dtype="float32")
    return replace(architecture(*layers), inputs=(spec,))


def test_the_order_of_axes_is_taken_from_the_configuration() -> None:
    arch = images(layer("conv", "Conv2D", kernel=(3, 3, 3, 3)), inputs=(8, 8, 3))
    values = {"conv/W": SQUARE}
    first = {"conv": {"class": "Convolution2D", "first": True}}
    found = filled(file_of(values, first, era="1", kernels="tensorflow"), arch)
    np.testing.assert_array_equal(found["conv/kernel"], np.transpose(SQUARE, (2, 3, 1, 0)))
    last = {"conv": {"class": "Convolution2D"}}
    found = filled(file_of(values, last, era="1", kernels="tensorflow"), arch)
    np.testing.assert_array_equal(found["conv/kernel"], SQUARE)


def test_weights_alone_with_kernels_that_fit_either_way_are_a_tie() -> None:
    arch = images(layer("conv", "Conv2D", kernel=(3, 3, 3, 3)), inputs=(8, 8, 3))
    plan = planned(file_of({"conv/W": SQUARE}, era="1", kernels="tensorflow"), arch)
    assert [tie.targets for tie in plan.ties] == [("conv/kernel",)]
    assert [finding.code for finding in plan.findings] == ["axes-in-doubt"]


def test_a_kernel_that_fits_one_way_tells_about_the_others() -> None:
    other = made(5, 3, 3, 3)
    arch = images(
        layer("one", "Conv2D", kernel=(3, 3, 3, 3)),
        layer("two", "Conv2D", kernel=(3, 3, 3, 5)),
        inputs=(8, 8, 3),
    )
    values = {"one/W": SQUARE, "two/W": other}
    found = filled(file_of(values, era="1", kernels="theano"), arch)
    for name, value in (("one", SQUARE), ("two", other)):
        expected = np.transpose(value, (2, 3, 1, 0))[::-1, ::-1]
        np.testing.assert_array_equal(found[f"{name}/kernel"], expected)


@pytest.mark.parametrize(
    ("inputs", "is_moved"), [((4, 5, 2), True), ((2, 4, 5), False), ((4, 4, 4), None)]
)
def test_rows_behind_a_flattened_image(inputs: tuple[int, ...], is_moved: bool | None) -> None:
    kernel = made(12, 3)
    arch = images(dense("fc", 12, 3)[:1], inputs=inputs)
    layers = {"fc": {"class": "Dense", "channels": 2}}
    source = file_of({"fc/W": kernel}, layers, era="1", kernels="tensorflow", inputs="[[2, 4, 5]]")
    if is_moved is None:
        plan = planned(source, arch)
        assert [tie.targets for tie in plan.ties] == [("fc/kernel",)]
        assert "rows-in-doubt" in {finding.code for finding in plan.findings}
        return
    found = filled(source, arch)["fc/kernel"]
    moved = kernel.reshape(2, 6, 3).transpose(1, 0, 2).reshape(12, 3)
    np.testing.assert_array_equal(found, moved if is_moved else kernel)


def test_a_variance_of_keras_0_may_be_a_deviation() -> None:
    arch = architecture(layer("bn", "BatchNormalization", moving_variance=(3,)))
    source = replace(
        file_of({"bn/moving_variance": made(3)}, era="0", kernels="unknown"),
    )
    plan = planned(source, arch)
    assert [tie.targets for tie in plan.ties] == [("bn/moving_variance",)]
    assert "deviations-in-doubt" in {finding.code for finding in plan.findings}


def test_gates_of_keras_1_are_known_by_name_in_other_formats() -> None:
    arch = architecture(layer("rnn", "LSTM", kernel=(3, 8), recurrent_kernel=(2, 8), bias=(8,)))
    plan = planned(store(gates("rnn/", "icfo")), arch)
    assert [(match.target, sorted(match.sources)) for match in plan.matches] == [
        ("rnn/kernel", ["rnn/W_c", "rnn/W_f", "rnn/W_i", "rnn/W_o"]),
        ("rnn/recurrent_kernel", ["rnn/U_c", "rnn/U_f", "rnn/U_i", "rnn/U_o"]),
        ("rnn/bias", ["rnn/b_c", "rnn/b_f", "rnn/b_i", "rnn/b_o"]),
    ]


def gru(bias: Shape) -> Architecture:
    return replace(
        architecture(layer("rnn", "GRU", kernel=(3, 12), recurrent_kernel=(4, 12), bias=bias)),
        framework="keras3",
    )


@pytest.mark.parametrize(
    ("have", "want", "word"),
    [((12,), (2, 12), "reset_after=False"), ((2, 12), (12,), "reset_after=True")],
)
def test_a_gru_of_the_other_kind_is_refused_with_the_reason(
    have: Shape, want: Shape, word: str
) -> None:
    values = {
        "rnn/kernel": made(3, 12),
        "rnn/recurrent_kernel": made(4, 12),
        "rnn/bias": made(*have),
    }
    plan = planned(file_of(values, kernels="tensorflow", keras_version="2.4.0"), gru(want))
    (gap,) = plan.missing
    assert word in gap.reason


@pytest.mark.parametrize(
    ("version", "facts", "code"),
    [
        ("2.2.4", {"rnn": {"class": "GRU", "hard_sigmoid": True}}, "hard-sigmoid-changed"),
        ("2.10.0", {"rnn": {"class": "GRU", "hard_sigmoid": True}}, "hard-sigmoid-changed"),
        ("2.2.4", {"rnn": {"class": "GRU"}}, ""),
        ("2.2.4", {}, "recurrent-activation-unknown"),
        ("2.4.0", {}, ""),
        ("2.10.0", {}, ""),
        ("3.6.0", {"rnn": {"class": "GRU", "hard_sigmoid": True}}, ""),
    ],
)
def test_a_function_that_changed_is_said(version: str, facts: dict[str, Any], code: str) -> None:
    values = {"rnn/kernel": made(3, 12), "rnn/recurrent_kernel": made(4, 12), "rnn/bias": made(12)}
    source = file_of(values, facts, kernels="tensorflow", keras_version=version)
    plan = planned(source, gru((12,)))
    found = {f.code for f in plan.findings} & {
        "hard-sigmoid-changed",
        "recurrent-activation-unknown",
    }
    assert found == ({code} if code else set())


def test_padding_of_theano_is_said() -> None:
    facts = {"conv": {"class": "Conv2D", "even_same": True}}
    arch = images(layer("conv", "Conv2D", kernel=(2, 2, 3, 3)), inputs=(8, 8, 3))
    plan = planned(file_of({"conv/kernel": made(2, 2, 3, 3)}, facts, kernels="theano"), arch)
    assert "theano-padding" in {finding.code for finding in plan.findings}


def test_a_plain_lstm_is_laid_out_for_cudnn_and_back() -> None:
    shapes: dict[str, Shape] = {"kernel": (3, 8), "recurrent_kernel": (2, 8)}
    values = {f"rnn/{leaf}": made(*shape) for leaf, shape in {**shapes, "bias": (8,)}.items()}
    cudnn = architecture(layer("rnn", "CuDNNLSTM", **shapes, bias=(16,)))
    there = filled(file_of(values, kernels="tensorflow"), cudnn)
    assert not np.array_equal(there["rnn/kernel"], values["rnn/kernel"])
    plain = architecture(layer("rnn", "LSTM", **shapes, bias=(8,)))
    back = filled(file_of(there, kernels="tensorflow"), plain)
    for name, value in values.items():
        np.testing.assert_array_equal(back[name], value)


def test_a_plain_gru_is_laid_out_for_cudnn_only_if_it_resets_after() -> None:
    shapes: dict[str, Shape] = {"kernel": (3, 6), "recurrent_kernel": (2, 6)}
    values = {f"rnn/{leaf}": made(*shape) for leaf, shape in {**shapes, "bias": (2, 6)}.items()}
    cudnn = architecture(layer("rnn", "CuDNNGRU", **shapes, bias=(12,)))
    there = filled(file_of(values, kernels="tensorflow"), cudnn)
    np.testing.assert_array_equal(there["rnn/bias"], values["rnn/bias"].ravel())
    before = file_of({**values, "rnn/bias": made(6)}, kernels="tensorflow")
    assert not planned(before, cudnn).is_complete
    hard = file_of(values, {"rnn": {"class": "GRU", "hard_sigmoid": True}}, kernels="tensorflow")
    assert not planned(hard, cudnn).is_complete


def with_epsilon(epsilon: float) -> Architecture:
    arch = architecture(layer("bn", "BatchNormalization", moving_variance=(3,)))
    node = LayerNode(
        path="bn", name="bn", class_name="BatchNormalization", is_model=False, trainable=True,
        own_non_trainable=(VariablePath("bn/moving_variance"),), epsilon=epsilon,
    )  # fmt: skip
    root = LayerNode(
        path="", name="m", class_name="Sequential", is_model=True, trainable=True, children=(node,)
    )
    return replace(arch, root=root)


@pytest.mark.parametrize(("theirs", "differs"), [(1e-5, True), (1e-3, False)])
def test_another_epsilon_is_reported(theirs: float, differs: bool) -> None:
    facts = {"bn": {"class": "BatchNormalization", "epsilon": theirs}}
    source = file_of({"bn/moving_variance": made(3)}, facts, kernels="tensorflow")
    messages = [f.message for f in planned(source, with_epsilon(1e-3)).findings
                if f.code == "epsilon-differs"]  # fmt: skip
    assert bool(messages) == differs
    assert all("bn with 1e-05, the architecture 0.001" in message for message in messages)


def test_a_deviation_of_keras_0_is_squared_with_the_epsilon_of_the_architecture() -> None:
    deviation = made(3)
    source = file_of(
        {"bn/moving_variance": deviation}, era="0", kernels="unknown", variances="deviations"
    )
    found = filled(source, with_epsilon(1e-3))["bn/moving_variance"]
    np.testing.assert_allclose(found, (deviation + 1e-6) ** 2 - 1e-3, rtol=1e-5)
    (match,) = planned(source, with_epsilon(1e-3)).matches
    assert match.confidence is Confidence.STRONG
    assert any("standard deviation" in text for text in match.evidence)


@pytest.mark.parametrize(
    ("version", "is_told"), [("2.2.4-tf", True), ("2.6.0", True), ("2.7.0", False)]
)
def test_weights_of_the_model_itself_are_in_no_early_file(version: str, is_told: bool) -> None:
    own = VariablePath("scale")
    variable = Variable(
        path=own, shape=(5,), dtype="float32", trainable=True, role=Role.UNKNOWN, layer="",
        layer_class="Functional",
    )  # fmt: skip
    arch = architecture((variable,), dense("fc", 3, 1))
    root = LayerNode(
        path="", name="m", class_name="Functional", is_model=True, trainable=True,
        own_trainable=(own,),
    )  # fmt: skip
    values = {"fc/kernel": made(3, 1), "fc/bias": made(1)}
    source = file_of(values, keras_version=version, kernels="tensorflow")
    (gap,) = planned(source, replace(arch, root=root)).missing
    assert ("hold the weights of layers only" in gap.reason) == is_told
