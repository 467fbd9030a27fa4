"""The verdict on a file that is a save by itself: ``.npy``, ``.npz``, a pickle, whatever is read.

Asks the readers, so that a format which a reader learns is checked at once. A file that no reader
takes is described by its first bytes.
"""

from pathlib import Path

from tfrepair.api.checkup.implausible import implausible
from tfrepair.api.checkup.inventory import step_of
from tfrepair.api.checkup.keras_traps import keras_traps
from tfrepair.api.checkup.stand_ins import EMPTY, stand_in
from tfrepair.api.checkup.verdicts import SaveCheckup, State, TensorVerdict, cause
from tfrepair.core.errors import SourceError, Truncated, Unrecognised
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Health, Tensor, TensorStore
from tfrepair.readers.base import look_at
from tfrepair.readers.registry import open_source
from tfrepair.readers.signatures import describe

SUFFIXES = frozenset(
    {".npy", ".npz", ".pkl", ".pickle", ".h5", ".hdf5", ".keras", ".ckpt", ".safetensors"}
)
"""Files that are looked into when a folder is checked; a file that is given always is."""

_READ = frozenset({".npy", ".npz", ".pkl", ".pickle"})
_DAMAGED = ("unknown bytes", "a damaged", "a file that cannot")
_COPY = "copy it again from where it was saved"


def check_file(path: Path) -> SaveCheckup:
    """Judge one file; reads all of it, never raises on malformed bytes."""
    instead = stand_in(path)
    if instead is not None:
        state = State.EMPTY if instead is EMPTY else State.UNREADABLE
        return _checkup(path, "", state, (), (instead.cause(path),))
    try:
        store = open_source(path)
    except Unrecognised as error:
        return _unrecognized(path, error)
    except SourceError as error:
        found = cause("unreadable", path, error.message, error.remedy or _COPY)
        return _checkup(path, "", State.UNREADABLE, (), (found,))
    return _of_store(path, store)


def _of_store(path: Path, store: TensorStore) -> SaveCheckup:
    strange: list[str] = []
    tensors = tuple(_judged(tensor, strange) for tensor in store)
    causes = [found for found in store.findings if found.severity is not Severity.NOTE]
    causes += keras_traps(store)
    lost = [tensor for tensor in tensors if not tensor.is_whole]
    doubted = next((t.note for t in tensors if t.health is Health.UNVERIFIED and t.note), "")
    if doubted:
        causes = [found for found in causes if found.code != "archive-checksum"]
        remedy = f"{_COPY}; all values can be read, and tfrepair diff A B compares two copies"
        causes.append(cause("changed-bytes", path, doubted, remedy))
    if lost:
        message = (
            f"{len(lost)} of {len(tensors)} tensors are not whole: {lost[0].name}: {lost[0].note}"
        )
        remedy = f"{_COPY}; tfrepair convert takes what is whole with --allow-missing"
        causes.append(cause("damaged-tensors", path, message, remedy))
    if strange:
        more = f"; {len(strange) - 1} more" if len(strange) > 1 else ""
        message = f"no checksum vouches for these values, and some stand out: {strange[0]}{more}"
        remedy = "compare with another save of the run: tfrepair diff A B"
        causes.append(cause("implausible-values", path, message, remedy, severity=Severity.WARNING))
    hurt = any(found.severity is Severity.ERROR for found in causes)
    state = State.COMPLETE
    if hurt:
        state = State.DAMAGED if len(lost) < len(tensors) else State.UNREADABLE
    elif any(tensor.health is Health.CORRECTED for tensor in tensors):
        state = State.CORRECTED
    return _checkup(path, store.format, state, tensors, tuple(causes))


def _judged(tensor: Tensor, strange: list[str]) -> TensorVerdict:
    """Read a tensor; one without a checksum is read to its end, and what stands out is noted."""
    try:
        checked = tensor.checked()
        if checked.health is Health.UNVERIFIED:
            words = implausible(tensor, tensor.fetch())
            strange += [f"{tensor.name}: {words}"] if words else []
    except SourceError as error:
        is_cut = isinstance(error, Truncated)
        health = Health.TRUNCATED if is_cut else Health.CORRUPT
        return TensorVerdict(name=tensor.name, health=health, note=error.message)
    return TensorVerdict(name=tensor.name, health=checked.health, note=checked.health_note)


def _unrecognized(path: Path, error: SourceError) -> SaveCheckup:
    """Describe a file that no reader takes: damaged, or of a format that this version lacks."""
    try:
        words, remedy = describe(look_at(path))
    except SourceError:
        words, remedy = "a file that cannot be read", error.remedy
    is_damage = path.suffix.lower() in _READ or words.startswith(_DAMAGED)
    what = "it is damaged, or not what its name says" if is_damage else "not looked into yet"
    severity = Severity.ERROR if is_damage else Severity.NOTE
    message = f"{path.name} looks like {words}; {what}"
    found = cause("unrecognized", path, message, remedy, severity=severity)
    return _checkup(path, "", State.UNREADABLE if is_damage else State.UNKNOWN, (), (found,))


def _checkup(
    path: Path,
    reader: str,
    state: State,
    tensors: tuple[TensorVerdict, ...],
    causes: tuple[Finding, ...],
) -> SaveCheckup:
    return SaveCheckup(
        path=str(path),
        format=reader,
        state=state,
        tensors=tensors,
        causes=causes,
        step=step_of(path.name),
    )
