"""Pickles by allow-list: arrays, plain containers and scalars; anything else is refused by name.

The only module that imports :mod:`pickle`. A pickle is a program; this machine resolves a name to
one of the few functions below or ends, and never imports or calls what a file names. It knows no
files and no containers' meaning. Comes before the readers.

The machine is the one of the standard library in its Python form: its opcodes can be replaced one
by one, which the C form does not allow. Source: ``Lib/pickle.py`` of CPython 3.11,
``numpy/_core/src/multiarray/{methods,descriptor,scalartypes}.c`` of NumPy 2.4.
"""

import codecs
import pickle
import re
import struct
from collections.abc import Callable
from typing import Any, BinaryIO, ClassVar

import numpy as np
from typing_extensions import override

from tfrepair.core.errors import Corrupt, OverLimit, Refused, Truncated
from tfrepair.core.tensor import Limits
from tfrepair.wire.exact_stream import EndOfFileError, ExactStream
from tfrepair.wire.pickle_prefix import Unpickled, prefix
from tfrepair.wire.pickled_names import (
    ALLOWED,
    AllowedName,
    PickledDType,
    RebuildError,
    check_keys,
    set_array_state,
)

_OBJECTS_PER_TENSOR = 32
"""Containers, marks and memo entries that a pickle may make for each tensor allowed: an array in
protocol 2 takes about 17. A container takes 56 to 72 bytes of memory, an empty set 216."""

_FOREIGN_ESCAPE = re.compile(rb"(?<!\\)(?:\\\\)*\\(?![\\'\"nrtx])")
"""The standard machine warns about such escapes."""

_REMEDY_FOREIGN = (
    "if you trust the file, load it where it was written and save the arrays with numpy.savez; "
    "tfrepair reads NumPy arrays, numbers, text and plain containers from a pickle"
)
_REMEDY_DAMAGED = "look for another copy of the file"

_REMEDIES = {
    Corrupt: _REMEDY_DAMAGED,
    OverLimit: "if you trust the file, read it with larger Limits",
}

_DAMAGE = (
    pickle.UnpicklingError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    EOFError,
    OverflowError,
    MemoryError,
    RecursionError,
    struct.error,
)
"""What the machine raises on damaged bytes."""


def load_pickle(
    file: BinaryIO, *, where: str, end: int, limits: Limits, or_prefix: bool = False
) -> Unpickled:
    """Read one pickle at the position of a file.

    Parameters
    ----------
    file
        Open for reading.
    where
        How errors name the file.
    end
        Byte offset at which the file ends; nothing longer than what is left is allocated.
    limits
        ``max_tensors`` bounds the arrays, and by a factor the containers.
    or_prefix
        Whether to return the whole arrays before the damage instead of raising
        :class:`Truncated` or :class:`Corrupt`, where there are any.

    Raises
    ------
    Refused
        If the pickle asks for anything but the allow-list; the message names it.
    Truncated
        If the file ends within the pickle.
    Corrupt
        If the bytes contradict each other.
    Unsupported
        For structured element types, 8-byte-plus keys, buffers outside of the file.
    OverLimit
        If it holds more arrays or containers than the limits allow.
    """
    stream = ExactStream(file, end=end)
    machine = _Machine(stream, limits=limits)
    try:
        value = machine.load()
        machine.require_frames()
    except EndOfFileError as error:
        message = (
            f"{where}, byte {error.offset}: the file ends within a pickle: expected "
            f"{error.expected}, found {end - error.offset} bytes; {machine.whole_arrays} arrays "
            "before it are whole"
        )
        cut = Truncated(message, remedy=_REMEDY_DAMAGED)
        return prefix(machine, cut, end, or_prefix=or_prefix)
    except RebuildError as error:
        message = f"{where}, byte {machine.offset}: {error}"
        raise error.kind(message, remedy=_REMEDIES.get(error.kind, _REMEDY_FOREIGN)) from error
    except _DAMAGE as error:
        message = (
            f"{where}, byte {machine.offset}: the pickle is damaged: "
            f"{type(error).__name__}: {str(error)[:200]}; {machine.whole_arrays} arrays before it "
            "are whole"
        )
        broken = Corrupt(message, remedy=_REMEDY_DAMAGED)
        return prefix(machine, broken, end, or_prefix=or_prefix)
    return Unpickled(
        value=value,
        protocol=machine.proto,
        has_byte_strings=machine.has_byte_strings,
        end=file.tell(),
    )


Handler = Callable[[Any], None]
_STANDARD: dict[int, Handler] = dict(pickle._Unpickler.dispatch)  # noqa: SLF001


def _counted(opcode: bytes) -> Handler:
    """Return the standard handler of an opcode, counting what it makes."""
    standard = _STANDARD[opcode[0]]
    weight = 4 if opcode == pickle.EMPTY_SET else 1

    def run(machine: "_Machine") -> None:
        machine.count_object(weight)
        standard(machine)

    return run


def _refusing(what: str) -> Handler:
    """Return a handler that ends the reading."""

    def run(_machine: "_Machine") -> None:
        raise RebuildError(what, Refused)

    return run


_STANDARD_PUT = _counted(pickle.PUT)


class _Machine(pickle._Unpickler):  # noqa: SLF001
    """The standard machine without names, classes, state setters and foreign buffers."""

    # Made by the base class when it loads.
    append: Callable[[object], None]
    stack: list[Any]
    metastack: list[list[Any]]
    read: Callable[[int], bytes]
    readline: Callable[[], bytes]
    pop_mark: Callable[[], list[Any]]
    proto: int

    def __init__(self, stream: ExactStream, *, limits: Limits) -> None:
        super().__init__(stream, fix_imports=False, encoding="bytes")
        self._stream = stream
        self._max_arrays = limits.max_tensors
        self._max_objects = limits.max_tensors * _OBJECTS_PER_TENSOR
        self._objects = 0
        self._arrays = 0
        self.complete: dict[int, object] = {}
        self.is_text = False
        self._cut: EndOfFileError | None = None
        self.has_byte_strings = False

    @property
    def whole_arrays(self) -> int:
        """Number of arrays that have their values."""
        return len(self.complete)

    @property
    def frames(self) -> list[list[Any]]:
        """The stack below each open mark, and the current one."""
        return [*getattr(self, "metastack", ()), getattr(self, "stack", [])]

    @property
    def offset(self) -> int:
        """Byte offset of what is read next."""
        frame = self._unframer.current_frame  # type: ignore[attr-defined]
        ahead = len(frame.getbuffer()) - frame.tell() if frame else 0
        return self._stream.tell() - int(ahead)

    def count_object(self, weight: int = 1) -> None:
        """Count a container, mark or memo entry."""
        self._objects += weight
        if self._objects > self._max_objects:
            message = f"the pickle makes more than {self._max_objects} containers"
            raise RebuildError(message, OverLimit)

    @override
    def find_class(self, module: str, name: str) -> AllowedName:
        found = ALLOWED.get((module, name))
        if found is None:
            asked = ".".join(ascii(part[:80])[1:-1] for part in (module, name))
            message = (
                f"the pickle asks for {asked}, which is not on the list of names "
                "that rebuild arrays; nothing was imported or called"
            )
            raise RebuildError(message, Refused)
        return found

    def _decode_string(self, value: bytes) -> bytes:
        self.has_byte_strings = True
        return value

    def _load_inst(self) -> None:
        """Name the class of an instance that Python 2 wrote, and end."""
        module, name = (self.readline()[:-1].decode("latin1") for _ in range(2))
        found = self.find_class(module, name)
        message = f"the pickle makes an instance of {found.name} (INST)"
        raise RebuildError(message, Refused)

    def _load_reduce(self) -> None:
        args, function = self.stack.pop(), self.stack.pop()
        if not isinstance(function, AllowedName) or function.call is None:
            what = function.name if isinstance(function, AllowedName) else type(function).__name__
            message = f"the pickle calls {what}, which is not to be called"
            raise RebuildError(message, Refused)
        if not isinstance(args, tuple):
            message = f"{function.name} is called with a {type(args).__name__} for its arguments"
            raise RebuildError(message)
        self.count_object()
        value = function.call(*args)
        if isinstance(value, np.ndarray | np.generic):
            self._count_array()
            if function.name.endswith(("scalar", "_frombuffer")):
                self.complete[id(value)] = value  # held, so that no other object gets its id
        self.append(value)

    def _count_array(self) -> None:
        if self._arrays >= self._max_arrays:
            message = f"the pickle holds more than {self._max_arrays} arrays"
            raise RebuildError(message, OverLimit)
        self._arrays += 1

    def _load_build(self) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if isinstance(target, PickledDType):
            target.set_state(state)
        elif isinstance(target, np.ndarray):
            set_array_state(target, state)
            self.complete[id(target)] = target
        else:
            message = f"the pickle sets the state of a {type(target).__name__}"
            raise RebuildError(message, Refused)

    def _load_string(self) -> None:
        text = self.readline()[:-1]
        if len(text) < 2 or text[:1] != text[-1:] or text[:1] not in (b"'", b'"'):
            message = "a string of Python 2 is not quoted"
            raise RebuildError(message)
        if _FOREIGN_ESCAPE.search(text):
            message = "a string of Python 2 has an escape that repr does not write"
            raise RebuildError(message)
        self.append(self._decode_string(codecs.escape_decode(text[1:-1])[0]))

    def _load_append(self) -> None:
        value = self.stack.pop()
        self._list().append(value)

    def _load_appends(self) -> None:
        items = self.pop_mark()
        self._list().extend(items)

    def _list(self) -> list[Any]:
        target = self.stack[-1]
        if type(target) is not list:
            message = f"items are appended to a {type(target).__name__}"
            raise RebuildError(message)
        return target

    def _load_dict(self) -> None:
        items = self.pop_mark()
        self.count_object()
        self.append({})
        self._set_items(items)

    def _load_set_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set_items([key, value])

    def _load_set_items(self) -> None:
        self._set_items(self.pop_mark())

    def _set_items(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict) or len(items) % 2:
            message = f"{len(items)} keys and values are set on a {type(target).__name__}"
            raise RebuildError(message)
        check_keys(items[::2])
        target.update(zip(items[::2], items[1::2], strict=True))

    def _load_add_items(self) -> None:
        items, target = self.pop_mark(), self.stack[-1]
        if type(target) is not set:
            message = f"items are added to a {type(target).__name__}"
            raise RebuildError(message)
        check_keys(items)
        target.update(items)

    def _load_frozen_set(self) -> None:
        items = self.pop_mark()
        check_keys(items)
        self.append(frozenset(items))

    def _load_put(self) -> None:
        """Note that this is protocol 0: later ones number the memo in binary."""
        self.is_text = True
        _STANDARD_PUT(self)

    def _load_frame(self) -> None:
        """Read the opcodes of a frame; of one that the file cuts, those that are there."""
        (count,) = struct.unpack("<Q", self.read(8))
        if count <= self._stream.left:
            self._unframer.load_frame(count)  # type: ignore[attr-defined]
        else:
            self._cut = EndOfFileError(offset=self._stream.tell(), expected=f"{count} bytes")

    def require_frames(self) -> None:
        """Raise if a frame announced more bytes than the file has."""
        if self._cut is not None:
            raise self._cut

    def _load_bytearray(self) -> None:
        (count,) = struct.unpack("<Q", self.read(8))
        self.append(bytearray(self.read(count)))

    dispatch: ClassVar[dict[int, Handler]] = {
        **_STANDARD,
        **{
            opcode[0]: _counted(opcode)
            for opcode in (
                pickle.MARK,
                pickle.EMPTY_LIST,
                pickle.EMPTY_DICT,
                pickle.EMPTY_SET,
                pickle.LIST,
                pickle.TUPLE,
                pickle.TUPLE1,
                pickle.TUPLE2,
                pickle.TUPLE3,
                pickle.PUT,
                pickle.BINPUT,
                pickle.LONG_BINPUT,
                pickle.MEMOIZE,
            )
        },
        **{
            opcode[0]: _refusing(f"the pickle {what}")
            for opcode, what in (
                (pickle.PERSID, "refers to an object outside of it (persistent id)"),
                (pickle.BINPERSID, "refers to an object outside of it (persistent id)"),
                (pickle.EXT1, "asks for a registered extension (EXT1)"),
                (pickle.EXT2, "asks for a registered extension (EXT2)"),
                (pickle.EXT4, "asks for a registered extension (EXT4)"),
                (pickle.NEXT_BUFFER, "refers to a buffer outside of it"),
                (pickle.READONLY_BUFFER, "refers to a buffer outside of it"),
                (pickle.OBJ, "makes an instance of a class (OBJ)"),
                (pickle.NEWOBJ, "makes an instance of a class (NEWOBJ)"),
                (pickle.NEWOBJ_EX, "makes an instance of a class (NEWOBJ_EX)"),
            )
        },
        pickle.INST[0]: _load_inst,
        pickle.STRING[0]: _load_string,
        pickle.REDUCE[0]: _load_reduce,
        pickle.BUILD[0]: _load_build,
        pickle.APPEND[0]: _load_append,
        pickle.APPENDS[0]: _load_appends,
        pickle.DICT[0]: _load_dict,
        pickle.SETITEM[0]: _load_set_item,
        pickle.SETITEMS[0]: _load_set_items,
        pickle.ADDITEMS[0]: _load_add_items,
        pickle.FROZENSET[0]: _load_frozen_set,
        pickle.BYTEARRAY8[0]: _load_bytearray,
        pickle.FRAME[0]: _load_frame,
        pickle.PUT[0]: _load_put,
    }
