"""What can be had from an HDF5 file that is cut, was never finished, or lost its metadata.

Joins three ways: the groups as far as they can be followed, headers that no group leads to, and
the places that a layout twin tells. Every array that is there is returned, under its name where
anything tells that, else under its place; what is known to be lost is in the tree, too, and says
so. The HDF5 library is not asked. Comes before :mod:`tfrepair.readers.keras_store`.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tfrepair.core.errors import Corrupt
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Health, Limits
from tfrepair.readers.h5_arrays import Ground, salvaged_array
from tfrepair.readers.h5_bytes import H5Bytes
from tfrepair.readers.h5_layout import UNNAMED, H5Layout, read_layout
from tfrepair.readers.h5_tree import Attribute, H5Dataset, H5Tree
from tfrepair.readers.h5_twin import Fit, Template, agreed, fit
from tfrepair.readers.h5_zeros import hole
from tfrepair.wire.hdf5_dataset import StoredDataset
from tfrepair.wire.hdf5_superblock import find_superblock

_SHOWN = 10
_MOST = 20
REMEDY_TWIN = (
    "another save of the same model, written by the same program, tells the places: "
    "tfrepair repair --template OTHER.h5, or give the architecture with --arch"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Salvaged:
    """What was had, and how.

    Attributes
    ----------
    tree
        Groups and arrays.
    damage
        What is wrong with the file, in a sentence.
    twin
        The layout that was used, if any.
    by_twin
        Paths of arrays whose name or place only the twin tells.
    """

    tree: H5Tree
    damage: str
    twin: Fit | None = None
    by_twin: frozenset[str] = frozenset()


def salvage(
    source: H5Bytes, *, limits: Limits, templates: Sequence[Template] = (), reason: str = ""
) -> Salvaged | None:
    """Read what is left of a file.

    Parameters
    ----------
    source
        The file, or the part of a file that is an HDF5 file.
    limits
        Bounds on number, depth and size.
    templates
        Files that may tell the layout, the most trustworthy first.
    reason
        Why it cannot be read as it is.

    Returns
    -------
    ``None`` if nothing is there that a header or a twin tells.

    Raises
    ------
    Corrupt
        If a twin that the user named does not fit, or two that were found disagree.
    OverLimit
        If there are more objects than the limits allow.
    """
    data = source.view()
    layout = read_layout(data, source.where, limits)
    twin, problems = _twin(templates, data, layout, source.where)
    maker = _Maker(source=source, data=data, layout=layout, twin=twin, limits=limits)
    tree = maker.tree()
    if not tree.datasets:
        return None
    damage = maker.damage(reason)
    findings = (_finding(source.where, damage, tree, maker), *problems, *tree.findings)
    return Salvaged(
        tree=replace(tree, findings=findings),
        damage=damage,
        twin=twin,
        by_twin=frozenset(maker.by_twin),
    )


def template_of(
    origin: Path, source: H5Bytes, limits: Limits, *, is_given: bool, has_values: bool = True
) -> Template | None:
    """Read a file as a template; ``None`` if it is damaged itself."""
    data = source.view()
    if find_superblock(data) is None:
        return None
    layout = read_layout(data, source.where, limits, scan=False)
    if not layout.is_whole or not layout.datasets:
        return None
    return Template(
        origin=origin, source=source, layout=layout, is_given=is_given, has_values=has_values
    )


def _twin(
    templates: Sequence[Template], data: memoryview, layout: H5Layout, where: str
) -> tuple[Fit | None, tuple[Finding, ...]]:
    fits, problems = [], []
    for template in templates:
        try:
            fits.append(fit(template, data, layout))
        except Corrupt as error:
            problems.append((template, error.message))
    given = [f"{t.origin.name}: {message}" for t, message in problems if t.is_given]
    if given and not fits:
        message = f"{where}: no layout fits: {'; '.join(given[:_SHOWN])}"
        raise Corrupt(message, remedy="name a save of the same model by the same program")
    return agreed(fits, where), tuple(_refused(where, t, message) for t, message in problems)


@dataclass(slots=True, kw_only=True)
class _Maker:
    """State of one salvage."""

    source: H5Bytes
    data: memoryview
    layout: H5Layout
    twin: Fit | None
    limits: Limits
    by_twin: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def tree(self) -> H5Tree:
        """Return everything that is known."""
        ground = Ground(
            source=self.source,
            base=self.layout.base,
            end=hole(self.data),
            is_unfinished=self.is_unfinished,
            limits=self.limits,
        )
        groups = self._groups()
        datasets: dict[str, H5Dataset] = {}
        for path, stored, note in sorted(self._arrays(), key=lambda found: found[0]):
            is_bfloat16 = stored.kind is not None and stored.kind.name == "opaque"
            made = salvaged_array(ground, path, stored, note, is_bfloat16=is_bfloat16)
            if isinstance(made, Finding):
                self.findings.append(made)
            else:
                datasets[path] = made
        return H5Tree(groups=groups, datasets=datasets, findings=tuple(self.findings[:_MOST]))

    @property
    def is_unfinished(self) -> bool:
        """True if the writer was stopped: the end that the superblock states was never set."""
        block = find_superblock(self.data)
        if block is not None and block.end < len(self.data):
            return True
        return not self.layout.headers  # a superblock that is lost says nothing

    def damage(self, reason: str) -> str:
        """Return what is wrong, in a sentence."""
        block = find_superblock(self.data)
        size = len(self.data)
        if block is None:
            return f"{size} bytes without a whole HDF5 superblock"
        if block.end > size:
            return f"cut: expected {block.end} bytes, found {size}"
        if block.end < size:
            return f"its writer was stopped: {size} bytes, {block.end} of them accounted for"
        return reason or "its metadata is damaged"

    def _groups(self) -> Mapping[str, Mapping[str, Attribute]]:
        groups: dict[str, Mapping[str, Attribute]] = {}
        if self.twin is not None:
            groups |= self.twin.template.layout.groups
        for path, attributes in self.layout.groups.items():
            groups[path] = {**groups.get(path, {}), **attributes}
        return groups

    def _arrays(self) -> Iterator[tuple[str, StoredDataset, str]]:
        """Yield path, header and note of every array, each place once."""
        known = self.layout.datasets
        for path, stored in known.items():
            yield path, stored, ""
        taken = _Extents([*known.values()])
        rest = {d.offset: d for d in self.layout.unnamed.values() if d.offset is not None}
        if self.twin is not None:
            for path, stored in self.twin.template.layout.datasets.items():
                if path not in known:
                    yield from self._by_twin(path, stored, taken, rest)
        for path, stored in self.layout.unnamed.items():
            is_left = stored.offset is None or stored.offset in rest
            if is_left and not taken.meets(stored):
                yield path, stored, "no list that is left names it"

    def _by_twin(
        self, path: str, stored: StoredDataset, taken: "_Extents", rest: dict[int, StoredDataset]
    ) -> Iterator[tuple[str, StoredDataset, str]]:
        twin = self.twin
        place = twin.place(stored) if twin is not None else None
        if twin is None or place is None:
            yield path, replace(stored, offset=None, stored=0, chunks=None), "its place is unknown"
            return
        moved = replace(stored, offset=place)
        own = rest.get(place)
        if own is not None and (own.shape, own.kind) != (stored.shape, stored.kind):
            yield path, replace(moved, offset=None, stored=0), "another array lies in its place"
            return
        if taken.meets(moved):
            yield path, replace(moved, offset=None, stored=0), "another array lies in its place"
            return
        rest.pop(place, None)
        self.by_twin.append(path)
        what = "its name is" if own is not None else "its name and place are"
        yield path, moved, f"{what} known from {twin.template.origin.name}"


class _Extents:
    """Bytes that arrays take."""

    def __init__(self, arrays: Sequence[StoredDataset]) -> None:
        spans = sorted((d.offset, d.offset + d.stored) for d in arrays if d.offset is not None)
        self._begins = [begin for begin, _ in spans]
        self._ends = [end for _, end in spans]

    def meets(self, stored: StoredDataset) -> bool:
        """Return whether an array shares bytes with one of them."""
        if stored.offset is None or not stored.stored:
            return False
        at = bisect_left(self._begins, stored.offset + stored.stored)
        return at > 0 and self._ends[at - 1] > stored.offset


def _finding(where: str, damage: str, tree: H5Tree, maker: _Maker) -> Finding:
    whole = [d for d in tree.datasets.values() if d.health is Health.UNVERIFIED]
    total, there = (sum(d.nbytes for d in group) for group in (tree.datasets.values(), whole))
    unnamed = sum(UNNAMED in d.path for d in whole)
    text = (
        f"{damage}; {len(whole)} of the {len(tree.datasets)} arrays that are known are whole, "
        f"{there} of {total} bytes"
    )
    if unnamed:
        text += f"; {unnamed} of them without a name"
    if maker.twin is not None and maker.by_twin:
        text += (
            f"; {len(maker.by_twin)} are known from the layout of "
            f"{maker.twin.template.origin.name}: {maker.twin.evidence}"
        )
    lost = [path for path in maker.layout.lost if path not in tree.datasets]
    if lost:
        text += f"; listed, and nothing is left of it: {', '.join(lost[:_SHOWN])}"
    if maker.layout.broken:
        text += f"; {maker.layout.broken} parts of the lists of contents are lost"
    needs_twin = maker.twin is None and (lost or unnamed or maker.layout.broken)
    return Finding(
        code="salvaged",
        severity=Severity.ERROR,
        where=where,
        message=text,
        remedy=REMEDY_TWIN if needs_twin else "tfrepair repair writes what is left into a file",
    )


def _refused(where: str, template: Template, message: str) -> Finding:
    return Finding(
        code="template-refused",
        severity=Severity.NOTE,
        where=where,
        message=f"{template.origin.name} does not tell its layout: {message}",
    )


def counts(tree: H5Tree) -> tuple[int, int]:
    """Return how many arrays are whole, and of how many."""
    whole = sum(d.health is Health.UNVERIFIED for d in tree.datasets.values())
    return whole, len(tree.datasets)
