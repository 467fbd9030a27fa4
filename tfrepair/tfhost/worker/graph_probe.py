"""What a graph of TensorFlow 1 answers in its own session, for verification to compare with."""

from typing import Any

import numpy as np

from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Array
from tfrepair.tfhost.worker.inputs import example
from tfrepair.tfhost.worker.metagraph import BuiltGraph
from tfrepair.tfhost.worker.probe import BATCHES, plain_array

_CLOSE = 1e-3
"""Far above what the order of additions makes, far below what batch statistics do."""

_TRAINING = "the graph may have been built for training only, and not for serving"
_REMEDY = "give --arch the .meta of the graph that was evaluated, or a model.py"
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
            problem = _words(error)
            continue
        done.append(batch)
        is_random = is_random or not same
        members |= {f"in{mark}/{name}": value for name, value in given.items()}
        members |= {f"out{mark}/{name}": value for name, value in answers.items()}
    note = "serving draws random numbers, or changes its own state" if is_random else ""
    notes = [_finding("random-answers", f"{note}: {_TRAINING}", _REMEDY)] if is_random else []
    if done[1:] and not is_random and _mixes_rows(session, built, members):
        text = f"the answer to one example depends on the others in its batch: {_TRAINING}"
        notes.append(_finding("batch-statistics", text, _REMEDY))
    if not done:
        finding = _finding("not-probed", f"no example input was accepted: {problem}")
        return "", f"no example input was accepted: {problem}", (finding,)
    np.savez(path, **members)
    if problem:
        text = f"ran with a batch of {done[0]} only; others: {problem}"
        notes.append(_finding("fixed-batch", text))
    return path, note, tuple(notes)


def _mixes_rows(session: Any, built: BuiltGraph, members: dict[str, Any]) -> bool:
    """Tell whether rows of a batch are answered otherwise than each by itself."""
    tensors = {one.name: built.given(one) for one in built.serving.inputs}
    batch = {name: members[f"in1/{name}"] for name in tensors}
    whole = {one.name: members[f"out1/{one.name}"] for one in built.serving.outputs}
    if not all(
        value.ndim and len(value) == BATCHES[1] for value in (*batch.values(), *whole.values())
    ):
        return False
    fetch = {one.name: built.answered(one) for one in built.serving.outputs}
    alone = session.run(fetch, {tensors[name]: value[:1] for name, value in batch.items()})
    return any(
        not np.allclose(
            np.asarray(alone[name], np.float64), value[:1].astype(np.float64), _CLOSE, _CLOSE
        )
        for name, value in whole.items()
        if value.dtype.kind == "f"
    )


def _words(error: Exception) -> str:
    """Return the line of an error that says what is wrong."""
    lines = [line.strip() for line in str(error).splitlines()]
    found = (
        line for line in lines if line and not line.startswith(("Graph execution", "Detected"))
    )
    return next(found, type(error).__name__)[:300]


def _finding(code: str, message: str, remedy: str = "try the model on a real input") -> Finding:
    return Finding(
        code=code,
        severity=Severity.WARNING,
        where="serving_default",
        message=message,
        remedy=remedy,
    )


def _has_free_batch(built: BuiltGraph) -> bool:
    shapes = [built.given(one).shape for one in built.serving.inputs]
    return all(shape.rank in (None, 0) or shape[0] is None for shape in shapes)


def _run(
    session: Any, built: BuiltGraph, batch: int
) -> tuple[dict[str, Array], dict[str, Array], bool]:
    """Run twice; the third value says whether both answers are equal."""
    fetch = {one.name: built.answered(one) for one in built.serving.outputs}
    tensors = {one.name: built.given(one) for one in built.serving.inputs}
    is_only = all(tensor.shape.rank is None for tensor in tensors.values())
    for size in _SIZES:
        given = {n: _example(t, batch, size, is_only=is_only) for n, t in tensors.items()}
        feed = {tensors[name]: value for name, value in given.items()}
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


def _example(tensor: Any, batch: int, size: int, *, is_only: bool) -> Array:
    import tensorflow as tf

    # An input of unknown shape beside others is a setting, one number, more often than not.
    unknown = tf.TensorShape([None] if is_only else [])
    shape = tensor.shape if tensor.shape.rank is not None else unknown
    spec = tf.TensorSpec(shape, tensor.dtype.base_dtype)
    return example(spec, batch=batch, size=size, rng=np.random.default_rng(0))
