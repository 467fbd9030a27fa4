"""An audit for a terminal: a table of states against ways of saving, then what to change where."""

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from tfrepair.api.auditing import Group, counted, grouped
from tfrepair.cli.printable import one_line
from tfrepair.cli.tables import Page, print_findings
from tfrepair.core.audit import Audit, Fate, StateKind, Way
from tfrepair.core.findings import Severity
from tfrepair.core.tensor import Shape

_STYLES = {
    Fate.KEPT: "green",
    Fate.LOST: "red",
    Fate.RAISES: "red",
    Fate.BAKED: "yellow",
    Fate.BY_OPTIMIZER: "yellow",
    Fate.NOT_MEANT: "dim",
}
_WORDS = {Fate.NOT_MEANT: "-", Fate.BY_OPTIMIZER: "optimizer"}
_HEADS = {
    Severity.LOSS: ("loss", "red"),
    Severity.WARNING: ("warning", "yellow"),
    Severity.NOTE: ("note", "dim"),
    Severity.ERROR: ("error", "red"),
}
_FEW = 20


def show_audit(found: Audit, *, everything: bool = False) -> None:
    """Print what is not kept everywhere, why, and what to change; the totals last."""
    page = Page(everything=everything)
    page.line(f"{found.source}: {found.class_name} {found.model!r} ({found.framework})")
    groups = grouped(found.states)
    shown = groups[:_FEW] if page.shortens else groups
    if shown:
        page.table(_table(shown))
    for number, group in enumerate(shown, 1):
        _explain(page, number, group)
    if len(shown) < len(groups):
        page.line(f"... and {len(groups) - len(shown)} more; --all lists them")
    print_findings(page, found.findings)
    count = len(found.losses)
    warnings = sum(state.severity is Severity.WARNING for state in found.states)
    notes = len(found.states) - count - warnings
    parts = [
        f"{found.kept} kept by every way",
        *([counted(warnings, "warning")] if warnings else []),
        counted(notes, "note"),
    ]
    total = f" ({', '.join(parts)})"
    if count:
        page.line(total, head=f"{counted(count, 'state')} would be lost", style="red")
    else:
        page.line(total, head="nothing would be lost", style="green")


def _table(groups: tuple[Group, ...]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("", justify="right")
    table.add_column("state", overflow="fold")
    for way in Way:
        table.add_column(way.value, no_wrap=True)
    for number, group in enumerate(groups, 1):
        first = group.first
        fates = [first.fates.get(way, Fate.KEPT) for way in Way]
        words = [Text(_WORDS.get(fate, fate.value), style=_STYLES[fate]) for fate in fates]
        table.add_row(str(number), one_line(f"{group.name}{_shape(first.shape)}"), *words)
    return table


def _explain(page: Page, number: int, group: Group) -> None:
    first = group.first
    word, style = _HEADS[first.severity]
    place = f"{first.created}: {first.line}" if first.created else first.name
    page.line(f" {number}  {place}", head=word, style=style)
    kind = "" if first.kind is StateKind.VARIABLE else f"{first.kind.value}: "
    page.line(f"    {kind}{first.reason}")
    page.line(f"    fix: {first.fix}")


def _shape(shape: Shape | None) -> str:
    if shape is None:
        return ""
    return " (" + ", ".join(str(size) for size in shape) + ("," if len(shape) == 1 else "") + ")"
