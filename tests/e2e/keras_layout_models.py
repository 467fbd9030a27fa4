"""The networks of ``scripts/make_golden/keras_layouts.py`` in Keras 3, and what files give in them.

As a program: fills each network from each golden file through a plan and writes, as JSON, what the
network computes then: ``python keras_layout_models.py OUT.json``.
"""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parents[1] / "golden" / "keras_layouts"


def _layers() -> Any:
    import keras

    return keras, keras.layers


def slope(x: Any) -> Any:
    """``hard_sigmoid`` as it was before Keras 3."""
    import keras

    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)


def square(_: "Era") -> Any:
    keras, layers = _layers()
    return keras.Sequential([
        keras.Input((6, 5, 3)),
        layers.Conv2D(3, 3, name="one", activation="tanh"),
        layers.Conv2D(3, 3, name="two"),
        layers.Flatten(name="flat"),
        layers.Dense(2, name="out"),
    ])  # fmt: skip


def convs(era: "Era") -> Any:
    keras, layers = _layers()
    inputs = keras.Input((5, 4, 2))
    hidden = layers.Conv2D(3, (3, 2), name="plain", activation="tanh")(inputs)
    hidden = layers.Conv2DTranspose(2, (3, 2), name="turned")(hidden)
    if "apart" in era.layers:
        hidden = layers.SeparableConv2D(2, (2, 3), depth_multiplier=2, name="apart")(hidden)
    if "deep" in era.layers:
        hidden = layers.DepthwiseConv2D((2, 1), name="deep")(hidden)
    outputs = layers.Dense(2, name="out")(layers.Flatten(name="flat")(hidden))
    return keras.Model(inputs, outputs)


def lines(_: "Era") -> Any:
    keras, layers = _layers()
    inputs = keras.Input((6,))
    hidden = layers.Embedding(7, 3, name="words")(inputs)
    hidden = layers.Conv1D(4, 3, name="line", activation="tanh")(hidden)
    outputs = layers.Dense(2, name="out")(layers.Flatten(name="flat")(hidden))
    return keras.Model(inputs, outputs)


def cells(era: "Era") -> Any:
    keras, layers = _layers()
    gate = {"recurrent_activation": slope if era.is_hard else "sigmoid"}
    inputs = keras.Input((4, 3))
    both = layers.LSTM(2, return_sequences=True, **gate)
    hidden = layers.Bidirectional(both, name="both")(inputs)
    hidden = layers.LSTM(3, return_sequences=True, name="long", **gate)(hidden)
    gated = layers.GRU(3, return_sequences=True, name="gated", reset_after=era.is_after, **gate)
    return keras.Model(inputs, layers.SimpleRNN(2, name="simple")(gated(hidden)))


def films(era: "Era") -> Any:
    keras, layers = _layers()
    inputs = keras.Input((3, 5, 4, 2))
    hidden = layers.TimeDistributed(layers.Conv2D(3, 2, name="inside"), name="each")(inputs)
    gate = "sigmoid" if era.is_new else slope
    hidden = layers.ConvLSTM2D(2, (3, 3), name="moving", recurrent_activation=gate)(hidden)
    return keras.Model(inputs, layers.Dense(2, name="out")(layers.Flatten()(hidden)))


def frozen(_: "Era") -> Any:
    """Make it with nothing frozen: the order of weights is another one than the file's."""
    keras, layers = _layers()
    part = keras.Input((3,))
    hidden = layers.Dense(3, name="inner_a")(part)
    hidden = layers.BatchNormalization(name="inner_bn")(hidden)
    inner = keras.Model(part, layers.Dense(3, name="inner_b")(hidden), name="inner")
    inputs = keras.Input((3,))
    return keras.Model(inputs, layers.Dense(3, name="out")(inner(inputs)))


def norms(_: "Era") -> Any:
    keras, layers = _layers()
    inputs = keras.Input((3,))
    hidden = layers.BatchNormalization(name="no_scale", scale=False)(inputs)
    hidden = layers.BatchNormalization(name="no_center", center=False, epsilon=0.01)(hidden)
    return keras.Model(inputs, layers.Dense(2, name="out")(hidden))


def custom(_: "Era") -> Any:
    keras, layers = _layers()

    class Affine(layers.Layer):  # type: ignore[misc, name-defined]
        def build(self, input_shape: Any) -> None:
            size = (int(input_shape[-1]),)
            self.factor = self.add_weight(name="factor", shape=size, initializer="ones")
            self.shift = self.add_weight(name="shift", shape=size, initializer="zeros")

        def call(self, inputs: Any) -> Any:
            return inputs * self.factor + self.shift

    inputs = keras.Input((3,))
    return keras.Model(inputs, layers.Dense(2, name="out")(Affine(name="affine")(inputs)))


def cudnn(_: "Era") -> Any:
    keras, layers = _layers()
    inputs = keras.Input((4, 3))
    both = layers.Bidirectional(layers.LSTM(2, return_sequences=True), name="both")(inputs)
    long = layers.LSTM(2, return_sequences=True, name="long")(both)
    return keras.Model(inputs, layers.GRU(2, name="gated")(long))


MODELS: Mapping[str, Callable[["Era"], Any]] = {
    made.__name__: made
    for made in (square, convs, lines, cells, films, frozen, norms, custom, cudnn)
}


class Era:
    """What an architecture has to repeat of its writer."""

    def __init__(self, folder: Path, case: str, names: list[str]) -> None:
        writer = folder.name
        self.layers = {name.split("/")[0] for name in names}
        self.is_hard = writer.startswith(("keras1", "keras2_0", "keras2_2", "tf1"))
        self.is_after = writer == "keras3" or writer.startswith(("tf2", "tf_"))
        self.is_new = writer == "keras3"
        self.case = case


Built = tuple[Any, Any]


def built(case: str, era: Era, known: dict[tuple[Any, ...], Built]) -> Built:
    """Return a network and its description; each is made once."""
    from tfrepair.tfhost.inprocess import InProcessHost
    from tfrepair.tfhost.protocol import ArchRequest

    key = (case, *((era.is_hard, era.is_after) if case == "cells" else ()))
    if case == "films":
        key = (case, era.is_new)
    if case == "convs":
        key = (case, "apart" in era.layers, "deep" in era.layers)
    if key not in known:
        model = MODELS[case](era)
        with InProcessHost(model) as host:
            known[key] = model, host.describe(ArchRequest(kind="live", location="live", keras=3))
    return known[key]


def computed(path: Path, case: str, given: Any, known: dict[tuple[Any, ...], Built]) -> Any:
    """Return what the network of a file computes, or what the plan left open."""
    from tfrepair.api.sources import Reading
    from tfrepair.planning.build import build_plan
    from tfrepair.readers.registry import open_source
    from tfrepair.rebuild.apply import apply

    store = open_source(path)
    era = Era(path.parent, case, [tensor.name for tensor in store])
    model, arch = built(case, era, known)
    plan = build_plan(store, arch, Reading(store))
    found: dict[str, Any] = {
        "missing": [f"{gap.target}: {gap.reason}" for gap in plan.missing],
        "ties": sorted(path for tie in plan.ties for path in tie.targets),
        "errors": [f.code for f in plan.findings if f.severity == "error"],
        "findings": [f.code for f in (*plan.findings, *store.findings)],
        "leftover": [left.source for left in plan.leftover],
    }
    if plan.is_complete:
        entries = apply(plan, store, arch).by_path
        values = [entries[variable.path].fetch for variable in arch.weights]
        model.set_weights([fetch() for fetch in values if fetch is not None])
        found["outputs"] = np.asarray(model(np.asarray(given))).tolist()
    return found


def main(out: Path) -> None:
    import keras

    keras.saving.register_keras_serializable()(slope)
    results: dict[str, Any] = {}
    known: dict[tuple[Any, ...], Built] = {}
    for record in sorted(FOLDER.glob("*/expected.json")):
        for case, held in json.loads(record.read_text())["models"].items():
            for name in held["files"]:
                given = np.asarray(held["inputs"], "int32" if case == "lines" else "float32")
                if "theano" in record.parent.name and not record.parent.name.endswith("_last"):
                    given = np.moveaxis(given, -3, -1) if given.ndim > 3 else given
                key = f"{record.parent.name}/{name}"
                results[key] = computed(record.parent / name, case, given, known)
    out.write_text(json.dumps(results))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
