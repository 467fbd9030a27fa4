"""What the tests of migrations share: a model, its prepared skeleton, and sources for it."""

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfrepair.api.skeletons import Skeletons, inputs_of
from tfrepair.architecture.request import arch_request
from tfrepair.core.architecture import VariablePath
from tfrepair.core.receipt import Receipt
from tfrepair.core.state import Provenance, ProvenanceKind, State, StateEntry
from tfrepair.core.tensor import Array

GOLDEN = Path(__file__).parents[1] / "golden" / "skeleton"


@dataclass(frozen=True)
class Fleet:
    """A folder with ``model.py``, ``kept/`` (the skeleton) and ``runs/``."""

    folder: Path

    @property
    def arch(self) -> str:
        return str(self.folder / "model.py")

    @property
    def kept(self) -> Path:
        return self.folder / "kept"

    @property
    def pattern(self) -> str:
        return str(self.folder / "runs" / "*.npz")

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def add(self, name: str, **arrays: Array) -> Path:
        path = self.folder / "runs" / f"{name}.npz"
        path.parent.mkdir(exist_ok=True)
        np.savez(path, **arrays)  # type: ignore[arg-type]
        return path

    def fill(self, number: int) -> None:
        for place in range(number):
            self.add(f"w{place:03d}", **weights(place))


def weights(seed: int) -> dict[str, Array]:
    draw = np.random.default_rng(seed)
    return {
        "kernel": draw.normal(size=(3, 2)).astype(np.float32),
        "bias": draw.normal(size=2).astype(np.float32),
    }


def fleet(folder: Path) -> Fleet:
    """Lay out a folder whose architecture has a skeleton: no test needs TensorFlow."""
    shutil.copyfile(GOLDEN / "model.py", folder / "model.py")
    request = arch_request(str(folder / "model.py"))
    note = json.loads((GOLDEN / "skeleton.json").read_text(encoding="utf-8"))
    note["inputs"] = inputs_of(request, Receipt(variables=(), signatures=()))
    read = Provenance(kind=ProvenanceKind.READ)
    filled = State(
        entries=tuple(
            StateEntry(
                path=VariablePath(variable["path"]),
                shape=tuple(variable["shape"]),
                dtype=variable["dtype"],
                provenance=read,
                fetch=lambda: np.zeros(0),
            )
            for variable in note["architecture"]["variables"]
        )
    )
    place = Skeletons(folder / "kept").place(request, filled, 0)
    shutil.copytree(GOLDEN / "model", place / "model")
    (place / "skeleton.json").write_text(json.dumps(note), encoding="utf-8")
    return Fleet(folder)


def snapshot(folder: Path) -> dict[str, tuple[str, int]]:
    """Return digest and time of every file."""
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime_ns,
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
