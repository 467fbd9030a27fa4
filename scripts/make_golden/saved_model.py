"""Make small SavedModels with TensorFlow.

    python scripts/make_golden/saved_model.py KIND DIRECTORY

``tests/golden/saved_model/module`` and ``other`` were made with TensorFlow 2.21; the tests marked
``tf`` make all kinds afresh.
"""

import contextlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")


def module(directory: str, *, units: int = 3) -> None:
    """Save raw variables by name in a dict, a table with its vocabulary, a counter."""
    import tensorflow as tf

    def ramp(shape: tuple[int, ...], start: float, dtype: str = "float32") -> Any:
        count = int(tf.reduce_prod(shape).numpy()) if shape else 1
        return tf.cast(tf.reshape(tf.range(count, dtype="float32") + start, shape), dtype)

    root = tf.Module()
    root.vars = {
        "dense/kernel": tf.Variable(ramp((2, units), 1.0), name="dense/kernel"),
        "dense/bias": tf.Variable(ramp((units,), 0.5), name="dense/bias"),
        "twin/kernel": tf.Variable(ramp((2, units), 10.0), name="twin/kernel"),
        "half": tf.Variable(ramp((4,), 0.0, "bfloat16"), name="half"),
        "flags": tf.Variable([True, False], name="flags"),
        "iteration": tf.Variable(7, dtype="int64", name="iteration"),
    }
    root.save_counter = tf.Variable(1, dtype="int64", name="save_counter")
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        # A relative path, because the table's shared name holds it.
        words = Path("words.txt")
        words.write_text("one\ntwo\n", encoding="utf-8")
        root.words = tf.lookup.StaticHashTable(
            tf.lookup.TextFileInitializer(
                str(words),
                "string",
                tf.lookup.TextFileIndex.WHOLE_LINE,
                "int64",
                tf.lookup.TextFileIndex.LINE_NUMBER,
            ),
            -1,
        )

        @tf.function(input_signature=[tf.TensorSpec([None, 2], "float32", name="x")])
        def serve(x: Any) -> Any:
            first = root.vars["dense/kernel"] + root.vars["twin/kernel"]
            return {"y": x @ first + root.vars["dense/bias"]}

        root.serve = serve
        tf.saved_model.save(root, directory, signatures={"serving_default": serve})


def other(directory: str) -> None:
    """Save the same edges with another shape."""
    module(directory, units=4)


def python_function(directory: str) -> None:
    """Save a function that calls back into Python."""
    import tensorflow as tf

    root = tf.Module()
    root.v = tf.Variable([1.0])

    @tf.function(input_signature=[tf.TensorSpec([1], "float32")])
    def serve(x: Any) -> Any:
        result = tf.numpy_function(lambda value: value + 1, [x], "float32")
        result.set_shape([1])
        return result + root.v

    root.serve = serve
    tf.saved_model.save(root, directory, signatures=serve)


def no_variables(directory: str) -> None:
    """Save a function and nothing else."""
    import tensorflow as tf

    root = tf.Module()
    root.serve = tf.function(lambda x: x + 1, input_signature=[tf.TensorSpec([1], "float32")])
    tf.saved_model.save(root, directory, signatures=root.serve)


def keras3_export(directory: str) -> None:
    """Export a Keras 3 model with batch normalization and dropout."""
    import keras

    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(3, name="dense"),
            keras.layers.BatchNormalization(name="bn"),
            keras.layers.Dropout(0.5),
        ]
    )
    model.export(directory, verbose=False)


def tf_keras_slots(directory: str) -> None:
    """Save a tf_keras model whose optimizer keeps its slots beside the variables."""
    import tf_keras

    tf_keras_trained(directory, tf_keras.optimizers.legacy.Adam())


def tf_keras_trained(directory: str, optimizer: Any = "adam") -> None:
    """Save a tf_keras model after a step of Adam, with the optimizer's slots."""
    import numpy as np
    import tf_keras

    model = tf_keras.Sequential([tf_keras.layers.Dense(2, input_shape=(3,), name="dense")])
    model.compile(optimizer=optimizer, loss="mse")
    model.fit(np.ones((4, 3), "float32"), np.ones((4, 2), "float32"), verbose=0)
    model.save(directory, save_format="tf")


KINDS = {
    made.__name__: made
    for made in (
        module,
        other,
        python_function,
        no_variables,
        keras3_export,
        tf_keras_trained,
        tf_keras_slots,
    )
}

if __name__ == "__main__":
    for kind in sys.argv[1].split(","):
        target = Path(sys.argv[2]).absolute() / kind
        KINDS[kind](str(target))
