"""A plan that a person edited, held against the inputs again.

Lines that are as planning wrote them keep their confidence and evidence; the others become
``MANUAL``. Comes after :mod:`tfrepair.planning.plan_file` and beside planning itself. Pure.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from rapidfuzz import process

from tfrepair.core.architecture import Architecture, Variable, VariableKind, VariablePath
from tfrepair.core.assembly import fits, uncovered
from tfrepair.core.errors import PlanError, Stale
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.optimizer_plan import OptimizerPlan
from tfrepair.core.plan import Confidence, Gap, Leftover, Match, Plan
from tfrepair.core.tensor import SourceName, Tensor, TensorStore
from tfrepair.core.transform import IDENTITY, Cast, Transform, TransformError
from tfrepair.planning.equal_names import fillable
from tfrepair.planning.lists import StatisticsOf
from tfrepair.planning.optimizer_findings import LOST, PARTLY
from tfrepair.planning.optimizer_table import edited_optimizer
from tfrepair.planning.plan_file import Line, PlanFile
from tfrepair.planning.values import contradiction, overflow
from tfrepair.planning.wanted_optimizer import optimizer_gaps


def apply_plan_file(
    edited: PlanFile,
    fresh: Plan,
    store: TensorStore,
    architecture: Architecture,
    statistics: StatisticsOf,
) -> Plan:
    """Turn an edited plan file into a plan.

    Parameters
    ----------
    edited
        What the file says.
    fresh
        What planning says today for the same inputs, with its references filled in; unchanged
        lines keep its confidence and evidence.
    store, architecture
        The inputs.
    statistics
        Statistics of a tensor under a transform; called for changed lines only.

    Raises
    ------
    Stale
        If the file was made for other inputs.
    PlanError
        Naming every line that does not fit.
    """
    _require_same(edited, fresh)
    matches, problems = _matches(edited.lines, fresh, store, architecture)
    optimizer, matches = edited_optimizer(
        edited.optimizer, fresh.optimizer, architecture, matches, problems
    )
    variables = architecture.by_path
    by_hand = [match for match in matches if match.confidence is Confidence.MANUAL]
    for match in by_hand:
        problems += _impossible(match, variables[match.target], store, statistics)
    if problems:
        message = "the plan does not fit: " + "; ".join(problems)
        raise PlanError(message, remedy="mend these lines")
    unlikely = [
        finding
        for match in by_hand
        for finding in _unlikely(match, variables[match.target], statistics)
    ]
    ranked = {variable.path: place for place, variable in enumerate(fillable(architecture))}
    return replace(
        fresh,
        matches=tuple(sorted(matches, key=lambda match: ranked[match.target])),
        missing=_missing(matches, fresh, architecture),
        leftover=_leftover(matches, fresh, store),
        ties=(),
        findings=(
            *_still_true(fresh, matches, architecture),
            *unlikely,
            *_used_again(matches),
            *optimizer_gaps(_filled(matches, optimizer), architecture),
        ),
        optimizer=optimizer,
    )


def _filled(matches: list[Match], optimizer: OptimizerPlan | None) -> set[VariablePath]:
    rebuilt = () if optimizer is None else optimizer.rebuilt
    return {match.target for match in matches} | {entry.target for entry in rebuilt}


def _require_same(edited: PlanFile, fresh: Plan) -> None:
    for name, have, want in (
        ("source", fresh.source, edited.source),
        ("architecture", fresh.arch, edited.arch),
    ):
        if have.digest != want.digest:
            message = (
                f"the plan was made for another {name}: {want.path} with digest "
                f"{want.digest[:16]}..., found {have.path} with {have.digest[:16]}..."
            )
            raise Stale(message, remedy="make the plan again with `tfrepair plan`")


def _matches(
    lines: Mapping[str, Line], fresh: Plan, store: TensorStore, architecture: Architecture
) -> tuple[list[Match], list[str]]:
    """Return the lines that fit, and what is wrong with the others."""
    weights = {variable.path: variable for variable in fillable(architecture)}
    tensors = store.by_name
    known = {match.target: match for match in fresh.matches}
    matches, problems = [], []
    for target, line in lines.items():
        path = VariablePath(target)
        if path not in weights:
            problems.append(f'no variable is called "{target}"{_did_you_mean(target, weights)}')
        elif absent := [source for source, _ in line.edges if source not in tensors]:
            near = _did_you_mean(absent[0], tensors)
            problems.append(f'"{target}": no tensor is called "{absent[0]}"{near}')
        elif problem := _misfit(line, tensors, weights[path]):
            problems.append(f'"{target}": {problem}')
        else:
            matches.append(_match(path, line, known.get(path)))
    return matches, problems


def _misfit(line: Line, tensors: Mapping[SourceName, Tensor], want: Variable) -> str:
    is_whole = len(line.edges) == 1
    for source, transform in line.edges:
        try:
            have = transform.shape(tensors[source].shape)
            if not is_whole or transform.region is not None:
                fits(transform, have, want.shape)
                have = want.shape
        except TransformError as error:
            return str(error)
        if have != want.shape:
            under = f" under {transform}" if transform.operations else ""
            return f'expected shape {want.shape}, found {have}, which is "{source}"{under}'
    return ""


def _match(path: VariablePath, line: Line, known: Match | None) -> Match:
    if known is not None and known.edges == line.edges:
        return known
    sources = tuple(source for source, _ in line.edges)
    transforms = tuple(transform for _, transform in line.edges)
    is_whole = len(transforms) == 1 and transforms[0].region is None
    return Match(
        target=path,
        sources=sources,
        transform=transforms[0] if is_whole else IDENTITY,
        parts=() if is_whole else transforms,
        confidence=Confidence.MANUAL,
        evidence=("written into the plan",),
    )


def _impossible(
    match: Match, variable: Variable, store: TensorStore, statistics: StatisticsOf
) -> list[str]:
    problems = []
    for source, transform in match.edges:
        stored = partial(statistics, source, _before_casts(transform))
        broken = overflow(store[source].dtype, variable.dtype, stored)
        if broken:
            problems.append(f'"{match.target}": {source}: {broken}')
    return problems


def _unlikely(match: Match, variable: Variable, statistics: StatisticsOf) -> list[Finding]:
    """Say so if the values of a line written by hand contradict the variable's role."""
    findings = []
    for source, transform in match.edges:
        problem = contradiction(variable, partial(statistics, source, _before_casts(transform)))
        if problem:
            findings.append(
                Finding(
                    code="unlikely-value",
                    severity=Severity.WARNING,
                    where=match.target,
                    message=f"filled from {source}, but {problem}",
                    remedy="check this line of the plan",
                )
            )
    transforms = [transform for _, transform in match.edges]
    zeros = uncovered(transforms, variable.shape)
    if zeros:
        findings.append(
            Finding(
                code="partly-zero",
                severity=Severity.WARNING,
                where=match.target,
                message=f"the plan fills all but {zeros} elements, which are zero",
                remedy="check the regions (into:...) of this line of the plan",
            )
        )
    return findings


def _before_casts(transform: Transform) -> Transform:
    kept = (operation for operation in transform.operations if not isinstance(operation, Cast))
    return Transform(operations=tuple(kept))


def _missing(matches: list[Match], fresh: Plan, architecture: Architecture) -> tuple[Gap, ...]:
    filled = {match.target for match in matches}
    known = {gap.target: gap for gap in fresh.missing}
    return tuple(
        known.get(v.path, Gap(target=v.path, reason="the plan gives it no source"))
        for v in architecture.weights
        if v.path not in filled
    )


def _leftover(matches: list[Match], fresh: Plan, store: TensorStore) -> tuple[Leftover, ...]:
    used = {source for match in matches for source in match.sources}
    reasons = {left.source: left.reason for left in fresh.leftover}
    return tuple(
        Leftover(source=t.name, reason=reasons.get(t.name, "the plan does not use it"))
        for t in store
        if t.name not in used
    )


def _still_true(
    fresh: Plan, matches: list[Match], architecture: Architecture
) -> tuple[Finding, ...]:
    """Return planning's findings but for those about matches that the file changed.

    What made planning refuse is settled by the person who wrote the map, and so is an optimizer
    that it fills.
    """
    kept = set(matches)
    added = {match.target for match in matches} - {match.target for match in fresh.matches}
    kinds = {variable.kind for variable in architecture if variable.path in added}
    settled = {LOST, PARTLY} if VariableKind.OPTIMIZER in kinds else set()
    changed = {
        place
        for match in fresh.matches
        if match not in kept
        for place in (match.target, *match.sources)
    }
    return tuple(
        finding
        for finding in fresh.findings
        if finding.severity is not Severity.ERROR
        and finding.where not in changed
        and finding.code not in settled
    )


def _used_again(matches: list[Match]) -> tuple[Finding, ...]:
    """Name tensors that fill several weights in the same way: meant for shared weights only."""
    targets: dict[tuple[SourceName, str], list[str]] = defaultdict(list)
    for match in matches:
        for source, transform in set(match.edges):
            targets[source, str(transform)].append(match.target)
    return tuple(
        Finding(
            code="source-used-again",
            severity=Severity.WARNING,
            where=source,
            message=f"the plan fills {len(paths)} weights with it: {', '.join(paths)}",
            remedy="check these lines of the plan",
        )
        for (source, _), paths in targets.items()
        if len(paths) > 1
    )


def _did_you_mean(name: str, names: Mapping[Any, Any]) -> str:
    found = process.extractOne(name, [str(known) for known in names], score_cutoff=60)
    return f'; did you mean "{found[0]}"?' if found else ""
