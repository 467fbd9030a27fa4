"""Nested containers to a flat list of named tensors.

Knows dicts, lists and object arrays as people save them, and nothing about files: readers hand
over a tree of plain Python and NumPy values, with :class:`StoredArray` for what is read later.
A value that is no tensor is reported, never dropped in silence.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.errors import Corrupt, OverLimit
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Array, Limits, Origin, SourceName, Tensor
from tfrepair.readers.keys import is_position, key_text, printable
from tfrepair.readers.numbers import NumberLists, numbers_in
from tfrepair.readers.tree import (
    Branches,
    StoredArray,
    Unpacked,
    field_of,
    kept,
    native_fetch,
)

_MAX_NOTES = 20
"""Values that are no tensors, reported one by one; the rest is one finding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """A flattened tree, ready for a :class:`tfrepair.core.tensor.TensorStore`."""

    tensors: tuple[Tensor, ...]
    names_are_meaningful: bool
    order_is_meaningful: bool
    findings: tuple[Finding, ...]


def flatten(tree: object, *, where: str, limits: Limits) -> Contents:
    """Name every array of a tree.

    Parameters
    ----------
    tree
        Dicts, lists, tuples, object arrays, numeric arrays and scalars, :class:`StoredArray`,
        :class:`Branches`, :class:`Unpacked`.
    where
        How errors and findings name the source.
    limits
        Bounds on number, nesting and size.

    Returns
    -------
    Tensors in the order of the tree. Levels are joined by ``/``; the parts of a name are keys,
    and positions for lists. The only array of a tree without levels is called ``0``. Names are
    meaningful if any part of them is a key that is not a number.

    Raises
    ------
    OverLimit
        If the tree is larger or deeper than the limits allow.
    Corrupt
        If a container contains itself.
    """
    walk = _Walk(where=where, limits=limits)
    walk.visit(tree, (), Origin(path=where), named=False)
    return walk.contents()


def dtype_name(dtype: np.dtype[Any]) -> str | None:
    """Return the name of a tensor's element type, or ``None`` for text, dates and raw bytes."""
    if dtype.kind in "biufc":
        return dtype.name
    try:
        is_known = dtype.kind == "V" and numpy_dtype(dtype.name).kind == "V"
    except TypeError:
        return None
    return dtype.name if is_known and dtype.names is None and dtype.name != "void" else None


class _Walk:
    """State of one flattening."""

    def __init__(self, *, where: str, limits: Limits) -> None:
        self._where = where
        self._limits = limits
        self._numbers = NumberLists(where=where, limits=limits)
        self._tensors: list[Tensor] = []
        self._names: set[str] = set()
        self._findings: list[Finding] = []
        self._skipped: list[tuple[str, str]] = []
        self._visited = 0
        self._open: set[int] = set()
        self._has_names = False
        self._dicts_are_ordered = True
        self._order_is_meaningful = True

    def contents(self) -> Contents:
        """Return what was found."""
        return Contents(
            tensors=tuple(self._tensors),
            names_are_meaningful=self._has_names,
            order_is_meaningful=self._order_is_meaningful,
            findings=(*self._findings, *_notes(self._where, self._skipped)),
        )

    def visit(self, value: object, path: tuple[str, ...], origin: Origin, *, named: bool) -> None:
        """Take one value of the tree and everything below it."""
        self._count(path)
        match value:
            case StoredArray():
                self._leaf(value, path, named=named)
            case Unpacked():
                outer, self._dicts_are_ordered = self._dicts_are_ordered, value.dicts_are_ordered
                self.visit(value.value, path, value.origin, named=named)
                self._dicts_are_ordered = outer
            case np.ndarray() | np.generic() | int() | float() | complex():
                self._array(value, path, origin, named=named)
            case Branches() | dict() | list() | tuple():
                self._container(value, path, origin, named=named)
            case _:
                self._skip(path, _describe(value))

    def _count(self, path: tuple[str, ...]) -> None:
        self._visited += 1
        if self._visited > 2 * self._limits.max_tensors:
            message = f"{self._where}: more than {2 * self._limits.max_tensors} values"
            raise OverLimit(message, remedy="if you trust the file, read it with larger Limits")
        if len(path) > self._limits.max_depth:
            message = f"{self._where}: containers nested more than {self._limits.max_depth} deep"
            raise OverLimit(message, remedy="if you trust the file, read it with larger Limits")

    def _container(
        self, value: object, path: tuple[str, ...], origin: Origin, *, named: bool
    ) -> None:
        numbers = self._numbers.array_of(value) if isinstance(value, list | tuple) else None
        if numbers is not None:
            self._array(numbers, path, origin, named=named)
            return
        if id(value) in self._open:
            message = f"{self._where}: the container {'/'.join(path) or '(top)'} contains itself"
            raise Corrupt(message, remedy="look for another copy of the file")
        if type(value) is dict and len(value) > 1 and not self._dicts_are_ordered:
            self._order_is_meaningful = False
        self._open.add(id(value))
        for key, is_name, item in _items(value):
            self.visit(item, (*path, key), origin, named=named or is_name)
        self._open.remove(id(value))

    def _array(self, value: object, path: tuple[str, ...], origin: Origin, *, named: bool) -> None:
        array = np.asarray(value)
        if isinstance(value, np.ndarray) and array.dtype.hasobject:
            self._object_array(array, path, origin, named=named)
            return
        self._leaf(kept(array, _placed(origin, path)), path, named=named)

    def _object_array(
        self, array: Array, path: tuple[str, ...], origin: Origin, *, named: bool
    ) -> None:
        if array.ndim == 0:
            self.visit(array.item(), path, origin, named=named)
            return
        numbers = numbers_in(array)
        if numbers is None:
            self._container(_rows(array), path, origin, named=named)
            return
        message = f"numbers of Python objects, read as {numbers.dtype.name} {numbers.shape}"
        self._note("object-numbers", path, message)
        self._leaf(kept(numbers, _placed(origin, path)), path, named=named)

    def _leaf(self, stored: StoredArray, path: tuple[str, ...], *, named: bool) -> None:
        if stored.dtype.names is not None:
            for name in stored.dtype.names:
                self._count(path)
                self._leaf(field_of(stored, name), (*path, printable(name)), named=True)
            return
        dtype = dtype_name(stored.dtype)
        if dtype is None:
            self._skip(path, f"an array of shape {stored.shape} and type {stored.dtype}")
            return
        nbytes = math.prod(stored.shape) * stored.dtype.itemsize
        if nbytes > self._limits.max_tensor_bytes:
            message = (
                f"{self._where}: {'/'.join(path) or 'the array'} takes {nbytes} bytes, the limit "
                f"is {self._limits.max_tensor_bytes}"
            )
            raise OverLimit(message, remedy="if you trust the file, read it with larger Limits")
        self._has_names |= named
        self._tensors.append(
            Tensor(
                name=SourceName(self._unique(path)),
                shape=stored.shape,
                dtype=dtype,
                nbytes=nbytes,
                origin=stored.origin,
                fetch=native_fetch(stored),
                health=stored.health,
                health_note=stored.health_note,
                leading=stored.leading,
            )
        )

    def _unique(self, path: tuple[str, ...]) -> str:
        name = wanted = "/".join(path) if path else "0"
        uses = 1
        while name in self._names:
            uses += 1
            name = f"{wanted}#{uses}"
        self._names.add(name)
        if uses > 1:
            self._note(
                "duplicate-name",
                path,
                f"the name is taken; this one is called {name!r}",
                severity=Severity.WARNING,
            )
        return name

    def _skip(self, path: tuple[str, ...], what: str) -> None:
        self._skipped.append(("/".join(path) or "(top)", what))

    def _note(
        self, code: str, path: tuple[str, ...], message: str, *, severity: Severity = Severity.NOTE
    ) -> None:
        where = f"{self._where}: {'/'.join(path)}" if path else self._where
        self._findings.append(Finding(code=code, severity=severity, where=where, message=message))


def _notes(where: str, skipped: list[tuple[str, str]]) -> Iterator[Finding]:
    for name, what in skipped[:_MAX_NOTES]:
        yield Finding(
            code="not-a-tensor",
            severity=Severity.NOTE,
            where=f"{where}: {name}",
            message=f"not read as a tensor: {what}",
        )
    if len(skipped) > _MAX_NOTES:
        rest = skipped[_MAX_NOTES:]
        names = ", ".join(name[:80] for name, _ in rest[:_MAX_NOTES])
        yield Finding(
            code="not-a-tensor",
            severity=Severity.NOTE,
            where=where,
            message=f"{len(rest)} more values are not read as tensors: {names}, ...",
        )


def _items(value: object) -> Iterator[tuple[str, bool, Any]]:
    """Yield key, whether it is a name, and value of each item of a container."""
    match value:
        case Branches():
            for key, item in value.pairs:
                yield key, not is_position(key), item
        case dict():
            for key, item in value.items():
                text = key_text(key)
                yield text, not is_position(text), item
        case list() | tuple():
            for place, item in enumerate(value):
                yield str(place), False, item
        case _:
            pass


def _rows(array: Array) -> Branches:
    """Return the items along the first axis; rows of an array with more axes stay arrays."""
    items = array.tolist() if array.ndim == 1 else list(array)
    return Branches(pairs=tuple((str(place), item) for place, item in enumerate(items)))


def _placed(origin: Origin, path: tuple[str, ...]) -> Origin:
    """Return the place of an array inside a pickle; a member's name goes before its own."""
    return origin if origin.key else replace(origin, key="/".join(path))


def _describe(value: object) -> str:
    match value:
        case None:
            return "None"
        case str() | bytes():
            return f"{type(value).__name__} {value[:40]!r}"
        case _:
            return f"a value of type {type(value).__name__}"
