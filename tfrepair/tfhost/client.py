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
from collections import deque
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import IO, Any, Self

from tfrepair.core.architecture import Architecture
from tfrepair.core.errors import ArchitectureError, Died, HostError, TimedOut
from tfrepair.core.receipt import Receipt
from tfrepair.tfhost.protocol import ArchRequest, ExportRequest, ForwardRequest

SHOW, HOLD = "\x1etfrepair show\n", "\x1etfrepair hold\n"
"""Lines on the worker's stderr: pass on what follows, or keep it for a crash message."""

_TAIL = 20
_GRACE = 5.0


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
        self._command = tuple(command or (sys.executable, "-m", "tfrepair.tfhost.worker"))
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._tail: deque[str] = deque(maxlen=_TAIL)
        self._listener: threading.Thread | None = None

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

    def export(self, request: ExportRequest) -> Receipt:
        """Fill the architecture that was described last, and export it."""
        return Receipt.from_json(self._ask("export", request.to_json()))

    def forward(self, request: ForwardRequest) -> None:
        """Run a signature of a SavedModel in this host."""
        self._ask("forward", request.to_json())

    def close(self, *, kill: bool = False) -> None:
        """End the worker; closing its stdin is the request to go."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        try:
            process.wait(0 if kill else _GRACE)
        except subprocess.TimeoutExpired:
            _kill(process)
            process.wait()
        if self._listener is not None:
            self._listener.join(_GRACE)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()

    def _ask(self, what: str, request: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
        process = self._started()
        line = json.dumps({"do": what, "keras": self._keras, "request": request}) + "\n"
        try:
            if process.stdin is not None:
                process.stdin.write(line.encode())
                process.stdin.flush()
            answer = self._answers.get(timeout=self._limit)
        except queue.Empty as error:
            self.close(kill=True)
            message = f"the TensorFlow process gave no answer to {what!r} in {self._limit:g} s"
            raise TimedOut(message + self._last_words()) from error
        except BrokenPipeError:
            answer = None
        except BaseException:
            self.close(kill=True)
            raise
        if answer is None:
            raise self._death(process, what)
        return self._opened(answer, what)

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
            threading.Thread(target=_relay, args=(stdout, self._answers), daemon=True).start()
            self._listener = threading.Thread(target=self._listen, args=(stderr,), daemon=True)
            self._listener.start()
        return self._process

    def _listen(self, stream: IO[bytes]) -> None:
        shown = False
        with contextlib.suppress(ValueError):
            for raw in stream:
                line = raw.decode("utf-8", "replace")
                if line in (SHOW, HOLD):
                    shown = line == SHOW
                    continue
                self._tail.append(line.rstrip("\n"))
                if shown:
                    sys.stderr.write(line)
                    sys.stderr.flush()

    def _death(self, process: subprocess.Popen[bytes], what: str) -> Died:
        code = process.wait()
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
    with contextlib.suppress(ValueError):
        for line in stream:
            answers.put(line)
    answers.put(None)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
