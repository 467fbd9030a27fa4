"""The words of a migration: one bar for all items, a line for every plan, a table at the end."""

import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

from tfrepair.api.migration.summary import Migration, size
from tfrepair.cli.printable import several_lines


class Fleet:
    """Shows plans as they are made, and how many items have ended; for stderr.

    The bar counts ends only, whoever worked on them and in whatever order; bytes and failures are
    sums over those. Its estimate of the time left is that of the items, which may differ in size.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet or sys.stderr is None
        self._bar: tqdm[Any] | None = None
        self._left = 0
        self._bytes = 0
        self._failed = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Take an event of a migration."""
        if self._quiet:
            return
        if event["event"] == "survey":
            self._left = event["items"]
            before = event["of"] - event["items"]
            note = f"; {before} have ended before" if before else ""
            self._say(f"{event['items']} sources to do{note}")
        elif event["event"] == "plan":
            self._say(_plan_line(event))
        elif event["event"] == "begin" and self._bar is None:
            self._bar = tqdm(total=self._left, unit="item", disable=None, file=sys.stderr)
        elif event["event"] == "end":
            self._ended(event)

    def _ended(self, event: Mapping[str, Any]) -> None:
        self._bytes += event["bytes_written"]
        self._failed += event["status"] != "done"
        if self._bar is None:
            self._bar = tqdm(total=self._left, unit="item", disable=None, file=sys.stderr)
        self._bar.set_postfix_str(f"{size(self._bytes)}, {self._failed} failed", refresh=False)
        self._bar.update()
        if event["status"] != "done":
            self._say(f"{event['source']}: {event['status']}: {event['message']}")

    def _say(self, text: str) -> None:
        line = several_lines(text)
        if self._bar is not None and not self._bar.disable:
            self._bar.write(line, file=sys.stderr)
        else:
            print(line, file=sys.stderr)


def _plan_line(event: Mapping[str, Any]) -> str:
    counts = ", ".join(f"{number} {kind}" for kind, number in event["confidence"].items())
    line = (
        f"plan for {event['items']} x {event['format']} of {event['tensors']} tensors, "
        f"the first {event['first']}: {counts or 'none'}"
    )
    return f"{line}; refused: {event['refusal']}" if event["refusal"] else line


def show_migration(migration: Migration) -> None:
    """Print what came of a migration."""
    totals = migration.totals()
    if migration.is_dry_run:
        _show_plans(migration)
        return
    print(
        f"done      {totals['done']} of {totals['items']}"
        + (f", {totals['lossy']} with listed losses" if totals["lossy"] else "")
    )
    for name in ("failed", "set_aside", "left"):
        if totals[name]:
            print(f"{name.replace('_', ' '):<10}{totals[name]}")
    print(f"bytes     {size(totals['bytes_read'])} read, {size(totals['bytes_written'])} written")
    routes = ", ".join(f"{number} {route}" for route, number in totals["routes"].items())
    if routes:
        print(f"routes    {routes}")
    for reason, number in migration.obstacles().items():
        print(several_lines(f"one by one: {number}, because {reason}"))
    for failure in migration.failures():
        text = f"{failure['items']} x {failure['status']}, {failure['cause']}: {failure['message']}"
        print(several_lines(text))
        if failure["remedy"]:
            print(several_lines(f"  try: {failure['remedy']}"))
    print(f"report    {migration.root}/report.html")


def _show_plans(migration: Migration) -> None:
    from tfrepair.planning.plan_file import plan_to_toml

    for layout in migration.layouts:
        print(several_lines(f"# {_plan_line({'event': 'plan', **layout.to_json()})}"))
        if layout.report is not None:
            print(plan_to_toml(layout.report.plan))
    for failure in migration.failures():
        print(several_lines(f"# {failure['items']} x {failure['cause']}: {failure['message']}"))
    print(f"# {len(migration.layouts)} plans for {migration.items} sources; nothing was written")
