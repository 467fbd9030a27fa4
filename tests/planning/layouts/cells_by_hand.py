"""Recurrent cells in NumPy, each after the equations and the layout of its own system."""

from collections.abc import Callable, Sequence

import numpy as np

from tfrepair.core.tensor import Array

Step = Callable[[Array, Array, Array], tuple[Array, Array]]


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def run(step: Step, inputs: Array, units: int) -> Array:
    """Return the last output over ``inputs`` of shape ``(steps, batch, size)``."""
    h = c = np.zeros((inputs.shape[1], units))
    for x in inputs:
        h, c = step(x, h, c)
    return h


def _lstm(i: Array, f: Array, g: Array, o: Array, c: Array) -> tuple[Array, Array]:
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def keras_lstm(weights: Sequence[Array]) -> Step:
    kernel, recurrent, bias = weights

    def step(x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4, axis=1)
        return _lstm(i, f, g, o, c)

    return step


def keras_gru(weights: Sequence[Array]) -> Step:
    kernel, recurrent, bias = weights

    def step(x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        u = recurrent.shape[0]
        if bias.ndim == 2:
            given, kept = x @ kernel + bias[0], h @ recurrent + bias[1]
            z, r = sigmoid(given + kept)[:, : 2 * u].reshape(-1, 2, u).transpose(1, 0, 2)
            new = np.tanh(given[:, 2 * u :] + r * kept[:, 2 * u :])
        else:
            given = x @ kernel + bias
            gates = sigmoid(given[:, : 2 * u] + h @ recurrent[:, : 2 * u])
            z, r = np.split(gates, 2, axis=1)
            new = np.tanh(given[:, 2 * u :] + (r * h) @ recurrent[:, 2 * u :])
        return z * h + (1 - z) * new, c

    return step


def keras_1_lstm(weights: Sequence[Array]) -> Step:
    """W, U and b of i, c, f and o."""
    names = ("i", "c", "f", "o")

    def step(x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        gates = {
            name: x @ weights[3 * k] + h @ weights[3 * k + 1] + weights[3 * k + 2]
            for k, name in enumerate(names)
        }
        return _lstm(gates["i"], gates["f"], gates["c"], gates["o"], c)

    return step


def keras_1_gru(weights: Sequence[Array]) -> Step:
    """W, U and b of z, r and h."""
    wz, uz, bz, wr, ur, br, wh, uh, bh = weights

    def step(x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        z, r = sigmoid(x @ wz + h @ uz + bz), sigmoid(x @ wr + h @ ur + br)
        return z * h + (1 - z) * np.tanh(x @ wh + (r * h) @ uh + bh), c

    return step


def tensorflow_1_lstm(weights: Sequence[Array]) -> Step:
    kernel, bias = weights

    def step(x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        i, j, f, o = np.split(np.concatenate([x, h], 1) @ kernel + bias, 4, axis=1)
        return _lstm(i, f + 1.0, j, o, c)

    return step


def tensorflow_1_gru(weights: Sequence[Array]) -> Step:
    gates, gates_bias, candidate, candidate_bias = weights

    def step(x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        r, u = np.split(sigmoid(np.concatenate([x, h], 1) @ gates + gates_bias), 2, axis=1)
        new = np.tanh(np.concatenate([x, r * h], 1) @ candidate + candidate_bias)
        return u * h + (1 - u) * new, c

    return step


def compatible_gru(weights: Sequence[Array]) -> Step:
    """``CudnnCompatibleGRUCell``."""
    gates, gates_bias, given, given_bias, kept, kept_bias = weights

    def step(x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        r, u = np.split(sigmoid(np.concatenate([x, h], 1) @ gates + gates_bias), 2, axis=1)
        new = np.tanh(x @ given + given_bias + r * (h @ kept + kept_bias))
        return (1 - u) * new + u * h, c

    return step


def baselines_lstm(weights: Sequence[Array]) -> Step:
    wx, wh, b = weights

    def step(x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        i, f, o, u = np.split(x @ wx + h @ wh + b, 4, axis=1)
        return _lstm(i, f, u, o, c)

    return step


def torch_lstm(weights: Sequence[Array]) -> Step:
    w_ih, w_hh, b_ih, b_hh = weights

    def step(x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        i, f, g, o = np.split(x @ w_ih.T + b_ih + h @ w_hh.T + b_hh, 4, axis=1)
        return _lstm(i, f, g, o, c)

    return step


def torch_gru(weights: Sequence[Array]) -> Step:
    w_ih, w_hh, b_ih, b_hh = weights

    def step(x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        ir, iz, given = np.split(x @ w_ih.T + b_ih, 3, axis=1)
        hr, hz, kept = np.split(h @ w_hh.T + b_hh, 3, axis=1)
        r, z = sigmoid(ir + hr), sigmoid(iz + hz)
        return (1 - z) * np.tanh(given + r * kept) + z * h, c

    return step


def cudnn(weights: Sequence[Array], gates: int) -> Step:
    """Keras hands each gate's kernel to cuDNN as it lies in memory: ``(units, inputs)`` there."""
    kernel, recurrent, bias = weights
    units = recurrent.shape[0]
    w = [np.ravel(k).reshape(units, -1) for k in np.split(kernel, gates, axis=1)]
    r = [np.ravel(k).reshape(units, units) for k in np.split(recurrent, gates, axis=1)]
    given, kept = bias.reshape(2, gates, units)

    def step(x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        left = [x @ w[k].T + given[k] for k in range(gates)]
        right = [h @ r[k].T + kept[k] for k in range(gates)]
        if gates == 4:
            i, f, g, o = (a + b for a, b in zip(left, right, strict=True))
            return _lstm(i, f, g, o, c)
        z, reset = sigmoid(left[0] + right[0]), sigmoid(left[1] + right[1])
        return (1 - z) * np.tanh(left[2] + reset * right[2]) + z * h, c

    return step


def cudnn_lstm(weights: Sequence[Array]) -> Step:
    return cudnn(weights, 4)


def cudnn_gru(weights: Sequence[Array]) -> Step:
    return cudnn(weights, 3)


def simple(weights: Sequence[Array]) -> Step:
    kernel, recurrent, bias = weights
    return lambda x, h, c: (np.tanh(x @ kernel + h @ recurrent + bias), c)


def tensorflow_1_simple(weights: Sequence[Array]) -> Step:
    kernel, bias = weights
    return lambda x, h, c: (np.tanh(np.concatenate([x, h], 1) @ kernel + bias), c)
