# mypy: ignore-errors
"""Graphs of TensorFlow 1's kind with several training steps, losses in scopes, and ``tf.keras``.

    python graphs_of_parts.py DIRECTORY

Runs as a program, like ``graphs.py``; writes beside each graph what its session answered and the
losses of the steps that followed.
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from graphs import X4, dense, v1, vocabulary

Z = X4[:, :2]
TARGET = X4[:, :1]


def adversarial(*, grouped=False):
    """Two networks that train against each other; nothing is computed from their answers alone."""
    noise = v1.placeholder(tf.float32, [None, 2], "noise")
    real = v1.placeholder(tf.float32, [None, 4], "real")
    with v1.variable_scope("generator"):
        fake = tf.tanh(dense(tf.nn.relu(dense(noise, 3, "first")), 4, "second"), name="images")

    def judged(x, reuse):
        with v1.variable_scope("discriminator", reuse=reuse):
            return dense(tf.nn.relu(dense(x, 3, "first")), 1, "second")

    def entropy(logits, label):
        labels = tf.fill(tf.shape(logits), label)
        return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=labels))

    on_real, on_fake = judged(real, False), judged(fake, True)
    d_loss = tf.add(entropy(on_real, 1.0), entropy(on_fake, 0.0), name="d_loss")
    g_loss = tf.identity(entropy(on_fake, 1.0), name="g_loss")
    rate = v1.train.GradientDescentOptimizer(0.1)
    steps = [
        rate.minimize(loss, var_list=v1.trainable_variables(scope), name=f"train_{scope[0]}")
        for loss, scope in ((d_loss, "discriminator"), (g_loss, "generator"))
    ]
    train = tf.group(*steps, name="both") if grouped else steps[1]
    losses = [d_loss, g_loss] if grouped else [g_loss]
    answers = {"generator/images": fake, "discriminator/second/BiasAdd": on_real}
    return {noise: Z, real: X4}, {}, answers, train, losses


def together():
    """The steps of both networks as one."""
    return adversarial(grouped=True)


def distance():
    """A network on two inputs whose distance only the loss computes, in a scope of its own."""
    left = v1.placeholder(tf.float32, [None, 4], "left")
    right = v1.placeholder(tf.float32, [None, 4], "right")
    same = v1.placeholder(tf.float32, [None, 1], "same")
    with v1.variable_scope("model"):
        one = dense(left, 3, "last")
    with v1.variable_scope("model", reuse=True):
        two = dense(right, 3, "last")
    with tf.name_scope("contrastive-loss"):
        square = tf.reduce_sum(tf.square(one - two), 1, keepdims=True)
        far = tf.square(tf.maximum(1.0 - tf.sqrt(square + 1e-6), 0))
        loss = tf.reduce_mean(same * square + (1 - same) * far) / 2
    train = v1.train.MomentumOptimizer(0.1, 0.9).minimize(loss)
    answers = {"model/last/BiasAdd": one, "model_1/last/BiasAdd": two}
    return {left: X4, right: X4[::-1]}, {same: (X4[:, :1] > 0) + 0.0}, answers, train, [loss]


def keras():
    """What ``tf.keras`` 1.x builds: its train function fills no collection."""
    import tf_keras
    from tf_keras.src import backend

    inputs = tf_keras.Input((4,), name="given")
    hidden = tf_keras.layers.Dense(3, activation="relu", name="hidden")(inputs)
    model = tf_keras.Model(inputs, tf_keras.layers.Dense(1, name="score")(hidden))
    model.compile(tf_keras.optimizers.legacy.Adam(0.1), "mse")
    model._make_train_function()  # as fit does
    session = backend.get_session()
    train = model.train_function
    values = {"target": TARGET, "weights": np.ones(6, "float32"), "phase": True}
    labels = {t: values[t.op.name.rpartition("_")[2]] for t in train.inputs[1:]}
    answers = {"score/BiasAdd": model.output}
    return {model.input: X4}, labels, answers, train.updates_op, [train.outputs[0]], session


def moved():
    """A vocabulary that is not where the graph looks for it any more."""
    inputs, _, _, outputs, _ = vocabulary()
    return inputs, {}, outputs, None, []


def write(build):
    """Build a graph, train two steps, save, and write down what comes next."""
    folder = Path(sys.argv[1]) / build.__name__
    folder.mkdir()
    with tf.Graph().as_default():
        v1.set_random_seed(3)
        inputs, labels, answers, train, losses, *session = build()
        (session,) = session or (v1.Session(),)
        session.run([v1.global_variables_initializer(), v1.tables_initializer()])
        given = {**inputs, **labels}
        for _ in range(2 if losses else 0):
            session.run(train, given)
        v1.train.Saver().save(session, str(folder / "model.ckpt"), write_state=False)
        members = {f"var/{v.op.name}": session.run(v) for v in v1.global_variables()}
        members |= {f"given/{t.op.name}": _plain(value) for t, value in given.items()}
        served = session.run(answers, given)
        members |= {f"out/{name.replace('/', '_')}": value for name, value in served.items()}
        steps = [session.run([train, *losses], given)[1:] for _ in range(3 if losses else 0)]
        members["losses"] = np.array(steps, "float32")
    np.savez(folder / "expected.npz", **members)


def _plain(value):
    value = np.asarray(value)
    return value.astype("S") if value.dtype == object else value


if __name__ == "__main__":
    v1.disable_v2_behavior()
    for made in (adversarial, together, distance, keras, moved):
        write(made)
    (Path(sys.argv[1]) / "moved" / "assets").mkdir()
    (Path(sys.argv[1]) / "words.txt").rename(Path(sys.argv[1]) / "moved" / "assets" / "words.txt")
