"""Use case: what is damaged, how it came about, and what can still be had. No TensorFlow.

Takes whatever path the user has: a file, a prefix, any member of a save, or a folder with many
saves. :mod:`tfrepair.api.checkup` makes the verdicts.
"""

from pathlib import Path

from tfrepair.api.checkup.inventory import Fileset, Folder, is_temp_folder, take_inventory
from tfrepair.api.checkup.rounds import Round, check_fileset, go_round, lone_graphs
from tfrepair.api.checkup.saved_models import GRAPH, VARIABLES, check_saved_model, is_saved_model
from tfrepair.api.checkup.single_files import check_file
from tfrepair.api.checkup.state_files import is_state_name
from tfrepair.api.checkup.verdicts import Checkup, SaveCheckup
from tfrepair.core.errors import Unrecognised
from tfrepair.readers.base import system_errors
from tfrepair.readers.registry import open_source


def check(path: str | Path) -> Checkup:
    """Judge the saves that a path means.

    Parameters
    ----------
    path
        A file, a prefix or any member of a checkpoint, a SavedModel, a ``.npy``, ``.npz`` or
        pickle: that save is judged. A folder, or its state file: every save in it and below.

    Returns
    -------
    A verdict with its causes for every save, by step. Reads all data once or twice; memory does
    not grow with it. Damage of any kind is in the result.

    Raises
    ------
    SourceError
        If there is no such file, folder or save.
    """
    target = Path(path)
    with system_errors(target):
        if target.is_dir() and not is_temp_folder(target):
            found = go_round(target)
        elif is_state_name(target.name) and target.is_file():
            found = go_round(target.parent)
        else:
            found = _one(target)
    saves = tuple(sorted(found.saves, key=_age))
    verified = [save for save in saves if save.is_fully_verified]
    return Checkup(
        path=str(path),
        saves=saves,
        findings=tuple(found.findings),
        newest=verified[-1] if verified else None,
    )


def _one(path: Path) -> Round:
    """Judge the one save that a path belongs to."""
    found = Round()
    model = _model_of(path)
    if model is not None:
        found.saves.append(check_saved_model(model))
        return found
    place = _place(path)
    if place is not None:
        check_fileset(*place, found)
    elif _is_lone_graph(path, found):
        pass
    elif path.is_file():
        found.saves.append(check_file(path))
    else:
        store = open_source(path)  # says what is wrong with the path, and what was meant
        message = f"{path}: {store.format} cannot be checked under this name"
        raise Unrecognised(message, remedy="give the prefix, a file or the folder")
    return found


def _is_lone_graph(path: Path, found: Round) -> bool:
    if path.parent.is_dir():
        lone_graphs(take_inventory(path.parent), found, only=path)
    return bool(found.findings)


def _model_of(path: Path) -> Folder | None:
    """Return the SavedModel that a file is part of, or ``None``."""
    folder = path.parent
    if path.name == GRAPH and path.is_file():
        return take_inventory(folder)
    is_member = folder.name == VARIABLES and path.name.partition(".")[0] == VARIABLES
    if not is_member or not folder.is_dir():
        return None
    model = take_inventory(folder.parent)
    return model if is_saved_model(model) and (model.path / GRAPH).is_file() else None


def _place(path: Path) -> tuple[Fileset, Folder] | None:
    """Return the files that a member or a prefix belongs to, and their folder."""
    for member in (path, path.parent):
        if not member.parent.is_dir():
            continue
        folder = take_inventory(member.parent)
        for fileset in folder.filesets:
            if member in fileset.members or fileset.prefix == path:
                return fileset, folder
    return None


def _age(save: SaveCheckup) -> tuple[int, int, str]:
    """Return a key that sorts saves from old to new: by step, else by the time of their files."""
    step = -1 if save.step is None else save.step
    index = (f"{save.path}.index",) if save.format == "tensor_bundle" else ()
    for name in (*index, save.path, str(Path(save.path) / GRAPH)):
        try:
            return step, Path(name).stat().st_mtime_ns, save.path
        except OSError:
            continue
    return step, 0, save.path
