"""Use case: hold a SavedModel against what it should be."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from tfrepair.api.options import Progress, silent
from tfrepair.api.sources import open_store
from tfrepair.core.assembly import value_of
from tfrepair.core.digest import array_digest
from tfrepair.core.errors import VerifyError
from tfrepair.core.plan import Match, Plan
from tfrepair.core.receipt import Receipt, WrittenVariable
from tfrepair.core.tensor import SourceName, Tensor
from tfrepair.core.verdict import Check, Verdict
from tfrepair.tfhost.client import ChildHost
from tfrepair.verify.bits import check_bits
from tfrepair.verify.forward import LIVE_TOLERANCE, TOLERANCE, check_forward
from tfrepair.verify.structure import check_structure

_RECORD = Path("assets.extra") / "tfrepair.json"


def verify_written(model: Path, receipt: Receipt, *, keras: int, is_live: bool = False) -> Verdict:
    """Check a model that was just exported: structure, every bit by name, one forward pass."""
    checks = [*check_structure(model), *check_bits(model, receipt.variables)]
    worst: float | None = None
    batches: tuple[int, ...] = ()
    if receipt.probe:
        with ChildHost(keras=keras) as host:
            forward, worst, batches = check_forward(
                model,
                Path(receipt.probe),
                host,
                is_random=bool(receipt.probe_note),
                tolerance=LIVE_TOLERANCE if is_live else TOLERANCE,
            )
        checks += forward
    return Verdict(
        checks=tuple(within(model, check) for check in checks),
        forward_max_abs=worst,
        forward_signature="serving_default" if batches else "",
        forward_batches=batches,
        forward_note=receipt.probe_note,
    )


def within(model: Path, check: Check) -> Check:
    """Say where inside the model: its own place is a stage, which is another in every run."""
    where, detail = (
        text.replace(f"{model}/", "").replace(str(model), "")
        for text in (check.where, check.detail)
    )
    return replace(check, where=where, detail=detail)


def verify(
    model: str | Path, *, against: str | Path | None = None, progress: Progress = silent
) -> Verdict:
    """Check a SavedModel that tfrepair wrote; no TensorFlow.

    Parameters
    ----------
    model
        Its directory.
    against
        The source it was made from: every value is computed again and compared bit by bit.
    progress
        Told how many variables were read, and how many values compared.

    Raises
    ------
    VerifyError
        If the directory carries no readable record of what it should hold.
    """
    directory = Path(model)
    expected, plan = _record(directory)
    checks = [
        *check_structure(directory),
        *check_bits(directory, expected, partial(progress, "read")),
    ]
    if against is not None:
        checks += _against(Path(against), plan, expected, partial(progress, "compare"))
    return Verdict(checks=tuple(checks))


def _record(directory: Path) -> tuple[tuple[WrittenVariable, ...], Plan]:
    path = directory / _RECORD
    remedy = "only SavedModels written by tfrepair say what they should hold"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        expected = tuple(WrittenVariable.from_json(entry) for entry in record["variables"])
        return expected, Plan.from_json(record["plan"])
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise VerifyError(message, remedy=remedy) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        message = f"{path}: not a record of tfrepair: {type(error).__name__}: {error}"
        raise VerifyError(message, remedy=remedy) from error


def _against(
    source: Path,
    plan: Plan,
    expected: tuple[WrittenVariable, ...],
    progress: Callable[[int, int], None],
) -> tuple[Check, ...]:
    tensors = open_store(source).by_name
    written = {variable.path: variable for variable in expected}
    checks = []
    for done, match in enumerate(plan.matches):
        progress(done, len(plan.matches))
        checks.append(_compared(match, tensors, written.get(match.target)))
    return tuple(checks)


def _compared(
    match: Match, tensors: Mapping[SourceName, Tensor], written: WrittenVariable | None
) -> Check:
    """Compute a value again and hold it against the bits that were written."""
    name = ", ".join(dict.fromkeys(match.sources))
    absent = [source for source in match.sources if source not in tensors]
    detail, passed = "", False
    if absent:
        detail = f"the source has no {absent[0]}"
    elif written is None:
        detail = "the record has a source for it, but no digest"
    else:
        try:
            parts = [(transform, tensors[source].fetch) for source, transform in match.edges]
            have = array_digest(value_of(parts, written.shape, written.dtype))
            passed = have == written.sha256
            detail = f"{'equal to' if passed else 'differs from'} {name}"
        except (ValueError, TypeError, IndexError) as error:
            shapes = ", ".join(str(tensors[source].shape) for source in match.sources)
            detail = f"{name} {shapes} cannot be converted as the record says: {error}"
    return Check(name="source", passed=passed, detail=detail, where=match.target)
