"""What stands beside plain values in the tree that a reader hands to ``containers``.

Knows arrays that are still in their files, levels whose keys may repeat, and values that came out
of a pickle. No I/O.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tfrepair.core.errors import SourceError
from tfrepair.core.tensor import Array, Health, Origin, Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredArray:
    """An array that is still in its file: the leaf of a tree.

    ``dtype`` is as stored, byte order and fields included; ``fetch`` returns such an array,
    ``leading`` the first rows of one that is cut.
    """

    shape: Shape
    dtype: np.dtype[Any]
    origin: Origin
    fetch: Callable[[], Array] = field(repr=False, compare=False)
    health: Health = Health.UNVERIFIED
    health_note: str = ""
    leading: Callable[[], Array] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Branches:
    """A level of the tree with keys that may repeat: members of an archive, files of a folder."""

    pairs: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """The value of one pickle, with its place and whether its dicts keep their order.

    ``damage`` says why it breaks off, if the value is only what came before that.
    """

    value: Any
    origin: Origin
    dicts_are_ordered: bool
    damage: SourceError | None = None


def kept(array: Array, origin: Origin) -> StoredArray:
    """Keep an array in memory behind a read-only view."""
    view = array.view()
    view.flags.writeable = False
    return StoredArray(shape=array.shape, dtype=array.dtype, origin=origin, fetch=lambda: view)


def field_of(stored: StoredArray, name: str) -> StoredArray:
    """Return one field of an array of structured type."""
    dtype: np.dtype[Any] = stored.dtype[name]
    return replace(
        stored,
        shape=(*stored.shape, *dtype.shape),
        dtype=dtype.base,
        fetch=lambda: stored.fetch()[name],
        leading=None,
    )


def native_fetch(stored: StoredArray) -> Callable[[], Array]:
    """Return a fetch that gives native byte order."""
    if stored.dtype.isnative:
        return stored.fetch
    native = stored.dtype.newbyteorder("=")
    return lambda: stored.fetch().astype(native)
