"""Loads a SavedModel without any model code and runs one signature of it."""

from typing import Any

import numpy as np

from tfrepair.core.errors import HostError
from tfrepair.tfhost.protocol import ForwardRequest
from tfrepair.tfhost.worker.probe import plain


def forward(request: ForwardRequest) -> None:
    """Run a signature on the arrays of a file and write its outputs.

    Raises
    ------
    HostError
        If the directory has no such signature, or it takes other inputs.
    """
    import tensorflow as tf

    loaded = tf.saved_model.load(request.saved_model)
    if request.signature not in loaded.signatures:
        message = (
            f"{request.saved_model}: no signature {request.signature!r}; "
            f"there are: {', '.join(sorted(loaded.signatures))}"
        )
        raise HostError(message)
    signature = loaded.signatures[request.signature]
    specs = signature.structured_input_signature[1]
    with np.load(request.inputs, allow_pickle=False) as archive:
        given = {name.removeprefix("in/"): archive[name] for name in archive.files}
    if set(given) != set(specs):
        message = f"{request.signature} takes {sorted(specs)}, got {sorted(given)}"
        raise HostError(message)
    inputs = {name: tf.cast(value, specs[name].dtype) if specs[name].dtype != tf.string
              else tf.constant(value) for name, value in given.items()}  # fmt: skip
    outputs = signature(**inputs)
    members: dict[str, Any] = {f"out/{name}": plain(value) for name, value in outputs.items()}
    np.savez(request.outputs, **members)
