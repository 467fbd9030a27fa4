"""Use case: a plan becomes a file that a person edits. Never replaces what is not a plan."""

import tomllib
from pathlib import Path

from tfrepair.core.errors import PlanError, WriteError
from tfrepair.core.plan import Plan
from tfrepair.planning.plan_file import PlanFile, parse_plan, plan_to_toml
from tfrepair.writers.text_file import write_text


def save_plan(plan: Plan, path: str | Path, *, overwrite: bool = False) -> None:
    """Write a plan as TOML: read it, edit ``[map]``, and convert with it.

    Parameters
    ----------
    plan
        As :func:`tfrepair.plan` returns it; equal plans give equal bytes.
    path
        File to write, whole or not at all.
    overwrite
        Replace a plan file of that name.

    Raises
    ------
    WriteError
        If there is such a file already, or it cannot be written.
    """
    require_new_plan(Path(path), overwrite=overwrite)
    write_text(Path(path), plan_to_toml(plan))


def require_new_plan(path: Path, *, overwrite: bool) -> None:
    """Refuse a file that exists, or that is not a plan and hence not ours to replace.

    Raises
    ------
    WriteError
        See there.
    """
    if not path.exists():
        return
    if not path.is_file() or not _is_plan(path):
        message = f"{path} exists and is not a plan: it is not overwritten"
        raise WriteError(message, remedy="choose another name")
    if not overwrite:
        message = f"{path} exists"
        raise WriteError(message, remedy="choose another name, or give --overwrite")


def load_plan(path: Path) -> PlanFile:
    """Read a plan file.

    Raises
    ------
    PlanError
        If it cannot be read, or naming every line that cannot be understood.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        message = f"{path}: cannot be read as a plan: {reason}"
        raise PlanError(message, remedy="make one with `tfrepair plan -o plan.toml`") from error
    return parse_plan(text, str(path))


def planned_arch(path: Path) -> str:
    """Return the architecture that a plan was made for, as ``--arch`` takes it.

    A relative path is looked for beside the plan, then in the working directory; the digest in
    the plan tells later whether it is the same file.

    Raises
    ------
    PlanError
        If the plan cannot be read, or the file that it names is in neither place.
    """
    named = load_plan(path).arch.path
    file, colon, factory = named.partition(":")
    for folder in (path.parent, Path()):
        if (folder / file).is_file():
            return f"{folder / file}{colon}{factory}"
    message = f"{path}: made for the architecture {named}, which is neither beside it nor here"
    raise PlanError(message, remedy="give it with --arch")


def _is_plan(path: Path) -> bool:
    """Tell whether a file is a plan, perhaps one that an edit has broken."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    try:
        return isinstance(tomllib.loads(text).get("plan"), dict)
    except (ValueError, RecursionError):
        return any(line.strip() == "[plan]" for line in text.splitlines())
