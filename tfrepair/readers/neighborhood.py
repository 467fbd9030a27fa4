"""Whether the tensors of a bundle are sound on the whole, from a sample of the smallest ones.

One flipped bit in one tensor is worth correcting. Where others are damaged in ways that no
single bit explains, index and data rather belong to different saves, and any correction would be
a coincidence.
"""

from functools import cached_property
from typing import TYPE_CHECKING

from tfrepair.core.errors import SourceError
from tfrepair.wire.bundle_data import Shards, verify_bytes
from tfrepair.wire.bundle_index import BundleIndex
from tfrepair.wire.bundle_repair import corrected_bytes

if TYPE_CHECKING:
    from tfrepair.core.tensor import Health

_SAMPLE = 8
_LARGEST = 1 << 20


class Neighborhood:
    """The sample of one bundle; read when it is first asked for.

    Attributes
    ----------
    verdicts
        Verdict and reason for the tensors that were read so far, by their places for messages:
        what was read for its values need not be read again for its health.
    """

    def __init__(self, index: BundleIndex, shards: Shards) -> None:
        self._index = index
        self._shards = shards
        self.verdicts: dict[str, tuple[Health, str]] = {}

    @cached_property
    def damaged(self) -> int:
        """Number of damaged tensors among the smallest eight.

        Those that are truncated or that one flipped bit explains do not count; tensors of more
        than a megabyte are not looked at.
        """
        entries = [e for e in self._index.entries.values() if 0 < e.size <= _LARGEST]
        count = 0
        for entry in sorted(entries, key=lambda entry: entry.size)[:_SAMPLE]:
            try:
                data = self._shards.stored(entry, "")
            except SourceError:
                continue
            try:
                verify_bytes(data, entry, self._index.header, "")
            except SourceError:
                count += corrected_bytes(data, entry, self._index.header, "") is None
        return count

    @property
    def is_sound(self) -> bool:
        """True if at most one of the sample is damaged."""
        return self.damaged <= 1
