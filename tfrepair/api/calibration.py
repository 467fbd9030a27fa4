"""Estimates lost slots of an optimizer from data, between planning and writing.

Hands the planned values to the host, which runs the batches, and puts what comes back into the
state. Comes before the writers.
"""

import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tfrepair.api.options import Options
from tfrepair.api.report import Report
from tfrepair.core.architecture import Architecture, VariablePath
from tfrepair.core.calibration import SlotTask
from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.errors import UsageError
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.plan import Plan
from tfrepair.core.tensor import Array
from tfrepair.planning.estimates import fresh_start, settled, slot_tasks, with_estimates
from tfrepair.planning.step_counts import OPTIMIZER
from tfrepair.planning.wanted_optimizer import wanted_optimizer
from tfrepair.rebuild.estimates import with_estimated
from tfrepair.tfhost.protocol import (
    Calibrated,
    CalibrateRequest,
    Host,
    ValueFile,
)
from tfrepair.tfhost.training_requests import DataRequest
from tfrepair.writers.value_files import value_files

_ARCHIVE = ".npz"


class Folder:
    """A temporary folder that goes with the last value that lies in it."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="tfrepair-"))
        self._end = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Value:
    """An array in a file of a folder that stays as long as this does."""

    file: ValueFile
    folder: Folder

    def __call__(self) -> Array:
        array = np.fromfile(self.file.file, numpy_dtype(self.file.dtype))
        return array.reshape(self.file.shape)


def require_data(data: object, option: str) -> None:
    """Refuse data that can be seen to be none before anything is started.

    Parameters
    ----------
    data
        ``None``; the name of an ``.npz``; ``module:function``; arrays by name, or ``(x, y)``.
    option
        What it was given as, for messages.

    Raises
    ------
    UsageError
        If there is no such file, or the name is of neither form.
    """
    if data is None or not isinstance(data, str | Path):
        return
    text = str(data)
    remedy = f"{option} data.npz with arrays x and y, or {option} data.py:batches"
    if text.endswith(_ARCHIVE):
        if not Path(text).is_file():
            message = f"{option} {text}: there is no such file"
            raise UsageError(message, remedy=remedy)
        return
    place, colon, name = text.rpartition(":")
    if not colon or not place or place.endswith(_ARCHIVE) or not name.isidentifier():
        message = f"{option} {text}: neither an .npz nor module:function"
        raise UsageError(message, remedy=remedy)
    if place.endswith(".py") and not Path(place).is_file():
        message = f"{option} {text}: there is no file {place}"
        raise UsageError(message, remedy=remedy)


def data_request(data: object, folder: Path, batches: int, batch_size: int) -> DataRequest:
    """Return the data as a request; arrays in memory are written to the folder."""
    if isinstance(data, str | Path):
        location = str(data)
    else:
        arrays = data if isinstance(data, Mapping) else dict(zip("xy", _pair(data), strict=False))
        location = str(folder / "data.npz")
        members: dict[str, Any] = {name: np.asarray(value) for name, value in arrays.items()}
        np.savez(location, **members)
    return DataRequest(location=location, batches=batches, batch_size=batch_size)


def _pair(data: object) -> tuple[Any, ...]:
    if isinstance(data, tuple) and 1 <= len(data) <= 2:
        return data
    message = f"calibration={type(data).__name__}: expected a path, module:function, arrays by name"
    raise UsageError(message, remedy="calibration=(x, y), or {'x': x, 'y': y}")


def with_planned_estimates(plan: Plan, architecture: Architecture, options: Options) -> Plan:
    """Let what a plan starts afresh be estimated, if data are given; else say that it does."""
    if options.calibration is None:
        return replace(plan, findings=(*plan.findings, *fresh_start(plan, architecture)))
    found = with_estimates(plan, architecture, options.calibration_batches)
    if found is not plan:
        return found
    note = Finding(
        code="calibration-not-needed",
        severity=Severity.NOTE,
        where=OPTIMIZER,
        message="--calibration changes nothing: no slot is lost that data could give a value",
    )
    return replace(plan, findings=(*plan.findings, note))


def labeled(report: Report) -> Report:
    """Say in a planned state what will be estimated."""
    optimizer = report.plan.optimizer
    if optimizer is None or not optimizer.estimated:
        return report
    return replace(report, state=with_estimated(report.state, optimizer, {}, "data"))


def calibrated(report: Report, host: Host, options: Options) -> Report:
    """Estimate what a plan says is to be estimated.

    Parameters
    ----------
    report
        Planned, with its state.
    host
        Has described the architecture.
    options
        ``calibration``, ``calibration_batches``, ``calibration_batch_size`` and ``progress``
        count here.

    Raises
    ------
    ArchitectureError
        If the model cannot be trained, or the data do not fit it.
    """
    plan, optimizer = report.plan, report.plan.optimizer
    tasks = slot_tasks(plan, report.architecture)
    if options.calibration is None or optimizer is None or not optimizer.estimated:
        return report
    options.progress("estimate the optimizer's state", 0, 0)
    folder = Folder()
    wanted = wanted_optimizer(report.architecture)
    counter = None if wanted is None or wanted.steps is None else wanted.steps.path
    data = data_request(
        options.calibration,
        folder.path,
        options.calibration_batches,
        options.calibration_batch_size,
    )
    found = host.calibrate(
        CalibrateRequest(
            values=value_files(report.state, folder.path, _silent),
            tasks=tasks,
            data=data,
            folder=str(folder.path),
            counter=counter or "",
            steps=optimizer.steps,
            follows=tuple(entry for entry in optimizer.rebuilt if entry.inputs),
        )
    )
    values = {VariablePath(file.path): _Value(file, folder) for file in found.values}
    return _with_values(report, found, tasks, values, counter)


def _silent(_done: int, _total: int) -> None:
    """Tell nobody."""


def _with_values(
    report: Report,
    found: Calibrated,
    tasks: tuple[SlotTask, ...],
    values: Mapping[VariablePath, Callable[[], Array]],
    counter: VariablePath | None,
) -> Report:
    plan, optimizer = report.plan, report.plan.optimizer
    if optimizer is None:
        return report
    detail = words_of(found)
    replaced = set(values)
    if found.counter is not None and counter is not None:
        optimizer = settled(optimizer, counter, found.counter)
        replaced.add(counter)
    plan = replace(
        plan,
        optimizer=optimizer,
        matches=tuple(match for match in plan.matches if match.target not in replaced),
    )
    if found.note:
        note = Finding(
            code="calibration-data", severity=Severity.NOTE, where=OPTIMIZER, message=found.note
        )
        plan = replace(plan, findings=(*plan.findings, note))
    scaled = f"scaled to step {found.counter}"
    state = with_estimated(report.state, optimizer, values, detail, scaled)
    return replace(report, plan=plan, state=state)


def words_of(found: Calibrated) -> str:
    """Return what an estimate rests on, for its provenance."""
    total = found.frozen + found.rehearsed
    if found.by_ratio:
        return f"data: {total} batches, by the ratio of known slots"
    if not found.frozen:
        return f"data: {total} batches rehearsed"
    rehearsed = f", {found.rehearsed} of them rehearsed" if found.rehearsed else ""
    return f"data: {total} batches{rehearsed}"
