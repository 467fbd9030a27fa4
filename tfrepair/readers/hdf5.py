"""HDF5 files as trees: the one module that calls the HDF5 library.

Walks hard links only, looks at what a dataset declares before anything is allocated, and reads
attributes by a list of names. Arrays that lie in the file as they are, are read by offset without
the library. Knows no Keras; :mod:`tfrepair.readers.h5_tree` is what comes out.

The library sees bytes in memory (a mapped file or a part of one), so that it opens no file, locks
none, and cannot write.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from tfrepair.core.errors import Corrupt, OverLimit, Refused, SourceError, Truncated
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Limits
from tfrepair.readers.h5_attributes import read_attributes
from tfrepair.readers.h5_bytes import H5Bytes, MemoryFile
from tfrepair.readers.h5_datasets import read_dataset
from tfrepair.readers.h5_tree import Attribute, H5Dataset, H5Tree
from tfrepair.readers.keys import key_text
from tfrepair.wire.hdf5_superblock import find_superblock

if TYPE_CHECKING:
    import h5py

_REMEDY_CUT = (
    "another save of the same model, written by the same program, tells where its arrays are: "
    "tfrepair repair --template OTHER.h5, or give the architecture with --arch"
)
_OPEN_MARK = "already open for write"


def read_tree(source: H5Bytes, *, limits: Limits) -> H5Tree:
    """Read what is in a file, without the arrays.

    Parameters
    ----------
    source
        The file, or the part of a file that is an HDF5 file.
    limits
        Bounds on number, depth and size.

    Raises
    ------
    Truncated
        If the file ends before the place where it says that it ends.
    Corrupt
        If its metadata is damaged or was never written, or if its groups contain each other.
    Refused
        If it wants something that lies outside of it: external and soft links, external and
        virtual datasets.
    OverLimit
        If there are more objects, or deeper ones, than the limits allow.
    """
    data = source.view()
    with _opened(source, data) as file:
        block = find_superblock(data)
        base = block.offset if block is not None else 0
        walk = _Walk(source=source, data=data, base=base, limits=limits)
        walk.visit(file.id)
    if not walk.datasets and any(f.code == "damaged-object" for f in walk.findings):
        first = next(f for f in walk.findings if f.code == "damaged-object")
        message = f"{first.where}: {first.message}"
        raise Corrupt(message, remedy=_REMEDY_CUT)
    return H5Tree(groups=walk.groups, datasets=walk.datasets, findings=tuple(walk.findings))


@contextmanager
def _opened(source: H5Bytes, data: memoryview) -> "Iterator[h5py.File]":
    import h5py

    try:
        file = h5py.File(cast("Any", MemoryFile(data)), "r")
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise _unreadable(source, data, str(error)) from error
    try:
        yield file
    finally:
        file.close()


def _unreadable(source: H5Bytes, data: memoryview, reason: str) -> SourceError:
    """Return what is wrong with a file that the library does not open."""
    block = find_superblock(data)
    size = len(data)
    if _OPEN_MARK in reason:
        message = f"{source.where}: marked as still being written, {size} bytes: {reason}"
        return Corrupt(message, remedy="if no process writes it, clear the mark in a copy: h5clear")
    if block is None:
        message = f"{source.where}: {size} bytes without a whole HDF5 superblock: {reason}"
        return Truncated(message, remedy=_REMEDY_CUT)
    where = f"{source.where}, byte {block.offset}"
    if block.end > size:
        message = (
            f"{where}: by its superblock the file ends at byte {block.end}, found {size} bytes: "
            f"{block.end - size} are missing"
        )
        return Truncated(message, remedy=_REMEDY_CUT)
    if block.end < size:
        message = (
            f"{where}: by its superblock the file ends at byte {block.end}, found {size} bytes: "
            f"whoever wrote it was stopped before the list of contents was written ({reason})"
        )
        return Corrupt(message, remedy=_REMEDY_CUT)
    message = f"{where}: the HDF5 metadata is damaged: {reason}"
    return Corrupt(message, remedy=_REMEDY_CUT)


@contextmanager
def library_errors(where: str) -> Iterator[None]:
    """Turn whatever the HDF5 library raises into :class:`Corrupt`."""
    try:
        yield
    except SourceError:
        raise
    except (
        OSError, RuntimeError, ValueError, TypeError, LookupError, AttributeError, OverflowError,
        MemoryError, SystemError, NotImplementedError,
    ) as error:  # fmt: skip
        message = f"{where}: damaged: {error}"
        raise Corrupt(message, remedy="look for another copy of the file") from error


@dataclass(slots=True, kw_only=True)
class _Walk:
    """State of one walk."""

    source: H5Bytes
    data: memoryview
    base: int
    limits: Limits
    groups: dict[str, dict[str, Attribute]] = field(default_factory=dict)
    datasets: dict[str, H5Dataset] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    _seen: set[int] = field(default_factory=set)
    _objects: int = 0

    def visit(self, root: Any) -> None:
        """Walk a file from its root group, level by level."""
        import h5py

        pending = [("", 0, root)]
        while pending:
            path, depth, group = pending.pop()
            children: list[tuple[str, int, Any]] = []
            with self._kept_going(path):
                self._enter(path, depth, h5py.h5o.get_info(group).addr)
                self.groups[path] = self._attributes(path, group)
                self._require_few(path, group)
                for raw in list(group):
                    child = f"{path}/{key_text(raw)}" if path else key_text(raw)
                    with self._kept_going(child):
                        found = self._object(child, group, raw)
                        if found is not None:
                            children.append((child, depth + 1, found))
            pending += reversed(children)

    @contextmanager
    def _kept_going(self, path: str) -> Iterator[None]:
        """Turn damage of one object into a finding: it does not hide the others."""
        where = f"{self.source.where}: {path or '/'}"
        try:
            with library_errors(where):
                yield
        except (Refused, OverLimit):
            raise
        except SourceError as error:
            self.findings.append(_finding(where, error.message.removeprefix(f"{where}: ")))

    def _enter(self, path: str, depth: int, address: int) -> None:
        where = f"{self.source.where}: {path or '/'}"
        if depth > self.limits.max_depth:
            message = f"{where}: groups nested more than {self.limits.max_depth} deep"
            raise OverLimit(message, remedy="if you trust the file, read it with larger Limits")
        if address in self._seen:
            message = f"{where}: the group at byte {address} is reached by a second link"
            raise Corrupt(message, remedy="groups that contain each other are not from Keras")
        self._seen.add(address)

    def _require_few(self, path: str, group: Any) -> None:
        self._objects += int(group.get_num_objs())
        bound = 4 * self.limits.max_tensors
        if self._objects > bound:
            message = f"{self.source.where}: {path or '/'}: more than {bound} objects in the file"
            raise OverLimit(message, remedy="if you trust the file, read it with larger Limits")

    def _attributes(self, path: str, opened: Any) -> dict[str, Attribute]:
        import h5py

        where = f"{self.source.where}: {path or '/'}"
        count = h5py.h5a.get_num_attrs(opened)
        address = h5py.h5o.get_info(opened).addr
        found, problems = read_attributes(self.data, address, self.base, where, count)
        self.findings += problems
        return found

    def _object(self, path: str, group: Any, raw: bytes) -> Any:
        """Take one entry of a group; returns it if it is a group itself."""
        import h5py

        _require_hard_link(f"{self.source.where}: {path}", group, raw)
        found = h5py.h5o.open(group, raw)
        if isinstance(found, h5py.h5g.GroupID):
            return found
        if isinstance(found, h5py.h5d.DatasetID):
            is_bfloat16 = self._attributes(path, found).get("dtype") == "bfloat16"
            size = len(self.data)
            dataset = read_dataset(
                found, self.source, path, size, self.limits, is_bfloat16=is_bfloat16
            )
            if isinstance(dataset, H5Dataset):
                self.datasets[path] = dataset
            else:
                self.findings.append(dataset)
        return None


def _require_hard_link(where: str, group: Any, raw: bytes) -> None:
    import h5py

    kind = group.links.get_info(raw).type
    if kind != h5py.h5l.TYPE_HARD:
        what = {h5py.h5l.TYPE_SOFT: "a soft link", h5py.h5l.TYPE_EXTERNAL: "a link to a file"}
        message = f"{where}: {what.get(kind, f'a link of kind {kind}')}; links are not followed"
        raise Refused(message, remedy="Keras writes none; if you trust the file, copy it: h5repack")


def _finding(where: str, message: str) -> Finding:
    return Finding(code="damaged-object", severity=Severity.ERROR, where=where, message=message)
