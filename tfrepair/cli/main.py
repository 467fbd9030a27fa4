"""argv in, text and exit code out; the only place that prints.

Knows the options and the exit codes; every command is one call of the API. Data goes to stdout,
progress and notes to stderr.
"""

import gc
from dataclasses import replace
from typing import Annotated

import typer

from tfrepair.api.options import (
    BARE_FORMATS,
    CHECKPOINT_FORMATS,
    DEFAULT_BATCHES,
    KERAS_FORMATS,
    Options,
)
from tfrepair.cli.auditing import audit_command
from tfrepair.cli.converting import converter
from tfrepair.cli.ending import Program, complain, end, print_json
from tfrepair.cli.migrating import migrate_command
from tfrepair.cli.options import (
    Against,
    All,
    Arch,
    Calibration,
    CalibrationBatches,
    Checked,
    CustomObjects,
    Debug,
    DiffPlans,
    InputShape,
    Json,
    KerasOption,
    Model,
    Order,
    Overwrite,
    PlanOutput,
    Quiet,
    ReaderOption,
    Source,
    SourceA,
    SourceB,
    Stats,
    UseEma,
    Why,
)
from tfrepair.cli.proving import prove_command
from tfrepair.cli.recovering import recover_command
from tfrepair.cli.repairing import repair_command
from tfrepair.core.errors import UsageError, VerifyError

app = typer.Typer(
    name="tfrepair",
    cls=Program,
    help="Turn what is left of a TensorFlow model into a complete SavedModel.",
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 complete and verified; 1 a bug of ours; 2 usage; 3 written, with "
    "listed losses; 4 refused, nothing written; 5 source unreadable or unsafe; 6 verification "
    "failed; 7 architecture could not be built.",
)

_OBJECTS = 200_000
"""Objects between two searches for cycles."""


def run() -> None:
    """Run the command line; the entry point of the ``tfrepair`` script."""
    # Tens of thousands of small objects come with a checkpoint, and hardly any are in cycles.
    gc.set_threshold(_OBJECTS)
    app()


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        import tfrepair

        print(tfrepair.__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit(UsageError.exit_code)


app.command("npy-to-savedmodel")(
    converter(
        BARE_FORMATS,
        "Turn bare weights (.npy, .npz, a folder of .npy, .pkl) into a complete SavedModel.",
    )
)
app.command("ckpt-to-savedmodel")(
    converter(
        CHECKPOINT_FORMATS,
        "Turn a TensorFlow checkpoint (tf.train.Saver, tf.train.Checkpoint) into a SavedModel; "
        "a .meta file beside it is the architecture if no other is given.",
    )
)
app.command("h5-to-savedmodel")(
    converter(
        KERAS_FORMATS,
        "Turn a Keras file (.h5, .weights.h5, .keras) of any era into a complete SavedModel.",
    )
)
app.command("convert")(
    converter(
        (), "Turn any source that a reader knows into a complete SavedModel, or a file of tensors."
    )
)

app.command("repair")(repair_command)
app.command("recover")(recover_command)
app.command("migrate")(migrate_command)
app.command("audit")(audit_command)
app.command("prove")(prove_command)


@app.command("inspect")
def inspect(
    source: Source,
    reader: ReaderOption = None,
    stats: Stats = None,
    quiet: Quiet = False,
    debug: Debug = False,
    as_json: Json = False,
) -> None:
    """List names, shapes, dtypes and statistics of a source, without TensorFlow."""

    def work() -> int:
        from tfrepair.api.inspection import inspect as look
        from tfrepair.cli.progress import Bar

        with Bar(quiet=quiet) as bar:
            inspection = look(source, reader=reader, statistics=stats, progress=bar)
        if as_json:
            print_json(inspection.to_json())
        elif not quiet:
            from tfrepair.cli.inspection_table import show_inspection

            show_inspection(inspection)
        return 0

    end(work, debug=debug, as_json=as_json)


@app.command("plan")
def plan_command(
    source: Source,
    arch: Arch = "",
    output: PlanOutput = None,
    reader: ReaderOption = None,
    keras: KerasOption = None,
    custom_objects: CustomObjects = None,
    input_shape: InputShape = None,
    order: Order = "",
    use_ema: UseEma = False,
    why_target: Why = "",
    calibration: Calibration = None,
    calibration_batches: CalibrationBatches = DEFAULT_BATCHES,
    overwrite: Overwrite = False,
    show_all: All = False,
    quiet: Quiet = False,
    debug: Debug = False,
    as_json: Json = False,
) -> None:
    """Say which tensor would fill which weight; write it as plan.toml, to be edited."""

    def work() -> int:
        from tfrepair.api.conversion import run_conversion
        from tfrepair.api.plans import require_new_plan, save_plan
        from tfrepair.cli.progress import Bar
        from tfrepair.cli.tables import show_report
        from tfrepair.planning.plan_file import plan_to_toml

        if output is not None:
            require_new_plan(output, overwrite=overwrite)
        options = Options(
            reader=reader,
            keras=keras,
            custom_objects=custom_objects,
            input_shapes=tuple(input_shape or ()),
            order=order,
            use_averages=use_ema,
            calibration=calibration,
            calibration_batches=calibration_batches,
            dry_run=True,
        )
        with Bar(quiet=quiet) as bar:
            report = run_conversion(source, arch, "", replace(options, progress=bar))
        if output is not None:
            save_plan(report.plan, output, overwrite=overwrite)
        if why_target:
            from tfrepair.cli.why_text import why

            print(why(report.plan, why_target))
        elif as_json:
            print_json({**report.plan.to_json(), "exit_code": report.exit_code})
        elif output is None:
            print(plan_to_toml(report.plan), end="")
        elif not quiet:
            show_report(report, everything=show_all)
            print(f"plan written to {output}")
        if report.error is not None:
            complain(report.error, debug=debug)
        return report.exit_code

    end(work, debug=debug, as_json=as_json)


@app.command("explain")
def explain_command(
    text: Annotated[str, typer.Argument(help="Error message or traceback; - reads stdin.")],
    debug: Debug = False,
    as_json: Json = False,
) -> None:
    """Say what an error message of TensorFlow, Keras, NumPy or h5py means, and what to do."""

    def work() -> int:
        from tfrepair.cli.explanation_text import run_explanation

        return run_explanation(text, as_json=as_json)

    end(work, debug=debug, as_json=as_json)


@app.command("diff")
def diff_command(
    a: SourceA,
    b: SourceB,
    plan: DiffPlans = None,
    show_all: All = False,
    quiet: Quiet = False,
    debug: Debug = False,
    as_json: Json = False,
) -> None:
    """Compare two sources bit by bit, name by name; 0 if they are equal, 3 if not."""

    def work() -> int:
        from tfrepair.cli.comparison_table import run_comparison

        return run_comparison(
            a, b, plans=plan or (), everything=show_all, quiet=quiet, as_json=as_json
        )

    end(work, debug=debug, as_json=as_json)


@app.command("check")
def check_command(
    path: Checked,
    show_all: All = False,
    quiet: Quiet = False,
    debug: Debug = False,
    as_json: Json = False,
) -> None:
    """Say what is damaged, how, and what can be had; 0 healthy, 3 damage, 5 nothing readable."""

    def work() -> int:
        from tfrepair.cli.checkup_table import run_checkup

        return run_checkup(path, everything=show_all, quiet=quiet, as_json=as_json)

    end(work, debug=debug, as_json=as_json)


@app.command("verify")
def verify_command(
    model: Model,
    against: Against = None,
    quiet: Quiet = False,
    debug: Debug = False,
    as_json: Json = False,
) -> None:
    """Check the structure and every bit of a SavedModel, without TensorFlow."""

    def work() -> int:
        from tfrepair.api.verification import verify
        from tfrepair.cli.progress import Bar
        from tfrepair.cli.tables import show_verdict

        with Bar(quiet=quiet) as bar:
            verdict = verify(model, against=against, progress=bar)
        code = 0 if verdict.passed else VerifyError.exit_code
        if as_json:
            print_json({"schema": "tfrepair.verdict/1", "exit_code": code} | verdict.to_json())
        elif not quiet:
            show_verdict(verdict)
        return code

    end(work, debug=debug, as_json=as_json)
