"""Use case: hold a SavedModel against what it should be."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfrepair.api.sources import open_store
from tfrepair.core.digest import array_digest
from tfrepair.core.errors import VerifyError
from tfrepair.core.plan import Plan
from tfrepair.core.receipt import Receipt, WrittenVariable
from tfrepair.core.verdict import Check, Verdict
from tfrepair.tfhost.client import ChildHost
from tfrepair.verify.bits import check_bits
from tfrepair.verify.forward import check_forward
from tfrepair.verify.structure import check_structure

_RECORD = Path("assets.extra") / "tfrepair.json"


def verify_written(model: Path, receipt: Receipt, *, keras: int) -> Verdict:
    """Check a model that was just exported: structure, every bit by name, one forward pass."""
    checks = [*check_structure(model), *check_bits(model, receipt.variables)]
    worst: float | None = None
    batches: tuple[int, ...] = ()
    if receipt.probe:
        with ChildHost(keras=keras) as host:
            forward, worst, batches = check_forward(
                model, Path(receipt.probe), host, is_random=bool(receipt.probe_note)
            )
        checks += forward
    return Verdict(
        checks=tuple(checks),
        forward_max_abs=worst,
        forward_signature="serving_default" if batches else "",
        forward_batches=batches,
        forward_note=receipt.probe_note,
    )


def verify(model: str | Path, *, against: str | Path | None = None) -> Verdict:
    """Check a SavedModel that tfrepair wrote; no TensorFlow.

    Parameters
    ----------
    model
        Its directory.
    against
        The source it was made from: every value is computed again and compared bit by bit.

    Raises
    ------
    VerifyError
        If the directory carries no readable record of what it should hold.
    """
    directory = Path(model)
    record = _record(directory)
    expected = tuple(WrittenVariable.from_json(entry) for entry in record["variables"])
    checks = [*check_structure(directory), *check_bits(directory, expected)]
    if against is not None:
        checks += _against(Path(against), Plan.from_json(dict(record["plan"])), expected)
    return Verdict(checks=tuple(checks))


def _record(directory: Path) -> Mapping[str, Any]:
    path = directory / _RECORD
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        _ = record["variables"], record["plan"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{path}: cannot be read: {error}"
        raise VerifyError(
            message, remedy="only SavedModels written by tfrepair say what they should hold"
        ) from error
    return record


def _against(source: Path, plan: Plan, expected: tuple[WrittenVariable, ...]) -> tuple[Check, ...]:
    store = open_store(source)
    digests = {written.path: written for written in expected}
    checks = []
    for match in plan.matches:
        written = digests[match.target]
        if match.source not in store:
            detail, passed = f"the source has no {match.source}", False
        else:
            value = match.transform.run(store[match.source].fetch())
            passed = array_digest(value.astype(written.dtype, copy=False)) == written.sha256
            detail = f"equal to {match.source}" if passed else f"differs from {match.source}"
        checks.append(Check(name="source", passed=passed, detail=detail, where=match.target))
    return tuple(checks)
