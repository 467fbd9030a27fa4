"""A comparison as a table for a terminal: what differs, row by row, and the exact counts."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from tfrepair.api.comparison import Comparison, Relation, Row, Side, diff
from tfrepair.cli.ending import print_json
from tfrepair.cli.printable import one_line
from tfrepair.cli.tables import Page
from tfrepair.core.difference import Difference
from tfrepair.core.findings import Severity
from tfrepair.core.tensor import Health, Shape, TensorStore

_STYLES = {
    Relation.EQUAL: "green",
    Relation.CHANGED: "yellow",
    Relation.DTYPE: "yellow",
    Relation.SHAPE: "yellow",
    Relation.ONLY_A: "magenta",
    Relation.ONLY_B: "magenta",
    Relation.DAMAGED_A: "red",
    Relation.DAMAGED_B: "red",
    Relation.DAMAGED_BOTH: "red",
}
_FEW = 40
_HEALTHY = (Health.VERIFIED, Health.UNVERIFIED)


def run_comparison(
    a: Path, b: Path, *, plans: Sequence[Path] = (), everything: bool, quiet: bool, as_json: bool
) -> int:
    """Compare two sources, print the result, and return the exit code.

    Raises
    ------
    SourceError
        If one of them cannot be opened.
    PlanError
        If a plan cannot be read, or was made for neither of them.
    """
    comparison = diff(a, b, plans=plans)
    if as_json:
        print_json(comparison.to_json())
    elif not quiet:
        show_comparison(comparison, everything=everything)
    return comparison.exit_code


def show_comparison(comparison: Comparison, *, everything: bool = False) -> None:
    """Print the names that differ (with ``everything`` the equal ones too), and the totals."""
    page = Page(everything=everything)
    page.line(_source(comparison.a), head="A  ")
    page.line(_source(comparison.b), head="B  ")
    rows = [row for row in comparison.rows if everything or _is_worth_a_row(row)]
    if rows:
        shown = rows[:_FEW] if page.shortens else rows
        page.table(_table(shown))
        if len(shown) < len(rows):
            page.line(f"... and {len(rows) - len(shown)} more; --all lists them")
    for finding in comparison.findings:
        style = "red" if finding.severity is Severity.ERROR else "yellow"
        where = f"{finding.where}: " if finding.where else ""
        page.line(where + finding.message, head=f"{finding.severity.value} ", style=style)
        if finding.remedy:
            page.line(f"  try: {finding.remedy}")
    counts = [
        f"{count} {relation.value}"
        for relation in Relation
        if (count := comparison.count(relation))
    ]
    total = f" ({', '.join(counts) or 'no tensors'})"
    if comparison.is_equal:
        page.line(total, head="equal", style="green")
    else:
        page.line(total, head="different", style="red")


def _is_worth_a_row(row: Row) -> bool:
    sides = (side for side in (row.a, row.b) if side is not None)
    return row.relation is not Relation.EQUAL or any(s.health not in _HEALTHY for s in sides)


def _source(store: TensorStore) -> str:
    return f"{store.path} ({store.format}, {len(store)} tensors, {store.nbytes:,} bytes)"


def _table(rows: list[Row]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("name", overflow="fold")
    table.add_column("relation", no_wrap=True)
    table.add_column("what differs", overflow="fold")
    for row in rows:
        style = _STYLES[row.relation]
        details = one_line("; ".join(_details(row)))
        table.add_row(one_line(row.name), Text(row.relation.value, style=style), details)
    return table


def _details(row: Row) -> Iterator[str]:
    match row.relation:
        case Relation.ONLY_A | Relation.ONLY_B:
            side = row.a or row.b
            if side is not None:
                yield f"{side.dtype} {_shape(side.shape)}"
        case Relation.DTYPE | Relation.SHAPE:
            yield _both(row)
        case Relation.DAMAGED_A | Relation.DAMAGED_B | Relation.DAMAGED_BOTH:
            if row.a and row.b and (row.a.shape, row.a.dtype) != (row.b.shape, row.b.dtype):
                yield _both(row)
        case _:
            pass
    if row.rows is not None:
        yield f"{row.rows[0]:,} of {row.rows[1]:,} rows compared"
    if row.difference is not None:
        yield _counted(row.difference)
    for name, side in (("A", row.a), ("B", row.b)):
        if side is not None and side.health not in _HEALTHY:
            yield f"{name} {side.health.value}" + (f": {side.note}" if side.note else "")


def _both(row: Row) -> str:
    def spelled(side: Side | None) -> str:
        return "nothing" if side is None else f"{side.dtype} {_shape(side.shape)}"

    return f"{spelled(row.a)} | {spelled(row.b)}"


def _counted(difference: Difference) -> str:
    if not difference.changed:
        return f"all {difference.elements:,} values are equal"
    text = f"{difference.changed:,} of {difference.elements:,} elements"
    if difference.max_abs is not None:
        text += f", by {difference.max_abs:.6g} at most"
    if difference.nan_on_one_side:
        text += f", {difference.nan_on_one_side:,} are NaN on one side"
    return text


def _shape(shape: Shape) -> str:
    return "(" + ", ".join(str(size) for size in shape) + ("," if len(shape) == 1 else "") + ")"
