"""How a command ends: every error has its sentence, its exit code and its JSON object.

Knows the error tree, signals and pipes; nothing of what the commands do.
"""

import io
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import typer
from typer.core import TyperGroup
from typing_extensions import override

from tfrepair.cli.printable import json_text, several_lines
from tfrepair.core.errors import TfrepairError, UsageError

BUG, INTERRUPTED, BROKEN_PIPE, TERMINATED = 1, 130, 141, 143


class Program(TyperGroup):
    """The command group; what is wrong with the arguments is told as every other error is."""

    @override
    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Parse the arguments, run the command, and exit with its code."""
        arguments = list(sys.argv[1:] if args is None else args)
        try:
            code = super().main(arguments, "tfrepair", standalone_mode=False, **extra)
        except Exception as error:
            if getattr(error, "exit_code", 0) != UsageError.exit_code:
                raise
            code = tell(_usage(error), debug=False, as_json="--json" in arguments)
        sys.exit(code or 0)


class _Terminated(BaseException):
    """SIGTERM came: unwind, so that nothing half-done is left behind."""


def end(work: Callable[[], int], *, debug: bool, as_json: bool) -> None:
    """Run a command's work and exit with the code of its end.

    Raises
    ------
    typer.Exit
        Always.
    """
    with suppress(AttributeError, io.UnsupportedOperation):
        # A name that the terminal's encoding lacks must not end the command.
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    raise typer.Exit(_ended(work, debug=debug, as_json=as_json))


def _ended(work: Callable[[], int], *, debug: bool, as_json: bool) -> int:
    try:
        with _termination_unwinds():
            code = work()
            if sys.stdout is not None:
                sys.stdout.flush()
    except TfrepairError as error:
        return tell(error, debug=debug, as_json=as_json)
    except (KeyboardInterrupt, _Terminated) as error:
        code = INTERRUPTED if isinstance(error, KeyboardInterrupt) else TERMINATED
        return _stopped(code, as_json=as_json)
    except BrokenPipeError:
        _silence_stdout()
        return BROKEN_PIPE
    except Exception as error:  # noqa: BLE001 - the last place that can still say something
        return _bug(error, debug=debug, as_json=as_json)
    return code


def tell(error: TfrepairError, *, debug: bool, as_json: bool) -> int:
    """Print an error: sentences on stderr, the object on stdout; return its exit code."""
    if as_json:
        print_json(error_json(type(error).__name__, error.exit_code, error.message, error.remedy))
    complain(error, debug=debug)
    return error.exit_code


def complain(error: TfrepairError, *, debug: bool) -> None:
    """Print an error on stderr, the lines of the user's own code first."""
    if debug:
        traceback.print_exception(error)
    user_traceback = getattr(error, "user_traceback", "")
    if user_traceback:
        _say(user_traceback.rstrip())
    _say(f"tfrepair: {error.message}")
    if error.remedy:
        _say(f"  try: {error.remedy}")


def error_json(name: str, code: int, message: str, remedy: str) -> dict[str, Any]:
    """Return the ``tfrepair.error/1`` object."""
    return {
        "schema": "tfrepair.error/1",
        "outcome": "error",
        "exit_code": code,
        "error": name,
        "message": message,
        "remedy": remedy,
    }


def print_json(data: Mapping[str, Any]) -> None:
    """Print one JSON object on stdout."""
    print(json_text(data))


def _say(text: str) -> None:
    print(several_lines(text), file=sys.stderr)


def _usage(error: Exception) -> UsageError:
    """Turn what the argument parser raised into an error of ours."""
    context = getattr(error, "ctx", None)
    command = getattr(context, "command_path", "tfrepair")
    message = getattr(error, "format_message", error.__str__)()
    return UsageError(str(message).rstrip("."), remedy=f"{command} --help")


def _stopped(code: int, *, as_json: bool) -> int:
    message = "interrupted; nothing was put in place"
    if as_json:
        print_json(error_json("Interrupted", code, message, ""))
    _say(f"tfrepair: {message}")
    return code


def _bug(error: Exception, *, debug: bool, as_json: bool) -> int:
    message = f"a bug of ours: {type(error).__name__}: {error}"
    remedy = "run the command again with --debug, and report what it prints"
    if isinstance(error, OSError) and _is_about_stdout(error):
        message, remedy = f"stdout cannot be written: {error.strerror}", ""
        _silence_stdout()
    elif as_json:
        print_json(error_json("Bug", BUG, message, remedy))
    if debug:
        traceback.print_exception(error)
    _say(f"tfrepair: {message}")
    if remedy:
        _say(f"  try: {remedy}")
    return BUG


def _is_about_stdout(error: OSError) -> bool:
    """Tell whether stdout is what cannot be written: it still holds what it could not write."""
    if error.filename is not None:
        return False
    try:
        sys.stdout.flush()
    except OSError:
        return True
    return False


def _silence_stdout() -> None:
    """Give the interpreter nothing to complain about when it flushes stdout at its end."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _termination_unwinds() -> Iterator[None]:
    """Let SIGTERM unwind the stack, as an interrupt does; stages are removed on the way."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise _Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
