"""Transforms: shapes without data, values against NumPy, text and back, and the way back."""

import numpy as np
import pytest

from tfrepair.core.tensor import Array, Shape
from tfrepair.core.transform import Transform, TransformError, parse_transform

MADE = np.arange(24, dtype="float32").reshape(2, 3, 4)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("identity", MADE),
        ("reshape:6,4", MADE.reshape(6, 4)),
        ("transpose:2,0,1", np.transpose(MADE, (2, 0, 1))),
        ("flip:0,2", MADE[::-1, :, ::-1]),
        ("slice:axis=2:1:3", MADE[:, :, 1:3]),
        ("slice:axis=1::2", MADE[:, :2]),
        ("blocks:axis=2:order=1,0", MADE[..., [2, 3, 0, 1]]),
        ("sum:axis=2:n=2", MADE[..., :2] + MADE[..., 2:]),
        ("scale:0.5", MADE / 2),
        ("offset:-1.5", MADE - 1.5),
        ("square", MADE * MADE),
        ("offset:1.0|square|offset:-0.25", (MADE + 1) ** 2 - 0.25),
        ("add_forget:1.0:axis=2:1:2", MADE + np.array([0, 1, 0, 0], "float32")),
        ("transpose:1,0,2|into::,0:2,:", np.transpose(MADE, (1, 0, 2))),
    ],
)
def test_values_shapes_and_text(text: str, expected: Array) -> None:
    transform = parse_transform(text)
    before = MADE.copy()
    found = transform.run(MADE)
    np.testing.assert_array_equal(found, expected.astype("float32"))
    assert found.dtype == "float32"
    assert transform.shape(MADE.shape) == expected.shape
    assert str(transform) == text
    np.testing.assert_array_equal(MADE, before)


@pytest.mark.parametrize(
    ("text", "have"),
    [
        ("reshape:5,5", (2, 3, 4)),
        ("transpose:0,1", (2, 3, 4)),
        ("flip:3", (2, 3, 4)),
        ("slice:axis=0:1:3", (2, 3)),
        ("slice:axis=4::", (2, 3)),
        ("blocks:axis=1:order=0,1", (2, 3)),
        ("blocks:axis=1:order=0,0,1", (2, 3)),
        ("sum:axis=1:n=2", (2, 3)),
        ("add_forget:1.0:axis=0:2:4", (3,)),
        ("into:0:1|flip:0", (3,)),
    ],
)
def test_what_does_not_fit_is_said_with_the_shape(text: str, have: Shape) -> None:
    transform = parse_transform(text)
    with pytest.raises(TransformError, match=r"does not fit an array of shape|must be the last"):
        transform.shape(have)
    with pytest.raises(TransformError):
        transform.run(np.zeros(have))


@pytest.mark.parametrize(
    "text",
    ["turn:1", "reshape:a", "offset:inf", "into:-1:2", "square:2", "slice:0:1", "sum:axis=0"],
)
def test_what_cannot_be_read_is_refused_with_the_grammar(text: str) -> None:
    with pytest.raises(TransformError, match="known: identity"):
        parse_transform(text)


@pytest.mark.parametrize(
    "text",
    [
        "reshape:4,6",
        "transpose:2,0,1",
        "flip:1",
        "blocks:axis=2:order=3,0,2,1",
        "transpose:1,2,0|reshape:12,2|blocks:axis=0:order=2,0,1|flip:0",
    ],
)
def test_the_way_back_gives_every_bit(text: str) -> None:
    transform = parse_transform(text)
    back = transform.inverse(MADE.shape)
    assert back is not None
    np.testing.assert_array_equal(back.run(transform.run(MADE)), MADE)


@pytest.mark.parametrize(
    "text", ["slice:axis=0:0:1", "sum:axis=0:n=2", "cast:float64", "scale:2.0", "square"]
)
def test_there_is_no_way_back_from_a_loss(text: str) -> None:
    assert parse_transform(text).inverse(MADE.shape) is None


def test_the_empty_transform_is_the_identity() -> None:
    assert Transform().run(MADE) is MADE
    assert str(Transform()) == "identity"
