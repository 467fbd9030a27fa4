"""Which file holds which shard, by content: names may be exchanged, or count shards wrongly.

A few tensors of every shard are held against every data file of the save. Used where the files
under the expected names do not fit.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tfrepair.api.checkup.readings import final_name, fits, sample_of
from tfrepair.wire.bundle_index import BundleIndex

_MAX_SHARDS = 128
"""More shards are not tried: the work grows with the square of their number."""


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
