"""Make checkpoints with ``tf.train.Saver``, in both formats.

    python scripts/make_golden/tf1_saver.py DIRECTORY

Runs on every Python from 3.6 and every TensorFlow from 1.4 (there is ``compat.v1`` in 2.x). The
folders ``tests/golden/tf_checkpoint/tf1_4``, ``tf1_15`` and ``tf2_21_saver`` were made with
TensorFlow 1.4.0, 1.15.5 and 2.21.0. Each case is saved as ``<case>.v1`` and ``<case>.v2``, with
``<case>.json``: what the session held, by name.
"""

import hashlib
import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import numpy as np
import tensorflow as tf

VERSION = tf.__version__
tf = getattr(getattr(tf, "compat", None), "v1", tf)
if hasattr(tf, "disable_eager_execution"):
    tf.disable_eager_execution()


def ramp(shape, dtype="float32"):
    """Return numbers that differ from each other, as far as the type allows."""
    values = np.arange(int(np.prod(shape)) if shape else 1).reshape(shape)
    if dtype == "bool":
        return values % 2 == 0
    if dtype.startswith("complex"):
        return (values + 1j * (values + 1)).astype(dtype)
    return (values - values.size // 2).astype(dtype)


def dtypes():
    """Make a variable of every type that both formats can save."""
    names = "float32 float64 int32 uint8 int16 int8 int64 bool complex64 complex128 float16 uint16"
    for name in names.split():
        if name in ("complex128", "uint16") and VERSION.startswith("1.4"):
            continue
        value = ramp((2, 3), name)
        tf.Variable(tf.constant(value), name="kinds/" + name)
    tf.Variable(tf.constant([[b"one", b""], [b"\x00\xff", b"four" * 40]]), name="kinds/string")
    tf.Variable(tf.constant(np.float32(2.5)), name="scalar")
    tf.Variable(tf.constant(np.zeros((0, 3), "float32")), name="empty")


def training():
    """Train two layers for a few steps, with several optimizers, averages and parts."""
    with tf.variable_scope("net"):
        emb = tf.get_variable(
            "emb", (7, 4), partitioner=tf.fixed_size_partitioner(3), initializer=init()
        )
        kernel = tf.get_variable("dense/kernel", (4, 2), initializer=init())
        bias = tf.get_variable("dense/bias", (2,), initializer=init())
    whole = tf.convert_to_tensor(emb)
    loss = tf.reduce_sum(tf.square(tf.matmul(whole, kernel) + bias))
    step = tf.train.get_or_create_global_step()
    variables = list(emb) + [kernel, bias]
    optimizers = [
        tf.train.AdamOptimizer(0.01),
        tf.train.MomentumOptimizer(0.01, 0.9),
        tf.train.RMSPropOptimizer(0.01, centered=True),
        tf.train.AdagradOptimizer(0.01),
        tf.train.AdadeltaOptimizer(0.01),
        tf.train.FtrlOptimizer(0.01),
    ]
    updates = [optimizers[0].minimize(loss, global_step=step, var_list=variables)]
    updates += [o.minimize(loss, var_list=[kernel]) for o in optimizers[1:]]
    average = tf.train.ExponentialMovingAverage(0.9)
    with tf.control_dependencies(updates):
        return average.apply([kernel, bias])


def sharded():
    """Make variables on two devices, so that there are two data files."""
    with tf.device("/cpu:0"):
        tf.get_variable("first/kernel", (3, 2), initializer=init())
        tf.get_variable(
            "first/emb", (4, 2), partitioner=tf.fixed_size_partitioner(2), initializer=init()
        )
    tf.get_variable("second/bias", (5,), initializer=init())


def init():
    """Return an initializer that gives a ramp."""

    def make(shape, dtype=None, partition_info=None):
        start = sum(partition_info.var_offset) if partition_info is not None else 0
        dims = [int(d) for d in shape]
        return tf.constant(ramp(dims) * 0.125 + start)

    return make


def described(value):
    """Return type, shape and digest of a value; strings as hexadecimal digits."""
    value = np.asarray(value)
    if value.dtype == object:
        return {
            "dtype": "string",
            "shape": list(value.shape),
            "strings": [item.hex() for item in value.reshape(-1).tolist()],
        }
    digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
    return {"dtype": str(value.dtype), "shape": list(value.shape), "sha256": digest}


def save(case, directory):
    """Save one case in both formats, and what the session held."""
    graph = tf.Graph()
    with graph.as_default(), tf.Session() as session:
        update = case()
        session.run(tf.global_variables_initializer())
        for _ in range(3 if update is not None else 0):
            session.run(update)
        parts, whole = {}, {}
        for variable in tf.global_variables():
            info = variable._save_slice_info
            value = session.run(variable)
            if info is None:
                whole[variable.op.name] = value
            else:
                parts.setdefault(info.full_name, []).append((tuple(info.var_offset), value))
        for name, pieces in parts.items():
            whole[name] = np.concatenate([v for _, v in sorted(pieces, key=lambda p: p[0])])
        sharding = case is sharded
        for version, number in (("v1", tf.train.SaverDef.V1), ("v2", tf.train.SaverDef.V2)):
            tf.train.Saver(write_version=number, sharded=sharding).save(
                session,
                os.path.join(directory, case.__name__ + "." + version),
                write_state=False,
                write_meta_graph=False,
            )
    path = os.path.join(directory, case.__name__ + ".json")
    with open(path, "w") as file:
        held = {name: described(value) for name, value in sorted(whole.items())}
        json.dump({"tensorflow": VERSION, "tensors": held}, file, indent=1, sort_keys=True)
        file.write("\n")


if __name__ == "__main__":
    target = sys.argv[1]
    if not os.path.isdir(target):
        os.makedirs(target)
    for made in (dtypes, training, sharded):
        save(made, target)
