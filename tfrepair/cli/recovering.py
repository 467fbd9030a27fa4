"""The command ``recover``: the saves of a run in a table, then the report of what was written."""

from pathlib import Path
from typing import Annotated

import typer

from tfrepair.api.options import DEFAULT_BATCHES
from tfrepair.cli.ending import complain, end, print_json
from tfrepair.cli.options import (
    All,
    AllowMissing,
    Arch,
    BatchSize,
    Calibration,
    CalibrationBatches,
    CustomObjects,
    Debug,
    DryRun,
    InputShape,
    Json,
    KerasOption,
    Loss,
    Metrics,
    Optimizer,
    Out,
    Overwrite,
    PlanOption,
    Quiet,
    Strict,
    UseEma,
)

Run = Annotated[
    Path, typer.Argument(help="Folder with the saves of one run; nothing in it is changed.")
]
Newest = Annotated[
    bool,
    typer.Option(
        "--newest",
        help="Take what survived of the newest save, and the rest from the saves before it.",
    ),
]
MaxStaleness = Annotated[
    int | None,
    typer.Option(
        "--max-staleness", help="With --newest: steps by which the rest may be older, at most."
    ),
]


def recover_command(
    run: Run,
    out: Out,
    arch: Arch = "",
    newest: Newest = False,
    max_staleness: MaxStaleness = None,
    plan: PlanOption = None,
    use_ema: UseEma = False,
    calibration: Calibration = None,
    calibration_batches: CalibrationBatches = DEFAULT_BATCHES,
    batch_size: BatchSize = 32,
    keras: KerasOption = None,
    custom_objects: CustomObjects = None,
    input_shape: InputShape = None,
    optimizer: Optimizer = "",
    loss: Loss = "",
    metrics: Metrics = None,
    allow_missing: AllowMissing = False,
    strict: Strict = False,
    dry_run: DryRun = False,
    overwrite: Overwrite = False,
    show_all: All = False,
    quiet: Quiet = False,
    debug: Debug = False,
    as_json: Json = False,
) -> None:
    """Turn the best complete state of a half-saved run into a SavedModel."""

    def work() -> int:
        from tfrepair.api.options import Options
        from tfrepair.api.recovering import run_recovery
        from tfrepair.cli.checkup_table import show_saves
        from tfrepair.cli.progress import Bar
        from tfrepair.cli.tables import show_report

        with Bar(quiet=quiet) as bar:
            recovery = run_recovery(
                run,
                out,
                arch,
                Options(
                    use_averages=use_ema,
                    calibration=calibration,
                    calibration_batches=calibration_batches,
                    calibration_batch_size=batch_size,
                    keras=keras,
                    custom_objects=custom_objects,
                    input_shapes=tuple(input_shape or ()),
                    optimizer=optimizer,
                    loss=loss,
                    metrics=tuple(metrics or ()),
                    plan=plan,
                    allow_missing=allow_missing,
                    strict=strict,
                    dry_run=dry_run,
                    overwrite=overwrite,
                    progress=bar,
                ),
                newest=newest,
                max_staleness=max_staleness,
            )
        if as_json:
            print_json(recovery.to_json())
        elif not quiet:
            show_saves(recovery.checkup, everything=show_all)
            show_report(recovery.report, everything=show_all)
        if recovery.report.error is not None:
            complain(recovery.report.error, debug=debug)
        return recovery.exit_code

    end(work, debug=debug, as_json=as_json)
