"""Make checkpoints with ``tf.train.Checkpoint``, Keras and the raw save operation.

    python scripts/make_golden/tf2_checkpoint.py DIRECTORY

Runs on every TensorFlow from 2.3. The folders ``tests/golden/tf_checkpoint/tf2_3`` and ``tf2_21``
were made with TensorFlow 2.3.4, and with 2.21.0 with Keras 3 and tf_keras. Beside each case lies
``<case>.json``: what TensorFlow's own reader returns, by key.
"""

import hashlib
import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import numpy as np
import tensorflow as tf

IS_OLD = tf.__version__.startswith("2.3")


def legacy_keras():
    """Return the Keras that belongs to this TensorFlow and writes its checkpoint format."""
    if IS_OLD:
        return tf.keras
    import tf_keras

    return tf_keras


def trained(keras):
    """Return a small model and its optimizer after two steps."""
    model = keras.Sequential(
        [
            keras.layers.Embedding(5, 4, name="emb"),
            keras.layers.GlobalAveragePooling1D(name="pool"),
            keras.layers.Dense(3, name="hidden"),
            keras.layers.BatchNormalization(name="bn"),
            keras.layers.Dense(2, name="out"),
        ]
    )
    model.build((None, 6))
    for place, weight in enumerate(model.weights):
        ramp = np.arange(int(np.prod(weight.shape)), dtype="float32").reshape(weight.shape)
        weight.assign(0.1 * ramp + place)
    optimizer = keras.optimizers.Adam(0.01)
    model.compile(optimizer=optimizer, loss="mse")
    x = np.arange(12).reshape(2, 6) % 5
    for _ in range(2):
        model.train_on_batch(x, np.ones((2, 2), "float32"))
    return model, optimizer


def keras_checkpoint(prefix):
    """Save model, optimizer, a table, an iterator over data and a step."""
    model, optimizer = trained(legacy_keras())
    table = tf.lookup.experimental.DenseHashTable(
        "string", "int64", -1, empty_key="", deleted_key="$", initial_num_buckets=8
    )
    table.insert(["a", "bc"], [1, 2])
    iterator = iter(tf.data.Dataset.range(10).shuffle(4, seed=1).batch(2))
    next(iterator)
    tf.train.Checkpoint(
        model=model, optimizer=optimizer, table=table, iterator=iterator, step=tf.Variable(2)
    ).write(prefix)


def keras_weights(prefix):
    """Save the weights of a model in TensorFlow's format."""
    model, _ = trained(legacy_keras())
    model.save_weights(prefix, save_format="tf")


def keras3_checkpoint(prefix):
    """Save a Keras 3 model and optimizer."""
    import keras

    model, optimizer = trained(keras)
    tf.train.Checkpoint(model=model, optimizer=optimizer).write(prefix)


def module(prefix):
    """Save a module with a list, a dict, and names that repeat."""
    root = tf.Module()
    root.layers = [tf.Variable([float(n)]) for n in range(3)]
    root.by_name = {"a/b": tf.Variable([[1, 2]], name="inner"), "c": tf.Variable(True)}
    root.text = tf.Variable([["x", "yy"], ["", "z" * 300]], name="text")
    tf.train.Checkpoint(root=root).write(prefix)


def max_shard_size(prefix):
    """Save variables that are cut into parts because a data file may only be so large."""
    policy = tf.train.experimental.MaxShardSizePolicy(max_shard_size=100)
    root = tf.Module()
    root.large = tf.Variable(np.arange(60, dtype="float32").reshape(20, 3), name="large")
    root.small = tf.Variable([1.0, 2.0], name="small")
    options = tf.train.CheckpointOptions(experimental_sharding_callback=policy)
    tf.train.Checkpoint(root=root).write(prefix, options=options)


def dtypes(prefix):
    """Save a tensor of every type."""
    names = (
        "float32 float64 int32 uint8 int16 int8 int64 bool complex64 complex128 bfloat16 half "
        "uint16 uint32 uint64 qint8 quint8 qint32 qint16 quint16 string float8_e5m2 float8_e4m3fn "
        "float8_e4m3fnuz float8_e4m3b11fnuz float8_e5m2fnuz int4 uint4 int2 uint2 float4_e2m1fn"
    )
    base = tf.constant([[0.0, 1.0], [-1.0, 0.5]])
    keys, tensors = [], []
    for name in names.split():
        try:
            tensors.append(of_type(name, base))
        except Exception as error:  # noqa: BLE001
            print("left out", name, str(error).splitlines()[0])
            continue
        keys.append(name)
    tf.raw_ops.SaveV2(
        prefix=prefix, tensor_names=keys, shape_and_slices=[""] * len(keys), tensors=tensors
    )


def of_type(name, base):
    """Return the base values as another type."""
    dtype = getattr(tf.dtypes, name, None)
    if dtype is None:
        dtype = tf.dtypes.as_dtype(name)
    if name == "string":
        return tf.constant([[b"", b"one"], [b"\x00\xff", b"two"]])
    if name.startswith(("qint", "quint")):
        plain = {"qint32": "int32", "qint16": "int16", "quint16": "uint16"}
        values = tf.constant([[0, 1], [2, 3]], plain.get(name, name[1:]))
        return tf.bitcast(values, dtype)
    if name.startswith(("float8", "float4", "int4", "int2", "uint4", "uint2")):
        import ml_dtypes

        if hasattr(ml_dtypes, name):
            values = base if name.startswith(("float", "int")) else tf.abs(base)
            return tf.constant(values.numpy().astype(getattr(ml_dtypes, name)))
    if name.startswith("u"):
        return tf.cast(tf.abs(base) * 200, dtype)
    return tf.cast(base, dtype)


def described(reader, key):
    """Return type, shape and digest of a stored tensor; strings as hexadecimal digits."""
    shape = reader.get_variable_to_shape_map()[key]
    dtype = reader.get_variable_to_dtype_map()[key]
    found = {"dtype": dtype.name, "shape": list(shape)}
    if dtype == tf.variant:
        return found
    value = np.asarray(reader.get_tensor(key))
    if dtype == tf.string:
        return dict(found, strings=[spelled(item) for item in value.reshape(-1).tolist()])
    digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
    return dict(found, sha256=digest)


def spelled(item):
    """Return a string as hexadecimal digits, a long one as its digest."""
    return item.hex() if len(item) <= 64 else "sha256:" + hashlib.sha256(item).hexdigest()


def main(directory):
    """Make every case that this TensorFlow can make."""
    cases = [keras_checkpoint, keras_weights, module, dtypes]
    if not IS_OLD:
        cases += [keras3_checkpoint, max_shard_size]
    if not os.path.isdir(directory):
        os.makedirs(directory)
    for case in cases:
        prefix = os.path.join(directory, case.__name__)
        case(prefix)
        reader = tf.train.load_checkpoint(prefix)
        tensors = {key: described(reader, key) for key in reader.get_variable_to_shape_map()}
        with open(prefix + ".json", "w") as file:
            held = {"tensorflow": tf.__version__, "tensors": tensors}
            json.dump(held, file, indent=1, sort_keys=True)
            file.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
