"""What came of a migration: totals, an outcome for every item, failures by cause.

Written as ``report.json`` and as one page without any other file, ``report.html``.
"""

import json
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from tfrepair.api.migration.items import Result, Status
from tfrepair.api.migration.layouts import Layout
from tfrepair.writers.text_file import write_text

SCHEMA = "tfrepair.migration/1"
INTERRUPTED = 130
LOSSY, NOTHING = 3, 4
RETRY = "--retry-failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """What came of a migration so far.

    Attributes
    ----------
    work, root, skeletons
        What was asked for, where the outputs are, where skeletons are kept.
    items
        Number of sources.
    results
        Of the items that have ended, in the order of the work.
    layouts
        Plans that this run has made.
    is_dry_run, is_interrupted
        Nothing was to be written; or something is left to do.
    command
        What the user has typed, word by word; empty if it was no command.
    """

    work: str
    root: str
    skeletons: str
    items: int
    results: tuple[Result, ...]
    layouts: tuple[Layout, ...] = ()
    is_dry_run: bool = False
    is_interrupted: bool = False
    command: tuple[str, ...] = ()

    def count(self, status: Status) -> int:
        """Return the number of items that ended in one way."""
        return sum(result.status is status for result in self.results)

    @property
    def exit_code(self) -> int:
        """0 all done; 3 done with listed losses, or not all; 4 nothing done; 130 to go on."""
        if self.is_dry_run:
            refused = [layout for layout in self.layouts if layout.failure is not None]
            return NOTHING if refused or self.results else 0
        if self.is_interrupted:
            return INTERRUPTED
        done = [result for result in self.results if result.status is Status.DONE]
        if not done:
            return NOTHING
        is_whole = len(done) == len(self.results) and not any(r.exit_code for r in done)
        return 0 if is_whole else LOSSY

    def totals(self) -> dict[str, Any]:
        """Return sums over all items."""
        provenance: Counter[str] = Counter()
        for result in self.results:
            provenance.update(result.provenance)
        done = [result for result in self.results if result.status is Status.DONE]
        return {
            "items": self.items,
            "done": len(done),
            "lossy": sum(bool(result.exit_code) for result in done),
            "failed": self.count(Status.FAILED),
            "set_aside": self.count(Status.SET_ASIDE),
            "left": self.items - len(self.results),
            "seconds": round(sum(result.seconds for result in self.results), 3),
            "bytes_read": sum(result.bytes_read for result in self.results),
            "bytes_written": sum(result.bytes_written for result in self.results),
            "routes": dict(sorted(Counter(result.route for result in done).items())),
            "provenance": dict(sorted(provenance.items())),
        }

    def failures(self) -> list[dict[str, Any]]:
        """Return what did not succeed, by cause, the most frequent first."""
        groups: dict[tuple[str, str], list[Result]] = {}
        for result in self.results:
            if result.status is not Status.DONE:
                groups.setdefault((result.status.value, result.cause), []).append(result)
        ordered = sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0]))
        return [
            {
                "status": status,
                "cause": cause,
                "items": len(results),
                "message": results[0].message,
                "remedy": results[0].remedy,
                "sources": [result.source for result in results],
            }
            for (status, cause), results in ordered
        ]

    def obstacles(self) -> dict[str, int]:
        """Return why items were exported one by one, with their number."""
        found = Counter(r.obstacle for r in self.results if r.route == "export" and r.obstacle)
        return dict(found.most_common())

    @property
    def retry(self) -> str:
        """Command that tries again what has failed."""
        words = self.command or ("tfrepair", "migrate", self.work, self.root)
        return shlex.join([*(w for w in words if w != RETRY), RETRY])

    def to_json(self) -> dict[str, Any]:
        """Return the ``tfrepair.migration/1`` object."""
        return {
            "schema": SCHEMA,
            "exit_code": self.exit_code,
            "dry_run": self.is_dry_run,
            "interrupted": self.is_interrupted,
            "work": self.work,
            "root": self.root,
            "totals": self.totals(),
            "failures": self.failures(),
            "retry": self.retry if self.failures() else "",
            "one_by_one": self.obstacles(),
            "layouts": [layout.to_json() for layout in self.layouts],
            "items": [result.to_json() for result in self.results],
        }


def write_summary(root: Path, migration: Migration) -> None:
    """Write ``report.json`` and ``report.html`` into the folder of the outputs."""
    data = migration.to_json()
    data["layouts"] = [
        {name: value for name, value in layout.items() if name != "plan"}
        for layout in data["layouts"]
    ]
    write_text(root / "report.json", json.dumps(data, indent=1, ensure_ascii=False) + "\n")
    write_text(root / "report.html", page_of(data))


_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1d2733; margin: 2rem auto; max-width: 70rem;
  padding: 0 1rem }
h1 { font-size: 1.5rem; margin: 0 0 .2rem } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
.muted { color: #5b6776 } .cards { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1.2rem 0 }
.card { border: 1px solid #d5dbe3; border-radius: .5rem; padding: .6rem 1rem; min-width: 6.5rem }
.card b { display: block; font-size: 1.5rem } .bad b { color: #b3261e } .good b { color: #1a7f37 }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .3rem .6rem;
  border-bottom: 1px solid #e4e8ee;
  max-width: 28rem; vertical-align: top; overflow-wrap: break-word }
th { color: #5b6776; font-weight: 600;
  white-space: nowrap } td.n, th.n { text-align: right; white-space: nowrap }
code { background: #f2f4f7; padding: .1rem .3rem; border-radius: .25rem; overflow-wrap: anywhere }
.bar { display: flex; height: .7rem; border-radius: .35rem; overflow: hidden; background: #e4e8ee }
.bar i { display: block } .done { background: #1a7f37 } .lossy { background: #d29922 }
.failed { background: #b3261e } .aside { background: #8250df }
.tag { white-space: nowrap; padding: .05rem .45rem; border-radius: .6rem; color: #fff }
@media (prefers-color-scheme: dark) { body { background: #12161c; color: #dde3ea }
  .card, td, th { border-color: #2d3642 } code { background: #222a34 } .muted, th { color: #97a3b2 }
  .bar { background: #2d3642 } }
"""


def page_of(data: Mapping[str, Any]) -> str:
    """Return a report as one HTML page; everything that came from outside is escaped."""
    totals = data["totals"]
    cards = [
        ("items", totals["items"], ""),
        ("done", totals["done"], "good"),
        ("with losses", totals["lossy"], ""),
        ("failed", totals["failed"], "bad" if totals["failed"] else ""),
        ("set aside", totals["set_aside"], "bad" if totals["set_aside"] else ""),
        ("left to do", totals["left"], ""),
        ("read", size(totals["bytes_read"]), ""),
        ("written", size(totals["bytes_written"]), ""),
        ("work", f"{totals['seconds']:.1f} s", ""),
    ]
    shown = "".join(
        f'<div class="card {kind}"><b>{escape(str(value))}</b>{name}</div>'
        for name, value, kind in cards
    )
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        '<meta name=viewport content="width=device-width">',
        f"<title>Migration: {totals['done']} of {totals['items']} done</title>",
        f"<style>{_STYLE}</style>",
        f"<h1>Migration of {escape(data['work'])}</h1>",
        f"<div class=muted>into <code>{escape(data['root'])}</code></div>",
        f'<div class="cards">{shown}</div>{_bar(totals)}',
        _counts("Where the values come from", totals["provenance"], "values"),
        _counts("How they were written", totals["routes"], "items"),
        _counts("Exported one by one, because", data["one_by_one"], "items"),
        _failures(data["failures"], data["retry"]),
        _layouts(data["layouts"]),
        _items(data["items"]),
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _bar(totals: Mapping[str, Any]) -> str:
    total = max(1, totals["items"])
    shares = (
        ("done", totals["done"] - totals["lossy"]),
        ("lossy", totals["lossy"]),
        ("aside", totals["set_aside"]),
        ("failed", totals["failed"]),
    )
    inner = "".join(
        f'<i class="{kind}" style="width:{100 * number / total:.2f}%"></i>'
        for kind, number in shares
    )
    return f'<div class="bar">{inner}</div>'


def _counts(title: str, counts: Mapping[str, int], unit: str) -> str:
    if not counts:
        return ""
    rows = [[escape(name or "none"), f"{number}"] for name, number in counts.items()]
    return f"<h2>{title}</h2>" + _table(["", unit], rows, numbers=(1,))


def _failures(failures: Sequence[Mapping[str, Any]], retry: str) -> str:
    if not failures:
        return ""
    rows = [
        [
            _word(failure["status"]),
            escape(failure["cause"]),
            str(failure["items"]),
            escape(failure["message"]) + _remedy(failure["remedy"]),
            escape(failure["sources"][0]),
        ]
        for failure in failures
    ]
    table = _table(["status", "cause", "items", "the first says", "the first is"], rows, (2,))
    return f"<h2>What did not succeed</h2>{table}<p>Try again: <code>{escape(retry)}</code></p>"


def _word(text: str) -> str:
    return f'<span style="white-space:nowrap">{escape(text)}</span>'


def _remedy(text: str) -> str:
    return f'<div class="muted">try: {escape(text)}</div>' if text else ""


def _layouts(layouts: Sequence[Mapping[str, Any]]) -> str:
    if not layouts:
        return ""
    rows = [
        [
            escape(layout["first"]),
            escape(layout["format"]),
            str(layout["tensors"]),
            str(layout["items"]),
            escape(", ".join(f"{n} {kind}" for kind, n in layout["confidence"].items())),
        ]
        for layout in layouts
    ]
    head = ["the first", "format", "tensors", "items", "matches"]
    return "<h2>Plans of the last run</h2>" + _table(head, rows, (2, 3))


_TAGS = {"done": "done", "failed": "failed", "set aside": "aside"}


def _items(items: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for item in items:
        kind = "lossy" if item["status"] == "done" and item["exit_code"] else _TAGS[item["status"]]
        note = item["message"] or "; ".join(item["losses"])
        rows.append(
            [
                f'<span class="tag {kind}">{escape(item["status"])}</span>',
                escape(item["source"]),
                escape(item["output"]),
                escape(item["route"]),
                f"{item['seconds']:.2f} s",
                size(item["bytes_written"]),
                escape(note),
            ]
        )
    head = ["", "source", "output", "route", "time", "written", "note"]
    return "<h2>Items</h2>" + _table(head, rows, (4, 5))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int]) -> str:
    def cells(tag: str, row: Sequence[str]) -> str:
        return "".join(
            f"<{tag} class=n>{cell}</{tag}>" if place in numbers else f"<{tag}>{cell}</{tag}>"
            for place, cell in enumerate(row)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<table><tr>{cells('th', head)}</tr>{body}</table>"


_STEP = 1000


def size(nbytes: float) -> str:
    """Return a number of bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if nbytes < _STEP:
            return f"{nbytes:.0f} {unit}" if unit == "B" else f"{nbytes:.1f} {unit}"
        nbytes /= _STEP
    return f"{nbytes:.1f} TB"
