"""Which optimizers take slots of which others, and how well that goes. Data only.

A pair that is not here shares nothing: same shapes, other meanings. Whatever the class, state
that is lost is decided on by consistency group, see :mod:`tfrepair.planning.consistency`.

Source: update rules of Keras 3.15, tf_keras 2.21, TensorFlow 1.15 and google-research/bert
``optimization.py``; the deviations of ``exact`` pairs are measured in ``docs/optimizer-state.md``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """How one family goes on from the slots of another.

    Attributes
    ----------
    kinds
        Kind that is filled, and the kind of the source that fills it.
    is_exact
        True if the same hyperparameters then give the same updates.
    note
        What is the same, or what is not; for messages.
    corrects
        True if the source's second moment is corrected for its bias on the way, because the other
        rule does not do so itself.
    """

    kinds: Mapping[str, str]
    is_exact: bool = False
    note: str
    corrects: bool = False


_BOTH = MappingProxyType({"m": "m", "v": "v"})
_ALL = MappingProxyType({"m": "m", "v": "v", "vhat": "vhat"})
_SAME_AVERAGES = "the averages of gradients and of their squares are the same, the update is not"

RELATIVES: Mapping[tuple[str, str], Relation] = MappingProxyType(
    {
        **{
            pair: Relation(kinds=_ALL, is_exact=True, note="the same but for weight decay")
            for pair in (("adam", "adamw"), ("adamw", "adam"))
        },
        **{
            ("adamweightdecay", name): Relation(
                kinds=_BOTH,
                is_exact=True,
                note="the same without bias correction, which a large step count turns off",
            )
            for name in ("adam", "adamw")
        },
        **{
            (have, want): Relation(kinds=_BOTH, note=_SAME_AVERAGES)
            for have in ("adam", "adamw", "nadam", "lamb")
            for want in ("adam", "adamw", "nadam", "lamb")
            if have != want and {have, want} != {"adam", "adamw"}
        },
        **{
            (have, "rmsprop"): Relation(
                kinds=MappingProxyType({"rms": "v"}),
                corrects=True,
                note="an average of squares, under another decay",
            )
            for have in ("adam", "adamw", "nadam", "lamb")
        },
        **{
            (have, "lion"): Relation(
                kinds=MappingProxyType({"m": "m"}),
                note="an average of gradients, under another decay",
            )
            for have in ("adam", "adamw", "nadam", "lamb")
        },
        ("proximaladagrad", "adagrad"): Relation(
            kinds=MappingProxyType({"accumulator": "accumulator"}),
            is_exact=True,
            note="the same without regularization",
        ),
    }
)
"""By the family of the source and the wanted one."""


EXPECTED: Mapping[str, str] = MappingProxyType(
    {
        "group": "expect a short rise of the loss; in 7 of 8 measured trainings less than another "
        "order of the batches makes, most where the loss was close to 0 already",
        "m": "expect about half of what a fresh optimizer would disturb",
        "momentum": "expect the pace of the first steps, until momentum has built up again",
        "rms": "expect larger steps until the average of squares has filled up again, about "
        "1/(1 - rho) of them",
        "accumulator": "expect steps as large as at the beginning of the training: lower the "
        "learning rate if the loss rises",
        "steps": "the updates of long trainings do not depend on it; a learning rate schedule "
        "starts again",
    }
)
"""What to expect, by what is lost. Source: 22 trainings, stopped early and late, of four small
networks; see ``docs/optimizer-state.md``."""
