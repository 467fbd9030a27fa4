"""Where tensors lie in a data file whose index is lost.

A data file has no index inside, but no gaps either: the tensors lie one after the other in the
order in which they were saved. Given that order, element types and shapes, every offset follows.
Strings and variants say their own lengths and have checksums over them: these prove a layout, and
find how many entries a lookup table has. Knows bytes; which order is meant is up to the readers.

Source: measured on all golden saves, TensorFlow 1.4 to 2.21; no gap and no tail in any of them.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tfrepair.core.errors import Corrupt, SourceError, Truncated
from tfrepair.core.tensor import Shape
from tfrepair.wire.bundle import OBJECT_GRAPH_KEY, BundleEntry, BundleHeader, Slice
from tfrepair.wire.bundle_data import byte_order, length_bytes
from tfrepair.wire.crc32c import crc32c, mask
from tfrepair.wire.element_types import STRING, VARIANT, item_bytes, type_name
from tfrepair.wire.ordered_code import encode_slice_key
from tfrepair.wire.protobuf import read_varint, varint

_CRC_BYTES = 4
_MOST_COUNTED = 1 << 16
"""Entries of a lookup table that are tried when its size is not known."""
_TABLE_ENDS = ("-keys", "-values")
_TAIL_SEARCH = 1 << 26
"""Bytes at the end of a data file in which the object graph is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One tensor, or one slice of a partitioned one, that a data file should hold.

    Attributes
    ----------
    name
        Key of the tensor; of the whole for a slice.
    dtype
        Number of the element type.
    shape
        Shape of what is stored: of the slice for a slice.
    part, whole
        Place of a slice, and the shape of its whole.
    """

    name: str
    dtype: int
    shape: Shape
    part: Slice | None = None
    whole: Shape = ()

    @property
    def key(self) -> bytes:
        """Key in the index."""
        if self.part is None:
            return self.name.encode("utf-8", "surrogateescape")
        return encode_slice_key(self.name, self.part)

    @property
    def is_countable(self) -> bool:
        """True if the number of elements may differ between two saves of one run."""
        is_table = self.name.endswith(_TABLE_ENDS) and len(self.shape) == 1
        return self.dtype == VARIANT or is_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A data file with every expected tensor in its place.

    Attributes
    ----------
    entries
        By key; those that lie wholly inside the file, with checksums computed from it.
    cut
        Tensors that end behind the end of the file, in order.
    end
        Where the last tensor ends.
    proofs
        Number of checksums inside the data that fit this layout.
    """

    entries: dict[bytes, BundleEntry]
    cut: tuple[Expected, ...]
    end: int
    proofs: int


def lay_out(
    expected: Sequence[Expected], data: memoryview, header: BundleHeader, where: str
) -> Layout:
    """Give every expected tensor its place.

    Parameters
    ----------
    expected
        In the order of the file.
    data
        The whole data file; may end too early.
    header
        Byte order.
    where
        Name of the file, for messages.

    Returns
    -------
    The layout; it fits the file exactly if nothing is cut and ``end`` is the file's size.

    Raises
    ------
    Corrupt
        If a checksum inside the data contradicts the layout: it is of another save.
    """
    try:
        return _walked(expected, data, header, where, cut_in_variant=False)
    except Corrupt:
        # What looks like the end of a variant tensor may be the end of the file in it.
        return _walked(expected, data, header, where, cut_in_variant=True)


def _walked(
    expected: Sequence[Expected],
    data: memoryview,
    header: BundleHeader,
    where: str,
    *,
    cut_in_variant: bool,
) -> Layout:
    walk = _Walk(data, header, where, cut_in_variant=cut_in_variant)
    items = list(expected)
    for place, item in enumerate(items):
        following = items[place + 1 :]
        walk.take(walk.counted(item, following))
    return Layout(entries=walk.entries, cut=tuple(walk.cut), end=walk.at, proofs=walk.proofs)


class _Walk:
    """One pass through a data file."""

    def __init__(
        self, data: memoryview, header: BundleHeader, where: str, *, cut_in_variant: bool
    ) -> None:
        self._cut_in_variant = cut_in_variant
        self._data = data
        self._header = header
        self._where = where
        self.at = 0
        self.entries: dict[bytes, BundleEntry] = {}
        self.cut: list[Expected] = []
        self.proofs = 0
        self._counts: dict[str, int] = {}

    def take(self, item: Expected) -> None:
        """Place one tensor behind those before it."""
        if self.cut:
            self._skip(item)
            return
        try:
            size, crc = self._measured(item)
        except Truncated:
            self._skip(item)
            return
        if self.at + size > len(self._data):
            self._skip(item)
            return
        self.entries[item.key] = BundleEntry(
            dtype=item.dtype, shape=item.shape, offset=self.at, size=size, crc=mask(crc)
        )
        self.at += size

    def counted(self, item: Expected, following: Sequence[Expected]) -> Expected:
        """Return the tensor with its true number of elements, where it can be counted."""
        if not item.is_countable or self.cut:
            return item
        base = _table_of(item.name)
        if base in self._counts:
            return replace(item, shape=(self._counts[base],))
        if item.dtype == VARIANT:
            return self._counted_variants(item)
        count = self._count(item, following)
        if count is None:
            return item
        self._counts[base] = count
        return replace(item, shape=(count,))

    def _skip(self, item: Expected) -> None:
        self.cut.append(item)
        if item.dtype not in (STRING, VARIANT):
            self.at += math.prod(item.shape) * item_bytes(item.dtype, self._where)

    def _measured(self, item: Expected) -> tuple[int, int]:
        """Return stored size and checksum."""
        count = math.prod(item.shape)
        if item.dtype == STRING:
            found = self._strings(self.at, count)
            if found is None:
                message = (
                    f"{self._where}, byte {self.at}: no {count} strings with a fitting checksum "
                    f"of their lengths, as {item.name} should have: this layout is of another save"
                )
                raise Corrupt(message)
            self.proofs += 1
            return found
        if item.dtype == VARIANT:
            return self._variants(item)
        size = count * item_bytes(item.dtype, self._where)
        return size, crc32c(self._data[self.at : self.at + size])

    def _strings(self, at: int, count: int) -> tuple[int, int] | None:
        """Read a string tensor; ``None`` if its lengths contradict their checksum."""
        start, lengths = at, []
        for _ in range(count):
            try:
                length, at = read_varint(self._data, at, self._where)
            except SourceError:
                raise Truncated(self._where) from None
            lengths.append(length)
        if at + _CRC_BYTES > len(self._data):
            raise Truncated(self._where)
        numbers = crc32c(length_bytes(lengths, self._header))
        stored = self._data[at : at + _CRC_BYTES]
        if mask(numbers).to_bytes(_CRC_BYTES, byte_order(self._header)) != stored:
            return None
        end = at + _CRC_BYTES + sum(lengths)
        if end > len(self._data):
            raise Truncated(self._where)
        return end - start, crc32c(self._data[at:end], numbers)

    def _variants(self, item: Expected) -> tuple[int, int]:
        end, crc, count = self._variant_run(self.at, math.prod(item.shape))
        if count < max(1, math.prod(item.shape)):
            if self._cut_in_variant and self._is_cut_at(end):
                raise Truncated(self._where)
            message = f"{self._where}, byte {self.at}: {item.name} should be here and is not"
            raise Corrupt(message)
        self.proofs += count
        return end - self.at, crc

    def _is_cut_at(self, at: int) -> bool:
        """Say whether the variant that begins here would end behind the file."""
        try:
            length, start = read_varint(self._data, at, self._where)
        except SourceError:
            return True
        return start + length + _CRC_BYTES > len(self._data)

    def _counted_variants(self, item: Expected) -> Expected:
        if len(item.shape) != 1:
            return item
        end, _, count = self._variant_run(self.at, _MOST_COUNTED)
        is_cut = self._cut_in_variant and self._is_cut_at(end)
        return replace(item, shape=(count + is_cut,))

    def _variant_run(self, at: int, most: int) -> tuple[int, int, int]:
        """Read variants as long as their checksums fit; returns end, checksum and number."""
        crc, count = 0, 0
        while count < most:
            try:
                length, start = read_varint(self._data, at, self._where)
            except SourceError:
                break
            end = start + length + _CRC_BYTES
            if end > len(self._data):
                break
            item = self._data[start : start + length]
            running = crc32c(item, crc32c(length.to_bytes(8, "little"), crc))
            stored = self._data[start + length : end]
            if mask(running).to_bytes(_CRC_BYTES, "little") != stored:
                break
            crc, at, count = crc32c(stored, running), end, count + 1
        return at, crc, count

    def _count(self, item: Expected, following: Sequence[Expected]) -> int | None:
        """Find the number of entries of a lookup table; ``None`` if nothing tells."""
        partner = following[0] if following else None
        if partner is not None and _table_of(partner.name) != _table_of(item.name):
            partner = None
        if item.dtype == STRING:
            return next(self._string_counts(self.at), None)
        size = item_bytes(item.dtype, self._where)
        if partner is not None and partner.dtype == STRING:
            return self._count_before_strings(size)
        rest = following if partner is None else following[1:]
        if partner is not None:
            size += item_bytes(partner.dtype, self._where)
        fixed = 0
        for other in rest:
            if other.dtype in (STRING, VARIANT):
                return self._count_before_anchor(size, fixed, other)
            if other.is_countable:
                return None
            fixed += math.prod(other.shape) * item_bytes(other.dtype, self._where)
        left = len(self._data) - self.at - fixed
        return left // size if left >= 0 and left % size == 0 else None

    def _count_before_anchor(self, size: int, fixed: int, anchor: Expected) -> int | None:
        """Find the number of entries that puts a tensor with checksums where its bytes are."""
        for count in range(_MOST_COUNTED):
            at = self.at + count * size + fixed
            if at >= len(self._data):
                return None
            if self._is_anchored(at, anchor):
                return count
        return None

    def _is_anchored(self, at: int, anchor: Expected) -> bool:
        if anchor.dtype == VARIANT:
            return self._variant_run(at, 1)[2] == 1
        if anchor.is_countable:
            return next(self._string_counts(at), None) is not None
        try:
            return self._strings(at, math.prod(anchor.shape)) is not None
        except Truncated:
            return False

    def _count_before_strings(self, size: int) -> int | None:
        for count in range(_MOST_COUNTED):
            at = self.at + count * size
            if at + count > len(self._data):
                return None
            try:
                if self._strings(at, count) is not None:
                    return count
            except Truncated:
                continue
        return None

    def _string_counts(self, at: int) -> Iterator[int]:
        """Go through the numbers of strings whose lengths fit the checksum behind them."""
        lengths: list[int] = []
        for count in range(_MOST_COUNTED):
            stored = self._data[at : at + _CRC_BYTES]
            numbers = crc32c(length_bytes(lengths, self._header))
            fits = mask(numbers).to_bytes(_CRC_BYTES, byte_order(self._header)) == stored
            if fits and at + _CRC_BYTES + sum(lengths) <= len(self._data):
                yield count
            try:
                length, at = read_varint(self._data, at, self._where)
            except SourceError:
                return
            lengths.append(length)


def _table_of(name: str) -> str:
    for end in _TABLE_ENDS:
        if name.endswith(end):
            return name.removesuffix(end)
    return name


def find_tail_graph(data: memoryview) -> memoryview | None:
    """Find the object graph at the end of a data file, by its length and their checksum.

    Returns
    -------
    The serialized graph, or ``None``: a save of ``tf.train.Saver``, or cut off.
    """
    flat = np.frombuffer(data, np.uint8)[-_TAIL_SEARCH:]
    base = len(data) - len(flat)
    for width in range(1, 6):
        for start in _starts(flat, width):
            begin = base + start + width + _CRC_BYTES
            length = len(data) - begin
            numbers = crc32c(length.to_bytes(4, "little"))
            if mask(numbers).to_bytes(4, "little") == data[begin - _CRC_BYTES : begin]:
                return data[begin:]
    return None


def _starts(flat: "np.ndarray[tuple[int], np.dtype[np.uint8]]", width: int) -> Iterator[int]:
    """Go through the places where a length of so many bytes says what is left of the file."""
    last = len(flat) - width - _CRC_BYTES
    if last < 0:
        return
    value = np.zeros(last + 1, np.int64)
    fits = np.ones(last + 1, np.bool_)
    for place in range(width):
        column = flat[place : place + last + 1]
        value |= (column & 0x7F).astype(np.int64) << (7 * place)
        fits &= (column >= 0x80) == (place < width - 1)
    fits &= value == last - np.arange(last + 1)
    for start in np.flatnonzero(fits):
        if len(varint(int(value[start]))) == width:
            yield int(start)


def describe(item: Expected) -> str:
    """Return name, type and shape for messages."""
    return f"{item.name} ({type_name(item.dtype)} {item.shape})"


OBJECT_GRAPH = Expected(name=OBJECT_GRAPH_KEY, dtype=STRING, shape=())
"""What every save of ``tf.train.Checkpoint`` ends with."""
