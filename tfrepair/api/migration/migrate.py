"""Use case: convert many sources, each exactly once, through crashes.

Reads what is to be done and what was done, shows a plan for every layout, lets an engine do the
rest and writes down how each item ended. All decisions are here, in one process; workers only
carry out.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tfrepair.api.migration.carrying import Survey, Task, carry_out, survey
from tfrepair.api.migration.engine import Died, Engine, engine, isolated
from tfrepair.api.migration.items import Item, Result, Status
from tfrepair.api.migration.journal import Journal
from tfrepair.api.migration.layouts import Layout, layouts_of, planned
from tfrepair.api.migration.manifest import read_items
from tfrepair.api.migration.summary import Migration, write_summary
from tfrepair.api.skeletons import Skeletons

TRIES = 3
"""How often a source may end the process that works on it."""

Event = Callable[[Mapping[str, Any]], None]
"""Told what happens, as plain JSON data."""


def _unheard(_event: Mapping[str, Any]) -> None:
    """Tell nobody."""


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How to migrate.

    Attributes
    ----------
    jobs, scheduler
        See :func:`tfrepair.api.migration.engine.engine`.
    skeleton
        Folder in which skeletons are kept; ``None`` for one of the migration's own, which is
        gone when everything is done.
    dry_run
        Make the plans and write nothing.
    retry_failed
        Try again what has failed or was set aside.
    command
        What the user has typed, for the report.
    on_event
        Told about plans, and about every item that begins or ends.
    stop
        Asked between items; what is in flight comes to its end.
    """

    jobs: int = 1
    scheduler: str = ""
    skeleton: Path | None = None
    dry_run: bool = False
    retry_failed: bool = False
    command: tuple[str, ...] = ()
    on_event: Event = field(default=_unheard, repr=False)
    stop: Callable[[], bool] = field(default=_never, repr=False)


def run_migration(
    work: str, out_root: Path, arch: str, plan: str, options: Mapping[str, Any], how: How
) -> Migration:
    """Convert everything that a pattern or manifest names.

    Parameters
    ----------
    work, arch, plan, options
        See :func:`tfrepair.api.migration.manifest.read_items`.
    out_root
        Folder of the outputs, with the journal and the report.
    how
        Engine, and what to do.

    Returns
    -------
    How every item ended; ``is_interrupted`` if it was stopped before.

    Raises
    ------
    UsageError
        If the work cannot be read, or no scheduler answers.
    WriteError
        If another process is at work in ``out_root``, or the journal cannot be written.
    """
    items = read_items(work, arch, plan, options)
    root = out_root.absolute()
    with Journal(root) as journal:
        pending = [item for item in items if not _is_settled(item, journal, root, how)]
        run = _Run(items, pending, journal, root, how)
        if pending:
            with engine(how.jobs, how.scheduler) as workers:
                run.go(workers)
        return run.ended(work)


def _is_settled(item: Item, journal: Journal, root: Path, how: How) -> bool:
    result = journal.results.get(item.key)
    if result is None:
        return False
    if result.status is Status.DONE:
        return (root / item.output / "saved_model.pb").is_file()
    return not how.retry_failed


class _Run:
    """One run of a migration."""

    def __init__(
        self,
        items: Sequence[Item],
        pending: Sequence[Item],
        journal: Journal,
        root: Path,
        how: How,
    ) -> None:
        self._items, self._pending = items, pending
        self._journal, self._root, self._how = journal, root, how
        own = root / ".tfrepair" / "skeletons"
        self._folder = own if how.skeleton is None else how.skeleton.absolute()
        self._layouts: tuple[Layout, ...] = ()
        self._failures: tuple[Result, ...] = ()
        self._over: set[str] = set()

    def go(self, workers: Engine) -> None:
        """Survey, plan and, unless it is a dry run, carry out."""
        surveys = self._surveyed(workers)
        if self._how.stop() or len(surveys) < len(self._pending):
            return
        readable = [item for item in self._pending if surveys[item.key].failure is None]
        skeletons = Skeletons(self._folder, may_make=False)
        self._layouts = tuple(
            planned(layout, skeletons) for layout in layouts_of(readable, surveys)
        )
        for layout in self._layouts:
            self._how.on_event({"event": "plan", **layout.to_json()})
        self._failures = tuple(found.failure for found in surveys.values() if found.failure)
        if self._how.dry_run:
            return
        for failure in self._failures:
            self._end(failure)
        self._set_aside()
        tasks = self._after_the_first()
        deferred = self._carried_out(workers, tasks)
        self._catch_up(workers, deferred)

    def ended(self, work: str) -> Migration:
        """Return how everything ended; write the report if anything has happened."""
        results = tuple(
            self._journal.results[item.key]
            for item in self._items
            if item.key in self._journal.results
        )
        left = [item for item in self._pending if item.key not in self._over]
        migration = Migration(
            work=work,
            root=str(self._root),
            items=len(self._items),
            results=self._failures if self._how.dry_run else results,
            layouts=self._layouts,
            is_dry_run=self._how.dry_run,
            is_interrupted=bool(left) and not self._how.dry_run,
            skeletons=str(self._folder),
            command=self._how.command,
        )
        if self._journal.has_changed and not self._how.dry_run:
            is_over = not left and all(result.status is Status.DONE for result in results)
            if is_over and self._how.skeleton is None:
                shutil.rmtree(self._folder.parent, ignore_errors=True)
            write_summary(self._root, migration)
        return migration

    def _surveyed(self, workers: Engine) -> Mapping[str, Survey]:
        found: dict[str, Survey] = {}
        tasks = [self._task(item) for item in self._pending]
        self._how.on_event({"event": "survey", "items": len(tasks), "of": len(self._items)})
        for task, result in workers.run(survey, tasks, self._how.stop):
            seen = isolated(survey, task) if isinstance(result, Died) else result
            if isinstance(seen, Died):
                failure = _died(task.item, "it was looked at", 2)
                seen = Survey(key=task.item.key, failure=failure)
            found[task.item.key] = seen
        return found

    def _set_aside(self) -> None:
        """Do not try what cannot be done: the plan of the layout is refused."""
        for layout in self._layouts:
            if layout.failure is None:
                continue
            first = layout.items[0].source
            for item in layout.items:
                note = "" if item.source == first else f", as {first}, which has the same layout"
                self._end(
                    replace(
                        layout.failure,
                        key=item.key,
                        source=item.source,
                        output=item.output,
                        message=f"{layout.failure.message}{note}",
                    )
                )

    def _after_the_first(self) -> Iterator[Task]:
        """Carry out the first item of each layout here: it makes the skeleton. Yield the rest."""
        rest: list[Task] = []
        for layout in self._layouts:
            if layout.failure is not None or self._how.stop():
                continue
            first, *others = layout.items
            task = replace(self._task(first), may_make=True, agreed=layout.agreed)
            self._here(task)
            rest += [
                replace(self._task(item), may_defer=True, agreed=layout.agreed) for item in others
            ]
        yield from rest

    def _here(self, task: Task) -> None:
        self._begin(task)
        self._end(carry_out(task))

    def _carried_out(self, workers: Engine, tasks: Iterable[Task]) -> dict[str, list[Task]]:
        """Let the workers carry out; return what waits for a skeleton, by its place."""
        deferred: dict[str, list[Task]] = {}
        died: list[Task] = []
        sound, suspects = _sorted_out(tasks, self._journal)
        for task, result in workers.run(carry_out, self._beginning(sound), self._how.stop):
            if isinstance(result, Died):
                died.append(task)
            elif result.status is Status.DEFERRED:
                self._journal.release(task.item.key)
                deferred.setdefault(result.cause, []).append(task)
            else:
                self._end(result)
        for task in (*died, *suspects):
            if not self._how.stop():
                self._alone(task)
        return deferred

    def _alone(self, task: Task) -> None:
        """Work in a process of its own on what may have ended others."""
        for _ in range(TRIES - 1):
            self._begin(task)
            result = isolated(carry_out, replace(task, was_begun=True, may_defer=False))
            if not isinstance(result, Died):
                self._end(result)
                return
        self._end(_died(task.item, "it was converted", TRIES))

    def _catch_up(self, workers: Engine, deferred: Mapping[str, Sequence[Task]]) -> None:
        """Make the skeletons that items wait for; one that waits alone is exported."""
        for tasks in deferred.values():
            if self._how.stop():
                return
            first, *others = (replace(task, may_defer=False) for task in tasks)
            if not others:
                self._carried_out(workers, [first])
                continue
            self._here(replace(first, may_make=True))
            self._carried_out(workers, others)

    def _beginning(self, tasks: Iterable[Task]) -> Iterator[Task]:
        for task in tasks:
            self._begin(task)
            yield task

    def _task(self, item: Item) -> Task:
        return Task(
            item=item,
            root=str(self._root),
            skeletons=str(self._folder),
            was_begun=self._journal.begun(item.key) > 0,
        )

    def _begin(self, task: Task) -> None:
        self._journal.begin(task.item.key)
        self._how.on_event(
            {"event": "begin", "source": task.item.source, "output": task.item.output}
        )

    def _end(self, result: Result) -> None:
        self._journal.end(result)
        self._over.add(result.key)
        self._how.on_event({"event": "end", **result.to_json()})


def _sorted_out(tasks: Iterable[Task], journal: Journal) -> tuple[list[Task], list[Task]]:
    """Part the items that may have ended a process before from the others."""
    sound: list[Task] = []
    suspects: list[Task] = []
    for task in tasks:
        (suspects if journal.begun(task.item.key) >= TRIES else sound).append(task)
    return sound, suspects


def _died(item: Item, what: str, times: int) -> Result:
    return Result(
        key=item.key,
        source=item.source,
        output=item.output,
        status=Status.FAILED,
        exit_code=1,
        cause="Died",
        message=f"the process ended {times} times while {what}",
        remedy="memory may have run out, or a library crashed: convert it by itself",
    )
