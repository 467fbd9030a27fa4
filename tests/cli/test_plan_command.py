"""``tfrepair plan`` and back: the file is whole, never replaces another, and says what is open."""

import json
import os
import stat
import tomllib
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import FakeHost, Run, save_list, snapshot
from tests.planning.models import architecture, dense

PLAN = ("plan", "weights.npy", "--arch", "model.py")
DRY = ("convert", "weights.npy", "out", "--arch", "model.py", "--dry-run")

pytestmark = pytest.mark.usefixtures("folder", "fake_host")


def test_the_plan_goes_to_a_file_and_the_report_to_stdout(run: Run) -> None:
    ended = run(*PLAN, "-o", "plan.toml")
    assert ended.code == 0
    assert "plan written to plan.toml" in ended.out
    assert tomllib.loads(Path("plan.toml").read_text())["map"]["dense/kernel"] == "0"
    assert sorted(os.listdir()) == ["model.py", "plan.toml", "weights.npy"]  # noqa: PTH208


def test_the_plan_goes_to_stdout_without_a_file(run: Run) -> None:
    ended = run(*PLAN)
    assert tomllib.loads(ended.out)["map"]["dense/kernel"] == "0"
    assert run(*PLAN, "--quiet").out == ended.out


def test_the_same_input_gives_the_same_bytes(run: Run) -> None:
    run(*PLAN, "-o", "one.toml")
    run(*PLAN, "-o", "two.toml")
    assert Path("one.toml").read_bytes() == Path("two.toml").read_bytes()


def test_the_file_has_the_usual_permissions(run: Run) -> None:
    mask = os.umask(0o027)
    try:
        run(*PLAN, "-o", "plan.toml")
    finally:
        os.umask(mask)
    assert stat.S_IMODE(Path("plan.toml").stat().st_mode) == 0o640


def test_a_plan_is_replaced_on_request_only(run: Run, folder: Path) -> None:
    run(*PLAN, "-o", "plan.toml")
    with Path("plan.toml").open("a") as file:
        file.write("# my notes\n")
    before = snapshot(folder)
    ended = run(*PLAN, "-o", "plan.toml")
    assert (ended.code, ended.out) == (4, "")
    assert "plan.toml exists" in ended.err
    assert snapshot(folder) == before
    assert run(*PLAN, "-o", "plan.toml", "--overwrite").code == 0
    assert "my notes" not in Path("plan.toml").read_text()


@pytest.mark.parametrize("name", ["model.py", "weights.npy", "sub"])
def test_what_is_no_plan_is_never_replaced(run: Run, folder: Path, name: str) -> None:
    Path("sub").mkdir()
    before = snapshot(folder)
    ended = run(*PLAN, "-o", name, "--overwrite")
    assert ended.code == 4
    assert "is not a plan" in ended.err
    assert snapshot(folder) == before


def test_a_plan_that_an_edit_broke_is_replaced(run: Run) -> None:
    Path("plan.toml").write_text('[plan]\nversion = 1\n[map]\n"a" = \n')
    assert run(*PLAN, "-o", "plan.toml", "--overwrite").code == 0


def test_a_folder_that_cannot_be_made_is_an_error(run: Run) -> None:
    ended = run(*PLAN, "-o", "weights.npy/plan.toml")
    assert ended.code == 4
    assert "weights.npy/plan.toml: cannot be written" in ended.err


def test_gaps_are_written_listed_and_refused(run: Run) -> None:
    save_list("weights.npy", ((10, 128), (128,), (128, 1)))
    ended = run(*PLAN, "-o", "plan.toml")
    assert ended.code == 4
    assert "missing dense_1/bias" in ended.out
    assert "plan written to plan.toml" in ended.out
    assert "weights have no source" in ended.err
    assert "dense_1/bias" in tomllib.loads(Path("plan.toml").read_text())["missing"]
    found = json.loads(run(*PLAN, "--json").out)
    assert (found["schema"], found["exit_code"]) == ("tfrepair.plan/1", 4)


def test_ties_are_written_with_their_candidates_and_settled_by_an_edit(
    run: Run, fake_host: type[FakeHost], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake_host, "described", architecture(dense("a", 4, 4)))
    values = {"left": (4, 4), "right": (4, 4), "bias": (4,)}
    np.savez("weights.npz", **{k: np.full(v, 0.5, "float32") for k, v in values.items()})  # type: ignore[arg-type]
    ended = run("plan", "weights.npz", "--arch", "model.py", "-o", "plan.toml")
    assert ended.code == 4
    text = Path("plan.toml").read_text()
    for name in ("left", "right"):
        assert name in ended.out
        assert name in text
    head = text[: text.index("[map]")]
    Path("plan.toml").write_text(f'{head}[map]\n"a/kernel" = "right"\n"a/bias" = "bias"\n')
    done = run(
        "convert", "weights.npz", "out", "--arch", "model.py", "--dry-run", "--plan", "plan.toml",
        "--json",
    )  # fmt: skip
    report = json.loads(done.out)
    assert (done.code, report["ties"], report["missing"]) == (0, [], [])
    kernel = next(match for match in report["matches"] if match["target"] == "a/kernel")
    assert (kernel["sources"], kernel["confidence"]) == (["right"], "MANUAL")
    assert [left["source"] for left in report["leftover"]] == ["left"]


def test_an_unchanged_plan_changes_nothing(run: Run) -> None:
    run(*PLAN, "-o", "plan.toml")
    plain, planned = (
        json.loads(run(*DRY, "--json", *extra).out) for extra in ([], ["--plan", "plan.toml"])
    )
    for report in (plain, planned):
        del report["seconds"]
    assert plain == planned


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"dense/kernel" =', '"dense/kernle" =', 'did you mean "dense/kernel"?'),
        ('= "0"', '= "zero"', '"dense/kernel": no tensor is called "zero"'),
        ('= "0"', '= "2"', "expected shape (10, 128), found (128, 1)"),
        ('= "0"', '= { from = "0", transform = "rot13" }', "no such transform"),
        ('= "0"', '= { from = "0", way = "x" }', "unknown keys ['way']"),
        ('= "0"', "= 0", "expected"),
        ("version = 1", "version = 2", "[plan] version must be 1"),
        ("[map]", "[maps]", "[maps] is not known"),
        ("[map]", "map = 3\n[map]", "[plan] map is not known"),
        ("[plan]", "map = 3\n[plan]", "not TOML"),
        ("[map]", "[map", "not TOML"),
        ("[map]", f"n = {'9' * 5000}\n[map]", "not TOML"),
        ("[map]", f"n = {'[' * 5000}\n[map]", "not TOML"),
        ('digest = "', 'digest = "0', "the plan was made for another source"),
    ],
)
def test_a_plan_that_does_not_fit_is_refused(run: Run, old: str, new: str, words: str) -> None:
    run(*PLAN, "-o", "plan.toml")
    text = Path("plan.toml").read_text()
    assert old in text
    Path("plan.toml").write_text(text.replace(old, new, 1))
    ended = run(*DRY, "--plan", "plan.toml")
    assert ended.code == 4
    assert words in ended.err
    assert "try: " in ended.err


@pytest.mark.parametrize(("make", "words"), [
    (lambda path: None, "No such file"),
    (lambda path: path.mkdir(), "Is a directory"),
    (lambda path: path.write_bytes(b"\xff\xfe"), "it is not UTF-8"),
])  # fmt: skip
def test_a_plan_that_cannot_be_read(run: Run, make: object, words: str) -> None:
    assert callable(make)
    make(Path("plan.toml"))
    ended = run(*DRY, "--plan", "plan.toml")
    assert ended.code == 4
    assert f"plan.toml: cannot be read as a plan: {words}" in ended.err


def test_a_source_used_twice_by_hand_is_pointed_out(
    run: Run, fake_host: type[FakeHost], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake_host, "described", architecture(dense("a", 4, 4), dense("b", 4, 4)))
    save_list("weights.npy", ((4, 4), (4,), (4, 4), (4,)))
    run(*PLAN, "-o", "plan.toml")
    text = Path("plan.toml").read_text()
    Path("plan.toml").write_text(text.replace('"b/kernel" = "2"', '"b/kernel" = "0"'))
    ended = run(*DRY, "--plan", "plan.toml")
    assert ended.code == 0
    assert "the plan fills 2 weights with it: a/kernel, b/kernel" in ended.out


def test_values_that_a_cast_would_destroy_are_refused(run: Run) -> None:
    values = [np.full(shape, 1e300) for shape in ((10, 128), (128,), (128, 1), (1,))]
    listed = np.empty(4, dtype=object)
    listed[:] = values
    np.save("weights.npy", listed, allow_pickle=True)
    plan = run(*PLAN)
    head = plan.out[: plan.out.index("[map]")]
    Path("plan.toml").write_text(f'{head}[map]\n"dense/kernel" = "0"\n')
    ended = run(*DRY, "--plan", "plan.toml", "--allow-missing")
    assert ended.code == 4
    assert "1e+300" in ended.err
