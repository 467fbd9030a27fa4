"""Transforms: how a stored array becomes the value of a variable, or part of it.

A transform is a sequence of operations with a text form, operations joined by ``|`` and applied
from left to right, for example ``transpose:1,0|cast:float32``. The text form is what plans and
reports show and what a person edits. Every operation knows the shape it makes without touching
data, so that a plan is checked before anything is read. A variable that several arrays fill is
put together in :mod:`tfrepair.core.assembly`.
"""

from dataclasses import dataclass

from typing_extensions import override

from tfrepair.core.operation_text import parse_operation, spell
from tfrepair.core.operations import (
    AddForget,
    Blocks,
    Cast,
    Flip,
    Into,
    Offset,
    Operation,
    Reshape,
    Scale,
    Slice,
    Square,
    Steps,
    Sum,
    TransformError,
    Transpose,
    run_one,
    shape_after,
    undo,
)
from tfrepair.core.tensor import Array, Shape

__all__ = [
    "IDENTITY",
    "AddForget",
    "Blocks",
    "Cast",
    "Flip",
    "Into",
    "Offset",
    "Operation",
    "Reshape",
    "Scale",
    "Slice",
    "Square",
    "Steps",
    "Sum",
    "Transform",
    "TransformError",
    "Transpose",
    "parse_transform",
    "then",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transform:
    """A sequence of operations; the empty one is the identity."""

    operations: tuple[Operation, ...] = ()

    @override
    def __str__(self) -> str:
        return "|".join(spell(operation) for operation in self.operations) or "identity"

    @property
    def region(self) -> Into | None:
        """The part of the variable that it fills; ``None`` for all of it."""
        last = self.operations[-1] if self.operations else None
        return last if isinstance(last, Into) else None

    def shape(self, have: Shape) -> Shape:
        """Return the shape that an array of shape ``have`` becomes, before it goes to its region.

        Raises
        ------
        TransformError
            If an operation does not fit the shape it meets, or ``into`` is not the last one.
        """
        for operation in self.operations:
            if isinstance(operation, Into) and operation is not self.operations[-1]:
                message = f"{spell(operation)} must be the last step"
                raise TransformError(message)
            try:
                have = shape_after(operation, have)
            except TransformError as error:
                message = f"{spell(operation)} does not fit an array of shape {have}"
                raise TransformError(message) from error
        return have

    def dtype(self, have: str) -> str:
        """Return the element type that an array of type ``have`` ends with."""
        for operation in self.operations:
            match operation:
                case Cast(dtype=dtype):
                    have = dtype
                case Steps():
                    have = "int64"
                case _:
                    pass
        return have

    def run(self, array: Array) -> Array:
        """Apply the operations to an array; pure, the input is not written to.

        Raises
        ------
        TransformError
            If an operation does not fit the shape it meets.
        """
        self.shape(array.shape)
        for operation in self.operations:
            array = run_one(operation, array)
        return array

    def inverse(self, have: Shape) -> "Transform | None":
        """Return the way back from the value to the stored array, bit for bit.

        Parameters
        ----------
        have
            Shape of the stored array.

        Returns
        -------
        ``None`` where something was lost or rounded: a slice, a sum, a cast, arithmetic.
        """
        back: list[Operation] = []
        for operation in self.operations:
            step = undo(operation, have)
            if step is None:
                return None
            back.append(step)
            have = shape_after(operation, have)
        return Transform(operations=tuple(reversed(back)))


IDENTITY = Transform()


def then(first: Transform, *operations: Operation) -> Transform:
    """Return ``first`` followed by more operations."""
    return Transform(operations=(*first.operations, *operations))


def parse_transform(text: str) -> Transform:
    """Parse the text form.

    Parameters
    ----------
    text
        Operations joined by ``|``; ``""`` and ``"identity"`` are the identity.

    Raises
    ------
    TransformError
        Naming the operation that could not be read and the operations there are.
    """
    parts = [part.strip() for part in text.split("|")]
    return Transform(
        operations=tuple(parse_operation(part) for part in parts if part not in ("", "identity"))
    )
