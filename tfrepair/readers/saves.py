"""Which save is meant: from any member of a checkpoint, a prefix or a folder to files.

Knows the names of files and the ``checkpoint`` state file, opens nothing else but the last bytes
of a file. Both checkpoint readers start here; what is in the files is theirs. A choice between
several saves is explained by a finding, a choice without a reason is refused.

Source: file names of TensorFlow 1.4 to 2.21; state files with foreign and missing paths are
common in moved run folders.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import translate
from pathlib import Path

from tfrepair.core.errors import SourceError
from tfrepair.core.findings import Finding, Severity
from tfrepair.readers.base import system_errors
from tfrepair.readers.unmerged import Unmerged, find_unmerged, unmerged_in
from tfrepair.wire.saver_v1 import begins_like_header
from tfrepair.wire.sstable import MAGIC

STATE_NAME = "checkpoint"
_DATA = re.compile(r"^(?P<prefix>.+)\.data-\d{5}-of-(?P<count>\d{5})$", re.DOTALL)
_SHARD = re.compile(r"^(?P<prefix>.+)-(?:\d{5}|\?{5})-of-(?P<count>\d{5})$", re.DOTALL)
_STEP = re.compile(r"^(?P<base>.*?)-?(?P<step>\d+)$", re.DOTALL)
_STATE = re.compile(r'\s*model_checkpoint_path\s*:\s*"((?:[^"\\]|\\.)*)"')
_WILD = re.compile(r"[*?\[]")
_MAX_STATE_BYTES = 1 << 20
_MAX_LISTED = 10
_HEAD = 512
"""Bytes that tell how a file begins."""


class Kind(StrEnum):
    """The two formats of a save."""

    BUNDLE = "tensor_bundle"
    V1 = "saver_v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Save:
    """One save: its prefix, its format, its files that are there (the index first).

    ``unmerged`` is set for a save in parts, of which nothing has its final name yet;
    ``unfinished`` are the growing data files of a save that was killed, by number.
    """

    prefix: Path
    kind: Kind
    files: tuple[Path, ...]
    unmerged: Unmerged | None = None
    unfinished: Mapping[int, Path] = field(default_factory=dict)
    count: int = 0

    @property
    def has_all_files(self) -> bool:
        """True if every file that the names of the others announce is there."""
        if self.kind is Kind.V1:
            counts = {int(m["count"]) for f in self.files if (m := _SHARD.match(f.name))}
            return not counts or counts == {len(self.files)}
        data = [m for f in self.files if (m := _DATA.match(f.name))]
        counts = {int(m["count"]) for m in data}
        return counts == {len(data)} and len(self.files) == len(data) + 1

    @property
    def is_complete(self) -> bool:
        """True if all files are there under their final names, and none has lost its end."""
        if self.unmerged is not None or self.unfinished or not self.has_all_files:
            return False
        return self.kind is not Kind.V1 or all(_is_table(file) for file in self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a path means: saves of one prefix, at most one of each kind, and why these."""

    saves: tuple[Save, ...]
    findings: tuple[Finding, ...] = ()

    def of(self, kind: Kind) -> Save | None:
        """Return the save of one format, or ``None``."""
        return next((save for save in self.saves if save.kind is kind), None)


NOTHING = Choice(saves=())


def choose_save(path: Path) -> Choice:
    """Find the save that a path means.

    Parameters
    ----------
    path
        Prefix, any file of a checkpoint, its state file, a run folder, a SavedModel's folder, the
        pattern (``model-7-?????-of-00003``) that state files hold, or any other pattern for the
        names in a folder (``model.ckpt-*``).

    Returns
    -------
    No saves if nothing here looks like a checkpoint.

    Raises
    ------
    SourceError
        If a folder holds several saves and nothing says which one is meant, or it cannot be read.
    """
    with system_errors(path):
        if path.is_dir():
            return _in_folder(path)
        if path.is_file():
            return _by_member(path)
        saves = _saves_of(path)  # a part of a save is one itself: part-00000-of-00002.index
        if saves:
            return Choice(saves=saves)
        shard = _SHARD.match(path.name)
        prefix = path.with_name(shard["prefix"]) if shard else path
        if not prefix.name:
            return NOTHING
        saves = _saves_of(prefix)
        if saves:
            return Choice(saves=saves)
        parts = find_unmerged(prefix)
        return _by_pattern(path) if parts is None else _in_parts((parts,))


def _by_pattern(path: Path) -> Choice:
    """Return the save that a pattern fits; of several the one with the highest step."""
    if not _WILD.search(path.name) or not path.parent.is_dir():
        return NOTHING
    fits = re.compile(translate(path.name)).match
    here = {
        prefix: saves
        for prefix, saves in _grouped(path.parent.iterdir()).items()
        if fits(prefix.name) or any(fits(file.name) for save in saves for file in save.files)
    }
    if len(here) < 2:
        return Choice(saves=next(iter(here.values()), ()))
    reason = f"{path.name} fits several saves"
    return _newest(path.parent, here, reason, Severity.NOTE)


def _by_member(path: Path) -> Choice:
    name = path.name
    if name == "saved_model.pb":
        return _in_folder(path.parent)
    data, shard = _DATA.match(name), _SHARD.match(name)
    if name.endswith(".index") or data:
        prefix = path.with_name(data["prefix"] if data else name.removesuffix(".index"))
        return Choice(saves=_only(_saves_of(prefix), Kind.BUNDLE))
    if name.endswith(".meta"):
        return Choice(saves=_saves_of(path.with_name(name.removesuffix(".meta"))))
    if shard and _is_table(path):
        return Choice(saves=_only(_saves_of(path.with_name(shard["prefix"])), Kind.V1))
    if _is_table(path):
        return Choice(saves=_saves_of(path))
    if _state_target(path) is not None:
        return _in_folder(path.parent, state=path)
    return NOTHING


def _only(saves: tuple[Save, ...], kind: Kind) -> tuple[Save, ...]:
    return tuple(save for save in saves if save.kind is kind)


def _saves_of(prefix: Path) -> tuple[Save, ...]:
    """Return the saves under a prefix; looks at names, and at the end of a V1 file."""
    if not prefix.name or not prefix.parent.is_dir():
        return ()
    return _grouped(_siblings(prefix)).get(prefix, ())


def _siblings(prefix: Path) -> list[Path]:
    return [entry for entry in prefix.parent.iterdir() if entry.name.startswith(prefix.name)]


def _grouped(entries: Iterable[Path]) -> dict[Path, tuple[Save, ...]]:
    """Sort files into saves, by prefix."""
    found: dict[tuple[Path, Kind], list[Path]] = {}
    for entry in sorted(entries):
        data = _DATA.match(entry.name)
        if data:
            found.setdefault((entry.with_name(data["prefix"]), Kind.BUNDLE), []).append(entry)
        elif entry.name.endswith(".index"):
            prefix = entry.with_name(entry.name.removesuffix(".index"))
            found.setdefault((prefix, Kind.BUNDLE), []).insert(0, entry)
        elif _is_table(entry) or _is_cut_shard(entry):
            shard = _SHARD.match(entry.name)
            prefix = entry.with_name(shard["prefix"]) if shard else entry
            found.setdefault((prefix, Kind.V1), []).append(entry)
    saves: dict[Path, tuple[Save, ...]] = {}
    for (prefix, kind), files in found.items():
        is_index_alone = kind is Kind.BUNDLE and len(files) == 1 and files[0].suffix == ".index"
        if is_index_alone and not _is_table(files[0]):
            continue
        ordered = sorted(files, key=lambda file: not file.name.endswith(".index"))
        save = Save(prefix=prefix, kind=kind, files=tuple(ordered))
        saves[prefix] = (*saves.get(prefix, ()), save)
    return saves


def _is_table(path: Path) -> bool:
    """Say whether a file ends as a table does; files that cannot be read do not."""
    try:
        if not path.is_file() or path.stat().st_size < len(MAGIC):
            return False
        with path.open("rb") as file:
            file.seek(-len(MAGIC), 2)
            return file.read() == MAGIC
    except OSError:
        return False


def _is_cut_shard(path: Path) -> bool:
    """Say whether a file has the name of a shard and begins as one, but lost its end."""
    try:
        if not _SHARD.match(path.name) or not path.is_file():
            return False
        with path.open("rb") as file:
            return begins_like_header(file.read(_HEAD))
    except OSError:
        return False


def _in_folder(folder: Path, state: Path | None = None) -> Choice:
    variables = folder / "variables"
    if state is None and variables.is_dir():
        saves = _saves_of(variables / "variables")
        if saves:
            return Choice(saves=_only(saves, Kind.BUNDLE))
    here = _grouped(folder.iterdir())
    named = state or folder / STATE_NAME
    target = _state_target(named) if named.is_file() else None
    if target is not None:
        return _by_state(folder, named, target, here)
    if not here:
        return _in_parts(unmerged_in(folder))
    if len(here) == 1:
        return Choice(saves=next(iter(here.values())))
    return _newest(folder, here, "there is no readable state file", Severity.NOTE)


def _in_parts(found: tuple[Unmerged, ...]) -> Choice:
    """Choose a save that was not merged yet, if it is the only one."""
    if len(found) != 1:
        return NOTHING
    (parts,) = found
    save = Save(
        prefix=parts.prefix,
        kind=Kind.BUNDLE,
        files=(*parts.parts, *parts.data),
        unmerged=parts,
    )
    return Choice(saves=(save,))


def _by_state(folder: Path, state: Path, target: str, here: dict[Path, tuple[Save, ...]]) -> Choice:
    """Choose the save that a state file names, wherever the run folder has gone since."""
    name = re.split(r"[/\\]", target)[-1]
    shard = _SHARD.match(name)
    name = shard["prefix"] if shard else name
    saves = here.get(folder / name, ())
    if not saves and not re.match(r"[A-Za-z]:", target):
        elsewhere = folder / target
        elsewhere = elsewhere.with_name(name) if name else elsewhere
        saves = _saves_of(elsewhere)
    complete = any(save.is_complete for save in saves)
    if complete or (saves and len(here) <= 1):
        if len(here) <= 1:
            return Choice(saves=saves)
        message = f"{len(here)} saves are in the folder; {state.name} names {name}"
        return Choice(saves=saves, findings=(_chosen(folder, message, Severity.NOTE),))
    what = "is incomplete" if saves else "is not there"
    reason = f"{state.name} names {target}, which {what}"
    if not here:
        return Choice(saves=saves) if saves else _in_parts(unmerged_in(folder))
    return _newest(folder, here, reason, Severity.WARNING)


def _newest(
    folder: Path, here: dict[Path, tuple[Save, ...]], reason: str, severity: Severity
) -> Choice:
    """Choose the complete save with the highest step, if steps are all that differs."""
    complete = [p for p, saves in here.items() if any(save.is_complete for save in saves)]
    candidates = complete or list(here)
    steps = {prefix: _STEP.match(prefix.name) for prefix in candidates}
    bases = {match["base"] if match else prefix.name for prefix, match in steps.items()}
    if len(candidates) > 1 and len(bases) > 1:
        names = sorted(prefix.name for prefix in candidates)
        listed = ", ".join(names[:_MAX_LISTED]) + (", ..." if len(names) > _MAX_LISTED else "")
        message = f"{folder}: {reason}, and {len(names)} saves are there: {listed}"
        raise SourceError(message, remedy=f"give one of them, such as {folder / names[0]}")
    best = max(candidates, key=lambda prefix: _step(steps[prefix]))
    message = (
        f"{reason}; of {len(here)} saves, {len(complete)} complete, the one with the highest "
        f"step is read: {best.name}"
    )
    return Choice(saves=here[best], findings=(_chosen(folder, message, severity),))


def _step(match: re.Match[str] | None) -> int:
    return int(match["step"]) if match else -1


def _chosen(folder: Path, message: str, severity: Severity) -> Finding:
    return Finding(code="save-chosen", severity=severity, where=str(folder), message=message)


def _state_target(path: Path) -> str | None:
    """Return the prefix that a state file names, or ``None`` if it is no such file."""
    try:
        if path.stat().st_size > _MAX_STATE_BYTES:
            return None
        text = path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return None
    match = _STATE.match(text)
    return re.sub(r"\\(.)", r"\1", match[1]) if match and match[1] else None
