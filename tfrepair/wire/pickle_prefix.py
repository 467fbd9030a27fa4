"""The whole arrays that a pickle had made when it broke off.

A pickle builds its value on a stack, in the order of the file: what lies there is an exact prefix.
Takes the stack of the machine and which arrays had got their values; joins what belongs to open
lists and dicts. Knows nothing of files.

Source: ``Lib/pickle.py`` of CPython 3.11 (``load_mark``, ``load_appends``, ``load_setitems``).
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from tfrepair.core.errors import SourceError


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpickled:
    """What a pickle holds.

    Attributes
    ----------
    value
        Real NumPy arrays and scalars, dicts, lists, tuples, sets, text, bytes, numbers, ``None``;
        ``PickledDType`` and ``AllowedName`` where a type was stored as a value.
    protocol
        As the file states it; 0 if it does not.
    has_byte_strings
        True if Python 2 wrote it: its strings are bytes here.
    end
        Byte offset after the last opcode.
    damage
        Why it breaks off, if ``value`` is only what came before that.
    """

    value: Any
    protocol: int
    has_byte_strings: bool
    end: int
    damage: SourceError | None = None


class _Broken(Protocol):
    """What is asked of a machine that broke off."""

    complete: dict[int, object]
    has_byte_strings: bool
    is_text: bool
    proto: int

    @property
    def frames(self) -> list[list[Any]]:
        """See :func:`whole_before`."""


def prefix(machine: _Broken, damage: SourceError, end: int, *, or_prefix: bool) -> Unpickled:
    """Return what a machine had made; raises ``damage`` if that is nothing, or not wanted."""
    value = None
    if or_prefix:
        value = whole_before(machine.frames, machine.complete, one_by_one=machine.is_text)
    if value is None:
        raise damage
    return Unpickled(
        value=value,
        protocol=machine.proto,
        has_byte_strings=machine.has_byte_strings,
        end=end,
        damage=damage,
    )


def whole_before(
    frames: Sequence[list[Any]], complete: Collection[int], *, one_by_one: bool
) -> Any:  # noqa: ANN401
    """Return lists and dicts with the whole arrays on a stack.

    Parameters
    ----------
    frames
        The stack below each open mark, the outermost first, and the current one.
    complete
        Identities of the arrays that have their values.
    one_by_one
        True for protocol 0, which puts each item into its list or dict at once: what lies above
        a container then belongs into it.

    Returns
    -------
    ``None`` if there is no whole array.
    """

    def holds(value: object) -> bool:
        return _holds(value, complete)

    carried: list[Any] = []
    for place in range(len(frames) - 1, -1, -1):
        target = frames[place - 1][-1] if place and frames[place - 1] else None
        stated = _stated(frames[place], complete)
        frame = _folded(stated, holds, one_by_one=one_by_one)
        carried = _joined(target, frame, carried, holds)
        is_state = isinstance(target, np.ndarray) and id(target) not in complete
        if is_state:
            carried = _rows(carried, frames[place])
        elif place and carried:  # the parts of a tuple that was not made yet
            carried = [carried]
    if not carried:
        return None
    return _as_dict(carried[0] if len(carried) == 1 else carried, holds)


def _holds(value: object, complete: Collection[int]) -> bool:
    """Return whether a value is or holds a whole array; containers may contain themselves."""
    pending: list[object] = [value]
    seen: set[int] = set()
    while pending:
        item = pending.pop()
        if isinstance(item, np.generic):
            return True
        if isinstance(item, np.ndarray):
            if id(item) in complete and not (item.dtype.hasobject and not item.size):
                return True
        elif isinstance(item, dict | list | tuple) and id(item) not in seen:
            seen.add(id(item))
            pending += item.values() if isinstance(item, dict) else item
    return False


def _as_dict(
    value: Any,  # noqa: ANN401
    holds: Callable[[object], bool],
    seen: frozenset[int] = frozenset(),
) -> Any:  # noqa: ANN401
    """Return a list of pairs of names and values, which an ordered dict is made of, as a dict."""
    if type(value) is not list or id(value) in seen:
        return value
    pairs = [item for item in value if holds(item)]
    if all(_is_pair(item, holds) for item in pairs) and pairs:
        return {item[0]: item[1] for item in pairs}
    # Only the outermost two levels: an ordered dict deeper down stays a list of pairs.
    if seen:
        return value
    return [_as_dict(item, holds, seen | {id(value)}) for item in value]


def _is_pair(item: object, holds: Callable[[object], bool]) -> bool:
    if not isinstance(item, list | tuple) or len(item) != 2:
        return False
    return isinstance(item[0], str | bytes) and holds(item[1])


def _joined(
    target: object, frame: list[Any], inner: list[Any], holds: Callable[[object], bool]
) -> list[Any]:
    """Put the whole values of a frame into the container below it; returns what has none.

    ``inner`` is what the frames above left over; it belongs behind the frame's own values.
    """
    if isinstance(target, dict):
        # Keys and values take turns; a last key without its value is dropped.
        pairs = list(zip(frame[::2], frame[1::2], strict=False))
        last = max((place for place, (_, value) in enumerate(pairs) if holds(value)), default=-1)
        target.update({k: v for k, v in pairs[: last + 1] if isinstance(k, str | bytes | int)})
        return inner
    if isinstance(target, list):
        last = max((place for place, value in enumerate(frame) if holds(value)), default=-1)
        below = frame[last - 1] if last > 0 else None
        if last == len(frame) - 1 and isinstance(below, list) and not below:
            last -= 1  # it may belong into the empty list below it: its place is not certain
        target[:] = _with_tuple([*target, *frame[: last + 1]], last + 1)
        target.extend(inner)
        return []
    return [value for value in frame if holds(value)] + inner


def _folded(frame: list[Any], holds: Callable[[object], bool], *, one_by_one: bool) -> list[Any]:
    """Put what waits for a container of the same frame into it, the innermost first.

    Later protocols do without a mark for a dict of one item.
    """
    kept = list(frame)
    for place in range(len(frame) - 1, -1, -1):
        target, above = frame[place], kept[place + 1 :]
        if isinstance(target, list) and one_by_one:
            target.extend(value for value in above[:1] if holds(value))
        elif _is_waiting(target, above, one_by_one=one_by_one) and holds(above[1]):
            target[above[0]] = above[1]
        else:
            continue
        kept = kept[: place + 1]
    return kept


def _is_waiting(target: object, above: list[Any], *, one_by_one: bool) -> bool:
    """Return whether a key and a value lie above a dict that they belong into."""
    if not isinstance(target, dict) or len(above) < 2:
        return False
    return one_by_one or (not target and isinstance(above[0], str | bytes) and len(above) == 2)


def _with_tuple(items: list[Any], fresh: int) -> list[Any]:
    """Join the last arrays of a list of tuples: up to three wait on the stack for their tuple."""
    loose = 0
    while loose < min(3, fresh) and not isinstance(items[len(items) - 1 - loose], tuple):
        loose += 1
    before = items[: len(items) - loose]
    if loose and before and all(isinstance(item, tuple) for item in before):
        return [*before, tuple(items[len(items) - loose :])]
    return items


def _stated(frame: list[Any], complete: Collection[int]) -> list[Any]:
    """Put the list of an object array in the place of the array, whose state is on the stack."""
    if len(frame) < 2 or not isinstance(frame[-2], np.ndarray) or id(frame[-2]) in complete:
        return frame
    state = frame[-1]
    if not isinstance(state, tuple) or not state or not isinstance(state[-1], list):
        return frame
    if len(state) > 1 and state[1] == () and len(state[-1]) == 1:
        return [*frame[:-2], state[-1][0]]
    return [*frame[:-2], *_rows([state[-1]], list(state))]


def _rows(items: list[Any], frame: list[Any]) -> list[Any]:
    """Give the items of an object array of several axes their rows; the state has the shape."""
    shape = frame[1] if len(frame) > 1 else None
    if not isinstance(shape, tuple) or not all(isinstance(n, int) and n > 0 for n in shape):
        return items
    if len(items) != 1 or not isinstance(items[0], list):
        return items
    nested = items[0]
    for length in reversed(shape[1:]):
        nested = [nested[at : at + length] for at in range(0, len(nested), length)]
    return [nested]
