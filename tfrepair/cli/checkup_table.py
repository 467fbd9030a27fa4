"""A checkup for a terminal: the saves in a table, then what is wrong with each, and what to do."""

from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from tfrepair.api.checking import check
from tfrepair.api.checkup.verdicts import Checkup, SaveCheckup, State
from tfrepair.cli.ending import print_json
from tfrepair.cli.printable import one_line
from tfrepair.cli.tables import Page
from tfrepair.core.findings import Finding, Severity

_STYLES = {
    State.COMPLETE: "green",
    State.CORRECTED: "yellow",
    State.FINISHABLE: "yellow",
    State.DAMAGED: "red",
    State.UNREADABLE: "red",
    State.EMPTY: "red",
    State.UNKNOWN: "dim",
}
_COLORS = {
    Severity.NOTE: "dim",
    Severity.WARNING: "yellow",
    Severity.LOSS: "magenta",
    Severity.ERROR: "red",
}
_FEW = 10
_KEYWORD = 11
"""Columns of the keyword: enough for the longest health, indented."""


def run_checkup(path: Path, *, everything: bool, quiet: bool, as_json: bool) -> int:
    """Check a path, print the result, and return the exit code.

    Raises
    ------
    SourceError
        If nothing is there.
    """
    checkup = check(path)
    if as_json:
        print_json(checkup.to_json())
    elif not quiet:
        show_checkup(checkup, everything=everything)
    return checkup.exit_code


def show_checkup(checkup: Checkup, *, everything: bool = False) -> None:
    """Print a row for each save, the causes, the damaged tensors and the newest whole save."""
    page = Page(everything=everything)
    page.line(checkup.path)
    if checkup.saves:
        page.table(_saves(checkup))
    for save in checkup.saves:
        _print_save(page, checkup, save, everything=everything)
    for finding in checkup.findings:
        _print_finding(page, finding)
    _print_end(page, checkup)


def show_saves(checkup: Checkup, *, everything: bool = False) -> None:
    """Print a row for each save, and nothing else."""
    page = Page(everything=everything)
    if checkup.saves:
        page.table(_saves(checkup))


def _saves(checkup: Checkup) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("step", justify="right", no_wrap=True)
    table.add_column("save", overflow="fold")
    table.add_column("format", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("whole", justify="right", no_wrap=True)
    for save in checkup.saves:
        table.add_row(
            "-" if save.step is None else str(save.step),
            one_line(_name(checkup, save)),
            save.format or "-",
            Text(save.state.value, style=_STYLES[save.state]),
            f"{save.whole} of {len(save.tensors)}" if save.tensors else "-",
        )
    return table


def _print_save(page: Page, checkup: Checkup, save: SaveCheckup, *, everything: bool) -> None:
    if not save.causes and not everything:
        return
    page.line(f" {save.verdict}", head=one_line(_name(checkup, save)), style=_STYLES[save.state])
    for cause in save.causes:
        _print_finding(page, cause)
    listed = save.tensors if everything else [t for t in save.tensors if not t.is_whole]
    shown = listed[:_FEW] if page.shortens else listed
    for tensor in shown:
        note = f": {tensor.note}" if tensor.note else ""
        _print_row(page, Text(tensor.health.value), tensor.name + note)
    if len(shown) < len(listed):
        _print_row(page, Text("..."), f"{len(listed) - len(shown)} more; --all lists them")


def _print_finding(page: Page, finding: Finding) -> None:
    _print_row(page, Text(finding.severity.value, _COLORS[finding.severity]), finding.message)
    if finding.remedy:
        _print_row(page, Text("try"), finding.remedy)


def _print_row(page: Page, keyword: Text, text: str) -> None:
    """Print a keyword, and beside it a text that is folded where the terminal ends."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True, min_width=_KEYWORD)
    grid.add_column(overflow="fold")
    grid.add_row(Text("  ") + keyword, one_line(text))
    page.table(grid)


def _print_end(page: Page, checkup: Checkup) -> None:
    if not checkup.saves:
        page.line("no save was found here", head="nothing ", style="red")
        return
    if checkup.newest is not None:
        page.line(checkup.newest.path, head="newest fully verified: ", style="green")
    else:
        page.line("no save in which a checksum vouches for every tensor", head="none: ")
    whole = sum(save.is_healthy for save in checkup.saves)
    message = f": {whole} of {len(checkup.saves)} saves without damage"
    if checkup.is_healthy:
        page.line(message, head="healthy", style="green")
    else:
        page.line(message, head="damage found", style="red")


def _name(checkup: Checkup, save: SaveCheckup) -> str:
    """Return the path of a save, as seen from what was checked."""
    path, root = Path(save.path), Path(checkup.path)
    inside = path.is_relative_to(root) and path != root
    return str(path.relative_to(root)) if inside else path.name or save.path
