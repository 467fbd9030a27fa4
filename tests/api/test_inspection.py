"""What ``inspect`` reads: all of a small source, next to nothing of a big one."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tfrepair
from tests.cli.conftest import Run, run  # noqa: F401 - a fixture
from tfrepair.api import inspection
from tfrepair.core.tensor import Health
from tfrepair.planning.naming import read_name
from tfrepair.wire.bundle import BundleEntry
from tfrepair.wire.bundle_writer import Item, write_data, write_index
from tfrepair.wire.crc32c import crc32c, mask

GIB = 1 << 30
BIG = 10
_CHILD = """
import json, sys
from pathlib import Path
import tfrepair
data = Path(sys.argv[1] + ".data-00000-of-00001")
before = int(Path("/proc/self/io").read_text().split()[1])
found = tfrepair.inspect(sys.argv[1])
read = int(Path("/proc/self/io").read_text().split()[1]) - before
mapped, is_data = 0, False
for line in Path("/proc/self/smaps").read_text().splitlines():
    if "-" in line.split()[0]:
        is_data = line.endswith(str(data))
    elif is_data and line.startswith("Rss:"):
        mapped += 1024 * int(line.split()[1])
print(json.dumps({
    "read": read + mapped, "tensorflow": "tensorflow" in sys.modules, "nbytes": found.store.nbytes,
    "stats": [t["stats"] for t in found.to_json()["tensors"]],
}))
"""


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """Ten tensors of 1 GiB, their data a hole in the file."""
    prefix = tmp_path / "model.ckpt-7"
    with prefix.with_name(f"{prefix.name}.data-00000-of-00001").open("wb") as file:
        file.truncate(BIG * GIB)
    entries = {
        f"layer_{place}/kernel".encode(): BundleEntry(
            dtype=1, shape=(GIB // 16, 4), offset=place * GIB, size=GIB, crc=1
        )
        for place in range(BIG)
    }
    with prefix.with_name(f"{prefix.name}.index").open("wb") as file:
        write_index(entries, file.write)
    return prefix


_MEMORY = """
import re, sys
from pathlib import Path
import tfrepair
peak = 0
def look(*_):
    global peak
    found = re.search(r"RssAnon:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
    peak = max(peak, 1024 * int(found[1]))
found = tfrepair.inspect(sys.argv[1], statistics=True, progress=look)
assert all(tensor.health == "verified" for tensor in found.store)
print(peak)
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Two tensors, the second one damaged."""
    prefix = tmp_path / "small"
    items = [Item(name=n, dtype=1, array=np.full(3, 2, "float32")) for n in ("a", "b")]
    data = prefix.with_name(f"{prefix.name}.data-00000-of-00001")
    with data.open("wb") as file:
        entries = write_data(items, file.write)
    data.write_bytes(data.read_bytes()[:-3] + b"bad")
    with prefix.with_name(f"{prefix.name}.index").open("wb") as file:
        write_index(entries, file.write)
    return prefix


def test_a_big_checkpoint_is_listed_without_its_data(big: Path) -> None:
    command = [sys.executable, "-c", _CHILD, str(big)]
    done = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    assert done["nbytes"] == BIG * GIB
    assert done["read"] < done["nbytes"] // 100
    assert done["read"] < 16 << 20  # modules and index
    assert done["stats"] == [None] * BIG
    assert not done["tensorflow"]


def test_reading_everything_takes_no_more_memory_than_the_largest_tensor(tmp_path: Path) -> None:
    largest, count = 32 << 20, 6
    with (tmp_path / "m.data-00000-of-00001").open("wb") as file:
        file.truncate(count * largest)
    entries = {
        f"w{place}".encode(): BundleEntry(
            dtype=1,
            shape=(largest // 4,),
            offset=place * largest,
            size=largest,
            crc=mask(crc32c(bytes(largest))),
        )
        for place in range(count)
    }
    with (tmp_path / "m.index").open("wb") as file:
        write_index(entries, file.write)
    command = [sys.executable, "-c", _MEMORY, str(tmp_path / "m")]
    done = subprocess.run(command, check=True, capture_output=True)
    assert int(done.stdout) < largest + (64 << 20)


def test_the_note_says_how_to_get_statistics(big: Path) -> None:
    found = tfrepair.inspect(big)
    (note,) = found.findings
    assert (note.code, note.severity.value) == ("data-not-read", "note")
    assert "10,737,418,240" in note.message
    assert "--stats" in note.remedy
    assert not found.has_statistics
    assert {tensor.health for tensor in found.store} == {Health.UNVERIFIED}
    assert tfrepair.inspect(big, statistics=False).findings == ()


@pytest.mark.parametrize(("statistics", "limit"), [(None, 24), (True, 0)], ids=["small", "asked"])
def test_small_sources_are_read(
    small: Path, monkeypatch: pytest.MonkeyPatch, statistics: bool | None, limit: int
) -> None:
    monkeypatch.setattr(inspection, "READ_UNASKED", limit)
    steps: list[tuple[int, int]] = []
    found = tfrepair.inspect(
        small, statistics=statistics, progress=lambda _, done, total: steps.append((done, total))
    )
    assert [tensor.health for tensor in found.store] == [Health.VERIFIED, Health.CORRUPT]
    assert [finding.code for finding in found.findings] == ["unreadable-tensor"]
    assert [tensor["stats"]["mean"] for tensor in found.to_json()["tensors"]] == [2.0, None]
    assert steps == [(0, 2), (1, 2), (2, 2)]


@pytest.mark.parametrize(("statistics", "limit"), [(None, 23), (False, GIB)], ids=["big", "asked"])
def test_data_is_left_alone(
    small: Path, monkeypatch: pytest.MonkeyPatch, statistics: bool | None, limit: int
) -> None:
    monkeypatch.setattr(inspection, "READ_UNASKED", limit)
    found = tfrepair.inspect(small, statistics=statistics)
    assert {tensor.health for tensor in found.store} == {Health.UNVERIFIED}
    assert [tensor["stats"] for tensor in found.to_json()["tensors"]] == [None, None]


def test_the_command_has_the_choice(run: Run, small: Path, big: Path) -> None:  # noqa: F811
    assert "Inf" in run("inspect", small).out
    shown = run("inspect", small, "--no-stats").out
    assert "mean" not in shown
    assert "2 tensors, 24 bytes; data not read" in shown
    listed = json.loads(run("inspect", big, "--json").out)
    assert [finding["code"] for finding in listed["findings"]] == ["data-not-read"]
    assert [tensor["stats"] for tensor in listed["tensors"]] == [None] * BIG
    asked = json.loads(run("inspect", small, "--json", "--stats").out)
    assert [tensor["health"] for tensor in asked["tensors"]] == ["verified", "corrupt"]


@pytest.mark.parametrize(
    "name",
    ["kernel", "conv1/kernel", "/kernel", "a/b/bias:0", "conv1.weight", "W1", "x/W1", "dense/0",
     "0", "a/", "", "//", "bn/moving_mean", "conv1_w", "s/conv1_w", "gamma:0"],
)  # fmt: skip
def test_the_last_level_of_a_name_says_its_role(name: str) -> None:
    roles = read_name(name).roles
    assert inspection._role(name) == (next(iter(roles)).value if len(roles) == 1 else "")
