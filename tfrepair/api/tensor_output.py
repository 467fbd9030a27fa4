"""Outputs that hold tensors and no graph: written, read back, compared bit by bit, put in place."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from tfrepair.api.options import Options
from tfrepair.api.report import Report
from tfrepair.api.sources import open_store
from tfrepair.core.digest import array_digest
from tfrepair.core.errors import SourceError
from tfrepair.core.receipt import Receipt, WrittenVariable
from tfrepair.core.state import StateEntry
from tfrepair.core.tensor import Array, Tensor
from tfrepair.core.verdict import Check, Verdict
from tfrepair.writers.staging import publish, staged
from tfrepair.writers.values import NamedValue, TensorWriter


def write_tensors(report: Report, writer: TensorWriter, target: Path, options: Options) -> Report:
    """Write every value that the state has, and put it in place if it reads back as it was meant.

    Parameters
    ----------
    report
        Planned, with its state.
    writer
        Of the format to write.
    target
        Absolute path of the output.
    options
        ``overwrite`` and ``progress`` count here.

    Returns
    -------
    The report with receipt and verdict; nothing is put in place if the verdict is bad.
    """

    def step(done: int, total: int) -> None:
        options.progress("write", done, total)

    digests: dict[str, str] = {}
    values = [_value(entry, digests) for entry in report.state.filled]
    with staged(target) as stage:
        out = stage / "output"
        writer.write(values, out, step)
        written = tuple(
            WrittenVariable(
                path=entry.path,
                key=entry.path,
                shape=entry.shape,
                dtype=entry.dtype,
                sha256=digests[entry.path],
            )
            for entry in report.state.filled
        )
        options.progress("verify", 0, 0)
        verdict = Verdict(checks=_checks(out, written))
        report = replace(report, receipt=Receipt(variables=written, signatures=()), verdict=verdict)
        if verdict.passed:
            options.progress("put in place", 0, 0)
            publish(out, target, overwrite=options.overwrite, kind=writer.kind)
    return report


def _value(entry: StateEntry, digests: dict[str, str]) -> NamedValue:
    fetch = entry.fetch
    if fetch is None:
        message = f"{entry.path} has no value of its own"
        raise ValueError(message)
    return NamedValue(
        name=entry.path,
        shape=entry.shape,
        dtype=entry.dtype,
        fetch=_digesting(fetch, entry.path, digests),
    )


def _digesting(
    fetch: Callable[[], Array], name: str, digests: dict[str, str]
) -> Callable[[], Array]:
    """Return a fetch that notes the digest of what it gives."""

    def fetched() -> Array:
        array = fetch()
        digests[name] = _digest(array)
        return array

    return fetched


def _digest(array: Array) -> str:
    """Return the digest of an array's bits; of text, of its lengths and bytes."""
    if array.dtype != object:
        return array_digest(array)
    items = [bytes(item) for item in array.reshape(-1)]
    lengths = ",".join(str(len(item)) for item in items)
    return array_digest(np.frombuffer(lengths.encode() + b"".join(items), np.uint8))


def _checks(out: Path, written: tuple[WrittenVariable, ...]) -> tuple[Check, ...]:
    """Read an output back with our own reader of its format."""
    try:
        store = open_store(out)
    except SourceError as error:
        return (Check(name="read back", passed=False, detail=error.message, where=out.name),)
    stored: dict[str, Tensor] = {tensor.origin.key: tensor for tensor in store}
    stored |= {str(tensor.name): tensor for tensor in store}
    return tuple(_check(variable, stored.get(variable.key)) for variable in written)


def _check(want: WrittenVariable, have: Tensor | None) -> Check:
    passed, detail = False, "is not there"
    if have is not None:
        try:
            passed = (have.shape, _digest(have.fetch())) == (want.shape, want.sha256)
            detail = "equal bits" if passed else "differs from what was written"
        except SourceError as error:
            detail = error.message
    return Check(name="bits", passed=passed, detail=detail, where=want.path)
