"""What is in a source, as a table: one row for each tensor, however many there are."""

from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.table import Table

from tfrepair.api.inspection import Inspection
from tfrepair.cli.printable import one_line
from tfrepair.cli.tables import Page, print_findings, shown_shape
from tfrepair.core.statistics import Statistics

_LONG = 500
"""Rows from which on a table is laid out here: Rich takes half a millisecond for each."""
_TEXTS = ("name", "shape", "dtype")
"""Columns that begin at the left; numbers end at the right."""


def show_inspection(inspection: Inspection) -> None:
    """Print one row per tensor, the findings and the totals."""
    page = Page(everything=True)
    store = inspection.store
    known = [statistics for statistics in inspection.statistics if statistics is not None]
    nan = sum(statistics.nan for statistics in known)
    inf = sum(statistics.inf for statistics in known)
    page.line(f"{store.path} ({store.format})")
    numbers = ("min", "max", "mean") if inspection.has_statistics else ()
    counts = ("NaN", "Inf") if numbers and (page.is_roomy or nan or inf) else ()
    headings = (*_TEXTS, "bytes", *numbers, *counts)
    rows = list(_rows(inspection, counted=bool(counts)))
    text = _laid_out(headings, rows, page.width) if len(rows) > _LONG else ""
    if text:
        page.text(text)
    else:
        page.table(_table(headings, rows))
    print_findings(page, inspection.findings)
    ending = f", {nan} NaN, {inf} Inf" if numbers else "; data not read"
    page.line(f"{len(store)} tensors, {store.nbytes:,} bytes{ending}")


def _rows(inspection: Inspection, *, counted: bool) -> Iterator[tuple[str, ...]]:
    for tensor, statistics in zip(inspection.store, inspection.statistics, strict=True):
        yield (
            one_line(tensor.name),
            shown_shape(tensor.shape),
            tensor.dtype,
            f"{tensor.nbytes:,}",
            *(() if statistics is None else _numbers(statistics, counted=counted)),
        )


def _numbers(statistics: Statistics, *, counted: bool) -> tuple[str, ...]:
    shown = tuple(
        "-" if value is None else f"{value:.4g}"
        for value in (statistics.minimum, statistics.maximum, statistics.mean)
    )
    return (*shown, str(statistics.nan), str(statistics.inf)) if counted else shown


def _table(headings: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in headings:
        if heading in _TEXTS:
            table.add_column(heading, overflow="fold", no_wrap=heading == "dtype")
        else:
            table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def _laid_out(headings: Sequence[str], rows: Sequence[tuple[str, ...]], width: int) -> str:
    """Return the lines of :func:`_table`, or nothing if they do not fit and must be folded."""
    sizes = [max(map(cell_len, column)) for column in zip(headings, *rows, strict=True)]
    total = sum(sizes) + 2 * len(sizes)
    if total > width:
        return ""
    lines = [" " * total, "".join(_cells(headings, headings, sizes)), f" {'─' * (total - 2)} "]
    lines += ["".join(_cells(row, headings, sizes)) for row in rows]
    return "\n".join((*lines, " " * total, ""))


def _cells(row: Sequence[str], headings: Sequence[str], sizes: Sequence[int]) -> Iterator[str]:
    for text, heading, size in zip(row, headings, sizes, strict=True):
        padding = " " * (size - cell_len(text))
        yield f" {text}{padding} " if heading in _TEXTS else f" {padding}{text} "
