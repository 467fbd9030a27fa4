"""Conversion without an architecture: the tensors of a source under their own names."""

from tfrepair.api.options import Options
from tfrepair.api.report import Outcome, Report
from tfrepair.core.errors import UsageError
from tfrepair.core.tensor import Tensor, TensorStore
from tfrepair.planning.copying import architecture_of, copy_plan
from tfrepair.rebuild.apply import apply
from tfrepair.writers.names import OF_A_MODEL

_BUNDLE = "tensor_bundle"


def require_copy(options: Options) -> None:
    """Refuse a conversion without an architecture that needs one.

    Raises
    ------
    UsageError
        If a SavedModel or a Keras file is asked for, or anything that concerns an architecture.
    """
    if options.to in OF_A_MODEL:
        message = (
            "a weight file holds numbers only: which layers they belong to, how these are "
            "connected and what they compute is missing"
        )
        raise UsageError(
            message,
            remedy="give the code that builds the model: --arch model.py, with a function "
            "build_model() or a variable model in it (or a Keras JSON config); or --to npz, "
            "checkpoint or safetensors for the tensors alone",
        )
    for name, value in (
        ("--order", options.order),
        ("--use-ema", options.use_averages),
        ("--optimizer", options.optimizer),
    ):
        if value:
            message = f"{name} concerns an architecture, and none is given"
            raise UsageError(message, remedy="give --arch model.py too")


def copied(store: TensorStore, source: str, out: str, options: Options) -> Report:
    """Plan a copy of every tensor that is whole.

    Parameters
    ----------
    store
        With the final health of every tensor.
    source, out
        As the user gave them.
    options
        ``to`` and ``dry_run`` count here.
    """
    architecture = architecture_of(store, _key_of if _keeps_keys(store, options) else _name_of)
    plan = copy_plan(store, architecture)
    return Report(
        outcome=Outcome.REFUSED,
        source=source,
        output="" if options.dry_run else out,
        store=store,
        architecture=architecture,
        plan=plan,
        state=apply(plan, store, architecture),
        is_dry_run=options.dry_run,
    )


def _keeps_keys(store: TensorStore, options: Options) -> bool:
    """Tell whether tensors keep their stored keys: TensorFlow restores by them."""
    return store.format == _BUNDLE and options.to == "checkpoint"


def _key_of(tensor: Tensor) -> str:
    return tensor.origin.key or tensor.name


def _name_of(tensor: Tensor) -> str:
    return tensor.name
