"""The SavedModel writer: a state and a host become a directory and a receipt.

Values go to the host through files, one variable at a time, so that no more than the largest one
is in memory here; the host assigns them before it traces, so that nothing is baked from an
initial value. What TensorFlow exports is then written once more by our own bundle writer, and
both must agree. Comes after rebuild; :mod:`tfrepair.verify` reads the result with other code.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfrepair.core.receipt import Receipt
from tfrepair.core.state import State
from tfrepair.tfhost.protocol import ExportRequest, Host
from tfrepair.writers.value_files import Step, value_files
from tfrepair.writers.variables import fill_variables

RECORD = Path("assets.extra") / "tfrepair.json"
"""Where a SavedModel carries its own history."""


def write(
    state: State,
    host: Host,
    stage: Path,
    *,
    keep_state: bool,
    step: Step,
    schedule_offset: int = 0,
) -> Receipt:
    """Export the architecture that the host described last, filled with a state.

    Parameters
    ----------
    state
        Values; variables without one keep what the architecture gives them.
    host
        Has described the architecture.
    stage
        Directory to work in; the SavedModel is its ``model``, the probe its ``probe.npz``.
    keep_state
        For a live model: keep optimizer, seeds and metrics.
    step
        Told about progress.
    schedule_offset
        As in :class:`~tfrepair.tfhost.protocol.ExportRequest`.

    Raises
    ------
    WriteError
        If TensorFlow's bytes and ours differ.
    """
    files = value_files(state, stage, step)
    model = stage / "model"
    receipt = host.export(
        ExportRequest(
            directory=str(model),
            values=files,
            keep_state=keep_state,
            probe=str(stage / "probe.npz"),
            schedule_offset=schedule_offset,
        )
    )
    fill_variables(model, state, receipt.variables, stage / "variables")
    return receipt


def write_record(model: Path, record: Mapping[str, Any]) -> None:
    """Put the history of the values into the SavedModel, as ``assets.extra/tfrepair.json``."""
    path = model / RECORD
    path.parent.mkdir(exist_ok=True)
    text = json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
