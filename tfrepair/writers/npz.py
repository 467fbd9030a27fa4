"""The ``.npz`` writer: one ``.npy`` member for each tensor, uncompressed, under its own name.

Times in the archive are fixed, so that the same values give the same bytes.
"""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfrepair.core.dtypes import UNSIZED
from tfrepair.core.errors import WriteError
from tfrepair.writers.staging import Kind
from tfrepair.writers.values import NamedValue, Step


def _is_npz(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return all(name.endswith(".npy") for name in archive.namelist())


_KIND = Kind(name=".npz archive", is_directory=False, recognizes=_is_npz)
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip archive can state."""


@dataclass(frozen=True, slots=True)
class NpzWriter:
    """Writes NumPy archives; ``numpy.load`` reads them without unpickling."""

    name: str = "npz"
    description: str = "NumPy archive, one member for each tensor"
    kind: Kind = _KIND

    def write(self, values: Sequence[NamedValue], out: Path, step: Step) -> None:
        """Write the archive.

        Raises
        ------
        WriteError
            For text tensors, which NumPy would have to pickle.
        """
        texts = [value.name for value in values if value.dtype in UNSIZED]
        if texts:
            message = f"{out.name}: .npz holds no text without pickling it: {', '.join(texts[:5])}"
            raise WriteError(message, remedy="write a checkpoint: --to checkpoint")
        with zipfile.ZipFile(out, "x", zipfile.ZIP_STORED, allowZip64=True) as archive:
            for place, value in enumerate(values):
                member = zipfile.ZipInfo(f"{value.name}.npy", date_time=_EPOCH)
                with archive.open(member, "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, value.fetch(), allow_pickle=False)
                step(place + 1, len(values))
