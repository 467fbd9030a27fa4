"""Several indexes of one save, joined as TensorFlow joins them at the end of a save.

Every part of a save has an index and data files of its own; merging numbers the data files anew
and joins the slices of partitioned variables. Pure; :mod:`tfrepair.readers.unmerged` finds the
parts of a save whose merge was interrupted.

Source: measured, merged parts of real sharded saves give the final index byte for byte.
"""

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

from tfrepair.core.errors import Corrupt
from tfrepair.wire.bundle import BundleEntry
from tfrepair.wire.bundle_index import BundleIndex
from tfrepair.wire.bundle_writer import merged


def merge_indexes(parts: Sequence[BundleIndex]) -> BundleIndex:
    """Join the indexes of all parts of a save.

    Parameters
    ----------
    parts
        In the order of their numbers, at least one; problems and corrections are kept.

    Raises
    ------
    Corrupt
        If two parts hold the same tensor or disagree on a partitioned one.
    """
    first, numbered, shards = parts[0], [], 0
    for part in parts:
        numbered.append(_renumbered(part, shards))
        shards += part.header.num_shards
    try:
        entries = merged(numbered)
    except ValueError as error:
        message = f"{first.where}: the parts of the save contradict each other: {error}"
        raise Corrupt(message) from error
    return replace(
        first,
        header=replace(first.header, num_shards=shards),
        entries=MappingProxyType(dict(sorted(entries.items()))),
        problems=tuple(problem for part in parts for problem in part.problems),
        corrections=tuple(note for part in parts for note in part.corrections),
        unproven=frozenset().union(*(part.unproven for part in parts)),
    )


def _renumbered(part: BundleIndex, shards: int) -> dict[bytes, BundleEntry]:
    return {key: replace(entry, shard=entry.shard + shards) for key, entry in part.entries.items()}
