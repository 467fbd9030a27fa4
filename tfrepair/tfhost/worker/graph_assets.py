"""Files that a graph of TensorFlow 1 reads: vocabularies of its tables, found where they lie now.

A graph keeps the path that its writer used, on another machine as a rule. A file that is not there
any more is looked for by its name near the ``.meta`` file. Comes before the graph is rewritten.

Source: ``InitializeTableFromTextFile`` of data_flow_ops and lookup_ops; the collection
``asset_filepaths`` of a MetaGraphDef; ``assets/`` and ``assets.extra/`` of a SavedModel.
"""

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from tfrepair.core.errors import ArchitectureError
from tfrepair.core.findings import Finding, Severity
from tfrepair.tfhost.worker.graph_steps import members
from tfrepair.tfhost.worker.graph_view import GraphView

TABLES = "table_initializer"
ASSETS = "asset_filepaths"
FOLDERS = ("", "assets", "assets.extra", "vocab", "..", "../assets", "../assets.extra")
"""Where a file is looked for, from the folder of the ``.meta`` file."""
_READS_FILE = frozenset({"InitializeTableFromTextFile", "InitializeTableFromTextFileV2"})


def used_tables(graph: GraphView, meta: Any, used: Collection[str]) -> tuple[str, ...]:
    """Return the initializers of tables that some nodes use."""
    return tuple(
        name
        for name in members(meta, TABLES)
        if name in graph.nodes and any(ref.node in used for ref in graph.inputs(name)[:1])
    )


def relocate(graph: GraphView, meta: Any, used: Collection[str], folder: Path) -> list[Finding]:
    """Let tables read their files where those lie now; changes the constants in the graph.

    Parameters
    ----------
    graph, meta
        The graph, and the ``MetaGraphDef`` around it.
    used
        Nodes that run for serving and training.
    folder
        Where the ``.meta`` file lies. Looks at names of files there, and compares files of one
        name.

    Returns
    -------
    A finding for each file that was found elsewhere.

    Raises
    ------
    ArchitectureError
        If a file is found nowhere, or several differ; all are named at once.
    """
    findings, problems = [], []
    for node in _paths(graph, meta, used):
        text = _text(node)
        if not text or Path(text).exists():
            continue
        found = list(_found(text, folder))
        if len(found) == 1:
            node.attr["value"].tensor.string_val[:] = [str(found[0]).encode()]
            findings.append(_moved(node.name, text, found[0]))
        elif found:
            several = ", ".join(str(path) for path in found)
            problems.append(f"{text} ({node.name}) is not there, and these differ: {several}")
        else:
            problems.append(f"{text} ({node.name}) is not there")
    if problems:
        message = f"the graph's tables read files: {'; '.join(problems)}"
        places = ", ".join(str(folder / name) for name in FOLDERS[:3])
        raise ArchitectureError(
            message, remedy=f"put each under its name into one of {places}, and only there"
        )
    return findings


def _paths(graph: GraphView, meta: Any, used: Collection[str]) -> Iterator[Any]:
    tables = used_tables(graph, meta, used)
    needed = graph.ancestors(tables) | frozenset(used)
    names = {name for name in members(meta, ASSETS) if name in needed}
    for table in needed:
        if graph.nodes[table].op in _READS_FILE:
            names |= {ref.node for ref in graph.inputs(table)[1:2]}
    for name in sorted(names):
        while graph.nodes[name].op == "Identity" and graph.inputs(name):
            name = graph.inputs(name)[0].node  # noqa: PLW2901 - follows the way of one path
        if graph.nodes[name].op == "Const":
            yield graph.nodes[name]


def _text(node: Any) -> str:
    values = node.attr["value"].tensor.string_val
    return values[0].decode(errors="replace") if len(values) == 1 else ""


def _found(text: str, folder: Path) -> Iterator[Path]:
    """Yield files of the same name, one for each content."""
    base = re.split(r"[/\\]", text)[-1]
    contents = set()
    for name in FOLDERS if base else ():
        path = (folder / name / base).resolve()
        if path.is_file() and (data := path.read_bytes()) not in contents:
            contents.add(data)
            yield path


def _moved(node: str, text: str, path: Path) -> Finding:
    return Finding(
        code="moved-file",
        severity=Severity.NOTE,
        where=node,
        message=f"{text} is not there; {path}, which has the same name, is read instead",
        remedy="if that is another vocabulary, put the right one in its place",
    )
