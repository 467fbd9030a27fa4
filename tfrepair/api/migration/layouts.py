"""Plans of a migration: one for every architecture and layout of sources, shown before anything.

Comes after the survey and before the work.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tfrepair.api.conversion import run_conversion
from tfrepair.api.migration.carrying import Survey, assignment_of, failed, options_of
from tfrepair.api.migration.items import Item, Result, Status
from tfrepair.api.report import Report
from tfrepair.api.skeletons import Skeletons
from tfrepair.core.errors import SourceError, TfrepairError
from tfrepair.core.plan import Confidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Items whose sources look alike, and the plan that holds for them.

    Attributes
    ----------
    digest, format, tensors
        Of the layout; see :func:`tfrepair.api.migration.carrying.layout_of`.
    items
        In the order of the work.
    report
        A conversion of the first whole one, planned but not carried out; ``None`` before that,
        or if none can be planned.
    failure
        Why not; the items are set aside for that reason.
    """

    digest: str
    format: str
    tensors: int
    items: tuple[Item, ...]
    report: Report | None = None
    failure: Result | None = None

    @property
    def agreed(self) -> str:
        """Digest of the assignment that its items must have."""
        return "" if self.report is None else assignment_of(self.report.plan)

    def to_json(self) -> dict[str, Any]:
        """Return the layout as plain JSON data, with its plan."""
        counts: dict[str, int] = {}
        plan = None
        if self.report is not None:
            counts = {
                kind.value: number for kind in Confidence if (number := self.report.count(kind))
            }
            plan = self.report.plan.to_json()
        return {
            "layout": self.digest,
            "format": self.format,
            "tensors": self.tensors,
            "items": len(self.items),
            "arch": self.items[0].arch,
            "first": self.items[0].source,
            "confidence": counts,
            "refusal": None if self.failure is None else self.failure.message,
            "remedy": "" if self.failure is None else self.failure.remedy,
            "plan": plan,
        }


def layouts_of(items: Sequence[Item], surveys: Mapping[str, Survey]) -> tuple[Layout, ...]:
    """Put items with one layout together, in the order of their first."""
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(surveys[item.key].layout, []).append(item)
    return tuple(
        Layout(
            digest=digest,
            format=surveys[group[0].key].format,
            tensors=surveys[group[0].key].tensors,
            items=tuple(group),
        )
        for digest, group in groups.items()
    )


def planned(layout: Layout, skeletons: Skeletons) -> Layout:
    """Plan the first item of a layout that is whole, writing nothing.

    Starts TensorFlow, unless its architecture has a skeleton. Items before it, which are damaged
    or cannot be read, are left to fail by themselves.
    """
    for item in layout.items:
        options = replace(options_of(item), dry_run=True)
        try:
            report = run_conversion(item.source, item.arch, "", options, skeletons=skeletons)
        except SourceError:
            continue
        except TfrepairError as error:
            return replace(layout, failure=failed(item, error))
        if report.error is None:
            return replace(layout, report=report)
        if all(tensor.is_whole for tensor in report.store):
            failure = replace(failed(item, report.error), status=Status.SET_ASIDE)
            return replace(layout, report=report, failure=failure)
    return layout
