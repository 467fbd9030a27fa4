"""The last step of every reader of bare arrays: a flattened tree becomes a store."""

from pathlib import Path

from tfrepair.core.findings import Finding
from tfrepair.core.tensor import Limits, TensorStore
from tfrepair.readers.containers import flatten


def store_of(
    tree: object,
    *,
    reader: str,
    path: Path,
    files: tuple[Path, ...],
    limits: Limits,
    order_is_meaningful: bool = True,
    findings: tuple[Finding, ...] = (),
) -> TensorStore:
    """Flatten a tree into a store.

    Parameters
    ----------
    tree
        See :func:`tfrepair.readers.containers.flatten`.
    reader, path, files
        Go into the store.
    limits
        Bounds on number, nesting and size.
    order_is_meaningful
        What the reader knows about its own level; a shuffled dict below it is seen here.
    findings
        What the reader met; findings about values are added.

    Raises
    ------
    OverLimit, Corrupt
        As :func:`tfrepair.readers.containers.flatten`.
    """
    contents = flatten(tree, where=str(path), limits=limits)
    return TensorStore(
        format=reader,
        path=str(path),
        files=tuple(str(file) for file in files),
        tensors=contents.tensors,
        names_are_meaningful=contents.names_are_meaningful,
        order_is_meaningful=order_is_meaningful and contents.order_is_meaningful,
        findings=(*findings, *contents.findings),
    )
