"""Makes a skeleton: two exports of one architecture with different weights, held together.

What lies outside of the variables must be the same, byte for byte, and the first, filled with the
weights of the second, must be the second. If not, the graph holds something made from weights (the
statistics of a normalization, a cached tensor), and every SavedModel has to be exported by itself.

Source: measured, ``docs/migration.md``: plain layers give equal bytes in separate processes,
normalization statistics and derived caches do not.
"""

import filecmp
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from tfrepair.api.skeletons import Made, Skeletons, inputs_of, write_note
from tfrepair.api.verification import verify_written
from tfrepair.core.architecture import Architecture, VariablePath
from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.errors import ArchitectureError, HostError, SourceError, VerifyError, WriteError
from tfrepair.core.receipt import Receipt
from tfrepair.core.state import Provenance, ProvenanceKind, State, StateEntry
from tfrepair.core.tensor import Array
from tfrepair.tfhost.client import ChildHost
from tfrepair.tfhost.protocol import ArchRequest, ExportRequest, Host, ValueFile
from tfrepair.verify.copies import frame_of
from tfrepair.wire.mapping import map_file
from tfrepair.wire.saved_model import all_nodes, read_saved_model
from tfrepair.writers.savedmodel import write
from tfrepair.writers.skeleton import Skeleton, fill
from tfrepair.writers.staging import Kind, publish, staged


def _is_skeleton(path: Path) -> bool:
    return (path / "skeleton.json").is_file()


KIND = Kind(name="skeleton", is_directory=True, recognizes=_is_skeleton)


def make(
    skeletons: Skeletons,
    request: ArchRequest,
    architecture: Architecture,
    state: State,
    host: Host,
    *,
    schedule_offset: int = 0,
) -> Made:
    """Make a skeleton and keep it.

    Parameters
    ----------
    skeletons
        Where to keep it.
    request, architecture
        What ``host`` was asked, and its answer.
    state
        Values of the first source: what is exported and run is a real model.
    host
        Has described the architecture and done nothing else.
    schedule_offset
        As in :class:`~tfrepair.tfhost.protocol.ExportRequest`.

    Returns
    -------
    The skeleton; with an obstacle if it holds for its own weights only. Starts two more processes
    of TensorFlow: one exports again, one runs the first export.

    Raises
    ------
    ArchitectureError, HostError, WriteError
        As for an export.
    VerifyError
        If the first export is not what was meant.
    """
    place = skeletons.place(request, state, schedule_offset).absolute()
    with staged(place) as stage:
        first, second = stage / "first", stage / "second"
        first.mkdir()
        second.mkdir()
        receipt = write(
            state, host, first, keep_state=False, step=_silent, schedule_offset=schedule_offset
        )
        _require_sound(first / "model", receipt, request)
        skeleton = Skeleton(folder=first, architecture=architecture, receipt=receipt)
        try:
            obstacle = _obstacle(skeleton, request, state, second, schedule_offset)
        except (ArchitectureError, HostError, WriteError, SourceError) as error:
            obstacle = f"a second export, with other weights, failed: {error.message}"
        for name in (entry for entry in first.iterdir() if entry.name != "model"):
            shutil.rmtree(name) if name.is_dir() else name.unlink()
        made = Made(
            skeleton=replace(skeleton, obstacle=obstacle),
            frame=frame_of(first / "model"),
            inputs=inputs_of(request, receipt),
        )
        write_note(first, made)
        publish(first, place, kind=KIND)
    return replace(made, skeleton=replace(made.skeleton, folder=place))


def _silent(_done: int, _total: int) -> None:
    """Tell nobody."""


def _require_sound(model: Path, receipt: Receipt, request: ArchRequest) -> None:
    verdict = verify_written(model, receipt, keras=request.keras)
    failed = [check for check in verdict.checks if not check.passed]
    if failed:
        message = "; ".join(f"{c.name} {c.where}: {c.detail}" for c in failed[:5])
        text = f"the skeleton fails {len(failed)} checks, it is not kept: {message}"
        raise VerifyError(text, remedy="convert without --skeleton, and report this")


def _obstacle(
    skeleton: Skeleton, request: ArchRequest, state: State, folder: Path, offset: int
) -> str:
    """Export once more with other weights; say what differs, or nothing.

    The same variables are assigned, so that names in the graph come out equal.
    """
    values = _other_values(state, folder)
    with ChildHost(keras=request.keras) as host:
        host.describe(request)
        receipt = host.export(
            ExportRequest(
                directory=str(folder / "model"),
                values=values,
                keep_state=False,
                probe=str(folder / "probe.npz"),
                schedule_offset=offset,
            )
        )
    keys = [
        [(v.path, v.key, v.shape, v.dtype) for v in r.variables]
        for r in (skeleton.receipt, receipt)
    ]
    if keys[0] != keys[1]:
        return "the variables depend on the weights"
    unequal = _unequal(skeleton.model, folder / "model")
    if "saved_model.pb" in unequal:
        return _constants(skeleton.model, folder / "model")
    if unequal:
        return f"{unequal[0]} depends on the weights"
    other = State(entries=tuple(_entry(value) for value in values))
    fill(skeleton, other, folder / "copy")
    unequal = _unequal(folder / "copy", folder / "model", everything=True)
    return (
        f"filled with other weights, {unequal[0]} is not what TensorFlow writes" if unequal else ""
    )


def _entry(value: ValueFile) -> StateEntry:
    return StateEntry(
        path=VariablePath(value.path),
        shape=value.shape,
        dtype=value.dtype,
        provenance=Provenance(kind=ProvenanceKind.READ),
        fetch=partial(_read, value),
    )


def _read(value: ValueFile) -> Array:
    return np.fromfile(value.file, numpy_dtype(value.dtype)).reshape(value.shape)


def _other_values(state: State, folder: Path) -> tuple[ValueFile, ...]:
    """Write other values for every variable that a state fills, one at a time."""
    values = []
    for place, entry in enumerate(state.filled):
        file = folder / f"{place}.bin"
        if entry.fetch is not None:
            np.ascontiguousarray(_other(entry.fetch(), place)).tofile(file)
        values.append(
            ValueFile(path=entry.path, file=str(file), dtype=entry.dtype, shape=entry.shape)
        )
    return tuple(values)


def _other(array: Array, seed: int) -> Array:
    """Return other values of the same type: of the same sign, and finite.

    Neither shifted nor scaled as a whole: what is made from weights may not change with that.
    """
    if array.dtype.kind == "b":
        return ~array
    if array.dtype.kind in "iu":
        return np.where(array == np.iinfo(array.dtype).max, array - 1, array + 1).astype(
            array.dtype
        )
    draw = np.random.default_rng(seed)
    wide = array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)
    wide = np.where(np.isfinite(wide), wide, 0.0)
    sign = np.where(wide.real < 0, -1.0, 1.0)
    other = wide * draw.uniform(0.5, 0.9, array.shape) + sign * draw.uniform(0.1, 0.9, array.shape)
    narrow = other.astype(array.dtype)
    return np.where(narrow == array, (sign * 1.25).astype(array.dtype), narrow)


_OF_VALUES = ("assets.extra/", "variables/", "fingerprint.pb")


def _unequal(one: Path, other: Path, *, everything: bool = False) -> list[str]:
    """Name the files that differ, or are in one only; without variables and what follows them."""
    names = [
        {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
        for root in (one, other)
    ]
    left_out = (
        ("assets.extra/",) if everything else ("assets.extra/", "variables/", "fingerprint.pb")
    )
    both = sorted(name for name in names[0] | names[1] if not name.startswith(left_out))
    return [
        name
        for name in both
        if not (one / name).is_file()
        or not (other / name).is_file()
        or not filecmp.cmp(one / name, other / name, shallow=False)
    ]


def _constants(one: Path, other: Path) -> str:
    """Say which constants of two graphs differ."""
    left, right = dict(_named_constants(one)), dict(_named_constants(other))
    names = sorted(name for name in {*left, *right} if left.get(name) != right.get(name))
    if not names:
        return "saved_model.pb depends on the weights"
    shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return f"{len(names)} constants of the graph are made from weights: {shown}"


def _named_constants(model: Path) -> Iterator[tuple[str, bytes]]:
    path = model / "saved_model.pb"
    for graph in read_saved_model(map_file(path), str(path)):
        for name, node in all_nodes(graph):
            if node.op == "Const":
                yield name, bytes(node.attributes.get("value", b""))
