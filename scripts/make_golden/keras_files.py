"""Make H5, ``.weights.h5`` and ``.keras`` files with whichever Keras is there.

    python scripts/make_golden/keras_files.py DIRECTORY [keras | tf.keras | tf_keras]

Runs on every Python from 2.7 and every Keras from 1.2. The folders of ``tests/golden/keras`` were
made with Keras 1.2.2 on TensorFlow 1.4 and on Theano 0.9, Keras 2.0.8 on TensorFlow 1.12, 2.2.4 on
TensorFlow 1.15, 2.3.1 on TensorFlow 2.1, tf.keras of TensorFlow 1.15, 2.3, 2.4, 2.10 and 2.15,
tf_keras 2.21 and Keras 3.15. ``expected.json`` says for each file what the live
model held: weights in the order of ``get_weights``, the optimizer's variables in its own order,
the weights that it trains, and one pair of inputs and outputs.
"""

from __future__ import print_function

import hashlib
import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"

import numpy as np

WHICH = sys.argv[2] if len(sys.argv) > 2 else "keras"
if WHICH == "tf.keras":
    import tensorflow as tf

    keras = tf.keras
    VERSION = tf.__version__
else:
    keras = __import__(WHICH)
    VERSION = keras.__version__
L = keras.layers
MAJOR = int(VERSION.split(".")[0])
IS_1 = WHICH == "keras" and MAJOR == 1
IS_3 = WHICH == "keras" and MAJOR == 3
HAS_ARCHIVE = IS_3 or WHICH == "tf_keras"


def model_of(inputs, outputs, name=None):
    """Return a functional model."""
    make = keras.models.Model
    if IS_1:
        return make(input=inputs, output=outputs, name=name or "model_x")
    return make(inputs, outputs, name=name) if name else make(inputs, outputs)


def conv(filters, name, **more):
    """Return a 3x3 convolution."""
    if IS_1:
        return L.Convolution2D(filters, 3, 3, name=name, **more)
    return L.Conv2D(filters, 3, name=name, **more)


def cnn():
    """Make a sequential model with a convolution and batch normalization."""
    shape = (6, 5, 2)
    if os.environ.get("KERAS_BACKEND") == "theano":
        shape = (2, 6, 5)
    axis = {"axis": 1} if shape[0] == 2 else {}
    layers = [
        conv(3, "conv_a", input_shape=shape, activation="relu"),
        L.BatchNormalization(name="bn_a", **axis),
        L.Flatten(name="flat"),
        L.Dense(4, name="dense_1", activation="tanh"),
        L.Dense(2, name="dense_10"),
    ]
    if IS_3:
        layers[0] = conv(3, "conv_a", activation="relu")
        layers.insert(0, keras.Input(shape))
    return keras.models.Sequential(layers), (4,) + shape, adam()


def adam():
    """Return Adam with a rate that is not the default."""
    kind = keras.optimizers.Adam
    return kind(learning_rate=0.01) if is_new() else kind(lr=0.01)


def is_new():
    """Return whether optimizers call their rate ``learning_rate``."""
    return IS_3 or WHICH != "keras"


def nested():
    """Make a functional model with a model inside, used twice; no layer but one has a name."""
    part = keras.layers.Input((3,))
    hidden = L.Dense(3, name="inner_b")(part)
    hidden = L.BatchNormalization(name="inner_bn")(hidden)
    encoder = model_of(part, L.Dense(3, name="inner_a")(hidden), "encoder")
    left, right = keras.layers.Input((3,)), keras.layers.Input((3,))
    if IS_1:
        joined = L.merge([encoder(left), encoder(right)], mode="concat")
    else:
        joined = L.concatenate([encoder(left), encoder(right)])
    outputs = L.Dense(2)(L.Dense(3)(joined))
    rate = {"learning_rate": 0.01} if is_new() else {"lr": 0.01}
    optimizer = keras.optimizers.SGD(momentum=0.9, nesterov=True, **rate)
    return model_of([left, right], outputs), [(4, 3), (4, 3)], optimizer


def rnn():
    """Make a recurrent model with a frozen layer."""
    inputs = keras.layers.Input((5, 2))
    hidden = L.LSTM(3, return_sequences=True, name="lstm_1")(inputs)
    frozen = L.TimeDistributed(L.Dense(3), name="spread")
    hidden = L.Flatten(name="flat")(frozen(hidden))
    frozen.trainable = False
    outputs = L.Dense(2, name="out")(hidden)
    return model_of(inputs, outputs), (4, 5, 2), keras.optimizers.RMSprop()


def both():
    """Make a model of both directions, whose weights have equal shapes."""
    inputs = keras.layers.Input((5, 2))
    outputs = L.Bidirectional(L.GRU(2), name="both")(inputs)
    optimizers = keras.optimizers
    is_early = WHICH == "keras" and VERSION.startswith(("1.", "2.0."))
    optimizer = optimizers.Adagrad() if is_early else optimizers.Adam(amsgrad=True)
    return model_of(inputs, outputs), (4, 5, 2), optimizer


def numbers(shape):
    """Return inputs that any NumPy makes alike."""
    values = np.arange(int(np.prod(shape)), dtype="float64")
    return (np.sin(values * 1.7) * 0.9).reshape(shape).astype("float32")


def trained(case):
    """Return a case's model after three steps."""
    model, shapes, optimizer = case()
    many = isinstance(shapes, list)
    inputs = [numbers(s) for s in shapes] if many else numbers(shapes)
    for place, value in enumerate(values_of(model)):
        new = numbers(value.shape) * 0.4 + 0.01 * place
        new = np.abs(new) + 0.1 if value.ndim == 1 else new  # a variance is positive
        SHARED.append(new if value.dtype.kind == "f" else value)
    model.set_weights(SHARED)
    del SHARED[:]
    model.compile(optimizer, "mean_squared_error")
    outputs = model.predict(inputs)
    for _ in range(3):
        model.train_on_batch(inputs, np.cos(np.arange(outputs.size)).reshape(outputs.shape))
    return model, inputs


SHARED = []


def values_of(model):
    """Return the values of all weights."""
    return [np.asarray(value) for value in model.get_weights()]


def digest(value):
    """Return the digest that tests compare."""
    array = np.asarray(value)
    found = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
    return {"shape": list(array.shape), "dtype": array.dtype.name, "sha256": found}


def name_of(variable):
    """Return the name that a variable has."""
    return getattr(variable, "path", None) or getattr(variable, "name", None) or "?"


def read(variables):
    """Return the values of variables of any backend."""
    if IS_3 or WHICH == "tf_keras" or (WHICH == "tf.keras" and tf.executing_eagerly()):
        return [np.asarray(v.numpy() if hasattr(v, "numpy") else v) for v in variables]
    return keras.backend.batch_get_value(variables)


def listed(variables):
    """Return names and digests of variables."""
    values = read(variables)
    return [dict(digest(values[k]), name=name_of(v)) for k, v in enumerate(variables)]


def described(model, inputs):
    """Return what a live model holds."""
    held = model.optimizer.variables if WHICH != "keras" or IS_3 else model.optimizer.weights
    if callable(held):
        held = held()
    inner = model.model if IS_1 and hasattr(model, "model") else model  # of a Sequential
    trained_ones = getattr(inner, "_collected_trainable_weights", None) or model.trainable_weights
    outputs = np.asarray(model.predict(inputs))
    many = isinstance(inputs, list)
    return {
        "weights": listed(model.weights),
        "trainable": [name_of(variable) for variable in trained_ones],
        "optimizer": type(model.optimizer).__name__,
        "optimizer_variables": listed(held),
        "inputs": [i.tolist() for i in inputs] if many else inputs.tolist(),
        "outputs": outputs.tolist(),
    }


def files_of(model, name, folder):
    """Save a model in every way that this Keras has; yields the names of the files."""
    if HAS_ARCHIVE:
        model.save(os.path.join(folder, name + ".keras"))
        yield name + ".keras"
        model.save_weights(os.path.join(folder, name + ".weights.h5"))
        yield name + ".weights.h5"
    model.save(os.path.join(folder, name + ".h5"))
    yield name + ".h5"
    if not IS_3:
        model.save_weights(os.path.join(folder, name + "_only.h5"))
        yield name + "_only.h5"


def main(folder):
    """Make every case."""
    if not os.path.isdir(folder):
        os.makedirs(folder)
    files = {}
    for case in (cnn, nested, rnn, both):
        keras.backend.clear_session() if hasattr(keras.backend, "clear_session") else None
        model, inputs = trained(case)
        held = described(model, inputs)
        for name in files_of(model, case.__name__, folder):
            files[name] = case.__name__
            print(name, os.path.getsize(os.path.join(folder, name)))
        files[case.__name__] = held
    with open(os.path.join(folder, "expected.json"), "w") as file:
        kept = {"writer": "{} {}".format(WHICH, VERSION), "files": {}, "models": {}}
        for name, value in files.items():
            kept["models" if isinstance(value, dict) else "files"][name] = value
        json.dump(kept, file, indent=1, sort_keys=True)
        file.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
