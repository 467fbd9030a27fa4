# ruff: noqa: ANN401
"""Three small training problems whose optimizers lose their state, and how they are trained.

Each has its own kind of gradient: a network with batch normalization and dropout on points in
space, a convolutional network on small images, and a character model on source text of Python's
standard library, most of whose embedding rows are idle in a batch.
"""

import argparse as _text
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any
BATCH = 32


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A network, its data, and after how many updates it is interrupted."""

    name: str
    build: Callable[[], Any]
    draw: Callable[[int], tuple[Array, Array]]
    steps: int
    rates: dict[str, float]


def _dense() -> Any:
    import keras

    return keras.Sequential(
        [
            keras.Input((24,)),
            keras.layers.Dense(64),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.Dropout(0.1),
            keras.layers.Dense(64, "relu"),
            keras.layers.Dense(10),
        ]
    )


def _points(seed: int) -> tuple[Array, Array]:
    """Return points labeled by a random network, as unevenly as it likes."""
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=(24, 48)), rng.normal(size=(48, 10))
    x = rng.normal(size=(4000, 24)).astype("float32")
    scores = np.tanh(x @ first / 5) @ second
    return x, scores.argmax(-1)


def _convolutional() -> Any:
    import keras

    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(8, 3, activation="relu"),
            keras.layers.Conv2D(16, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(24, "relu"),
            keras.layers.Dense(8),
        ]
    )


def _images(seed: int) -> tuple[Array, Array]:
    """Return noisy images of eight patterns, moved about."""
    rng = np.random.default_rng(seed)
    patterns = rng.normal(size=(8, 8, 8)) > 0.5
    labels = rng.integers(0, 8, 2000)
    moves = rng.integers(-1, 2, (2000, 2))
    x = np.stack([np.roll(patterns[c], m, (0, 1)) for c, m in zip(labels, moves, strict=True)])
    return (x + 0.4 * rng.normal(size=x.shape)).astype("float32")[..., None], labels


_LETTERS = 96


def _characters() -> Any:
    import keras

    return keras.Sequential(
        [
            keras.Input((8,), dtype="int32"),
            keras.layers.Embedding(_LETTERS, 12),
            keras.layers.Flatten(),
            keras.layers.Dense(64, "tanh"),
            keras.layers.Dense(_LETTERS),
        ]
    )


def _source_text(seed: int) -> tuple[Array, Array]:
    """Return windows of eight characters and what comes next."""
    text = inspect.getsource(_text)
    codes = np.frombuffer(text.encode("ascii", "replace"), np.uint8).astype("int32")
    codes = np.clip(np.where(codes == ord("\n"), 31, codes) - 31, 0, _LETTERS - 1)
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, 3000, 20000)
    return codes[starts[:, None] + np.arange(8)], codes[starts + 8]


_RATES = {
    "adam": 0.002, "adamw": 0.002, "nadam": 0.002, "adamax": 0.004, "lamb": 0.005,
    "rmsprop": 0.001, "adagrad": 0.05, "sgd": 0.02, "lion": 0.0003, "adadelta": 1.0, "ftrl": 0.05,
}  # fmt: skip

PROBLEMS = (
    Problem(name="points", build=_dense, draw=_points, steps=1500, rates=_RATES),
    Problem(name="images", build=_convolutional, draw=_images, steps=1500, rates=_RATES),
    Problem(name="text", build=_characters, draw=_source_text, steps=2000, rates=_RATES),
)


def optimizer(name: str, rate: float) -> Any:
    """Return an optimizer of Keras."""
    import keras

    made = {
        "adam": lambda: keras.optimizers.Adam(rate),
        "adamw": lambda: keras.optimizers.AdamW(rate, weight_decay=0.01),
        "nadam": lambda: keras.optimizers.Nadam(rate),
        "adamax": lambda: keras.optimizers.Adamax(rate),
        "lamb": lambda: keras.optimizers.Lamb(rate),
        "rmsprop": lambda: keras.optimizers.RMSprop(rate),
        "adagrad": lambda: keras.optimizers.Adagrad(rate),
        "sgd": lambda: keras.optimizers.SGD(rate, momentum=0.9),
        "lion": lambda: keras.optimizers.Lion(rate),
        "adadelta": lambda: keras.optimizers.Adadelta(rate),
        "ftrl": lambda: keras.optimizers.Ftrl(rate),
    }
    return made[name]()


def stream(problem: Problem, seed: int, batches: int, *, order: int = 0) -> tuple[Array, Array]:
    """Return batches ``(batch, example, ...)`` of a problem in one of its orders."""
    x, y = problem.draw(seed)
    rng = np.random.default_rng((seed, order))
    chosen = rng.integers(0, len(x), (batches, BATCH))
    return x[chosen], y[chosen]


def trainer(model: Any) -> Callable[[Array, Array], Array]:
    """Return a function that trains on a stretch of batches and returns their losses."""
    import tensorflow as tf

    @tf.function(reduce_retracing=True)
    def run(xs: Any, ys: Any) -> Any:
        count = tf.shape(xs)[0]
        losses = tf.TensorArray(tf.float32, count)
        for place in tf.range(count):
            model.reset_metrics()
            logs = model.train_step((xs[place], ys[place]))
            losses = losses.write(place, tf.cast(logs["loss"], tf.float32))
        return losses.stack()

    return lambda xs, ys: run(tf.constant(xs), tf.constant(ys)).numpy().astype("float64")
