"""Who does the work: this process, a local cluster, or a scheduler that runs already.

One way for all: tasks go in, pairs of task and result come out as they end, a few at a time. The
state of a migration is not here; an engine that dies loses nothing.
"""

import logging
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from tempfile import TemporaryDirectory
from typing import Any, Protocol, TypeVar

from tfrepair.core.errors import UsageError

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 2
"""Tasks in flight for each worker: one at work, one waiting."""
WORKER_BYTES = 4 << 30
"""Memory of a local worker; one that needs more is ended, and its item counts as one that kills."""
WORKER_SECONDS = 3600
"""Lifetime of a local worker: memory that a library keeps goes with it."""

PATIENCE = "15s"
"""How long a scheduler may take to answer."""


class Died(Exception):  # noqa: N818 - an event, and never seen outside of a migration
    """The process that worked on a task ended."""


class Engine(Protocol):
    """Runs functions on tasks."""

    def run(
        self, work: Callable[[T], R], tasks: Iterable[T], stop: Callable[[], bool]
    ) -> Iterator[tuple[T, R | Died]]:
        """Run a function on every task, as many at a time as there are workers.

        Parameters
        ----------
        work
            A function of a module.
        tasks
            Taken one by one when there is room.
        stop
            Asked before another task is taken; what is in flight comes to its end.
        """


class Inline:
    """The process that asks."""

    def run(
        self, work: Callable[[T], R], tasks: Iterable[T], stop: Callable[[], bool]
    ) -> Iterator[tuple[T, R | Died]]:
        """Run one task after the other."""
        waiting = iter(tasks)
        while not stop():
            task = next(waiting, None)
            if task is None:
                return
            yield task, work(task)


class Cluster:
    """A cluster of Dask distributed.

    Parameters
    ----------
    client
        Connected.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - the library has no types
        self._client = client

    def run(
        self, work: Callable[[T], R], tasks: Iterable[T], stop: Callable[[], bool]
    ) -> Iterator[tuple[T, R | Died]]:
        """Keep the workers busy; results come in the order in which they end."""
        from distributed import KilledWorker, as_completed  # noqa: PLC0415 - takes half a second

        waiting = iter(tasks)
        flying: dict[str, T] = {}
        ended = as_completed(loop=self._client.loop)

        def send() -> bool:
            task = None if stop() else next(waiting, None)
            if task is None:
                return False
            future = self._client.submit(work, task, pure=False, retries=0)
            flying[future.key] = task
            ended.add(future)
            return True

        for _ in range(max(1, len(self._client.ncores())) * AHEAD):
            if not send():
                break
        while flying:
            future = next(ended)
            task = flying.pop(future.key)
            error = future.exception()
            if error is None:
                result: R | Died = future.result()
            elif isinstance(error, KilledWorker):
                result = Died(str(error))
            else:
                raise error
            future.release()
            yield task, result
            send()


@contextmanager
def engine(jobs: int, scheduler: str) -> Iterator[Engine]:
    """Give the engine that is asked for.

    Parameters
    ----------
    jobs
        Processes of a local cluster; 1 for none.
    scheduler
        Address of a scheduler that runs, or empty.

    Raises
    ------
    UsageError
        If no scheduler answers at the address.
    """
    if not scheduler and jobs == 1:
        yield Inline()
        return
    with _client(jobs, scheduler) as client:
        yield Cluster(client)


@contextmanager
def _client(jobs: int, scheduler: str) -> Iterator[Any]:
    import dask  # noqa: PLC0415 - takes half a second
    from distributed import Client, LocalCluster  # noqa: PLC0415

    settings = {
        "distributed.scheduler.allowed-failures": 0,
        "distributed.comm.timeouts.connect": PATIENCE,
        "distributed.worker.daemon": False,
        "distributed.admin.tick.limit": "1h",
    }
    with dask.config.set(settings):
        if scheduler:
            try:
                client = Client(scheduler, timeout=PATIENCE, set_as_default=False)
            except (OSError, TimeoutError, ValueError) as error:
                message = f"--scheduler {scheduler}: no scheduler answers: {error}"
                raise UsageError(message, remedy="start one with `dask scheduler`") from error
            with client:
                if not client.ncores():
                    client.wait_for_workers(1)
                yield client
            return
        with TemporaryDirectory(prefix="tfrepair-") as scratch:
            cluster = LocalCluster(
                n_workers=jobs,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": False},
                memory_limit=WORKER_BYTES,
                lifetime=f"{WORKER_SECONDS}s",
                lifetime_stagger="600s",
                lifetime_restart=True,
                silence_logs=logging.CRITICAL,
                local_directory=scratch,
            )
            with cluster, Client(cluster, set_as_default=False) as client:
                client.register_plugin(_deaf_to_interrupts())
                yield client


def _deaf_to_interrupts() -> Any:  # noqa: ANN401 - the library has no types
    """Return what keeps workers at work when a terminal interrupts the whole group."""
    from distributed import WorkerPlugin  # noqa: PLC0415 - takes half a second

    class Deaf(WorkerPlugin):  # type: ignore[misc]
        name = "tfrepair-interrupts"

        def setup(self, worker: Any) -> None:  # noqa: ANN401
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGINT, signal.SIG_IGN)

    return Deaf()


def isolated(work: Callable[[T], R], task: T) -> R | Died:
    """Run a task in a process of its own: it may have ended others."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(work, task).result()
        except BrokenProcessPool as error:
            return Died(str(error))
