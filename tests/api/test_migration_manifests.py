"""What is to be migrated: patterns and the three spellings of a manifest."""

from pathlib import Path

import pytest

from tfrepair.api.migration.manifest import read_items
from tfrepair.core.errors import UsageError


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def outputs(work: str) -> list[tuple[str, str]]:
    return [(Path(item.source).name, item.output) for item in read_items(work, "m.py", "", {})]


def test_the_files_of_a_save_are_one_source(tmp_path: Path) -> None:
    save = ("model.ckpt-5.index", "model.ckpt-5.data-00000-of-00002",
            "model.ckpt-5.data-00001-of-00002", "model.ckpt-5.meta", "checkpoint")  # fmt: skip
    touch(tmp_path, *(f"runs/{run}/{name}" for run in "ab" for name in save))
    found = outputs(f"{tmp_path}/runs/**/model.ckpt-*")
    assert found == [("model.ckpt-5", "a/model.ckpt-5"), ("model.ckpt-5", "b/model.ckpt-5")]
    assert outputs(f"{tmp_path}/runs/**") == found
    assert outputs(f"{tmp_path}/runs/*") == [("a", "a"), ("b", "b")]


def test_a_suffix_stays_where_names_would_meet(tmp_path: Path) -> None:
    touch(tmp_path, "a.npz", "a.weights.h5", "b.npz")
    assert outputs(f"{tmp_path}/*") == [
        ("a.npz", "a.npz"), ("a.weights.h5", "a.weights.h5"), ("b.npz", "b"),
    ]  # fmt: skip


MANIFESTS = {
    "m.toml": '[[model]]\nsource = "w.npy"\noutput = "x"\noptions = { metrics = ["mae"] }\n'
    '[[model]]\nsource = "v.npy"\narch = "other.py"\n',
    "m.csv": 'source,arch,output,options\nw.npy,,x,"{""metrics"": [""mae""]}"\nv.npy,other.py,,\n',
    "m.jsonl": '{"source": "w.npy", "output": "x", "options": {"metrics": ["mae"]}}\n\n'
    '{"source": "v.npy", "arch": "other.py"}\n',
}


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_says_what_goes_where(tmp_path: Path, name: str) -> None:
    touch(tmp_path, "w.npy", "v.npy", "other.py")
    (tmp_path / name).write_text(MANIFESTS[name], encoding="utf-8")
    first, second = read_items(str(tmp_path / name), "model.py", "", {"strict": True})
    assert (first.source, first.output, first.arch) == (str(tmp_path / "w.npy"), "x", "model.py")
    assert first.options == {"strict": True, "metrics": ("mae",)}
    assert (second.output, second.arch) == ("v", str(tmp_path / "other.py"))
    assert first.key != second.key


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ('{"arch": "m.py"}\n[1]\n{"source": "a", "x": 1}', ["row 1: has no source", "row 2"]),
        ('{"source": "a", "options": {"dry_run": true}}', ["'dry_run' is no option of a row"]),
        ('{"source": "a", "output": "../x"}', ["not below the root"]),
        ('{"source": "a", "output": "/x"}', ["not below the root"]),
        ('{"source": "a", "output": "x"}\n{"source": "b", "output": "x"}', ["both write x"]),
        ('{"source": "a", "output": "x"}\n{"source": "b", "output": "x/y"}', ["inside of x"]),
        ('{"source": "a", "output": "report.json"}', ["a name of ours"]),
        ("{", ["not a manifest"]),
        ("", ["it has no rows"]),
    ],
    ids=["rows", "option", "above", "absolute", "equal", "inside", "ours", "broken", "empty"],
)  # fmt: skip
def test_all_problems_of_a_manifest_are_told(tmp_path: Path, rows: str, words: list[str]) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text(rows, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_items(str(path), "", "", {})
    for word in words:
        assert word in caught.value.message


def test_a_pattern_that_fits_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing fits"):
        read_items(f"{tmp_path}/*.npz", "", "", {})
