"""What comes back of saves that were killed, cut or damaged: the tables of ``docs/recovery.md``."""

import numpy as np

TENSORS = 8


def arrays(megabytes: int, seed: int) -> "list[np.ndarray[tuple[int, int], np.dtype[np.float32]]]":
    """Return what ``saving.py`` saves: eight float tensors of so many megabytes in sum."""
    rows = max(1, megabytes * (1 << 20) // (TENSORS * 256))
    generator = np.random.default_rng(seed)
    return [generator.random((rows, 64), np.float32) for _ in range(TENSORS)]
