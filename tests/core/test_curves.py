"""Numbers of two curves of losses."""

import math

import pytest

from tfrepair.core.curves import Curve, compared, means


def test_the_area_between_two_curves() -> None:
    one = Curve(label="one", losses=(3.0, 1.0) * 10)
    two = Curve(label="two", losses=(2.0, 2.0) * 10)
    assert compared(one, two) == {"deviation": 20.0, "excess": 0.0, "bump": 0.0}


def test_a_spike_is_a_bump() -> None:
    one = Curve(label="one", losses=(0.0,) * 5 + (10.0,) + (0.0,) * 14)
    two = Curve(label="two", losses=(0.0,) * 20)
    assert compared(one, two)["bump"] == pytest.approx(1.0)
    assert one.peak == pytest.approx(1.0)


def test_short_curves_are_averaged_as_a_whole() -> None:
    assert means((1.0, 3.0)) == (2.0,)
    assert means(()) == ()


def test_what_is_no_number_is_null() -> None:
    broken = Curve(label="nan", losses=(1.0, math.nan))
    assert broken.to_json()["losses"] == [1.0, None]
    assert compared(broken, broken)["deviation"] is None
    assert broken.finite == (1.0,)
