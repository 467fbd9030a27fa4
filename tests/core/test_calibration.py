"""What is done with the batches follows from what is lost; the arithmetic is that of averages."""

import numpy as np
import pytest

from tfrepair.core.calibration import (
    Gradients,
    Recipe,
    Role,
    SlotTask,
    fewest_batches,
    final_value,
    ratio,
    recipe_for,
    signal,
    start_value,
)


def task(role: Role, of: str = "w", *, lost: bool = True, decay: float = 0.9) -> SlotTask:
    corrected = role in (Role.FIRST, Role.PEAK) or (role is Role.SECOND and decay > 0.99)
    return SlotTask(
        path=f"{of}/{role}",
        of=of,
        kind=role.value,
        role=role,
        decay=decay,
        corrected=corrected,
        lost=lost,
    )


def adam(*, first: bool, second: bool, of: str = "w") -> tuple[SlotTask, ...]:
    return (
        task(Role.FIRST, of, lost=first),
        task(Role.SECOND, of, lost=second, decay=0.999),
    )


def gradients(*squares: float, active: float = 1.0, batches: float = 64.0) -> Gradients:
    values = np.array(squares)
    return Gradients(
        mean=values / 10,
        squares=values,
        largest=np.sqrt(values) * 2,
        active=np.where(values > 0, active, 0.0),
        batches=batches,
    )


CASES = {
    "all lost": (
        adam(first=True, second=True),
        Recipe(frozen=8, rehearsed=56, counter=56, start=1000),
    ),
    "second moments lost": (
        adam(first=False, second=True),
        Recipe(frozen=8, rehearsed=56, counter=56, start=1000),
    ),
    "first moments lost": (
        adam(first=True, second=False),
        Recipe(frozen=0, rehearsed=32, start=1000),
    ),
    "slots of one weight lost": (
        (*adam(first=True, second=True), *adam(first=False, second=False, of="u")),
        Recipe(frozen=64, rehearsed=0, by_ratio=True),
    ),
    "RMSprop": (
        (task(Role.SECOND),),
        Recipe(frozen=8, rehearsed=56, start=1000),
    ),
    "Adagrad": (
        (task(Role.SUM),),
        Recipe(frozen=0, rehearsed=64, start=1000),
    ),
    "momentum": (
        (task(Role.REHEARSED),),
        Recipe(frozen=0, rehearsed=64, start=1000),
    ),
}


@pytest.mark.parametrize(("tasks", "expected"), CASES.values(), ids=CASES)
def test_what_is_lost_decides(tasks: tuple[SlotTask, ...], expected: Recipe) -> None:
    assert recipe_for(tasks, 64, 1000) == expected


def test_few_batches_without_bias_correction_are_all_frozen() -> None:
    found = recipe_for((task(Role.SECOND),), 8, 1000)
    assert (found.frozen, found.rehearsed, found.counter) == (8, 0, None)
    beside = (task(Role.SECOND), task(Role.REHEARSED))
    assert recipe_for(beside, 8, 1000).rehearsed == 7


def test_an_unknown_step_count_is_a_long_training() -> None:
    found = recipe_for(adam(first=True, second=True), 64, None)
    assert task(Role.SECOND, decay=0.999).correction(found.start) == 1.0


def test_bias_correction_needs_more_evidence_than_none() -> None:
    assert fewest_batches(adam(first=True, second=True)) == 16
    assert fewest_batches((task(Role.SECOND),)) < 8
    assert fewest_batches(adam(first=True, second=False)) < 8


def test_estimates_are_without_bias_at_their_own_step_count() -> None:
    recipe = Recipe(frozen=16, rehearsed=48, counter=48, start=1000)
    first, second = adam(first=True, second=True)
    seen = gradients(4.0, 4.0)
    begun = start_value(second, seen, recipe, 1000, 1.0)
    ended = np.asarray(begun)
    final = final_value(second, ended, ended, seen, recipe, 1000)
    np.testing.assert_allclose(final / (1 - 0.999**48), seen.evidence)
    moment = np.array([0.5, 0.25])
    told = signal(seen, 0.9)
    kept = final_value(first, moment, moment, seen, recipe, 1000)
    np.testing.assert_allclose(kept / (1 - 0.9**48), told * moment / (1 - 0.9**1048))


def test_an_average_of_noise_is_none_and_one_of_a_slope_is_kept() -> None:
    rng = np.random.default_rng(3)
    for slope, low, high in ((0.0, 0.0, 0.1), (0.05, 0.02, 0.5), (10.0, 0.99, 1.0)):
        drawn = slope + rng.normal(size=(48, 500))
        seen = Gradients(
            mean=drawn.mean(0),
            squares=(drawn**2).mean(0),
            largest=np.abs(drawn).max(0),
            active=np.ones(500),
            batches=48.0,
        )
        assert low <= signal(seen, 0.9) <= high


def test_a_known_moment_goes_with_the_step_count() -> None:
    recipe = Recipe(frozen=16, rehearsed=48, counter=48, start=1000)
    known = task(Role.FIRST, lost=False)
    moment = np.array([0.5, 0.25])
    found = final_value(known, moment, moment * 9, gradients(1.0, 1.0), recipe, 1000)
    np.testing.assert_allclose(found / (1 - 0.9**48), moment / (1 - 0.9**1000))


def test_known_slots_tell_the_scale_of_lost_ones() -> None:
    known = task(Role.SECOND, "u", lost=False, decay=0.999)
    rho = ratio([(known, np.array([24.0, 8.0]), gradients(3.0, 1.0))])
    assert rho == pytest.approx(8.0)
    recipe = Recipe(frozen=32, rehearsed=0, by_ratio=True)
    lost = task(Role.SECOND, decay=0.999)
    seen = gradients(2.0, 4.0)
    np.testing.assert_allclose(start_value(lost, seen, recipe, 1000, rho), 8 * seen.evidence)
    assert start_value(task(Role.FIRST), seen, recipe, 1000, rho) == 0.0


def test_weights_without_anything_to_compare_keep_the_scale() -> None:
    known = task(Role.SECOND, "u", lost=False)
    assert ratio([(known, np.zeros(2), gradients(3.0, 1.0))]) == 1.0
    assert ratio([]) == 1.0


def test_a_sum_grows_with_the_training() -> None:
    lost = SlotTask(path="a", of="w", kind="accumulator", role=Role.SUM, initial=0.1)
    recipe = recipe_for((lost,), 16, 500)
    found = start_value(lost, gradients(2.0, 2.0, batches=1e9), recipe, 500, 1.0)
    np.testing.assert_allclose(found, 0.1 + 500 * 2.0)


def test_elements_at_rest_count_as_active_once() -> None:
    seen = gradients(0.0, 8.0, active=0.5, batches=10)
    # Half a batch in two is active with 16 each time; the other element never was.
    assert seen.evidence[0] == pytest.approx(16 / 10)
    assert np.all(gradients(0.0, 0.0).evidence == 0.0)


@pytest.mark.parametrize("role", list(Role))
def test_tasks_survive_json(role: Role) -> None:
    assert SlotTask.from_json(task(role).to_json()) == task(role)
