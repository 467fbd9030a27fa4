"""The state file of a run, ``checkpoint``: which save it names, and whether that save is there.

TensorFlow's ``latest_checkpoint`` answers None, without a word, for every way in which the file
can be wrong. Here each way has its words.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tfrepair.api.checkup.inventory import STATE_NAME, Folder, names_of, size_of
from tfrepair.api.checkup.verdicts import SaveCheckup, cause
from tfrepair.core.findings import Finding, Severity

_TARGET = re.compile(r'^\s*model_checkpoint_path\s*:\s*"((?:[^"\\\n]|\\.)*)"', re.MULTILINE)
_CUT = re.compile(r"^\s*model_checkpoint_path", re.MULTILINE)
_SHARDS = re.compile(r"-(?:\d{5}|\?{5})-of-\d{5}$")
_WINDOWS = re.compile(r"^(?:[A-Za-z]:|\\\\)")
_MAX_BYTES = 1 << 20
_MARK = b"model_checkpoint_path"
_MISNAMED = re.compile(r"^checkpoint(?:\.(?:txt|text|bak|old|json)| ?\(\d+\))$")


@dataclass(frozen=True, slots=True, kw_only=True)
class StateFile:
    """What a state file says: a target, or ``None`` if it says nothing."""

    path: Path
    target: str | None
    text: str

    @property
    def name(self) -> str:
        """Last part of the target, without the number of a shard."""
        last = re.split(r"[/\\]", self.target or "")[-1]
        return _SHARDS.sub("", last)


def read_state(folder: Folder) -> StateFile | None:
    """Read the state file of a folder, or ``None`` if there is none that can be read."""
    if folder.state is None or not 0 <= size_of(folder.state) <= _MAX_BYTES:
        return None
    try:
        text = folder.state.read_bytes().decode("utf-8", "replace")
    except OSError:
        return None
    match = _TARGET.search(text)
    target = re.sub(r"\\(.)", r"\1", match[1]) if match else None
    return StateFile(path=folder.state, target=target or None, text=text)


def state_findings(
    folder: Folder, state: StateFile | None, saves: Sequence[SaveCheckup]
) -> tuple[Finding, ...]:
    """Explain what is wrong with the state file of a folder.

    Parameters
    ----------
    folder
        What lies there.
    state
        Its state file.
    saves
        The verdicts on its saves.
    """
    found = [*_misnamed(folder), *_unfinished(folder)]
    if state is None:
        return tuple(found)
    if state.target is None:
        found.append(_without_target(state, saves))
    else:
        found += _target_findings(folder, state, state.target, saves)
    return tuple(found)


def _misnamed(folder: Folder) -> Iterator[Finding]:
    if folder.state is not None:
        return
    for path in folder.others:
        if _MISNAMED.match(path.name) and _mentions_target(path):
            message = (
                f"wrong suffix: {path.name} is a state file, but TensorFlow only looks for one "
                f"that is called {STATE_NAME}"
            )
            remedy = f"rename it to {STATE_NAME}, or give a save by its prefix"
            yield cause("wrong-suffix", path, message, remedy, severity=Severity.WARNING)


def _mentions_target(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return _MARK in file.read(_MAX_BYTES)
    except OSError:
        return False


def _unfinished(folder: Folder) -> Iterator[Finding]:
    if folder.state_temps:
        message = (
            f"killed save: the process ended before {names_of(folder.state_temps)} became the new "
            f"{STATE_NAME}: it may name an older save than the newest"
        )
        remedy = "give the newest save by its prefix"
        yield cause("killed-before-state", folder.path, message, remedy, severity=Severity.WARNING)


def _without_target(state: StateFile, saves: Sequence[SaveCheckup]) -> Finding:
    if not state.text.strip("\0 \r\n\t"):
        what = "is empty" if not state.text else "holds nothing but zeros or blanks"
    elif _CUT.search(state.text):
        what = "was cut off in the middle of a path"
    else:
        what = "is garbage: no line says model_checkpoint_path"
    message = f"wrong state file: {STATE_NAME} {what}; TensorFlow finds no save through it"
    return cause("state-unreadable", state.path, message, _give_prefix(saves))


def _target_findings(
    folder: Folder, state: StateFile, target: str, saves: Sequence[SaveCheckup]
) -> Iterator[Finding]:
    here = [save for save in saves if Path(save.path) == folder.path / state.name]
    elsewhere = not _WINDOWS.match(target) and _is_there(folder.path / target)
    if not here and not elsewhere:
        message = f"wrong state file: {STATE_NAME} names {target}, which is not there"
        yield cause("state-names-missing", state.path, message, _give_prefix(saves))
        return
    fix = f'write model_checkpoint_path: "{state.name}" into it, or give the prefix'
    if here and _WINDOWS.match(target):
        message = f"wrong state file: {STATE_NAME} holds the Windows path {target}"
        yield cause("state-windows-path", state.path, message, fix, severity=Severity.WARNING)
    elif here and not elsewhere:
        message = (
            f"wrong state file: {STATE_NAME} names {target}, which is not there, but "
            f"{state.name} is in this folder: the run was moved or copied"
        )
        yield cause("state-foreign-path", state.path, message, fix, severity=Severity.WARNING)
    elif Path(target).is_absolute():
        message = f"{STATE_NAME} holds an absolute path: it breaks when the folder is moved"
        yield cause("state-absolute-path", state.path, message, fix, severity=Severity.NOTE)
    broken = [save for save in here if not save.is_fully_verified]
    if broken and not any(save.is_fully_verified for save in here):
        message = f"{STATE_NAME} names {state.name}, which is not whole ({broken[0].state.value})"
        yield cause(
            "state-names-damaged",
            state.path,
            message,
            _give_prefix(saves),
            severity=Severity.WARNING,
        )


def _is_there(prefix: Path) -> bool:
    """Say whether any file begins with a prefix."""
    try:
        return any(
            path.name in (prefix.name, f"{prefix.name}.index")
            or path.name.startswith((f"{prefix.name}.data-", f"{prefix.name}-0"))
            for path in prefix.parent.iterdir()
        )
    except (OSError, ValueError):
        return False


def _give_prefix(saves: Sequence[SaveCheckup]) -> str:
    whole = [save for save in saves if save.is_fully_verified]
    if not whole:
        return "give a save by its prefix"
    newest = max(whole, key=lambda save: -1 if save.step is None else save.step)
    return f"give a save by its prefix, such as {newest.path}"


def is_state_name(name: str) -> bool:
    """Say whether a file is called as state files are, or as renamed ones are."""
    return name == STATE_NAME or bool(_MISNAMED.match(name))
