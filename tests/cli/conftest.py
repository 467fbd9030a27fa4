"""The command line in this process, with a host that needs no TensorFlow."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

from tests.planning.models import architecture, dense
from tfrepair.cli.main import app
from tfrepair.core.architecture import Architecture
from tfrepair.tfhost.protocol import ArchRequest

SEED = architecture(dense("dense", 10, 128), dense("dense_1", 128, 1))
SEED_SHAPES = ((10, 128), (128,), (128, 1), (1,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What one run printed, and its exit code."""

    code: int
    out: str
    err: str


Run = Callable[..., Ended]


class FakeHost:
    """Describes one architecture, whatever is asked."""

    described: Architecture = SEED

    def __init__(self, keras: int = 3) -> None:
        self.keras = keras

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def describe(self, _request: ArchRequest) -> Architecture:
        return self.described


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: object) -> Ended:
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            app([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return Ended(code=int(caught.value.code or 0), out=printed.out, err=printed.err)

    return run


@pytest.fixture
def fake_host(monkeypatch: pytest.MonkeyPatch) -> type[FakeHost]:
    monkeypatch.setattr("tfrepair.api.architectures.ChildHost", FakeHost)
    return FakeHost


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with weights that fit, in order, and a model.py that is never run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    save_list("weights.npy", SEED_SHAPES)
    Path("model.py").write_text("raise SystemExit('run')\n", encoding="utf-8")
    return tmp_path


def save_list(name: str, shapes: tuple[tuple[int, ...], ...]) -> None:
    rng = np.random.default_rng(3)
    listed = np.empty(len(shapes), dtype=object)
    for place, shape in enumerate(shapes):
        listed[place] = rng.normal(size=shape).astype("float32")
    np.save(name, listed, allow_pickle=True)


def snapshot(directory: Path) -> dict[str, tuple[Any, ...]]:
    """Return every entry with its content and times, to be held against a later one."""
    return {
        str(path): (
            path.read_bytes() if path.is_file() else None,
            path.lstat().st_mtime_ns,
            os.fspath(path.readlink()) if path.is_symlink() else "",
        )
        for path in sorted(directory.rglob("*"))
    }
