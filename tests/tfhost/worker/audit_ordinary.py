# mypy: allow-subclassing-any, allow-untyped-calls
# mypy: disable-error-code="no-any-return, untyped-decorator, explicit-override"
"""Twenty models as people write them; each function is a factory.

Runs under Keras 3 and under tf_keras, which then answers to ``import keras``.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

IS_KERAS_3 = keras.__version__.startswith("3")


def dense() -> Any:
    return keras.Sequential([keras.Input((4,)), layers.Dense(8, "relu"), layers.Dense(2)])


def functional_cnn() -> Any:
    x = inputs = keras.Input((16, 16, 3))
    for filters in (4, 8):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.MaxPooling2D()(layers.ReLU()(x))
    model = keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))
    model.compile("adam", "mse", metrics=["mae"])
    return model


def residual() -> Any:
    x = inputs = keras.Input((8, 8, 4))
    y = layers.SeparableConv2D(4, 3, padding="same")(x)
    y = layers.DepthwiseConv2D(3, padding="same")(y)
    x = layers.Add()([x, y])
    return keras.Model(inputs, layers.Conv2DTranspose(2, 3, strides=2)(x))


def dropouts() -> Any:
    return keras.Sequential(
        [
            keras.Input((4,)),
            layers.GaussianNoise(0.1),
            layers.Dense(8),
            layers.Dropout(0.3),
            layers.AlphaDropout(0.1),
        ]
    )


def augmented() -> Any:
    x = inputs = keras.Input((12, 12, 3))
    x = layers.RandomFlip()(layers.Rescaling(1 / 255)(x))
    x = layers.RandomRotation(0.1)(x)
    return keras.Model(inputs, layers.Conv2D(2, 3)(x))


def lstm() -> Any:
    return keras.Sequential(
        [
            keras.Input((5, 3)),
            layers.LSTM(4, dropout=0.2, recurrent_dropout=0.2, return_sequences=True),
            layers.GRU(4),
            layers.Dense(1),
        ]
    )


def bidirectional() -> Any:
    inputs = keras.Input((6,), dtype="int32")
    # tf_keras takes seconds to trace cells with a mask.
    x = layers.Embedding(20, 4, mask_zero=IS_KERAS_3)(inputs)
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True))(x)
    return keras.Model(inputs, layers.TimeDistributed(layers.Dense(2))(x))


def attention() -> Any:
    x = inputs = keras.Input((6, 8))
    y = layers.MultiHeadAttention(2, 4, dropout=0.1)(x, x)
    x = layers.LayerNormalization()(layers.Add()([x, y]))
    return keras.Model(inputs, x)


def nested() -> Any:
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4), layers.BatchNormalization()])
    left, right = keras.Input((4,)), keras.Input((4,))
    return keras.Model([left, right], layers.Concatenate()([inner(left), inner(right)]))


class Blocks(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.first = layers.Dense(4)
        self.norm = layers.BatchNormalization()
        self.drop = layers.Dropout(0.5)
        self.last = layers.Dense(1)

    def call(self, x: Any, training: bool = False) -> Any:
        x = self.norm(self.first(x), training=training)
        return self.last(self.drop(x, training=training))


def subclassed() -> Any:
    model = Blocks()
    model.compile("sgd", "mse")
    return model, np.zeros((2, 4), "float32")


class Scale(layers.Layer):
    def build(self, shape: Any) -> None:
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones", name="scale")
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="calls")

    def call(self, x: Any) -> Any:
        self.calls.assign_add(1.0)
        return x * self.scale


def custom_layer() -> Any:
    return keras.Sequential([keras.Input((4,)), Scale(), layers.Dense(2)])


class Positions(layers.Layer):
    """Adds a table of sines that the constructor computes."""

    def __init__(self, length: int, width: int, **more: Any) -> None:
        super().__init__(**more)
        self.table = np.sin(np.arange(length * width).reshape(length, width)).astype("float32")

    def call(self, x: Any) -> Any:
        return x + self.table


def positions() -> Any:
    return keras.Sequential([keras.Input((6, 4)), Positions(6, 4), layers.Dense(2)])


class Autoencoder(keras.Model):
    """Keeps a metric of its own, as models with a train_step do."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
        self.decoder = keras.Sequential([keras.Input((2,)), layers.Dense(4)])
        self.tracker = keras.metrics.Mean(name="loss")

    @property
    def metrics(self) -> Any:
        return [self.tracker]

    def call(self, x: Any) -> Any:
        return self.decoder(self.encoder(x))


def autoencoder() -> Any:
    return Autoencoder(), np.zeros((2, 4), "float32")


def normalized() -> Any:
    norm = layers.Normalization()
    norm.adapt(np.random.default_rng(0).normal(3, 2, (50, 4)).astype("float32"))
    return keras.Sequential([keras.Input((4,)), norm, layers.Dense(2)])


def discretized() -> Any:
    inputs = keras.Input((3,))
    x = layers.Discretization([0.0, 1.0, 2.0])(inputs)
    return keras.Model(inputs, layers.Flatten()(layers.Embedding(4, 2)(x)))


def words() -> Any:
    inputs = keras.Input((1,), dtype="string")
    x = layers.StringLookup(vocabulary=["a", "b", "c"])(inputs)
    return keras.Model(inputs, layers.Flatten()(layers.Embedding(5, 2)(x)))


def lambdas() -> Any:
    inputs = keras.Input((4,))
    x = layers.Lambda(lambda x: x * 2.0 + 1.0)(inputs)
    return keras.Model(inputs, layers.Activation("tanh")(x))


def mixed() -> Any:
    inputs = keras.Input((4,))
    x = layers.Dense(4, dtype="mixed_float16")(inputs)
    return keras.Model(inputs, layers.Dense(1, dtype="float32")(x))


class Perceptron(tf.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = [
            (tf.Variable(tf.random.normal((4, 4))), tf.Variable(tf.zeros(4))) for _ in range(2)
        ]

    @tf.function(input_signature=[tf.TensorSpec((None, 4), tf.float32)])
    def __call__(self, x: Any) -> Any:
        for kernel, bias in self.layers:
            x = tf.nn.relu(x @ kernel + bias)
        return x


def module() -> Any:
    return Perceptron()


def mobile_net() -> Any:
    return keras.applications.MobileNetV2((32, 32, 3), alpha=0.35, weights=None, classes=4)


ORDINARY: tuple[Callable[[], Any], ...] = (
    dense, functional_cnn, residual, dropouts, augmented, lstm, bidirectional, attention, nested,
    subclassed, custom_layer, positions, autoencoder, normalized, discretized, words, lambdas,
    mixed, module, mobile_net,
)  # fmt: skip
