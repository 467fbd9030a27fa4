"""Outputs in Keras' own formats: written by the host, read back by us, put in place."""

import json
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import tfrepair
from tfrepair.api.options import Options
from tfrepair.api.report import Report
from tfrepair.api.sources import open_store
from tfrepair.core.digest import array_digest
from tfrepair.core.errors import SourceError, UsageError
from tfrepair.core.receipt import Receipt, WrittenVariable
from tfrepair.core.state import ProvenanceKind
from tfrepair.core.tensor import Shape, Tensor
from tfrepair.core.verdict import Check, Verdict
from tfrepair.tfhost.protocol import Host
from tfrepair.writers.keras_file import FRAMEWORKS, KerasWriter
from tfrepair.writers.staging import publish, staged

_Bits = tuple[Shape, str]
_ARCHIVE = ".keras"
_LISTED = 400
"""Variables that a note names one by one; with more it only counts them."""


def write_keras(
    report: Report,
    writer: KerasWriter,
    host: Host,
    target: Path,
    options: Options,
    *,
    keep_state: bool,
) -> Report:
    """Write a Keras file, and put it in place if it reads back as it was meant.

    Parameters
    ----------
    report
        Planned, with its state.
    writer
        Of the format to write.
    host
        Has described the architecture.
    target
        Absolute path of the output.
    options
        ``overwrite`` and ``progress`` count here.
    keep_state
        For a live model: keep optimizer, seeds and metrics.

    Returns
    -------
    The report with receipt and verdict; nothing is put in place if the verdict is bad.

    Raises
    ------
    UsageError
        If the architecture is no Keras model.
    """
    architecture = report.architecture
    if architecture.framework not in FRAMEWORKS:
        message = f"--to {writer.name}: {architecture.name} is no Keras model, which only has one"
        raise UsageError(message, remedy="--to saved-model takes every architecture")

    def step(done: int, total: int) -> None:
        options.progress("prepare values", done, total)

    with staged(target) as stage:
        out, receipt = writer.write(
            report.state, host, stage, keep_state=keep_state, note=note_of(report), step=step
        )
        options.progress("verify", 0, 0)
        written, verdict = _read_back(out, receipt)
        report = replace(report, receipt=replace(receipt, variables=written), verdict=verdict)
        report = report.settled()
        if verdict.passed:
            options.progress("put in place", 0, 0)
            publish(out, target, overwrite=options.overwrite, kind=writer.kind)
    return report


def note_of(report: Report) -> str:
    """Return the history of the values, ``tfrepair.note/1``: no clock, no folders.

    Values that were not read are named; of long lists only the numbers are given.
    """
    kinds = Counter(entry.provenance.kind.value for entry in report.state.entries)
    others = {
        str(entry.path): str(entry.provenance)
        for entry in report.state.entries
        if entry.provenance.kind is not ProvenanceKind.READ
    }
    plan = report.plan
    note = {
        "schema": "tfrepair.note/1",
        "tfrepair": tfrepair.__version__,
        "source": {"name": Path(plan.source.path).name, "digest": plan.source.digest},
        "architecture": {"name": Path(plan.arch.path).name, "digest": plan.arch.digest},
        "provenance": dict(sorted(kinds.items())),
    }
    if len(others) <= _LISTED:
        note["not_read"] = others
    return json.dumps(note, ensure_ascii=False)


def _read_back(out: Path, receipt: Receipt) -> tuple[tuple[WrittenVariable, ...], Verdict]:
    """Look for the bits of every variable in the file; each array stands for one variable."""
    try:
        store = open_store(out)
    except SourceError as error:
        check = Check(name="read back", passed=False, detail=error.message, where=out.name)
        return receipt.variables, Verdict(checks=(check,))
    held: dict[_Bits, list[Tensor]] = defaultdict(list)
    checks = []
    for tensor in store:
        checked = tensor.checked()
        if checked.is_whole:
            held[tensor.shape, array_digest(tensor.fetch())].append(tensor)
        else:
            checks.append(
                Check(name="read", passed=False, detail=checked.health_note, where=tensor.name)
            )
    written = []
    for variable in receipt.variables:
        found = _taken(variable, held)
        # tf_keras keeps a learning rate in the configuration alone; Keras has brought it back.
        is_text = found is None and variable.shape == () and out.suffix == _ARCHIVE
        if is_text:
            detail = "in the configuration"
        else:
            detail = "equal bits" if found is not None else "its bits are in no array of the file"
        passed = found is not None or is_text
        checks.append(Check(name="bits", passed=passed, detail=detail, where=variable.path))
        written.append(replace(variable, key="" if found is None else found.origin.key))
    return tuple(written), Verdict(checks=tuple(checks))


def _taken(variable: WrittenVariable, held: dict[_Bits, list[Tensor]]) -> Tensor | None:
    """Take an array with these bits, the one of the same name first."""
    candidates = held.get((variable.shape, variable.sha256), [])
    if not candidates:
        return None
    named = [tensor for tensor in candidates if str(tensor.name) == str(variable.path)]
    chosen = (named or candidates)[0]
    candidates.remove(chosen)
    return chosen
