"""Moments that follow from weights one update apart are those of the update."""

import numpy as np

from tfrepair.core.moves import AdamNumbers, first_moment_of_move, momentum_of_move


def test_momentum_is_the_last_move() -> None:
    rng = np.random.default_rng(0)
    weight, kept = rng.normal(size=5), rng.normal(size=5)
    kept = 0.9 * kept - 0.1 * rng.normal(size=5)
    np.testing.assert_allclose(momentum_of_move(weight + kept, weight, 1), kept)
    np.testing.assert_allclose(momentum_of_move(weight + 4 * kept, weight, 4), kept)


def test_adams_first_moment_is_what_moved_the_weight() -> None:
    rng = np.random.default_rng(1)
    weight, first = rng.normal(size=5), rng.normal(size=5)
    second = rng.uniform(0.1, 1, size=5)
    numbers = AdamNumbers(rate=0.01, beta_1=0.9, beta_2=0.999, epsilon=1e-7, decay=0.02, steps=30)
    alpha = 0.01 * np.sqrt(1 - 0.999**30) / (1 - 0.9**30)
    moved = weight - 0.01 * 0.02 * weight - alpha * first / (np.sqrt(second) + 1e-7)
    found = first_moment_of_move(moved, weight, second, 1, numbers)
    np.testing.assert_allclose(found, first)
