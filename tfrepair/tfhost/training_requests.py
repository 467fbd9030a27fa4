"""Requests about training on data: which batches, which SavedModel, and the losses that come back.

Beside :mod:`tfrepair.tfhost.protocol`, which asks for estimates from such data.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRequest:
    """Batches to train on.

    Attributes
    ----------
    location
        An ``.npz`` of examples or of batches, or ``module:function``, ``file.py:function``, whose
        result yields batches.
    batches
        How many, at most; examples of an ``.npz`` are drawn again where there are fewer.
    batch_size
        Examples in a batch, where an ``.npz`` holds examples.
    """

    location: str
    batches: int
    batch_size: int = 32

    def to_json(self) -> dict[str, Any]:
        """Return the request as plain JSON data."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "DataRequest":
        """Build a request from :meth:`to_json` data."""
        return cls(**data)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRequest:
    """Load a SavedModel without any model code and train it through a signature.

    Attributes
    ----------
    saved_model, signature
        Directory and signature name.
    data
        What to train on.
    assignments
        Names of ``vars`` and what to set them to before the first step: a number, or the name of
        another of ``vars`` whose value is copied.
    """

    saved_model: str
    data: DataRequest
    signature: str = "train_step"
    assignments: tuple[tuple[str, float | str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the request as plain JSON data."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "TrainRequest":
        """Build a request from :meth:`to_json` data."""
        given = tuple((name, value) for name, value in data["assignments"])
        return cls(**{**data, "data": DataRequest.from_json(data["data"]), "assignments": given})


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """The loss of every step of a training, and what should be known about its data."""

    losses: tuple[float, ...]
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the answer as plain JSON data."""
        return {"losses": [repr(loss) for loss in self.losses], "note": self.note}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Losses":
        """Build an answer from :meth:`to_json` data."""
        return cls(losses=tuple(float(loss) for loss in data["losses"]), note=data["note"])
