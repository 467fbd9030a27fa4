"""The parent's side of the TensorFlow process.

Starts ``python -m tfrepair.tfhost.worker`` on the first request, speaks JSON lines with it over
its stdin and stdout, and passes on what the user's code prints. Never imports TensorFlow. Comes
after :mod:`tfrepair.tfhost.protocol`.
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import IO, Any, Self

from tfrepair.core.architecture import Architecture
from tfrepair.core.audit import Audit
from tfrepair.core.errors import ArchitectureError, Died, HostError, TimedOut
from tfrepair.core.receipt import Receipt
from tfrepair.tfhost.protocol import (
    ArchRequest,
    Calibrated,
    CalibrateRequest,
    ExportRequest,
    ForwardRequest,
    SaveRequest,
)
from tfrepair.tfhost.training_requests import Losses, TrainRequest

SHOW, HOLD = "\x1etfrepair show\n", "\x1etfrepair hold\n"
"""Lines on the worker's stderr: pass on what follows, or keep it for a crash message."""

_TAIL = 20
_TAIL_WIDTH = 400
_GRACE, _BEAT = 5.0, 0.5
_WORKER = ("-P", "-m", "tfrepair.tfhost.worker")
"""Without ``-P``, Python would import modules from the working directory: code nobody asked for."""


def worker_environment(keras: int) -> dict[str, str]:
    """Return the environment of the worker.

    One CPU, and no oneDNN: its kernels round differently from machine to machine, and the
    forward check compares results between processes. ``PYTHONHASHSEED`` keeps sets in one order,
    so that the same request writes the same graph.
    """
    settings = {
        "KERAS_BACKEND": "tensorflow",
        "TF_USE_LEGACY_KERAS": "1" if keras == 2 else "0",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "CUDA_VISIBLE_DEVICES": "-1",
        "PYTHONHASHSEED": "0",
        "PYTHONIOENCODING": "utf-8",
    }
    return {**os.environ, **settings}


class ChildHost:
    """A host in a process of its own; a context manager.

    Parameters
    ----------
    keras
        ``3``, or ``2`` for tf_keras.
    limit
        Seconds that one request may take; ``None`` for as long as it needs.
    command
        Program to start instead of the worker.
    """

    def __init__(
        self, keras: int = 3, *, limit: float | None = None, command: Sequence[str] | None = None
    ) -> None:
        self._keras = keras
        self._limit = limit
        self._command = tuple(command or (sys.executable, *_WORKER))
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._tail: deque[str] = deque(maxlen=_TAIL)
        self._threads: tuple[threading.Thread, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(kill=kind is not None)

    def describe(self, request: ArchRequest) -> Architecture:
        """Build the architecture and describe it."""
        return Architecture.from_json(self._ask("describe", request.to_json()))

    def audit(self, request: ArchRequest) -> Audit:
        """Build the architecture and find out what saving it would lose."""
        return Audit.from_json(self._ask("audit", request.to_json()))

    def export(self, request: ExportRequest) -> Receipt:
        """Fill the architecture that was described last, and export it."""
        return Receipt.from_json(self._ask("export", request.to_json()))

    def save_keras(self, request: SaveRequest) -> Receipt:
        """Fill the Keras model that was described last, and save it as Keras does."""
        return Receipt.from_json(self._ask("save_keras", request.to_json()))

    def forward(self, request: ForwardRequest) -> None:
        """Run a signature of a SavedModel in this host."""
        self._ask("forward", request.to_json())

    def calibrate(self, request: CalibrateRequest) -> Calibrated:
        """Estimate slots of the optimizer that was described last."""
        return Calibrated.from_json(self._ask("calibrate", request.to_json()))

    def train(self, request: TrainRequest) -> Losses:
        """Train a SavedModel in memory."""
        return Losses.from_json(self._ask("train", request.to_json()))

    def close(self, *, kill: bool = False) -> None:
        """End the worker; closing its stdin is the request to go."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        if not kill:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE)
        # Also when it has ended: what the user's code has started may hold the pipes open.
        _kill(process)
        process.wait()
        for thread in self._threads:
            thread.join(_GRACE)
        for stream in (process.stdout, process.stderr):
            # Closing a pipe that a thread still reads from would wait for that thread.
            if stream is not None and not any(thread.is_alive() for thread in self._threads):
                stream.close()

    def _ask(self, what: str, request: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
        process = self._started()
        line = json.dumps({"do": what, "keras": self._keras, "request": request}) + "\n"
        try:
            if process.stdin is not None:
                process.stdin.write(line.encode())
                process.stdin.flush()
            answer = self._answer(process, what)
        except BrokenPipeError:
            answer = None
        except BaseException:
            self.close(kill=True)
            raise
        if answer is None:
            raise self._death(process, what)
        return self._opened(answer, what)

    def _answer(self, process: subprocess.Popen[bytes], what: str) -> bytes | None:
        """Wait for a line; ``None`` if the process has ended.

        The end of the channel alone does not tell: a child that the user's code has forked may
        hold it open.
        """
        started = time.monotonic()
        had_ended = False
        while True:
            with contextlib.suppress(queue.Empty):
                return self._answers.get(timeout=min(self._limit or _BEAT, _BEAT))
            if had_ended:
                return None
            had_ended = process.poll() is not None
            if self._limit is not None and time.monotonic() - started >= self._limit:
                self.close(kill=True)
                message = f"the TensorFlow process gave no answer to {what!r} in {self._limit:g} s"
                raise TimedOut(message + self._last_words())

    def _opened(self, answer: bytes, what: str) -> Any:  # noqa: ANN401 - JSON
        try:
            reply = json.loads(answer)
            succeeded = reply["ok"]
        except (ValueError, KeyError, TypeError) as error:
            self.close(kill=True)
            message = f"the TensorFlow process answered {what!r} with {answer[:80]!r}, not JSON"
            raise HostError(message + self._last_words()) from error
        if succeeded:
            return reply["result"]
        if reply["kind"] == "ArchitectureError":
            raise ArchitectureError(
                reply["message"], remedy=reply["remedy"], user_traceback=reply["user_traceback"]
            )
        raise HostError(reply["message"] + self._last_words(), remedy=reply["remedy"])

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._answers = queue.SimpleQueue()
            self._tail.clear()
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=worker_environment(self._keras),
                start_new_session=True,
            )
            stdout, stderr = self._process.stdout, self._process.stderr
            if stdout is None or stderr is None:
                message = "the TensorFlow process has no output"
                raise HostError(message)
            self._threads = (
                threading.Thread(target=_relay, args=(stdout, self._answers), daemon=True),
                threading.Thread(target=self._listen, args=(stderr,), daemon=True),
            )
            for thread in self._threads:
                thread.start()
        return self._process

    def _listen(self, stream: IO[bytes]) -> None:
        shown = False
        for raw in stream:
            line, mark = _without_mark(raw.decode("utf-8", "replace"))
            if line:
                self._tail.append(line.rstrip("\n")[:_TAIL_WIDTH])
                if shown:
                    _pass_on(line)
            shown = mark == SHOW if mark else shown

    def _death(self, process: subprocess.Popen[bytes], what: str) -> Died:
        try:
            code = process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self.close(kill=True)
            message = f"the TensorFlow process closed its channel during {what!r}"
            return Died(message + self._last_words(), remedy="run the model by itself")
        self.close(kill=True)
        if code < 0:
            try:
                how = f"was killed by {signal.Signals(-code).name}"
            except ValueError:
                how = f"was killed by signal {-code}"
        else:
            how = f"ended with exit code {code}"
        message = f"the TensorFlow process {how} during {what!r}"
        return Died(
            message + self._last_words(),
            remedy="SIGKILL often means that memory ran out; SIGABRT and SIGSEGV come from native "
            "code: run the model by itself to see whether it works",
        )

    def _last_words(self) -> str:
        if not self._tail:
            return ""
        return "\nits last lines:\n" + "\n".join(f"  {line}" for line in self._tail)


def _relay(stream: IO[bytes], answers: "queue.SimpleQueue[bytes | None]") -> None:
    for line in stream:
        answers.put(line)
    answers.put(None)


def _without_mark(line: str) -> tuple[str, str]:
    """Split a mark off the end of a line: what was printed before it may have no line end."""
    for mark in (SHOW, HOLD):
        if line.endswith(mark):
            before = line.removesuffix(mark)
            return (before + "\n" if before else ""), mark
    return line, ""


def _pass_on(line: str) -> None:
    """Print a line of the user's; a stderr that is closed or full must not stop the worker."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(line)
        sys.stderr.flush()


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
