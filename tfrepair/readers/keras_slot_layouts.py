"""In which order the optimizers of each era list their variables.

A list is scalars, then blocks, then scalars. A block repeats its slots for each trained weight:
``("m", "v")`` is m, v of the first weight, m, v of the second; two blocks ``("m",)``, ``("v",)``
are all m, then all v. Pure data, and the one function that picks from it.

Source: lists written by Keras 1.2 to 3.15, ``tests/golden/keras``; update rules and slots of all
optimizers in the ``Optimizer`` classes of Keras 2.2.4, 2.3.1, tf_keras 2.21 and Keras 3.15.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Any

Block = tuple[str, ...]


class Era(StrEnum):
    """Who wrote a list without names of its own."""

    STANDALONE = "Keras 1 and 2"
    TF_KERAS = "tf.keras 2.11 and later"
    KERAS_3 = "Keras 3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One order of a list.

    Attributes
    ----------
    head, tail
        Scalars before and after the slots.
    blocks
        Slots, see the module.
    placeholder
        Slot for which one array of shape ``(1,)`` per weight stands at the end; empty for none.
    """

    head: Block
    blocks: tuple[Block, ...] = ()
    tail: Block = ()
    placeholder: str = ""


_SINGLE: Mapping[Era, Mapping[str, tuple[Block, ...]]] = {
    Era.STANDALONE: {
        "sgd": (("momentum",),),
        "adagrad": (("accumulator",),),
        "adadelta": (("accum_grad",), ("accum_var",)),
        "adamax": (("m",), ("v",)),
        "rmsprop": (("rms",),),
        "adam": (("m",), ("v",)),
        "nadam": (("m",), ("v",)),
    },
    Era.TF_KERAS: {
        "sgd": (("m",),),
        "adam": (("m", "v"),),
        "adamw": (("m", "v"),),
        "nadam": (("m", "v"),),
        "adamax": (("m", "u"),),
        "rmsprop": (("velocity",),),
        "adagrad": (("accumulator",),),
        "adadelta": (("accumulated_grad", "accumulated_delta_var"),),
        "ftrl": (("accumulator", "linear"),),
        "lion": (("m",),),
    },
    Era.KERAS_3: {
        "sgd": (),
        "adam": (("momentum", "velocity"),),
        "adamw": (("momentum", "velocity"),),
        "lamb": (("momentum", "velocity"),),
        "nadam": (("momentum", "velocity"),),
        "adamax": (("momentum", "norm"),),
        "rmsprop": (("velocity",),),
        "adagrad": (("accumulator",),),
        "adadelta": (("accumulated_grad", "accumulated_delta_var"),),
        "ftrl": (("accumulator", "linear"),),
        "lion": (("momentum",),),
    },
}
"""Slots that are always there, by era and class."""

_OPTIONAL: Mapping[tuple[Era, str], tuple[tuple[str, Block], ...]] = {
    (Era.KERAS_3, "sgd"): (("momentum", ("momentum",)),),
    (Era.STANDALONE, "adam"): (("amsgrad", ("vhat",)),),
    **{(Era.TF_KERAS, name): (("amsgrad", ("vhat",)),) for name in ("adam", "adamw")},
    **{(Era.KERAS_3, name): (("amsgrad", ("velocity_hat",)),) for name in ("adam", "adamw")},
    **{
        (era, "rmsprop"): (("momentum", ("momentum",)), ("centered", ("average_gradient",)))
        for era in (Era.TF_KERAS, Era.KERAS_3)
    },
}
"""Further blocks in their order, each with the setting that turns it on."""

_AVERAGES = ("use_ema", ("average",))
_HEADS: Mapping[Era, tuple[Block, ...]] = {
    Era.STANDALONE: (("iterations",), ()),
    Era.TF_KERAS: (("iteration",),),
    Era.KERAS_3: (("iteration", "learning_rate"), ("iteration",)),
}
_COUNTED = frozenset({"sgd", "adam", "adamax", "nadam"})
"""Standalone optimizers that listed their step count before version 2.3, too."""


def layouts(
    era: Era, name: str, settings: Mapping[str, Any] | None, *, has_averages: bool | None = None
) -> Iterator[Layout]:
    """Yield the orders that a list may have.

    Parameters
    ----------
    era
        Who wrote it.
    name
        Class of the optimizer, in any spelling.
    settings
        Its configuration; ``None`` if it is not known, then every setting is possible.
    has_averages
        What is known about averages of weights without a configuration.

    Yields
    ------
    Layouts; none for an optimizer whose order is not known.
    """
    key = name.lower().replace("_", "")
    always = _SINGLE[era].get(key)
    if always is None:
        return
    optional = _OPTIONAL.get((era, key), ())
    averages = () if era is Era.STANDALONE else (_AVERAGES,)
    switches = [_choices(settings, setting) for setting, _ in (*averages, *optional)]
    if averages and has_averages is not None:
        switches[0] = (has_averages,)
    for chosen in product(*switches):
        before = [_AVERAGES[1]] if averages and chosen[0] else []
        after = zip(chosen[len(averages) :], optional, strict=True)
        blocks = (*before, *always, *(block for is_on, (_, block) in after if is_on))
        yield from _with_scalars(era, key, blocks)


def _choices(settings: Mapping[str, Any] | None, setting: str) -> tuple[bool, ...]:
    return (False, True) if settings is None else (bool(settings.get(setting)),)


def _with_scalars(era: Era, key: str, blocks: tuple[Block, ...]) -> Iterator[Layout]:
    for head in _HEADS[era]:
        if not head and key in _COUNTED:
            continue
        yield Layout(head=head, blocks=blocks)
        if key == "adam" and era is Era.STANDALONE and ("vhat",) not in blocks:
            yield Layout(head=head, blocks=blocks, placeholder="vhat")
        if key == "nadam" and era is Era.STANDALONE:
            yield Layout(head=(*head, "m_schedule"), blocks=blocks)
        if key == "nadam" and era is Era.KERAS_3:
            yield Layout(head=(*head, "u_product"), blocks=blocks)
            yield Layout(head=head, blocks=blocks, tail=("u_product",))
