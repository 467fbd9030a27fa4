"""One round through a folder and what is below: every save that is found gets its verdict.

Knows the order of things: first the names, then each save by the module for its kind, then the
state file, which is judged by the saves that it names.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tfrepair.api.checkup.bundles import check_bundle
from tfrepair.api.checkup.inventory import Fileset, Folder, is_table, size_of, take_inventory
from tfrepair.api.checkup.saved_models import VARIABLES, check_saved_model, is_saved_model
from tfrepair.api.checkup.single_files import SUFFIXES, check_file
from tfrepair.api.checkup.stand_ins import stand_in
from tfrepair.api.checkup.state_files import read_state, state_findings
from tfrepair.api.checkup.surroundings import Surroundings
from tfrepair.api.checkup.tables import check_tables, check_two_formats
from tfrepair.api.checkup.verdicts import SaveCheckup, State, TensorVerdict, cause
from tfrepair.core.errors import SourceError
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Health
from tfrepair.wire.mapping import map_file
from tfrepair.wire.saved_model import holds_graph

_MAX_FOLDERS = 10_000
_MAX_DEPTH = 16
_PARTS_OF_MODEL = frozenset({VARIABLES, "assets", "assets.extra"})


@dataclass(slots=True)
class Round:
    """What has been found so far."""

    saves: list[SaveCheckup] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def go_round(path: Path) -> Round:
    """Judge every save in a folder and below; links to folders are not followed.

    Raises
    ------
    OSError
        If the folder itself cannot be listed; one below is a finding.
    """
    found = Round()
    waiting = [(path, 0)]
    looked_at = 0
    while waiting and looked_at < _MAX_FOLDERS:
        place, depth = waiting.pop()
        looked_at += 1
        try:
            folder = take_inventory(place)
        except OSError as error:
            if place == path:
                raise
            message = f"the folder cannot be listed: {error.strerror or error}"
            found.findings.append(cause("unlisted", place, message, severity=Severity.WARNING))
            continue
        _check_folder(folder, found)
        below = [] if depth == _MAX_DEPTH else _below(folder)
        waiting += [(child, depth + 1) for child in reversed(below)]
    if waiting:
        message = f"more than {_MAX_FOLDERS} folders: {len(waiting)} were not looked into"
        found.findings.append(cause("too-many-folders", path, message, severity=Severity.WARNING))
    return found


def check_fileset(fileset: Fileset, folder: Folder, found: Round) -> None:
    """Judge the saves of one prefix: of the second format, of the first, or of both."""
    state = read_state(folder)
    named = state.name if state is not None else ""
    if fileset.has_bundle:
        found.saves.append(check_bundle(fileset, Surroundings(folder=folder, named=named)))
    if fileset.has_tables:
        found.saves.append(check_tables(fileset))
    found.findings += check_two_formats(fileset)


def lone_graphs(folder: Folder, found: Round, only: Path | None = None) -> None:
    """Tell graphs whose values are not there: the smallest file is often all that was copied.

    ``only`` is the one graph to tell, or the prefix of it; ``None`` for all.
    """
    for graph in folder.graphs:
        if only not in (None, graph, graph.with_suffix("")) or not _is_graph(graph):
            continue
        message = (
            f"a graph without values: the weights of {graph.stem} are in {graph.stem}.index and "
            f"{graph.stem}.data-*, and neither is there"
        )
        remedy = "copy them from where the run wrote them; the graph alone holds no weights"
        note = cause("graph-without-save", graph, message, remedy, severity=Severity.NOTE)
        found.findings.append(note)


def _is_graph(path: Path) -> bool:
    try:
        return holds_graph(map_file(path), str(path))
    except (SourceError, OSError):
        return False


def _check_folder(folder: Folder, found: Round) -> None:
    if is_saved_model(folder):
        found.saves.append(check_saved_model(folder))
        return
    before = len(found.saves)
    for fileset in folder.filesets:
        if not _is_foreign(fileset):
            check_fileset(fileset, folder, found)
    lone_graphs(folder, found)
    here = found.saves[before:]
    found.findings += state_findings(folder, read_state(folder), here)
    found.saves += _files(folder)


def _below(folder: Folder) -> Sequence[Path]:
    if not is_saved_model(folder):
        return folder.folders
    return [path for path in folder.folders if path.name not in _PARTS_OF_MODEL]


def _is_foreign(fileset: Fileset) -> bool:
    """Say whether a lone ``.index`` is a file of some other program."""
    if fileset.index is None or fileset.members != {fileset.index}:
        return False
    is_ours = size_of(fileset.index) == 0 or is_table(fileset.index)
    return not is_ours and stand_in(fileset.index) is None


def _files(folder: Folder) -> Iterator[SaveCheckup]:
    """Judge the files that are saves by themselves; a folder of single arrays is one save."""
    paths = [path for path in folder.others if path.suffix.lower() in SUFFIXES]
    checked = {path: check_file(path) for path in paths}
    arrays = [path for path in paths if path.suffix.lower() == ".npy"]
    is_one_save = len(arrays) > 1 and all(len(checked[path].tensors) <= 1 for path in arrays)
    if is_one_save:
        yield _joined(folder.path, [(path, checked.pop(path)) for path in arrays])
    yield from checked.values()


def _joined(folder: Path, arrays: Sequence[tuple[Path, SaveCheckup]]) -> SaveCheckup:
    tensors: list[TensorVerdict] = []
    causes: list[Finding] = []
    for path, save in arrays:
        health, note = Health.CORRUPT, save.state.value
        if save.tensors:
            health, note = save.tensors[0].health, save.tensors[0].note
        tensors.append(TensorVerdict(name=path.stem, health=health, note=note))
        causes += save.causes
    whole = sum(tensor.is_whole for tensor in tensors)
    state = State.COMPLETE if whole == len(tensors) and not causes else State.DAMAGED
    return SaveCheckup(
        path=str(folder),
        format="npy_folder",
        state=state if whole else State.UNREADABLE,
        tensors=tuple(tensors),
        causes=tuple(causes),
    )
