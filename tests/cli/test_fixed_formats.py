"""The three commands of the mission read their own kind of source, and name the one for others."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tfrepair.readers.registry import open_source

GOLDEN = Path(__file__).parents[1] / "golden"
SOURCES = {
    "npy-to-savedmodel": GOLDEN / "safetensors" / "small.safetensors",
    "ckpt-to-savedmodel": GOLDEN / "tf_checkpoint" / "tf1_15" / "training.v2",
    "h5-to-savedmodel": next(iter(sorted((GOLDEN / "keras").rglob("*.h5")))),
}

pytestmark = pytest.mark.usefixtures("folder", "fake_host")


@pytest.mark.parametrize("command", SOURCES)
@pytest.mark.parametrize("kind", SOURCES)
def test_a_command_reads_its_own_kind_of_source(command: str, kind: str, run: Run) -> None:
    source = SOURCES[kind]
    ended = run(command, source, "out", "--arch", "model.py")
    if command == kind:
        assert "weights have no source" in ended.err  # read; made for another architecture
        assert ended.code == 4
    else:
        assert ended.code == 5
        assert f"format {open_source(source).format}" in ended.err
        assert "`tfrepair convert` reads all" in ended.err
