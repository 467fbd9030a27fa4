"""Names in the files of ``tf.train.Saver``: which are slots, averages, counters, and of what.

TensorFlow 1 has nothing but names: a slot is its variable's name and one more word, sometimes
with a scope in front. Knows names and shapes; pure. Checkpoints with an object graph say it
themselves, see :mod:`tfrepair.readers.object_names`.

Source: slots of nine optimizers dumped from TensorFlow 1.4, 1.15 and 2.21, ``tests/golden``.
"""

import re
from collections.abc import Mapping

from tfrepair.core.tensor import Purpose, Shape
from tfrepair.readers.naming import Naming

SLOT_WORDS = frozenset(
    {
        "Adam", "AdamW", "Adamax", "Nadam", "Momentum", "RMSProp", "Adagrad", "AdagradDA",
        "ProximalAdagrad", "Adadelta", "Ftrl", "LAMBOptimizer", "LARSOptimizer", "Shampoo",
        "adam_m", "adam_v", "lamb_m", "lamb_v", "vr", "vc", "slot_vr", "slot_vc",
        "biased", "local_step", "gradient_accumulator",
    }
)  # fmt: skip
"""Last words of slots; a number behind them (``Adam_1``) says which slot of the optimizer."""

AVERAGE_WORD = "ExponentialMovingAverage"

_NUMBER = re.compile(r"_\d+$")
_POWER = re.compile(r"(?:^|/)beta\d_power(?:_\d+)?$")
_RATE = re.compile(r"(?:^|/)(?:learning_rate|lr|current_loss_scale)(?:_\d+)?$")
_COUNTER = re.compile(
    r"(?:^|/)(?:global_step|step|epoch|iterations?|good_steps|save_counter)(?:_\d+)?$"
)


def name_saver_tensors(shapes: Mapping[str, Shape]) -> Mapping[str, Naming]:
    """Say what every tensor of a Saver's checkpoint is for.

    Parameters
    ----------
    shapes
        Every tensor's name and shape.

    Returns
    -------
    By name. A tensor that is no slot of another one, no average, counter or power stays
    ``UNKNOWN``: names of weights are not guessed here.
    """
    return {name: _naming(name, shapes) for name in shapes}


def _naming(name: str, shapes: Mapping[str, Shape]) -> Naming:
    owner, _, word = name.rpartition("/")
    base = _NUMBER.sub("", word)
    if base == AVERAGE_WORD and owner:
        found = owner if owner in shapes else _without_scope(owner, shapes) or owner
        return Naming(name=name, purpose=Purpose.AVERAGE, slot=word, slot_of=found)
    if not shapes[name] and (_POWER.search(name) or _RATE.search(name)):
        return Naming(name=name, purpose=Purpose.HYPERPARAMETER)
    if not shapes[name] and _COUNTER.search(name):
        return Naming(name=name, purpose=Purpose.COUNTER)
    of = _owner(name, owner, base, shapes)
    if of:
        return Naming(name=name, purpose=Purpose.SLOT, slot=word, slot_of=of)
    return Naming(name=name)


def _owner(name: str, owner: str, base: str, shapes: Mapping[str, Shape]) -> str:
    """Return the variable that a tensor is a slot of, or an empty name."""
    if owner in shapes and (base in SLOT_WORDS or shapes[owner] == shapes[name]):
        return owner
    if base in SLOT_WORDS:
        return _without_scope(owner, shapes)
    return ""


def _without_scope(owner: str, shapes: Mapping[str, Shape]) -> str:
    """Drop leading scopes until a variable is left: slots may be made inside a scope."""
    while "/" in owner:
        owner = owner.partition("/")[2]
        if owner in shapes:
            return owner
    return ""
