"""Where the same state goes on differently: hyperparameters and rules that no state makes equal.

Knows what epsilon, weight decay, learning rate decay and Nadam's schedule mean in every era; says
which value of the architecture would continue the training. Comes after
:mod:`tfrepair.planning.optimizer_slots`. Pure.

Source: update rules of TensorFlow 1.15, TensorFlow Addons 0.19, tf_keras 2.21, Keras 3.15.
"""

from collections.abc import Iterator
from typing import Any

from tfrepair.core.findings import Finding, Severity
from tfrepair.core.optimizer_plan import Origin, Setting
from tfrepair.planning.hyperparameters import DECAY, EPSILON, RATE, same_value
from tfrepair.planning.optimizer_findings import epsilon_findings, hyperparameter_findings
from tfrepair.planning.optimizer_slots import Sides
from tfrepair.planning.step_counts import OPTIMIZER

_DECOUPLED = "weight_decay"
_ASIDE = frozenset({RATE, EPSILON, _DECOUPLED, "initial_accumulator_value"})
"""Hyperparameters with a finding of their own, or that no further update reads."""


def rule_findings(sides: Sides) -> tuple[Finding, ...]:
    """Say where the two optimizers go on differently from the same state.

    Parameters
    ----------
    sides
        The two optimizers.
    """
    return (
        *_epsilon(sides),
        *_weight_decay(sides),
        *_learning_rate_decay(sides),
        *_nadam(sides),
        *hyperparameter_findings(_differing(sides)),
    )


def moves_epsilon(sides: Sides) -> bool:
    """Tell whether one side adds epsilon to the root of the squares, the other under it."""
    chosen, wanted = sides.chosen, sides.wanted
    if not sides.family.moves_epsilon or "momentum" in wanted.kinds:
        return False
    # The slot is called rms where epsilon is outside: OptimizerV2, and Keras 1 and 2 before it.
    return ("rms" in chosen.names) != ("rms" in wanted.names)


def _epsilon(sides: Sides) -> Iterator[Finding]:
    have = sides.wanted.config.get(EPSILON)
    setting = sides.settings.get(EPSILON)
    if setting is None or setting.origin in (Origin.OPTION, Origin.PLAN) or not _number(have):
        if moves_epsilon(sides) and (setting is None or setting.origin is Origin.TENSOR):
            yield from epsilon_findings(sides.wanted.title, have, None, moves=True)
        return
    want = expected_epsilon(setting.value, sides)
    if want is None or same_value(have, want):
        return
    is_default = setting.origin is Origin.WRITER_DEFAULT
    if is_default:
        yield from epsilon_findings(
            sides.wanted.title, have, setting.value, moves=moves_epsilon(sides)
        )
        return
    moved = want != setting.value
    yield Finding(
        code="update-rule-differs" if moved else "hyperparameters-differ",
        severity=Severity.WARNING,
        where=OPTIMIZER,
        message=f"the source was trained with epsilon {setting.value:g} ({setting.origin.value}), "
        f"the architecture is compiled with {have:g}"
        + (
            f"; RMSprop before tf.keras 2.11 adds it to the root, other versions under it: "
            f"{want:g} goes on alike"
            if moved
            else ""
        ),
        remedy=f"compile with epsilon={want:g}, or give --optimizer-option epsilon={want:g}",
    )


def expected_epsilon(value: Any, sides: Sides) -> float | None:  # noqa: ANN401 - a JSON value
    """Return the epsilon with which the architecture goes on as the source did."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    if not moves_epsilon(sides):
        return float(value)
    return float(value) ** 2 if "rms" in sides.chosen.names else float(value) ** 0.5


def _weight_decay(sides: Sides) -> Iterator[Finding]:
    setting = sides.settings.get(_DECOUPLED)
    have = sides.wanted.config.get(_DECOUPLED)
    if setting is None or setting.origin in (Origin.OPTION, Origin.PLAN):
        return
    want, why = setting.value, ""
    if sides.chosen.is_addon and sides.family.name == "adamw" and _number(want):
        if sides.rate is None:
            return
        want = float(want) / sides.rate
        why = "; TensorFlow Addons does not multiply it by the learning rate"
    if same_value(have, want):
        return
    yield Finding(
        code="update-rule-differs" if why else "hyperparameters-differ",
        severity=Severity.WARNING,
        where=OPTIMIZER,
        message=f"the source was trained with weight_decay {setting.value} "
        f"({setting.origin.value}), the architecture is compiled with {have}{why}",
        remedy=f"compile with weight_decay={want}, or give --optimizer-option weight_decay={want}",
    )


def _learning_rate_decay(sides: Sides) -> Iterator[Finding]:
    """Say so if the learning rate went down by itself, and no longer does."""
    setting = sides.settings.get(DECAY)
    value = None if setting is None else setting.value
    if not _number(value) or not value or DECAY in sides.wanted.scalars:
        return
    if sides.source.name == "nadam":
        return  # there it is the pace of the momentum schedule
    if sides.wanted.has_schedule:
        return
    yield Finding(
        code="learning-rate-decay",
        severity=Severity.WARNING,
        where=OPTIMIZER,
        message=f"decay was {value:g}: the learning rate went down by 1 / (1 + {value:g} * step), "
        "and the architecture's does not",
        remedy=f"compile with InverseTimeDecay(learning_rate, decay_steps=1, decay_rate={value:g})",
    )


def _nadam(sides: Sides) -> Iterator[Finding]:
    """Say so if the two sides are on different sides of the change of Nadam's schedule."""
    if sides.family.name != "nadam" or sides.source.name != "nadam":
        return
    chosen = sides.chosen
    follows_new = bool({"u_product", "variable"} & sides.wanted.scalars.keys())
    followed_old = bool(
        {"momentum_cache", "m_schedule"} & chosen.scalars.keys()
        or {DECAY, "schedule_decay"} & chosen.config.keys()
    )
    if follows_new != followed_old:
        return
    yield Finding(
        code="update-rule-differs",
        severity=Severity.WARNING,
        where=OPTIMIZER,
        message="Nadam's momentum follows 0.96 ** (0.004 * step) before tf.keras 2.11 and 0.96 ** "
        "step since: no state makes them equal; first and second moments are carried over, its "
        "product is computed anew (7 % of the distance moved after 50 steps, measured)",
        remedy="compile with tf_keras.optimizers.legacy.Nadam (--keras 2) to go on exactly",
    )


def _differing(sides: Sides) -> list[tuple[Setting, object]]:
    config, scalars = sides.wanted.config, sides.wanted.scalars
    person = (Origin.OPTION, Origin.PLAN, Origin.BETA_POWERS, Origin.WRITER_DEFAULT)
    return [
        (setting, config[name])
        for name, setting in sides.settings.items()
        if name in sides.family.settings
        and name not in _ASIDE
        and name in config
        and name not in scalars
        and setting.origin not in person
        and not same_value(setting.value, config[name])
    ]


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
