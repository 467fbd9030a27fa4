"""Who created which variable: the variable, and the line of the user's own code.

Watches the creation of variables while a model is built and traced. A line of the user's is one in
a file that is neither installed nor ours. Comes before
:mod:`tfrepair.tfhost.worker.audit_holders`.
"""

import linecache
import sys
import sysconfig
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typing_extensions import override

if TYPE_CHECKING:
    from types import FrameType

_OURS = str(Path(__file__).parents[2])
_INSTALLED = ("site-packages", "dist-packages")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A line of source code; empty if none is known."""

    file: str = ""
    number: int = 0

    @property
    def text(self) -> str:
        """Return the line itself, without indentation."""
        return linecache.getline(self.file, self.number).strip() if self.file else ""

    @override
    def __str__(self) -> str:
        """Spell it ``file:line``; relative to the working directory if it lies below."""
        if not self.file:
            return ""
        path = Path(self.file)
        here = Path.cwd()
        return f"{path.relative_to(here) if path.is_relative_to(here) else path}:{self.number}"


NOWHERE = Place()


class Creations:
    """Every variable that was created while :meth:`watching`."""

    def __init__(self) -> None:
        self._places: dict[int, tuple[weakref.ref[Any], Place]] = {}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Record what is created inside."""
        import tensorflow as tf

        def create(next_creator: Any, **arguments: Any) -> Any:
            variable = next_creator(**arguments)
            self._places[id(variable)] = (weakref.ref(variable), _place())
            return variable

        with tf.variable_creator_scope(create):
            yield

    def place(self, variable: Any) -> Place:
        """Return the user's line that created a raw variable."""
        known = self._places.get(id(variable))
        return known[1] if known is not None and known[0]() is variable else NOWHERE

    def alive(self) -> tuple[Any, ...]:
        """Return the recorded variables that still exist."""
        found = (reference() for reference, _ in self._places.values())
        return tuple(variable for variable in found if variable is not None)


def _place() -> Place:
    """Return the innermost line of the user's on the stack."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if is_own(name):
            return Place(file=name, number=frame.f_lineno)
        frame = frame.f_back
    return NOWHERE


@cache
def is_own(file: str) -> bool:
    """Tell whether a source file is the user's: neither installed, nor Python's, nor ours."""
    if file.startswith("<"):
        return False
    path = Path(file)
    if any(part in path.parts for part in _INSTALLED):
        return False
    return not file.startswith((_OURS, sysconfig.get_path("stdlib")))
