"""Damaged variants of bytes, for the tests of every format: cut everywhere, bits flipped."""

import random
from collections.abc import Iterator


def cut_everywhere(data: bytes, *, most: int = 400) -> Iterator[bytes]:
    step = max(1, len(data) // most)
    for size in range(0, len(data), step):
        yield data[:size]


def flipped(data: bytes, count: int, *, seed: int = 0, bits: int = 1) -> Iterator[bytes]:
    chooser = random.Random(seed)  # noqa: S311
    for _ in range(count):
        changed = bytearray(data)
        for place in (chooser.randrange(8 * len(data)) for _ in range(bits)):
            changed[place // 8] ^= 1 << place % 8
        yield bytes(changed)
