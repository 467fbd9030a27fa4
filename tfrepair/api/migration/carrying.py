"""What a worker does with one item: look at its layout, or convert it and say how that ended.

Runs in this process or in one of many; takes and returns plain data. Comes between the engine and
:mod:`tfrepair.api.conversion`.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from tfrepair.api.conversion import run_conversion
from tfrepair.api.migration.items import Item, Result, Status
from tfrepair.api.options import Options
from tfrepair.api.report import Outcome, Report
from tfrepair.api.skeletons import NoSkeleton, Skeletons
from tfrepair.api.sources import open_store, source_reference
from tfrepair.api.verification import verify
from tfrepair.core.digest import text_digest
from tfrepair.core.errors import TfrepairError, WriteError
from tfrepair.core.findings import Severity
from tfrepair.core.plan import Plan
from tfrepair.core.tensor import TensorStore
from tfrepair.writers.savedmodel import RECORD
from tfrepair.writers.staging import clean_up


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One item on its way to a worker.

    Attributes
    ----------
    item, root
        What to convert, and the folder that its output is below.
    skeletons
        Folder of skeletons.
    may_make
        Make a skeleton where there is none.
    may_defer
        Give the item back where there is none; otherwise it is exported by itself.
    agreed
        Digest of the assignment that was shown for its layout; empty for any.
    was_begun
        Work on it has begun before, and may have left the output.
    """

    item: Item
    root: str
    skeletons: str
    may_make: bool = False
    may_defer: bool = False
    agreed: str = ""
    was_begun: bool = False

    @property
    def out(self) -> Path:
        """Where the output goes."""
        return Path(self.root) / self.item.output


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a source looks like: its layout, or why it cannot be read.

    ``layout`` is equal for sources whose tensors have the same names, shapes, types and order.
    """

    key: str
    layout: str = ""
    format: str = ""
    tensors: int = 0
    nbytes: int = 0
    failure: Result | None = None


def survey(task: Task) -> Survey:
    """Open the source of an item; values are not read."""
    item = task.item
    try:
        options = options_of(item)
        store = open_store(item.source, reader=options.reader)
    except TfrepairError as error:
        return Survey(key=item.key, failure=failed(item, error))
    return Survey(
        key=item.key,
        layout=layout_of(store, item),
        format=store.format,
        tensors=len(store),
        nbytes=sum(tensor.nbytes for tensor in store),
    )


def layout_of(store: TensorStore, item: Item) -> str:
    """Return the digest of what a plan depends on, values apart."""
    lines = [store.format, item.arch, item.plan, repr(sorted(item.options.items()))]
    lines += [
        f"{t.name}\t{t.shape}\t{t.dtype}\t{t.purpose.value}\t{t.slot}\t{t.slot_of}\t{t.is_whole}"
        for t in store
    ]
    lines += [f"{name}={value}" for name, value in sorted(store.attributes.items())]
    return text_digest("\n".join(lines))


def options_of(item: Item) -> Options:
    """Return the options of an item's conversion."""
    return Options(**item.options, plan=item.plan or None)


def assignment_of(plan: Plan) -> str:
    """Return the digest of what a plan puts where; values of the source do not enter it."""
    lines = [f"{match.target}\t{match.sources}\t{match.rule}" for match in plan.matches]
    lines += [f"missing {gap.target}" for gap in plan.missing]
    return text_digest("\n".join(sorted(lines)))


@lru_cache(maxsize=8)
def _skeletons(folder: str, _process: int, may_make: bool, may_defer: bool) -> Skeletons:
    """Return a folder of skeletons, held against its sources once in this process."""
    return Skeletons(Path(folder), may_make=may_make, may_export=not may_defer)


def carry_out(task: Task) -> Result:
    """Convert one item; every error is a result."""
    started = time.monotonic()
    try:
        found = _found(task)
        result = found or _converted(task)
    except NoSkeleton as error:
        result = Result(
            key=task.item.key,
            source=task.item.source,
            output=task.item.output,
            status=Status.DEFERRED,
            cause=error.message,
        )
    except WriteError as error:
        # An engine may start an item again whose worker died behind the rename.
        result = _found(replace(task, was_begun=True)) or failed(task.item, error)
    except TfrepairError as error:
        result = failed(task.item, error)
    except Exception as error:  # noqa: BLE001 - one source must not end the others
        result = failed(task.item, error)
    return replace(result, seconds=time.monotonic() - started)


def failed(item: Item, error: Exception) -> Result:
    """Return the result that an error makes."""
    return Result(
        key=item.key,
        source=item.source,
        output=item.output,
        status=Status.FAILED,
        exit_code=error.exit_code if isinstance(error, TfrepairError) else 1,
        cause=type(error).__name__,
        message=error.message if isinstance(error, TfrepairError) else f"a bug of ours: {error!r}",
        remedy=error.remedy if isinstance(error, TfrepairError) else _REPORT,
    )


_REPORT = "convert this source by itself with --debug, and report what it prints"


def _converted(task: Task) -> Result:
    item = task.item
    skeletons = _skeletons(task.skeletons, os.getpid(), task.may_make, task.may_defer)
    options = options_of(item)
    if task.agreed:
        options = replace(options, agreed=lambda plan: assignment_of(plan) == task.agreed)
    report = run_conversion(item.source, item.arch, task.out, options, skeletons=skeletons)
    if report.error is not None:
        result = failed(item, report.error)
        is_planned = report.receipt is None
        return replace(result, status=Status.SET_ASIDE) if is_planned else result
    return Result(
        key=item.key,
        source=item.source,
        output=item.output,
        status=Status.DONE,
        exit_code=report.exit_code,
        route="export" if report.obstacle else "skeleton",
        obstacle=report.obstacle,
        bytes_read=_size(report.store.files),
        bytes_written=_size(path for path in task.out.rglob("*") if path.is_file()),
        provenance=_provenance(report),
        losses=tuple(finding.message for finding in report.losses),
    )


def _size(files: Any) -> int:  # noqa: ANN401 - paths or names of files
    return sum(Path(name).stat().st_size for name in files)


def _provenance(report: Report) -> Mapping[str, int]:
    counts = Counter(entry.provenance.kind.value for entry in report.state.entries)
    return dict(sorted(counts.items()))


def _found(task: Task) -> Result | None:
    """Take over an output that is there and is exactly this item's: every bit is checked.

    A process that was killed between putting it in place and saying so has left it.
    """
    out, item = task.out, task.item
    if not task.was_begun or not (out / RECORD).is_file():
        return None
    try:
        record = json.loads((out / RECORD).read_text(encoding="utf-8"))
        source = record["plan"]["source"]["digest"]
        is_agreed = not task.agreed or assignment_of(Plan.from_json(record["plan"])) == task.agreed
        kinds = [variable["provenance"].partition("(")[0] for variable in record["variables"]]
        losses = [f["message"] for f in record["findings"] if f["severity"] == Severity.LOSS.value]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    store = open_store(item.source, reader=options_of(item).reader)
    is_its_own = is_agreed and source == source_reference(store).digest
    if not is_its_own or not verify(out).passed:
        return None  # the conversion refuses what is there
    clean_up(out)
    return Result(
        key=item.key,
        source=item.source,
        output=item.output,
        status=Status.DONE,
        exit_code=Outcome.LOSSY.exit_code if losses or record["plan"]["missing"] else 0,
        route="found",
        bytes_read=_size(store.files),
        bytes_written=_size(path for path in out.rglob("*") if path.is_file()),
        provenance=dict(sorted(Counter(kinds).items())),
        losses=tuple(losses),
    )
