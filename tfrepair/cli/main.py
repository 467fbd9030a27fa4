"""argv in, text and exit code out; the only place that prints.

Knows the options and the exit codes; every command is one call of the API. Data goes to stdout,
progress and notes to stderr.
"""

import json
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from tfrepair.core.errors import TfrepairError

app = typer.Typer(
    name="tfrepair",
    help="Turn what is left of a TensorFlow model into a complete SavedModel.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 complete and verified; 2 usage; 3 written, with listed losses; "
    "4 refused, nothing written; 5 source unreadable or unsafe; 6 verification failed; "
    "7 architecture could not be built.",
)


Source = Annotated[Path, typer.Argument(help="Weight file or folder; it is never changed.")]
Out = Annotated[Path, typer.Argument(help="Directory to write the SavedModel to.")]
Arch = Annotated[
    str,
    typer.Option(
        "--arch",
        help="model.py, model.py:factory, package.module:factory or a Keras JSON config. "
        "A Python file is run.",
    ),
]
KerasOption = Annotated[
    int, typer.Option("--keras", help="2 runs the architecture under tf_keras.", min=2, max=3)
]
InputShape = Annotated[
    list[str] | None,
    typer.Option(
        "--input-shape",
        help="Shape of one example for a model that is not built: 224,224,3 or name=224,224,3.",
    ),
]
Optimizer = Annotated[
    str, typer.Option(help="Optimizer to compile with if the model has none, e.g. adam.")
]
Loss = Annotated[str, typer.Option(help="Loss to compile with if the model has none.")]
Metrics = Annotated[
    list[str] | None, typer.Option("--metrics", help="Metric to compile with; may be repeated.")
]
Order = Annotated[
    str, typer.Option(help="List order that you vouch for (see docs/order-conventions.md).")
]
ReaderOption = Annotated[
    str | None, typer.Option("--reader", help="Reader to use instead of finding out by content.")
]
AllowMissing = Annotated[
    bool, typer.Option("--allow-missing", help="Keep initial values where the source has none.")
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Refuse what rests on position alone, and every loss.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Plan and report; write nothing.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing SavedModel.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show a traceback with every error.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def run() -> None:
    """Run the command line; the entry point of the ``tfrepair`` script."""
    app()


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        import tfrepair

        print(tfrepair.__version__)
        raise typer.Exit


def _convert(
    source: Path,
    out: Path,
    arch: str,
    plan: Path | None,
    reader: str | None,
    keras: int,
    input_shape: list[str] | None,
    optimizer: str,
    loss: str,
    metrics: list[str] | None,
    order: str,
    allow_missing: bool,
    strict: bool,
    dry_run: bool,
    overwrite: bool,
    quiet: bool,
    debug: bool,
    as_json: bool,
) -> None:
    def work() -> int:
        from tfrepair.api.conversion import Options, run_conversion
        from tfrepair.cli.progress import Bar
        from tfrepair.cli.tables import show_report

        with Bar(quiet=quiet) as bar:
            report = run_conversion(
                source,
                _required(arch),
                out,
                Options(
                    reader=reader,
                    keras=keras,
                    input_shapes=tuple(input_shape or ()),
                    optimizer=optimizer,
                    loss=loss,
                    metrics=tuple(metrics or ()),
                    order=order,
                    plan=plan,
                    allow_missing=allow_missing,
                    strict=strict,
                    overwrite=overwrite,
                    dry_run=dry_run,
                    progress=bar,
                ),
            )
        if as_json:
            _print_json(report.to_json())
        elif not quiet:
            show_report(report)
        if report.error is not None:
            _complain(report.error)
        return report.exit_code

    _run(work, debug=debug, as_json=as_json)


def _required(arch: str) -> str:
    if arch:
        return arch
    from tfrepair.core.errors import UsageError

    message = (
        "a weight file holds numbers only: which layers they belong to, how these are connected "
        "and what they compute is missing"
    )
    raise UsageError(
        message,
        remedy="give the code that builds the model: --arch model.py, with a function "
        "build_model() or a variable model in it (or a Keras JSON config)",
    )


@app.command("npy-to-savedmodel")
def npy_to_savedmodel(
    source: Source,
    out: Out,
    arch: Arch = "",
    keras: KerasOption = 3,
    input_shape: InputShape = None,
    optimizer: Optimizer = "",
    loss: Loss = "",
    metrics: Metrics = None,
    order: Order = "",
    allow_missing: AllowMissing = False,
    strict: Strict = False,
    dry_run: DryRun = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    debug: Debug = False,
    as_json: Json = False,
) -> None:
    """Turn bare weights (.npy, .npz, a folder of .npy, .pkl) into a complete SavedModel."""
    _convert(
        source, out, arch, None, None, keras, input_shape, optimizer, loss, metrics, order,
        allow_missing, strict, dry_run, overwrite, quiet, debug, as_json,
    )  # fmt: skip


@app.command("convert")
def convert(
    source: Source,
    out: Out,
    arch: Arch = "",
    plan: Annotated[
        Path | None, typer.Option("--plan", help="Plan file, as `tfrepair plan -o` writes it.")
    ] = None,
    reader: ReaderOption = None,
    keras: KerasOption = 3,
    input_shape: InputShape = None,
    optimizer: Optimizer = "",
    loss: Loss = "",
    metrics: Metrics = None,
    order: Order = "",
    allow_missing: AllowMissing = False,
    strict: Strict = False,
    dry_run: DryRun = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    debug: Debug = False,
    as_json: Json = False,
) -> None:
    """Turn any source that a reader knows into a complete SavedModel."""
    _convert(
        source, out, arch, plan, reader, keras, input_shape, optimizer, loss, metrics, order,
        allow_missing, strict, dry_run, overwrite, quiet, debug, as_json,
    )  # fmt: skip


@app.command("inspect")
def inspect(
    source: Source,
    reader: ReaderOption = None,
    debug: Debug = False,
    as_json: Json = False,
) -> None:
    """List names, shapes, dtypes and statistics of a source, without TensorFlow."""

    def work() -> int:
        from tfrepair.api.inspection import inspect as look
        from tfrepair.cli.tables import show_inspection

        inspection = look(source, reader=reader)
        if as_json:
            _print_json(inspection.to_json())
        else:
            show_inspection(inspection)
        return 0

    _run(work, debug=debug, as_json=as_json)


@app.command("plan")
def plan_command(
    source: Source,
    arch: Arch = "",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File to write; stdout without it.")
    ] = None,
    reader: ReaderOption = None,
    keras: KerasOption = 3,
    input_shape: InputShape = None,
    order: Order = "",
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    debug: Debug = False,
    as_json: Json = False,
) -> None:
    """Say which tensor would fill which weight; write it as plan.toml, to be edited."""

    def work() -> int:
        from tfrepair.api.conversion import Options, run_conversion
        from tfrepair.cli.progress import Bar
        from tfrepair.cli.tables import show_report
        from tfrepair.planning.plan_file import plan_to_toml

        _require_new(output, overwrite=overwrite)
        options = Options(
            reader=reader,
            keras=keras,
            input_shapes=tuple(input_shape or ()),
            order=order,
            dry_run=True,
        )
        with Bar(quiet=quiet) as bar:
            report = run_conversion(source, _required(arch), "", replace(options, progress=bar))
        text = plan_to_toml(report.plan)
        if output is not None:
            output.write_text(text, encoding="utf-8")
        if as_json:
            _print_json(report.plan.to_json())
        elif output is None:
            print(text, end="")
        elif not quiet:
            show_report(report)
            print(f"plan written to {output}")
        return 0 if report.plan.is_complete else report.exit_code

    _run(work, debug=debug, as_json=as_json)


def _require_new(output: Path | None, *, overwrite: bool) -> None:
    if output is not None and output.exists() and not overwrite:
        from tfrepair.core.errors import WriteError

        message = f"{output} exists"
        raise WriteError(message, remedy="choose another name, or give --overwrite")


@app.command("verify")
def verify_command(
    model: Annotated[Path, typer.Argument(help="SavedModel written by tfrepair.")],
    against: Annotated[
        Path | None, typer.Option("--against", help="Source to compare every bit with.")
    ] = None,
    debug: Debug = False,
    as_json: Json = False,
) -> None:
    """Check the structure and every bit of a SavedModel, without TensorFlow."""

    def work() -> int:
        from tfrepair.api.verification import verify
        from tfrepair.cli.tables import show_verdict
        from tfrepair.core.errors import VerifyError

        verdict = verify(model, against=against)
        if as_json:
            _print_json(verdict.to_json())
        else:
            show_verdict(verdict)
        return 0 if verdict.passed else VerifyError.exit_code

    _run(work, debug=debug, as_json=as_json)


def _run(work: Callable[[], int], *, debug: bool, as_json: bool) -> None:
    """Run a command; every end has its exit code."""
    try:
        code = work()
    except TfrepairError as error:
        if debug:
            traceback.print_exc()
        if as_json:
            _print_json(_error_json(error))
        _complain(error)
        code = error.exit_code
    except KeyboardInterrupt:
        print("interrupted; nothing was put in place", file=sys.stderr)
        code = 130
    raise typer.Exit(code)


def _error_json(error: TfrepairError) -> dict[str, Any]:
    return {
        "schema": "tfrepair.error/1",
        "outcome": "error",
        "exit_code": error.exit_code,
        "error": type(error).__name__,
        "message": error.message,
        "remedy": error.remedy,
    }


def _complain(error: TfrepairError) -> None:
    user_traceback = getattr(error, "user_traceback", "")
    if user_traceback:
        print(user_traceback.rstrip(), file=sys.stderr)
    print(f"tfrepair: {error}", file=sys.stderr)


def _print_json(data: dict[str, Any]) -> None:
    print(json.dumps(data, indent=1, ensure_ascii=False))
