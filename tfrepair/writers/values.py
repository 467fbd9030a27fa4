"""What a writer of tensors takes: named values that are fetched one at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tfrepair.core.tensor import Array, Shape
from tfrepair.writers.staging import Kind

Step = Callable[[int, int], None]
"""Called with the number of finished values and of all values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedValue:
    """One tensor of the output.

    Attributes
    ----------
    name
        Unique in the output.
    shape, dtype
        Of the array that ``fetch`` returns.
    fetch
        Gives the array; costs I/O.
    """

    name: str
    shape: Shape
    dtype: str
    fetch: Callable[[], Array] = field(repr=False, compare=False)


class TensorWriter(Protocol):
    """One format that holds named tensors and no graph.

    Attributes
    ----------
    name
        What ``--to`` takes.
    description
        One line for people.
    kind
        What the output is, for what it may replace.
    """

    @property
    def name(self) -> str:
        """What ``--to`` takes."""

    @property
    def description(self) -> str:
        """One line for people."""

    @property
    def kind(self) -> Kind:
        """What the output is, for what it may replace."""

    def write(self, values: Sequence[NamedValue], out: Path, step: Step) -> None:
        """Write all values below a path that does not exist yet.

        Parameters
        ----------
        values
            Names are unique; at most one value is in memory at a time.
        out
            File or directory to create, by format.
        step
            Told about progress.

        Raises
        ------
        WriteError
            If a value has an element type or a name that the format does not hold.
        """
