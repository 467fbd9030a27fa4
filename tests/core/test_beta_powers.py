import math

import numpy as np
import pytest

from tfrepair.core.beta_powers import is_exact, steps_of, underflow
from tfrepair.core.transform import TransformError, parse_transform


@pytest.mark.parametrize(
    ("beta", "first_zero"),
    [(0.5, 126), (0.9, 828), (0.95, 1702), (0.98, 4323), (0.99, 8689), (0.999, 87_293),
     (0.9999, 873_177)],
)  # fmt: skip
def test_powers_underflow_where_tensorflow_does(beta: float, first_zero: int) -> None:
    assert underflow(beta) == first_zero
    assert steps_of(0.0, beta) == first_zero


@pytest.mark.parametrize(("beta", "every"), [(0.5, 1), (0.9, 1), (0.98, 7), (0.999, 97)])
def test_every_count_is_found_again(beta: float, every: int) -> None:
    value = np.float32(beta)
    for steps in range(underflow(beta)):
        if steps % every == 0:
            assert steps_of(float(value), beta) == steps
            assert is_exact(float(value), beta)
        value = np.float32(value * np.float32(beta))


def test_a_power_of_another_beta_is_not_exact() -> None:
    assert not is_exact(0.5, 0.9)
    assert not is_exact(0.0, 0.9)
    assert not is_exact(1.0, 0.9)
    assert is_exact(0.9**4, 0.9, "float64") or steps_of(0.9**4, 0.9, "float64") == 3


@pytest.mark.parametrize("power", [1.0, -0.1, math.nan])
def test_what_is_no_power_is_refused(power: float) -> None:
    with pytest.raises(ValueError, match="a power of"):
        steps_of(power, 0.9)
    with pytest.raises(TransformError, match=r"steps:beta=0\.9"):
        parse_transform("steps:beta=0.9").run(np.asarray(power, "float32"))


def test_the_text_of_a_transform() -> None:
    for text in ("scale:-0.05000000074505806", "steps:beta=0.9", "transpose:1,0|scale:2.0"):
        assert str(parse_transform(text)) == text
    assert parse_transform("steps:beta=0.9").dtype("float32") == "int64"
    assert parse_transform("scale:-2|cast:float16").dtype("float32") == "float16"
    value = parse_transform("scale:-0.5").run(np.asarray([1, -2], "float32"))
    np.testing.assert_array_equal(value, np.asarray([-0.5, 1], "float32"))


@pytest.mark.parametrize(
    "text", ["scale:", "scale:nan", "scale:inf", "steps:beta=1", "steps:beta=0", "steps:1e9"]
)
def test_numbers_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(TransformError):
        parse_transform(text)


def test_steps_need_a_scalar() -> None:
    with pytest.raises(TransformError):
        parse_transform("steps:beta=0.9").shape((2,))
