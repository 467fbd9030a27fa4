"""Is a directory a sound SavedModel? Checksums, sizes, names and edges; no TensorFlow.

Knows what must hold for any SavedModel, not what this one should contain:
:mod:`tfrepair.verify.bits` does. Damage gives failed checks, never an exception.

Source: planted defects (bit flip, truncated data, dropped entries, transposed shape, foreign
``saved_model.pb``) are all found, sound directories of several writers pass;
``tests/verify/test_structure.py``.
"""

from collections.abc import Iterator
from pathlib import Path

from tfrepair.core.errors import SourceError
from tfrepair.core.verdict import Check
from tfrepair.verify.contents import Bundle, failed, object_graph, open_bundle, open_graphs
from tfrepair.wire.element_types import type_name
from tfrepair.wire.farmhash import fingerprint64
from tfrepair.wire.mapping import map_file
from tfrepair.wire.object_graph import SavedVariable, TrackableNode, walk_pairs
from tfrepair.wire.protobuf import parse
from tfrepair.wire.saved_model import MetaGraph, all_nodes, restored_names

PYTHON_OPS = frozenset({"PyFunc", "PyFuncStateless", "EagerPyFunc"})
"""Operations that call back into the Python process that built the graph."""

MAX_SHARDS = 99_999
"""Names of data files have five digits."""


def check_structure(model: Path) -> tuple[Check, ...]:
    """Check everything that holds for a sound SavedModel.

    Parameters
    ----------
    model
        Its directory.

    Returns
    -------
    One check for each property that holds, and one for every place where one does not. A
    directory whose damage hides a property has a failed check for the damage and none for what
    it hides. Reads all data files once.
    """
    graphs, checks = open_graphs(model)
    bundle, index_checks = open_bundle(model)
    found = [*checks, *index_checks]
    if bundle is not None:
        found += _index_checks(bundle, is_sound=not index_checks, where=model)
        found += data_checks(bundle)
    is_index_lost = bundle is None and bool(index_checks)
    for graph in graphs:
        if not is_index_lost:
            found += _restore_checks(graph, bundle, model)
            found += _graph_checks(graph, bundle, model)
        found += _asset_checks(graph, model)
        found += _operation_checks(graph, model)
    found += fingerprint_checks(model, bundle)
    return tuple(found)


def _summary(name: str, failures: list[Check], detail: str, where: Path | str) -> list[Check]:
    return failures or [Check(name=name, passed=True, detail=detail, where=str(where))]


def _index_checks(bundle: Bundle, *, is_sound: bool, where: Path) -> list[Check]:
    if not is_sound:
        return []
    detail = f"{len(bundle.entries)} entries, every block fits its checksum"
    return [Check(name="index", passed=True, detail=detail, where=str(where))]


def data_checks(bundle: Bundle) -> list[Check]:
    """Check the size of every data file and the checksum of every tensor."""
    announced = bundle.header.num_shards
    ends: dict[int, int] = dict.fromkeys(range(min(announced, MAX_SHARDS)), 0)
    failures, nbytes = [], 0
    for key, entry in bundle.entries.items():
        ends[entry.shard] = max(ends.get(entry.shard, 0), entry.offset + entry.size)
        if entry.slices:
            continue
        nbytes += entry.size
        try:
            bundle.verified(key)
        except SourceError as error:
            failures.append(failed("checksum", error, key))
    if announced > MAX_SHARDS:
        detail = f"{announced} data files announced, names have room for {MAX_SHARDS}"
        failures.append(Check(name="data-size", passed=False, detail=detail, where="variables"))
    detail = f"{len(bundle.entries)} tensors of {nbytes} bytes in sum fit their checksums"
    return [*_size_checks(bundle, ends), *_summary("checksum", failures, detail, "variables")]


def _size_checks(bundle: Bundle, ends: dict[int, int]) -> Iterator[Check]:
    for shard, end in ends.items():
        path = bundle.shards.path(shard)
        try:
            size = len(bundle.shards.view(shard))
        except SourceError as error:
            yield failed("data-size", error, path)
            continue
        detail = f"{size} bytes" if size == end else f"{size} bytes, the index needs {end}"
        yield Check(name="data-size", passed=size == end, detail=detail, where=str(path))


def _restore_checks(graph: MetaGraph, bundle: Bundle | None, model: Path) -> list[Check]:
    """Check that what the session loader reads is in the index."""
    entries = bundle.entries if bundle is not None else {}
    try:
        names = restored_names(graph)
    except SourceError as error:
        return [failed("restore-names", error, model)]
    failures = [
        Check(
            name="restore-names",
            passed=False,
            detail=f"the graph restores it, but it is not among the {len(entries)} entries",
            where=name,
        )
        for name in names
        if name not in entries
    ]
    return _summary("restore-names", failures, f"all {len(names)} are in the index", model)


def _graph_checks(graph: MetaGraph, bundle: Bundle | None, model: Path) -> list[Check]:
    """Walk both object graphs; every variable of the model needs its tensor in the bundle."""
    variables = {i: node.variable for i, node in enumerate(graph.objects) if node.variable}
    if not variables:
        detail = "the model declares no variables as objects"
        return [Check(name="object-graph", passed=True, detail=detail, where=str(model))]
    if bundle is None:
        detail = f"the model declares {len(variables)} variables, but there is no variables.index"
        return [Check(name="object-graph", passed=False, detail=detail, where=str(model))]
    try:
        tracked = object_graph(bundle)
    except SourceError as error:
        return [failed("object-graph", error, model)]
    partners = dict(walk_pairs(graph.objects, tracked))
    failures = []
    for place, variable in variables.items():
        wrong = _variable_problem(variable, partners.get(place), tracked, bundle)
        if wrong:
            where = f"{variable.name or 'unnamed'} (node {place})"
            failures.append(Check(name="object-graph", passed=False, detail=wrong, where=where))
    detail = f"{len(variables)} variables lead to tensors of their dtype and shape"
    return _summary("object-graph", failures, detail, model)


def _variable_problem(
    variable: SavedVariable,
    partner: int | None,
    tracked: tuple[TrackableNode, ...],
    bundle: Bundle,
) -> str:
    key = tracked[partner].value_key if partner is not None else None
    if key is None:
        return "no counterpart in the checkpoint's object graph"
    entry = bundle.entries.get(key)
    if entry is None:
        return f"its key {key} is not in the index"
    if entry.dtype != variable.dtype:
        return f"{key} is {type_name(entry.dtype)}, expected {type_name(variable.dtype)}"
    if variable.shape is not None and entry.shape != variable.shape:
        return f"{key} has shape {entry.shape}, expected {variable.shape}"
    return ""


def _asset_checks(graph: MetaGraph, model: Path) -> list[Check]:
    if not graph.asset_files:
        return []
    folder = model / "assets"
    failures = [
        Check(name="assets", passed=False, detail="is not there", where=str(folder / name))
        for name in graph.asset_files
        if not (folder / name).is_file()
    ]
    return _summary("assets", failures, f"all {len(graph.asset_files)} are there", folder)


def _operation_checks(graph: MetaGraph, model: Path) -> list[Check]:
    failures = [
        Check(
            name="operations",
            passed=False,
            detail=f"{node.op} calls Python code that is not part of the model",
            where=where,
        )
        for where, node in all_nodes(graph)
        if node.op in PYTHON_OPS
    ]
    return _summary("operations", failures, "none calls back into Python", model)


def fingerprint_checks(model: Path, bundle: Bundle | None) -> list[Check]:
    """Compare the fingerprint of the index with the one that TensorFlow stored at export."""
    path = model / "fingerprint.pb"
    if bundle is None or not path.is_file():
        return []
    try:
        stored = parse(map_file(path), str(path)).uint(5)
    except SourceError as error:
        return [failed("fingerprint", error, path)]
    found = fingerprint64(bundle.index)
    detail = f"checkpoint_hash {stored}"
    if stored != found:
        detail += f", the index file has {found}"
    return [Check(name="fingerprint", passed=stored == found, detail=detail, where=str(path))]
