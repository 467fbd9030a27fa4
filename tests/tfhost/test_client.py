"""The parent's side of the TensorFlow process, against small programs that misbehave."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tfrepair.core.errors import ArchitectureError, Died, HostError, TimedOut
from tfrepair.tfhost.client import ChildHost, worker_environment
from tfrepair.tfhost.protocol import ForwardRequest

REQUEST = ForwardRequest(saved_model="m", signature="s", inputs="i", outputs="o")
OK = """answer('{"ok": true, "result": null}')"""
_HEAD = """
import os, signal, subprocess, sys, time
SHOW, HOLD = "\\x1etfrepair show\\n", "\\x1etfrepair hold\\n"
def answer(text):
    os.write(1, (text + "\\n").encode())
def say(text):
    os.write(2, text.encode())
for request in sys.stdin:
"""
Start = Callable[..., ChildHost]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    def start(body: str, limit: float | None = 20.0) -> ChildHost:
        script = tmp_path / "worker.py"
        script.write_text(_HEAD + "\n".join(f"    {line}" for line in body.splitlines()))
        return ChildHost(limit=limit, command=(sys.executable, str(script)))

    return start


def ask(host: ChildHost, times: int = 1) -> None:
    with host:
        for _ in range(times):
            host.forward(REQUEST)


def test_a_host_answers_again_and_again(start: Start) -> None:
    ask(start(OK), times=3)


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        ("sys.exit(3)", Died, "ended with exit code 3 during 'forward'"),
        ("raise RuntimeError('no graph')", Died, "RuntimeError: no graph"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", Died, "was killed by SIGSEGV"),
        ("os.kill(os.getpid(), signal.SIGKILL)", Died, "was killed by SIGKILL"),
        ("answer('oops')", HostError, "answered 'forward' with b'oops"),
        ("answer('{}')", HostError, "not JSON"),
        ("answer('[1]')", HostError, "not JSON"),
        ("os.write(1, bytes([255, 254, 10]))", HostError, "not JSON"),
        (
            """answer('{"ok": false, "kind": "HostError", "message": "m", "remedy": "r"}')""",
            HostError,
            "m\n",
        ),
    ],
    ids=["exit", "raise", "segv", "kill", "garbage", "empty", "list", "binary", "failure"],
)
def test_a_host_that_fails_is_an_error(
    start: Start, body: str, error: type[HostError], words: str
) -> None:
    with pytest.raises(error) as caught:
        ask(start(body))
    assert words in f"{caught.value}\n"


def test_a_crash_shows_the_last_lines(start: Start) -> None:
    body = "for n in range(99): say(f'line {n} ' + 'x' * 9999 + chr(10))\nos._exit(1)"
    with pytest.raises(Died) as caught:
        ask(start(body))
    assert "line 98 xxx" in caught.value.message
    assert "line 78 " not in caught.value.message
    assert len(caught.value.message) < 10_000


def test_an_architecture_error_keeps_the_lines_of_the_user(start: Start) -> None:
    reply = '{"ok": false, "kind": "ArchitectureError", "message": "m", "remedy": "r", '
    with pytest.raises(ArchitectureError) as caught:
        ask(start(f'answer(\'{reply}"user_traceback": "t"}}\')'))
    assert (caught.value.message, caught.value.remedy) == ("m", "r")
    assert caught.value.user_traceback == "t"


def test_a_host_that_never_answers_is_stopped(start: Start) -> None:
    started = time.monotonic()
    with pytest.raises(TimedOut, match=r"no answer to 'forward' in 0\.2 s"):
        ask(start("time.sleep(999)", limit=0.2))
    assert time.monotonic() - started < 15


def test_a_host_that_closes_its_channel_and_stays_is_stopped(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tfrepair.tfhost.client._GRACE", 0.2)
    with pytest.raises(Died, match="closed its channel"):
        ask(start("os.close(1); time.sleep(999)"))


@pytest.mark.parametrize("how", ["answer", "crash"])
def test_what_the_user_started_does_not_hold_us(start: Start, how: str, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    body = "child = subprocess.Popen(['sleep', '999'])\n"
    body += f"open({str(note)!r}, 'w').write(str(child.pid))\n"
    started = time.monotonic()
    if how == "answer":
        ask(start(body + OK))
    else:
        with pytest.raises(Died):
            ask(start(body + "os._exit(1)"))
    assert time.monotonic() - started < 15
    pid = int(note.read_text())
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return False
        if state == "Z":
            return False
        time.sleep(0.02)
    return True


def test_a_host_can_be_used_after_a_crash(start: Start, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    host = start(
        f"if not os.path.exists({str(flag)!r}): open({str(flag)!r}, 'w'); os._exit(1)\n{OK}"
    )
    with host:
        with pytest.raises(Died):
            host.forward(REQUEST)
        host.forward(REQUEST)


def test_an_interrupt_stops_the_host(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    host = start("time.sleep(999)")

    def interrupted(timeout: float | None) -> bytes:
        assert timeout
        raise KeyboardInterrupt

    with host:
        process = host._started()
        monkeypatch.setattr(host, "_answers", type("Queue", (), {"get": staticmethod(interrupted)}))
        with pytest.raises(KeyboardInterrupt):
            host.forward(REQUEST)
    assert process.poll() is not None


def test_only_what_is_shown_is_passed_on(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    body = (
        "say('noise before' + chr(10)); say(SHOW); say('epoch 1' + chr(10)); say('no line end')\n"
        f"say(HOLD); say('noise after' + chr(10))\n{OK}"
    )
    ask(start(body), times=2)
    printed = capsys.readouterr()
    assert printed.err == "epoch 1\nno line end\n" * 2
    assert printed.out == ""


def test_prints_arrive_while_the_host_works(
    start: Start, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    body = (
        f"say(SHOW); say('working' + chr(10))\nwhile not os.path.exists({str(gate)!r}): "
        f"time.sleep(0.01)\n{OK}"
    )
    host = start(body)
    seen: list[str] = []

    class Queue:
        def put(self, line: bytes | None) -> None:
            host_queue.put(line)

        def get(self, timeout: float | None) -> bytes | None:
            for _ in range(1000):
                seen.append(capsys.readouterr().err)
                if "working" in "".join(seen):
                    break
                time.sleep(0.01)
            gate.touch()
            return host_queue.get(timeout=timeout)

    with host:
        host._started()
        host_queue = host._answers
        host._answers = Queue()  # type: ignore[assignment]
        host.forward(REQUEST)
    assert "working" in "".join(seen)


@pytest.mark.parametrize("broken", [None, "closed", "full"])
def test_a_broken_stderr_does_not_stop_the_host(
    start: Start, monkeypatch: pytest.MonkeyPatch, broken: str | None
) -> None:
    body = f"say(SHOW)\nfor n in range(5000): say('x' * 99 + chr(10))\n{OK}"
    if broken is None:
        monkeypatch.setattr(sys, "stderr", None)
        ask(start(body))
        return
    with Path("/dev/full").open("w") as stream:
        if broken == "closed":
            stream.close()
        monkeypatch.setattr(sys, "stderr", stream)
        ask(start(body))
        monkeypatch.undo()
        if broken == "full":
            with pytest.raises(OSError, match="No space"):
                stream.close()


def test_the_worker_does_not_import_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "random.py"
    trap.write_text(f"open({str(tmp_path / 'sprung')!r}, 'w')")
    (tmp_path / "json.py").write_text(trap.read_text())
    monkeypatch.chdir(tmp_path)
    with ChildHost() as host:
        host._started()
    assert not (tmp_path / "sprung").exists()


def test_the_environment_says_which_keras_and_leaves_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TFREPAIR_TEST", "kept")
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "1")
    assert worker_environment(3)["TF_USE_LEGACY_KERAS"] == "0"
    assert worker_environment(2)["TF_USE_LEGACY_KERAS"] == "1"
    assert worker_environment(3)["TFREPAIR_TEST"] == "kept"
    assert os.environ["TF_USE_LEGACY_KERAS"] == "1"
