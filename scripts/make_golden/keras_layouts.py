"""Make H5 files of layers whose weights some version of Keras stores in its own way.

    python scripts/make_golden/keras_layouts.py DIRECTORY [keras | tf.keras | tf_keras] [CASE ...]

Runs on every Python from 3.6 and every Keras from 1.2. The folders of
``tests/golden/keras_layouts`` were made with Keras 1.2.2 on TensorFlow 1.4 and on Theano 0.9 (with
``CHANNELS=first``, but for ``keras1_theano_last``), Keras 2.0.8 on TensorFlow 1.12, 2.2.4 on Theano
1.0.5 (``CHANNELS=first``) and on TensorFlow 1.15, 2.3.1 on TensorFlow 2.1, with tf.keras of
TensorFlow 1.15, 2.4, 2.10 and 2.15, with tf_keras 2.21 and Keras 3.15. ``expected.json`` has a
pair of inputs and outputs of each model, as the writer computed them. For ``cudnn``, which is made
only when it is named and whose layers run on a GPU only (TensorFlow 2 saves them without one), the
outputs are those of plain layers that the writer itself filled from the file. ``ConvLSTM2D`` has
odd kernels: Theano pads even ones on the other side.
"""

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
L, K = keras.layers, keras.backend
IS_1 = WHICH == "keras" and VERSION.startswith("1.")
IS_3 = WHICH == "keras" and VERSION.startswith("3.")
IS_THEANO = WHICH == "keras" and K.backend() == "theano"
IS_FIRST = os.environ.get("CHANNELS") == "first"
if WHICH == "keras" and hasattr(K, "set_image_dim_ordering"):
    K.set_image_dim_ordering("th" if IS_FIRST else "tf")


def model_of(inputs, outputs, name=None):
    """Return a functional model."""
    make = keras.models.Model
    if IS_1:
        return make(input=inputs, output=outputs, name=name or "model_x")
    return make(inputs, outputs, name=name) if name else make(inputs, outputs)


def image(*shape):
    """Return an input shape with the channels where this run has them."""
    return (*shape[:-3], shape[-1], *shape[-3:-1]) if IS_FIRST else shape


def conv2d(filters, rows, columns, name, **more):
    """Return a convolution."""
    if IS_1:
        return L.Convolution2D(filters, rows, columns, name=name, **more)
    return L.Conv2D(filters, (rows, columns), name=name, **more)


def square():
    """Make convolutions whose kernels fit in any order of their axes, and a dense layer behind."""
    layers = [
        conv2d(3, 3, 3, "one", input_shape=image(6, 5, 3), activation="tanh"),
        conv2d(3, 3, 3, "two"),
        L.Flatten(name="flat"),
        L.Dense(2, name="out"),
    ]
    return keras.models.Sequential(layers), (4, *image(6, 5, 3))


def convs():
    """Make convolutions of several kinds."""
    inputs = L.Input(image(5, 4, 2))
    hidden = conv2d(3, 3, 2, "plain", activation="tanh")(inputs)
    if IS_1:
        shape = (None, *image(5, 4, 2))
        turned = L.Deconvolution2D(2, 3, 2, output_shape=shape, name="turned")(hidden)
    else:
        turned = L.Conv2DTranspose(2, (3, 2), name="turned")(hidden)
    if not (IS_1 and IS_THEANO):
        if IS_1:
            turned = L.SeparableConvolution2D(2, 2, 3, depth_multiplier=2, name="apart")(turned)
        else:
            turned = L.SeparableConv2D(2, (2, 3), depth_multiplier=2, name="apart")(turned)
    if hasattr(L, "DepthwiseConv2D"):
        turned = L.DepthwiseConv2D((2, 1), name="deep")(turned)
    outputs = L.Dense(2, name="out")(L.Flatten(name="flat")(turned))
    return model_of(inputs, outputs), (3, *image(5, 4, 2))


def lines():
    """Make a one-dimensional convolution over an embedding."""
    inputs = L.Input((6,))
    hidden = L.Embedding(7, 3, name="words")(inputs)
    if IS_1:
        hidden = L.Convolution1D(4, 3, name="line", activation="tanh")(hidden)
    else:
        hidden = L.Conv1D(4, 3, name="line", activation="tanh")(hidden)
    outputs = L.Dense(2, name="out")(L.Flatten(name="flat")(hidden))
    return model_of(inputs, outputs), (3, 6)


def cells():
    """Make one recurrent layer of each kind, as the version has them by default."""
    inputs = L.Input((4, 3))
    hidden = L.Bidirectional(L.LSTM(2, return_sequences=True), name="both")(inputs)
    hidden = L.LSTM(3, return_sequences=True, name="long")(hidden)
    hidden = L.GRU(3, return_sequences=True, name="gated")(hidden)
    return model_of(inputs, L.SimpleRNN(2, name="simple")(hidden)), (3, 4, 3)


def films():
    """Make layers over sequences of images."""
    inputs = L.Input((3, *image(5, 4, 2)))
    wrapped = conv2d(3, 2, 2, "inside")
    hidden = L.TimeDistributed(wrapped, name="each")(inputs)
    if IS_1:
        hidden = L.ConvLSTM2D(2, 3, 3, name="moving")(hidden)
    else:
        hidden = L.ConvLSTM2D(2, (3, 3), name="moving")(hidden)
    return model_of(inputs, L.Dense(2, name="out")(L.Flatten()(hidden))), (2, 3, *image(5, 4, 2))


def frozen():
    """Make a nested model whose first layer is frozen: all kernels have one shape."""
    part = L.Input((3,))
    hidden = L.Dense(3, name="inner_a")(part)
    hidden = L.BatchNormalization(name="inner_bn")(hidden)
    inner = model_of(part, L.Dense(3, name="inner_b")(hidden), "inner")
    inner.get_layer("inner_a").trainable = False
    inputs = L.Input((3,))
    return model_of(inputs, L.Dense(3, name="out")(inner(inputs))), (4, 3)


def norms():
    """Make batch normalizations without a scale and without a center."""
    inputs = L.Input((3,))
    hidden = L.BatchNormalization(name="no_scale", scale=False)(inputs)
    hidden = L.BatchNormalization(name="no_center", center=False, epsilon=0.01)(hidden)
    return model_of(inputs, L.Dense(2, name="out")(hidden)), (4, 3)


class Affine(L.Layer):
    """A layer that Keras does not have."""

    def build(self, input_shape):
        """Make its weights."""
        size = (int(input_shape[-1]),)
        self.factor = self.add_weight(
            name="factor", shape=size, initializer="one" if IS_1 else "ones"
        )
        self.shift = self.add_weight(
            name="shift", shape=size, initializer="zero" if IS_1 else "zeros"
        )
        super().build(input_shape)

    def call(self, inputs, mask=None):
        """Scale and shift."""
        return inputs * self.factor + self.shift


def custom():
    """Make a model with a layer of its own."""
    inputs = L.Input((3,))
    outputs = L.Dense(2, name="out")(Affine(name="affine")(inputs))
    return model_of(inputs, outputs), (4, 3)


def cudnn(plain=False):
    """Make layers of cuDNN, or plain ones of the same sizes and functions."""
    inputs = L.Input((4, 3))
    made = L if WHICH == "keras" else tf.compat.v1.keras.layers
    if plain:
        more = {"recurrent_activation": "sigmoid"}
        long, gated = (
            L.LSTM(2, return_sequences=True, name="long", **more),
            L.GRU(2, reset_after=True, name="gated", **more),
        )
        both = L.Bidirectional(L.LSTM(2, return_sequences=True, **more), name="both")
    else:
        long = made.CuDNNLSTM(2, return_sequences=True, name="long")
        gated = made.CuDNNGRU(2, name="gated")
        both = L.Bidirectional(made.CuDNNLSTM(2, return_sequences=True), name="both")
    return model_of(inputs, gated(long(both(inputs)))), (3, 4, 3)


def numbers(shape, case):
    """Return inputs that any NumPy makes alike."""
    values = np.arange(int(np.prod(shape)), dtype="float64")
    if case is lines:
        return (values * 3 % 7).reshape(shape).astype("int32")
    return (np.sin(values * 1.7) * 0.9).reshape(shape).astype("float32")


def filled(case):
    """Return a case's model with values that are all different."""
    model, shape = case()
    values = []
    for place, value in enumerate(np.asarray(v) for v in model.get_weights()):
        wave = np.sin(np.arange(value.size) * 1.3 + place * 0.7) * 0.5
        new = wave.reshape(value.shape).astype("float32")
        values.append(np.abs(new) + 0.1 if "norm" in case.__name__ else new)
    if case is frozen:
        values = [np.abs(v) + 0.1 if v.ndim == 1 else v for v in values]
    model.set_weights(values)
    return model, numbers(shape, case)


CASES = (square, convs, lines, cells, films, frozen, norms, custom, cudnn)
DEFAULT = [case.__name__ for case in CASES if case is not cudnn]


def main(folder, wanted):
    """Make every case that is wanted."""
    if not os.path.isdir(folder):
        os.makedirs(folder)
    held = {"writer": f"{WHICH} {VERSION} {K.backend()}", "models": {}}
    for case in CASES:
        name = case.__name__
        if name not in (wanted or DEFAULT):
            continue
        K.clear_session() if hasattr(K, "clear_session") else None
        model, inputs = filled(case)
        files = [name + (".weights.h5" if IS_3 else "_only.h5")]
        model.save_weights(os.path.join(folder, files[0]))
        if name not in ("custom", "cudnn"):
            files.append(name + ".h5")
            model.save(os.path.join(folder, files[1]))
        if case is cudnn:
            model, _ = cudnn(plain=True)
            model.load_weights(os.path.join(folder, files[0]))
        held["models"][name] = {
            "files": files,
            "inputs": inputs.tolist(),
            "outputs": np.asarray(model.predict(inputs)).tolist(),
        }
        print(name, [os.path.getsize(os.path.join(folder, file)) for file in files])
    with open(os.path.join(folder, "expected.json"), "w") as file:
        json.dump(held, file, sort_keys=True)
        file.write("\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[3:])
