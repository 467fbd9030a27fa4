"""Use case: the best complete state of a run that died, as a SavedModel.

Looks at every save of a run folder, takes the newest one in which everything is verified, or,
where the user wants the newest values, the newest save with the gaps filled from the saves before
it. What was chosen, and why not something newer, is in the findings.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Unpack

from tfrepair.api.checking import check
from tfrepair.api.checkup.verdicts import Checkup, SaveCheckup, State
from tfrepair.api.conversion import run_conversion
from tfrepair.api.donors import open_donors, unlike, with_donors
from tfrepair.api.options import ConvertKeywords, Options
from tfrepair.api.report import Report
from tfrepair.api.sources import examined, open_store
from tfrepair.core.errors import SourceError, UsageError
from tfrepair.core.findings import Finding, Severity

_LISTED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The save that is taken.

    Attributes
    ----------
    save
        Its verdict.
    donors
        Older saves of the same run, the newest first; empty unless the newest values are wanted.
    findings
        Why this one, and what newer ones there are.
    """

    save: SaveCheckup
    donors: tuple[SaveCheckup, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What became of a run: the report of the conversion, and how its source was chosen."""

    report: Report
    choice: Choice
    checkup: Checkup

    @property
    def exit_code(self) -> int:
        """Exit code of the command line: the conversion's."""
        return self.report.exit_code

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON data, with the choice and the saves of the run."""
        return self.report.to_json() | {
            "recovery": {
                "chosen": self.choice.save.path,
                "step": self.choice.save.step,
                "donors": [donor.path for donor in self.choice.donors],
                "saves": [
                    {"path": save.path, "step": save.step, "verdict": save.verdict}
                    for save in self.checkup.saves
                ],
            }
        }


def recover(
    run: str | Path,
    *,
    arch: Any = None,  # noqa: ANN401 - a model of any framework
    out: str | Path,
    newest: bool = False,
    max_staleness: int | None = None,
    **options: Unpack[ConvertKeywords],
) -> Recovery:
    """Turn the best complete state of a half-saved run into a SavedModel.

    Parameters
    ----------
    run
        Folder with the saves of one run; nothing in it is changed.
    arch, out
        As for :func:`tfrepair.convert`.
    newest, max_staleness
        As for :func:`run_recovery`.
    **options
        Fields of :class:`~tfrepair.api.options.Options`.

    Returns
    -------
    The report of the conversion, and how its source was chosen.

    Raises
    ------
    TfrepairError
        As for :func:`tfrepair.convert`; a ``SourceError`` if nothing can be had from any save.
    """
    recovery = run_recovery(
        run, out, arch, Options(**options), newest=newest, max_staleness=max_staleness
    )
    if recovery.report.error is not None:
        raise recovery.report.error
    return recovery


def run_recovery(
    run: str | Path,
    out: str | Path,
    arch: Any,  # noqa: ANN401 - a model of any framework
    options: Options,
    *,
    newest: bool = False,
    max_staleness: int | None = None,
) -> Recovery:
    """Recover; a refusal or a failed verification is in the report, other errors are raised.

    Parameters
    ----------
    run
        Folder with the saves of one run.
    out, arch, options
        As for a conversion.
    newest
        Take the newest save from which anything can be had, and fill its gaps from the saves
        before it, instead of the newest one that is verified as a whole.
    max_staleness
        Steps by which a donor may be older than the save that it completes.

    Raises
    ------
    SourceError
        If there is no save from which anything can be had.
    UsageError
        If ``max_staleness`` is negative, or given without ``newest``.
    TfrepairError
        As for a conversion.
    """
    if max_staleness is not None and (max_staleness < 0 or not newest):
        message = f"--max-staleness {max_staleness}: a number of steps from 0 on, with --newest"
        raise UsageError(message, remedy="tfrepair recover --newest --max-staleness 1000 ...")
    options.progress("look at the saves", 0, 0)
    checkup = check(run)
    choice = choose(checkup, newest=newest, max_staleness=max_staleness)
    report = run_conversion(
        choice.save.path,
        arch,
        out,
        replace(
            options,
            donors=tuple(donor.path for donor in choice.donors),
            allow_missing=options.allow_missing or not _is_sound(choice.save),
        ),
    )
    store = replace(report.store, findings=(*choice.findings, *report.store.findings))
    return Recovery(report=replace(report, store=store), choice=choice, checkup=checkup)


def choose(checkup: Checkup, *, newest: bool = False, max_staleness: int | None = None) -> Choice:
    """Choose the save to take, and the saves that may complete it.

    Raises
    ------
    SourceError
        If nothing can be had from any save.
    """
    usable = [save for save in checkup.saves if save.is_usable and _can_be_read(save)]
    if not usable:
        seen = ", ".join(f"{Path(s.path).name} ({s.verdict})" for s in checkup.saves[:_LISTED])
        message = f"{checkup.path}: nothing can be had from its {len(checkup.saves)} saves"
        raise SourceError(
            f"{message}: {seen}" if seen else message,
            remedy="`tfrepair check` says what is wrong with each",
        )
    if newest:
        return _newest(usable, checkup, max_staleness)
    verified = [save for save in usable if save.is_fully_verified]
    sound = verified or [save for save in usable if _is_sound(save)] or usable
    return Choice(save=sound[-1], donors=(), findings=_why(sound[-1], checkup, ()))


def _newest(usable: Sequence[SaveCheckup], checkup: Checkup, max_staleness: int | None) -> Choice:
    """Choose the newest save that gives a weight of its own, with the saves that complete it."""
    for place, save in reversed(list(enumerate(usable))):
        if _is_sound(save):
            return Choice(save=save, donors=(), findings=_why(save, checkup, ()))
        donors = _donors(save, usable[:place], max_staleness)
        if _has_weights(save, donors) or place == 0:
            return Choice(save=save, donors=donors, findings=_why(save, checkup, donors))
    message = f"{checkup.path}: nothing can be had from its saves"
    raise SourceError(message, remedy="`tfrepair check` says what is wrong with each")


def _has_weights(save: SaveCheckup, donors: Sequence[SaveCheckup]) -> bool:
    """Say whether a weight would be of this save, and not all of its donors."""
    store = examined(open_store(save.path))
    filled = with_donors(store, open_donors(store, [donor.path for donor in donors]))
    return any(t.may_be_weight and t.is_whole and not t.donor and t.shape for t in filled)


def _is_sound(save: SaveCheckup) -> bool:
    """Say whether every tensor of a save can be had."""
    complete = (State.COMPLETE, State.CORRECTED, State.FINISHABLE)
    return save.state in complete and save.whole == len(save.tensors)


def _can_be_read(save: SaveCheckup) -> bool:
    try:
        return len(open_store(save.path)) > 0
    except SourceError:
        return False


def _donors(
    chosen: SaveCheckup, older: Sequence[SaveCheckup], max_staleness: int | None
) -> tuple[SaveCheckup, ...]:
    """Return the older saves of the same run, the newest first."""
    store = open_store(chosen.path)
    found = []
    for save in reversed(older):
        if save.format != chosen.format or save.path == chosen.path:
            continue
        if max_staleness is not None:
            if save.step is None or chosen.step is None:
                continue
            if chosen.step - save.step > max_staleness:
                continue
        if not unlike(store, open_store(save.path)):
            found.append(save)
    return tuple(found)


def _why(
    chosen: SaveCheckup, checkup: Checkup, donors: Sequence[SaveCheckup]
) -> tuple[Finding, ...]:
    """Say which save was taken, and what there is that is newer."""
    place = checkup.saves.index(chosen)
    newer = checkup.saves[place + 1 :]
    step = "" if chosen.step is None else f", step {chosen.step}"
    message = f"of {len(checkup.saves)} saves {chosen.path}{step} is taken: {chosen.verdict}"
    if donors:
        names = ", ".join(Path(donor.path).name for donor in donors[:_LISTED])
        message += f"; what it lacks comes from {names}"
    findings = [
        Finding(code="save-chosen", severity=Severity.NOTE, where=checkup.path, message=message)
    ]
    if newer:
        listed = "; ".join(f"{Path(s.path).name}: {s.verdict}" for s in newer[-_LISTED:])
        findings.append(
            Finding(
                code="newer-save",
                severity=Severity.WARNING,
                where=checkup.path,
                message=f"{len(newer)} saves are newer and not whole: {listed}",
                remedy="--newest takes what survived of them, and the rest from the saves before",
            )
        )
    return tuple(findings)
