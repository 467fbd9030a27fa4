"""An HDF5 file of groups, attributes and arrays, as Keras lays them out.

Knows nothing of Keras: what goes where is up to the caller. Lists of names are texts of fixed
length, which every version of Keras reads, cut into parts where they are too long for one
attribute; single texts have a variable length, as Keras writes configurations.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.errors import WriteError
from tfrepair.core.tensor import Array

if TYPE_CHECKING:
    import h5py

Attribute = str | int | tuple[str, ...]
_MOST = 64_512
"""Bytes of one attribute in Keras' own files: the limit of an object header, with room to spare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class H5Array:
    """One array.

    Attributes
    ----------
    path
        Inside the file.
    dtype
        A name as in :class:`tfrepair.core.tensor.Tensor`; bfloat16 is written as Keras does.
    fetch
        Returns its values.
    """

    path: str
    dtype: str
    fetch: Callable[[], Array]


def write_h5(
    out: Path,
    groups: Mapping[str, Mapping[str, Attribute]],
    arrays: Sequence[H5Array],
    step: Callable[[int, int], None],
) -> None:
    """Write a new file.

    Parameters
    ----------
    out
        Does not exist.
    groups
        Attributes by path, the root as ``""``; groups that only arrays name are made, too.
    arrays
        In the order in which they are written.
    step
        Told how many of how many arrays are written.

    Raises
    ------
    WriteError
        If HDF5 refuses a name or a value.
    """
    import h5py  # noqa: PLC0415 - takes a tenth of a second

    try:
        with h5py.File(out, "x") as file:
            for path, attributes in groups.items():
                group = file.require_group(path) if path else file
                for name, value in attributes.items():
                    _put(group, name, value)
            for place, array in enumerate(arrays):
                _write(file, array)
                step(place + 1, len(arrays))
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        message = f"{out.name}: HDF5 cannot write it: {error}"
        raise WriteError(message, remedy="look at the disk's free space") from error


def _write(file: "h5py.File", array: H5Array) -> None:
    values = array.fetch()
    is_raw = array.dtype == "bfloat16" and values.dtype == numpy_dtype("bfloat16")
    made = file.create_dataset(array.path, data=values.view("V2") if is_raw else values)
    if is_raw:
        made.attrs["dtype"] = "bfloat16"


def _put(group: "h5py.Group", name: str, value: Attribute) -> None:
    if not isinstance(value, tuple):
        group.attrs[name] = value
        return
    for key, part in _parts(name, value):
        encoded = [text.encode() for text in part]
        group.attrs[key] = np.array(encoded) if encoded else np.zeros(0)


def _parts(name: str, value: tuple[str, ...]) -> list[tuple[str, tuple[str, ...]]]:
    """Cut a list as Keras does: ``name0``, ``name1``, ... if it is too long for one attribute."""
    longest = max((len(text.encode()) for text in value), default=0)
    if longest * len(value) <= _MOST:
        return [(name, value)]
    count = max(1, _MOST // max(1, longest))
    cut = [value[at : at + count] for at in range(0, len(value), count)]
    return [(f"{name}{number}", part) for number, part in enumerate(cut)]
