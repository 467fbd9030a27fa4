# mypy: allow-subclassing-any, allow-untyped-calls
# mypy: disable-error-code="no-any-return, untyped-decorator, explicit-override"
"""Layers that keep state in 44 ways, each in a small functional model; each function is a factory.

Runs under Keras 3 and under tf_keras, which then answers to ``import keras``. The sentinel is what
a save is searched for. What a save of each keeps is in ``test_audit.py``.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

IS_KERAS_3 = keras.__version__.startswith("3")
SENTINEL = 123456.5


def _filled(self: Any, name: str = "state", **more: Any) -> Any:
    return self.add_weight(
        shape=(3,), initializer=keras.initializers.Constant(SENTINEL), name=name, **more
    )


def _raw() -> Any:
    return tf.Variable([SENTINEL] * 3, name="raw")


def _own() -> Any:
    """Return a variable of Keras itself; tf_keras has none but TensorFlow's."""
    if not IS_KERAS_3:
        return _raw()
    return keras.Variable([SENTINEL] * 3, name="own")


def _dense() -> Any:
    return layers.Dense(3, bias_initializer=keras.initializers.Constant(SENTINEL))


def _model(layer: Any) -> Any:
    inputs = keras.Input((3,))
    return keras.Model(inputs, layer(inputs))


class _InInit(layers.Layer):
    """Runs ``make`` in the constructor and computes with what ``use`` returns."""

    def __init__(self) -> None:
        super().__init__()
        self.make()

    def make(self) -> None:
        """Create the state."""

    def use(self, x: Any) -> Any:
        """Compute with it."""
        return x

    def call(self, x: Any) -> Any:
        return self.use(x)


class AddWeightInInit(_InInit):
    def make(self) -> None:
        self.state = _filled(self)

    def use(self, x: Any) -> Any:
        return x * self.state


class AddWeightInBuild(layers.Layer):
    def build(self, shape: Any) -> None:
        self.state = _filled(self)

    def call(self, x: Any) -> Any:
        return x * self.state


class NonTrainable(layers.Layer):
    def build(self, shape: Any) -> None:
        self.state = _filled(self, trainable=False)

    def call(self, x: Any) -> Any:
        return x * self.state


class SublayerAttribute(_InInit):
    def make(self) -> None:
        self.inner = _dense()

    def use(self, x: Any) -> Any:
        return self.inner(x)


class SublayerInTuple(_InInit):
    def make(self) -> None:
        self.inner = (_dense(),)

    def use(self, x: Any) -> Any:
        return self.inner[0](x)


class VariableInTuple(_InInit):
    def make(self) -> None:
        self.state = (_own(),)

    def use(self, x: Any) -> Any:
        return x * self.state[0]


class OwnAttribute(_InInit):
    def make(self) -> None:
        self.state = _own()

    def use(self, x: Any) -> Any:
        return x * self.state


class WeightInList(layers.Layer):
    def build(self, shape: Any) -> None:
        self.states = [_filled(self)]

    def call(self, x: Any) -> Any:
        return x * self.states[0]


class WeightInDict(layers.Layer):
    def build(self, shape: Any) -> None:
        self.states = {"a": _filled(self)}

    def call(self, x: Any) -> Any:
        return x * self.states["a"]


class OwnInList(_InInit):
    def make(self) -> None:
        self.states = [_own()]

    def use(self, x: Any) -> Any:
        return x * self.states[0]


class OwnInDict(_InInit):
    def make(self) -> None:
        self.states = {"a": _own()}

    def use(self, x: Any) -> Any:
        return x * self.states["a"]


class SublayerInList(_InInit):
    def make(self) -> None:
        self.blocks = [_dense()]

    def use(self, x: Any) -> Any:
        return self.blocks[0](x)


class SublayerInDict(_InInit):
    def make(self) -> None:
        self.blocks = {"a": _dense()}

    def use(self, x: Any) -> Any:
        return self.blocks["a"](x)


class AppendedInBuild(layers.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.states: list[Any] = []

    def build(self, shape: Any) -> None:
        self.states.append(_filled(self))

    def call(self, x: Any) -> Any:
        return x * self.states[0]


class VariableInNestedList(_InInit):
    def make(self) -> None:
        self.states = [[_own()]]

    def use(self, x: Any) -> Any:
        return x * self.states[0][0]


class SublayerInNestedList(_InInit):
    def make(self) -> None:
        self.blocks = [[_dense()]]

    def use(self, x: Any) -> Any:
        return self.blocks[0][0](x)


class RawAttribute(_InInit):
    def make(self) -> None:
        self.state = _raw()

    def use(self, x: Any) -> Any:
        return x * self.state


class RawInBuild(layers.Layer):
    def build(self, shape: Any) -> None:
        self.state = _raw()

    def call(self, x: Any) -> Any:
        return x * self.state


class RawInCall(layers.Layer):
    def call(self, x: Any) -> Any:
        if not hasattr(self, "state"):
            with tf.init_scope():
                self.state = _raw()
        return x * self.state


class RawInTuple(_InInit):
    def make(self) -> None:
        self.state = (_raw(),)

    def use(self, x: Any) -> Any:
        return x * self.state[0]


class RawBeforeSuper(layers.Layer):
    def __init__(self) -> None:
        self.state = _raw()
        super().__init__()

    def call(self, x: Any) -> Any:
        return x * self.state


class RawInList(_InInit):
    def make(self) -> None:
        self.states = [_raw()]

    def use(self, x: Any) -> Any:
        return x * self.states[0]


class RawInDict(_InInit):
    def make(self) -> None:
        self.states = {"a": _raw()}

    def use(self, x: Any) -> Any:
        return x * self.states["a"]


class RawAppended(layers.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.states: list[Any] = []

    def build(self, shape: Any) -> None:
        self.states.append(_raw())

    def call(self, x: Any) -> Any:
        return x * self.states[0]


class RawUnderNumber(_InInit):
    def make(self) -> None:
        self.states = {1: _raw()}

    def use(self, x: Any) -> Any:
        return x * self.states[1]


class _Module(tf.Module):
    def __init__(self) -> None:
        super().__init__()
        self.state = _raw()


class RawInModule(_InInit):
    def make(self) -> None:
        self.module = _Module()

    def use(self, x: Any) -> Any:
        return x * self.module.state


class _Plain:
    def __init__(self, held: Any) -> None:
        self.held = held


class RawInObject(_InInit):
    def make(self) -> None:
        self.holder = _Plain(_raw())

    def use(self, x: Any) -> Any:
        return x * self.holder.held


class SublayerInObject(_InInit):
    def make(self) -> None:
        self.holder = _Plain(_dense())

    def use(self, x: Any) -> Any:
        return self.holder.held(x)


class PastSetattr(_InInit):
    def make(self) -> None:
        self.__dict__["state"] = _raw()

    def use(self, x: Any) -> Any:
        return x * self.state


class ByObjectSetattr(_InInit):
    def make(self) -> None:
        object.__setattr__(self, "state", _raw())

    def use(self, x: Any) -> Any:
        return x * self.state


GLOBAL = None


class UsesGlobal(_InInit):
    def make(self) -> None:
        global GLOBAL  # noqa: PLW0603 - that is the pattern
        GLOBAL = _raw()

    def use(self, x: Any) -> Any:
        return x * GLOBAL


def lambda_over_variable() -> Any:
    state = _raw()
    return _model(layers.Lambda(lambda x: x * state))


def lambda_over_layer() -> Any:
    inner = _dense()
    inner.build((None, 3))
    return _model(layers.Lambda(lambda x: inner(x)))  # noqa: PLW0108 - that is the pattern


class OwnsMetric(_InInit):
    def make(self) -> None:
        self.mean = keras.metrics.Mean()
        self.mean.update_state(SENTINEL)

    def use(self, x: Any) -> Any:
        return x * self.mean.result()


class TensorflowGenerator(_InInit):
    def make(self) -> None:
        self.generator = tf.random.Generator.from_seed(123456)

    def use(self, x: Any) -> Any:
        return x + self.generator.normal((3,))


class MutableTable(_InInit):
    def make(self) -> None:
        self.table = tf.lookup.experimental.MutableHashTable(tf.int64, tf.float32, -1.0)
        self.table.insert([1], [SENTINEL])

    def use(self, x: Any) -> Any:
        return x * tf.ensure_shape(self.table.lookup(tf.constant([1, 1, 1], tf.int64)), (3,))


class KerasGenerator(_InInit):
    def make(self) -> None:
        self.seed = keras.random.SeedGenerator(123456)

    def use(self, x: Any) -> Any:
        return x + keras.random.normal((3,), seed=self.seed)


class EagerConstant(_InInit):
    def make(self) -> None:
        self.state = tf.constant([SENTINEL] * 3)

    def use(self, x: Any) -> Any:
        return x * self.state


class NumpyArray(_InInit):
    def make(self) -> None:
        self.state = np.full(3, SENTINEL, "float32")

    def use(self, x: Any) -> Any:
        return x * self.state


class LazyWeight(layers.Layer):
    def call(self, x: Any) -> Any:
        if not hasattr(self, "state"):
            self.state = _filled(self)
        return x * self.state


class LazySublayer(layers.Layer):
    def call(self, x: Any) -> Any:
        if not hasattr(self, "inner"):
            self.inner = _dense()
        return self.inner(x)


class NoSuper(layers.Layer):
    def __init__(self) -> None:
        self.inner = _dense()

    def call(self, x: Any) -> Any:
        return self.inner(x)


def compiled_only() -> Any:
    model = _model(layers.Dense(3))
    model.compile("adam", "mse")
    return model


class Blocks(_InInit):
    def make(self) -> None:
        self.blocks = [_dense(), layers.BatchNormalization()]

    def use(self, x: Any) -> Any:
        return self.blocks[1](self.blocks[0](x))


def blocks_in_functional() -> Any:
    return _model(Blocks())


def _of(layer: Any) -> Callable[[], Any]:
    return lambda: _model(layer())


PATTERNS: dict[str, Callable[[], Any]] = {
    "add_weight_in_init": _of(AddWeightInInit),
    "add_weight_in_build": _of(AddWeightInBuild),
    "non_trainable": _of(NonTrainable),
    "sublayer_attribute": _of(SublayerAttribute),
    "sublayer_in_tuple": _of(SublayerInTuple),
    "variable_in_tuple": _of(VariableInTuple),
    "own_attribute": _of(OwnAttribute),
    "weight_in_list": _of(WeightInList),
    "weight_in_dict": _of(WeightInDict),
    "own_in_list": _of(OwnInList),
    "own_in_dict": _of(OwnInDict),
    "sublayer_in_list": _of(SublayerInList),
    "sublayer_in_dict": _of(SublayerInDict),
    "appended_in_build": _of(AppendedInBuild),
    "variable_in_nested_list": _of(VariableInNestedList),
    "sublayer_in_nested_list": _of(SublayerInNestedList),
    "raw_attribute": _of(RawAttribute),
    "raw_in_build": _of(RawInBuild),
    "raw_in_call": _of(RawInCall),
    "raw_in_tuple": _of(RawInTuple),
    "raw_before_super": _of(RawBeforeSuper),
    "raw_in_list": _of(RawInList),
    "raw_in_dict": _of(RawInDict),
    "raw_appended": _of(RawAppended),
    "raw_under_number": _of(RawUnderNumber),
    "raw_in_module": _of(RawInModule),
    "raw_in_object": _of(RawInObject),
    "sublayer_in_object": _of(SublayerInObject),
    "past_setattr": _of(PastSetattr),
    "by_object_setattr": _of(ByObjectSetattr),
    "uses_global": _of(UsesGlobal),
    "lambda_over_variable": lambda_over_variable,
    "lambda_over_layer": lambda_over_layer,
    "owns_metric": _of(OwnsMetric),
    "tensorflow_generator": _of(TensorflowGenerator),
    "mutable_table": _of(MutableTable),
    "keras_generator": _of(KerasGenerator),
    "eager_constant": _of(EagerConstant),
    "numpy_array": _of(NumpyArray),
    "lazy_weight": _of(LazyWeight),
    "lazy_sublayer": _of(LazySublayer),
    "no_super": _of(NoSuper),
    "compiled_only": compiled_only,
    "blocks_in_functional": blocks_in_functional,
}
globals().update(PATTERNS)  # each is a factory of its own name
