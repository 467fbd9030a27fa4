"""The options and arguments that several commands share, with their help texts."""

from pathlib import Path
from typing import Annotated

import typer

Source = Annotated[
    Path,
    typer.Argument(
        help="Weight file, folder, or checkpoint by prefix or any member; it is never changed."
    ),
]
GraphInputs = Annotated[
    list[str] | None,
    typer.Option(
        "--inputs",
        help="Tensors of a .meta graph to feed: name, name:1 or alias=name:1; with commas.",
    ),
]
GraphOutputs = Annotated[
    list[str] | None,
    typer.Option("--outputs", help="Tensors of a .meta graph to serve, likewise."),
]
Feeds = Annotated[
    list[str] | None,
    typer.Option("--feed", help="Constant for a placeholder of a .meta graph: is_training=false."),
]
TrainOp = Annotated[
    str,
    typer.Option("--train-op", help="Training step of a .meta graph that has several: its name."),
]
SourceA = Annotated[Path, typer.Argument(help="Weights, a checkpoint or a SavedModel.")]
SourceB = Annotated[Path, typer.Argument(help="Another one, of the same or another format.")]
Checked = Annotated[
    Path, typer.Argument(help="A save, by prefix or any of its files, or a folder of saves.")
]
Out = Annotated[Path, typer.Argument(help="Directory or file to write.")]
To = Annotated[
    str,
    typer.Option(
        "--to",
        help="Format to write: saved-model, keras (.keras), keras-weights (.weights.h5), or "
        "checkpoint, npz, safetensors (tensors only).",
    ),
]
Why = Annotated[
    str,
    typer.Option(
        "--why",
        metavar="TARGET",
        help="Say of one weight, or tensor, what fills it, on what evidence, and what came next.",
    ),
]
UseEma = Annotated[
    bool, typer.Option("--use-ema", help="Take moving averages in place of their weights.")
]
Donors = Annotated[
    list[Path] | None,
    typer.Option(
        "--donor", help="Older save of the same run: gives what is lost. May be repeated."
    ),
]
Calibration = Annotated[
    str | None,
    typer.Option(
        "--calibration",
        help="Data to estimate lost slots of the optimizer from: an .npz with x and y, or "
        "module:function (file.py:function) that yields batches. The function is run.",
    ),
]
CalibrationBatches = Annotated[
    int, typer.Option("--calibration-batches", help="Batches to use at most.", min=1)
]
BatchSize = Annotated[
    int,
    typer.Option("--batch-size", help="Examples of an .npz in a batch: as in training.", min=1),
]
Arch = Annotated[
    str,
    typer.Option(
        "--arch",
        help="model.py, model.py:factory, package.module:factory, a Keras JSON config, a .keras or "
        ".h5 of a whole model, a SavedModel of tf.keras, or a .meta file. A Python file is run. "
        "Without it the source's own configuration is taken, if it has one.",
    ),
]
CustomObjects = Annotated[
    Path | None,
    typer.Option(
        "--custom-objects",
        help="Python file that defines the classes and functions which a Keras configuration "
        "names and Keras has not. It is run.",
    ),
]
PlanOption = Annotated[
    Path | None, typer.Option("--plan", help="Plan file, as `tfrepair plan -o` writes it.")
]
DiffPlans = Annotated[
    list[Path] | None,
    typer.Option(
        "--plan",
        help="Plan file made for one of the two: its names and transforms are applied before "
        "comparing. Twice for both.",
    ),
]
PlanOutput = Annotated[
    Path | None, typer.Option("-o", "--output", help="File to write; stdout without it.")
]
KerasOption = Annotated[
    int | None,
    typer.Option(
        "--keras",
        help="Run the architecture under Keras 3 or 2 (tf_keras); by default a configuration under "
        "that of its writer, all else under 3.",
        min=2,
        max=3,
    ),
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
LearningRate = Annotated[
    float | None,
    typer.Option(
        "--learning-rate", help="Learning rate of the training, where nothing says it.", min=0.0
    ),
]
OptimizerOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--optimizer-option", help="Hyperparameter of the optimizer: beta_1=0.8; may be repeated."
    ),
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
Stats = Annotated[
    bool | None,
    typer.Option(
        "--stats/--no-stats",
        help="Read all data for statistics and checksums, or none; by default up to 1 GiB is read.",
    ),
]
AllowMissing = Annotated[
    bool, typer.Option("--allow-missing", help="Keep initial values where the source has none.")
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Refuse what rests on position alone, and every loss.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Plan and report; write nothing.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing output.")]
All = Annotated[bool, typer.Option("--all", help="List every row of a long report.")]
Model = Annotated[Path, typer.Argument(help="SavedModel written by tfrepair.")]
Against = Annotated[
    Path | None, typer.Option("--against", help="Source to compare every bit with.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show a traceback with every error.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Skeleton = Annotated[
    Path | None,
    typer.Option(
        "--skeleton",
        help="Folder of skeletons: fill one instead of exporting; made and kept if not there.",
    ),
]
