# mypy: allow-subclassing-any, allow-untyped-calls
# mypy: disable-error-code="no-any-return, untyped-decorator"
"""Architectures of every kind that ``--arch`` takes; each function is a factory.

Runs under Keras 3 and under tf_keras, which then answers to ``import keras``.
"""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

IS_KERAS_3 = keras.__version__.startswith("3")


class Scale(layers.Layer):
    """A weight of its own, and a counter that is not trained."""

    def build(self, shape: Any) -> None:
        self.w = self.add_weight(shape=(shape[-1],), initializer="ones", name="w")
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="calls")

    def call(self, x: Any) -> Any:
        self.calls.assign_add(1.0)
        return x * self.w


def functional() -> Any:
    x = inputs = keras.Input((6,), name="features")
    x = layers.Dense(8, activation="relu")(x)
    x = layers.BatchNormalization()(x)
    if IS_KERAS_3:
        x = layers.Dropout(0.3)(x)
    x = Scale()(x)
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(x))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


class Blocks(keras.Model):
    """Layers in a list and in a dict, dict inputs, dict outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = [layers.Dense(4), layers.BatchNormalization()]
        self.heads = {"y": layers.Dense(2)}
        self.drop = layers.Dropout(0.5)

    def call(self, inputs: Any, training: bool = False) -> Any:
        x = tf.concat([inputs["a"], inputs["b"]], -1)
        x = self.blocks[1](self.blocks[0](x), training=training)
        return {"y": self.heads["y"](x), "z": x}


def subclassed() -> Any:
    model = Blocks()
    model.compile("sgd", loss={"y": "mse", "z": "mae"})
    return model, {"a": np.zeros((2, 3), "float32"), "b": np.zeros((2, 2), "float32")}


def unbuilt() -> Any:
    class Plain(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.out = layers.Dense(2)

        def call(self, inputs: Any) -> Any:
            return self.out(inputs)

    return Plain()


def nested() -> Any:
    """Two inputs, two outputs, and a model inside that is used twice."""
    inner = keras.Sequential(
        [keras.Input((4,)), layers.Dense(4, name="d"), layers.BatchNormalization()], name="inner"
    )
    left, right = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    x = layers.Add()([inner(left), inner(right)])
    return keras.Model([left, right], [layers.Dense(1)(x), inner(left)])


def frozen() -> Any:
    """A composite model with a frozen part: list orders differ here."""
    inner = keras.Sequential(
        [keras.Input((4,)), layers.Dense(4), layers.BatchNormalization(), layers.Dense(4)],
        name="frozen",
    )
    inner.layers[0].trainable = False
    return keras.Sequential([keras.Input((4,)), inner, layers.BatchNormalization()])


def recurrent() -> Any:
    model = keras.Sequential(
        [
            keras.Input((7, 3)),
            layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
            layers.GRU(3),
            layers.Dense(1),
        ]
    )
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    model.compile(keras.optimizers.SGD(schedule, momentum=0.9, nesterov=True), "mse")
    return model


def adapted() -> Any:
    """Normalization: statistics that are weights, and tensors derived from them."""
    norm = layers.Normalization()
    norm.adapt(np.random.default_rng(0).normal(3, 2, (100, 4)).astype("float32"))
    model = keras.Sequential([keras.Input((4,)), norm, layers.Dense(2)])
    model.compile("adam", "mse")
    return model


def strings() -> Any:
    """A vocabulary that is read from a file."""
    file = Path(__file__).with_name("vocabulary.txt")
    inputs = keras.Input((2,), dtype="string", name="words")
    x = layers.StringLookup(vocabulary=str(file))(inputs)
    x = layers.Flatten()(layers.Embedding(5, 3)(x))
    return keras.Model(inputs, layers.Dense(1)(x))


def images() -> Any:
    """Free width and height, augmentation, and an average of the weights in the optimizer."""
    model = keras.Sequential(
        [
            keras.Input((None, None, 3)),
            layers.RandomFlip(),
            layers.Conv2D(4, 3, strides=2),
            layers.DepthwiseConv2D(3),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-3, clipnorm=1.0, use_ema=True), loss)
    return model


def half() -> Any:
    """Mixed precision: the optimizer scales the loss."""
    policy = keras.mixed_precision.Policy("mixed_float16") if not IS_KERAS_3 else "mixed_float16"
    model = keras.Sequential(
        [keras.Input((6,)), layers.Dense(4, dtype=policy), layers.Dense(1, dtype="float32")]
    )
    inner = keras.optimizers.Adam()
    wrap = (
        keras.optimizers.LossScaleOptimizer
        if IS_KERAS_3
        else (keras.mixed_precision.LossScaleOptimizer)
    )
    model.compile(wrap(inner), "mse")
    return model


class Untracked(layers.Layer):
    """State in places that Keras 3 does not look at."""

    def __init__(self) -> None:
        super().__init__()
        self.total = tf.Variable(3.0, name="total")
        self.holder = type("Holder", (), {})()
        self.holder.factors = tf.Variable([1.0, 2.0, 3.0], trainable=False)

    def call(self, x: Any) -> Any:
        return x * self.holder.factors + self.total


def untracked() -> Any:
    return keras.Sequential([keras.Input((4,)), layers.Dense(3), Untracked(), layers.Dense(1)])


class Baked(layers.Layer):
    """Derives a tensor from its weight when it is built, and never again."""

    def build(self, shape: Any) -> None:
        self.k = self.add_weight(shape=(shape[-1], 2), name="k")
        self.norm = tf.reduce_sum(tf.convert_to_tensor(self.k) ** 2, 0)

    def call(self, x: Any) -> Any:
        return tf.matmul(x, self.k) / self.norm


def baked() -> Any:
    return keras.Sequential([keras.Input((4,)), Baked()])


def stateful() -> Any:
    inputs = keras.Input(batch_shape=(4, 5, 3))
    return keras.Model(inputs, layers.LSTM(2, stateful=True)(inputs))


def python_inside() -> Any:
    inputs = keras.Input((3,))

    def double(x: Any) -> Any:
        return tf.py_function(lambda a: a * 2, [x], tf.float32)

    return keras.Model(inputs, layers.Lambda(double, output_shape=(3,))(inputs))


class Affine(tf.Module):
    """A module with a call, a further signature, a list and a random generator."""

    def __init__(self) -> None:
        super().__init__(name="affine")
        self.w = tf.Variable(tf.ones([3, 2]), name="w")
        self.parts = [tf.Variable(tf.zeros([2]), name="b")]
        self.generator = tf.random.Generator.from_seed(1)

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, name="x")])
    def __call__(self, x: Any) -> Any:
        return x @ self.w + self.parts[0]

    @tf.function(input_signature=[tf.TensorSpec([None, 3]), tf.TensorSpec([])])
    def scaled(self, x: Any, factor: Any) -> Any:
        return {"out": x @ self.w * factor}


def module() -> Any:
    return Affine()


class Bare(tf.Module):
    """A module without any signature, with a Keras layer inside."""

    def __init__(self) -> None:
        super().__init__(name="bare")
        self.b = tf.Variable(tf.zeros([2]))
        self.inner = layers.Dense(2)

    def __call__(self, x: Any) -> Any:
        return self.inner(x) + self.b


def bare_module() -> Any:
    return Bare(), np.zeros((2, 3), "float32")
