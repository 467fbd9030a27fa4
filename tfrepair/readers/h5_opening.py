"""An HDF5 file opened in whatever state it is: whole, marked as being written, or damaged.

A whole file is read by the HDF5 library. One that a killed writer left marked is read with the mark
taken off in memory. Of every other one, what is left is salvaged, with the layout of another save
of the run where one is there. The file itself is never changed.
"""

from dataclasses import dataclass, replace

from tfrepair.core.errors import Corrupt, Truncated
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Array, Health, Limits
from tfrepair.readers.h5_bytes import H5Bytes
from tfrepair.readers.h5_salvage import Salvaged, counts, salvage
from tfrepair.readers.h5_siblings import Opener, plain_bytes, templates_beside
from tfrepair.readers.h5_tree import H5Dataset, H5Tree
from tfrepair.readers.h5_twin import Template
from tfrepair.readers.h5_zeros import hole
from tfrepair.readers.hdf5 import read_tree
from tfrepair.wire.hdf5_superblock import checksum_place, find_superblock
from tfrepair.wire.lookup3 import lookup3

_DAMAGED = "damaged-object"
_FLAGS_AT = 11
_PAGE = 4096
_DENSE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What is in a file.

    Attributes
    ----------
    tree
        Groups, arrays, findings.
    source
        The bytes that it was read from: patched in memory if that was necessary.
    salvaged
        How, if the file is damaged.
    is_marked
        True if a mark of a killed writer was taken off in memory.
    """

    tree: H5Tree
    source: H5Bytes
    salvaged: Salvaged | None = None
    is_marked: bool = False


def open_h5(
    source: H5Bytes,
    *,
    limits: Limits,
    templates: tuple[Template, ...] | None = None,
    opener: Opener = plain_bytes,
) -> Opened:
    """Open a file, and salvage it if it is damaged.

    Parameters
    ----------
    source
        The file, or the part of a file that is an HDF5 file.
    limits
        Bounds on number, depth and size.
    templates
        Files that tell the layout if that is lost; ``None`` to look for some beside the file.
    opener
        How to read those that lie beside it.

    Raises
    ------
    SourceError
        If nothing can be had from it, or it wants something that lies outside of it.
    """
    marked = _unmarked(source)
    whole = marked or source
    try:
        tree = read_tree(whole, limits=limits)
    except (Truncated, Corrupt) as error:
        found = _salvaged(whole, limits, templates, opener, error.message)
        if found is None:
            raise
        return Opened(tree=found.tree, source=whole, salvaged=found, is_marked=marked is not None)
    findings = (_marked(source.where),) if marked is not None else ()
    tree = _with_holes(tree, whole)
    tree = replace(tree, findings=(*findings, *tree.findings))
    if any(finding.code == _DAMAGED for finding in tree.findings):
        first = next(f for f in tree.findings if f.code == _DAMAGED)
        found = _salvaged(whole, limits, templates, opener, f"{first.where}: {first.message}")
        if found is not None and counts(found.tree) > counts(tree):
            return Opened(tree=found.tree, source=whole, salvaged=found)
    return Opened(tree=tree, source=whole, is_marked=marked is not None)


def _salvaged(
    source: H5Bytes,
    limits: Limits,
    templates: tuple[Template, ...] | None,
    opener: Opener,
    reason: str,
) -> Salvaged | None:
    if templates is None:
        templates = templates_beside(source.path, opener, limits)
    reason = reason.removeprefix(f"{source.where}: ")
    return salvage(source, limits=limits, templates=templates, reason=reason)


def _unmarked(source: H5Bytes) -> H5Bytes | None:
    """Return the bytes without the mark of a writer that did not close; ``None`` if it did."""
    data = source.view()
    block = find_superblock(data)
    place = checksum_place(data, block.offset) if block is not None else None
    if block is None or place is None or not data[block.offset + _FLAGS_AT]:
        return None
    head = bytearray(data[block.offset : place])
    if len(head) <= _FLAGS_AT or len(data) < place + 4:
        return None
    head[_FLAGS_AT] = 0
    patch = bytes(head) + lookup3(bytes(head)).to_bytes(4, "little")
    return replace(source, patches=((block.offset, patch),))


def _marked(where: str) -> Finding:
    return Finding(
        code="marked-open",
        severity=Severity.WARNING,
        where=where,
        message="marked as still being written: its writer did not close it, and what it had not "
        "written to disk is missing; read with the mark taken off in memory",
        remedy="if a process still writes it, wait; tfrepair repair writes a clean copy",
    )


def _with_holes(tree: H5Tree, source: H5Bytes) -> H5Tree:
    """Mark arrays that break off in zeros up to the end of the file, as a power cut leaves them.

    The metadata of such a file lies before the hole, so that it opens. A hole begins at a page, in
    the middle of an array whose values go up to there; zeros that an array just ends with are not
    taken for one.
    """
    data = source.view()
    begin = hole(data)
    if begin >= len(data) or begin % _PAGE:
        return tree
    torn = {
        path: dataset
        for path, dataset in tree.datasets.items()
        if (at := _offset(dataset, source)) is not None and at + dataset.nbytes > begin
    }
    if not any(_breaks(dataset, source, begin, data) for dataset in torn.values()):
        return tree
    marked = {path: _torn(dataset, source, begin) for path, dataset in torn.items()}
    finding = Finding(
        code="zero-tail",
        severity=Severity.ERROR,
        where=f"{source.where}, byte {begin}",
        message=f"{len(data) - begin} zero bytes up to the end, from the middle of an array on: "
        f"{len(torn)} arrays are lost or cut",
        remedy="the disk lost them; look for another copy, or for a donor: --donor older.h5",
    )
    return replace(tree, datasets={**tree.datasets, **marked}, findings=(*tree.findings, finding))


def _offset(dataset: H5Dataset, source: H5Bytes) -> int | None:
    """Return where an array lies in the bytes of its file."""
    if dataset.offset is None or dataset.nbytes == 0:
        return None
    return dataset.offset - (source.place(0) or 0)


def _breaks(dataset: H5Dataset, source: H5Bytes, begin: int, data: memoryview) -> bool:
    at = _offset(dataset, source)
    return at is not None and at < begin and any(data[max(at, begin - _DENSE) : begin])


def _torn(dataset: H5Dataset, source: H5Bytes, begin: int) -> H5Dataset:
    at = _offset(dataset, source) or 0
    there = max(0, begin - at)
    note = f"{there} of {dataset.nbytes} bytes are there: zeros from byte {begin} to the end"
    message = f"{source.where}: {dataset.path}: {note}"

    def refuse() -> Array:
        raise Truncated(message, remedy="look for another copy of the file, or for a donor")

    return replace(
        dataset,
        health=Health.TRUNCATED if there else Health.MISSING,
        health_note=note,
        fetch=refuse,
        examine=None,
    )
