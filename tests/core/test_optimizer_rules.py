"""Values of an optimizer that follow from others."""

import numpy as np
import pytest

from tfrepair.core.beta_powers import correction_free, power_of, steps_of
from tfrepair.core.optimizer_rules import RULES, RuleError, parse_rule, rule


@pytest.mark.parametrize("name", RULES)
def test_the_text_form_is_read_back(name: str) -> None:
    one = rule(name, **dict.fromkeys(RULES[name].numbers, 0.5))
    assert parse_rule(str(one)) == one


@pytest.mark.parametrize(
    "text",
    ["nonsense", "constant", "constant:value=x", "copy:value=1", "scale:factor=inf",
     "nadam_product:beta=0.9"],
)  # fmt: skip
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(RuleError):
        parse_rule(text)


def test_ftrl_follows_from_weight_and_accumulator() -> None:
    rng = np.random.default_rng(1)
    accumulator = rng.uniform(0.1, 5, 50)
    linear = rng.normal(size=50) * 3
    rate, l1, l2, beta = 0.1, 0.05, 0.01, 0.2
    quadratic = np.sqrt(accumulator) / rate + 2 * (l2 + beta / (2 * rate))
    weight = (np.clip(linear, -l1, l1) - linear) / quadratic
    one = rule("ftrl_linear", rate=rate, power=-0.5, l1=l1, l2=l2, beta=beta)
    found = one.run([weight, accumulator], (50,), "float64")
    moving = np.abs(linear) > l1
    np.testing.assert_allclose(found[moving], linear[moving], rtol=1e-12)
    assert not found[~moving].any()


def test_adafactor_factors_and_their_product_follow_from_each_other() -> None:
    rng = np.random.default_rng(2)
    rows, columns = rng.uniform(1, 2, 4), rng.uniform(1, 2, 3)
    columns *= rows.mean() / columns.mean()
    product = np.outer(rows, columns) / rows.mean()
    np.testing.assert_allclose(parse_rule("outer").run([rows, columns], (4, 3), "float64"), product)
    np.testing.assert_allclose(parse_rule("row_means").run([product], (4,), "float64"), rows)
    np.testing.assert_allclose(parse_rule("column_means").run([product], (3,), "float64"), columns)


def test_nadam_multiplies_its_momenta() -> None:
    one = rule("nadam_product", beta=0.9, rate=1)
    assert one.run([np.asarray(0)], (), "float32") == 1
    expected = 0.9 * (1 - 0.5 * 0.96) * 0.9 * (1 - 0.5 * 0.96**2)
    np.testing.assert_allclose(one.run([np.asarray(2)], (), "float32"), expected, rtol=1e-6)
    assert one.run([np.asarray(10**9)], (), "float32") == 0


def test_a_shape_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(RuleError, match="makes"):
        parse_rule("copy").run([np.zeros(3)], (4,), "float32")


@pytest.mark.parametrize("steps", [0, 1, 36, 827])
def test_powers_and_steps_are_inverse(steps: int) -> None:
    assert steps_of(power_of(steps, 0.9), 0.9) == steps


@pytest.mark.parametrize(
    ("beta", "steps"), [(0.5, 25), (0.9, 165), (0.95, 338), (0.98, 858), (0.999, 17_321)]
)
def test_bias_correction_ends(beta: float, steps: int) -> None:
    assert correction_free(0.5, beta) == steps
    power = np.float32(beta) ** np.float32(steps)
    assert np.float32(1) - power == np.float32(1)
