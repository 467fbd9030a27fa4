"""Engines: a scheduler with workers in processes of their own, a local cluster, deaths."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.api.migrations import Fleet, fleet
from tfrepair.api.migration.engine import Died, engine, isolated
from tfrepair.api.migration.items import Status
from tfrepair.api.migration.migrate import How, run_migration
from tfrepair.core.errors import UsageError

FATAL = 3


def work(number: int) -> int:
    if number == FATAL:
        os._exit(9)
    return number * number


@dataclass
class Farm:
    """A scheduler and two workers, none of which knows tests or migrations."""

    address: str
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)


def wait_for(path: Path) -> None:
    start = time.monotonic()
    while not path.exists():
        assert time.monotonic() < start + 60
        time.sleep(0.05)


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    folder = tmp_path_factory.mktemp("farm")
    file = folder / "scheduler.json"
    local = ["--scheduler-file", str(file), "--no-dashboard"]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}

    def start(module: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.{module}", *local, *arguments]
        return subprocess.Popen(
            command, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    started = [start("dask_scheduler", "--host", "127.0.0.1", "--port", "0")]
    try:
        wait_for(file)
        address = file.read_text(encoding="utf-8").split('"address": "')[1].split('"')[0]
        farm = Farm(address)
        for _ in range(2):
            farm.workers.append(start("dask_worker", "--nthreads", "1", "--no-nanny"))
        started += farm.workers
        yield farm
    finally:
        for process in started:
            process.kill()
            process.wait()


@pytest.fixture
def made(tmp_path: Path) -> Fleet:
    return fleet(tmp_path)


def test_one_process_does_one_thing_after_the_other() -> None:
    with engine(1, "") as inline:
        found = dict(inline.run(work, iter([1, 2, 4]), lambda: False))
    assert found == {1: 1, 2: 4, 4: 16}


def test_a_death_in_a_process_of_its_own_is_told() -> None:
    assert isinstance(isolated(work, FATAL), Died)


def test_no_scheduler_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tfrepair.api.migration.engine.PATIENCE", "1s")
    with pytest.raises(UsageError, match="no scheduler answers"), engine(1, "tcp://127.0.0.1:1"):
        pass


def test_a_scheduler_of_ones_own_goes_on_without_a_worker_that_was_killed(
    made: Fleet, farm: Farm
) -> None:
    made.fill(16)
    ended: list[object] = []

    def on_event(event: dict[str, object]) -> None:
        if event["event"] == "end":
            ended.append(event)
            if len(ended) == 5:
                farm.workers[0].send_signal(signal.SIGKILL)

    how = How(skeleton=made.kept, scheduler=farm.address, on_event=on_event)  # type: ignore[arg-type]
    done = run_migration(made.pattern, made.out, made.arch, "", {}, how)
    assert done.exit_code == 0, done.failures()
    assert [result.status for result in done.results] == [Status.DONE] * 16
    assert len(ended) == 16


@pytest.mark.slow
def test_a_local_cluster_survives_what_ends_a_worker() -> None:
    with engine(2, "") as cluster:
        found = dict(cluster.run(work, iter(range(8)), lambda: False))
    assert isinstance(found.pop(FATAL), Died)
    sound = {number: result for number, result in found.items() if not isinstance(result, Died)}
    assert len(sound) >= 5
    assert all(result == number * number for number, result in sound.items())
