"""Reports as tables for a terminal; the same facts as ``--json``.

On a terminal long lists are shortened, unless everything was asked for; text that is piped is
always whole, and as wide as it is.
"""

import os
from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typing_extensions import override

from tfrepair.api.report import Outcome, Report
from tfrepair.cli.printable import one_line
from tfrepair.core.architecture import VariableKind
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.plan import Confidence, Match
from tfrepair.core.tensor import Shape
from tfrepair.core.verdict import Verdict

_COLORS = {
    Severity.NOTE: "dim",
    Severity.WARNING: "yellow",
    Severity.LOSS: "magenta",
    Severity.ERROR: "red",
}
_MEANING = {
    Confidence.CERTAIN: "name and shape agree, and nothing else has both",
    Confidence.STRONG: "several kinds of evidence agree",
    Confidence.ORDER: "by position only; the whole list fits (--strict refuses this)",
    Confidence.MANUAL: "written into the plan by a person",
}
_PIPED = 10_000
"""Columns where nobody looks: no line of a table is folded."""
_ROOMY = 100
"""Columns from which a table shows what is good to have."""
_MANY, _FEW, _RUN, _ALIKE = 60, 20, 3, 5


class _Pipe(Console):
    """A console that leaves a reader who has gone to the end of the command."""

    @override
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


class Page:
    """Where a report is printed: how wide, and how much of long lists.

    Parameters
    ----------
    everything
        Shorten nothing.
    """

    def __init__(self, *, everything: bool = False) -> None:
        width = None if "COLUMNS" in os.environ else _PIPED
        console = _Pipe(markup=False, emoji=False, highlight=False)
        self.shortens = console.is_terminal and not everything
        if not console.is_terminal:
            console = _Pipe(markup=False, emoji=False, highlight=False, width=width)
        self._console = console

    @property
    def is_roomy(self) -> bool:
        """True if columns that are only good to have fit."""
        return self._console.width >= _ROOMY

    @property
    def width(self) -> int:
        """Columns of a line."""
        return self._console.width

    def text(self, text: str) -> None:
        """Print text that is laid out already."""
        self._console.file.write(text)

    def table(self, table: Table) -> None:
        """Print a table."""
        self._console.print(table)

    def line(self, text: str, *, head: str = "", style: str = "") -> None:
        """Print one line, its first words in color."""
        start = Text(head, style=style)
        self._console.print(start.append(one_line(text), style="default"), soft_wrap=True)

    def lines(self, texts: Sequence[tuple[str, str]], *, head: str, style: str) -> None:
        """Print a list of texts and their reasons, one line each.

        Of many with the same reason, the first few stand for all.
        """
        alike: dict[str, int] = {}
        for text, reason in texts:
            alike[reason] = alike.get(reason, 0) + 1
            if not self._is_hidden(alike[reason], len(texts)):
                self.line(f"{text}: {reason}", head=f"{head} ", style=style)
        for reason, count in alike.items():
            if self._is_hidden(count, len(texts)):
                more = f"... and {count - _ALIKE} more: {reason} (--all lists them)"
                self.line(more, head=f"{head} ", style=style)

    def _is_hidden(self, place: int, count: int) -> bool:
        return self.shortens and count > _FEW and place > _ALIKE


def show_report(report: Report, *, everything: bool = False) -> None:
    """Print what became of every weight, and the totals."""
    page = Page(everything=everything)
    page.line(f"{report.source} -> {report.architecture.name}")
    if report.plan.matches:
        page.table(_matches(page, report))
    _print_open(page, report)
    print_findings(page, report.findings)
    _print_totals(page, report)


def _matches(page: Page, report: Report) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    headings = ["target", "shape", "source", "transform", "confidence", "provenance"]
    if not page.is_roomy:
        headings.remove("shape")
    for heading in headings:
        table.add_column(
            heading, overflow="fold", no_wrap=heading in ("confidence", "provenance", "shape")
        )
    variables, entries = report.architecture.by_path, report.state.by_path
    for match, skipped in _shortened(page, report.plan.matches):
        if match is None:
            table.add_row(Text(f"... {skipped} more like these", style="dim"))
            continue
        cells = {
            "target": one_line(match.target),
            "shape": shown_shape(variables[match.target].shape),
            "source": one_line(", ".join(dict.fromkeys(match.sources))),
            "transform": match.rule,
            "confidence": match.confidence.value,
            "provenance": entries[match.target].provenance.kind.value,
        }
        table.add_row(*(cells[heading] for heading in headings))
    return table


def _shortened(page: Page, matches: Sequence[Match]) -> Iterator[tuple[Match | None, int]]:
    """Yield the rows to show; ``None`` with a number stands for rows like those before it."""
    if not page.shortens or len(matches) <= _MANY:
        yield from ((match, 0) for match in matches)
        return
    for run in _runs(matches):
        skipped = len(run) - _RUN - 1
        if skipped < _RUN:
            yield from ((match, 0) for match in run)
        else:
            yield from ((match, 0) for match in run[:_RUN])
            yield None, skipped
            yield run[-1], 0


def _runs(matches: Sequence[Match]) -> Iterator[Sequence[Match]]:
    """Yield neighbors that were matched in the same way, with the same certainty."""
    start = 0
    for place in range(1, len(matches) + 1):
        if place == len(matches) or _way(matches[place]) != _way(matches[start]):
            yield matches[start:place]
            start = place


def _way(match: Match) -> tuple[Confidence, bool]:
    return match.confidence, bool(match.transform.operations)


def _print_open(page: Page, report: Report) -> None:
    ties = [
        (f"{', '.join(tie.targets)} = one of {_some(tie.sources)}", tie.why)
        for tie in report.plan.ties
    ]
    gaps = [
        (
            gap.target + (f" (fitting shape: {_some(gap.candidates)})" if gap.candidates else ""),
            gap.reason,
        )
        for gap in report.plan.missing
    ]
    unused = [(left.source, left.reason) for left in report.plan.leftover]
    page.lines(ties, head="tie", style="red")
    page.lines(gaps, head="missing", style="red")
    page.lines(unused, head="unused", style="yellow")


def _some(names: Sequence[str], limit: int = 6) -> str:
    rest = len(names) - limit
    return ", ".join(names[:limit]) + (f" and {rest} more" if rest > 0 else "")


def print_findings(page: Page, findings: Sequence[Finding]) -> None:
    """Print findings with their remedies; of many of one kind the first few."""
    shown: dict[str, int] = {}
    for finding in findings:
        shown[finding.code] = shown.get(finding.code, 0) + 1
        if page.shortens and shown[finding.code] > _FEW:
            continue
        where = f"{finding.where}: " if finding.where else ""
        page.line(
            where + finding.message,
            head=f"{finding.severity.value} ",
            style=_COLORS[finding.severity],
        )
        if finding.remedy:
            page.line(f"  try: {finding.remedy}")
    hidden = sum(max(0, count - _FEW) for count in shown.values()) if page.shortens else 0
    if hidden:
        page.line(f"... and {hidden} more of the same kinds; --all lists them")


def _print_totals(page: Page, report: Report) -> None:
    weights = len(report.architecture.weights)
    page.line(f"weights   {len(report.weight_matches)} of {weights} have a source")
    for confidence in Confidence:
        if count := report.count(confidence):
            page.line(f"          {count:>5} {confidence.value:<8} {_MEANING[confidence]}")
    others = _other_kinds(report)
    if others:
        page.line(f"others    {others}")
    if report.receipt is not None:
        names = ", ".join(signature.name for signature in report.receipt.signatures)
        page.line(f"serves    {names}")
    if report.verdict is not None:
        page.line(f"verified  {_verdict_line(report.verdict)}")
    color = "green" if report.outcome is Outcome.COMPLETE else "red"
    page.line(f"{_ending(report)}, {report.seconds:.1f} s", head=_headline(report), style=color)


def _headline(report: Report) -> str:
    if report.is_dry_run and report.error is None:
        return "would be complete" if report.outcome is Outcome.COMPLETE else "would be lossy"
    return report.outcome.value


def _ending(report: Report) -> str:
    if report.is_dry_run:
        return " (dry run: no SavedModel was written)"
    if report.error is not None:
        return " (nothing was written)"
    return f" in {report.output}"


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
    page = Page(everything=True)
    failed = [
        (f"{check.name} {check.where}".rstrip(), check.detail)
        for check in verdict.checks
        if not check.passed
    ]
    page.lines(failed, head="failed", style="red")
    print_findings(page, verdict.findings)
    page.line(_verdict_line(verdict))


def shown_shape(shape: Shape) -> str:
    """Return a shape as Python writes it."""
    return "(" + ", ".join(str(size) for size in shape) + ("," if len(shape) == 1 else "") + ")"
