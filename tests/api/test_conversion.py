"""The use cases without TensorFlow: reports, refusals, and inputs that stay as they are."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfrepair
from tests.cli.conftest import FakeHost, save_list, snapshot
from tfrepair.api.conversion import run_conversion
from tfrepair.api.options import Options
from tfrepair.core.errors import (
    Ambiguous,
    ArchitectureError,
    Incomplete,
    Refused,
    UsageError,
    VerifyError,
    WriteError,
)

SHAPES = ((10, 128), (128,), (128, 1), (1,))
REPORT_KEYS = {
    "schema", "outcome", "exit_code", "source", "output", "matches", "optimizer", "missing",
    "leftover", "ties", "findings", "verify", "seconds",
}  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tfrepair.api.architectures.ChildHost", FakeHost)
    save_list("weights.npy", SHAPES)
    Path("model.py").write_text("", encoding="utf-8")
    return tmp_path


def dry(**options: Any) -> tfrepair.Report:
    return tfrepair.convert("weights.npy", arch="model.py", out="out", dry_run=True, **options)


def test_the_report_has_every_key_and_is_json() -> None:
    report = dry().to_json()
    assert report.keys() >= REPORT_KEYS
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    for match in report["matches"]:
        assert match.keys() >= {
            "target", "sources", "transform", "confidence", "provenance", "health",
        }  # fmt: skip


def test_paths_may_be_text_or_paths(tmp_path: Path) -> None:
    one = dry().plan
    two = tfrepair.plan(tmp_path / "weights.npy", arch=tmp_path / "model.py")
    assert (one.source.digest, one.arch.digest) == (two.source.digest, two.arch.digest)
    # The plan names the architecture as it was given, so that it is found again.
    assert (one.arch.path, two.arch.path) == ("model.py", str(tmp_path / "model.py"))
    assert one == two.with_references(one.source, one.arch)


def test_a_refusal_is_raised_and_its_report_is_there() -> None:
    save_list("weights.npy", SHAPES[:3])
    with pytest.raises(Incomplete, match="of 4 weights have no source"):
        dry()
    report = run_conversion("weights.npy", "model.py", "out", Options())
    assert (report.exit_code, report.verdict, report.receipt) == (4, None, None)
    assert tfrepair.plan("weights.npy", arch="model.py").missing


def test_strict_refuses_what_rests_on_position() -> None:
    with pytest.raises(Ambiguous, match="4 of 4 weights rest on their position"):
        dry(strict=True)


def test_what_may_be_missing_is_a_loss() -> None:
    fitting = {"dense/kernel": (10, 128), "dense/bias": (128,), "dense_1/kernel": (128, 1)}
    np.savez("weights.npz", **{k: np.ones(v, "float32") for k, v in fitting.items()})  # type: ignore[arg-type]
    report = tfrepair.convert(
        "weights.npz", arch="model.py", out="out", dry_run=True, allow_missing=True
    )
    assert (report.exit_code, [gap.target for gap in report.plan.missing]) == (3, ["dense_1/bias"])


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"keras": 4}, UsageError),
        ({"order": "alphabetical"}, UsageError),
        ({"reader": "floppy"}, UsageError),
        ({"input_shapes": ("x",)}, UsageError),
    ],
)
def test_wrong_options_are_usage_errors(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        dry(**options)


class _Model:
    """Whatever has attributes may be a model of some framework."""


@pytest.mark.parametrize(
    ("arch", "options", "words"),
    [
        (lambda: None, {}, "call it"),
        (_Model, {}, "call it"),
        (3, {}, "found int"),
        ([], {}, "found list"),
        (_Model(), {"input_shapes": ("3",)}, "sample_input"),
    ],
)
def test_what_cannot_be_a_model(arch: object, options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        tfrepair.plan("weights.npy", arch=arch, **options)
    assert words in str(caught.value)


def test_unknown_keywords_are_type_errors() -> None:
    with pytest.raises(TypeError, match="overwrit"):
        dry(overwrit=True)


def test_an_architecture_that_is_not_there() -> None:
    with pytest.raises(ArchitectureError, match=r"nope\.py"):
        tfrepair.plan("weights.npy", arch="nope.py")


def test_a_source_that_would_run_code() -> None:
    Path("evil.pkl").write_bytes(b"cos\nsystem\n(S'touch sprung'\ntR.")
    with pytest.raises(Refused, match="system"):
        tfrepair.open("evil.pkl")
    assert not Path("sprung").exists()


@pytest.mark.parametrize("out", ["weights", "weights/out", ".", "link/out", "weights/x/../out"])
def test_an_output_never_touches_an_input(folder: Path, out: str) -> None:
    Path("weights").mkdir()
    for place, shape in enumerate(SHAPES):
        np.save(f"weights/{place}.npy", np.ones(shape, "float32"))
    Path("link").symlink_to("weights")
    before = snapshot(folder)
    with pytest.raises(WriteError, match=r"lies inside|holds"):
        tfrepair.convert("weights", arch="model.py", out=out, overwrite=True)
    assert snapshot(folder) == before


def test_a_read_only_input_is_enough_and_stays(folder: Path) -> None:
    source = folder / "read-only"
    source.mkdir()
    Path("weights.npy").rename(source / "weights.npy")
    (source / "weights.npy").chmod(0o400)
    source.chmod(0o500)
    before = snapshot(folder)
    tfrepair.inspect(source / "weights.npy")
    tfrepair.plan(source / "weights.npy", arch="model.py")
    assert snapshot(folder) == before
    source.chmod(0o700)


def test_equal_inputs_give_equal_plans(folder: Path) -> None:
    tfrepair.save_plan(dry().plan, "a.toml")
    first = Path("a.toml").read_bytes()
    (folder / "elsewhere").mkdir()
    Path("weights.npy").rename("elsewhere/weights.npy")
    plan = tfrepair.plan("elsewhere/weights.npy", arch="model.py")
    tfrepair.save_plan(plan, "b.toml")
    assert Path("b.toml").read_bytes() == first
    with pytest.raises(WriteError, match=r"b\.toml exists"):
        tfrepair.save_plan(plan, "b.toml")


@pytest.mark.parametrize(
    "record",
    [
        b"", b"{", b"[]", b"{}", b'{"variables": 3, "plan": {}}', b'{"variables": [3], "plan": 4}',
        b'{"variables": [], "plan": {"source": 1}}', b"[" * 100_000, b"\xff",
    ],
)  # fmt: skip
def test_a_damaged_record_is_a_verify_error(record: bytes) -> None:
    Path("out/assets.extra").mkdir(parents=True)
    Path("out/assets.extra/tfrepair.json").write_bytes(record)
    with pytest.raises(VerifyError, match=r"tfrepair\.json: not a record"):
        tfrepair.verify("out")


def test_a_directory_without_record_is_a_verify_error() -> None:
    with pytest.raises(
        VerifyError, match=r"tfrepair\.json: cannot be read: No such file"
    ) as caught:
        tfrepair.verify("out")
    assert "written by tfrepair" in caught.value.remedy
