"""Use cases: plan a conversion, and carry it out. Calls the stages in order."""

import time
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Unpack

from tfrepair.api.architectures import Chosen, choose
from tfrepair.api.calibration import (
    calibrated,
    labeled,
    require_data,
    with_planned_estimates,
)
from tfrepair.api.copying import copied
from tfrepair.api.donors import open_donors, with_donors
from tfrepair.api.keras_output import write_keras
from tfrepair.api.moves import with_moves
from tfrepair.api.optimizers import (
    asked_settings,
    origins_of,
    table_of,
    with_graph,
    with_optimizer,
)
from tfrepair.api.options import ConvertKeywords, Options, PlanKeywords
from tfrepair.api.output import output_path, require_apart
from tfrepair.api.plans import load_plan
from tfrepair.api.record import record_of
from tfrepair.api.refusal import refusal_of
from tfrepair.api.report import Outcome, Report
from tfrepair.api.skeleton_host import SkeletonHost, with_skeletons
from tfrepair.api.skeletons import Skeletons
from tfrepair.api.sources import (
    Reading,
    examined,
    open_known,
    source_reference,
)
from tfrepair.api.tensor_output import write_tensors
from tfrepair.api.verification import verify_written
from tfrepair.architecture.request import DEFAULT_KERAS
from tfrepair.core.architecture import Architecture
from tfrepair.core.assembly import value_of
from tfrepair.core.digest import array_digest
from tfrepair.core.optimizer_plan import Setting
from tfrepair.core.plan import Match, Plan, Reference
from tfrepair.core.state import State
from tfrepair.core.tensor import Array, TensorStore
from tfrepair.planning.build import build_plan
from tfrepair.planning.edited import apply_plan_file
from tfrepair.planning.optimizer_choice import Choice
from tfrepair.planning.optimizer_findings import without_loss
from tfrepair.planning.optimizer_table import changed_settings
from tfrepair.rebuild.apply import apply
from tfrepair.tfhost.protocol import ArchRequest, Host
from tfrepair.writers.names import SAVED_MODEL
from tfrepair.writers.registry import keras_writer_named, kind_named, writer_named
from tfrepair.writers.savedmodel import write, write_record
from tfrepair.writers.staging import publish, require_free, staged


def convert(
    source: str | Path,
    *,
    arch: Any = None,  # noqa: ANN401 - a model of any framework
    out: str | Path,
    **options: Unpack[ConvertKeywords],
) -> Report:
    """Turn a source into a complete SavedModel of an architecture, or into a file of tensors.

    Parameters
    ----------
    source
        Weight file or folder; it is never changed.
    arch
        What ``--arch`` takes (a ``str`` or ``Path``), or a live model, which is left as it is.
        May be left out where the source carries it (a Keras file of a whole model, a SavedModel
        of tf.keras, a checkpoint with its ``.meta``), and with ``to="checkpoint"``, ``"npz"`` or
        ``"safetensors"``: the tensors of the source are then written under their own names.
    out
        Directory or file to write; it appears whole or not at all.
    **options
        Fields of :class:`~tfrepair.api.options.Options`.

    Returns
    -------
    What became of every weight; ``report.exit_code`` is 3 if something is lost that is listed.

    Raises
    ------
    UsageError
        For options that contradict each other or name nothing.
    SourceError
        If the source cannot be read safely.
    ArchitectureError
        If the architecture cannot be built.
    HostError
        If the process that runs TensorFlow dies.
    PlanError
        If the plan is refused; nothing is written then.
    WriteError
        If ``out`` exists, or cannot be written; it is as it was then.
    VerifyError
        If what was written is not what was meant; nothing is left in place then.
    """
    report = run_conversion(source, arch, out, Options(**options))
    if report.error is not None:
        raise report.error
    return report


def plan(source: str | Path, *, arch: Any = None, **options: Unpack[PlanKeywords]) -> Plan:  # noqa: ANN401 - as for convert
    """Say which tensor would fill which weight, without writing anything.

    Parameters
    ----------
    source, arch, **options
        As for :func:`convert`.

    Returns
    -------
    The plan, also if it has ties or gaps; :func:`tfrepair.save_plan` writes it to be edited.

    Raises
    ------
    UsageError, SourceError, ArchitectureError, HostError
        As for :func:`convert`.
    PlanError
        If a plan file was given and does not fit.
    """
    chosen = replace(Options(**options), dry_run=True)
    return run_conversion(source, arch, "", chosen).plan


def run_conversion(
    source: str | Path,
    arch: Any,  # noqa: ANN401 - as for convert
    out: str | Path,
    options: Options,
    *,
    skeletons: Skeletons | None = None,
) -> Report:
    """Convert; a refusal or a failed verification is in the report, other errors are raised.

    ``skeletons`` takes the place of those that the options name.
    """
    started = time.monotonic()
    target = output_path(out)
    require_data(options.calibration, "--calibration")
    keras = keras_writer_named(options.to)
    if keras is not None and not options.dry_run:
        keras.require_name(target)
    opened = cache(lambda: open_known(source, options))
    chosen = choose(source, arch, options, opened)
    if chosen is not None:
        options = replace(options, keras=chosen.request.keras)
        chosen = with_skeletons(chosen, options, skeletons)
    if not options.dry_run:
        request = None if chosen is None else chosen.request
        require_apart(target, _inputs(source, request, options))
        require_free(target, overwrite=options.overwrite, kind=kind_named(options.to))
    options.progress("read", 0, 0)
    store = examined(opened())
    store = with_donors(store, open_donors(store, options.donors))
    store = with_graph(store)
    if chosen is None:
        report = copied(store, str(source), str(out), options)
        report = _carried_out(report, None, target, options)
    else:
        with chosen.host as host:
            report = _planned(store, chosen, str(source), str(out), options)
            report = _carried_out(report, host, target, options)
    return replace(report, seconds=time.monotonic() - started)


def _planned(store: TensorStore, chosen: Chosen, source: str, out: str, options: Options) -> Report:
    options.progress("build the architecture", 0, 0)
    asked = asked_settings(options, table_of(options.plan))
    chosen, choice = with_optimizer(chosen, store, asked)
    architecture = chosen.described()
    options.progress("plan", 0, 0)
    planned = _plan(store, architecture, chosen.named, options, choice)
    keeps_live_state = _is_the_live_model(planned, store, architecture)
    if keeps_live_state:
        planned = without_loss(planned)
    else:
        planned = with_planned_estimates(planned, architecture, options)
    state = apply(planned, store, architecture, keeps_live_state=keeps_live_state)
    report = Report(
        outcome=Outcome.REFUSED,
        source=source,
        output="" if options.dry_run else out,
        store=store,
        architecture=architecture,
        plan=planned,
        state=state,
        is_dry_run=options.dry_run,
    )
    return with_moves(labeled(report), options)


def _carried_out(report: Report, host: Host | None, target: Path, options: Options) -> Report:
    """Write what was planned, unless it is refused or nothing is to be written."""
    refusal = refusal_of(report, options)
    if refusal is not None:
        return replace(report, error=refusal)
    if options.dry_run:
        return replace(report, outcome=report.written_outcome)
    if host is not None:
        report = calibrated(report, host, options)
    keras = keras_writer_named(options.to)
    if host is not None and keras is not None:
        keep = _keeps_state(report.state)
        return write_keras(report, keras, host, target, options, keep_state=keep)
    if host is None or options.to != SAVED_MODEL:
        return write_tensors(report, writer_named(options.to), target, options).settled()
    return _written(report, host, target, options)


def _inputs(source: str | Path, request: ArchRequest | None, options: Options) -> tuple[Path, ...]:
    """Return what the user gave and must find unchanged."""
    given = [Path(source), *(Path(donor) for donor in options.donors)]
    if request is not None and request.kind not in ("module", "live"):
        given.append(Path(request.location))
    if options.custom_objects is not None:
        given.append(Path(options.custom_objects))
    if options.plan is not None:
        given.append(Path(options.plan))
    if isinstance(options.calibration, str | Path) and ":" not in str(options.calibration):
        given.append(Path(options.calibration))
    return tuple(given)


def _plan(
    store: TensorStore,
    architecture: Architecture,
    arch: str,
    options: Options,
    choice: Choice | None,
) -> Plan:
    edited = None if options.plan is None else load_plan(Path(options.plan))
    order = options.order or ("" if edited is None else edited.convention)
    reading = Reading(store)
    asked = asked_settings(options, None)

    def planned(settings: Mapping[str, Setting]) -> Plan:
        return build_plan(
            store,
            architecture,
            reading,
            order=order,
            use_averages=options.use_averages,
            optimizer=replace(
                origins_of(architecture, choice, settings),
                calibrates=options.calibration is not None,
            ),
        ).with_references(
            source_reference(store),
            Reference(path=arch, digest=architecture.digest),
        )

    fresh = planned(asked)
    if edited is None:
        return fresh
    changed = changed_settings(edited.optimizer, fresh.optimizer)
    if changed:
        fresh = planned({**changed, **asked})
    return apply_plan_file(edited, fresh, store, architecture, reading)


def _is_the_live_model(planned: Plan, store: TensorStore, architecture: Architecture) -> bool:
    """Tell whether a live model already holds exactly what the source holds."""
    if not architecture.is_live or not planned.is_complete:
        return False
    digests = {variable.path: variable.initial_digest for variable in architecture.weights}
    return all(
        array_digest(_value(match, store, architecture)) == digests[match.target]
        for match in planned.matches
        if match.target in digests
    )


def _value(match: Match, store: TensorStore, architecture: Architecture) -> Array:
    variable = architecture.by_path[match.target]
    parts = [(transform, store[name].fetch) for name, transform in match.edges]
    return value_of(parts, variable.shape, variable.dtype)


def _written(report: Report, host: Host, target: Path, options: Options) -> Report:
    def step(done: int, total: int) -> None:
        options.progress("prepare values", done, total)

    with staged(target) as stage:
        keep = _keeps_state(report.state)
        optimizer = report.plan.optimizer
        offset = 0 if keep or optimizer is None else optimizer.schedule_offset
        model = stage / "model"
        filled = None
        if isinstance(host, SkeletonHost):
            filled = host.fill(report.state, stage, schedule_offset=offset)
        if filled is not None:
            receipt, verdict = filled
            report = replace(report, receipt=receipt)
            write_record(model, record_of(report))
        else:
            if isinstance(host, SkeletonHost):
                report = replace(report, obstacle=host.obstacle)
            receipt = write(
                report.state,
                host,
                stage,
                keep_state=keep,
                step=step,
                schedule_offset=offset,
            )
            report = replace(report, receipt=receipt)
            write_record(model, record_of(report))
            options.progress("verify", 0, 0)
            verdict = verify_written(
                model,
                receipt,
                keras=options.keras or DEFAULT_KERAS,
                is_live=report.architecture.is_live,
            )
        report = replace(report, verdict=verdict).settled()
        if verdict.passed:
            options.progress("put in place", 0, 0)
            publish(model, target, overwrite=options.overwrite)
    return report


def _keeps_state(state: State) -> bool:
    return any(entry.provenance.detail == "live model" for entry in state.entries)
