"""Migrations without TensorFlow: a prepared skeleton, many small sources."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.api.migrations import Fleet, fleet, snapshot, weights
from tfrepair.api.migration.carrying import Task, carry_out
from tfrepair.api.migration.items import Item, Status
from tfrepair.api.migration.journal import NAME
from tfrepair.api.migration.migrate import How, run_migration
from tfrepair.api.migration.summary import Migration, page_of
from tfrepair.api.verification import verify
from tfrepair.core.errors import WriteError
from tfrepair.readers.registry import open_source
from tfrepair.verify.copies import check_copy, frame_of


@pytest.fixture
def made(tmp_path: Path) -> Fleet:
    return fleet(tmp_path)


def run(made: Fleet, work: str = "", **how: object) -> Migration:
    chosen = How(skeleton=made.kept, **how)  # type: ignore[arg-type]
    return run_migration(work or made.pattern, made.out, made.arch, "", {}, chosen)


def ends(made: Fleet) -> Counter[str]:
    lines = (made.out / NAME).read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in lines if line.endswith("}")]
    return Counter(event["output"] for event in events if event["event"] == "end")


def test_every_source_once_and_a_finished_run_writes_nothing(made: Fleet) -> None:
    made.fill(4)
    inputs = snapshot(made.folder / "runs")
    done = run(made)
    assert done.exit_code == 0
    assert [result.output for result in done.results] == [f"w{place:03d}" for place in range(4)]
    assert {result.route for result in done.results} == {"skeleton"}
    for place in range(4):
        out = made.out / f"w{place:03d}"
        assert verify(out, against=made.folder / "runs" / f"w{place:03d}.npz").passed
        held = {tensor.name: tensor.fetch() for tensor in open_source(out)}
        kernel = next(value for name, value in held.items() if "kernel" in name)
        np.testing.assert_array_equal(kernel, weights(place)["kernel"])
    before = snapshot(made.out)
    assert run(made).exit_code == 0
    assert snapshot(made.out) == before
    assert snapshot(made.folder / "runs") == inputs
    assert set(ends(made).values()) == {1}


def test_no_tensorflow_and_no_dask_where_one_process_writes(made: Fleet) -> None:
    made.fill(2)
    code = (
        "import sys, pathlib\n"
        "from tfrepair.api.migration.migrate import How, run_migration\n"
        "work, out, arch, kept = sys.argv[1:]\n"
        "how = How(skeleton=pathlib.Path(kept))\n"
        "done = run_migration(work, pathlib.Path(out), arch, '', {}, how)\n"
        "assert done.exit_code == 0\n"
        "print(sorted({'tensorflow', 'keras', 'distributed'} & set(sys.modules)))\n"
    )
    command = [sys.executable, "-c", code, made.pattern, str(made.out), made.arch, str(made.kept)]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "[]\n"


def test_what_fails_is_said_and_the_rest_goes_on(made: Fleet) -> None:
    made.fill(3)
    made.add("cut", **weights(9))
    path = made.folder / "runs" / "cut.npz"
    path.write_bytes(path.read_bytes()[:300])
    made.add("short", kernel=weights(1)["kernel"])
    done = run(made)
    status = {result.output: result.status for result in done.results}
    assert status["short"] is Status.SET_ASIDE
    assert status["cut"] is not Status.DONE
    assert [status[f"w{place:03d}"] for place in range(3)] == [Status.DONE] * 3
    assert done.exit_code == 3
    assert len(done.layouts) >= 2
    report = json.loads((made.out / "report.json").read_text(encoding="utf-8"))
    assert report["totals"]["done"] == 3
    assert any(
        "1 of 2 weights have no source" in failure["message"] for failure in report["failures"]
    )
    assert "--retry-failed" in report["retry"]
    made.add("short", **weights(5))
    made.add("cut", **weights(9))
    assert run(made).exit_code == 3
    assert run(made, retry_failed=True).exit_code == 0
    assert ends(made)["w000"] == 1


def test_a_damaged_first_source_does_not_stop_its_layout(made: Fleet) -> None:
    made.fill(3)
    path = made.folder / "runs" / "w000.npz"
    data = bytearray(path.read_bytes())
    data[data.index(weights(0)["kernel"].tobytes())] ^= 1
    path.write_bytes(data)
    done = run(made)
    status = {result.output: result.status for result in done.results}
    assert status.pop("w000") is not Status.DONE
    assert set(status.values()) == {Status.DONE}


def test_a_dry_run_shows_every_plan_and_writes_nothing(made: Fleet) -> None:
    made.fill(2)
    made.add("turned", kernel=weights(1)["kernel"].T.copy(), bias=weights(1)["bias"])
    shown = run(made, dry_run=True)
    assert not made.out.exists()
    assert sorted(len(layout.items) for layout in shown.layouts) == [1, 2]
    assert all(layout.report is not None for layout in shown.layouts)


def test_a_plan_that_nobody_agreed_to_is_set_aside(made: Fleet) -> None:
    made.fill(1)
    item = Item(source=str(made.folder / "runs" / "w000.npz"), output="o", arch=made.arch)
    task = Task(item=item, root=str(made.out), skeletons=str(made.kept), agreed="another")
    result = carry_out(task)
    assert (result.status, result.cause) == (Status.SET_ASIDE, "Stale")
    assert not (made.out / "o").exists()


def test_without_a_skeleton_an_item_is_given_back(made: Fleet) -> None:
    made.fill(1)
    item = Item(source=str(made.folder / "runs" / "w000.npz"), output="o", arch=made.arch)
    none = str(made.folder / "none")
    result = carry_out(Task(item=item, root=str(made.out), skeletons=none, may_defer=True))
    assert result.status is Status.DEFERRED
    assert not made.out.exists()


def test_a_skeleton_of_another_model_is_refused(made: Fleet) -> None:
    made.fill(1)
    with Path(made.arch).open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    done = run(made)
    assert done.exit_code == 4
    assert "file model.py: was" in done.results[0].message
    assert "remove" in done.results[0].remedy


def test_an_output_that_a_killed_process_left_is_taken_over(made: Fleet) -> None:
    made.fill(2)
    assert run(made).exit_code == 0
    path = made.out / NAME
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    last = next(place for place, line in enumerate(lines) if '"w001"' in line and "end" in line)
    path.write_text("".join(lines[:last]) + lines[last][:40], encoding="utf-8")
    before = snapshot(made.out / "w001")
    done = run(made)
    assert {result.output: result.route for result in done.results}["w001"] == "found"
    assert snapshot(made.out / "w001") == before


def test_an_output_of_others_is_left_alone(made: Fleet) -> None:
    made.fill(1)
    (made.out / "w000").mkdir(parents=True)
    (made.out / "w000" / "mine.txt").write_text("x", encoding="utf-8")
    done = run(made)
    assert done.results[0].status is Status.FAILED
    assert "exists" in done.results[0].message
    assert (made.out / "w000" / "mine.txt").read_text(encoding="utf-8") == "x"


def test_one_process_at_a_time(made: Fleet) -> None:
    made.fill(1)

    def again(_event: object) -> None:
        with pytest.raises(WriteError, match="another process is at work"):
            run(made)

    seen: list[object] = []

    def on_event(event: dict[str, object]) -> None:
        if event["event"] == "begin":
            again(event)
            seen.append(event)

    assert run(made, on_event=on_event).exit_code == 0
    assert seen


def test_stopped_between_items_it_goes_on_later(made: Fleet) -> None:
    made.fill(5)
    ended: list[object] = []

    def on_event(event: dict[str, object]) -> None:
        if event["event"] == "end":
            ended.append(event)

    done = run(made, on_event=on_event, stop=lambda: len(ended) >= 2)
    assert done.exit_code == 130
    assert len(done.results) == 2
    assert run(made).exit_code == 0
    assert ends(made) == Counter({f"w{place:03d}": 1 for place in range(5)})


def test_killed_again_and_again_it_ends_whole(made: Fleet) -> None:
    made.fill(24)
    inputs = snapshot(made.folder / "runs")
    command = [sys.executable, "-m", "tfrepair", "migrate", made.pattern, str(made.out)]
    command += ["--arch", made.arch, "--skeleton", str(made.kept), "--quiet"]
    draw = np.random.default_rng(5)
    for _ in range(4):
        process = subprocess.Popen(command, start_new_session=True)
        start = time.monotonic()
        while not (made.out / NAME).exists() and time.monotonic() < start + 30:
            time.sleep(0.005)
        time.sleep(float(draw.uniform(0.0, 0.15)))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for out in made.out.glob("w*"):
            assert verify(out).passed
    assert subprocess.run(command, check=False).returncode == 0
    assert ends(made) == Counter({f"w{place:03d}": 1 for place in range(24)})
    assert not list(made.out.glob(".*tfrepair-*"))
    assert snapshot(made.folder / "runs") == inputs


@pytest.mark.parametrize("defect", ["data", "index", "graph", "fingerprint"])
def test_a_copy_with_a_defect_is_found(made: Fleet, defect: str) -> None:
    made.fill(1)
    assert run(made).exit_code == 0
    out = made.out / "w000"
    (skeleton,) = made.kept.glob("*/model")
    frame = frame_of(skeleton)
    assert all(check.passed for check in check_copy(out, skeleton, frame))
    names = {
        "data": "variables/variables.data-00000-of-00001",
        "index": "variables/variables.index",
        "graph": "saved_model.pb",
        "fingerprint": "fingerprint.pb",
    }
    path = out / names[defect]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    assert not all(check.passed for check in check_copy(out, skeleton, frame))


def test_the_page_shows_what_came_from_outside_as_text(made: Fleet) -> None:
    made.fill(1)
    hostile = made.folder / "runs" / "<script>alert(1)<"
    hostile.with_name(hostile.name + ".npz").write_bytes(b"nothing")
    page = page_of(run(made).to_json())
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;.npz" in page
    assert (made.out / "report.html").is_file()


def test_outputs_that_were_removed_are_made_again(made: Fleet) -> None:
    made.fill(2)
    assert run(made).exit_code == 0
    shutil.rmtree(made.out / "w001")
    assert run(made).exit_code == 0
    assert (made.out / "w001" / "saved_model.pb").is_file()
    assert ends(made)["w000"] == 1
