"""Go on training from a SavedModel alone: neither tfrepair nor Keras nor ``model.py``.

python samples/killed-run/go_on.py SAVED_MODEL
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
from data import batches

STEPS = 40


def main(path: str) -> None:
    """Train two epochs."""
    loaded = tf.saved_model.load(path)
    step = loaded.signatures["train_step"]
    names = sorted(step.structured_input_signature[1])
    for epoch in range(4, 6):
        loaded.signatures["reset_metrics"]()
        for words, answers in batches(epoch, STEPS):
            values = {"x": tf.constant(words), "y": tf.constant(answers)}
            result = step(**{name: values[name[:1]] for name in names})
        print(f"after {epoch - 3} more epochs: loss {float(result['loss']):.4f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
