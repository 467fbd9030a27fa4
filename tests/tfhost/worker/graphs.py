# mypy: ignore-errors
"""Training graphs of TensorFlow 1's kind, saved by its Saver, with what their sessions answer.

    python graphs.py DIRECTORY

Each function builds one graph and returns what a person would serve. Runs as a program: what is
tested must not see these graphs in memory.
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
RNG = np.random.default_rng(5)
X4 = RNG.normal(size=(6, 4)).astype("float32")
Y = RNG.integers(0, 3, 6).astype("int64")
MINIMIZED = {}
X16, Y16 = np.tile(X4, (3, 1))[:16], np.tile(Y, 3)[:16]


def dense(x, units, name, **options):
    with v1.variable_scope(name):
        kernel = v1.get_variable("kernel", (int(x.shape[-1]), units), **options)
        bias = v1.get_variable("bias", (units,), initializer=v1.zeros_initializer())
        return tf.nn.bias_add(tf.matmul(x, kernel), bias)


def xent(logits, y):
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=y))


def minimize(optimizer, loss, **options):
    """Remember what is minimized, for :func:`_losses`."""
    MINIMIZED[tf.compat.v1.get_default_graph()] = loss.name
    return optimizer.minimize(loss, **options)


def dropout():
    """A placeholder for the probability to keep, of unknown rank, and slots of Adam."""
    x = v1.placeholder(tf.float32, [None, 4], "x")
    y = v1.placeholder(tf.int64, [None], "y")
    keep = v1.placeholder(tf.float32, name="keep_prob")
    hidden = v1.nn.dropout(tf.nn.relu(dense(x, 5, "hidden")), keep_prob=keep)
    logits = dense(hidden, 3, "logits")
    predictions = tf.nn.softmax(logits, name="predictions")
    v1.summary.histogram("predictions", predictions)
    step = v1.train.get_or_create_global_step()
    train = minimize(v1.train.AdamOptimizer(0.01), xent(logits, y), global_step=step)
    return {x: X4}, {y: Y, keep: 1.0}, {keep: 1.0}, {"predictions": predictions}, train


def normalized():
    """Batch normalization under ``tf.cond``, on resource variables, with a rate that decays."""
    x = v1.placeholder(tf.float32, [None, 4], "x")
    y = v1.placeholder(tf.int64, [None], "labels")
    training = v1.placeholder(tf.bool, name="is_training")
    with v1.variable_scope("net", use_resource=True):
        hidden = dense(x, 5, "hidden")
        mean = v1.get_variable("moving_mean", (5,), trainable=False)
        variance = v1.get_variable("moving_variance", (5,), trainable=False, initializer=tf.ones)
        here, spread = tf.nn.moments(hidden, [0])

        def update():
            with tf.control_dependencies(
                [
                    mean.assign_sub(0.1 * (mean - here)),
                    variance.assign_sub(0.1 * (variance - spread)),
                ]
            ):
                return tf.identity(here), tf.identity(spread)

        used = v1.cond(training, update, lambda: (mean.read_value(), variance.read_value()))
        hidden = (hidden - used[0]) * tf.math.rsqrt(used[1] + 1e-3)
        logits = dense(hidden, 3, "logits")
    right = tf.equal(tf.argmax(logits, 1), y)
    tf.reduce_mean(tf.cast(right, tf.float32), name="accuracy")
    step = v1.train.get_or_create_global_step()
    rate = v1.train.exponential_decay(0.1, step, 2, 0.5)
    train = minimize(v1.train.MomentumOptimizer(rate, 0.9), xent(logits, y), global_step=step)
    return {x: X4}, {y: Y, training: True}, {training: False}, {"net/logits/BiasAdd": logits}, train


def queue():
    """Batches of a fixed size from a queue that Python feeds."""
    read = v1.py_func(lambda: (X4[0], np.int64(1)), [], [tf.float32, tf.int64])
    read[0].set_shape([4])
    read[1].set_shape([])
    x, y = v1.train.batch(read, batch_size=16, name="reading")
    logits = dense(x, 3, "logits")
    predictions = tf.nn.softmax(logits, name="predictions")
    train = minimize(v1.train.GradientDescentOptimizer(0.1), xent(logits, y))
    return {x: X16}, {y: Y16}, {}, {"predictions": predictions}, train


def iterator():
    """A dataset whose iterator delivers pairs; the answer has no name of its own."""
    data = tf.data.Dataset.from_tensor_slices((X4, Y)).repeat().batch(2)
    x, y = v1.data.make_one_shot_iterator(data).get_next()
    logits = dense(x, 3, "logits", use_resource=True)
    train = minimize(v1.train.AdamOptimizer(0.1), xent(logits, y))
    return {x: X4}, {y: Y}, {}, {"logits/BiasAdd": logits}, train


def partitioned():
    """An embedding in three parts, slots of Adagrad in as many, and an average of a weight."""
    words = v1.placeholder(tf.int32, [None, 2], "words")
    target = v1.placeholder(tf.float32, [None, 1], "target")
    table = v1.get_variable("embedding", (7, 3), partitioner=v1.fixed_size_partitioner(3))
    found = v1.nn.embedding_lookup(table, words, partition_strategy="div")
    score = dense(tf.reshape(found, [-1, 6]), 1, "score")
    v1.identity(score, "answer")
    loss = v1.losses.mean_squared_error(target, score)
    step = v1.train.get_or_create_global_step()
    average = tf.train.ExponentialMovingAverage(0.9, step)
    train = minimize(v1.train.AdagradOptimizer(0.1), loss, global_step=step)
    with tf.control_dependencies([train]):
        average.apply([v1.trainable_variables()[-2]])
    given = RNG.integers(0, 7, (6, 2)).astype("int32")
    wanted = RNG.normal(size=(6, 1)).astype("float32")
    answer = v1.get_default_graph().get_tensor_by_name("answer:0")
    return {words: given}, {target: wanted}, {}, {"answer": answer}, train


def two_inputs():
    """A second input joins what was computed from the first; neither is a label."""
    left = v1.placeholder(tf.float32, [None, 4], "left")
    right = v1.placeholder(tf.float32, [None, 2], "right")
    label = v1.placeholder(tf.float32, [None, 1], "label")
    joined = tf.concat([dense(left, 3, "first"), right], 1)
    score = dense(joined, 1, "second")
    loss = tf.reduce_mean(tf.square(score - label)) + 0.01 * tf.nn.l2_loss(
        v1.trainable_variables()[0]
    )
    train = minimize(v1.train.GradientDescentOptimizer(0.1), loss)
    given = {left: X4, right: X4[:, :2]}
    return given, {label: X4[:, :1]}, {}, {"second/BiasAdd": score}, train


def vocabulary():
    """Words looked up in a table that a file fills."""
    file = Path(sys.argv[1]) / "words.txt"
    file.write_text("good\nbad\nugly\n")
    words = v1.placeholder(tf.string, [None], "words")
    reader = tf.lookup.TextFileInitializer(
        str(file), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE,
        tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER,
    )  # fmt: skip
    table = v1.lookup.StaticVocabularyTable(reader, 1)
    embedding = v1.get_variable("embedding", (4, 3))
    score = tf.reduce_sum(tf.gather(embedding, table.lookup(words)), 1, name="score")
    given = np.array([b"bad", b"unheard", b"good"], object)
    return {words: given}, {}, {}, {"score": score}, None


def tutorial():
    """Nothing has a name, the loss takes the logarithm itself, accuracy uses the answer."""
    x = v1.placeholder(tf.float32, [None, 4])
    y = v1.placeholder(tf.float32, [None, 3])
    keep = v1.placeholder(tf.float32)
    first, second = (v1.Variable(RNG.normal(size=s).astype("float32")) for s in ((4, 5), (5, 3)))
    hidden = v1.nn.dropout(tf.nn.relu(tf.matmul(x, first)), keep)
    answer = tf.nn.softmax(tf.matmul(hidden, second) + v1.Variable(tf.zeros([3])))
    safe = tf.clip_by_value(answer, 1e-10, 1.0)
    loss = tf.reduce_mean(-tf.reduce_sum(y * tf.math.log(safe), 1))
    right = tf.equal(tf.argmax(answer, 1), tf.argmax(y, 1))
    v1.summary.scalar("accuracy", tf.reduce_mean(tf.cast(right, tf.float32)))
    train = minimize(v1.train.AdamOptimizer(0.01), loss)
    wanted = np.eye(3, dtype="float32")[Y]
    return {x: X4}, {y: wanted, keep: 1.0}, {keep: 1.0}, {"Softmax": answer}, train


def autoencoder():
    """The label is the input."""
    x = v1.placeholder(tf.float32, [None, 4], "x")
    decoded = dense(tf.nn.relu(dense(x, 2, "encoder")), 4, "decoder")
    train = minimize(v1.train.AdamOptimizer(0.1), tf.reduce_mean(tf.square(decoded - x)))
    return {x: X4}, {}, {}, {"decoder/BiasAdd": decoded}, train


def training_only():
    """Batch normalization without a switch, and two parts that train against each other."""
    x = v1.placeholder(tf.float32, [None, 4], "x")
    hidden = dense(x, 3, "hidden")
    mean, variance = tf.nn.moments(hidden, [0])
    answer = tf.sigmoid((hidden - mean) * tf.math.rsqrt(variance + 1e-3), name="answer")
    for sign in (1, -1):
        v1.train.GradientDescentOptimizer(0.1).minimize(sign * tf.reduce_mean(hidden))
    return {x: X4}, {}, {}, {"answer": answer}, None


def python_inside():
    """Python in the middle of what is served."""
    x = v1.placeholder(tf.float32, [None, 4], "x")
    hidden = v1.py_func(np.abs, [dense(x, 3, "first")], tf.float32, name="python")
    hidden.set_shape([None, 3])
    return {x: X4}, {}, {}, {"second/BiasAdd": dense(hidden, 2, "second")}, None


def session_of(build):
    """Build a graph, train three steps, save, and write down what the session answers."""
    folder = Path(sys.argv[1]) / build.__name__
    folder.mkdir()
    with tf.Graph().as_default(), v1.Session() as session:
        v1.set_random_seed(3)
        inputs, labels, switches, outputs, train = build()
        saver = v1.train.Saver()
        session.run([v1.global_variables_initializer(), v1.tables_initializer()])
        given = {**inputs, **labels}
        for _ in range(3 if train is not None else 0):
            session.run(train, given)
        saver.save(session, str(folder / "model.ckpt"), write_state=False)
        members = {f"in/{place}": np.asarray(v) for place, v in enumerate(inputs.values())}
        members |= {f"label/{k}": np.asarray(v) for k, v in enumerate(labels.values()) if k == 0}
        answers = session.run(outputs, {**inputs, **switches})
        members |= {f"out/{name.replace('/', '_')}": value for name, value in answers.items()}
        for variable in v1.global_variables():
            members[f"var/{variable.op.name}"] = session.run(variable)
        members["losses"] = np.array(_losses(session, train, given), "float32")
    np.savez(folder / "expected.npz", **{k: _plain(v) for k, v in members.items()})


def _losses(session, train, given):
    """Go on training: the loss of each step."""
    if train is None:
        return []
    return [session.run([train, MINIMIZED[session.graph]], given)[1] for _ in range(4)]


def _plain(value):
    value = np.asarray(value)
    return value.astype("S") if value.dtype == object else value


if __name__ == "__main__":
    v1.disable_v2_behavior()
    for made in (
        dropout, normalized, queue, iterator, partitioned, two_inputs, vocabulary, tutorial,
        autoencoder, training_only, python_inside,
    ):  # fmt: skip
        session_of(made)
