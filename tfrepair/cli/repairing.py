"""The command ``repair``, and what it says: what was done, and where every tensor is from."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from tfrepair.cli.ending import end, print_json
from tfrepair.cli.options import All, Arch, Debug, Donors, DryRun, Json, Overwrite, Quiet

if TYPE_CHECKING:
    from tfrepair.api.repairing import Repair

Damaged = Annotated[
    Path, typer.Argument(help="What is damaged: a file, a prefix, a folder. It is never changed.")
]
Fixed = Annotated[
    Path,
    typer.Option("-o", "--output", help="File or directory to write, in the format of the source."),
]
Templates = Annotated[
    list[Path] | None,
    typer.Option(
        "--template", help="File that tells the layout of a lost index or header: .meta, a sibling."
    ),
]
OtherFolders = Annotated[
    list[Path] | None,
    typer.Option("--look-in", help="Other directory with files of the same save. May be repeated."),
]
_STYLES = {
    "kept": "green",
    "corrected": "yellow",
    "rebuilt": "yellow",
    "donor": "magenta",
    "lost": "red",
}
_FEW = 30


def repair_command(
    source: Damaged,
    output: Fixed,
    donor: Donors = None,
    template: Templates = None,
    look_in: OtherFolders = None,
    arch: Arch = "",
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    show_all: All = False,
    quiet: Quiet = False,
    debug: Debug = False,
    as_json: Json = False,
) -> None:
    """Write a damaged save anew with the damage mended; 0 all proven, 3 with listed losses."""

    def work() -> int:
        from tfrepair.api.repairing import repair
        from tfrepair.cli.progress import Bar

        with Bar(quiet=quiet) as bar:
            result = repair(
                source,
                output,
                donors=donor or (),
                templates=template or (),
                look_in=look_in or (),
                arch=arch,
                overwrite=overwrite,
                dry_run=dry_run,
                progress=bar,
            )
        if as_json:
            print_json(result.to_json())
        elif not quiet:
            _show(result, everything=show_all)
        return result.exit_code

    end(work, debug=debug, as_json=as_json)


def _show(result: "Repair", *, everything: bool) -> None:
    from tfrepair.api.repairs.job import Action
    from tfrepair.cli.printable import one_line
    from tfrepair.cli.tables import Page

    page = Page(everything=everything)
    page.line(f" ({result.format}, {len(result.parts)} parts)", head=one_line(result.source))
    for action in result.actions or ("nothing is damaged: the output is a plain copy",):
        page.line(one_line(action), head="  ")
    rows = [p for p in result.parts if everything or p.action is not Action.KEPT]
    if rows:
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        table.add_column("part", overflow="fold")
        table.add_column("", no_wrap=True)
        table.add_column("why and from where", overflow="fold")
        shown = rows[:_FEW] if page.shortens else rows
        for part in shown:
            word = Text(part.action.value, style=_STYLES[part.action.value])
            reason = "; ".join(text for text in (part.note, part.origin) if text)
            table.add_row(one_line(part.name), word, one_line(reason))
        page.table(table)
        if len(shown) < len(rows):
            page.line(f"... and {len(rows) - len(shown)} more; --all lists them")
    counts = ", ".join(f"{result.counts[a]} {a.value}" for a in Action if a in result.counts)
    if not result.note:
        page.line(f": {counts}; nothing was written", head="dry run")
        return
    state = "complete" if result.exit_code == 0 else "written"
    style = "green" if state == "complete" else "yellow"
    page.line(
        f" in {result.output}: {counts}; {result.note} says the rest", head=state, style=style
    )
