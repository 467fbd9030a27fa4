"""A graph of TensorFlow 1 as an architecture: from a ``.meta`` file to a graph that can be filled.

Reads the file, lets the graph's neighbors decide what it serves, imports what is kept, and
describes the variables. Comes before :mod:`tfrepair.tfhost.worker.graph_export`.

Source: MetaGraphDef of TensorFlow 1.4, 1.12, 1.15 and 2.21; ``tests/golden/metagraph``.
"""

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfrepair.core.architecture import GRAPH_1, Architecture, TensorSpec
from tfrepair.core.errors import ArchitectureError
from tfrepair.core.findings import Finding, Severity
from tfrepair.tfhost.protocol import ArchRequest
from tfrepair.tfhost.worker.graph_assets import relocate
from tfrepair.tfhost.worker.graph_inference import Serving, infer
from tfrepair.tfhost.worker.graph_inputs import Fed
from tfrepair.tfhost.worker.graph_rewrite import Rewritten, rewrite
from tfrepair.tfhost.worker.graph_training import left_behind
from tfrepair.tfhost.worker.graph_variables import GraphVariable, find_variables
from tfrepair.tfhost.worker.graph_view import GraphView, TensorRef, view
from tfrepair.tfhost.worker.loading import first_line


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltGraph:
    """A graph of TensorFlow 1 that is imported and whose variables are known.

    Attributes
    ----------
    graph
        ``tf.Graph``.
    serving
        What to serve and how to train; tensors under their names in the file.
    fed
        Names in ``graph`` of the tensors that are fed.
    variables
        All of them.
    versions
        Of TensorFlow: this one, and the graph's writer.
    """

    graph: Any
    serving: Serving
    fed: dict[TensorRef, str]
    variables: tuple[GraphVariable, ...]
    versions: dict[str, str]

    def given(self, one: Fed) -> Any:
        """Return the tensor that is fed."""
        return self.graph.get_tensor_by_name(f"{self.fed[one.ref]}:0")

    def answered(self, one: Fed) -> Any:
        """Return an output."""
        return self.graph.get_tensor_by_name(self.fed.get(one.ref, str(one.ref)))


def build_graph(request: ArchRequest) -> tuple[BuiltGraph, Architecture]:
    """Read a ``.meta`` file, decide what it serves, and describe it.

    Raises
    ------
    ArchitectureError
        If the file is none, nothing in it can be served, or what is served cannot run.
    """
    path = Path(request.location)
    data = _read(path)
    meta = _parsed(data, path)
    graph = view(meta.graph_def)
    serving = infer(graph, meta, request)
    stop = [fed.ref for fed in serving.fed]
    step = graph.ancestors(serving.training.roots, stop=stop)
    served = graph.ancestors([out.ref.node for out in serving.outputs], stop=stop)
    variables = find_variables(graph, meta, served, step)
    moved = relocate(graph, meta, step | served, path.parent)
    rewritten, imported, notes = _freest(graph, meta, serving, variables)
    built = BuiltGraph(
        graph=imported,
        serving=serving,
        fed=dict(rewritten.fed),
        variables=variables,
        versions=_versions(meta),
    )
    firsts = {p.definition.initializer_name for v in variables for p in v.parts}
    behind = left_behind(graph, serving.training, step, firsts)
    findings = (*serving.findings, *behind, *moved, *notes, *_kept(graph, rewritten))
    return built, _described(built, request, hashlib.sha256(data).hexdigest(), findings)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror or error}"
        raise ArchitectureError(message) from error


def _parsed(data: bytes, path: Path) -> Any:
    import tensorflow as tf
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        meta = tf.compat.v1.MetaGraphDef.FromString(data)
    except DecodeError as error:
        message = f"{path}: {len(data)} bytes that are no MetaGraphDef, or a part of one"
        raise ArchitectureError(message, remedy="give --arch model.py instead") from error
    if not meta.graph_def.node:
        message = f"{path}: a MetaGraphDef without a graph"
        raise ArchitectureError(message, remedy="give --arch model.py instead")
    return meta


def _freest(
    graph: GraphView, meta: Any, serving: Serving, variables: tuple[GraphVariable, ...]
) -> tuple[Rewritten, Any, tuple[Finding, ...]]:
    """Import with a free batch axis where the graph was built for one size, if it allows that."""
    sizes = {fed.shape[0] for fed in serving.inputs if fed.shape}
    fixed = [size for size in sizes if size is not None]
    if len(fixed) == 1:
        free = {fed.ref for fed in serving.fed if fed.shape and fed.shape[0] == fixed[0]}
        trial = rewrite(graph, meta, serving, variables, free=free)
        where = ", ".join(str(ref) for ref in sorted(free))
        try:
            imported = _imported(trial.meta)
            kept_size = _fixed_outputs(imported, trial, serving)
        except ValueError:
            kept_size = ["the graph as a whole"]
            imported = None
        if imported is not None and not kept_size:
            note = Finding(
                code="free-batch",
                severity=Severity.NOTE,
                where=where,
                message=f"takes any batch size; the graph was built for {fixed[0]}",
            )
            return trial, imported, (note,)
        finding = Finding(
            code="fixed-batch",
            severity=Severity.WARNING,
            where=where,
            message=f"takes the batch size {fixed[0]} only: {', '.join(kept_size)} has it built in",
            remedy="give --arch model.py to serve other sizes",
        )
        plain = rewrite(graph, meta, serving, variables)
        return plain, _imported(plain.meta), (finding,)
    plain = rewrite(graph, meta, serving, variables)
    return plain, _imported(plain.meta), ()


def _fixed_outputs(imported: Any, rewritten: Rewritten, serving: Serving) -> list[str]:
    found = []
    for out in serving.outputs:
        shape = imported.get_tensor_by_name(rewritten.fed.get(out.ref, str(out.ref))).shape
        if shape.rank and shape[0] is not None:
            found.append(str(out.ref))
    return found


def _imported(meta: Any) -> Any:
    """Import a graph the way TensorFlow 1 does.

    Raises
    ------
    ValueError
        If shapes contradict each other.
    ArchitectureError
        If TensorFlow does not take it for another reason.
    """
    import tensorflow as tf
    from tensorflow.python.framework import meta_graph

    graph = tf.Graph()
    with graph.as_default():
        try:
            meta_graph.import_scoped_meta_graph(meta, clear_devices=True)
        except (tf.errors.OpError, KeyError, TypeError) as error:
            first = first_line(error)
            message = f"this TensorFlow does not take the graph: {first[:500]}"
            raise ArchitectureError(message, remedy="give --arch model.py instead") from error
    return graph


def _versions(meta: Any) -> dict[str, str]:
    import tensorflow as tf

    writer = meta.meta_info_def.tensorflow_version
    return {"tensorflow": tf.__version__} | ({"graph": writer} if writer else {})


def _kept(graph: GraphView, rewritten: Rewritten) -> Iterator[Finding]:
    if rewritten.dropped:
        yield Finding(
            code="kept-operations",
            severity=Severity.NOTE,
            where="graph",
            message=f"{len(graph.nodes) - rewritten.dropped} of {len(graph.nodes)} operations are "
            "kept: what serving, training and the variables need",
        )


def _described(
    built: BuiltGraph, request: ArchRequest, digest: str, findings: Collection[Finding]
) -> Architecture:
    serving = built.serving
    return Architecture(
        framework=GRAPH_1,
        name=Path(request.location).name.removesuffix(".meta"),
        class_name="MetaGraphDef",
        source=request.location,
        digest=digest,
        variables=tuple(variable.described for variable in built.variables),
        inputs=tuple(spec(one, built.given(one)) for one in serving.inputs),
        outputs=tuple(spec(one, built.answered(one)) for one in serving.outputs),
        has_loss=serving.training.is_complete,
        versions=built.versions,
        findings=tuple(findings),
    )


def spec(one: Fed, tensor: Any) -> TensorSpec:
    """Return an input or output as data."""
    shape = None if tensor.shape.rank is None else tuple(tensor.shape.as_list())
    return TensorSpec(name=one.name, shape=shape, dtype=tensor.dtype.base_dtype.name)
