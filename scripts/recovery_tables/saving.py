"""A program that saves twice; started and killed by ``killed_saves.py``. Needs TensorFlow.

python -m scripts.recovery_tables.saving KIND FOLDER MEGABYTES
"""

import sys
from pathlib import Path

import tensorflow as tf

from scripts.recovery_tables import arrays


def _saver(folder: Path, megabytes: int, *, sharded: bool, version: int) -> None:
    v1 = tf.compat.v1
    v1.disable_eager_execution()
    variables = []
    for place, array in enumerate(arrays(megabytes, 1)):
        device = f"/cpu:{place % 2}" if sharded else "/cpu:0"
        with tf.device(device):
            start = v1.placeholder(tf.float32, array.shape)
            variables.append((v1.Variable(start, name=f"layer{place}/kernel"), start))
    step = v1.Variable(1, name="global_step", dtype=tf.int64)
    saver = v1.train.Saver(sharded=sharded, write_version=version, max_to_keep=5)
    options = v1.ConfigProto(device_count={"CPU": 2})
    with v1.Session(config=options) as session:
        for number in (1, 2):
            session.run(step.initializer)
            session.run(step.assign(number))
            for (variable, start), array in zip(variables, arrays(megabytes, number), strict=True):
                session.run(variable.initializer, {start: array})
            saver.save(session, str(folder / "model"), global_step=number)
            print("saved", number, flush=True)


def _objects(folder: Path, megabytes: int) -> None:
    module = tf.Module()
    module.layers = [tf.Variable(a, name=f"layer{n}") for n, a in enumerate(arrays(megabytes, 1))]
    module.step = tf.Variable(1, dtype=tf.int64)
    saver = tf.train.CheckpointManager(tf.train.Checkpoint(model=module), str(folder), 5)
    for number in (1, 2):
        module.step.assign(number)
        for variable, array in zip(module.layers, arrays(megabytes, number), strict=True):
            variable.assign(array)
        saver.save(number)
        print("saved", number, flush=True)


def main(kind: str, folder: Path, megabytes: int) -> None:
    """Save a first time, say so, and save again."""
    if kind == "objects":
        _objects(folder, megabytes)
    else:
        version = 1 if kind == "first format" else 2
        _saver(folder, megabytes, sharded=kind == "sharded", version=version)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
