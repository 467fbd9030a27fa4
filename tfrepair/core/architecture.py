"""Target side nouns: what the user's architecture wants to be filled with.

Pure data, JSON both ways. The TensorFlow worker makes an :class:`Architecture` from a live
model; planning, rebuild, verify and report only ever see this description.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NewType

from tfrepair.core.findings import Finding
from tfrepair.core.tensor import Shape

VariablePath = NewType("VariablePath", str)
"""Readable unique name of a target variable; a second use of a path is ``path#2``."""

GRAPH_1 = "graph1"
"""``Architecture.framework`` of a TensorFlow 1 graph: its checkpoints use the variables' names."""


class VariableKind(StrEnum):
    """What a variable is there for; only weights are planned."""

    WEIGHT = "weight"
    """Part of ``model.get_weights()`` (for a ``tf.Module``: of ``module.variables``)."""
    SEED = "seed"
    """State of a random number generator, in no weight list."""
    METRIC = "metric"
    """Running total of a metric or loss tracker."""
    OPTIMIZER = "optimizer"
    """Slot, step counter, learning rate, average."""
    UNTRACKED = "untracked"
    """Captured by the traced functions, but in no list that Keras saves."""


class Role(StrEnum):
    """What a weight does inside its layer."""

    KERNEL = "kernel"
    DEPTHWISE_KERNEL = "depthwise_kernel"
    POINTWISE_KERNEL = "pointwise_kernel"
    RECURRENT_KERNEL = "recurrent_kernel"
    EMBEDDINGS = "embeddings"
    BIAS = "bias"
    GAMMA = "gamma"
    BETA = "beta"
    MOVING_MEAN = "moving_mean"
    MOVING_VARIANCE = "moving_variance"
    MEAN = "mean"
    VARIANCE = "variance"
    COUNT = "count"
    ALPHA = "alpha"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One variable of the architecture.

    Attributes
    ----------
    path
        Unique readable name, such as ``"dense/kernel"`` or ``"optimizer/dense/kernel/momentum"``.
    shape, dtype
        As the variable is declared.
    trainable
        The variable's own flag (not its layer's).
    kind, role
        See :class:`VariableKind` and :class:`Role`.
    layer, layer_class
        Path and class of the layer that owns it; empty for variables without one.
    of, slot
        For optimizer slots: the path of the weight, and the slot's name (``"momentum"``).
    initial_digest
        Digest of the current value where that value means something (a live model),
        else empty. See :func:`tfrepair.core.digest.array_digest`.
    """

    path: VariablePath
    shape: Shape
    dtype: str
    trainable: bool
    kind: VariableKind = VariableKind.WEIGHT
    role: Role = Role.UNKNOWN
    layer: str = ""
    layer_class: str = ""
    of: str = ""
    slot: str = ""
    initial_digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerNode:
    """One layer, its own weights and its sublayers: what the list orders are computed from.

    Attributes
    ----------
    path, name, class_name
        Path from the root (``"encoder/dense"``), the layer's own name, its class.
    is_model
        True for a nested (or the root) Keras ``Model``.
    trainable
        The layer's ``trainable`` flag.
    own_trainable, own_non_trainable
        Paths of the weights that this layer itself owns, each in creation order; the split is
        by how they were created, whatever ``trainable`` says now.
    children
        Sublayers in the order of ``layer._layers``. A shared layer appears at every use.
    epsilon
        What the layer adds to a variance; ``None`` if it has no such setting.
    """

    path: str
    name: str
    class_name: str
    is_model: bool
    trainable: bool
    own_trainable: tuple[VariablePath, ...] = ()
    own_non_trainable: tuple[VariablePath, ...] = ()
    children: tuple["LayerNode", ...] = ()
    epsilon: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the tree as plain JSON data."""
        return {
            "path": self.path,
            "name": self.name,
            "class_name": self.class_name,
            "is_model": self.is_model,
            "trainable": self.trainable,
            "own_trainable": list(self.own_trainable),
            "own_non_trainable": list(self.own_non_trainable),
            "children": [child.to_json() for child in self.children],
            "epsilon": self.epsilon,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "LayerNode":
        """Build a tree from :meth:`to_json` data."""
        return cls(
            path=data["path"],
            name=data["name"],
            class_name=data["class_name"],
            is_model=data["is_model"],
            trainable=data["trainable"],
            own_trainable=tuple(VariablePath(path) for path in data["own_trainable"]),
            own_non_trainable=tuple(VariablePath(path) for path in data["own_non_trainable"]),
            children=tuple(cls.from_json(child) for child in data["children"]),
            epsilon=data.get("epsilon"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorSpec:
    """One input or output: flat name, shape with ``None`` for free axes, dtype."""

    name: str
    shape: tuple[int | None, ...] | None
    dtype: str

    def to_json(self) -> dict[str, Any]:
        """Return the spec as plain JSON data."""
        shape = None if self.shape is None else list(self.shape)
        return {"name": self.name, "shape": shape, "dtype": self.dtype}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "TensorSpec":
        """Build a spec from :meth:`to_json` data."""
        shape = data["shape"]
        return cls(
            name=data["name"], shape=None if shape is None else tuple(shape), dtype=data["dtype"]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """A model as a description.

    Attributes
    ----------
    framework
        ``"keras3"``, ``"keras2"`` (tf_keras), ``"module"`` (a plain ``tf.Module``) or
        ``"graph1"`` (a TensorFlow 1 graph, see :data:`GRAPH_1`).
    name, class_name
        The model's own name and class.
    source
        What the user gave for ``--arch``.
    digest
        SHA-256 of the architecture's source text, or of the description for a live model.
    variables
        Weights first, in today's ``get_weights()`` order, then seeds, untracked variables,
        metrics and the optimizer's variables.
    root
        Layer tree for the order conventions; ``None`` for a ``tf.Module`` or a graph.
    inputs, outputs
        Of ``serving_default``.
    optimizer, optimizer_config
        Class name and JSON config, or ``""`` and an empty mapping.
    optimizer_origin
        ``"architecture"`` if the model came compiled, ``"option"`` if it was asked for,
        ``"source"`` if it is the one that the source was trained with; else empty.
    has_loss
        True when the training and evaluation steps can be traced.
    is_live
        True when the model was handed over in memory and its values mean something.
    versions
        Framework versions, by package name.
    findings
        What describing the model brought to light (untracked state, baked constants, ...).
    """

    framework: str
    name: str
    class_name: str
    source: str
    digest: str
    variables: tuple[Variable, ...]
    root: LayerNode | None = None
    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()
    optimizer: str = ""
    optimizer_config: Mapping[str, Any] = field(default_factory=dict)
    optimizer_origin: str = ""
    has_loss: bool = False
    is_live: bool = False
    versions: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def weights(self) -> tuple[Variable, ...]:
        """The variables that a weight list fills, in ``get_weights()`` order."""
        return tuple(v for v in self.variables if v.kind is VariableKind.WEIGHT)

    @property
    def by_path(self) -> Mapping[VariablePath, Variable]:
        """Variables by path."""
        return {variable.path: variable for variable in self.variables}

    def __iter__(self) -> Iterator[Variable]:
        return iter(self.variables)

    def to_json(self) -> dict[str, Any]:
        """Return the description as plain JSON data."""
        return {
            "framework": self.framework,
            "name": self.name,
            "class_name": self.class_name,
            "source": self.source,
            "digest": self.digest,
            "variables": [
                dataclasses.asdict(v)
                | {"kind": v.kind.value, "role": v.role.value, "shape": list(v.shape)}
                for v in self.variables
            ],
            "root": None if self.root is None else self.root.to_json(),
            "inputs": [spec.to_json() for spec in self.inputs],
            "outputs": [spec.to_json() for spec in self.outputs],
            "optimizer": self.optimizer,
            "optimizer_config": dict(self.optimizer_config),
            "optimizer_origin": self.optimizer_origin,
            "has_loss": self.has_loss,
            "is_live": self.is_live,
            "versions": dict(self.versions),
            "findings": [finding.to_json() for finding in self.findings],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Architecture":
        """Build a description from :meth:`to_json` data."""
        return cls(
            framework=data["framework"],
            name=data["name"],
            class_name=data["class_name"],
            source=data["source"],
            digest=data["digest"],
            variables=tuple(_variable(entry) for entry in data["variables"]),
            root=None if data["root"] is None else LayerNode.from_json(data["root"]),
            inputs=tuple(TensorSpec.from_json(spec) for spec in data["inputs"]),
            outputs=tuple(TensorSpec.from_json(spec) for spec in data["outputs"]),
            optimizer=data["optimizer"],
            optimizer_config=data["optimizer_config"],
            optimizer_origin=data.get("optimizer_origin", ""),
            has_loss=data["has_loss"],
            is_live=data["is_live"],
            versions=data["versions"],
            findings=tuple(Finding.from_json(finding) for finding in data["findings"]),
        )


def _variable(entry: Mapping[str, Any]) -> Variable:
    fields = dict(entry)
    fields["path"] = VariablePath(fields["path"])
    fields["shape"] = tuple(fields["shape"])
    fields["kind"] = VariableKind(fields["kind"])
    fields["role"] = Role(fields["role"])
    return Variable(**fields)
