"""The loop of the TensorFlow process: one JSON line in, one JSON line out.

The channel is a private duplicate of stdin and stdout. Whatever the user's code or a library
prints on stdout goes to stderr, and its reads of stdin find nothing.
"""

import json
import os
import sys
import threading
import time

from tfrepair.tfhost.client import HOLD, SHOW
from tfrepair.tfhost.worker.dispatch import Dispatcher

_SECONDS = 1.0


def main() -> None:
    """Answer requests until stdin ends."""
    requests = os.fdopen(os.dup(0), "r", encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    sys.dont_write_bytecode = True  # the folder of model.py stays as it is
    threading.Thread(target=_follow, args=(os.getppid(),), daemon=True).start()
    dispatcher = Dispatcher(show=lambda: _mark(SHOW), hold=lambda: _mark(HOLD))
    for line in requests:
        reply = dispatcher.answer(json.loads(line))
        answers.write(json.dumps(reply) + "\n")
        answers.flush()
    # Native threads of TensorFlow may still run: leave without their destructors.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _follow(parent: int) -> None:
    """End with the process that asked, even if it was killed while a request was at work."""
    while os.getppid() == parent:
        time.sleep(_SECONDS)
    os._exit(1)


def _mark(line: str) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(2, line.encode())


if __name__ == "__main__":
    main()
