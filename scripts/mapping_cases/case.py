"""One mapping case: the tensors of an old file, the variables of an architecture and the truth.

The builders of this folder fill a `Case` from the naming facts of a public system; `render` writes
it as JSON with one row a line: ``source`` as a reader yields them, ``target`` in the order of
``model.weights``, ``truth`` with one row for each edge. Nothing here knows how the engine works.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
Shape = Sequence[int]

ADAM = ("Adam", "Adam_1")
MOMENTUM = ("Momentum",)
ADAGRAD = ("Adagrad",)
RMSPROP = ("RMSProp", "RMSProp_1")
FTRL = ("Ftrl", "Ftrl_1")


@dataclass(kw_only=True)
class Case:
    """A case under construction; rows are added in the order of the file and of the model.

    Attributes
    ----------
    order
        What the order of the sources says: ``file``, ``sorted`` or ``none``. Rows of a
        ``sorted`` case are sorted by name when the case is rendered.
    """

    name: str
    provenance: str
    truth_basis: str
    source_format: str = "tf1_ckpt"
    order: str = "sorted"
    tags: tuple[str, ...] = ()
    sources: dict[str, Row] = field(default_factory=dict)
    targets: dict[str, Row] = field(default_factory=dict)
    truth: list[Row] = field(default_factory=list)
    unresolvable: list[Row] = field(default_factory=list)
    dont_care: dict[str, list[str]] = field(default_factory=dict)
    alternatives: list[Row] = field(default_factory=list)

    def source(self, name: str, shape: Shape = (), dtype: str = "float32") -> str:
        """Add a tensor of the file; return its name."""
        if name in self.sources:
            msg = f"{self.name}: the source {name} comes twice"
            raise ValueError(msg)
        self.sources[name] = {"name": name, "shape": [*shape], "dtype": dtype}
        return name

    def target(
        self,
        path: str,
        shape: Shape,
        layer_class: str | None = None,
        *,
        trainable: bool | None = True,
        dtype: str = "float32",
    ) -> str:
        """Add a variable of the model; return its path, with ``#2`` when it is taken."""
        unique, use = path, 1
        while unique in self.targets:
            use += 1
            unique = f"{path}#{use}"
        row: Row = {"path": unique, "shape": [*shape], "dtype": dtype}
        if layer_class:
            row["layer_class"] = layer_class
        if trainable is not None:
            row["trainable"] = trainable
        self.targets[unique] = row
        return unique

    def edge(self, source: str, target: str, transform: str = "identity") -> None:
        """Say that a source contributes to a target."""
        self.truth.append({"source": source, "target": target, "transform": transform})

    def pair(
        self,
        name: str,
        path: str,
        shape: Shape,
        layer_class: str | None = None,
        *,
        want: Shape | None = None,
        transform: str = "identity",
        trainable: bool | None = True,
    ) -> str:
        """Add a source, the target that it fills alone and the edge; return the target."""
        target = self.target(
            path, shape if want is None else want, layer_class, trainable=trainable
        )
        self.edge(self.source(name, shape), target, transform)
        return target

    def slots(self, suffixes: Sequence[str], names: Iterable[str], *, prefix: str = "") -> None:
        """Add optimizer slots (same shape, ``prefix`` + name + ``/`` + suffix) of some sources."""
        for name in list(names):
            for suffix in suffixes:
                self.source(f"{prefix}{name}/{suffix}", self.sources[name]["shape"])

    def tie(self, targets: Sequence[str], sources: Sequence[str], why: str) -> None:
        """Say that the file does not determine which of these sources fills which target."""
        self.unresolvable.append({"targets": [*targets], "sources": [*sources], "why": why})
        self.truth = [row for row in self.truth if row["target"] not in set(targets)]

    def as_dict(self) -> Row:
        """Return the case in the format of ``score.py``."""
        rows = list(self.sources.values())
        if self.order == "sorted":
            rows.sort(key=lambda row: row["name"].encode())
        case: Row = {
            "name": self.name,
            "provenance": self.provenance,
            "truth_basis": self.truth_basis,
            "source_format": self.source_format,
            "source_order": self.order,
            "tags": [*self.tags],
            "source": rows,
            "target": list(self.targets.values()),
            "truth": self.truth,
        }
        for key in ("unresolvable", "dont_care", "alternatives"):
            if getattr(self, key):
                case[key] = getattr(self, key)
        return case


def render(case: Row) -> str:
    """Return a case as JSON text, one source, target or edge a line."""
    parts = []
    for key, value in case.items():
        if key in {"source", "target", "truth"}:
            lines = ",\n".join("  " + json.dumps(row, separators=(",", ":")) for row in value)
            parts.append(f'"{key}": [\n{lines}\n]')
        else:
            parts.append(f'"{key}": {json.dumps(value)}')
    return "{\n" + ",\n".join(parts) + "\n}\n"
