"""The conversion commands: one function, with the formats of the source fixed or not.

Knows the options of a conversion; what they do is said where the API describes them.
"""

from collections.abc import Callable
from dataclasses import replace

from tfrepair.api.options import DEFAULT_BATCHES, Options
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
    Donors,
    DryRun,
    Feeds,
    GraphInputs,
    GraphOutputs,
    InputShape,
    Json,
    KerasOption,
    LearningRate,
    Loss,
    Metrics,
    Optimizer,
    OptimizerOptions,
    Order,
    Out,
    Overwrite,
    PlanOption,
    Quiet,
    ReaderOption,
    Skeleton,
    Source,
    Strict,
    To,
    TrainOp,
    UseEma,
)
from tfrepair.writers.names import SAVED_MODEL


def converter(formats: tuple[str, ...], text: str) -> Callable[..., None]:
    """Return a command that converts sources of some formats.

    Parameters
    ----------
    formats
        Readers that the source may be for; none named, any.
    text
        The command's help.
    """

    def command(
        source: Source,
        out: Out,
        arch: Arch = "",
        to: To = SAVED_MODEL,
        plan: PlanOption = None,
        reader: ReaderOption = None,
        use_ema: UseEma = False,
        donor: Donors = None,
        calibration: Calibration = None,
        calibration_batches: CalibrationBatches = DEFAULT_BATCHES,
        batch_size: BatchSize = 32,
        keras: KerasOption = None,
        custom_objects: CustomObjects = None,
        input_shape: InputShape = None,
        optimizer: Optimizer = "",
        learning_rate: LearningRate = None,
        optimizer_option: OptimizerOptions = None,
        loss: Loss = "",
        metrics: Metrics = None,
        inputs: GraphInputs = None,
        outputs: GraphOutputs = None,
        feed: Feeds = None,
        train_op: TrainOp = "",
        order: Order = "",
        allow_missing: AllowMissing = False,
        strict: Strict = False,
        dry_run: DryRun = False,
        overwrite: Overwrite = False,
        skeleton: Skeleton = None,
        show_all: All = False,
        quiet: Quiet = False,
        debug: Debug = False,
        as_json: Json = False,
    ) -> None:
        options = Options(
            formats=formats,
            to=to,
            reader=reader,
            use_averages=use_ema,
            donors=tuple(donor or ()),
            calibration=calibration,
            calibration_batches=calibration_batches,
            calibration_batch_size=batch_size,
            keras=keras,
            custom_objects=custom_objects,
            input_shapes=tuple(input_shape or ()),
            optimizer=optimizer,
            learning_rate=learning_rate,
            optimizer_options=tuple(optimizer_option or ()),
            loss=loss,
            metrics=tuple(metrics or ()),
            graph_inputs=_several(inputs),
            graph_outputs=_several(outputs),
            feeds=tuple(feed or ()),
            train_op=train_op,
            order=order,
            plan=plan,
            allow_missing=allow_missing,
            strict=strict,
            dry_run=dry_run,
            overwrite=overwrite,
            skeleton=skeleton,
        )

        def work() -> int:
            from tfrepair.api.conversion import run_conversion
            from tfrepair.cli.progress import Bar
            from tfrepair.cli.tables import show_report

            with Bar(quiet=quiet) as bar:
                report = run_conversion(source, arch, out, replace(options, progress=bar))
            if as_json:
                print_json(report.to_json())
            elif not quiet:
                show_report(report, everything=show_all)
            if report.error is not None:
                complain(report.error, debug=debug)
            return report.exit_code

        end(work, debug=debug, as_json=as_json)

    command.__doc__ = text
    return command


def _several(texts: list[str] | None) -> tuple[str, ...]:
    """Return names that were given one by one or with commas; a tensor's name has no comma."""
    return tuple(part.strip() for text in texts or () for part in text.split(",") if part.strip())
