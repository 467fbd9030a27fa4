"""What lies around a save: its siblings, and the save that the state file names."""

from collections.abc import Iterator
from dataclasses import dataclass

from tfrepair.api.checkup.inventory import Fileset, Folder, size_of, step_of
from tfrepair.api.checkup.readings import open_index
from tfrepair.core.errors import SourceError
from tfrepair.wire.bundle_index import BundleIndex

_MAX_SIBLINGS = 24
"""Siblings that are looked at, the nearest by step first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The folder of a save.

    Attributes
    ----------
    folder
        Everything in it.
    named
        Name of the prefix that the state file names; empty if it names none here.
    """

    folder: Folder
    named: str = ""

    def siblings(self, fileset: Fileset) -> Iterator[tuple[Fileset, BundleIndex]]:
        """Yield other saves of the folder with a readable index, the nearest by step first."""
        step = step_of(fileset.prefix.name) or 0

        def distance(other: Fileset) -> tuple[int, str]:
            return abs((step_of(other.prefix.name) or 0) - step), other.prefix.name

        others = [f for f in self.folder.filesets if f.prefix != fileset.prefix and f.index]
        for other in sorted(others, key=distance)[:_MAX_SIBLINGS]:
            if other.index is None or size_of(other.index) <= 0:
                continue
            try:
                yield other, open_index(other.index)
            except SourceError:
                continue
