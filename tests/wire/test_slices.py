import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfrepair.core.errors import Corrupt, Truncated
from tfrepair.wire.bundle import Extent
from tfrepair.wire.slices import is_whole, join_slices, show_slice

F4 = np.dtype("float32")


@given(st.lists(st.integers(0, 3), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_parts_in_any_order_give_the_whole(sizes: list[int], chooser: object) -> None:
    whole = np.arange(2 * sum(sizes), dtype=F4).reshape(sum(sizes), 2)
    starts = [sum(sizes[:place]) for place in range(len(sizes))]
    parts = [
        ((Extent(start=start, length=size), Extent()), whole[start : start + size])
        for start, size in zip(starts, sizes, strict=True)
    ]
    chooser.shuffle(parts)  # type: ignore[attr-defined]
    assert np.array_equal(join_slices(whole.shape, F4, parts, "t"), whole)


def test_a_missing_part_is_truncated() -> None:
    part = (Extent(start=0, length=2),)
    with pytest.raises(Truncated, match="2 of 5"):
        join_slices((5,), F4, [(part, np.zeros(2, F4))], "t")


@pytest.mark.parametrize(
    ("part", "size"),
    [
        ((Extent(start=3, length=3),), 3),
        ((Extent(start=-1, length=2),), 2),
        ((Extent(), Extent()), 5),
        ((Extent(start=0, length=2),), 3),
    ],
    ids=["outside", "negative", "rank", "other shape"],
)
def test_parts_that_do_not_fit_are_corrupt(part: tuple[Extent, ...], size: int) -> None:
    with pytest.raises(Corrupt):
        join_slices((5,), F4, [(part, np.zeros(size, F4))], "t")


@pytest.mark.parametrize(
    ("second", "message"), [(3, "6 elements"), (2, r"\[0:2\] overlaps")], ids=["more", "as many"]
)
def test_parts_that_overlap_are_corrupt(second: int, message: str) -> None:
    parts = [((Extent(start=0, length=n),), np.zeros(n, F4)) for n in (3, second)]
    with pytest.raises(Corrupt, match=message):
        join_slices((5,), F4, parts, "t")


def test_the_whole_is_a_part_of_itself() -> None:
    assert is_whole((5, 2), (Extent(), Extent(start=0, length=2)))
    assert not is_whole((5, 2), (Extent(), Extent(start=0, length=1)))
    assert show_slice((Extent(start=1, length=2), Extent())) == "[1:3, :]"


def test_an_absurd_whole_costs_no_memory() -> None:
    part = (Extent(start=0, length=2),)
    with pytest.raises(Truncated, match="2 of 1152921504606846976"):
        join_slices((1 << 60,), F4, [(part, np.zeros(2, F4))], "t")
