"""What a graph of TensorFlow 1 answers in its own session, for verification to compare with."""

from typing import Any

import numpy as np

from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Array
from tfrepair.tfhost.worker.inputs import example
from tfrepair.tfhost.worker.metagraph import BuiltGraph
from tfrepair.tfhost.worker.probe import BATCHES, plain_array

_SIZES = (16, 32, 64, 128, 256)


def probe_graph(session: Any, built: BuiltGraph, path: str) -> tuple[str, str, tuple[Finding, ...]]:
    """Run a filled graph on example inputs.

    Returns
    -------
    The file written (empty if the graph takes no example), a note on randomness, and findings.
    """
    members: dict[str, Any] = {}
    is_random = False
    problem = ""
    done: list[int] = []
    for batch in BATCHES if _has_free_batch(built) else BATCHES[:1]:
        mark = "" if not done else "1"
        try:
            given, answers, same = _run(session, built, batch)
        except Exception as error:
            problem = next((line for line in str(error).splitlines() if line.strip()), "")[:300]
            continue
        done.append(batch)
        is_random = is_random or not same
        members |= {f"in{mark}/{name}": value for name, value in given.items()}
        members |= {f"out{mark}/{name}": value for name, value in answers.items()}
    note = "serving draws random numbers, or changes its own state" if is_random else ""
    if not done:
        finding = _finding("not-probed", f"no example input was accepted: {problem}")
        return "", f"no example input was accepted: {problem}", (finding,)
    np.savez(path, **members)
    if problem:
        text = f"ran with a batch of {done[0]} only; others: {problem}"
        return path, note, (_finding("fixed-batch", text),)
    return path, note, ()


def _finding(code: str, message: str) -> Finding:
    return Finding(
        code=code,
        severity=Severity.WARNING,
        where="serving_default",
        message=message,
        remedy="try the model on a real input",
    )


def _has_free_batch(built: BuiltGraph) -> bool:
    shapes = [built.given(one).shape for one in built.serving.inputs]
    return all(shape.rank in (None, 0) or shape[0] is None for shape in shapes)


def _run(
    session: Any, built: BuiltGraph, batch: int
) -> tuple[dict[str, Array], dict[str, Array], bool]:
    """Run twice; the third value says whether both answers are equal."""
    fetch = {one.name: built.answered(one) for one in built.serving.outputs}
    for size in _SIZES:
        given = {one.name: _example(built.given(one), batch, size) for one in built.serving.inputs}
        feed = {built.given(one): given[one.name] for one in built.serving.inputs}
        try:
            first = session.run(fetch, feed)
        except Exception:
            if size == _SIZES[-1]:
                raise
            continue
        again = session.run(fetch, feed)
        same = all(np.array_equal(first[k], again[k], equal_nan=_is_float(first[k])) for k in first)
        shown = {name: plain_array(value) for name, value in given.items()}
        return shown, {name: plain_array(np.asarray(value)) for name, value in first.items()}, same
    message = "no size was tried"
    raise AssertionError(message)


def _is_float(value: Any) -> bool:
    return np.asarray(value).dtype.kind in "fc"


def _example(tensor: Any, batch: int, size: int) -> Array:
    import tensorflow as tf

    shape = tensor.shape if tensor.shape.rank is not None else tf.TensorShape([None])
    spec = tf.TensorSpec(shape, tensor.dtype.base_dtype)
    return example(spec, batch=batch, size=size, rng=np.random.default_rng(0))
