"""The verdict on a SavedModel: its variables as a bundle, and what makes the folder a model.

The values are judged as those of any checkpoint, interrupted saves included; on top come the
structural checks of :mod:`tfrepair.verify.structure`.
"""

from pathlib import Path

from tfrepair.api.checkup.bundles import check_bundle
from tfrepair.api.checkup.inventory import Fileset, Folder, names_of, size_of, take_inventory
from tfrepair.api.checkup.stand_ins import stand_in
from tfrepair.api.checkup.surroundings import Surroundings
from tfrepair.api.checkup.verdicts import SaveCheckup, State, TensorVerdict, cause, quoted
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.verdict import Check
from tfrepair.verify.structure import check_structure

GRAPH, VARIABLES = "saved_model.pb", "variables"
_TEXT_GRAPH = "saved_model.pbtxt"
_FORMAT = "saved_model"
_BY_BUNDLE = frozenset({"index", "data-size", "checksum"})
"""Checks whose failures the verdict on the bundle explains better."""
_NO_DAMAGE = frozenset({"operations"})
_INTERRUPTED = frozenset({"killed-save", "merge-window", "killed-between-renames"})
_MAX_CAUSES = 20


def is_saved_model(folder: Folder) -> bool:
    """Say whether a folder is, or was to become, a SavedModel."""
    names = {path.name for path in folder.others}
    if names & {GRAPH, _TEXT_GRAPH} or _unnamed_graphs(folder):
        return True
    below = folder.path / VARIABLES
    return below in folder.folders and _variables(below) is not None


def check_saved_model(folder: Folder) -> SaveCheckup:
    """Judge a SavedModel; reads all of it, never raises on malformed bytes."""
    model = folder.path
    fileset = _variables(model / VARIABLES)
    bundle = None
    if fileset is not None:
        inner = Folder(path=model / VARIABLES, filesets=(fileset,))
        bundle = check_bundle(fileset, Surroundings(folder=inner))
    causes = [*_graph_causes(folder, bundle), *_structure_causes(folder, bundle)]
    if bundle is not None:
        was_killed = any(found.code in _INTERRUPTED for found in bundle.causes)
        causes = [*bundle.causes, *causes] if was_killed else [*causes, *bundle.causes]
    tensors = () if bundle is None else bundle.tensors
    return SaveCheckup(
        path=str(model),
        format=_FORMAT,
        state=_state(bundle, tensors, causes),
        tensors=tensors,
        causes=tuple(causes),
    )


def _variables(folder: Path) -> Fileset | None:
    try:
        return take_inventory(folder).fileset(VARIABLES) if folder.is_dir() else None
    except OSError:
        return None


def _unnamed_graphs(folder: Folder) -> list[Path]:
    return [path for path in folder.others if path.name.startswith(f"{GRAPH}.tmp")]


def _graph_causes(folder: Folder, bundle: SaveCheckup | None) -> list[Finding]:
    path = folder.path / GRAPH
    if size_of(path) >= 0:
        instead = stand_in(path)
        return [] if instead is None else [instead.cause(path)]
    if (folder.path / _TEXT_GRAPH).is_file():
        message = f"the graph is text ({_TEXT_GRAPH}), which is not looked into"
        return [cause("text-graph", folder.path, message, severity=Severity.NOTE)]
    unnamed = _unnamed_graphs(folder)
    if unnamed:
        message = (
            f"killed save: the process ended before {names_of(unnamed)} became {GRAPH}; the "
            "SavedModel has no graph under its final name"
        )
        remedy = f"in a copy of the folder, rename it to {GRAPH}"
        return [cause("killed-before-graph", path, message, remedy)]
    message = f"incomplete SavedModel: {GRAPH} is missing; the variables alone cannot be served"
    remedy = "copy the file again, or export the model again"
    if bundle is not None and bundle.is_usable:
        remedy = (
            "copy the file again; or make a new SavedModel of the values: tfrepair convert "
            f"{quoted(bundle.path)} OUT --arch model.py"
        )
    return [cause("missing-graph", path, message, remedy)]


def _structure_causes(folder: Folder, bundle: SaveCheckup | None) -> list[Finding]:
    model = folder.path
    if size_of(model / GRAPH) < 0 or stand_in(model / GRAPH) is not None:
        return []
    failed = [
        check
        for check in check_structure(model)
        if not check.passed and not (bundle is not None and check.name in _BY_BUNDLE)
    ]
    if bundle is None and any(check.name == "object-graph" for check in failed):
        return [_without_variables(model)]
    found = [_structural(check) for check in failed[:_MAX_CAUSES]]
    if len(failed) > _MAX_CAUSES:
        message = f"{len(failed) - _MAX_CAUSES} more checks failed; tfrepair verify lists them"
        found.append(cause("structure", model, message))
    return found


def _without_variables(model: Path) -> Finding:
    message = (
        f"incomplete SavedModel: the graph has variables, but {VARIABLES}/{VARIABLES}.index and "
        "its data are missing"
    )
    remedy = "copy the folder again with all that is below it; the graph alone holds no values"
    return cause("missing-variables", model / VARIABLES, message, remedy)


def _structural(check: Check) -> Finding:
    if check.name == "fingerprint":
        message = f"mixed saves: the graph was saved with another index: {check.detail}"
        remedy = "find the variables that were saved with this graph; tfrepair diff compares them"
        return cause("mixed-saves", check.where, message, remedy)
    severity = Severity.NOTE if check.name in _NO_DAMAGE else Severity.ERROR
    message = f"{check.name}: {check.detail}"
    remedy = "export the model again, or copy the folder again"
    return cause(f"structure-{check.name}", check.where, message, remedy, severity=severity)


def _state(
    bundle: SaveCheckup | None, tensors: tuple[TensorVerdict, ...], causes: list[Finding]
) -> State:
    hurt = any(found.severity is Severity.ERROR for found in causes)
    if bundle is None:
        return State.UNREADABLE if hurt else State.COMPLETE
    if hurt and bundle.state in (State.COMPLETE, State.CORRECTED):
        return State.DAMAGED if tensors else State.UNREADABLE
    if bundle.state is State.FINISHABLE and any(f.code == "missing-graph" for f in causes):
        return State.DAMAGED
    return bundle.state
