"""A layout twin: another file of the same model and writer, which says where every array lies.

HDF5 allocates in the order in which it is called, so that two saves of one model have the same
layout. A file that was killed in mid-save has no metadata at all and nearly all of its data: the
twin gives the places. It is believed only as far as the damaged file agrees: headers that survived
lie where the twin has them, or all of them displaced by the same number of bytes; where the twin
has metadata there is no data; arrays of the same run are related to those of the twin.

Source: measured, ``scripts/recovery_tables``; the layout depends on the order of calls, the style
of attributes and the version of HDF5.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from tfrepair.core.errors import Corrupt
from tfrepair.core.tensor import Array
from tfrepair.readers.h5_bytes import H5Bytes
from tfrepair.readers.h5_layout import H5Layout
from tfrepair.readers.h5_zeros import is_zero
from tfrepair.wire.hdf5_dataset import StoredDataset

_GRID = 8
_FARTHEST = 1 << 16
"""Bytes that a twin may be displaced by: a configuration is longer by less than that."""
_ANYWHERE = 1 << 62
_MOST_SHIFTS = 3
"""Displacements of one file: a text that is longer moves what lies behind it."""
_ENOUGH = 2
"""Gaps between the twin's arrays that have to fall on gaps of the damaged file."""
_EDGE = 16
_SAMPLE = 1 << 14
_FEWEST = 32
_RELATED, _UNRELATED = 0.5, 0.2
_MOST_GAPS = 400
_ROOT_BYTES = 96
_HEADER = 512
"""Bytes behind the begin of a header that may differ from the twin's: times, lists of names."""
_LONGEST_GAP = 1 << 20
_EQUAL_WORDS = 64
"""Words of 8 bytes of metadata that prove a layout by being the same in the same places."""
_TEXTS = b"GCOL"
_FLOATS = ("float16", "float32", "float64")


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A file that may tell the layout.

    Attributes
    ----------
    origin
        How notes name it.
    source, layout
        Its bytes and what is in it.
    is_given
        True if the user named it; one that was found beside the file has to prove more.
    has_values
        True if its arrays hold values of the same run; False for one that was made.
    """

    origin: Path
    source: H5Bytes
    layout: H5Layout
    is_given: bool
    has_values: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A twin that the damaged file agrees with.

    Attributes
    ----------
    template
        The twin.
    anchors
        Place in the twin and displacement, for every array of it that the file tells itself.
    shift
        Displacement where there is no anchor.
    edge
        Place in the twin from which on nothing is proven.
    evidence
        What speaks for it, as words.
    """

    template: Template
    anchors: tuple[tuple[int, int], ...]
    shift: int
    edge: int
    evidence: str

    def place(self, stored: StoredDataset) -> int | None:
        """Return where an array of the twin begins in the file; ``None`` if that is not proven."""
        if stored.offset is None or stored.offset >= self.edge:
            return None
        if not self.anchors:
            return stored.offset + self.shift
        at = bisect_right(self.anchors, (stored.offset, _ANYWHERE))
        if 0 < at < len(self.anchors):
            before, after = self.anchors[at - 1][1], self.anchors[at][1]
            return stored.offset + before if before == after else None
        # Before the first anchor and behind the last one nothing contradicts: all have to agree.
        shifts = {shift for _, shift in self.anchors}
        return stored.offset + self.shift if len(shifts) == 1 else None


def fit(template: Template, data: memoryview, layout: H5Layout) -> Fit:
    """Hold a twin against a damaged file.

    Parameters
    ----------
    template
        The twin.
    data, layout
        The damaged file, and what it says itself.

    Raises
    ------
    Corrupt
        If the file contradicts it, or too little speaks for it.
    """
    judge = _Judge(template=template, data=data, layout=layout)
    anchors = judge.anchors()
    shift = judge.shift(anchors)
    found = Fit(
        template=template,
        anchors=tuple(anchors),
        shift=shift,
        edge=judge.edge(anchors, shift),
        evidence=judge.evidence(anchors, shift),
    )
    judge.require_related(found)
    return found


@dataclass(frozen=True, kw_only=True)
class _Judge:
    template: Template
    data: memoryview
    layout: H5Layout

    @property
    def twin(self) -> H5Layout:
        return self.template.layout

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        """Begin and end of the twin's arrays, in the order of the file."""
        return sorted(
            (d.offset, d.offset + d.stored)
            for d in self.twin.datasets.values()
            if d.offset is not None and d.stored
        )

    @cached_property
    def gaps(self) -> list[tuple[int, int]]:
        """Where the twin has metadata, or nothing, between its arrays."""
        found, at = [], _ROOT_BYTES
        for begin, end in self.spans:
            if begin - at >= _GRID:
                found.append((at, begin))
            at = max(at, end)
        return found

    def anchors(self) -> list[tuple[int, int]]:
        """Return place and displacement of every array that both files tell."""
        found = []
        headers = {d.address: d for d in self.twin.datasets.values()}
        for path, mine in {**self.layout.unnamed, **self.layout.datasets}.items():
            other = self.twin.datasets.get(path) or headers.get(mine.address)
            if other is None:
                continue
            if (mine.shape, mine.kind) == (other.shape, other.kind):
                found.append((mine, other))
            elif path in self.twin.datasets:
                message = f"{path} has the shape {mine.shape}, there {other.shape}"
                raise Corrupt(message)
        pairs = [
            (other.offset, mine.offset - other.offset)
            for mine, other in found
            if mine.offset is not None and other.offset is not None
        ]
        # A model that was not compiled has no optimizer: what lies behind the twin is no matter.
        end = self.spans[-1][1] if self.spans else 0
        own = (*self.layout.datasets.values(), *self.layout.unnamed.values())
        known = sum(stored.offset is not None and stored.offset < end for stored in own)
        if known and 2 * len(pairs) < known:
            message = f"only {len(pairs)} of the {known} arrays that the file still lists are there"
            raise Corrupt(message)
        shifts = {shift for _, shift in pairs}
        if len(shifts) > _MOST_SHIFTS:
            message = f"its arrays are displaced by {len(shifts)} different numbers of bytes"
            raise Corrupt(message)
        return sorted(pairs)

    def shift(self, anchors: Sequence[tuple[int, int]]) -> int:
        """Return the displacement that the gaps prove, where no header does."""
        if anchors:
            return anchors[-1][1]
        if not self._spans_there(0):
            message = f"none of its arrays lies wholly in the {len(self.data)} bytes"
            raise Corrupt(message)
        if self._is_clean(0):
            return 0
        fitting = [
            s
            for n in range(_GRID, _FARTHEST + 1, _GRID)
            for s in (n, -n)
            if self._is_clean(s) and self._informative(s) > _ENOUGH
        ]
        if len(fitting) != 1:
            message = "its layout does not fit: there is data where it has none"
            raise Corrupt(message)
        return fitting[0]

    def edge(self, anchors: Sequence[tuple[int, int]], shift: int) -> int:
        """Return the begin of the first gap behind the last anchor that holds something else."""
        if anchors:
            last = anchors[-1][0]
            for begin, end in self.gaps:
                if begin > last and not self._is_alike(begin, end, shift):
                    return begin
        return self.spans[-1][1] if self.spans else 0

    def evidence(self, anchors: Sequence[tuple[int, int]], shift: int) -> str:
        """Return what speaks for the twin.

        Raises
        ------
        Corrupt
            If it is too little.
        """
        moved = f", displaced by {shift:+d} bytes" if shift else ""
        if anchors:
            return f"{len(anchors)} headers that survived lie as in it{moved}"
        count, equal = self._informative(shift), self._equal_words(shift)
        if equal >= _EQUAL_WORDS:
            return f"{equal} words of metadata are as in it{moved}"
        if count < min(_ENOUGH, max(1, len(self._near_gaps(shift)))):
            message = f"{count} gaps between its arrays fall on gaps of the file: too few to tell"
            raise Corrupt(message)
        return f"{count} gaps between its arrays fall on gaps of the file{moved}"

    def _spans_there(self, shift: int) -> int:
        return sum(end + shift <= len(self.data) - self.layout.base for _, end in self.spans)

    def _near_gaps(self, shift: int) -> list[tuple[int, int]]:
        size = len(self.data) - self.layout.base
        found = [(a, b) for a, b in self.gaps if 0 < a + shift < size]
        return found[:: max(1, len(found) // _MOST_GAPS)]

    def _is_clean(self, shift: int) -> bool:
        """Return whether there is no data where the twin has none."""
        near = sorted(self._near_gaps(shift), key=lambda gap: gap[1] - gap[0])
        return all(self._is_alike(begin, end, shift) for begin, end in near)

    def _is_alike(self, begin: int, end: int, shift: int) -> bool:
        """Return whether a gap holds zeros, what the twin has there, or metadata of its own."""
        return not self._strange(begin, end, shift).any()

    def _strange(self, begin: int, end: int, shift: int) -> Array:
        """Return for every word of a gap whether it is foreign there."""
        mine, theirs = self._words(begin, end, shift)
        strange: Array = (mine != 0) & (mine != theirs)
        if shift:
            strange &= mine != theirs + np.uint64(shift % (1 << 64))
            strange[: max(0, _ROOT_BYTES - begin - shift + _GRID - 1) // _GRID] = False
        if strange.any():
            at = begin + _GRID * np.flatnonzero(strange)
            for first, last in self._own(begin, end, shift):
                hit = at[(at >= first) & (at < last)]
                strange[(hit - begin) // _GRID] = False
        return strange

    def _words(self, begin: int, end: int, shift: int) -> tuple[Array, Array]:
        end = min(end, begin + _LONGEST_GAP)
        mine = self.data[max(0, self.layout.base + begin + shift) : self.layout.base + end + shift]
        theirs = self.other[self.twin.base + begin : self.twin.base + end]
        count = min(len(mine), len(theirs)) // _GRID
        return np.frombuffer(mine, "<u8", count), np.frombuffer(theirs, "<u8", count)

    def _own(self, begin: int, end: int, shift: int) -> Iterator[tuple[int, int]]:
        """Yield ranges of the twin's gap where the file may have other content: its own metadata.

        Texts may differ where both files have a heap of the same size; headers that were found
        may have other times.
        """
        theirs = bytes(self.other[self.twin.base + begin : self.twin.base + end])
        at = theirs.find(_TEXTS)
        while at >= 0:
            size = int.from_bytes(theirs[at + 8 : at + 16], "little")
            place = self.layout.base + begin + at + shift
            if bytes(self.data[place : place + 16]) == theirs[at : at + 16]:
                yield begin + at, begin + at + size
            at = theirs.find(_TEXTS, at + 4)
        for address in self.layout.headers:
            if begin <= address - shift < end:
                yield address - shift, address - shift + _HEADER

    def _informative(self, shift: int) -> int:
        """Count gaps with data directly before or behind them: another place would not be one."""
        base, count = self.layout.base + shift, 0
        for begin, end in self._near_gaps(shift):
            before = self.data[max(0, base + begin - _EDGE) : base + begin]
            behind = self.data[base + end : base + end + _EDGE]
            is_edge = not is_zero(behind) or (begin > 2 * _ROOT_BYTES and not is_zero(before))
            count += is_edge and self._is_alike(begin, end, shift)
        return count

    def _equal_words(self, shift: int) -> int:
        """Count the words of metadata that both files have."""
        total = 0
        for begin, end in self._near_gaps(shift):
            mine, theirs = self._words(begin, end, shift)
            total += int(np.count_nonzero((mine == theirs) & (mine != 0)))
        return total

    def require_related(self, found: Fit) -> None:
        """Hold values against those of the twin.

        Raises
        ------
        Corrupt
            If arrays look like others of the twin, or a twin that nobody named is of another run.
        """
        if not self.template.has_values:
            return
        own, crossed = self._similar(found)
        if crossed:
            one, two, value = crossed
            message = f"what would be {one} looks like {two} there (correlation {value:.2f})"
            raise Corrupt(message)
        if self.template.is_given or self._is_same_config():
            return
        if own is None or own < _UNRELATED:
            said = "no values to compare" if own is None else f"correlation {own:.2f}"
            message = f"its values are not of the same run ({said})"
            raise Corrupt(message)

    def _is_same_config(self) -> bool:
        for group in ("", "model_weights"):
            mine = self.layout.groups.get(group, {}).get("model_config")
            if mine and mine == self.twin.groups.get(group, {}).get("model_config"):
                return True
        return False

    def _similar(self, found: Fit) -> tuple[float | None, tuple[str, str, float] | None]:
        """Compare every array with that of its name, and with others of its shape."""
        theirs: dict[tuple[object, ...], list[tuple[str, Array]]] = defaultdict(list)
        values = [np.zeros(0), np.zeros(0)]
        for path, stored in self._comparable():
            theirs[stored.shape, stored.kind].append((path, self._sample(self.other, stored)))
        crossed = None
        for same in theirs.values():
            for path, sample in same:
                mine = self._mine(found, path)
                if mine is None or mine.shape != sample.shape:
                    continue
                values = [np.concatenate(p) for p in zip(values, (mine, sample), strict=True)]
                if crossed is None:
                    crossed = _crossed(path, mine, same)
        return correlation(*values), crossed

    def _comparable(self) -> Iterator[tuple[str, StoredDataset]]:
        count = 0
        for path, stored in self.twin.datasets.items():
            kind = stored.kind
            is_weight = not path.startswith(("optimizer", "_optimizer"))
            if kind is None or kind.name not in _FLOATS or not is_weight or stored.offset is None:
                continue
            if stored.nbytes >= _FEWEST * kind.size and count < _MOST_GAPS:
                count += 1
                yield path, stored

    @cached_property
    def other(self) -> memoryview:
        """The bytes of the twin."""
        return self.template.source.view()

    def _mine(self, found: Fit, path: str) -> Array | None:
        stored = self.layout.datasets.get(path)
        other = self.twin.datasets[path]
        place = stored.offset if stored is not None else found.place(other)
        if place is None or self.layout.base + place + other.nbytes > len(self.data):
            return None
        return self._sample(self.data, other, self.layout.base + place)

    def _sample(self, data: memoryview, stored: StoredDataset, at: int | None = None) -> Array:
        kind = stored.kind
        if kind is None or stored.offset is None:  # pragma: no cover - comparable ones have both
            return np.zeros(0)
        begin = self.twin.base + stored.offset if at is None else at
        dtype = np.dtype(kind.name).newbyteorder(">" if kind.is_big_endian else "<")
        count = min(_SAMPLE, stored.nbytes // kind.size)
        with np.errstate(all="ignore"):
            values = np.frombuffer(data, dtype, count, begin).astype(np.float64)
        values[~np.isfinite(values) | (np.abs(values) > 1e30)] = 0
        return values


def _crossed(
    path: str, mine: Array, same: Sequence[tuple[str, Array]]
) -> tuple[str, str, float] | None:
    """Return another array of the twin that this one looks like, rather than its own."""
    if len(same) < 2 or not mine.any():
        return None
    own = next(correlation(mine, sample) for name, sample in same if name == path)
    if own is None or own > _UNRELATED:
        return None
    for name, sample in same:
        value = correlation(mine, sample) if name != path else None
        if value is not None and value > _RELATED:
            return path, name, value
    return None


def correlation(one: Array, two: Array) -> float | None:
    """Return the correlation of two samples; ``None`` if one of them does not vary."""
    if one.size < _FEWEST or one.std() == 0 or two.std() == 0:
        return None
    return float(np.corrcoef(one, two)[0, 1])


def agreed(fits: Sequence[Fit], where: str) -> Fit | None:
    """Return the first twin that fits.

    Raises
    ------
    Corrupt
        If two fit that give an array different places.
    """
    if not fits:
        return None
    first = fits[0]
    places = _places(first)
    for other in fits[1:]:
        theirs = _places(other)
        strange = [p for p in places.keys() & theirs.keys() if places[p] != theirs[p]]
        if strange:
            message = (
                f"{where}: the layouts of {first.template.origin.name} and "
                f"{other.template.origin.name} both fit and disagree about {strange[0]}"
            )
            raise Corrupt(message, remedy="name the right one with `tfrepair repair --template`")
    return first


def _places(found: Fit) -> Mapping[str, int | None]:
    return {path: found.place(d) for path, d in found.template.layout.datasets.items()}
