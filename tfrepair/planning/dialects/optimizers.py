"""Optimizers as data: what each keeps for a weight, and what that is called in every era.

Slots of one family mean the same in all eras unless a column of the table says otherwise, so that
a copy is exact. Tables only, no code that decides. Lists by position are a matter of the readers.

Source: variables dumped from TensorFlow 1.15, 2.10 and 2.21, tf_keras 2.21 and Keras 3.15, and
their update rules; conversions trained on for 50 steps in all of these, see
``docs/optimizer-state.md``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One value that is kept for each element of a weight.

    Attributes
    ----------
    kind
        The project's own word for it, unique in its family.
    before, since, keras_3
        Name in ``OptimizerV2``, in tf.keras 2.11 and later, in Keras 3; empty if there is none.
    initial
        What a fresh optimizer starts with (Keras; TensorFlow 1 starts ``rms`` with 1).
    never_negative
        True for averages and sums of squares and absolute values.
    """

    kind: str
    before: str
    since: str
    keras_3: str
    initial: float = 0.0
    never_negative: bool = False

    @property
    def names(self) -> frozenset[str]:
        """Every name of it."""
        return frozenset({self.before, self.since, self.keras_3} - {""})


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One update rule.

    Attributes
    ----------
    name
        Class name, lower case without underscores.
    title
        Class name as users write it.
    slots
        What it may keep for each weight.
    counts_steps
        True if the update itself depends on the step count (bias correction): the count then
        belongs to the slots. Elsewhere only a learning rate schedule reads it.
    saver_word
        Word of its slots in TensorFlow 1: the first is ``WORD``, the next ``WORD_1``.
    saver_orders
        Kinds in the order of these numbers; the length tells orders apart.
    saver_epsilon
        Default epsilon in TensorFlow 1, where Keras has another one.
    same_slots
        Families whose slots mean the same and may be taken in their place.
    products
        Scalars that its update depends on, each with all names of the same value.
    folds_rate
        True if TensorFlow 1 keeps ``m`` where Keras keeps ``-learning_rate * m``.
    moves_epsilon
        True if ``OptimizerV2`` without momentum adds epsilon outside the root, the others inside.
    """

    name: str
    title: str
    slots: tuple[Slot, ...] = ()
    counts_steps: bool = False
    saver_word: str = ""
    saver_orders: tuple[tuple[str, ...], ...] = ()
    saver_epsilon: float | None = None
    same_slots: frozenset[str] = frozenset()
    products: tuple[frozenset[str], ...] = ()
    folds_rate: bool = False
    moves_epsilon: bool = False


SHARED_SLOTS = (
    Slot(kind="average", before="average", since="average", keras_3="average"),
    Slot(kind="gradient_accumulator", before="", since="", keras_3="gradient_accumulator"),
)
"""What any optimizer may keep besides: ``use_ema``, ``gradient_accumulation_steps``."""

_M = Slot(kind="m", before="m", since="m", keras_3="momentum")
_V = Slot(kind="v", before="v", since="v", keras_3="velocity", never_negative=True)
_VHAT = Slot(kind="vhat", before="vhat", since="vhat", keras_3="velocity_hat", never_negative=True)
_ACCUMULATOR = Slot(
    kind="accumulator",
    before="accumulator",
    since="accumulator",
    keras_3="accumulator",
    initial=0.1,
    never_negative=True,
)

_FAMILIES = (
    Family(
        name="sgd",
        title="SGD",
        slots=(Slot(kind="momentum", before="momentum", since="m", keras_3="momentum"),),
        saver_word="Momentum",
        saver_orders=(("momentum",),),
        folds_rate=True,
    ),
    Family(
        name="adam",
        title="Adam",
        slots=(_M, _V, _VHAT),
        counts_steps=True,
        saver_word="Adam",
        saver_orders=(("m", "v"),),
        saver_epsilon=1e-8,
        same_slots=frozenset({"adamw"}),
    ),
    Family(
        name="adamw",
        title="AdamW",
        slots=(_M, _V, _VHAT),
        counts_steps=True,
        saver_word="AdamW",
        saver_orders=(("m", "v"),),
        saver_epsilon=1e-8,
        same_slots=frozenset({"adam"}),
    ),
    Family(
        name="nadam",
        title="Nadam",
        slots=(_M, _V),
        counts_steps=True,
        # OptimizerV2's momentum_cache follows another schedule: 0.96 ** (0.004 t), not 0.96 ** t.
        products=(frozenset({"u_product", "variable"}), frozenset({"momentum_cache"})),
    ),
    Family(
        name="adamax",
        title="Adamax",
        slots=(_M, Slot(kind="u", before="v", since="u", keras_3="norm", never_negative=True)),
        counts_steps=True,
    ),
    Family(name="lamb", title="Lamb", slots=(_M, _V), counts_steps=True),
    Family(
        name="rmsprop",
        title="RMSprop",
        slots=(
            Slot(
                kind="rms",
                before="rms",
                since="velocity",
                keras_3="velocity",
                never_negative=True,
            ),
            Slot(kind="momentum", before="momentum", since="momentum", keras_3="momentum"),
            Slot(kind="mg", before="mg", since="average_gradient", keras_3="average_gradient"),
        ),
        saver_word="RMSProp",
        saver_orders=(("rms", "momentum"), ("rms", "mg", "momentum")),
        saver_epsilon=1e-10,
        moves_epsilon=True,
    ),
    Family(
        name="adagrad",
        title="Adagrad",
        slots=(_ACCUMULATOR,),
        saver_word="Adagrad",
        saver_orders=(("accumulator",),),
        saver_epsilon=0.0,
    ),
    Family(
        name="adadelta",
        title="Adadelta",
        slots=(
            Slot(
                kind="gradients",
                before="accum_grad",
                since="accumulated_grad",
                keras_3="accumulated_grad",
                never_negative=True,
            ),
            Slot(
                kind="deltas",
                before="accum_var",
                since="accumulated_delta_var",
                keras_3="accumulated_delta_var",
                never_negative=True,
            ),
        ),
        saver_word="Adadelta",
        saver_orders=(("gradients", "deltas"),),
        saver_epsilon=1e-8,
    ),
    Family(
        name="ftrl",
        title="Ftrl",
        slots=(
            _ACCUMULATOR,
            Slot(kind="linear", before="linear", since="linear", keras_3="linear"),
        ),
        saver_word="Ftrl",
        saver_orders=(("accumulator", "linear"),),
    ),
    Family(name="lion", title="Lion", slots=(_M,)),
)

FAMILIES: Mapping[str, Family] = MappingProxyType({family.name: family for family in _FAMILIES})
"""By name."""

SAVER_FAMILIES: Mapping[str, Family] = MappingProxyType(
    {family.saver_word: family for family in _FAMILIES if family.saver_word}
)
"""By the word that TensorFlow 1 ends the names of their slots with."""

BETAS = ((0.9, 0.5, 0.8, 0.85, 0.95, 0.99), (0.999, 0.9, 0.95, 0.98, 0.99, 0.995, 0.9999))
"""First and second betas that are looked for where the architecture's do not fit."""
