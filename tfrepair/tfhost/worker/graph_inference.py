"""What a graph of TensorFlow 1 serves: inputs, outputs and switches, and how it came to that.

Everything that was not said by the user is a finding, so that it can be read and overruled. Puts
the rules of its neighbors in order; comes before the graph is rewritten.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tfrepair.core.errors import ArchitectureError
from tfrepair.core.findings import Finding, Severity
from tfrepair.tfhost.protocol import ArchRequest
from tfrepair.tfhost.worker.captures import CODE_OPS
from tfrepair.tfhost.worker.graph_inputs import (
    PLACEHOLDERS,
    Fed,
    Feeds,
    Resting,
    existing,
    find_feeds,
)
from tfrepair.tfhost.worker.graph_outputs import find_answers
from tfrepair.tfhost.worker.graph_steps import minimized, trained_parts
from tfrepair.tfhost.worker.graph_training import Training, find_training
from tfrepair.tfhost.worker.graph_view import GraphView, TensorRef

_SHOWN = 12
_OTHERS = "if the model's answer is another tensor, name it: --outputs scope/name"
_SEVERAL = (
    "all are served by one signature, which takes what any of them needs; to serve some of them, "
    "name those: --outputs scope/name"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What to serve, and how to train.

    Attributes
    ----------
    inputs, outputs
        Of ``serving_default``.
    fed
        Everything that is cut off from what makes it in the graph, or is a placeholder: the
        inputs, and what training needs besides.
    resting
        Values of the switches that serving or training meets, by placeholder.
    training
        The training step.
    findings
        What was inferred, and what is not sure.
    """

    inputs: tuple[Fed, ...]
    outputs: tuple[Fed, ...]
    fed: tuple[Fed, ...]
    resting: dict[str, Resting]
    training: Training
    findings: tuple[Finding, ...]

    @property
    def roots(self) -> tuple[str, ...]:
        """Nodes that must be kept."""
        return (*(out.ref.node for out in self.outputs), *self.training.roots)


def infer(graph: GraphView, meta: Any, request: ArchRequest) -> Serving:
    """Decide what a graph serves.

    Raises
    ------
    ArchitectureError
        If no output can be found, or one needs an operation that cannot run from a file.
    """
    feeds = find_feeds(graph, request.inputs, request.constants)
    training = find_training(graph, meta, feeds, request.train_op)
    outputs, notes = _outputs(graph, meta, feeds, request.outputs)
    used = _used(graph, feeds, [out.ref for out in outputs])
    _require_runnable(graph, [out.ref for out in outputs], feeds)
    path = graph.ancestors([out.ref.node for out in outputs], stop=feeds.tensors)
    labels = _labels(graph, [*feeds.tensors, *(TensorRef(name) for name in feeds.resting)], feeds)
    inputs = tuple(_fed(graph, ref, labels[ref]) for ref in used)
    everything = dict.fromkeys([*used, *training.fed])
    resting = {
        name: rest
        for name, rest in feeds.resting.items()
        if name in path or TensorRef(name) in training.fed
    }
    return Serving(
        inputs=inputs,
        outputs=outputs,
        fed=tuple(_fed(graph, ref, labels[ref]) for ref in everything),
        resting=resting,
        training=training,
        findings=(
            *notes,
            *_input_notes(graph, inputs, feeds),
            *_switch_notes(graph, resting, path),
            *training.findings,
            *_training_notes(training, labels),
        ),
    )


def _outputs(
    graph: GraphView, meta: Any, feeds: Feeds, asked: Iterable[str]
) -> tuple[tuple[Fed, ...], tuple[Finding, ...]]:
    named = [(text.rpartition("=")[0], text.rpartition("=")[2]) for text in asked]
    if named:
        given = [(existing(graph, tensor, "--outputs"), label) for label, tensor in named]
        names = _labels(graph, [ref for ref, _ in given], feeds)
        return tuple(_fed(graph, ref, label or names[ref]) for ref, label in given), ()
    losses = [ref.node for ref in minimized(graph, graph.nodes)]
    answers = find_answers(graph, feeds, losses, trained_parts(graph, meta))
    if not answers.refs:
        message = (
            "nothing in the graph is clearly a model's answer: no unused tensor that depends on an "
        )
        message += f"input and on a variable has a batch axis (inputs: {_shown(feeds.tensors)})"
        near = f"; it may be one of {_shown(answers.others)}" if answers.others else ""
        raise ArchitectureError(message, remedy=f"name them: --outputs scope/name{near}")
    refs, left_out = _runnable(graph, answers.refs, feeds)
    names = _labels(graph, refs, feeds)
    others = f"; it may also be {_shown(answers.others)}" if answers.others else ""
    finding = Finding(
        code="inferred-outputs",
        severity=Severity.NOTE if answers.is_sure else Severity.WARNING,
        where=", ".join(str(ref) for ref in refs),
        message=f"taken as the outputs: {answers.rule}{others}",
        remedy=_OTHERS if len(refs) == 1 else _SEVERAL,
    )
    return tuple(_fed(graph, ref, names[ref]) for ref in refs), (finding, *left_out)


def _runnable(
    graph: GraphView, refs: tuple[TensorRef, ...], feeds: Feeds
) -> tuple[tuple[TensorRef, ...], tuple[Finding, ...]]:
    """Leave out what cannot run from a file, if something else can: pictures drawn by Python."""
    foreign = {
        ref: found
        for ref in refs
        if (found := list(graph.refused(graph.ancestors([ref.node], stop=feeds.tensors))))
    }
    if len(foreign) in (0, len(refs)):
        return refs, ()
    findings = tuple(
        Finding(
            code="left-out-output",
            severity=Severity.WARNING,
            where=str(ref),
            message="is not served: it needs operations that cannot be run from a file: "
            + ", ".join(f"{name} ({op})" for name, op in found[:_SHOWN]),
        )
        for ref, found in foreign.items()
    )
    return tuple(ref for ref in refs if ref not in foreign), findings


def _used(graph: GraphView, feeds: Feeds, outputs: Iterable[TensorRef]) -> tuple[TensorRef, ...]:
    """Return what must be fed for some outputs."""
    path = graph.ancestors([ref.node for ref in outputs], stop=feeds.tensors)
    return tuple(ref for ref in feeds.tensors if graph.is_taken(ref, path))


def _require_runnable(graph: GraphView, outputs: Iterable[TensorRef], feeds: Feeds) -> None:
    path = graph.ancestors([ref.node for ref in outputs], stop=feeds.tensors)
    found = list(graph.refused(path))
    if not found:
        return
    shown = ", ".join(f"{name} ({op})" for name, op in found[:_SHOWN])
    calls_python = any(op in CODE_OPS for _, op in found)
    why = (
        "they call Python code that the graph does not hold"
        if calls_python
        else "this TensorFlow does not have them: they were custom operations, or removed since"
    )
    message = (
        f"the outputs need {len(found)} operations that cannot be run from a file: {shown}; {why}"
    )
    raise ArchitectureError(
        message, remedy="serve from behind them with --inputs, or give --arch model.py"
    )


def _fed(graph: GraphView, ref: TensorRef, label: str) -> Fed:
    return Fed(ref=ref, name=label, shape=graph.shape(ref), dtype=graph.dtype(ref))


def _labels(graph: GraphView, refs: Iterable[TensorRef], feeds: Feeds) -> dict[TensorRef, str]:
    """Name tensors in signatures: by their operation, unless the user gave a name."""
    labels: dict[TensorRef, str] = {}
    for ref in refs:
        several = len(graph.output_types(ref.node)) > 1
        base = re.sub(r"\W", "_", ref.node) + (f"_{ref.index}" if several else "")
        label = feeds.named.get(ref, "") or (f"x_{base}" if base[:1].isdigit() else base)
        free, number = label, 1
        while free in labels.values():
            free, number = f"{label}_{number}", number + 1
        labels[ref] = free
    return labels


def _input_notes(graph: GraphView, inputs: tuple[Fed, ...], feeds: Feeds) -> Iterator[Finding]:
    unnamed = [fed for fed in inputs if fed.ref not in feeds.named]
    if unnamed:
        delivered = [fed for fed in unnamed if graph.nodes[fed.ref.node].op not in PLACEHOLDERS]
        text = "taken as the inputs: the outputs depend on them"
        if delivered:
            text += f"; {_shown(fed.ref for fed in delivered)} came from a pipeline in the graph"
        yield Finding(
            code="inferred-inputs",
            severity=Severity.NOTE,
            where=", ".join(str(fed.ref) for fed in unnamed),
            message=text,
            remedy="to give other tensors, name them: --inputs scope/name",
        )
    for fed in unnamed:
        if fed.shape in (None, ()) and len(inputs) > 1:
            yield Finding(
                code="unsure-input",
                severity=Severity.WARNING,
                where=fed.ref.node,
                message="a number, or of unknown shape; every caller must give it: nothing tells "
                "whether it is a setting",
                remedy=f"if it is a setting, fix it: --feed {fed.ref.node}=VALUE",
            )


def _switch_notes(
    graph: GraphView, resting: dict[str, Resting], path: frozenset[str]
) -> Iterator[Finding]:
    for name, rest in resting.items():
        if name not in path:
            continue
        value = rest.value or "its own default"
        yield Finding(
            code="constant-input",
            severity=Severity.NOTE,
            where=name,
            message=f"is {value} when serving: {rest.why}"
            if rest.value
            else f"rests at {value} when serving",
            remedy=f"another value: --feed {name}=VALUE; an input again: --inputs with {name}",
        )


def _training_notes(training: Training, labels: dict[TensorRef, str]) -> Iterator[Finding]:
    if training.is_complete:
        names = ", ".join(labels[ref] for ref in training.fed)
        yield Finding(
            code="train-step",
            severity=Severity.NOTE,
            where=training.operation,
            message=f"the signature train_step runs it and returns {_shown(training.losses)}; "
            f"takes {names}",
        )


def _shown(refs: Iterable[TensorRef]) -> str:
    names = [str(ref) for ref in refs]
    rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (", ".join(names[:_SHOWN]) or "none") + rest
