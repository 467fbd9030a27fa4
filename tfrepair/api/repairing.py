"""Use case: a damaged source, written anew in its own format with the damage mended.

The source stays as it is. The output appears whole or not at all, is read back before it is put
in place, and has a rescue note: what was done, from which bytes, what no checksum vouches for.
No TensorFlow.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tfrepair.api.options import Progress, silent
from tfrepair.api.repairs.gathering import View, gathered
from tfrepair.api.repairs.job import Action, Job, Part, RepairOptions
from tfrepair.api.repairs.notes import rescue_note
from tfrepair.api.repairs.registry import REPAIRERS
from tfrepair.core.errors import Unrecognised, UsageError, VerifyError, WriteError
from tfrepair.core.findings import Finding
from tfrepair.readers.base import system_errors
from tfrepair.readers.registry import open_source
from tfrepair.writers.staging import publish, require_free, staged

COMPLETE, WITH_LOSS = 0, 3
"""Exit codes: everything is proven; written, and something is lost or unproven."""
NOTE = "rescue-note.md"
"""Name of the note in a directory; beside a file, its name with this behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """What a repair did.

    Attributes
    ----------
    source, output, format
        Paths, and the name of the format.
    actions
        What was wrong and done about it; empty if nothing was.
    parts
        Every tensor and where it is from.
    findings
        What was met on the way.
    note
        Path of the rescue note; empty for a dry run.
    """

    source: str
    output: str
    format: str
    actions: tuple[str, ...]
    parts: tuple[Part, ...]
    findings: tuple[Finding, ...] = ()
    note: str = ""

    @property
    def counts(self) -> dict[Action, int]:
        """Number of parts for every action that occurs."""
        return dict(Counter(part.action for part in self.parts))

    @property
    def lost(self) -> tuple[Part, ...]:
        """What the output lacks."""
        return tuple(part for part in self.parts if part.action is Action.LOST)

    @property
    def unproven(self) -> tuple[Part, ...]:
        """What the output has and no stored checksum vouches for, though the format has them."""
        return tuple(part for part in self.parts if part.action is Action.REBUILT)

    @property
    def exit_code(self) -> int:
        """0 if the output is the whole save and everything in it proven, else 3."""
        counts = self.counts
        amiss = (Action.LOST, Action.DONOR, Action.REBUILT)
        return WITH_LOSS if any(action in counts for action in amiss) else COMPLETE

    def to_json(self) -> dict[str, Any]:
        """Return the ``tfrepair.repair/1`` object."""
        return {
            "schema": "tfrepair.repair/1",
            "exit_code": self.exit_code,
            "source": self.source,
            "output": self.output,
            "format": self.format,
            "actions": list(self.actions),
            "counts": {action.value: n for action, n in sorted(self.counts.items())},
            "parts": [part.to_json() for part in self.parts],
            "findings": [finding.to_json() for finding in self.findings],
            "note": self.note,
        }


def repair(
    source: str | Path,
    output: str | Path,
    *,
    donors: Sequence[str | Path] = (),
    templates: Sequence[str | Path] = (),
    look_in: Sequence[str | Path] = (),
    arch: str = "",
    overwrite: bool = False,
    dry_run: bool = False,
    progress: Progress = silent,
) -> Repair:
    """Write a damaged source anew, mended, in its own format.

    Parameters
    ----------
    source
        A checkpoint by any of its files or its prefix, a SavedModel, or a single file.
    output
        What to write: a directory for checkpoints and SavedModels, a file for files.
    donors
        Older saves of the same run, the best first: they give what the source has lost.
    templates
        Files that tell the layout of a lost index or header.
    look_in
        Other directories with files of the same save: parts that were never merged.
    arch
        Architecture that says which tensors the source must have.
    overwrite, dry_run
        Replace an output of the same kind; or write nothing.
    progress
        Told about the stages.

    Returns
    -------
    Where every tensor of the output is from, and what is lost.

    Raises
    ------
    SourceError
        If the source is of no format that can be repaired, or nothing of it can be saved.
    WriteError
        If the output exists, or cannot be written.
    VerifyError
        If what was written does not read back; nothing is put in place then.
    """
    path, target = Path(source), Path(output).absolute()
    options = RepairOptions(
        donors=tuple(Path(donor) for donor in donors),
        templates=tuple(Path(template) for template in templates),
        arch=arch,
        progress=progress,
    )
    _require_apart(path, target)
    with gathered(path, [Path(folder) for folder in look_in]) as view:
        result = _repaired(view, source, target, options, overwrite=overwrite, dry_run=dry_run)
    return replace(result, output=str(output))


def _repaired(
    view: View,
    source: str | Path,
    target: Path,
    options: RepairOptions,
    *,
    overwrite: bool,
    dry_run: bool,
) -> Repair:
    progress = options.progress
    progress("look at the source", 0, 0)
    job = _prepared(view.path, options)
    require_free(target, overwrite=overwrite, kind=job.kind)
    note = target / NOTE if job.kind.is_directory else target.with_name(f"{target.name}.{NOTE}")
    result = Repair(
        source=str(source),
        output=str(target),
        format=job.format,
        actions=tuple(view.named(action) for action in job.actions),
        parts=tuple(_named(part, view) for part in job.parts),
        findings=job.findings,
        note="" if dry_run else str(note),
    )
    if not dry_run:
        _write(job, target, note, result, overwrite=overwrite, progress=progress)
    return result


def _named(part: Part, view: View) -> Part:
    return replace(part, origin=view.named(part.origin), note=view.named(part.note))


def _require_apart(path: Path, target: Path) -> None:
    """Refuse to write into what is to be repaired."""
    here = path.absolute()
    if target in (here, *here.parents) or here in target.parents:
        message = f"{target}: the output would lie in the source, or the source in it"
        raise UsageError(message, remedy="name a new file or directory beside the source")


def _prepared(path: Path, options: RepairOptions) -> Job:
    with system_errors(path):
        for repairer in REPAIRERS:
            job = repairer.prepare(path, options)
            if job is not None:
                return job
    store = open_source(path)  # says what is wrong with the path, and what was meant
    known = ", ".join(repairer.name for repairer in REPAIRERS)
    message = f"{path}: sources of the format {store.format} cannot be repaired"
    raise Unrecognised(message, remedy=f"formats that can be: {known}")


def _write(
    job: Job, target: Path, note: Path, result: Repair, *, overwrite: bool, progress: Progress
) -> None:
    with staged(target) as stage:
        finished = stage / "output"
        job.write(finished, lambda done, total: progress("write", done, total))
        progress("verify", 0, 0)
        problems = job.problems(finished)
        if problems:
            shown = "; ".join(problems[:5])
            message = f"{target}: {len(problems)} parts do not read back as written: {shown}"
            raise VerifyError(message, remedy="nothing was put in place; the source is as it was")
        text = rescue_note(
            result.source,
            target.name,
            result.actions,
            result.parts,
        )
        if job.kind.is_directory:
            (finished / note.name).write_text(text, encoding="utf-8")
        publish(finished, target, overwrite=overwrite, kind=job.kind)
        if not job.kind.is_directory:
            _put_note(stage / note.name, note, text)


def _put_note(draft: Path, note: Path, text: str) -> None:
    """Put the note beside a file; an older one of the same output is replaced."""
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(note)
    except OSError as error:
        message = f"{note}: cannot be written: {error.strerror or error}"
        raise WriteError(
            message, remedy="the repaired file is in place; only its note is not"
        ) from error
