"""Make the saves of one run, before and during training: ``tests/golden/tf_checkpoint/run_*``.

    python scripts/make_golden/run_of_saves.py OUT_DIR

Needs TensorFlow 2.21; with ``TF_USE_LEGACY_KERAS=1`` and tf_keras the optimizer is a legacy one.
The optimizer has no slots in the first save, and two lookup tables and an iterator grow. The
expected result of rebuilding a lost index is the index itself.
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf


def make(out: Path) -> None:
    """Write three saves of one run."""
    out.mkdir(parents=True, exist_ok=True)
    keras = tf.keras
    is_legacy = keras.__name__.startswith("tf_keras")
    optimizer = keras.optimizers.legacy.Adam(0.01) if is_legacy else keras.optimizers.Adam(0.01)
    layers = [
        keras.layers.Input((4,)),
        keras.layers.Dense(5, name="zz"),
        keras.layers.BatchNormalization(),
        keras.layers.Dense(3),
    ]
    model = keras.Sequential(layers)
    words = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    numbers = tf.lookup.experimental.MutableHashTable(tf.int64, tf.float32, -1)
    rows = iter(tf.data.Dataset.range(100).shuffle(5))
    save = tf.train.Checkpoint(
        model=model, optimizer=optimizer, words=words, numbers=numbers, rows=rows
    )
    save.write(str(out / "ckpt-0"))
    model.compile(optimizer, "mse")
    generator = np.random.default_rng(0)
    for step, new in ((2, ["a", "bc", "def"]), (4, ["x"])):
        inputs, outputs = generator.random((8, 4)), generator.random((8, 3))
        model.fit(inputs, outputs, epochs=2, verbose=0)
        words.insert(tf.constant(new), tf.range(len(new), dtype=tf.int64))
        numbers.insert(tf.constant([step], tf.int64), tf.constant([0.5]))
        next(rows)
        save.write(str(out / f"ckpt-{step}"))


if __name__ == "__main__":
    make(Path(sys.argv[1]))
