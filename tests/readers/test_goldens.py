"""What real old and new writers left, read bit for bit."""

import json
from pathlib import Path

import pytest

from tests.readers.goldens import FOLDER, Golden, content, goldens
from tfrepair.readers.registry import open_source

SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.mark.parametrize("golden", goldens(), ids=lambda golden: golden.id)
def test_golden(golden: Golden) -> None:
    store = open_source(golden.path)
    wanted = golden.expected
    assert store.order_is_meaningful is wanted["order_is_meaningful"]
    assert store.names_are_meaningful is wanted["names_are_meaningful"]
    found, tensors = content(store), wanted["tensors"]
    if not store.order_is_meaningful:
        found, tensors = (sorted(t, key=lambda entry: entry["name"]) for t in (found, tensors))
    assert found == tensors


def test_every_generation_is_there() -> None:
    writers = {json.loads(p.read_text())["writer"] for p in FOLDER.glob("*/expected.json")}
    assert {w.partition(",")[0][:11] for w in writers} >= {"CPython 2.7", "CPython 3.8"}
    assert {w.rpartition(" ")[2].partition(".")[0] for w in writers} == {"1", "2"}
    assert all(p.stat().st_size <= 50_000 for p in FOLDER.rglob("*"))


@pytest.mark.parametrize("sample", ["mtcnn-pnet", "mtcnn-rnet", "seed-dense"])
def test_sample(sample: str) -> None:
    wanted = json.loads((SAMPLES / sample / "expected.json").read_text())["source"]
    store = open_source(SAMPLES / sample / wanted["file"])
    found = [{"name": t.name, "shape": list(t.shape), "dtype": t.dtype} for t in store]
    assert found == wanted["tensors"]
