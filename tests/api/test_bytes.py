"""Two runs with TensorFlow: same bytes out, input untouched, nothing of time or place inside."""

import hashlib
import json
import shutil
import socket
import stat
import time
from pathlib import Path

import pytest

import tfrepair
from tests.cli.conftest import snapshot
from tests.e2e.programs import SAMPLES, report_of
from tests.e2e.programs import tfrepair as program

pytestmark = pytest.mark.tf


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A read-only folder with weights and ``model.py``, converted twice from two places."""
    folder = tmp_path_factory.mktemp("story")
    source = folder / "source"
    source.mkdir()
    for name in ("weights.npy", "model.py"):
        shutil.copy(SAMPLES / "seed-dense" / name, source / name)
        (source / name).chmod(0o444)
    source.chmod(0o555)
    return folder


@pytest.fixture(scope="module")
def reports(story: Path) -> tuple[tfrepair.Report, dict[str, object]]:
    before = snapshot(story)
    first = tfrepair.convert(
        story / "source" / "weights.npy", arch=story / "source" / "model.py", out=story / "one"
    )
    time.sleep(1.1)  # a clock that counts seconds has gone on
    done = program(
        "npy-to-savedmodel", "--arch", "model.py", "weights.npy", story / "two", "--json",
        cwd=story / "source",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    after = snapshot(story)
    assert {path: state for path, state in after.items() if path in before} == before
    assert {Path(path).parts[len(story.parts)] for path in after.keys() - before.keys()} == {
        "one",
        "two",
    }
    return first, report_of(done)


def digests(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def test_the_whole_directory_has_the_same_bytes(
    story: Path, reports: tuple[tfrepair.Report, dict[str, object]]
) -> None:
    assert reports
    one, two = digests(story / "one"), digests(story / "two")
    assert {name for name in one if one[name] != two.get(name)} == set()
    assert one.keys() == two.keys()


def test_the_reports_agree(reports: tuple[tfrepair.Report, dict[str, object]]) -> None:
    first, second = json.loads(json.dumps(reports[0].to_json())), reports[1]
    for key in ("seconds", "source", "output"):
        assert first.pop(key) != second.pop(key)
    assert first == second
    assert ".tfrepair-" not in json.dumps(first)
    assert (first["exit_code"], first["verify"]["passed"]) == (0, True)
    assert {entry["provenance"] for entry in first["optimizer"]} == {"initialised"}


def test_the_record_knows_neither_time_nor_place(
    story: Path, reports: tuple[tfrepair.Report, dict[str, object]]
) -> None:
    assert reports
    text = (story / "one" / "assets.extra" / "tfrepair.json").read_text(encoding="utf-8")
    assert str(story) not in text
    assert socket.gethostname() not in text
    assert time.strftime("%Y-%m") not in text
    record = json.loads(text)
    assert record["plan"]["source"]["path"] == "weights.npy"
    assert not {"seconds", "time", "date", "host"} & set(record)
    assert all(entry["provenance"] and len(entry["sha256"]) == 64 for entry in record["variables"])


def test_the_directory_can_be_read_by_others(
    story: Path, reports: tuple[tfrepair.Report, dict[str, object]]
) -> None:
    assert reports
    assert stat.S_IMODE((story / "one").stat().st_mode) & 0o500 == 0o500
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (story / "one").rglob("*")}
    plain = story / "plain"
    plain.touch()
    assert stat.S_IMODE(plain.stat().st_mode) in modes
    plain.unlink()


def test_verify_holds_it_against_its_source(
    story: Path, reports: tuple[tfrepair.Report, dict[str, object]]
) -> None:
    assert reports
    verdict = tfrepair.verify(story / "one", against=story / "source" / "weights.npy")
    assert verdict.passed
    assert sum(check.name == "source" for check in verdict.checks) == 4
    other = tfrepair.verify(story / "one", against=SAMPLES / "mtcnn-pnet" / "det1.npy")
    assert not other.passed
    assert "the source has no 0" in {check.detail for check in other.checks}


def test_a_second_run_is_refused_and_changes_nothing(
    story: Path, reports: tuple[tfrepair.Report, dict[str, object]]
) -> None:
    assert reports
    before = snapshot(story)
    arguments = ("npy-to-savedmodel", "--arch", "model.py", "weights.npy", story / "one")
    done = program(*arguments, cwd=story / "source")
    assert (done.returncode, done.stdout) == (4, "")
    assert "--overwrite" in done.stderr
    assert snapshot(story) == before
