"""Use cases: plan a conversion, and carry it out. Calls the stages in order."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tfrepair.api.record import record_of
from tfrepair.api.report import Outcome, Report
from tfrepair.api.sources import Reading, examined, open_store, source_reference
from tfrepair.api.verification import verify_written
from tfrepair.architecture.request import arch_request
from tfrepair.core.architecture import Architecture
from tfrepair.core.digest import array_digest
from tfrepair.core.errors import Ambiguous, Incomplete, PlanError, VerifyError
from tfrepair.core.findings import Severity
from tfrepair.core.plan import Confidence, Plan, Reference
from tfrepair.core.state import State
from tfrepair.core.tensor import TensorStore
from tfrepair.planning.build import build_plan
from tfrepair.planning.plan_file import apply_plan_file, parse_plan
from tfrepair.rebuild.apply import apply
from tfrepair.tfhost.client import ChildHost
from tfrepair.tfhost.inprocess import InProcessHost
from tfrepair.tfhost.protocol import ArchRequest, Host
from tfrepair.writers.savedmodel import write, write_record
from tfrepair.writers.staging import publish, require_free, staged

Progress = Callable[[str, int, int], None]
"""Told the stage's name, and how many of how many parts are done (``0, 0`` if unknown)."""


def _silent(_stage: str, _done: int, _total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to convert; the defaults are those of the command line.

    Attributes
    ----------
    reader
        Reader to use, ``None`` to find out by content.
    keras, input_shapes, optimizer, loss, metrics
        Go with the architecture; see :func:`tfrepair.architecture.request.arch_request`.
    sample_input
        For a live model that is not built.
    order
        List order that the user vouches for.
    plan
        Path of an edited plan file.
    allow_missing
        Write although weights have no source; they keep their initial values.
    strict
        Refuse what rests on position alone, and every loss that is known before writing.
    overwrite, dry_run
        Replace an existing SavedModel; or write nothing.
    progress
        Told about the stages.
    """

    reader: str | None = None
    keras: int = 3
    input_shapes: tuple[str, ...] = ()
    optimizer: str = ""
    loss: str = ""
    metrics: tuple[str, ...] = ()
    sample_input: Any = None
    order: str = ""
    plan: str | Path | None = None
    allow_missing: bool = False
    strict: bool = False
    overwrite: bool = False
    dry_run: bool = False
    progress: Progress = field(default=_silent, repr=False)


def convert(source: str | Path, *, arch: Any, out: str | Path, **options: Any) -> Report:  # noqa: ANN401 - a model of any framework; the keywords are those of Options
    """Turn a source into a complete SavedModel of an architecture.

    Parameters
    ----------
    source
        Weight file or folder; it is never changed.
    arch
        What ``--arch`` takes (a ``str`` or ``Path``), or a live model, which is left as it is.
    out
        Directory to write; it appears whole or not at all.
    **options
        Fields of :class:`Options`.

    Raises
    ------
    SourceError
        If the source cannot be read safely.
    ArchitectureError
        If the architecture cannot be built.
    PlanError
        If the plan is refused; nothing is written then.
    VerifyError
        If what was written is not what was meant; nothing is left in place then.
    """
    report = run_conversion(source, arch, out, Options(**options))
    if report.error is not None:
        raise report.error
    return report


def plan(source: str | Path, *, arch: Any, **options: Any) -> Plan:  # noqa: ANN401 - as for convert
    """Say which tensor would fill which weight, without writing anything.

    Parameters
    ----------
    source, arch, **options
        As for :func:`convert`.
    """
    chosen = replace(Options(**options), dry_run=True)
    return run_conversion(source, arch, "", chosen).plan


def run_conversion(source: str | Path, arch: Any, out: str | Path, options: Options) -> Report:  # noqa: ANN401 - as for convert
    """Convert; a refusal or a failed verification is in the report, other errors are raised."""
    started = time.monotonic()
    target = Path(out)
    if not options.dry_run:
        require_free(target, overwrite=options.overwrite)
    options.progress("read", 0, 0)
    store = examined(open_store(source, reader=options.reader))
    host, request = _host(arch, options)
    with host:
        options.progress("build the architecture", 0, 0)
        architecture = host.describe(request)
        options.progress("plan", 0, 0)
        planned = _plan(store, architecture, options)
        state = apply(
            planned,
            store,
            architecture,
            keeps_live_state=_is_the_live_model(planned, store, architecture),
        )
        report = Report(
            outcome=Outcome.REFUSED,
            source=str(source),
            output="" if options.dry_run else str(out),
            store=store,
            architecture=architecture,
            plan=planned,
            state=state,
            is_dry_run=options.dry_run,
        )
        refusal = _refusal(report, options)
        if refusal is not None:
            report = replace(report, error=refusal)
        elif options.dry_run:
            report = replace(report, outcome=_written_outcome(report))
        else:
            report = _written(report, host, target, options)
    return replace(report, seconds=time.monotonic() - started)


def _host(arch: Any, options: Options) -> tuple[Host, ArchRequest]:  # noqa: ANN401 - as for convert
    if isinstance(arch, str | Path):
        request = arch_request(
            str(arch),
            keras=options.keras,
            input_shapes=options.input_shapes,
            optimizer=options.optimizer,
            loss=options.loss,
            metrics=options.metrics,
        )
        return ChildHost(keras=options.keras), request
    live = ArchRequest(
        kind="live",
        location=type(arch).__name__,
        keras=options.keras,
        optimizer=options.optimizer,
        loss=options.loss,
        metrics=options.metrics,
    )
    return InProcessHost(arch, options.sample_input), live


def _plan(store: TensorStore, architecture: Architecture, options: Options) -> Plan:
    edited = None
    order = options.order
    if options.plan is not None:
        edited = parse_plan(_plan_text(Path(options.plan)), str(options.plan))
        order = order or edited.convention
    fresh = build_plan(store, architecture, Reading(store), order=order).with_references(
        source_reference(store),
        Reference(path=Path(architecture.source).name, digest=architecture.digest),
    )
    return fresh if edited is None else apply_plan_file(edited, fresh, store, architecture)


def _plan_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path}: cannot be read as a plan: {error}"
        raise PlanError(message, remedy="make one with `tfrepair plan -o plan.toml`") from error


def _is_the_live_model(planned: Plan, store: TensorStore, architecture: Architecture) -> bool:
    """Tell whether a live model already holds exactly what the source holds."""
    if not architecture.is_live or not planned.is_complete:
        return False
    digests = {variable.path: variable.initial_digest for variable in architecture.weights}
    return all(
        array_digest(match.transform.run(store[match.source].fetch())) == digests[match.target]
        for match in planned.matches
    )


def _refusal(report: Report, options: Options) -> PlanError | None:
    planned = report.plan
    total = len(report.architecture.weights)
    if planned.ties:
        tied = sum(len(tie.targets) for tie in planned.ties)
        message = f"{tied} of {total} weights have several sources and nothing decides"
        return Ambiguous(message, remedy=_advice(report))
    if planned.missing and not options.allow_missing:
        message = f"{len(planned.missing)} of {total} weights have no source"
        return Incomplete(message, remedy=_advice(report))
    if total and not planned.matches:
        message = "no tensor of the source fits any weight: there is nothing to write"
        return Incomplete(message, remedy=_advice(report))
    if not options.strict:
        return None
    by_order = report.count(Confidence.ORDER)
    if by_order:
        message = f"--strict: {by_order} of {total} weights rest on their position alone"
        return Ambiguous(message, remedy="write a plan, check it, and convert with --plan")
    if report.losses:
        message = f"--strict: {len(report.losses)} losses, the first: {report.losses[0].message}"
        return Incomplete(message, remedy=report.losses[0].remedy)
    return None


def _advice(report: Report) -> str:
    """Return the first remedy that planning itself found, else the general one."""
    for finding in report.plan.findings:
        if finding.severity in (Severity.ERROR, Severity.LOSS) and finding.remedy:
            return finding.remedy
    return (
        "write a plan with `tfrepair plan -o plan.toml`, edit [map], and convert with --plan; "
        "or --allow-missing to keep initial values"
    )


def _written_outcome(report: Report) -> Outcome:
    return Outcome.LOSSY if report.plan.missing or report.losses else Outcome.COMPLETE


def _written(report: Report, host: Host, target: Path, options: Options) -> Report:
    def step(done: int, total: int) -> None:
        options.progress("prepare values", done, total)

    with staged(target.absolute()) as stage:
        keep = _keeps_state(report.state)
        receipt = write(report.state, host, stage, keep_state=keep, step=step)
        report = replace(report, receipt=receipt)
        model = stage / "model"
        write_record(model, record_of(report))
        options.progress("verify", 0, 0)
        verdict = verify_written(model, receipt, keras=options.keras)
        report = replace(report, verdict=verdict)
        if not verdict.passed:
            failed = [check for check in verdict.checks if not check.passed]
            message = "; ".join(f"{c.name} {c.where}: {c.detail}" for c in failed[:5])
            error = VerifyError(
                f"{len(failed)} checks failed, nothing was put in place: {message}",
                remedy="please report this with the output of --json",
            )
            return replace(report, outcome=Outcome.FAILED, error=error)
        options.progress("put in place", 0, 0)
        publish(model, target.absolute())
    return replace(report, outcome=_written_outcome(report))


def _keeps_state(state: State) -> bool:
    return any(entry.provenance.detail == "live model" for entry in state.entries)
