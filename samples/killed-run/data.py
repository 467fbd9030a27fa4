"""The data of the run: word numbers, and whether more than half of them are even."""

from collections.abc import Iterator

import numpy as np

WORDS, LENGTH, BATCH = 20_000, 12, 256


def batches(seed: int, count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Go through batches; the same seed gives the same."""
    generator = np.random.default_rng(seed)
    for _ in range(count):
        words = generator.integers(WORDS, size=(BATCH, LENGTH), dtype=np.int32)
        yield words, (words % 2 == 0).mean(axis=1, keepdims=True).round().astype("float32")
