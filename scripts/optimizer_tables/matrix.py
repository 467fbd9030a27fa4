# ruff: noqa: ANN401 - modules and models of several frameworks
"""Trains in every system, converts into every other, trains on: a table of the documentation.

Run it as ``python scripts/optimizer_tables/matrix.py [--only "Adam;Nadam"] OUT.json``: every
optimizer is trained 100 steps in ``tf.compat.v1``, tf_keras' legacy classes, tf_keras and Keras 3,
saved as the system itself saves, and trained 50 steps more. Every save is converted into every
other system by the stages of a conversion, without its verification, and trained on for the same 50
steps through ``train_step`` of the SavedModel. Prints a Markdown table of the largest deviation of
a weight, relative to the largest distance that a weight moved.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

BEFORE, AFTER = 100, 50
RATE = 0.02
SAVER, LEGACY, TF_KERAS, KERAS_3 = "saver", "legacy", "tf_keras", "keras3"
SYSTEMS = (SAVER, LEGACY, TF_KERAS, KERAS_3)
TITLES = {
    SAVER: "TensorFlow 1",
    LEGACY: "`OptimizerV2`",
    TF_KERAS: "tf.keras 2.11+",
    KERAS_3: "Keras 3",
}
NAMES = ("hidden/kernel", "hidden/bias", "out/kernel", "out/bias")
SHAPES = ((6, 12), (12,), (12, 1), (1,))


def data() -> tuple[Any, Any]:
    """Return batches of a regression, float32 ``(steps, 16, 6)`` and ``(steps, 16, 1)``."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(BEFORE + AFTER, 16, 6)).astype("float32")
    noise = 0.1 * rng.normal(size=(BEFORE + AFTER, 16, 1))
    y = (x[..., :1] * 2 - x[..., 1:2] + noise).astype("float32")
    return x, y


def weights() -> list[Any]:
    """Return the weights that every training starts with."""
    rng = np.random.default_rng(7)
    return [rng.normal(scale=0.4, size=shape).astype("float32") for shape in SHAPES]


def optimizers(module: Any, system: str) -> dict[str, Callable[[], Any]]:
    """Return constructors of the optimizers that a system has, by the row of the table."""
    o = module
    squared = 1e-7 if system == LEGACY else 1e-14  # OptimizerV2 adds it to the root
    found: dict[str, Callable[[], Any]] = {
        "SGD, momentum": lambda: o.SGD(RATE, momentum=0.9),
        "SGD, Nesterov": lambda: o.SGD(RATE, momentum=0.9, nesterov=True),
        "Adam": lambda: o.Adam(RATE),
        "Adam, AMSGrad": lambda: o.Adam(RATE, amsgrad=True),
        "Nadam": lambda: o.Nadam(RATE),
        "Adamax": lambda: o.Adamax(RATE),
        "RMSprop": lambda: o.RMSprop(RATE, epsilon=squared),
        "RMSprop, momentum": lambda: o.RMSprop(RATE / 4, momentum=0.8),
        "RMSprop, centered, momentum": lambda: o.RMSprop(RATE / 4, momentum=0.8, centered=True),
        "Adagrad": lambda: o.Adagrad(RATE * 5),
        "Adadelta": lambda: o.Adadelta(1.0),
        "Ftrl": lambda: o.Ftrl(RATE * 5, l1_regularization_strength=1e-3),
    }
    if system != LEGACY:
        found |= {
            "AdamW": lambda: o.AdamW(RATE, weight_decay=0.01),
            "Lion": lambda: o.Lion(RATE / 10),
            "Adafactor": lambda: o.Adafactor(RATE),
            "Adam, EMA": lambda: o.Adam(RATE, use_ema=True, ema_momentum=0.9),
        }
    if system == KERAS_3:
        found |= {
            "Lamb": lambda: o.Lamb(RATE),
            "Muon": lambda: o.Muon(RATE),
            "ScheduleFreeAdamW": lambda: o.ScheduleFreeAdamW(RATE),
            "Adam, gradient accumulation": lambda: o.Adam(RATE, gradient_accumulation_steps=2),
        }
    return found


def saver_optimizers(tf: Any, rate: Any) -> dict[str, Callable[[], Any]]:
    """Return constructors of TensorFlow 1's optimizers, by the row of the table."""
    t = tf.train
    return {
        "SGD, momentum": lambda: t.MomentumOptimizer(rate, 0.9),
        "SGD, Nesterov": lambda: t.MomentumOptimizer(rate, 0.9, use_nesterov=True),
        "Adam": lambda: t.AdamOptimizer(rate, epsilon=1e-7),
        "RMSprop": lambda: t.RMSPropOptimizer(rate, epsilon=1e-14),
        "RMSprop, momentum": lambda: t.RMSPropOptimizer(rate / 4, 0.9, 0.8, 1e-7),
        "RMSprop, centered, momentum": lambda: t.RMSPropOptimizer(
            rate / 4, 0.9, 0.8, 1e-7, centered=True
        ),
        "Adagrad": lambda: t.AdagradOptimizer(rate * 5),
        "Adadelta": lambda: t.AdadeltaOptimizer(1.0, epsilon=1e-7),
        "Ftrl": lambda: t.FtrlOptimizer(rate * 5, l1_regularization_strength=1e-3),
    }


def keras_of(system: str) -> Any:
    """Import the Keras of a system."""
    if system == KERAS_3:
        import keras

        return keras
    import tf_keras

    return tf_keras


def constructors(system: str) -> dict[str, Callable[[], Any]]:
    """Return the optimizers of a Keras system."""
    keras = keras_of(system)
    module = keras.optimizers.legacy if system == LEGACY else keras.optimizers
    found = optimizers(module, system)
    if system != KERAS_3:
        scaled = keras.mixed_precision.LossScaleOptimizer
    else:
        scaled = keras.optimizers.LossScaleOptimizer
    return found | {"Adam, loss scaling": lambda: scaled(module.Adam(RATE))}


def model_of(system: str, optimizer: Any) -> Any:
    """Build and compile the model of a Keras system."""
    keras = keras_of(system)
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.InputLayer((6,)),
            layers.Dense(12, activation="tanh", name="hidden"),
            layers.Dense(1, name="out"),
        ]
    )
    model.compile(optimizer, "mse")
    return model


def train_keras(system: str, row: str, folder: Path) -> None:
    """Train in a Keras system and save in the middle."""
    import tensorflow as tf

    x, y = data()
    model = model_of(system, constructors(system)[row]())
    model.set_weights(weights())
    middle = None
    for step in range(BEFORE + AFTER):
        if step == BEFORE:
            tf.train.Checkpoint(model=model, optimizer=model.optimizer).write(str(folder / "ckpt"))
            middle = model.get_weights()
        model.train_on_batch(x[step], y[step])
    save_run(folder, middle, model.get_weights())


def train_saver(row: str, folder: Path) -> None:
    """Train in TensorFlow 1 and save in the middle."""
    import tensorflow.compat.v1 as tf

    x, y = data()
    with tf.Graph().as_default(), tf.Session() as session:
        value = inputs = tf.placeholder(tf.float32, (None, 6), name="inputs")
        labels = tf.placeholder(tf.float32, (None, 1), name="labels")
        initial = iter(weights())
        variables = []
        for name, activation in (("hidden", tf.tanh), ("out", tf.identity)):
            with tf.variable_scope(name):
                for leaf in ("kernel", "bias"):
                    start = tf.constant_initializer(next(initial))
                    shape = SHAPES[len(variables)]
                    variables.append(tf.get_variable(leaf, shape, initializer=start))
                value = activation(tf.matmul(value, variables[-2]) + variables[-1])
        outputs = tf.identity(value, name="outputs")
        loss = tf.reduce_mean(tf.square(outputs - labels))
        made = saver_optimizers(tf, RATE)[row]()
        train = made.minimize(loss, tf.train.get_or_create_global_step())
        tf.add_to_collection("train_op", train)
        session.run(tf.global_variables_initializer())
        middle = None
        for step in range(BEFORE + AFTER):
            if step == BEFORE:
                tf.train.Saver().save(session, str(folder / "ckpt"))
                middle = session.run(variables)
            session.run(train, {inputs: x[step], labels: y[step]})
        save_run(folder, middle, session.run(variables))


def save_run(folder: Path, middle: Any, last: Any) -> None:
    """Remember the weights in the middle and at the end."""
    named = {f"middle/{name}": value for name, value in zip(NAMES, middle, strict=True)}
    named |= {f"last/{name}": value for name, value in zip(NAMES, last, strict=True)}
    np.savez(folder / "run.npz", **named)


def train(system: str, rows: list[str], root: Path) -> None:
    """Train every optimizer of a system."""
    for row in rows:
        folder = root / system / row
        folder.mkdir(parents=True, exist_ok=True)
        if system == SAVER:
            train_saver(row, folder)
        else:
            train_keras(system, row, folder)
        print(f"trained {row} in {system}", file=sys.stderr)


def converted(source: Path, model: Any, out: Path) -> tuple[list[str], list[str]]:
    """Convert a save with the stages of a conversion; return what is found, and provenances."""
    from tfrepair.api.optimizers import with_graph
    from tfrepair.api.sources import Reading, examined, open_store
    from tfrepair.core.architecture import VariableKind
    from tfrepair.planning.build import build_plan
    from tfrepair.rebuild.apply import apply
    from tfrepair.tfhost.inprocess import InProcessHost
    from tfrepair.tfhost.protocol import ArchRequest
    from tfrepair.writers.savedmodel import write

    store = with_graph(examined(open_store(source)))
    with InProcessHost(model, None) as host:
        architecture = host.describe(ArchRequest(kind="live", location="model"))
        plan = build_plan(store, architecture, Reading(store))
        state = apply(plan, store, architecture)
        out.mkdir(parents=True)
        write(state, host, out, keep_state=False, step=lambda _done, _all: None)
    kinds = {v.path: v.kind for v in architecture}
    told = [
        entry.provenance.kind.value
        for entry in state.entries
        if kinds[entry.path] is VariableKind.OPTIMIZER
    ]
    return [finding.code for finding in plan.findings], told


def train_on(out: Path) -> list[Any]:
    """Go on from a SavedModel through its ``train_step``; return the weights at the end."""
    import tensorflow as tf

    x, y = data()
    loaded = tf.saved_model.load(str(out / "model"))
    for step in range(BEFORE, BEFORE + AFTER):
        loaded.train_step(x[step], y[step])
    by_name = {}
    for name, value in loaded.vars.items():
        for wanted in NAMES:
            if name.endswith(wanted) and not name.startswith(("optimizer", "metrics")):
                by_name[wanted] = value.numpy()
    return [by_name[name] for name in NAMES]


def convert(target: str, pairs: list[tuple[str, str]], root: Path) -> Iterator[dict[str, Any]]:
    """Convert saves into a target and compare after 50 steps."""
    made = constructors(target)
    for source, row in pairs:
        run = np.load(root / source / row / "run.npz")
        entry: dict[str, Any] = {"row": row, "source": source, "target": target}
        with tempfile.TemporaryDirectory() as scratch:
            try:
                model = model_of(target, made[row]())
                found = converted(root / source / row / "ckpt", model, Path(scratch) / "out")
                entry["findings"], told = found
                entry["provenance"] = {kind: told.count(kind) for kind in sorted(set(told))}
                last = train_on(Path(scratch) / "out")
                entry |= deviation(run, last)
            except Exception as error:  # noqa: BLE001 - the table says what fails
                entry["error"] = f"{type(error).__name__}: {str(error)[:300]}"
        print(json.dumps(entry), file=sys.stderr)
        yield entry


def deviation(run: Any, last: list[Any]) -> dict[str, float]:
    """Return the largest deviation, relative to the distance moved and to the largest weight."""
    off = moved = largest = 0.0
    for name, value in zip(NAMES, last, strict=True):
        off = max(off, float(np.abs(value - run[f"last/{name}"]).max()))
        moved = max(moved, float(np.abs(run[f"last/{name}"] - run[f"middle/{name}"]).max()))
        largest = max(largest, float(np.abs(run[f"last/{name}"]).max()))
    return {"of_movement": off / moved, "of_weight": off / largest}


def child(*arguments: str) -> str:
    """Run one part in a process of its own: systems do not share one."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"}
    environment["CUDA_VISIBLE_DEVICES"] = "-1"
    done = subprocess.run(
        [sys.executable, __file__, *arguments],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    return done.stdout


def rows_of(system: str) -> list[str]:
    """Return the optimizers of a system."""
    if system == SAVER:
        import tensorflow.compat.v1 as tf

        return list(saver_optimizers(tf, RATE))
    return list(constructors(system))


def table(entries: list[dict[str, Any]]) -> str:
    """Return the matrix as Markdown: one row for each optimizer and source."""
    targets = [system for system in SYSTEMS if any(e["target"] == system for e in entries)]
    lines = [
        "| Optimizer | From | " + " | ".join(TITLES[target] for target in targets) + " |",
        "|---|---|" + "---|" * len(targets),
    ]
    pairs = dict.fromkeys((entry["row"], entry["source"]) for entry in entries)
    cells = {(e["row"], e["source"], e["target"]): cell(e) for e in entries}
    for row, source in pairs:
        values = (cells.get((row, source, target), "") for target in targets)
        lines.append(f"| {row} | {TITLES[source]} | " + " | ".join(values) + " |")
    return "\n".join(lines)


def cell(entry: dict[str, Any]) -> str:
    """Return one number; 0 is what is equal bit for bit."""
    if "error" in entry:
        return "fails"
    value = entry["of_movement"]
    text = "0" if value == 0 else f"{value:.1e}".replace("e-0", "e-")
    return f"**{text}**" if value > 2e-5 else text


def main() -> None:
    """Run a part, or all parts one after the other."""
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--only", default="")
    parser.add_argument("--part", default="")
    parser.add_argument("--system", default="")
    parser.add_argument("--root", default="")
    options = parser.parse_args()
    only = [row.strip() for row in options.only.split(";") if row.strip()]
    if options.part == "rows":
        print(json.dumps(rows_of(options.system)))
        return
    if options.part == "train":
        train(options.system, json.loads(options.out), Path(options.root))
        return
    if options.part == "convert":
        pairs = [(source, row) for source, row in json.loads(options.out)]
        print(json.dumps(list(convert(options.system, pairs, Path(options.root)))))
        return
    every(Path(options.out), only)


def every(out: Path, only: list[str]) -> None:
    """Train everywhere, convert everything, write the numbers and print the table."""
    entries: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as root:
        rows = {}
        for system in SYSTEMS:
            found = json.loads(child("--part", "rows", "--system", system, ""))
            rows[system] = [row for row in found if not only or row in only]
            train_part = ("--part", "train", "--system", system, "--root", root)
            child(*train_part, json.dumps(rows[system]))
        for target in SYSTEMS[1:]:
            pairs = [(s, r) for s in SYSTEMS for r in rows[s] if r in rows[target]]
            part = ("--part", "convert", "--system", target, "--root", root)
            entries += json.loads(child(*part, json.dumps(pairs)))
            out.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
    order = [row for system in reversed(SYSTEMS) for row in rows[system]]
    entries.sort(key=lambda e: (order.index(e["row"]), SYSTEMS.index(e["source"])))
    print(table(entries))


if __name__ == "__main__":
    main()
