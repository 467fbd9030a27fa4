"""Train, save every epoch, and die in the middle of a save, as by a power cut or the OOM killer.

    python samples/killed-run/train.py RUN_DIR

Sends itself SIGKILL when the third save is half written.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf
from data import batches
from model import build_model

STEPS, EPOCHS = 40, 3
SAVED_BYTES = 3 * 20_000 * 64 * 4


def die_in_mid_save(folder: Path) -> None:
    """Wait until half of a save is written, then kill this process."""
    while sum(path.stat().st_size for path in folder.rglob("*.tempstate*")) < SAVED_BYTES * 0.55:
        time.sleep(0.0002)
    os.kill(os.getpid(), signal.SIGKILL)


def main(folder: Path) -> None:
    """Train three epochs."""
    model = build_model()
    model.optimizer.build(model.trainable_variables)
    saver = tf.train.CheckpointManager(
        tf.train.Checkpoint(model=model, optimizer=model.optimizer), str(folder), max_to_keep=3
    )
    for epoch in range(1, EPOCHS + 1):
        for words, answers in batches(epoch, STEPS):
            loss = model.train_on_batch(words, answers)
        print(f"step {epoch * STEPS}: loss {float(loss):.4f}", flush=True)
        if epoch == EPOCHS:
            threading.Thread(target=die_in_mid_save, args=(folder,), daemon=True).start()
        saver.save(epoch * STEPS)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
