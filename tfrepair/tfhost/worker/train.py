"""Trains a SavedModel through its signature, without any model code and only in memory."""

from collections.abc import Mapping, Sequence
from typing import Any

from tfrepair.core.errors import ArchitectureError, HostError
from tfrepair.tfhost.training_requests import Losses, TrainRequest
from tfrepair.tfhost.worker.batches import load_batches

_LOSS, _RESET = "loss", "reset_metrics"


def train(request: TrainRequest) -> Losses:
    """Run the training signature on batches, and note the loss of each.

    Raises
    ------
    HostError
        If the model has no such signature, or the signature gives no loss.
    ArchitectureError
        If the data do not fit it.
    """
    import tensorflow as tf

    tf.random.set_seed(0)
    loaded = tf.saved_model.load(request.saved_model)
    signature = _signature(loaded, request)
    specs = dict(sorted(signature.structured_input_signature[1].items()))
    data = load_batches(request.data, specs)
    _assign(loaded, request.assignments)
    reset = loaded.signatures.get(_RESET)
    losses = []
    for batch in data.batches:
        if reset is not None:
            reset()
        losses.append(_loss(signature(**batch), request))
    return Losses(losses=tuple(losses), note=data.note)


def _signature(loaded: Any, request: TrainRequest) -> Any:
    there = sorted(loaded.signatures)
    if request.signature not in there:
        message = (
            f"it has no signature {request.signature!r}; there are: {', '.join(there) or 'none'}"
        )
        raise HostError(
            message,
            remedy="convert with an architecture that is compiled with optimizer and loss, or give "
            "--optimizer and --loss",
        )
    return loaded.signatures[request.signature]


def _assign(loaded: Any, assignments: Sequence[tuple[str, float | str]]) -> None:
    import tensorflow as tf

    if not assignments:
        return
    held = getattr(loaded, "vars", None)
    variables: dict[str, Any] = dict(held) if isinstance(held, Mapping) else {}
    for variable in getattr(loaded, "variables", ()):
        variables.setdefault(variable.name.partition(":")[0], variable)
    needed = [name for name, _ in assignments]
    needed += [value for _, value in assignments if isinstance(value, str)]
    unknown = [name for name in needed if name not in variables]
    if unknown:
        message = f"the loaded model has no variable {unknown[0]!r}, which holds a slot"
        raise HostError(message, remedy="give another SavedModel to compare with: --against")
    for name, value in assignments:
        variable = variables[name]
        if isinstance(value, str):
            variable.assign(variables[value])
        else:
            variable.assign(tf.fill(variable.shape, tf.cast(value, variable.dtype)))


def _loss(outputs: Mapping[str, Any], request: TrainRequest) -> float:
    if _LOSS in outputs:
        return float(outputs[_LOSS])
    scalars = [name for name, value in outputs.items() if value.shape.rank == 0]
    if len(scalars) == 1:
        return float(outputs[scalars[0]])
    message = f"{request.signature} gives {', '.join(outputs) or 'nothing'}, and no loss"
    raise ArchitectureError(message, remedy="let train_step return {'loss': ...}")
