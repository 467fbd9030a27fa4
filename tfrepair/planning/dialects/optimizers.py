"""Optimizers as data: what each keeps for a weight, and what that is called in every era.

Slots of one family mean the same in all eras unless a column of the table says otherwise, so that
a copy is exact. Tables only, no code that decides. Lists by position are a matter of the readers;
which families take each other's slots is in :mod:`tfrepair.planning.dialects.relatives`.

Source: variables dumped from TensorFlow 1.15, 2.10 and 2.21, tf_keras 2.21 and Keras 3.15, and
their update rules; conversions trained on for 50 steps in all of these, see
``docs/optimizer-state.md``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Without(StrEnum):
    """What becomes of an optimizer's other state where a slot is lost and cannot be derived."""

    GROUP = "group"
    """All of it starts afresh, with the step count: the rest would do more damage than nothing."""
    WEIGHT = "weight"
    """The slots of this weight start afresh; no other weight's depend on them."""
    ALONE = "alone"
    """The slot starts afresh, and everything else is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One value that is kept for each element of a weight.

    Attributes
    ----------
    kind
        The project's own word for it, unique in its family.
    before, since, keras_3
        Name in ``OptimizerV2``, in tf.keras 2.11 and later, in Keras 3; empty if there is none.
    saver
        Last word of its name in TensorFlow 1, for optimizers that number no slots.
    initial
        What a fresh optimizer starts with (Keras; TensorFlow 1 starts ``rms`` with 1); ``None``
        for a copy of the weight.
    never_negative
        True for averages and sums of squares and absolute values.
    axes
        ``"all"`` for the shape of the weight; ``"rows"``, ``"columns"`` for the shape without the
        last axis, or the last but one.
    without
        See :class:`Without`.
    """

    kind: str
    before: str = ""
    since: str = ""
    keras_3: str = ""
    saver: str = ""
    initial: float | None = 0.0
    never_negative: bool = False
    axes: str = "all"
    without: Without = Without.ALONE

    @property
    def names(self) -> frozenset[str]:
        """Every name of it."""
        return frozenset({self.before, self.since, self.keras_3, self.saver} - {""})


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One update rule.

    Attributes
    ----------
    name
        Class name, lower case without underscores.
    title
        Class name as users write it.
    update
        The rule, for a weight ``w``, its gradient ``g``, learning rate ``lr`` and step ``t``, which
        counts from 1.
    slots
        What it may keep for each weight.
    settings
        Its own hyperparameters, by their names in Keras; see :data:`SHARED_SETTINGS`.
    keras_2, keras_3
        Class that goes on with its state in tf_keras and in Keras 3; empty if there is none.
    counts_steps
        True if the update itself depends on the step count (bias correction): the count then
        belongs to the slots. Elsewhere only a learning rate schedule reads it.
    saver_word
        Word of its slots in TensorFlow 1: the first is ``WORD``, the next ``WORD_1``.
    saver_orders
        Kinds in the order of these numbers; the length tells orders apart.
    saver_settings
        Defaults of TensorFlow 1, where Keras has others.
    products
        Scalars that its update depends on, each with all names of the same value.
    folds_rate
        True if TensorFlow 1 keeps ``m`` where Keras keeps ``-learning_rate * m``.
    moves_epsilon
        True if ``OptimizerV2`` without momentum adds epsilon outside the root, the others inside.
    pair
        Kinds of first and second moment, for which :func:`moment_bound` holds.
    never_corrects
        True if its averages are used without bias correction.
    """

    name: str
    title: str
    update: str
    slots: tuple[Slot, ...] = ()
    settings: tuple[str, ...] = ("learning_rate",)
    keras_2: str = ""
    keras_3: str = ""
    counts_steps: bool = False
    saver_word: str = ""
    saver_orders: tuple[tuple[str, ...], ...] = ()
    saver_settings: tuple[tuple[str, float], ...] = ()
    products: tuple[frozenset[str], ...] = ()
    folds_rate: bool = False
    moves_epsilon: bool = False
    pair: tuple[str, str] | None = None
    never_corrects: bool = False

    def slot(self, kind: str) -> Slot:
        """Return a slot by its kind."""
        return next(slot for slot in (*self.slots, *SHARED_SLOTS) if slot.kind == kind)


SHARED_SLOTS = (
    Slot(kind="average", before="average", since="average", keras_3="average", initial=None),
    Slot(kind="gradient_accumulator", keras_3="gradient_accumulator"),
)
"""What any optimizer may keep besides: ``use_ema``, ``gradient_accumulation_steps``."""

SHARED_SETTINGS = (
    "weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "use_ema", "ema_momentum",
    "ema_overwrite_frequency", "loss_scale_factor", "gradient_accumulation_steps",
)  # fmt: skip
"""Hyperparameters that every optimizer of Keras has."""

WRAPPERS = frozenset({"lossscaleoptimizer", "lossscaleoptimizerv1", "lossscaleoptimizerv3"})
"""Classes that scale the loss for an optimizer inside: its slots, and scalars of their own."""

AVERAGERS = frozenset({"movingaverage", "swa", "exponentialmovingaverage"})
"""Classes of TensorFlow Addons around an optimizer, which keep an average of every weight."""


_M = Slot(kind="m", before="m", since="m", keras_3="momentum")
_V = Slot(
    kind="v",
    before="v",
    since="v",
    keras_3="velocity",
    never_negative=True,
    without=Without.GROUP,
)
_VHAT = Slot(kind="vhat", before="vhat", since="vhat", keras_3="velocity_hat", never_negative=True)
_ACCUMULATOR = Slot(
    kind="accumulator",
    before="accumulator",
    since="accumulator",
    keras_3="accumulator",
    initial=0.1,
    never_negative=True,
    without=Without.WEIGHT,
)
_BETAS = ("learning_rate", "beta_1", "beta_2", "epsilon")
_EPSILON_1 = (("epsilon", 1e-8),)
_ADAM = "m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2; w -= lr sqrt(1-b2^t)/(1-b1^t) m/(sqrt(v)+eps)"

_FAMILIES = (
    Family(
        name="sgd",
        title="SGD",
        update="a = mu a - lr g; w += a (Nesterov: w += mu a - lr g)",
        slots=(Slot(kind="momentum", before="momentum", since="m", keras_3="momentum"),),
        settings=("learning_rate", "momentum", "nesterov"),
        keras_2="SGD",
        keras_3="SGD",
        saver_word="Momentum",
        saver_orders=(("momentum",),),
        folds_rate=True,
    ),
    Family(
        name="adam",
        title="Adam",
        update=_ADAM + "; amsgrad: vhat = max(vhat, v) in place of v",
        slots=(_M, _V, _VHAT),
        settings=(*_BETAS, "amsgrad"),
        keras_2="Adam",
        keras_3="Adam",
        counts_steps=True,
        saver_word="Adam",
        saver_orders=(("m", "v"),),
        saver_settings=_EPSILON_1,
        pair=("m", "v"),
    ),
    Family(
        name="adamw",
        title="AdamW",
        update="w -= lr wd w (TensorFlow Addons and contrib: wd w), then Adam",
        slots=(_M, _V, _VHAT),
        settings=(*_BETAS, "amsgrad"),
        keras_2="AdamW",
        keras_3="AdamW",
        counts_steps=True,
        saver_word="AdamW",
        saver_orders=(("m", "v"),),
        saver_settings=_EPSILON_1,
        pair=("m", "v"),
    ),
    Family(
        name="adamweightdecay",
        title="AdamWeightDecay",
        update="Adam without bias correction; w -= lr (m/(sqrt(v)+eps) + wd w)",
        slots=(Slot(kind="m", before="m", since="m", keras_3="momentum", saver="adam_m"), Slot(
            kind="v", before="v", since="v", keras_3="velocity", saver="adam_v",
            never_negative=True, without=Without.GROUP,
        )),
        settings=_BETAS,
        keras_2="AdamW",
        keras_3="AdamW",
        saver_settings=(("epsilon", 1e-6), ("weight_decay", 0.01)),
        pair=("m", "v"),
        never_corrects=True,
    ),
    Family(
        name="nadam",
        title="Nadam",
        update="Adam with the momentum of the next step, under mu_t = b1 (1 - 0.96^t / 2); in "
        "OptimizerV2 and before 0.96^(0.004 t)",
        slots=(_M, _V),
        settings=_BETAS,
        keras_2="Nadam",
        keras_3="Nadam",
        counts_steps=True,
        # OptimizerV2's momentum_cache follows another schedule: 0.96 ** (0.004 t), not 0.96 ** t.
        products=(frozenset({"u_product", "variable"}), frozenset({"momentum_cache"})),
        pair=("m", "v"),
    ),
    Family(
        name="adamax",
        title="Adamax",
        update="m as in Adam; u = max(b2 u, |g|); w -= lr/(1-b1^t) m/(u+eps)",
        slots=(_M, Slot(
            kind="u", before="v", since="u", keras_3="norm", never_negative=True,
            without=Without.GROUP,
        )),
        settings=_BETAS,
        keras_2="Adamax",
        keras_3="Adamax",
        counts_steps=True,
    ),
    Family(
        name="lamb",
        title="Lamb",
        update="Adam's step u with weight decay, then w -= lr |w|/|u| u per tensor",
        slots=(_M, _V),
        settings=_BETAS,
        keras_3="Lamb",
        counts_steps=True,
        pair=("m", "v"),
    ),
    Family(
        name="rmsprop",
        title="RMSprop",
        update="v = rho v + (1-rho) g^2; centered: mg = rho mg + (1-rho) g, v - mg^2 in place of "
        "v; a = mu a + lr g/sqrt(v+eps); w -= a",
        slots=(
            Slot(
                kind="rms",
                before="rms",
                since="velocity",
                keras_3="velocity",
                never_negative=True,
                without=Without.WEIGHT,
            ),
            Slot(kind="momentum", before="momentum", since="momentum", keras_3="momentum"),
            Slot(
                kind="mg",
                before="mg",
                since="average_gradient",
                keras_3="average_gradient",
            ),
        ),
        settings=("learning_rate", "rho", "momentum", "epsilon", "centered"),
        keras_2="RMSprop",
        keras_3="RMSprop",
        saver_word="RMSProp",
        saver_orders=(("rms", "momentum"), ("rms", "mg", "momentum")),
        saver_settings=(("epsilon", 1e-10),),
        moves_epsilon=True,
    ),
    Family(
        name="adagrad",
        title="Adagrad",
        update="a += g^2; w -= lr g/sqrt(a+eps) (OptimizerV2: sqrt(a)+eps)",
        slots=(_ACCUMULATOR,),
        settings=("learning_rate", "initial_accumulator_value", "epsilon"),
        keras_2="Adagrad",
        keras_3="Adagrad",
        saver_word="Adagrad",
        saver_orders=(("accumulator",),),
        saver_settings=(("epsilon", 0.0),),
    ),
    Family(
        name="proximaladagrad",
        title="ProximalAdagrad",
        update="Adagrad, then soft thresholding by l1 and l2; without them Adagrad",
        slots=(_ACCUMULATOR,),
        settings=("learning_rate",),
        keras_2="Adagrad",
        keras_3="Adagrad",
        saver_word="ProximalAdagrad",
        saver_orders=(("accumulator",),),
        saver_settings=(("epsilon", 0.0),),
    ),
    Family(
        name="adagradda",
        title="AdagradDA",
        update="dual averaging: w follows from the sums of g and g^2 and the step",
        slots=(
            Slot(kind="gradients"),
            Slot(kind="squares", initial=0.1, never_negative=True),
        ),
        saver_word="AdagradDA",
        saver_orders=(("gradients", "squares"),),
    ),
    Family(
        name="adadelta",
        title="Adadelta",
        update="a = rho a + (1-rho) g^2; d = g sqrt((b+eps)/(a+eps)); b = rho b + (1-rho) d^2; "
        "w -= lr d",
        slots=(
            Slot(
                kind="gradients",
                before="accum_grad",
                since="accumulated_grad",
                keras_3="accumulated_grad",
                never_negative=True,
                without=Without.WEIGHT,
            ),
            Slot(
                kind="deltas",
                before="accum_var",
                since="accumulated_delta_var",
                keras_3="accumulated_delta_var",
                never_negative=True,
            ),
        ),
        settings=("learning_rate", "rho", "epsilon"),
        keras_2="Adadelta",
        keras_3="Adadelta",
        saver_word="Adadelta",
        saver_orders=(("gradients", "deltas"),),
        saver_settings=_EPSILON_1,
    ),
    Family(
        name="ftrl",
        title="Ftrl",
        update="z += g - (a'^-p - a^-p)/lr w with a' = a + g^2; w = (clip(z,-l1,l1) - z) / "
        "(a'^-p/lr + 2 l2 + beta/lr)",
        slots=(
            _ACCUMULATOR,
            Slot(kind="linear", before="linear", since="linear", keras_3="linear"),
        ),
        settings=(
            "learning_rate", "learning_rate_power", "initial_accumulator_value",
            "l1_regularization_strength", "l2_regularization_strength",
            "l2_shrinkage_regularization_strength", "beta",
        ),
        keras_2="Ftrl",
        keras_3="Ftrl",
        saver_word="Ftrl",
        saver_orders=(("accumulator", "linear"),),
    ),
    Family(
        name="lion",
        title="Lion",
        update="w -= lr sign(b1 m + (1-b1) g); m = b2 m + (1-b2) g",
        slots=(_M,),
        settings=("learning_rate", "beta_1", "beta_2"),
        keras_2="Lion",
        keras_3="Lion",
    ),
    Family(
        name="adafactor",
        title="Adafactor",
        update="r, c: averages of g^2 over columns and rows under 1 - t^-0.8; v = r c/mean(r); w "
        "-= alpha_t g/sqrt(v), clipped",
        slots=(
            Slot(
                kind="r", since="r", keras_3="r", never_negative=True, axes="rows",
                without=Without.GROUP,
            ),
            Slot(
                kind="c", since="c", keras_3="c", never_negative=True, axes="columns",
                without=Without.GROUP,
            ),
            Slot(
                kind="v", since="v", keras_3="velocity", never_negative=True,
                without=Without.GROUP,
            ),
        ),
        settings=(
            "learning_rate", "beta_2_decay", "epsilon_1", "epsilon_2", "clip_threshold",
            "relative_step",
        ),
        keras_2="Adafactor",
        keras_3="Adafactor",
        counts_steps=True,
    ),
    Family(
        name="muon",
        title="Muon",
        update="matrices: a = mu a + g, w -= lr orthogonalized(a); others: Adam",
        slots=(_M, _V),
        settings=(
            "learning_rate", "adam_beta_1", "adam_beta_2", "adam_weight_decay", "epsilon",
            "exclude_layers", "exclude_embeddings", "muon_a", "muon_b", "muon_c", "adam_lr_ratio",
            "momentum", "ns_steps", "nesterov", "rms_rate",
        ),
        keras_3="Muon",
        counts_steps=True,
    ),
    Family(
        name="schedulefreeadamw",
        title="ScheduleFreeAdamW",
        update="v as in Adam; z -= lr g/(sqrt(v)+eps); the weights interpolate between z and its "
        "average over 1/t",
        slots=(
            # A second copy of the weights: zero, or the initial weights, would pull them there.
            Slot(kind="z", keras_3="momentum", initial=None, without=Without.GROUP),
            _V,
        ),
        settings=(*_BETAS, "warmup_steps"),
        keras_3="ScheduleFreeAdamW",
        counts_steps=True,
    ),
)  # fmt: skip

FAMILIES: Mapping[str, Family] = MappingProxyType({family.name: family for family in _FAMILIES})
"""By name."""

SAVER_FAMILIES: Mapping[str, Family] = MappingProxyType(
    {family.saver_word: family for family in _FAMILIES if family.saver_word}
)
"""By the word that TensorFlow 1 ends the names of their slots with."""

SAVER_SLOTS: Mapping[str, tuple[Family, str]] = MappingProxyType(
    {slot.saver: (family, slot.kind) for family in _FAMILIES for slot in family.slots if slot.saver}
)
"""Family and kind by the last word of slots that have names and no numbers."""

BETAS = ((0.9, 0.5, 0.8, 0.85, 0.95, 0.99), (0.999, 0.9, 0.95, 0.98, 0.99, 0.995, 0.9999))
"""First and second betas that are looked for where the architecture's do not fit."""
