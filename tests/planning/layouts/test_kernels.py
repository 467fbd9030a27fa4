"""Kernels of convolutions, dense layers and attention against NumPy's own computation."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest

from tfrepair.core.assembly import assembled
from tfrepair.core.tensor import Array, Shape
from tfrepair.planning.layouts import (
    Part,
    Route,
    attention_routes,
    convolution_routes,
    dense_routes,
    depthwise_routes,
    listed_routes,
    partition_routes,
    stacked_routes,
    variance_routes,
)

RNG = np.random.default_rng(11)


def made(shape: Shape) -> Array:
    return RNG.normal(size=shape).astype("float32")


def value(route: Route, sources: Sequence[Array], wants: Sequence[Shape]) -> list[Array]:
    return [
        assembled([(p.transform, partial(np.asarray, sources[p.source])) for p in ps], w, "float32")
        for ps, w in zip(route.targets, wants, strict=True)
    ]


def one(route: Route, source: Array, want: Shape) -> Array:
    return value(route, [source], [want])[0]


def by_system(routes: Sequence[Route]) -> dict[str, Route]:
    found = {route.system: route for route in routes}
    assert len(found) == len(routes)
    return found


WANT = (3, 2, 4, 5)


@pytest.mark.parametrize(
    ("target_class", "have", "want", "expected"),
    [
        ("Conv2D", (5, 4, 3, 2), WANT, {"channels-first": (2, 3, 1, 0)}),
        ("Conv2D", (2, 3, 4, 5), WANT, {"columns-first": (1, 0, 2, 3)}),
        ("Conv2DTranspose", (3, 2, 5, 4), WANT, {"keras-1": (0, 1, 3, 2)}),
        ("Conv2DTranspose", (4, 5, 3, 2), WANT, {"keras-1-channels-first": (2, 3, 0, 1)}),
        ("Conv2DTranspose", (5, 4, 3, 2), WANT, {"channels-first": (2, 3, 1, 0)}),
        ("Conv3D", (6, 5, 2, 3, 4), (2, 3, 4, 5, 6), {"channels-first": (2, 3, 4, 1, 0)}),
        ("Conv1D", (5, 4, 3), (3, 4, 5), {"channels-first": (2, 1, 0)}),
    ],
)
def test_axes_of_convolutions(
    target_class: str, have: Shape, want: Shape, expected: dict[str, tuple[int, ...]]
) -> None:
    source = made(have)
    routes = by_system(convolution_routes(Part(shape=have), target_class, Part(shape=want)))
    turned = tuple(range(len(want) - 2))
    for system, axes in expected.items():
        moved = np.transpose(source, axes)
        np.testing.assert_array_equal(one(routes[system], source, want), moved)
        if system != "columns-first":
            other = one(routes[f"{system}, turned by half a turn"], source, want)
            np.testing.assert_array_equal(other, np.flip(moved, turned))


def test_equal_sizes_fit_every_layout() -> None:
    part = Part(shape=(3, 3, 3, 3))
    assert [route.system for route in convolution_routes(part, "Conv2D", part)] == [
        "channels-last",
        "channels-first",
        "columns-first",
        "channels-last, turned by half a turn",
        "channels-first, turned by half a turn",
    ]


def test_one_pixel_has_no_direction() -> None:
    part = Part(shape=(1, 1, 3, 4))
    systems = [route.system for route in convolution_routes(part, "Conv2D", part)]
    assert systems == ["channels-last", "columns-first"]
    dense = made((3, 4))
    routes = by_system(convolution_routes(Part(shape=(3, 4)), "Conv2D", part))
    np.testing.assert_array_equal(one(routes["dense"], dense, part.shape)[0, 0], dense)


def test_one_dimension_of_keras_1_and_0() -> None:
    routes = by_system(
        convolution_routes(Part(shape=(3, 1, 4, 5)), "Conv1D", Part(shape=(3, 4, 5)))
    )
    source = made((3, 1, 4, 5))
    np.testing.assert_array_equal(one(routes["keras-1"], source, (3, 4, 5)), source[:, 0])
    routes = by_system(
        convolution_routes(Part(shape=(5, 4, 3, 1)), "Conv1D", Part(shape=(3, 4, 5)))
    )
    source = made((5, 4, 3, 1))
    expected = np.transpose(source[..., 0], (2, 1, 0))
    np.testing.assert_array_equal(one(routes["keras-0"], source, (3, 4, 5)), expected)


@pytest.mark.parametrize(
    ("have", "system"),
    [
        ((3, 2, 8, 1), "multiplied"),
        ((3, 2, 1, 8), "multiplied"),
        ((2, 4, 3, 2), "channels-first"),
        ((8, 1, 3, 2), "grouped"),
        ((3, 2, 2, 4), "multiplier-first"),
    ],
)
def test_depthwise_kernels(have: Shape, system: str) -> None:
    """Filter ``channel * multiplier + k`` looks at ``channel``, in every system."""
    want = (3, 2, 4, 2)
    kernel = made(want)
    stored = {
        "multiplied": kernel.reshape(have),
        "channels-first": np.transpose(kernel, (3, 2, 0, 1)),
        "grouped": np.transpose(kernel.reshape(3, 2, 8), (2, 0, 1)).reshape(8, 1, 3, 2)
        if have == (8, 1, 3, 2)
        else kernel,
        "multiplier-first": np.swapaxes(kernel, 2, 3),
    }[system]
    assert stored.shape == have
    routes = by_system(depthwise_routes(Part(shape=have), Part(shape=want)))
    np.testing.assert_array_equal(one(routes[system], stored, want), kernel)


def test_rows_behind_a_flattened_image() -> None:
    """A dense layer over channels-first pixels gives the same over channels-last pixels."""
    image = made((2, 3, 4))  # channels, rows, columns
    kernel = made((24, 5))
    routes = by_system(dense_routes(Part(shape=(24, 5)), Part(shape=(24, 5)), flattened=(3, 4, 2)))
    moved = one(routes["behind channels-first"], kernel, (24, 5))
    np.testing.assert_allclose(
        np.transpose(image, (1, 2, 0)).ravel() @ moved, image.ravel() @ kernel, rtol=1e-5
    )


@pytest.mark.parametrize(
    ("have", "system"),
    [
        ((6, 4), "plain"),
        ((4, 6), "transposed"),
        ((1, 1, 6, 4), "convolution"),
        ((4, 6, 1, 1), "convolution, channels-first"),
        ((3, 1, 2, 4), "convolution over the whole image"),
    ],
)
def test_dense_kernels(have: Shape, system: str) -> None:
    routes = by_system(dense_routes(Part(shape=have), Part(shape=(6, 4))))
    assert set(routes) == {system}
    source = made(have)
    flat = (
        source.reshape(4, 6).T
        if system in ("transposed", "convolution, channels-first")
        else (source.reshape(6, 4))
    )
    np.testing.assert_array_equal(one(routes[system], source, (6, 4)), flat)


def test_attention_of_one_kernel() -> None:
    """Projections onto heads, from one kernel side by side, above each other, and by head."""
    model, heads, size = 6, 2, 4
    wants = [(model, heads, size)] * 3
    q, k, v = (made(shape) for shape in wants)
    flat = [kernel.reshape(model, -1) for kernel in (q, k, v)]
    stored = {
        "fused": np.concatenate(flat, axis=1),
        "fused, transposed": np.concatenate([kernel.T for kernel in flat]),
        "fused, by head": np.stack([q, k, v], axis=2).reshape(model, -1),
    }
    for system, array in stored.items():
        routes = attention_routes([Part(shape=array.shape)], [Part(shape=w) for w in wants])
        found = value(by_system(routes)[system], [array], wants)
        for one_found, expected in zip(found, (q, k, v), strict=True):
            np.testing.assert_array_equal(one_found, expected)


def test_attention_biases_and_outputs() -> None:
    bias = made((24,))
    routes = by_system(attention_routes([Part(shape=(24,))], [Part(shape=(2, 4))] * 3))
    q, _, v = value(routes["fused"], [bias], [(2, 4)] * 3)
    np.testing.assert_array_equal(q.ravel(), bias[:8])
    np.testing.assert_array_equal(v.ravel(), bias[16:])
    output = made((8, 6))
    (route,) = attention_routes([Part(shape=(8, 6))], [Part(shape=(2, 4, 6))])
    assert route.system == "merged-heads"
    np.testing.assert_array_equal(one(route, output, (2, 4, 6)), output.reshape(2, 4, 6))
    turned = attention_routes([Part(shape=(6, 8))], [Part(shape=(2, 4, 6))])
    assert [route.system for route in turned] == ["transposed"]


def test_stacks_lists_and_parts() -> None:
    stack = made((3, 2, 4))
    (route,) = stacked_routes(Part(shape=stack.shape), [Part(shape=(2, 4))] * 3)
    for found, expected in zip(value(route, [stack], [(2, 4)] * 3), stack, strict=True):
        np.testing.assert_array_equal(found, expected)
    (route,) = listed_routes([Part(shape=(2, 4))] * 3, Part(shape=(3, 2, 4)))
    np.testing.assert_array_equal(value(route, list(stack), [(3, 2, 4)])[0], stack)
    (route,) = listed_routes([Part(shape=(2, 4))] * 3, Part(shape=(2, 3, 4)))
    assert route.system == "listed along axis 1"
    np.testing.assert_array_equal(
        value(route, list(stack), [(2, 3, 4)])[0], np.stack(list(stack), axis=1)
    )
    table = made((5, 3))
    (route,) = partition_routes([Part(shape=(2, 3)), Part(shape=(3, 3))], Part(shape=(5, 3)))
    np.testing.assert_array_equal(value(route, [table[:2], table[2:]], [(5, 3)])[0], table)
    assert not partition_routes([Part(shape=(2, 3)), Part(shape=(2, 3))], Part(shape=(5, 3)))


def test_standard_deviations_and_epsilons() -> None:
    """The normalized value is that of the system that wrote the statistics."""
    part, x, std = Part(shape=(4,)), made((4,)), np.abs(made((4,))) + 0.1
    routes = by_system(variance_routes(part, part, epsilon=1e-3))
    assert set(routes) == {"variance", "keras-0"}
    variance = one(routes["keras-0"], std, (4,))
    np.testing.assert_allclose(x / np.sqrt(variance + 1e-3), x / (std + 1e-6), rtol=1e-5)
    routes = by_system(variance_routes(part, part, epsilon=1e-3, source_epsilon=1e-5))
    variance = one(routes["variance, other epsilon"], std, (4,))
    np.testing.assert_allclose(x / np.sqrt(variance + 1e-3), x / np.sqrt(std + 1e-5), rtol=1e-5)
