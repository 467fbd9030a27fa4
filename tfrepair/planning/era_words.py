"""How Keras 1 spelled the names of weights, and what they are called today. Pure data.

Source: ``add_weight`` and ``build`` of the layers of Keras 1.2.2.
"""

import re
from collections.abc import Mapping

_LEAVES = (
    r"[WUb](?:_[icfozrh])?|gamma|beta|running_mean|running_std|depthwise_kernel|"
    r"pointwise_kernel|alphas?|t_left|t_right|a_left|a_right"
)
_GLUED = re.compile(rf"(?P<inside>.+)_(?P<leaf>{_LEAVES})")
_TODAY: Mapping[str, str] = {
    "W": "kernel",
    "U": "recurrent_kernel",
    "b": "bias",
    "running_mean": "moving_mean",
    "running_std": "moving_variance",
}


def split_name(name: str, *, glued: bool) -> tuple[str, str]:
    """Return the layer and the leaf of a weight's name.

    Parameters
    ----------
    name
        As a reader gives it.
    glued
        True for Keras 1, which joins the two with an underscore: ``both/forward_gru_1_W_z``.
    """
    unit, _, leaf = name.rpartition("/")
    match = _GLUED.fullmatch(leaf) if glued else None
    if match is None:
        return unit, leaf
    return (f"{unit}/{match['inside']}" if unit else match["inside"]), match["leaf"]


def todays_leaf(leaf: str) -> str:
    """Return what Keras calls a weight today; unknown words stay."""
    return _TODAY.get(leaf, leaf)
