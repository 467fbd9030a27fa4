"""Which lost variables of an optimizer are to be estimated from data, and what is said about it.

Takes up what the plan starts afresh; the worker runs the batches, :mod:`tfrepair.rebuild.estimates`
puts the values in. Comes after planning and after the edits of a person. Pure.
"""

from collections.abc import Mapping
from dataclasses import replace

from tfrepair.core.architecture import Architecture, VariablePath
from tfrepair.core.calibration import Role, SlotTask, lost_kinds
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.optimizer_plan import Fresh, OptimizerPlan, Rebuilt
from tfrepair.core.optimizer_rules import rule
from tfrepair.core.plan import Plan
from tfrepair.core.state import ProvenanceKind
from tfrepair.planning.dialects.optimizers import FAMILIES, Family
from tfrepair.planning.dialects.relatives import EXPECTED
from tfrepair.planning.dialects.slot_meanings import MEANINGS
from tfrepair.planning.optimizer_findings import LOST, PARTLY
from tfrepair.planning.step_counts import OPTIMIZER
from tfrepair.planning.wanted_optimizer import Wanted, wanted_optimizer

ESTIMATED, _MIXTURE = "optimizer-estimated", "optimizer-mixture"

_EXPECTED: Mapping[str, str] = {
    "all": "expect a third to two thirds of what a fresh optimizer would disturb",
    "first": "expect a fifth to a half of what a fresh optimizer would disturb",
    "some": "expect a tenth to a third of what a fresh optimizer would disturb",
}


def estimable(family: Family | None) -> frozenset[str]:
    """Return the kinds of slots that data can give a value."""
    return frozenset() if family is None else frozenset(MEANINGS.get(family.name, ()))


def slot_tasks(plan: Plan, architecture: Architecture) -> tuple[SlotTask, ...]:
    """Describe every slot that takes part in an estimate.

    Parameters
    ----------
    plan
        With its optimizer; what it starts afresh is lost.
    architecture
        Whose optimizer it is.

    Returns
    -------
    Known and lost slots; none if nothing is lost that data could give a value.
    """
    wanted = wanted_optimizer(architecture)
    optimizer = plan.optimizer
    if wanted is None or optimizer is None or wanted.family is None:
        return ()
    meanings = MEANINGS.get(wanted.family.name, {})
    lost = {entry.target for entry in (*optimizer.fresh, *optimizer.estimated)}
    known = {match.target for match in plan.matches}
    tasks = tuple(
        task_of(variable.path, variable.of, kind, wanted, lost=variable.path in lost)
        for variable, kind in wanted.slots
        if kind in meanings and (variable.path in lost or variable.path in known)
    )
    return tasks if any(task.lost for task in tasks) else ()


def task_of(path: VariablePath, of: str, kind: str, wanted: Wanted, *, lost: bool) -> SlotTask:
    """Describe one slot to an estimate."""
    family = wanted.family or FAMILIES["sgd"]
    meaning = MEANINGS[family.name][kind]
    decay = wanted.config.get(meaning.decay, meaning.default)
    initial = family.slot(kind).initial or 0.0
    if meaning.role is Role.SUM:
        initial = float(wanted.config.get("initial_accumulator_value", initial))
    return SlotTask(
        path=path,
        of=of,
        kind=kind,
        role=meaning.role,
        decay=float(decay) if isinstance(decay, int | float) else meaning.default,
        corrected=meaning.corrected,
        initial=initial,
        lost=lost,
    )


def with_estimates(plan: Plan, architecture: Architecture, batches: int) -> Plan:
    """Let data give values to what a plan would start afresh.

    Parameters
    ----------
    plan
        Planned with ``calibrates``, so that what is left of a group is kept.
    architecture
        Its target.
    batches
        How many batches are asked for.
    """
    optimizer = plan.optimizer
    tasks = slot_tasks(plan, architecture)
    if optimizer is None or not tasks:
        return plan
    lost = {task.path for task in tasks if task.lost}
    taken = tuple(entry for entry in optimizer.fresh if entry.target in lost)
    left = tuple(entry for entry in optimizer.fresh if entry.target not in lost)
    findings = tuple(f for f in plan.findings if f.code not in (LOST, PARTLY, _MIXTURE))
    told = _finding(taken, tasks, optimizer.name, batches)
    return replace(
        plan,
        optimizer=replace(optimizer, estimated=taken, fresh=left),
        findings=(*findings, told),
    )


def fresh_start(plan: Plan, architecture: Architecture) -> tuple[Finding, ...]:
    """Say that an optimizer starts afresh because the source has nothing of it.

    Parameters
    ----------
    plan
        Without estimates; if it says already that state is lost, there is nothing to add.
    architecture
        Its target.
    """
    optimizer = plan.optimizer
    wanted = wanted_optimizer(architecture)
    if optimizer is None or wanted is None or not wanted.slots or architecture.is_live:
        return ()
    fresh = {entry.target for entry in optimizer.fresh}
    if not all(variable.path in fresh for variable, _ in wanted.slots):
        return ()
    if any(finding.code in (LOST, PARTLY) for finding in plan.findings):
        return ()
    return (
        Finding(
            code="optimizer-fresh",
            severity=Severity.NOTE,
            where=OPTIMIZER,
            message=f"the source has no slots of an optimizer: the {len(wanted.slots)} of "
            f"{wanted.title} start as before the first step, and so does its step count; "
            + EXPECTED["group"],
            remedy="--calibration data.npz estimates them, --donor takes those of another save",
        ),
    )


def _finding(
    taken: tuple[Fresh, ...], tasks: tuple[SlotTask, ...], title: str, batches: int
) -> Finding:
    kinds = lost_kinds(tasks)
    squares = {task.kind for task in tasks if task.role in (Role.SECOND, Role.SUM, Role.LARGEST)}
    is_all = len(taken) == len(tasks)
    case = "all" if is_all else "some" if squares & set(kinds) else "first"
    return Finding(
        code=ESTIMATED,
        severity=Severity.LOSS,
        where=OPTIMIZER,
        message=f"{len(taken)} of {len(tasks)} slots of {title} are lost ({', '.join(kinds)}: "
        f"{taken[0].why}) and estimated from {batches} batches of data; {_EXPECTED[case]}",
        remedy="compare with a fresh start: tfrepair prove OUT --data DATA",
    )


def settled(optimizer: OptimizerPlan, counter: VariablePath | None, count: int) -> OptimizerPlan:
    """Set the step count to what the data are evidence for.

    Parameters
    ----------
    optimizer
        Of a plan.
    counter
        Path of its step count; ``None`` if it has none.
    count
        Batches that an estimate rests on.

    Notes
    -----
    A schedule of the learning rate goes on from where the training was.
    """
    if counter is None:
        return optimizer
    rebuilt = tuple(entry for entry in optimizer.rebuilt if entry.target != counter)
    evidence = Rebuilt(
        target=counter,
        rule=rule("constant", value=count),
        kind=ProvenanceKind.ESTIMATED,
        why="the number of batches that the averages are evidence of",
    )
    fresh = tuple(entry for entry in optimizer.fresh if entry.target != counter)
    steps = optimizer.steps
    offset = 0 if steps is None else steps - count
    return replace(
        optimizer,
        rebuilt=(evidence, *rebuilt),
        fresh=fresh,
        counter=count,
        schedule_offset=offset,
    )
