"""Small architectures and stores for planning tests, made by hand."""

from collections.abc import Mapping

import numpy as np

from tfrepair.core.architecture import Architecture, LayerNode, Role, Variable, VariablePath
from tfrepair.core.statistics import Statistics, statistics_of
from tfrepair.core.tensor import Array, Origin, SourceName, Tensor, TensorStore
from tfrepair.core.transform import Transform

_DENSE = (("kernel", Role.KERNEL), ("bias", Role.BIAS))
_BATCH_NORM = (
    ("gamma", Role.GAMMA),
    ("beta", Role.BETA),
    ("moving_mean", Role.MOVING_MEAN),
    ("moving_variance", Role.MOVING_VARIANCE),
)


def dense(path: str, have: int, units: int) -> tuple[Variable, ...]:
    return tuple(
        Variable(
            path=VariablePath(f"{path}/{leaf}"),
            shape=(have, units) if role is Role.KERNEL else (units,),
            dtype="float32",
            trainable=True,
            role=role,
            layer=path,
            layer_class="Dense",
        )
        for leaf, role in _DENSE
    )


def batch_norm(path: str, units: int) -> tuple[Variable, ...]:
    return tuple(
        Variable(
            path=VariablePath(f"{path}/{leaf}"),
            shape=(units,),
            dtype="float32",
            trainable=role in (Role.GAMMA, Role.BETA),
            role=role,
            layer=path,
            layer_class="BatchNormalization",
        )
        for leaf, role in _BATCH_NORM
    )


def architecture(*layers: tuple[Variable, ...]) -> Architecture:
    children = tuple(
        LayerNode(
            path=layer[0].layer,
            name=layer[0].layer.rpartition("/")[2],
            class_name=layer[0].layer_class,
            is_model=False,
            trainable=True,
            own_trainable=tuple(v.path for v in layer if v.trainable),
            own_non_trainable=tuple(v.path for v in layer if not v.trainable),
        )
        for layer in layers
    )
    root = LayerNode(
        path="",
        name="sequential",
        class_name="Sequential",
        is_model=True,
        trainable=True,
        children=children,
    )
    return Architecture(
        framework="keras3",
        name="sequential",
        class_name="Sequential",
        source="model.py",
        digest="a" * 64,
        variables=tuple(variable for layer in layers for variable in layer),
        root=root,
    )


def tensor(name: str, value: Array) -> Tensor:
    return Tensor(
        name=SourceName(name),
        shape=value.shape,
        dtype=value.dtype.name,
        nbytes=value.nbytes,
        origin=Origin(path="w.npy"),
        fetch=lambda: value,
    )


def store(values: Mapping[str, Array], *, named: bool = True) -> TensorStore:
    return TensorStore(
        format="npy",
        path="w.npy",
        files=("w.npy",),
        tensors=tuple(tensor(name, value) for name, value in values.items()),
        names_are_meaningful=named,
        order_is_meaningful=True,
    )


def listed(*shapes: tuple[int, ...]) -> TensorStore:
    rng = np.random.default_rng(7)
    values = {
        str(place): rng.uniform(0.1, 1.0, shape).astype("float32")
        for place, shape in enumerate(shapes)
    }
    return store(values, named=False)


class Reading:
    """Statistics of a store's tensors, as the shell would give them."""

    def __init__(self, source: TensorStore) -> None:
        self._source = source

    def __call__(self, name: SourceName, transform: Transform) -> Statistics:
        return statistics_of(transform.run(self._source[name].fetch()))
