"""The index of a tensor bundle as a whole: strict for verification, salvaged for readers.

A damaged block or entry never hides the others. Entries are decoded by
:mod:`tfrepair.wire.bundle`, blocks by :mod:`tfrepair.wire.sstable`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tfrepair.core.errors import Corrupt, SourceError
from tfrepair.wire.bundle import (
    HEADER_KEY,
    BundleEntry,
    BundleHeader,
    decode_entry,
    decode_header,
    show_key,
    usual_entry,
)
from tfrepair.wire.crc32c import Buffer
from tfrepair.wire.sstable import Table, open_table
from tfrepair.wire.sstable_block import BlockHandle
from tfrepair.wire.sstable_scan import loose_entries, scan_table


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleIndex:
    """A whole index.

    Attributes
    ----------
    where
        Name of the file.
    header
        Number of shards and byte order.
    entries
        By key, in key order; keys of slices start with a zero byte.
    problems
        Blocks and entries that could not be read; the rest is in ``entries``.
    corrections
        Flipped bits that were corrected in memory.
    unproven
        Keys of entries out of damaged blocks: only the data can prove them.
    rebuilt
        Keys of entries that were made anew: their checksums are those of the data as it is.
    absent
        Tensors that should be there too, and whose bytes are cut off.
    """

    where: str
    header: BundleHeader
    entries: Mapping[bytes, BundleEntry]
    problems: tuple[SourceError, ...] = ()
    corrections: tuple[str, ...] = ()
    unproven: frozenset[bytes] = frozenset()
    rebuilt: frozenset[bytes] = frozenset()
    absent: tuple[str, ...] = ()


def read_index(data: Buffer, where: str) -> BundleIndex:
    """Read an index block by block; nothing is corrected.

    Parameters
    ----------
    data
        The whole file.
    where
        Its name, for messages.

    Raises
    ------
    SourceError
        If footer or index block cannot be read: then nothing says where the blocks are.
    """
    table = open_table(data, where)
    draft = _Draft(where)
    for block in table.blocks:
        try:
            draft.take(table.read(block))
        except SourceError as error:
            draft.problems.append(error)
    return draft.finished()


def salvage_index(data: Buffer, where: str) -> BundleIndex:
    """Read as much of an index as there is.

    Corrects single flipped bits in memory, looks for blocks without the help of a lost footer,
    and takes what can be read out of damaged blocks.

    Raises
    ------
    SourceError
        If not a single entry can be read; the first problem.
    """
    view = memoryview(data)
    draft = _Draft(where)
    try:
        table = open_table(view, where, mend=True)
    except SourceError as error:
        draft.problems.append(error)
        found = scan_table(view, where)
        draft.take(found.proven.items())
        draft.take(found.loose.items(), unproven=True)
    else:
        _take_blocks(table, view, draft)
        draft.corrections = tuple(table.corrections)
    if draft.problems and not draft.entries:
        raise draft.problems[0]
    return draft.finished()


def _take_blocks(table: Table, view: memoryview, draft: "_Draft") -> None:
    for block in table.blocks:
        try:
            draft.take(table.read(block))
        except SourceError as error:
            draft.problems.append(error)
            draft.take(_loose(view, block, table.where), unproven=True)


def _loose(view: memoryview, block: BlockHandle, where: str) -> Iterable[tuple[bytes, memoryview]]:
    return loose_entries(view[block.offset : block.offset + block.size], where).items()


class _Draft:
    """Entries and problems on their way into a :class:`BundleIndex`."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._header: BundleHeader | None = None
        self._unproven: set[bytes] = set()
        self.entries: dict[bytes, BundleEntry] = {}
        self.problems: list[SourceError] = []
        self.corrections: tuple[str, ...] = ()

    def take(self, items: Iterable[tuple[bytes, memoryview]], *, unproven: bool = False) -> None:
        for key, value in items:
            try:
                if key == HEADER_KEY:
                    self._header = decode_header(value, f"{self._where}, header")
                    continue
                entry = usual_entry(bytes(value))
                if entry is None:
                    entry = decode_entry(value, f"{self._where}, entry {show_key(key)}")
            except SourceError as error:
                self.problems.append(error)
                continue
            self.entries[key] = entry
            if unproven:
                self._unproven.add(key)

    def finished(self) -> BundleIndex:
        header = self._header
        if header is None:
            message = f"{self._where}: no header: number of shards and byte order are guessed"
            self.problems.append(Corrupt(message))
            shards = (entry.shard for entry in self.entries.values())
            header = BundleHeader(num_shards=1 + max(shards, default=0))
        return BundleIndex(
            where=self._where,
            header=header,
            entries=MappingProxyType(self.entries),
            problems=tuple(self.problems),
            corrections=self.corrections,
            unproven=frozenset(self._unproven),
        )
