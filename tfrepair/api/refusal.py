"""When a plan is not carried out, and the sentences that say so."""

from tfrepair.api.options import Options
from tfrepair.api.report import Report
from tfrepair.core.errors import Ambiguous, Incomplete, PlanError, Stale
from tfrepair.core.findings import Severity
from tfrepair.core.plan import Confidence
from tfrepair.planning.copying import FRAMEWORK as TENSORS
from tfrepair.planning.step_counts import OPTIMIZER


def refusal_of(report: Report, options: Options) -> PlanError | None:
    """Return why nothing may be written, or ``None``."""
    planned = report.plan
    if report.architecture.framework == TENSORS:
        return _copy_refusal(report, options)
    total = len(report.architecture.weights)
    if planned.ties:
        tied = sum(len(tie.targets) for tie in planned.ties)
        message = f"{tied} of {total} weights have several sources and nothing decides"
        return Ambiguous(message, remedy=_advice(report))
    if planned.missing and not options.allow_missing:
        message = f"{len(planned.missing)} of {total} weights have no source{_damage(report)}"
        return Incomplete(message, remedy=_advice(report))
    if total and not report.weight_matches:
        message = "no tensor of the source fits any weight: there is nothing to write"
        return Incomplete(message, remedy=_advice(report))
    if options.agreed is not None and not options.agreed(planned):
        message = "its values or names lead to another plan than the one that was agreed to"
        return Stale(message, remedy="look at its own: tfrepair plan SOURCE --arch ...")
    return _strict_refusal(report, total) if options.strict else None


def _copy_refusal(report: Report, options: Options) -> PlanError | None:
    missing, total = len(report.plan.missing), len(report.architecture.variables)
    if not missing or (options.allow_missing and missing < total):
        return None
    message = f"{missing} of {total} tensors are damaged"
    if missing == total:
        return Incomplete(message, remedy="look for an older save: nothing here is whole")
    return Incomplete(message, remedy="--allow-missing writes the others")


def _damage(report: Report) -> str:
    """Name what is damaged in the source: a likely reason for gaps."""
    damaged = [tensor for tensor in report.store if not tensor.is_whole]
    if not damaged:
        return ""
    first = damaged[0]
    note = f" ({first.health_note})" if first.health_note else ""
    return (
        f"; {len(damaged)} of the source's {len(report.store)} tensors are damaged, "
        f"the first: {first.name} is {first.health.value}{note}"
    )


def _strict_refusal(report: Report, total: int) -> PlanError | None:
    by_order = report.count(Confidence.ORDER)
    if by_order:
        message = f"--strict: {by_order} of {total} weights rest on their position alone"
        return Ambiguous(message, remedy="write a plan, check it, and convert with --plan")
    if report.losses:
        message = f"--strict: {len(report.losses)} losses, the first: {report.losses[0].message}"
        return Incomplete(message, remedy=report.losses[0].remedy)
    return None


def _advice(report: Report) -> str:
    """Return the first remedy that planning itself found, else the general one."""
    for finding in report.plan.findings:
        if finding.where == OPTIMIZER:
            continue  # its state never is why a plan is refused
        if finding.severity in (Severity.ERROR, Severity.LOSS) and finding.remedy:
            return finding.remedy
    return (
        "write a plan with `tfrepair plan -o plan.toml`, edit [map], and convert with --plan; "
        "or --allow-missing to keep initial values"
    )
