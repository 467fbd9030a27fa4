"""The golden files of bare arrays, and what their writers expect of a reader."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfrepair.core.digest import array_digest
from tfrepair.core.tensor import TensorStore

FOLDER = Path(__file__).parents[1] / "golden" / "npy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    path: Path
    expected: dict[str, Any]

    @property
    def id(self) -> str:
        return f"{self.path.parent.name}/{self.path.name}"


def goldens() -> tuple[Golden, ...]:
    found = []
    for record in sorted(FOLDER.glob("*/expected.json")):
        files = json.loads(record.read_text())["files"]
        found += [Golden(path=record.parent / n, expected=files[n]) for n in sorted(files)]
    return tuple(found)


def content(store: TensorStore) -> list[dict[str, Any]]:
    """Return a store's tensors in the form of ``expected.json``; reads every tensor."""
    return [
        {
            "name": tensor.name,
            "shape": list(tensor.shape),
            "dtype": tensor.dtype,
            "sha256": array_digest(tensor.fetch()),
        }
        for tensor in store
    ]
