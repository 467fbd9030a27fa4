"""Train the small model, and keep nothing but its weight list: how the other samples came about.

Run it with ``python samples/seed-dense/train.py weights.npy`` to make a weight list of your own.
"""

import sys
from pathlib import Path

import keras
import numpy as np
from model import build_model


def training_data() -> tuple[np.ndarray, np.ndarray]:
    """Return 512 points of a smooth function of ten numbers."""
    rng = np.random.default_rng(7)
    x = rng.uniform(-1, 1, (512, 10)).astype(np.float32)
    y = np.sin(x[:, :5].sum(axis=1)) + x[:, 5] * x[:, 6] - x[:, 7:].mean(axis=1)
    return x, y.astype(np.float32)[:, None]


def save_weight_list(weights: list[np.ndarray], path: Path) -> None:
    """Save a ragged list the way ``np.save(path, model.get_weights())`` once did.

    NumPy 1.24 and later refuse to make the object array by themselves.
    """
    listed = np.empty(len(weights), dtype=object)
    listed[:] = weights
    np.save(path, listed, allow_pickle=True)


def main(path: Path) -> None:
    """Train, and write the weight list to ``path``."""
    keras.utils.set_random_seed(11)
    model = build_model()
    x, y = training_data()
    model.fit(x, y, epochs=20, batch_size=32, verbose=2)
    save_weight_list(model.get_weights(), path)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "weights.npy"))
