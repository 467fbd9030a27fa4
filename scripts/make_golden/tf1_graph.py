"""Make checkpoints with their graphs (``.meta``), and write down what their sessions answer.

    python scripts/make_golden/tf1_graph.py DIRECTORY

Runs on every Python from 3.6 and every TensorFlow from 1.4 to 1.15. The folders
``tests/golden/metagraph/tf1_4`` and ``tf1_15`` were made with TensorFlow 1.4.1 and 1.15.5. Each
case is ``<case>.ckpt.*`` (the graph compressed, ``.meta.gz``) with ``<case>.json``: inputs,
outputs, and the losses of further steps.
"""

import gzip
import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import numpy as np
import tensorflow as tf

STEPS = 3


def numbers(*shape):
    """Return numbers between -1 and 1 that differ from each other."""
    return np.cos(np.arange(np.prod(shape)) * 1.7).reshape(shape).astype("float32")


def layers():
    """Build convolution, batch normalization and dropout with ``tf.layers``."""
    x = tf.placeholder(tf.float32, [None, 6, 6, 1], name="image")
    y = tf.placeholder(tf.int64, [None], name="label")
    training = tf.placeholder(tf.bool, name="is_training")
    keep = tf.placeholder_with_default(1.0, [], name="keep_prob")
    net = tf.layers.conv2d(x, 3, 3, activation=tf.nn.relu)
    net = tf.layers.batch_normalization(net, training=training)
    net = tf.nn.dropout(tf.reshape(net, [-1, 48]), keep)
    logits = tf.layers.dense(net, 3)
    tf.nn.softmax(logits, name="probabilities")
    loss = tf.losses.sparse_softmax_cross_entropy(y, logits)
    step = tf.train.get_or_create_global_step()
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        train = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss, step)
    given = {"image": numbers(4, 6, 6, 1), "label": np.array([0, 1, 2, 1])}
    return given, {"is_training": False}, {"is_training": True}, ["probabilities"], train, loss


def recurrent():
    """Build an LSTM in a loop; the answer is used by nothing else."""
    words = tf.placeholder(tf.int32, [None, None], name="words")
    lengths = tf.placeholder(tf.int32, [None], name="lengths")
    table = tf.get_variable("embedding", [7, 3])
    cell = tf.nn.rnn_cell.BasicLSTMCell(4)
    inputs = tf.nn.embedding_lookup(table, words)
    _, state = tf.nn.dynamic_rnn(cell, inputs, lengths, dtype=tf.float32)
    tf.sigmoid(tf.layers.dense(state.h, 1), name="score")
    given = {"words": np.array([[1, 2, 3], [4, 5, 0]]), "lengths": np.array([3, 2])}
    return given, {}, {}, ["score"], None, None


def pipeline():
    """Take batches of 8 from a queue; partitioned weights, Adam, an average of the weights."""
    data = tf.train.slice_input_producer([numbers(9, 4), np.arange(9) % 2], seed=1)
    x, y = tf.train.batch(data, 8)
    kernel = tf.get_variable("kernel", [4, 2], partitioner=tf.fixed_size_partitioner(2))
    logits = tf.matmul(x, tf.convert_to_tensor(kernel), name="logits")
    loss = tf.losses.sparse_softmax_cross_entropy(y, logits)
    step = tf.train.get_or_create_global_step()
    train = tf.train.AdamOptimizer(0.05).minimize(loss, step)
    with tf.control_dependencies([train]):
        tf.train.ExponentialMovingAverage(0.9).apply(list(kernel))
    given = {x.name: numbers(8, 4), y.name: np.array([0, 1, 0, 0, 1, 1, 0, 1])}
    return given, {}, {}, ["logits"], train, loss


def tensor(name):
    """Return the tensor of a name."""
    return name if ":" in name else name + ":0"


def compress(path):
    """Replace a file by a compressed one; without the time, so that it is the same every day."""
    with open(path, "rb") as file:
        data = file.read()
    with open(path + ".gz", "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as file:
        file.write(data)
    os.remove(path)


def save(case, directory):
    """Build, train, save one case, and write down what its session answers."""
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(4)
        given, serving, training, outputs, train, loss = case()
        session.run(tf.global_variables_initializer())
        feed = {tensor(name): value for name, value in list(given.items()) + list(training.items())}
        for _ in range(STEPS if train is not None else 0):
            session.run(train, feed)
        prefix = os.path.join(directory, case.__name__ + ".ckpt")
        tf.train.Saver().save(session, prefix, write_state=False)
        asked = {tensor(n): v for n, v in list(given.items()) + list(serving.items())}
        compress(prefix + ".meta")
        answers = session.run([tensor(name) for name in outputs], asked)
        losses = [
            float(session.run([train, loss], feed)[1])
            for _ in range(STEPS if train is not None else 0)
        ]
    held = {
        "tensorflow": tf.__version__,
        "given": {name: value.tolist() for name, value in given.items()},
        "outputs": {n: answers[k].astype("float64").tolist() for k, n in enumerate(outputs)},
        "losses": losses,
    }
    with open(os.path.join(directory, case.__name__ + ".json"), "w") as file:
        json.dump(held, file, sort_keys=True)
        file.write("\n")


if __name__ == "__main__":
    target = sys.argv[1]
    if not os.path.isdir(target):
        os.makedirs(target)
    for made in (layers, recurrent, pipeline):
        save(made, target)
