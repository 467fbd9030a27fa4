"""One forward pass of the output in a process that never saw the model's code.

Compares what ``serving_default`` gives there with what the model gave in memory at export time.
Knows the probe file, not the model.
"""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from tfrepair.core.errors import HostError
from tfrepair.core.tensor import Array
from tfrepair.core.verdict import Check
from tfrepair.tfhost.protocol import ForwardRequest, Host

TOLERANCE = 1e-6
"""Largest difference relative to the output's scale: the graph may fuse what eager code did not."""

LIVE_TOLERANCE = 1e-4
"""The same for a live model: its process may use other kernels, or a graphics card."""

_SETS = ("", "1")


def check_forward(
    model: Path, probe: Path, host: Host, *, is_random: bool, tolerance: float = TOLERANCE
) -> tuple[tuple[Check, ...], float | None, tuple[int, ...]]:
    """Run the probe through the SavedModel.

    Parameters
    ----------
    model
        The SavedModel's directory.
    probe
        ``.npz`` with ``in/<name>``, ``out/<name>`` and optionally ``in1/``, ``out1/``.
    host
        A host that has not described the model.
    is_random
        True if the model draws random numbers when serving: then only shapes are compared.
    tolerance
        Largest difference allowed, relative to the output's scale.

    Returns
    -------
    Checks, the largest absolute difference (``None`` if nothing ran), and the batch sizes.
    """
    checks: list[Check] = []
    worst: float | None = None
    batches: list[int] = []
    for mark in _SETS:
        inputs, expected = _members(probe, f"in{mark}/"), _members(probe, f"out{mark}/")
        if not expected:
            continue
        batch = next((int(value.shape[0]) for value in inputs.values() if value.ndim), 1)
        where = f"serving_default, batch {batch}"
        try:
            found = _run(model, inputs, host, probe.with_name(f"served{mark}"))
        except HostError as error:
            checks.append(Check(name="forward", passed=False, detail=str(error), where=where))
            continue
        batches.append(batch)
        check, difference = _compared(
            expected, found, where, is_random=is_random, tolerance=tolerance
        )
        checks.append(check)
        if difference is not None:
            worst = difference if worst is None else max(worst, difference)
    return tuple(checks), worst, tuple(batches)


def _run(model: Path, inputs: dict[str, Array], host: Host, base: Path) -> dict[str, Array]:
    given, served = base.with_suffix(".in.npz"), base.with_suffix(".out.npz")
    members: dict[str, Any] = {f"in/{name}": value for name, value in inputs.items()}
    np.savez(given, **members)
    host.forward(
        ForwardRequest(
            saved_model=str(model),
            signature="serving_default",
            inputs=str(given),
            outputs=str(served),
        )
    )
    return _members(served, "out/")


def _members(path: Path, prefix: str) -> dict[str, Array]:
    """Return the arrays below a prefix; our own files hold plain arrays only."""
    found: dict[str, Array] = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.startswith(prefix):
                with archive.open(name) as member:
                    key = name.removeprefix(prefix).removesuffix(".npy")
                    found[key] = np.lib.format.read_array(member, allow_pickle=False)
    return found


def _compared(
    expected: dict[str, Array],
    found: dict[str, Array],
    where: str,
    *,
    is_random: bool,
    tolerance: float,
) -> tuple[Check, float | None]:
    if set(expected) != set(found):
        detail = f"outputs {sorted(found)}, expected {sorted(expected)}"
        return Check(name="forward", passed=False, detail=detail, where=where), None
    shapes = [
        f"{name} is {found[name].shape}, expected {value.shape}"
        for name, value in expected.items()
        if found[name].shape != value.shape
    ]
    if shapes:
        return Check(name="forward", passed=False, detail="; ".join(shapes), where=where), None
    if is_random:
        detail = "the model draws random numbers when serving: shapes agree, values not compared"
        return Check(name="forward", passed=True, detail=detail, where=where), None
    differences = {name: _difference(value, found[name]) for name, value in expected.items()}
    worst = max((absolute for absolute, _ in differences.values()), default=0.0)
    bad = [name for name, (_, relative) in differences.items() if not relative <= tolerance]
    detail = f"largest difference {worst:g}"
    if bad:
        detail += f", above {tolerance:g} of the scale for {', '.join(sorted(bad))}"
    return Check(name="forward", passed=not bad, detail=detail, where=where), worst


def _difference(one: Array, other: Array) -> tuple[float, float]:
    """Return the largest absolute difference, and the same relative to the scale (at least 1)."""
    if one.dtype.kind not in "fiuc":
        same = bool(np.array_equal(one, other))
        return (0.0, 0.0) if same else (np.inf, np.inf)
    wide = np.complex128 if one.dtype.kind == "c" else np.float64
    left, right = one.astype(wide), other.astype(wide)
    same_place = (left == right) | (np.isnan(left) & np.isnan(right))
    if bool(np.all(same_place)):
        return 0.0, 0.0
    gap = np.abs(np.where(same_place, 0, left - right))
    worst = float(np.max(gap))
    scale = float(np.max(np.abs(left), where=np.isfinite(left), initial=1.0))
    return worst, worst / scale if np.isfinite(worst) else np.inf
