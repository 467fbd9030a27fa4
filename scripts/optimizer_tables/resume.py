"""Resume every family of Keras 3 from a lossless source, through the SavedModel alone.

    python -m scripts.optimizer_tables.resume [FOLDER]

A model is trained 40 steps and saved as ``.weights.h5``; it goes on for 100 steps. The file becomes
a SavedModel, a process that has neither Keras nor the code loads it and runs its ``train_step`` 100
times. Prints how many losses are equal bit for bit, and whether the last weights are.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import tfrepair

BEFORE, AFTER = 40, 100
FAMILIES = {
    "SGD": "SGD(0.05)",
    "SGD momentum": "SGD(0.05, momentum=0.9, nesterov=True)",
    "Adam": "Adam(0.01)",
    "Adam amsgrad": "Adam(0.01, amsgrad=True)",
    "AdamW": "AdamW(0.01)",
    "Nadam": "Nadam(0.01)",
    "Adamax": "Adamax(0.01)",
    "RMSprop": "RMSprop(0.01)",
    "RMSprop centered": "RMSprop(0.01, momentum=0.9, centered=True)",
    "Adagrad": "Adagrad(0.05)",
    "Adadelta": "Adadelta(0.5)",
    "Ftrl": "Ftrl(0.05)",
    "Lion": "Lion(0.001)",
    "Lamb": "Lamb(0.01)",
    "Adafactor": "Adafactor(0.01)",
    "Muon": "Muon(0.01)",
    "ScheduleFreeAdamW": "ScheduleFreeAdamW(0.01)",
    "Adam with a schedule": "Adam(keras.optimizers.schedules.ExponentialDecay(0.01, 20, 0.9))",
    "Adam with averages": "Adam(0.01, use_ema=True, ema_overwrite_frequency=30)",
    "LossScaleOptimizer": "LossScaleOptimizer(keras.optimizers.Adam(0.01))",
}
_MODEL = """
import keras

def build_model():
    keras.utils.set_random_seed(1)
    layers = keras.layers
    model = keras.Sequential([layers.Input((6,)), layers.Dense(16, "tanh"), layers.Dense(3)])
    model.compile(keras.optimizers.{optimizer}, "mse")
    return model
"""
_TRAIN = """
import sys
import numpy as np
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from model import build_model

folder, before, after = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
model = build_model()
generator = np.random.default_rng(0)
x = generator.normal(size=(before + after, 32, 6)).astype("float32")
y = np.tanh(x[..., :3] @ generator.normal(size=(3, 3)).astype("float32"))
losses = []
for step in range(before + after):
    if step == before:
        model.save_weights(folder / "run.weights.h5")
    model.reset_metrics()
    losses.append(float(model.train_on_batch(x[step], y[step])))
np.savez(folder / "end.npz", *model.get_weights())
np.savez(folder / "data.npz", x=x[before:], y=y[before:], losses=np.float32(losses[before:]))
"""
_RESUME = """
import sys
import numpy as np
import tensorflow as tf

folder = sys.argv[1]
data, end = np.load(folder + "/data.npz"), np.load(folder + "/end.npz")
loaded = tf.saved_model.load(folder + "/out")
step, reset = loaded.signatures["train_step"], loaded.signatures["reset_metrics"]
names = sorted(step.structured_input_signature[1])
equal = 0
for x, y, loss in zip(data["x"], data["y"], data["losses"]):
    reset()
    result = step(**{name: tf.constant(x if name[0] == "x" else y) for name in names})
    equal += np.float32(result["loss"].numpy()) == loss
variables = [v.numpy() for n, v in loaded.vars.items() if n.startswith("sequential/")]
last = all(any(np.array_equal(w, v) for v in variables) for w in (end[n] for n in end.files))
print(equal, last)
"""


def resume(folder: Path, optimizer: str) -> str:
    """Return the cells of a row."""
    folder.mkdir(parents=True)
    (folder / "model.py").write_text(_MODEL.format(optimizer=optimizer), encoding="utf-8")
    _run(_TRAIN, folder, str(BEFORE), str(AFTER))
    try:
        report = tfrepair.convert(
            folder / "run.weights.h5", arch=str(folder / "model.py"), out=folder / "out"
        )
    except tfrepair.TfrepairError as error:
        return f"{type(error).__name__}: {error.message} | |"
    equal, last = _run(_RESUME, folder).split()[-2:]
    rest = "; ".join(finding.message for finding in report.losses)
    return f"{equal} of {AFTER} | {'yes' if last == 'True' else 'no'} | {rest}"


def _run(code: str, folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder), *arguments],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    return done.stdout


def main() -> None:
    """Print the table."""
    base = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="tfrepair-resume-"))
    print("| optimizer | losses equal bit for bit | last weights equal | losses of state |")
    print("| --- | --- | --- | --- |")
    for name, optimizer in FAMILIES.items():
        print(f"| {name} | {resume(base / name.replace(' ', '-'), optimizer)} |", flush=True)


if __name__ == "__main__":
    main()
