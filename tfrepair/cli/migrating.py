"""The command ``migrate``: one bar for the fleet, or one line of JSON for every event.

Two interrupts: the first lets what is in flight come to its end, the second stops at once.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer

from tfrepair.cli.ending import end, print_json
from tfrepair.cli.options import (
    AllowMissing,
    Arch,
    CustomObjects,
    Debug,
    DryRun,
    InputShape,
    Json,
    KerasOption,
    LearningRate,
    Loss,
    Metrics,
    Optimizer,
    OptimizerOptions,
    Order,
    PlanOption,
    Quiet,
    ReaderOption,
    Skeleton,
    Strict,
    UseEma,
)

Work = Annotated[
    str,
    typer.Argument(
        metavar="GLOB|MANIFEST",
        help='Sources by pattern ("runs/**/model.ckpt-*"), or a .toml, .csv or .jsonl file whose '
        "rows have source, arch, plan, output, options.",
    ),
]
OutRoot = Annotated[
    Path,
    typer.Argument(help="Folder for the SavedModels, the journal and the report."),
]
Jobs = Annotated[int, typer.Option("--jobs", "-j", help="Processes that work.", min=1)]
Scheduler = Annotated[
    str,
    typer.Option("--scheduler", help="A Dask scheduler of your own, as tcp://host:port."),
]
RetryFailed = Annotated[
    bool, typer.Option("--retry-failed", help="Try again what has failed or was set aside.")
]
JsonLines = Annotated[
    bool, typer.Option("--json-lines", help="Print every event as a line of JSON.")
]


def migrate_command(
    work: Work,
    out_root: OutRoot,
    arch: Arch = "",
    jobs: Jobs = 1,
    scheduler: Scheduler = "",
    skeleton: Skeleton = None,
    retry_failed: RetryFailed = False,
    plan: PlanOption = None,
    reader: ReaderOption = None,
    use_ema: UseEma = False,
    keras: KerasOption = None,
    custom_objects: CustomObjects = None,
    input_shape: InputShape = None,
    optimizer: Optimizer = "",
    learning_rate: LearningRate = None,
    optimizer_option: OptimizerOptions = None,
    loss: Loss = "",
    metrics: Metrics = None,
    order: Order = "",
    allow_missing: AllowMissing = False,
    strict: Strict = False,
    dry_run: DryRun = False,
    quiet: Quiet = False,
    debug: Debug = False,
    as_json: Json = False,
    json_lines: JsonLines = False,
) -> None:
    """Turn many sources into SavedModels, each exactly once; run it again to go on."""
    given = {
        "reader": reader,
        "use_averages": use_ema,
        "keras": keras,
        "custom_objects": None if custom_objects is None else str(custom_objects),
        "input_shapes": tuple(input_shape or ()),
        "optimizer": optimizer,
        "learning_rate": learning_rate,
        "optimizer_options": tuple(optimizer_option or ()),
        "loss": loss,
        "metrics": tuple(metrics or ()),
        "order": order,
        "allow_missing": allow_missing,
        "strict": strict,
    }

    def work_off() -> int:
        from tfrepair.api.migration.migrate import How, run_migration
        from tfrepair.cli.fleet import Fleet, show_migration

        options = {
            name: value for name, value in given.items() if value not in (None, "", (), False)
        }
        with _interrupts() as stop, Fleet(quiet=quiet or json_lines) as fleet:
            migration = run_migration(
                work,
                out_root,
                arch,
                "" if plan is None else str(plan),
                options,
                How(
                    jobs=jobs,
                    scheduler=scheduler,
                    skeleton=skeleton,
                    dry_run=dry_run,
                    retry_failed=retry_failed,
                    command=("tfrepair", *sys.argv[1:]),
                    on_event=_print_event if json_lines else fleet,
                    stop=stop,
                ),
            )
        if json_lines:
            _print_event({"event": "over", **migration.totals(), "exit_code": migration.exit_code})
        elif as_json:
            print_json(migration.to_json())
        elif not quiet:
            show_migration(migration)
        return migration.exit_code

    end(work_off, debug=debug, as_json=as_json)


def _print_event(event: Mapping[str, Any]) -> None:
    print(json.dumps(event, ensure_ascii=True), flush=True)


@contextmanager
def _interrupts() -> Iterator[Callable[[], bool]]:
    """Count interrupts: the first is a wish, the second ends the process."""
    asked: list[int] = []

    def ask(number: int, _frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        text = "finishing what is in flight; interrupt again to stop at once\n"
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, text.encode())

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, before)
