"""The checkpoints of real TensorFlow versions, and what TensorFlow says they hold."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from tfrepair.core.tensor import Array

GOLDEN = Path(__file__).parents[1] / "golden"
CHECKPOINTS = GOLDEN / "tf_checkpoint"
INDEXES = sorted(GOLDEN.rglob("*.index"))
V1_FILES = sorted(path for path in CHECKPOINTS.rglob("*.v1*"))
CASES = sorted(CHECKPOINTS.rglob("*.json"))


def case_id(path: Path) -> str:
    return f"{path.parent.name}-{path.name}"


def expected(case: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(case.read_text())["tensors"]
    return found


def spelled(item: bytes) -> str:
    return item.hex() if len(item) <= 64 else "sha256:" + hashlib.sha256(item).hexdigest()


def is_as_expected(array: Array, want: dict[str, Any]) -> bool:
    """Compare an array with what a golden's JSON says; quantized types are plain integers."""
    if list(array.shape) != want["shape"]:
        return False
    if "strings" in want:
        items = [bytes(item) for item in array.reshape(-1)]
        return want["strings"] in ([spelled(i) for i in items], [i.hex() for i in items])
    if "sha256" not in want:
        return bool(array.dtype == object)
    dtype = {"half": "float16"}.get(want["dtype"], want["dtype"].removeprefix("q"))
    bits = np.ascontiguousarray(array).tobytes()
    digest = hashlib.sha256(bits).hexdigest()
    return (array.dtype.name, digest) == (dtype, want["sha256"])
