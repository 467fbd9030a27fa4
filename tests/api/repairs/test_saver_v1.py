"""Repairs of the first format, on files of real TensorFlow versions."""

import shutil
from pathlib import Path

import pytest

from tests.wire.goldens import CHECKPOINTS
from tfrepair.api.repairing import repair
from tfrepair.api.repairs.job import Action
from tfrepair.core.digest import array_digest
from tfrepair.core.errors import SourceError
from tfrepair.readers.registry import open_source
from tfrepair.wire.sstable import FOOTER_BYTES

WHOLE = CHECKPOINTS / "tf1_4" / "training.v1"
SHARDS = sorted((CHECKPOINTS / "tf1_15").glob("sharded.v1-*"))


def digests(path: Path) -> dict[str, str]:
    return {str(t.name): array_digest(t.fetch()) for t in open_source(path) if t.dtype != "string"}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


def test_a_lost_footer_and_a_flipped_bit_come_out_as_they_were(run: Path) -> None:
    content = WHOLE.read_bytes()
    for place, damaged in (
        (0, content[:-FOOTER_BYTES]),
        (1, content[:500] + bytes([content[500] ^ 8]) + content[501:]),
    ):
        source = run / f"model-{place}"
        source.write_bytes(damaged)
        result = repair(source, run.parent / f"fixed-{place}")
        assert (run.parent / f"fixed-{place}" / source.name).read_bytes() == content
        assert result.exit_code == 0
        assert result.actions
        assert source.read_bytes() == damaged


def test_shards_are_written_each_as_it_was(run: Path) -> None:
    for path in SHARDS:
        shutil.copyfile(path, run / path.name)
    whole = digests(run / "sharded.v1")
    cut = run / SHARDS[1].name
    cut.write_bytes(cut.read_bytes()[:-FOOTER_BYTES])
    repair(run / SHARDS[0].name, run.parent / "fixed")
    for path in SHARDS:
        assert (run.parent / "fixed" / path.name).read_bytes() == path.read_bytes()
    assert digests(run.parent / "fixed") == whole


def test_of_a_file_that_is_cut_off_all_that_is_whole(run: Path) -> None:
    """The block of the values is damaged: its list of tensors is not, as it comes first."""
    from tests.api.first_format import write_saver_v1

    tensors = write_saver_v1(run / "model-7", seed=7)
    older = write_saver_v1(run / "model-5", seed=5)
    content = (run / "model-7").read_bytes()
    (run / "model-7").write_bytes(content[: len(content) * 6 // 10])
    result = repair(run / "model-7", run.parent / "fixed")
    assert 0 < result.counts[Action.KEPT] < len(tensors)
    assert result.counts[Action.LOST] == len(tensors) - result.counts[Action.KEPT]
    kept = digests(run.parent / "fixed")
    assert kept == {name: array_digest(tensors[name]) for name in kept}
    full = repair(run / "model-7", run.parent / "full", donors=[run / "model-5"])
    assert full.counts == {Action.KEPT: len(kept), Action.DONOR: len(tensors) - len(kept)}
    both = {name: tensors[name] if name in kept else older[name] for name in tensors}
    assert digests(run.parent / "full") == {n: array_digest(a) for n, a in both.items()}


def test_a_donor_of_another_format_is_refused(run: Path) -> None:
    content = WHOLE.read_bytes()
    (run / "model").write_bytes(content[: len(content) // 2])
    (run / "weights.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(SourceError):
        repair(run / "model", run.parent / "fixed", donors=[run / "weights.npy"])
