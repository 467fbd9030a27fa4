"""Whether the first block of an optimizer's list are averages of the weights, by their values.

``use_ema`` puts one average for each weight before the slots; a list with averages and one slot
less is as long as a list without. Averages stay close to their weights, momenta do not. Asked only
where shapes leave both; reads a few arrays. Comes before :mod:`tfrepair.readers.keras_slots`.

Source: ``Optimizer.build`` and ``_update_model_variables_moving_average`` of Keras 3.15.
"""

from collections.abc import Sequence

import numpy as np

from tfrepair.core.errors import SourceError
from tfrepair.readers.h5_tree import H5Dataset

_HEAD = 2
"""Step count and learning rate stand before everything else."""
_FEW, _LARGEST = 16, 1 << 22
"""How many arrays are compared, and of how many bytes each."""
_CLOSE, _APART = 0.3, 0.7
"""Distance of an average from its weight, as a share of the weight; and that of anything else."""


def holds_averages(listed: Sequence[H5Dataset], trained: Sequence[H5Dataset]) -> bool | None:
    """Compare the first block of a list of Keras 3 with the weights.

    Parameters
    ----------
    listed
        The optimizer's variables in their order.
    trained
        The weights in the order in which the optimizer lists them.

    Returns
    -------
    ``None`` if the values do not tell, or cannot be read.
    """
    first = listed[_HEAD : _HEAD + len(trained)]
    if len(first) < len(trained):
        return None
    pairs = [
        (one, weight)
        for one, weight in zip(first, trained, strict=True)
        if one.shape == weight.shape and 1 < weight.nbytes <= _LARGEST
    ]
    pairs.sort(key=lambda pair: -len(pair[1].shape))  # kernels first: fresh biases are all alike
    try:
        ratios = [ratio for pair in pairs[:_FEW] for ratio in _ratio(*pair)]
    except (SourceError, TypeError, ValueError):
        return None
    if not ratios:
        return None
    middle = float(np.median(ratios))
    if middle < _CLOSE:
        return True
    return False if middle > _APART else None


def _ratio(one: H5Dataset, weight: H5Dataset) -> list[float]:
    """Return the distance of two arrays as a share of the second; nothing if that is zero."""
    held = weight.fetch().astype(np.float64)
    with np.errstate(all="ignore"):
        size = float(np.linalg.norm(held))
        distance = float(np.linalg.norm(one.fetch().astype(np.float64) - held))
    return [distance / size] if size and np.isfinite(distance) and np.isfinite(size) else []
