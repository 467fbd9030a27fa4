"""Rules by which a variable of an optimizer follows from others of the same optimizer.

A rule has a text form, ``name:key=number``, for example ``nadam_product:beta=0.9:rate=1``; plans
and reports show it and a person may edit it. Knows numbers only, neither files nor names of
variables. Comes before :mod:`tfrepair.core.optimizer_plan`. Pure.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from typing_extensions import override

from tfrepair.core.beta_powers import power_of
from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.tensor import Array, Shape

_DECAY_BASE = 0.96
"""Of Nadam's momentum schedule. Source: Keras ``optimizers/nadam.py`` of all eras."""
_MOST_FACTORS = 2_000_000


class RuleError(ValueError):
    """A rule that cannot be parsed, or does not fit what it is applied to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule with its numbers.

    Attributes
    ----------
    name
        One of :data:`RULES`.
    numbers
        By name, in the order of the text form.
    """

    name: str
    numbers: tuple[tuple[str, float], ...] = ()

    @override
    def __str__(self) -> str:
        return ":".join((self.name, *(f"{key}={value!r}" for key, value in self.numbers)))

    @property
    def inputs(self) -> int:
        """Number of arrays that it takes."""
        return RULES[self.name].inputs

    def run(self, inputs: Sequence[Array], shape: Shape, dtype: str) -> Array:
        """Compute the value of a variable.

        Parameters
        ----------
        inputs
            Values of other variables, in the order that the rule takes them.
        shape, dtype
            Of the variable.

        Raises
        ------
        RuleError
            If the result does not have that shape.
        """
        found = RULES[self.name].run(inputs, dict(self.numbers))
        value = np.asarray(found)
        if value.shape == () and self.name == "constant":
            value = np.full(shape, value)
        if value.shape != shape:
            message = f"{self}: makes {value.shape} of {[i.shape for i in inputs]}, not {shape}"
            raise RuleError(message)
        return value.astype(numpy_dtype(dtype))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """How a rule is run, and what it takes."""

    run: Callable[[Sequence[Array], Mapping[str, float]], Array | float]
    inputs: int
    numbers: tuple[str, ...] = ()


def rule(name: str, **numbers: float) -> Rule:
    """Return a rule.

    Raises
    ------
    RuleError
        If there is none of that name that takes these numbers.
    """
    kind = RULES.get(name)
    if kind is None:
        message = f"no such rule: {name!r}; known: {', '.join(RULES)}"
        raise RuleError(message)
    if set(numbers) != set(kind.numbers) or not all(map(math.isfinite, numbers.values())):
        takes = ", ".join(kind.numbers) or "no numbers"
        message = f"{name} takes {takes}; found {', '.join(numbers) or 'none'}"
        raise RuleError(message)
    return Rule(name=name, numbers=tuple((key, float(numbers[key])) for key in kind.numbers))


def parse_rule(text: str) -> Rule:
    """Parse the text form.

    Raises
    ------
    RuleError
        Saying what could not be read, and which rules there are.
    """
    name, *rest = (part.strip() for part in text.split(":"))
    numbers = {}
    for part in rest:
        key, _, value = part.partition("=")
        try:
            numbers[key.strip()] = float(value)
        except ValueError as error:
            message = f"{text!r}: {part!r} is not KEY=NUMBER"
            raise RuleError(message) from error
    return rule(name, **numbers)


def _constant(_inputs: Sequence[Array], numbers: Mapping[str, float]) -> Array:
    return np.asarray(numbers["value"], np.float64)


def _copy(inputs: Sequence[Array], _numbers: Mapping[str, float]) -> Array:
    return inputs[0]


def _scale(inputs: Sequence[Array], numbers: Mapping[str, float]) -> Array:
    return np.asarray(inputs[0].astype(np.float64) * numbers["factor"])


def _nadam_product(inputs: Sequence[Array], numbers: Mapping[str, float]) -> Array:
    """Multiply the momenta of steps 1 to t in float32, as Nadam itself does."""
    steps = min(int(inputs[0]), _MOST_FACTORS)
    if steps <= 0:
        return np.asarray(1.0, np.float32)
    number = np.arange(1, steps + 1, dtype=np.float32)
    decay = np.power(np.float32(_DECAY_BASE), np.float32(numbers["rate"]) * number)
    factors = np.float32(numbers["beta"]) * (np.float32(1) - np.float32(0.5) * decay)
    with np.errstate(under="ignore"):
        product = np.multiply.accumulate(factors.astype(np.float32))[-1]
    return np.asarray(product if product >= np.finfo(np.float32).tiny else 0.0, np.float32)


def _beta_power(inputs: Sequence[Array], numbers: Mapping[str, float]) -> Array:
    return np.asarray(power_of(int(inputs[0]), numbers["beta"]), np.float32)


def _ftrl_linear(inputs: Sequence[Array], numbers: Mapping[str, float]) -> Array:
    """Solve FTRL's rule ``w = (clip(z, -l1, l1) - z) / quadratic`` for ``z``.

    Where the weight is 0 under a positive ``l1`` any ``z`` between its bounds gives it; 0 is taken.
    """
    weight, accumulator = (array.astype(np.float64) for array in inputs)
    rate, l1 = numbers["rate"], numbers["l1"]
    quadratic = np.power(accumulator, -numbers["power"]) / rate + 2 * numbers["l2"]
    quadratic += numbers["beta"] / rate
    return np.asarray(-(weight * quadratic + np.sign(weight) * l1))


def _row_means(inputs: Sequence[Array], _numbers: Mapping[str, float]) -> Array:
    return np.asarray(inputs[0].mean(axis=-1, dtype=np.float64))


def _column_means(inputs: Sequence[Array], _numbers: Mapping[str, float]) -> Array:
    return np.asarray(inputs[0].mean(axis=-2, dtype=np.float64))


def _outer(inputs: Sequence[Array], _numbers: Mapping[str, float]) -> Array:
    rows, columns = (array.astype(np.float64) for array in inputs)
    mean = rows.mean(axis=-1, keepdims=True)
    share = np.divide(rows, mean, out=np.zeros_like(rows), where=mean > 0)
    return np.asarray(share[..., :, None] * columns[..., None, :])


RULES: Mapping[str, _Kind] = MappingProxyType(
    {
        "constant": _Kind(run=_constant, inputs=0, numbers=("value",)),
        "copy": _Kind(run=_copy, inputs=1),
        "scale": _Kind(run=_scale, inputs=1, numbers=("factor",)),
        "nadam_product": _Kind(run=_nadam_product, inputs=1, numbers=("beta", "rate")),
        "beta_power": _Kind(run=_beta_power, inputs=1, numbers=("beta",)),
        "ftrl_linear": _Kind(
            run=_ftrl_linear, inputs=2, numbers=("rate", "power", "l1", "l2", "beta")
        ),
        "row_means": _Kind(run=_row_means, inputs=1),
        "column_means": _Kind(run=_column_means, inputs=1),
        "outer": _Kind(run=_outer, inputs=2),
    }
)
"""Every rule: of a step count (``nadam_product``, ``beta_power``), of weight and accumulator
(``ftrl_linear``), of a second moment (``row_means``, ``column_means``), of its factors (``outer``).

Source: Keras 3.15 ``optimizers/ftrl.py``, ``adafactor.py``, ``nadam.py``; TensorFlow
``python/training/adam.py``.
"""
