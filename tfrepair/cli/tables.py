"""Reports as tables for a terminal; the same facts as ``--json``."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tfrepair.api.inspection import Inspection
from tfrepair.api.report import Outcome, Report
from tfrepair.core.architecture import VariableKind
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.plan import Confidence
from tfrepair.core.statistics import Statistics
from tfrepair.core.tensor import Shape
from tfrepair.core.verdict import Verdict

_COLORS = {
    Severity.NOTE: "dim",
    Severity.WARNING: "yellow",
    Severity.LOSS: "magenta",
    Severity.ERROR: "red",
}
_WIDE = 120


def _console() -> Console:
    console = Console(highlight=False, soft_wrap=False)
    # Piped text has no width of its own; tables must not be cut to 80 columns there.
    return console if console.is_terminal else Console(highlight=False, width=_WIDE)


def show_report(report: Report) -> None:
    """Print what became of every weight, and the totals."""
    console = _console()
    console.print(_matches(report))
    _print_open(console, report)
    _print_findings(console, report.findings)
    _print_totals(console, report)


def _matches(report: Report) -> Table:
    table = Table(title=f"{report.source} -> {report.architecture.name}", title_justify="left")
    for heading in ("target", "shape", "source", "transform", "confidence", "provenance"):
        table.add_column(heading, overflow="fold")
    variables = report.architecture.by_path
    entries = report.state.by_path
    for match in report.plan.matches:
        table.add_row(
            escape(match.target),
            _shape(variables[match.target].shape),
            escape(", ".join(match.sources)),
            str(match.transform),
            match.confidence.value,
            str(entries[match.target].provenance),
        )
    return table


def _print_open(console: Console, report: Report) -> None:
    for tie in report.plan.ties:
        console.print(
            f"[red]tie[/] {escape(', '.join(tie.targets))} = one of "
            f"{escape(', '.join(tie.sources))}: {escape(tie.why)}"
        )
    for gap in report.plan.missing:
        near = f"; of a fitting shape: {', '.join(gap.candidates)}" if gap.candidates else ""
        console.print(f"[red]missing[/] {escape(gap.target)}: {escape(gap.reason + near)}")
    for leftover in report.plan.leftover:
        console.print(f"[yellow]unused[/] {escape(leftover.source)}: {escape(leftover.reason)}")


def _print_findings(console: Console, findings: tuple[Finding, ...]) -> None:
    for finding in findings:
        color = _COLORS[finding.severity]
        where = f" {finding.where}:" if finding.where else ""
        console.print(
            f"[{color}]{finding.severity.value}[/]{escape(where)} {escape(finding.message)}"
        )
        if finding.remedy:
            console.print(f"  try: {escape(finding.remedy)}")


def _print_totals(console: Console, report: Report) -> None:
    weights = len(report.architecture.weights)
    counts = ", ".join(
        f"{report.count(confidence)} {confidence.value}"
        for confidence in Confidence
        if report.count(confidence)
    )
    console.print(f"weights   {len(report.plan.matches)} of {weights} filled ({counts or 'none'})")
    others = _other_kinds(report)
    if others:
        console.print(f"others    {others}")
    if report.receipt is not None:
        names = ", ".join(signature.name for signature in report.receipt.signatures)
        console.print(f"serves    {escape(names)}")
    if report.verdict is not None:
        console.print(f"verified  {_verdict_line(report.verdict)}")
    color = "green" if report.outcome is Outcome.COMPLETE else "red"
    dry = " (dry run: nothing was written)" if report.is_dry_run else ""
    where = f" in {escape(report.output)}" if report.exit_code in (0, 3) and report.output else ""
    console.print(
        f"[{color}]{report.outcome.value}[/]{where}{dry}, {report.seconds:.1f} s", soft_wrap=True
    )


def _other_kinds(report: Report) -> str:
    """Return the variables that no weight list holds, counted by kind and provenance."""
    entries = report.state.by_path
    counts: dict[tuple[str, str], int] = {}
    for variable in report.architecture:
        if variable.kind is not VariableKind.WEIGHT:
            key = (variable.kind.value, str(entries[variable.path].provenance))
            counts[key] = counts.get(key, 0) + 1
    return ", ".join(f"{count} {kind} {origin}" for (kind, origin), count in counts.items())


def _verdict_line(verdict: Verdict) -> str:
    passed = sum(check.passed for check in verdict.checks)
    text = f"{passed} of {len(verdict.checks)} checks passed"
    if verdict.forward_max_abs is not None:
        batches = ", ".join(str(batch) for batch in verdict.forward_batches)
        text += (
            f"; {verdict.forward_signature} in a fresh process, batch {batches}: "
            f"largest difference {verdict.forward_max_abs:g}"
        )
    return text


def show_verdict(verdict: Verdict) -> None:
    """Print every check that failed, and the totals."""
    console = _console()
    for check in verdict.checks:
        if not check.passed:
            console.print(f"[red]failed[/] {escape(f'{check.name} {check.where}: {check.detail}')}")
    _print_findings(console, verdict.findings)
    console.print(_verdict_line(verdict))


def show_inspection(inspection: Inspection) -> None:
    """Print one row per tensor."""
    console = _console()
    store = inspection.store
    table = Table(title=f"{store.path} ({store.format})", title_justify="left")
    for heading in ("name", "shape", "dtype"):
        table.add_column(heading, overflow="fold")
    for heading in ("bytes", "min", "max", "mean", "NaN", "Inf"):
        table.add_column(heading, justify="right")
    for tensor, statistics in zip(store.tensors, inspection.statistics, strict=True):
        table.add_row(
            escape(tensor.name),
            _shape(tensor.shape),
            tensor.dtype,
            f"{tensor.nbytes:,}",
            *_numbers(statistics),
            str(statistics.nan),
            str(statistics.inf),
        )
    console.print(table)
    _print_findings(console, inspection.findings)
    console.print(f"{len(store)} tensors, {store.nbytes:,} bytes")


def _numbers(statistics: Statistics) -> tuple[str, ...]:
    return tuple(
        "-" if value is None else f"{value:.4g}"
        for value in (statistics.minimum, statistics.maximum, statistics.mean)
    )


def _shape(shape: Shape) -> str:
    return "(" + ", ".join(str(size) for size in shape) + ("," if len(shape) == 1 else "") + ")"
