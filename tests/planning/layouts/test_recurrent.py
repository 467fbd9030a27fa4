"""Recurrent layouts: a cell of each system gives what Keras' cell gives with converted weights."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from tests.planning.layouts import cells_by_hand as cells
from tfrepair.core.assembly import assembled
from tfrepair.core.tensor import Array, Shape
from tfrepair.planning.layouts import (
    Part,
    Piece,
    Route,
    bidirectional_routes,
    impossible,
    recurrent_routes,
)

N, U = 3, 2
LSTM: tuple[Shape, ...] = ((N, 4 * U), (U, 4 * U), (4 * U,))
GRU: tuple[Shape, ...] = ((N, 3 * U), (U, 3 * U), (3 * U,))
GRU_AFTER: tuple[Shape, ...] = (*GRU[:2], (2, 3 * U))
SIMPLE: tuple[Shape, ...] = ((N, U), (U, U), (U,))
ROLES = ("kernel", "recurrent_kernel", "bias")

KERAS_1_LSTM = [
    (f"{letter}_{gate}", shape)
    for gate in "icfo"
    for letter, shape in (("W", (N, U)), ("U", (U, U)), ("b", (U,)))
]
KERAS_1_GRU = [
    (f"{letter}_{gate}", shape)
    for gate in "zrh"
    for letter, shape in (("W", (N, U)), ("U", (U, U)), ("b", (U,)))
]
TORCH_LSTM = [
    ("weight_ih", (4 * U, N)), ("weight_hh", (4 * U, U)), ("bias_ih", (4 * U,)),
    ("bias_hh", (4 * U,)),
]  # fmt: skip
TORCH_GRU = [
    ("weight_ih", (3 * U, N)), ("weight_hh", (3 * U, U)), ("bias_ih", (3 * U,)),
    ("bias_hh", (3 * U,)),
]  # fmt: skip
COMPATIBLE = [
    ("gates/kernel", (N + U, 2 * U)), ("gates/bias", (2 * U,)),
    ("candidate/input_projection/kernel", (N, U)), ("candidate/input_projection/bias", (U,)),
    ("candidate/hidden_projection/kernel", (U, U)), ("candidate/hidden_projection/bias", (U,)),
]  # fmt: skip
TF1_GRU = [
    ("gates/kernel", (N + U, 2 * U)), ("gates/bias", (2 * U,)),
    ("candidate/kernel", (N + U, U)), ("candidate/bias", (U,)),
]  # fmt: skip
CUDNN_LSTM = [("kernel", LSTM[0]), ("recurrent_kernel", LSTM[1]), ("bias", (8 * U,))]
CUDNN_GRU = [("kernel", GRU[0]), ("recurrent_kernel", GRU[1]), ("bias", (6 * U,))]
BASELINES = [("wx", LSTM[0]), ("wh", LSTM[1]), ("b", LSTM[2])]
TF1_LSTM = [("kernel", (N + U, 4 * U)), ("bias", (4 * U,))]
TF1_SIMPLE = [("kernel", (N + U, U)), ("bias", (U,))]

Weights = Sequence[Array]
CASES = [
    ("keras-1-gates", KERAS_1_LSTM, cells.keras_1_lstm, "LSTM", LSTM),
    ("tensorflow-1", TF1_LSTM, cells.tensorflow_1_lstm, "LSTM", LSTM),
    ("openai-baselines", BASELINES, cells.baselines_lstm, "LSTM", LSTM),
    ("pytorch", TORCH_LSTM, cells.torch_lstm, "LSTM", LSTM),
    ("cudnn-keras", CUDNN_LSTM, cells.cudnn_lstm, "LSTM", LSTM),
    ("keras-1-gates", KERAS_1_GRU, cells.keras_1_gru, "GRU", GRU),
    ("tensorflow-1", TF1_GRU, cells.tensorflow_1_gru, "GRU", GRU),
    ("tensorflow-1-cudnn-compatible", COMPATIBLE, cells.compatible_gru, "GRU", GRU_AFTER),
    ("pytorch", TORCH_GRU, cells.torch_gru, "GRU", GRU_AFTER),
    ("cudnn-keras", CUDNN_GRU, cells.cudnn_gru, "GRU", GRU_AFTER),
    ("tensorflow-1", TF1_SIMPLE, cells.tensorflow_1_simple, "SimpleRNN", SIMPLE),
]
OURS: dict[str, Callable[[Weights], cells.Step]] = {
    "LSTM": cells.keras_lstm,
    "GRU": cells.keras_gru,
    "SimpleRNN": cells.simple,
}


def parts(shapes: Sequence[Shape]) -> list[Part]:
    return [Part(role=role, shape=shape) for role, shape in zip(ROLES, shapes, strict=True)]


def made(shapes: Sequence[Shape]) -> list[Array]:
    rng = np.random.default_rng(3)
    return [rng.normal(size=shape) for shape in shapes]


def converted(pieces: Sequence[Piece], values: Weights, want: Shape) -> Array:
    edges = [(p.transform, lambda value=values[p.source]: value) for p in pieces]
    return assembled(edges, want, "float64")


def through(route: Route, values: Weights, wants: Sequence[Shape]) -> list[Array]:
    return [converted(p, values, want) for p, want in zip(route.targets, wants, strict=True)]


@pytest.mark.parametrize(
    ("system", "names", "theirs", "target_class", "wants"),
    CASES,
    ids=[f"{case[0]}-{case[3]}" for case in CASES],
)
@pytest.mark.parametrize("order", ["own", "by name", "nameless"])
def test_a_converted_cell_computes_the_same(
    system: str,
    names: list[tuple[str, Shape]],
    theirs: Callable[[Weights], cells.Step],
    target_class: str,
    wants: tuple[Shape, ...],
    order: str,
) -> None:
    values = made([shape for _, shape in names])
    sources = [Part(role="" if order == "nameless" else word, shape=s) for word, s in names]
    inputs = np.random.default_rng(5).normal(size=(4, 2, N))
    expected = cells.run(theirs(values), inputs, U)
    if order == "by name":
        sources, values = sources[::-1], values[::-1]
    routes = {r.system: r for r in recurrent_routes(sources, target_class, parts(wants))}
    assert routes[system].exact
    if order != "nameless":
        assert set(routes) == {system}
    found = cells.run(OURS[target_class](through(routes[system], values, wants)), inputs, U)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_what_has_no_names_is_every_system_of_its_shapes() -> None:
    sources = [Part(role="param_0", shape=LSTM[0]), Part(shape=LSTM[1]), Part(shape=LSTM[2])]
    systems = [route.system for route in recurrent_routes(sources, "LSTM", parts(LSTM))]
    assert systems == ["keras", "openai-baselines", "sonnet-2"]


def test_a_bias_twice_as_long_is_of_cudnn() -> None:
    plain = [Part(role=role, shape=shape) for role, shape in zip(ROLES, LSTM, strict=True)]
    (route,) = recurrent_routes(plain, "LSTM", parts(LSTM))
    assert route.system == "keras"
    assert route.is_identity


@pytest.mark.parametrize(
    ("kind", "have", "theirs"),
    [("LSTM", LSTM, cells.cudnn_lstm), ("GRU", GRU_AFTER, cells.cudnn_gru)],
)
def test_to_cudnn_and_back(
    kind: str, have: tuple[Shape, ...], theirs: Callable[[Weights], cells.Step]
) -> None:
    width = have[0][1]
    wants = [*have[:2], (2 * width,)]
    values = made(have)
    (there,) = recurrent_routes(parts(have), f"CuDNN{kind}", parts(wants))
    turned = through(there, values, wants)
    inputs = np.random.default_rng(5).normal(size=(4, 2, N))
    ours = cells.run(OURS[kind](values), inputs, U)
    np.testing.assert_allclose(cells.run(theirs(turned), inputs, U), ours, atol=1e-12)
    (back,) = recurrent_routes(parts(wants), kind, parts(have))
    again = through(back, turned, have)
    for one, other in zip(again, values, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("have", "want", "word"),
    [
        (parts(GRU), GRU_AFTER, "reset_after=False"),
        (parts(GRU_AFTER), GRU, "reset_after=True"),
        ([Part(role=r, shape=s) for r, s in KERAS_1_GRU], GRU_AFTER, "reset_after=False"),
        ([Part(role=r, shape=s) for r, s in CUDNN_GRU], GRU, "reset_after=True"),
    ],
)
def test_the_two_kinds_of_gru_are_not_one(
    have: list[Part], want: tuple[Shape, ...], word: str
) -> None:
    assert not recurrent_routes(have, "GRU", parts(want))
    assert word in impossible(have, "GRU", parts(want))


def test_nothing_is_impossible_that_fits() -> None:
    assert impossible(parts(GRU), "GRU", parts(GRU)) == ""
    assert impossible(parts(LSTM), "LSTM", parts(LSTM)) == ""


def test_a_buffer_of_cudnn_is_never_exact() -> None:
    length = 4 * U * (N + U) + 8 * U
    (route,) = recurrent_routes([Part(shape=(length,))], "LSTM", parts(LSTM))
    assert (route.system, route.exact) == ("cudnn-buffer", False)


def test_both_directions_are_of_one_system() -> None:
    names = [Part(role=word, shape=shape) for word, shape in KERAS_1_LSTM]
    (route,) = bidirectional_routes(names, names, "LSTM", parts(LSTM), parts(LSTM))
    assert len(route.targets) == 6
    assert {p.source for p in route.targets[3]} == {12, 15, 18, 21}
    assert not bidirectional_routes(names, parts(LSTM), "LSTM", parts(LSTM), parts(LSTM))


@pytest.mark.parametrize(
    ("target_class", "wants"),
    [("Dense", LSTM), ("LSTM", GRU), ("LSTM", ((N, 7), (U, 8), (8,)))],
)
def test_what_is_no_such_cell_has_no_route(target_class: str, wants: tuple[Shape, ...]) -> None:
    assert not recurrent_routes(parts(LSTM), target_class, parts(wants))


def test_without_a_bias() -> None:
    wants = parts(LSTM)[:2]
    names = [Part(role=word, shape=s) for word, s in KERAS_1_LSTM if not word.startswith("b")]
    (route,) = recurrent_routes(names, "LSTM", wants)
    values = made([part.shape for part in names])
    kernel, recurrent = through(route, values, LSTM[:2])
    np.testing.assert_array_equal(
        kernel, np.concatenate([values[0], values[4], values[2], values[6]], axis=1)
    )
    np.testing.assert_array_equal(
        recurrent, np.concatenate([values[1], values[5], values[3], values[7]], axis=1)
    )
