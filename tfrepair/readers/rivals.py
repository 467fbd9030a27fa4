"""Two saves of different formats under one prefix: equal, or a question to the user.

``tf.train.Saver`` leaves both when a run changes its format; TensorFlow's own reader then takes
the newer format in silence. Compares tensor by tensor up to the first difference.
"""

import shlex
from collections.abc import Sequence

import numpy as np

from tfrepair.core.errors import SourceError
from tfrepair.core.tensor import Limits, Tensor, TensorStore
from tfrepair.readers.saver_tables import SavedTensor, SaverTables, open_tables
from tfrepair.readers.saves import Choice, Kind

_SHOWN = 3


def check_rival(store: TensorStore, choice: Choice, limits: Limits) -> None:
    """Compare an opened bundle with the V1 save beside it.

    Parameters
    ----------
    store
        The opened bundle.
    choice
        What the user's path means; nothing is done unless both formats are in it.
    limits
        For opening the other one.

    Raises
    ------
    SourceError
        If their contents differ: names both, and how to say which one is meant.
    """
    rival = choice.of(Kind.V1)
    bundle = choice.of(Kind.BUNDLE)
    if rival is None or bundle is None:
        return
    tables = open_tables(rival.files, limits)
    difference = _difference(store, tables)
    if difference is None:
        return
    index = next(file for file in bundle.files if file.name.endswith(".index"))
    message = (
        f"{bundle.prefix}: two saves have this prefix, and they differ: {difference}. "
        f"{index.name} holds {_described(store.tensors)}; "
        f"{rival.files[0].name}, in the older format, holds "
        f"{_described(tuple(tables.tensors.values()))}"
    )
    remedy = (
        f"give {shlex.quote(str(index))} for the first, or --reader {Kind.V1.value} for the second"
    )
    raise SourceError(message, remedy=remedy)


def _difference(store: TensorStore, tables: SaverTables) -> str | None:
    here, there = store.by_name, tables.tensors
    only = sorted(set(map(str, here)) ^ set(there))
    if only:
        return f"{len(only)} tensors are in one of them only, such as {only[0]}"
    pairs = [(tensor, there[tensor.name]) for tensor in store]
    for tensor, other in sorted(pairs, key=lambda pair: pair[0].nbytes):
        if (tensor.shape, tensor.dtype) != (other.shape, other.dtype):
            return f"{tensor.name} is {tensor.dtype} {tensor.shape} and {other.dtype} {other.shape}"
        if not _is_equal(tensor, other):
            return f"{tensor.name} has other values"
    return None


def _is_equal(tensor: Tensor, other: SavedTensor) -> bool:
    try:
        one, two = tensor.fetch(), other.fetch()
    except SourceError:
        return False
    if one.dtype == object:
        return bool(np.array_equal(one, two))
    return np.ascontiguousarray(one).tobytes() == np.ascontiguousarray(two).tobytes()


def _described(tensors: Sequence[Tensor | SavedTensor]) -> str:
    """Return the number of tensors, and the values of the counters among them."""
    counters = [t for t in tensors if t.shape == () and t.dtype in ("int32", "int64")]
    shown = [f"{t.name} {_number(t)}" for t in counters[:_SHOWN]]
    values = f" ({', '.join(shown)})" if shown else ""
    return f"{len(tensors)} tensors{values}"


def _number(tensor: Tensor | SavedTensor) -> str:
    try:
        return str(tensor.fetch())
    except SourceError:
        return "unreadable"
