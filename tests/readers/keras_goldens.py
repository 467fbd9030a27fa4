"""The golden files of Keras, and what the live models held that wrote them."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfrepair.core.tensor import Purpose, Tensor, TensorStore

FOLDER = Path(__file__).parents[1] / "golden" / "keras"

GROUPED, INTERLEAVED = "grouped", "interleaved"
LAYOUTS: dict[tuple[str, str], tuple[int, tuple[tuple[str, ...], ...]]] = {
    ("keras1", "cnn"): (1, (("m",), ("v",))),
    ("keras1", "nested"): (1, (("momentum",),)),
    ("keras1", "rnn"): (0, (("rms",),)),
    ("keras1", "both"): (0, (("accumulator",),)),
    ("keras2_2", "cnn"): (1, (("m",), ("v",))),
    ("keras2_2", "nested"): (1, (("momentum",),)),
    ("keras2_2", "rnn"): (0, (("rms",),)),
    ("keras2_2", "both"): (1, (("m",), ("v",), ("vhat",))),
    ("keras2_0", "cnn"): (1, (("m",), ("v",))),
    ("keras2_0", "nested"): (1, (("momentum",),)),
    ("keras2_0", "rnn"): (0, (("rms",),)),
    ("keras2_0", "both"): (0, (("accumulator",),)),
    ("keras2_3", "cnn"): (1, (("m",), ("v",))),
    ("keras2_3", "nested"): (1, (("momentum",),)),
    ("keras2_3", "rnn"): (1, (("rms",),)),
    ("keras2_3", "both"): (1, (("m",), ("v",), ("vhat",))),
    ("tf2_3", "cnn"): (1, (("m",), ("v",))),
    ("tf2_3", "nested"): (1, (("momentum",),)),
    ("tf2_3", "rnn"): (1, (("rms",),)),
    ("tf2_3", "both"): (1, (("m",), ("v",), ("vhat",))),
    ("tf_keras", "cnn"): (1, (("m", "v"),)),
    ("tf_keras", "nested"): (1, (("m",),)),
    ("tf_keras", "rnn"): (1, (("velocity",),)),
    ("tf_keras", "both"): (1, (("m", "v"), ("vhat",))),
    ("keras3", "cnn"): (2, (("momentum", "velocity"),)),
    ("keras3", "nested"): (2, (("momentum",),)),
    ("keras3", "rnn"): (2, (("velocity",),)),
    ("keras3", "both"): (2, (("momentum", "velocity"), ("velocity_hat",))),
}
"""Scalars before the slots, and blocks of slots, by writer and model: written down by hand."""

_ALIKE = {"tf1_15": "tf2_3", "tf2_4": "tf2_3", "tf2_10": "tf2_3", "tf2_15": "tf_keras"}


@dataclass(frozen=True, slots=True, kw_only=True)
class KerasGolden:
    path: Path
    case: str
    model: dict[str, Any]

    @property
    def id(self) -> str:
        return f"{self.path.parent.name}/{self.path.name}"

    @property
    def writer(self) -> str:
        """Name in ``LAYOUTS``: versions that stored alike have one."""
        name = self.path.parent.name.removesuffix("_theano")
        return _ALIKE.get(name, name)

    @property
    def has_optimizer(self) -> bool:
        return not self.path.stem.endswith("_only")

    @property
    def has_config(self) -> bool:
        return not self.path.stem.endswith(("_only", ".weights"))

    def slots(self) -> set[tuple[str, str, str]]:
        """Digest of the weight, slot, digest of the slot: for every slot of the live optimizer."""
        digests = {weight["name"]: weight["sha256"] for weight in self.model["weights"]}
        owners = [digests[name] for name in self.model["trainable"]]
        count, blocks = LAYOUTS[self.writer, self.case]
        values = iter(self.model["optimizer_variables"][count:])
        return {
            (owner, slot, next(values)["sha256"])
            for block in blocks
            for owner in owners
            for slot in block
        }


def keras_goldens() -> tuple[KerasGolden, ...]:
    found = []
    for record in sorted(FOLDER.glob("*/expected.json")):
        held = json.loads(record.read_text())
        found += [
            KerasGolden(path=record.parent / name, case=case, model=held["models"][case])
            for name, case in sorted(held["files"].items())
        ]
    return tuple(found)


def sha256(tensor: Tensor) -> str:
    """Digest as the writers made it: of the bare bytes."""
    return hashlib.sha256(np.ascontiguousarray(tensor.fetch()).tobytes()).hexdigest()


def slots_of(store: TensorStore) -> set[tuple[str, str, str]]:
    return {
        (sha256(store[tensor.slot_of]), tensor.slot, sha256(tensor))
        for tensor in store
        if tensor.purpose is Purpose.SLOT and tensor.slot and tensor.slot_of
    }
