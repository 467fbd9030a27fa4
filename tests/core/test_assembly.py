"""Values that several arrays make up."""

import numpy as np
import pytest

from tfrepair.core.assembly import adds_up, assembled, uncovered, value_of
from tfrepair.core.tensor import Array, Shape
from tfrepair.core.transform import TransformError, parse_transform

A = np.arange(6, dtype="float32").reshape(2, 3)
MINUS = np.array([-0.0], "float32")
B = np.arange(6, 10, dtype="float32").reshape(2, 2)


def put(*parts: tuple[str, Array], want: Shape) -> Array:
    edges = [(parse_transform(text), lambda array=array: array) for text, array in parts]
    return assembled(edges, want, "float32")


def test_parts_stand_side_by_side() -> None:
    found = put(("into::,0:3", A), ("flip:1|into::,3:", B), want=(2, 5))
    np.testing.assert_array_equal(found, np.concatenate([A, B[:, ::-1]], axis=1))


def test_rows_are_filled_by_index() -> None:
    found = put(("slice:axis=0:0:1|reshape:3|into:1,:", A), want=(2, 3))
    np.testing.assert_array_equal(found, [[0, 0, 0], [0, 1, 2]])


def test_what_meets_is_added() -> None:
    np.testing.assert_array_equal(put(("identity", A), ("identity", A), want=(2, 3)), A + A)


def test_the_sign_of_zero_stays() -> None:
    found = put(("into:0:1", MINUS), ("into:1:2", MINUS), want=(2,))
    assert np.signbit(found).all()


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("into::,0:2", (2, 5)),
        ("into::,3:6", (2, 5)),
        ("into:0:2", (2, 5)),
        ("into:5,:", (2, 3)),
        ("identity", (2, 5)),
    ],
)
def test_what_does_not_fill_its_region_is_refused(text: str, want: Shape) -> None:
    with pytest.raises(TransformError, match=r"does not fill|lies outside"):
        put((text, A), want=want)


def test_elements_that_nothing_reaches_are_counted() -> None:
    texts = [parse_transform("into:0:1,:"), parse_transform("into:1:2,0:2")]
    assert uncovered(texts, (2, 3)) == 1
    assert uncovered([parse_transform("identity")], (2, 3)) == 0
    assert not adds_up(texts, (2, 3))
    assert adds_up([*texts, parse_transform("into::,2:3")], (2, 3))


def test_one_whole_array_is_not_copied() -> None:
    assert value_of([(parse_transform("identity"), lambda: A)], (2, 3), "float32") is A
