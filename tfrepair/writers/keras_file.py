"""The writers of Keras' own files: ``.keras`` with the configuration, ``.weights.h5`` without.

Keras itself lays the file out, in the host, from the model whose variables were filled: custom
layers may store what they like, and vocabularies go along. The host makes the bytes repeatable
and says which variables Keras brings back from them; whether the bits are those that were meant
is checked with our own reader afterward. Comes after rebuild.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path

from tfrepair.core.errors import UsageError, WriteError
from tfrepair.core.receipt import Receipt
from tfrepair.core.state import State
from tfrepair.tfhost.protocol import Host, SaveRequest
from tfrepair.wire.hdf5_superblock import SIGNATURE
from tfrepair.writers.names import KERAS, KERAS_WEIGHTS
from tfrepair.writers.staging import Kind
from tfrepair.writers.value_files import Step, value_files

FRAMEWORKS = ("keras3", "keras2")
"""Architectures that have such files; see ``Architecture.framework``."""
_CONFIG = "config.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class KerasWriter:
    """One of Keras' formats.

    Attributes
    ----------
    name
        What ``--to`` takes.
    description
        One line for people.
    suffix
        How the file's name must end: Keras opens no other.
    kind
        What the output is, for what it may replace.
    """

    name: str
    description: str
    suffix: str
    kind: Kind

    def require_name(self, out: Path) -> None:
        """Refuse a name that Keras would not open.

        Raises
        ------
        UsageError
            Naming the ending.
        """
        if not out.name.endswith(self.suffix):
            message = f"{out}: Keras opens such a file only if its name ends in {self.suffix}"
            raise UsageError(message, remedy=f"for example {out.name.split('.')[0]}{self.suffix}")

    def write(
        self, state: State, host: Host, stage: Path, *, keep_state: bool, note: str, step: Step
    ) -> tuple[Path, Receipt]:
        """Write the architecture that the host described last, filled with a state.

        Parameters
        ----------
        state
            Values; variables without one keep what the architecture gives them.
        host
            Has described the architecture.
        stage
            Directory to work in.
        keep_state
            For a live model: keep optimizer, seeds and metrics.
        note
            JSON text that the file is to carry about its own history.
        step
            Told about progress.

        Returns
        -------
        The file, and what Keras brings back from it.

        Raises
        ------
        WriteError
            If the host wrote no file.
        """
        file = stage / f"model{self.suffix}"
        values = value_files(state, stage, step)
        receipt = host.save_keras(
            SaveRequest(file=str(file), values=values, keep_state=keep_state, note=note)
        )
        if not file.is_file():
            message = f"Keras wrote no file for --to {self.name}"
            raise WriteError(message, remedy="please report this with the architecture")
        return file, receipt


def _is_archive(path: Path) -> bool:
    if not path.is_file() or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return _CONFIG in archive.namelist()


def _is_hdf5(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(SIGNATURE)) == SIGNATURE


def keras_archive() -> KerasWriter:
    """Return the writer of ``.keras``."""
    return KerasWriter(
        name=KERAS,
        description="Keras archive (.keras): configuration, weights and optimizer",
        suffix=".keras",
        kind=Kind(name=".keras archive", is_directory=False, recognizes=_is_archive),
    )


def keras_weights() -> KerasWriter:
    """Return the writer of ``.weights.h5``."""
    return KerasWriter(
        name=KERAS_WEIGHTS,
        description="Keras weights file (.weights.h5): weights and optimizer",
        suffix=".weights.h5",
        kind=Kind(name="HDF5 file", is_directory=False, recognizes=_is_hdf5),
    )
