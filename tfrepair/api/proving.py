"""Use case: train on from a SavedModel for some steps, and hold its losses against others.

The model trains in a child process, from a copy; the directory itself is read and never written,
which its digest shows. Comes after a conversion.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfrepair.api.calibration import data_request, require_data
from tfrepair.api.options import Progress, silent
from tfrepair.api.sources import open_store
from tfrepair.core.curves import Curve, compared
from tfrepair.core.errors import SourceError, UsageError, VerifyError
from tfrepair.planning.fresh_values import fresh_values
from tfrepair.tfhost.client import ChildHost
from tfrepair.tfhost.training_requests import DataRequest, TrainRequest

DEFAULT_STEPS = 100
ZEROS = "slots at zero"
_GRAPHS = ("saved_model.pb", "saved_model.pbtxt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What training on gave.

    Attributes
    ----------
    model
        The SavedModel.
    curve
        Its losses.
    reference
        The losses that they are held against: of another SavedModel, or of the same one with a
        fresh optimizer.
    digest
        SHA-256 over the files of the model, the same before and after.
    note
        What should be known about the data; empty if nothing.
    """

    model: str
    curve: Curve
    reference: Curve
    digest: str
    note: str = ""

    @property
    def numbers(self) -> Mapping[str, float | None]:
        """How far the two curves are apart."""
        return compared(self.curve, self.reference)

    def to_json(self) -> dict[str, Any]:
        """Return the ``tfrepair.proof/1`` object."""
        return {
            "schema": "tfrepair.proof/1",
            "exit_code": 0,
            "model": self.model,
            "digest": self.digest,
            "steps": len(self.curve.losses),
            "curve": self.curve.to_json(),
            "reference": self.reference.to_json(),
            **self.numbers,
            "note": self.note,
        }


def prove(
    model: str | Path,
    data: Any,  # noqa: ANN401 - a path, module:function, or arrays
    *,
    steps: int = DEFAULT_STEPS,
    against: str | Path | None = None,
    batch_size: int = 32,
    progress: Progress = silent,
) -> Proof:
    """Train on from a SavedModel, in memory, and compare the losses.

    Parameters
    ----------
    model
        Directory with a ``train_step`` signature.
    data
        An ``.npz`` with the inputs of ``train_step`` (``x``, ``y``), ``module:function`` that
        yields batches, or arrays.
    steps
        Updates to make; fewer if the data end before.
    against
        A SavedModel whose losses on the same batches are the reference. By default it is the same
        model with its optimizer's slots as a fresh one has them.
    batch_size
        Examples of an ``.npz`` that make a batch.
    progress
        Told about the stages.

    Raises
    ------
    UsageError
        If something named is not there, or there are no slots to compare without.
    SourceError
        If the model cannot be read.
    HostError
        If it has no training signature, or TensorFlow cannot run it.
    ArchitectureError
        If the data do not fit the signature.
    VerifyError
        If the files of a model have changed meanwhile.
    """
    if steps < 1:
        message = f"--steps {steps}: at least 1"
        raise UsageError(message, remedy="--steps 100")
    require_data(data, "--data")
    directory = _saved_model(model)
    other = None if against is None else _saved_model(against)
    assignments = () if other is not None else _fresh(directory)
    before = directory_digest(directory)
    with tempfile.TemporaryDirectory(prefix="tfrepair-") as folder:
        place = Path(folder)
        request = data_request(data, place, steps, batch_size)
        progress("train", 0, 2)
        curve, note = _trained(directory, place / "a", request, (), str(directory))
        progress("train the reference", 1, 2)
        label = ZEROS if other is None else str(against)
        reference, _ = _trained(other or directory, place / "b", request, assignments, label)
    if directory_digest(directory) != before:
        message = f"{directory}: its files have changed while it was trained from a copy"
        raise VerifyError(message, remedy="let nothing else write to it, and try again")
    shared = min(len(curve.losses), len(reference.losses))
    return Proof(
        model=str(model),
        curve=Curve(label=curve.label, losses=curve.losses[:shared]),
        reference=Curve(label=reference.label, losses=reference.losses[:shared]),
        digest=before,
        note=note,
    )


def _saved_model(path: str | Path) -> Path:
    directory = Path(path)
    if not directory.is_dir():
        message = f"{path}: there is no such directory"
        raise UsageError(message, remedy="name a SavedModel, as `tfrepair convert` writes it")
    if not any((directory / name).is_file() for name in _GRAPHS):
        message = f"{path} is no SavedModel: it has no saved_model.pb"
        raise SourceError(message, remedy="`tfrepair convert` makes one of most things")
    return directory


def _fresh(directory: Path) -> tuple[tuple[str, float | str], ...]:
    values = fresh_values(open_store(directory))
    if not values:
        message = f"{directory}: there are no slots of an optimizer, nothing to compare without"
        raise UsageError(message, remedy="give another SavedModel to compare with: --against")
    return values


def _trained(
    model: Path,
    copy: Path,
    data: DataRequest,
    assignments: tuple[tuple[str, float | str], ...],
    label: str,
) -> tuple[Curve, str]:
    """Train a copy in a process of its own, so that random numbers begin alike."""
    shutil.copytree(model, copy)
    request = TrainRequest(saved_model=str(copy), data=data, assignments=assignments)
    with ChildHost() as host:
        found = host.train(request)
    shutil.rmtree(copy)
    return Curve(label=label, losses=found.losses), found.note


def directory_digest(directory: Path) -> str:
    """Return the SHA-256 over names and bytes of all files of a directory."""
    total = hashlib.sha256()
    for path in sorted(path for path in directory.rglob("*") if path.is_file()):
        total.update(str(path.relative_to(directory)).encode() + b"\0")
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()
