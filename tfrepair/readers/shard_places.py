"""Which file holds which shard, by content: names may be exchanged, or count shards wrongly.

A few tensors of every shard are held against every data file of the save. Used where the files
under the expected names do not fit.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tfrepair.core.errors import SourceError
from tfrepair.wire.bundle import BundleEntry, BundleHeader, shard_name
from tfrepair.wire.bundle_data import verify_bytes
from tfrepair.wire.bundle_index import BundleIndex
from tfrepair.wire.mapping import map_file

_MAX_SHARDS = 128
"""More shards are not tried: the work grows with the square of their number."""
_SAMPLE = 6
_SAMPLE_BYTES = 1 << 20
_TINY = 64
"""Smaller tensors are often equal in all saves: they say nothing about which one this is."""


def place_shards(index: BundleIndex, prefix: Path, files: Sequence[Path]) -> Mapping[int, Path]:
    """Find the shards that lie under other names than their own.

    Parameters
    ----------
    index
        Says what should be where.
    prefix
        Gives the expected names.
    files
        Data files that may hold a shard.

    Returns
    -------
    Path by number of shard, for shards whose own file does not fit and another one does.
    """
    if max(index.header.num_shards, len(files)) > _MAX_SHARDS:
        return {}
    places = {}
    for shard in range(index.header.num_shards):
        sample = sample_of(index, shard)
        own = final_name(prefix, shard, index.header)
        if not sample or fits(own, sample, index.header):
            continue
        others = (file for file in files if file != own)
        found = next((file for file in others if fits(file, sample, index.header)), None)
        if found is not None:
            places[shard] = found
    return places


def fits(path: Path, entries: tuple[BundleEntry, ...], header: BundleHeader) -> bool:
    """Say whether a file holds the tensors of a sample, by their checksums."""
    try:
        view = map_file(path)
        for entry in entries:
            verify_bytes(view[entry.offset : entry.offset + entry.size], entry, header, "")
    except SourceError:
        return False
    return bool(entries)


def sample_of(index: BundleIndex, shard: int) -> tuple[BundleEntry, ...]:
    """Return a few entries of a shard, large enough to tell saves from each other."""
    of_shard = [e for e in index.entries.values() if e.shard == shard and e.size and not e.slices]
    handy = [entry for entry in of_shard if entry.size <= _SAMPLE_BYTES] or of_shard
    telling = [entry for entry in handy if entry.size >= _TINY] or handy
    return tuple(sorted(telling, key=lambda entry: entry.size)[:_SAMPLE])


def final_name(prefix: Path, shard: int, header: BundleHeader) -> Path:
    """Return the path under which TensorFlow looks for a shard."""
    return prefix.with_name(shard_name(prefix.name, shard, header.num_shards))
