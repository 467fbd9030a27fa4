"""Save a model with every optimizer, to see what their variables are called.

    python scripts/make_golden/tf_optimizers.py DIRECTORY

Made afresh by the test that reads them; nothing of it is kept.
"""

import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import keras
import numpy as np
import tensorflow as tf
import tf_keras


def keras3():
    """Return optimizers of Keras 3 by name."""
    made = keras.optimizers
    decay = made.schedules.ExponentialDecay(0.1, 10, 0.9)
    return {
        "sgd": made.SGD(0.01, momentum=0.9),
        "adam": made.Adam(amsgrad=True),
        "adam_average": made.Adam(use_ema=True),
        "adam_accumulate": made.Adam(gradient_accumulation_steps=2),
        "adam_schedule": made.Adam(decay),
        "adam_scaled": made.LossScaleOptimizer(made.Adam()),
        "rmsprop": made.RMSprop(momentum=0.9, centered=True),
        "adagrad": made.Adagrad(),
        "adadelta": made.Adadelta(),
        "adafactor": made.Adafactor(),
        "adamax": made.Adamax(),
        "nadam": made.Nadam(),
        "ftrl": made.Ftrl(),
        "lion": made.Lion(),
        "lamb": made.Lamb(),
        "muon": made.Muon(),
    }


def legacy():
    """Return optimizers of tf_keras by name, both generations."""
    made, old = tf_keras.optimizers, tf_keras.optimizers.legacy
    decay = made.schedules.ExponentialDecay(0.1, 10, 0.9)
    return {
        "sgd": made.SGD(0.01, momentum=0.9),
        "adam_average": made.Adam(use_ema=True),
        "adam_schedule": made.Adam(decay),
        "adam_scaled": tf_keras.mixed_precision.LossScaleOptimizer(made.Adam()),
        "rmsprop": made.RMSprop(momentum=0.9, centered=True),
        "adagrad": made.Adagrad(),
        "adadelta": made.Adadelta(),
        "adafactor": made.Adafactor(),
        "adamax": made.Adamax(),
        "nadam": made.Nadam(),
        "ftrl": made.Ftrl(),
        "lion": made.Lion(),
        "old_adam": old.Adam(amsgrad=True),
        "old_rmsprop": old.RMSprop(momentum=0.9, centered=True),
        "old_nadam": old.Nadam(),
        "old_ftrl": old.Ftrl(),
    }


def save(framework, optimizer, prefix):
    """Take one step with an optimizer and save model and optimizer."""
    layers = framework.layers
    first = keras.Input((4,)) if framework is keras else layers.InputLayer((4,))
    model = framework.Sequential(
        [
            first,
            layers.Dense(3, name="hidden"),
            layers.Dropout(0.2),
            layers.BatchNormalization(name="bn"),
            layers.Dense(2, name="out"),
        ],
        name="net",
    )
    model.compile(optimizer=optimizer, loss="mse")
    model.train_on_batch(np.ones((2, 4), "float32"), np.ones((2, 2), "float32"))
    tf.train.Checkpoint(model=model, optimizer=model.optimizer).write(str(prefix))


if __name__ == "__main__":
    target = Path(sys.argv[1])
    for framework, optimizers in ((keras, keras3()), (tf_keras, legacy())):
        for name, optimizer in optimizers.items():
            save(framework, optimizer, target / f"{framework.__name__.split('.')[0]}-{name}")
