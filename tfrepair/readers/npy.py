"""Reader of single ``.npy`` files: plain arrays, and pickled lists and dicts in object arrays.

Knows that the magic bytes make a ``.npy``, whatever the suffix. Plain arrays stay in the file
until they are fetched; an object array is a pickle, which has to be read whole.
"""

from dataclasses import dataclass
from pathlib import Path

from tfrepair.core.tensor import Limits, TensorStore
from tfrepair.readers.base import Candidate
from tfrepair.readers.stores import store_of
from tfrepair.readers.streams import file_stream, read_arrays
from tfrepair.wire.npy import MAGIC


@dataclass(frozen=True, slots=True, kw_only=True)
class NpyReader:
    """A list saved with ``numpy.save``, a dict in a 0-d object array, or one array."""

    name: str = "npy"
    description: str = ".npy: one array, or a pickled list or dict of arrays"

    def recognizes(self, candidate: Candidate) -> bool:
        """Return whether the file begins as a ``.npy`` array does."""
        return candidate.head.startswith(MAGIC)

    def open(self, path: Path, *, limits: Limits) -> TensorStore:
        """Read the headers; of object arrays everything.

        Raises
        ------
        SourceError
            If the file is damaged or asks for code.
        """
        tree, findings = read_arrays(file_stream(path), limits=limits)
        return store_of(
            tree, reader=self.name, path=path, files=(path,), limits=limits, findings=findings
        )
