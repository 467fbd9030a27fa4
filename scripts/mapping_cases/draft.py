"""A case that checks itself and that can be changed: what large families of models need.

`Draft` adds to `Case` the pairs with transforms, whole normalizations, slots of everything, and the
perturbations (renamed scopes, lost tensors, other heads, shuffled files). A draft with an edge that
does not fit is never written: `as_dict` refuses it by the rules of ``score.py --check``.
"""

from __future__ import annotations

import copy
import random
import re
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from scripts.mapping_cases.case import Case, Row, render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

LIMIT = 300_000
"""Bytes of a case file; a larger one belongs to no test."""
WHOLE = ("identity", "reshape", "any", "cast")
NOT_TRAINED = re.compile(
    r"(moving_|running_|global_step|beta\d_power|counter|local_step|[Mm]ean$|/[Vv]ariance$)"
)
BATCH_NORM = "gamma beta moving_mean moving_variance"


@dataclass(kw_only=True)
class Draft(Case):
    """A case under construction; `fill` is what most builders call."""

    def fill(
        self,
        name: str,
        path: str,
        shape: Sequence[int],
        layer: str | None = None,
        *,
        want: Sequence[int] | None = None,
        transform: str | None = None,
        trainable: bool | None = True,
    ) -> str:
        """Add a source, the variable (of shape `want`) that it fills and their edge.

        Without a transform it is ``identity``, or ``reshape`` where the shapes differ.
        """
        into = shape if want is None else want
        if transform is None:
            transform = "identity" if [*shape] == [*into] else "reshape"
        return self.pair(
            name, path, shape, layer, want=into, transform=transform, trainable=trainable
        )

    def norm(
        self,
        name: str,
        path: str,
        size: int,
        leaves: str = BATCH_NORM,
        wants: str = BATCH_NORM,
        layer: str = "BatchNormalization",
    ) -> None:
        """Pair a normalization leaf by leaf; ``-`` says that this side has no such leaf."""
        for leaf, want in zip(leaves.split(), wants.split(), strict=True):
            trainable = not want.startswith(("moving", "running"))
            if leaf == "-":
                self.target(f"{path}/{want}", [size], layer, trainable=trainable)
            elif want == "-":
                self.source(f"{name}/{leaf}", [size])
            else:
                self.fill(f"{name}/{leaf}", f"{path}/{want}", [size], layer, trainable=trainable)

    def dense(
        self,
        name: str,
        path: str,
        shape: Sequence[int],
        leaves: str = "kernel bias",
        wants: str = "kernel bias",
        layer: str = "Dense",
        *,
        want: Sequence[int] | None = None,
    ) -> None:
        """Pair a kernel and its bias (of the kernel's last size); one leaf means no bias."""
        into = shape if want is None else want
        leaf, *leaf_bias = leaves.split()
        wanted, *wanted_bias = wants.split()
        self.fill(f"{name}/{leaf}", f"{path}/{wanted}", shape, layer, want=into)
        for have, bias in zip(leaf_bias, wanted_bias, strict=True):
            self.fill(f"{name}/{have}", f"{path}/{bias}", [shape[-1]], layer, want=[into[-1]])

    def slots_of_all(
        self,
        suffixes: Sequence[str],
        *,
        prefix: str = "",
        keep: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """Add slots or shadows (`prefix` + name + suffix) of every trained floating source."""
        for name, row in list(self.sources.items()):
            if row["dtype"] == "float32" and not NOT_TRAINED.search(name) and keep(name):
                for suffix in suffixes:
                    self.source(prefix + name + suffix, row["shape"])

    def adam_of_all(self, *, powers: bool = True, step: bool = True) -> None:
        """Add what a TensorFlow 1 Adam leaves in a file: two slots each, powers and the step."""
        self.slots_of_all(("/Adam", "/Adam_1"))
        if powers:
            self.source("beta1_power")
            self.source("beta2_power")
        if step:
            self.source("global_step", (), "int64")

    def changed(self, name: str, how: str, *tags: str) -> Draft:
        """Return a copy under another name; its provenance says how it was changed."""
        other = copy.deepcopy(self)
        other.name = name
        other.provenance = f"{self.provenance}; changed for this case: {how}"
        other.tags = (*self.tags, "perturbed", *tags)
        return other

    def _edges(self) -> list[Row]:
        return [*self.truth, *(e for other in self.alternatives for e in other["truth"])]

    def rename_sources(self, rename: Callable[[str], str]) -> None:
        """Give every source another name, in the truth as well."""
        rows = [{**row, "name": rename(row["name"])} for row in self.sources.values()]
        self.sources = {row["name"]: row for row in rows}
        for edge in self._edges():
            edge["source"] = rename(edge["source"])
        for group in self.unresolvable:
            group["sources"] = [rename(name) for name in group["sources"]]

    def rename_targets(self, rename: Callable[[str], str]) -> None:
        """Give every variable another path, in the truth as well."""
        rows = [{**row, "path": rename(row["path"])} for row in self.targets.values()]
        self.targets = {row["path"]: row for row in rows}
        for edge in self._edges():
            edge["target"] = rename(edge["target"])
        for group in self.unresolvable:
            group["targets"] = [rename(path) for path in group["targets"]]

    def drop_sources(self, pattern: str) -> None:
        """Take matching tensors out of the file; their targets have no source any more."""
        gone = {name for name in self.sources if re.search(pattern, name)}
        if not gone:
            msg = f"{self.name}: no source matches {pattern}"
            raise ValueError(msg)
        self.sources = {k: v for k, v in self.sources.items() if k not in gone}
        lost = {edge["target"] for edge in self.truth if edge["source"] in gone}
        self.truth = [edge for edge in self.truth if edge["target"] not in lost]

    def drop_targets(self, pattern: str) -> None:
        """Take matching variables out of the architecture."""
        gone = {path for path in self.targets if re.search(pattern, path)}
        if not gone:
            msg = f"{self.name}: no target matches {pattern}"
            raise ValueError(msg)
        self.targets = {k: v for k, v in self.targets.items() if k not in gone}
        self.truth = [edge for edge in self.truth if edge["target"] not in gone]

    def resize(self, pattern: str, size: int) -> None:
        """Give matching variables another last size (another class count): no edge fits them."""
        for path, row in self.targets.items():
            if re.search(pattern, path):
                row["shape"] = [*row["shape"][:-1], size]
        self.truth = [edge for edge in self.truth if not re.search(pattern, edge["target"])]

    def shuffle(self, seed: int = 0) -> None:
        """Put the sources into an order without meaning."""
        rows = list(self.sources.items())
        random.Random(seed).shuffle(rows)  # noqa: S311 - reproducible, no secret
        self.sources = dict(rows)
        self.order = "none"

    def problems(self) -> list[str]:
        """Return what does not fit, by the rules of ``score.py --check``."""
        keys = [(edge["source"], edge["target"]) for edge in self.truth]
        found = [f"{key} twice" for key in set(keys) if keys.count(key) > 1 and len(keys) < 5000]
        cover: dict[str, Any] = {}
        for edge in self._edges():
            problem = self._covered(edge, cover)
            found += [f"{edge}: {problem}"] if problem else []
        if "partial_cover" not in self.tags:
            found += [f"not covered: {path}" for path, mask in cover.items() if not np.all(mask)]
        for group in self.unresolvable:
            found += [f"unknown {path}" for path in group["targets"] if path not in self.targets]
            found += [f"unknown {name}" for name in group["sources"] if name not in self.sources]
        return found

    def _covered(self, edge: Row, cover: dict[str, Any]) -> str:
        if edge["source"] not in self.sources or edge["target"] not in self.targets:
            return "unknown name"
        have = self.sources[edge["source"]]["shape"]
        want = self.targets[edge["target"]]["shape"]
        transform = edge["transform"]
        if transform in WHOLE:
            cover[edge["target"]] = True
            fits = have == want if transform == "identity" else prod(have) == prod(want)
            return "" if fits else f"{have} does not fill {want}"
        try:
            mask = landed(transform, have, want)
        except (ValueError, IndexError, KeyError) as error:
            return f"{have} to {want}: {error}"
        cover[edge["target"]] = cover.get(edge["target"], False) | mask
        return ""

    def as_dict(self) -> Row:
        """Return the case in the format of ``score.py``; raise ValueError where it is wrong."""
        case = super().as_dict()
        found = self.problems()
        if len(render(case)) > LIMIT:
            found.append(f"{len(render(case))} bytes, more than {LIMIT}")
        if found:
            msg = f"{self.name}: {len(found)} problems: " + "; ".join(found[:4])
            raise ValueError(msg)
        return case


def per_layer(index: int, axis: int = 0) -> str:
    """Return the transform that cuts one layer out of a stack and drops the axis."""
    return f"slice:axis={axis}:{index}:{index + 1}|reshape"


def third(index: int, size: int, axis: int, *, then: str = "") -> str:
    """Return the transform that cuts part `index` of width `size` out of a fused array."""
    cut = f"slice:axis={axis}:{index * size}:{(index + 1) * size}"
    return f"{cut}|{then}" if then else cut


def together(*groups: Iterable[Case]) -> tuple[Case, ...]:
    """Return the cases of several builders in one tuple."""
    return tuple(case for group in groups for case in group)


def landed(transform: str, have: Sequence[int], want: Sequence[int]) -> Any:  # noqa: ANN401 - a mask
    """Return a mask of shape `want`, true where the transformed source lands."""
    ops = [op for op in transform.split("|") if op != "cast" and not op.startswith("add_forget")]
    out = np.zeros(want, bool)
    region: tuple[Any, ...] = tuple(slice(None) for _ in want)
    if ops and ops[-1].startswith("into:"):
        region = tuple(_index(part) for part in ops.pop()[5:].split(","))
    room = out[region].shape
    array: Any = np.ones(have, bool)
    for op in ops:
        array = _applied(op, array, room)
    if array.shape != room:
        msg = f"{array.shape} does not fill {room}"
        raise ValueError(msg)
    out[region] = array
    return out


def _index(part: str) -> slice | int:
    if ":" not in part:
        return int(part)
    start, stop = part.split(":")
    return slice(int(start) if start else None, int(stop) if stop else None)


def _applied(op: str, array: Any, room: Sequence[int]) -> Any:  # noqa: ANN401 - arrays
    head, _, rest = op.partition(":")
    match head:
        case "identity" | "flip":
            return array
        case "reshape":
            return array.reshape([int(v) for v in rest.split(",")] if rest else room)
        case "transpose":
            return array.transpose([int(v) for v in rest.split(",")])
        case "slice":
            axis, part = rest.split(":", 1)
            return array[(*[slice(None)] * int(axis[5:]), _index(part))]
        case "blocks":
            axis, order = rest.split(":")
            return np.concatenate(
                np.split(array, order.count(",") + 1, int(axis[5:])), int(axis[5:])
            )
        case "sum":
            axis, count = rest.split(":")
            return np.split(array, int(count[2:]), axis=int(axis[5:]))[0]
        case _:
            msg = f"unknown {op}"
            raise ValueError(msg)
