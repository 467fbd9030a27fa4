"""A model whose optimizer is as before its first step, named as its variables are."""

from tests.planning.optimizers import trained
from tfrepair.planning.fresh_values import fresh_values


def test_slots_and_step_are_as_before_the_first_step() -> None:
    found = dict(fresh_values(trained("adam", "own")))
    assert found["optimizer/a/kernel/momentum"] == 0.0
    assert found["optimizer/b/bias/velocity"] == 0.0
    assert found["optimizer/iteration"] == 0.0
    assert not [name for name in found if "learning_rate" in name]


def test_sums_start_above_zero_and_products_at_one() -> None:
    assert dict(fresh_values(trained("adagrad", "own")))["optimizer/a/kernel/accumulator"] == 0.1
    assert dict(fresh_values(trained("nadam", "own")))["optimizer/variable"] == 1.0


def test_what_begins_as_a_copy_of_the_weight_names_it() -> None:
    found = dict(fresh_values(trained("schedulefreeadamw", "own")))
    copies = {value for value in found.values() if isinstance(value, str)}
    assert len(copies) == 4


def test_tensorflow_1_starts_its_squares_at_one_and_its_powers_at_beta() -> None:
    assert 1.0 in dict(fresh_values(trained("rmsprop", "saver"))).values()
    found = dict(fresh_values(trained("adam", "saver")))
    assert (found["beta1_power"], found["beta2_power"]) == (0.9, 0.999)
