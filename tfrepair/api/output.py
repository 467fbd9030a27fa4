"""Where an output may go: never where it would change an input."""

import os
from pathlib import Path

from tfrepair.core.errors import WriteError


def output_path(out: str | Path) -> Path:
    """Return the absolute path of an output, without ``..``; its name is its own."""
    return Path(os.path.abspath(out))  # noqa: PTH100 - resolve() would follow a link that is there


def require_apart(out: Path, inputs: tuple[Path, ...]) -> None:
    """Refuse an output that holds an input, or lies in one.

    Parameters
    ----------
    out
        Absolute path to write to.
    inputs
        What must not change: files, or folders as a whole.

    Raises
    ------
    WriteError
        Naming the two.
    """
    place = _real(out)
    for path in inputs:
        real = _real(path)
        if place == real or place in real.parents:
            message = f"{out} holds {path}, which would be replaced with it"
        elif real in place.parents:
            message = f"{out} lies inside {path}, which is never changed"
        else:
            continue
        raise WriteError(message, remedy="choose an output outside the inputs")


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
