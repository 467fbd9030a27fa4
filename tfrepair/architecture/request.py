"""What the user gives for ``--arch``, as a request to the host.

Knows the spellings of ``--arch`` and ``--input-shape``; never runs or reads the user's code
itself. Comes before the host (:mod:`tfrepair.tfhost`).
"""

import re
from pathlib import Path

from tfrepair.core.errors import ArchitectureError, UsageError
from tfrepair.tfhost.protocol import ArchRequest

_FREE = frozenset({"none", "?", "-1", "*"})
_MODULE = re.compile(r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")


def arch_request(
    arch: str,
    *,
    keras: int = 3,
    input_shapes: tuple[str, ...] = (),
    optimizer: str = "",
    loss: str = "",
    metrics: tuple[str, ...] = (),
) -> ArchRequest:
    """Read ``--arch`` and its companions.

    Parameters
    ----------
    arch
        ``model.py``, ``model.py:factory``, ``package.module:factory`` or a Keras JSON config.
    keras, optimizer, loss, metrics
        As in :class:`~tfrepair.tfhost.protocol.ArchRequest`.
    input_shapes
        ``"224,224,3"`` or ``"name=224,224,3"``, without the batch axis; with a leading ``?`` the
        batch axis is included.

    Raises
    ------
    ArchitectureError
        If nothing of that name exists.
    UsageError
        For a Keras generation or a shape that cannot be read.
    """
    if keras not in (2, 3):
        message = f"--keras {keras}: there is 2 (tf_keras) and 3"
        raise UsageError(message)
    kind, location, factory = _located(arch)
    return ArchRequest(
        kind=kind,
        location=location,
        factory=factory,
        keras=keras,
        input_shapes=tuple(_input_shape(text) for text in input_shapes),
        optimizer=optimizer,
        loss=loss,
        metrics=metrics,
    )


def _located(arch: str) -> tuple[str, str, str]:
    path, colon, factory = arch.rpartition(":")
    if not colon or _exists(arch):
        path, factory = arch, ""
    if _exists(path) and Path(path).is_file():
        kind = {".py": "file", ".json": "json"}.get(Path(path).suffix.lower())
        if kind is None:
            message = f"--arch {path}: expected a Python file or a Keras JSON config"
            raise ArchitectureError(message, remedy=_REMEDY)
        return kind, str(Path(path).resolve()), factory
    looks_like_a_file = "/" in path or path.endswith((".py", ".json"))
    is_module = _MODULE.match(path) is not None and not looks_like_a_file
    if is_module and not _exists(path):
        return "module", path, factory
    found = "it is a folder" if _exists(path) else "there is no such file"
    message = f"--arch {arch}: {found}"
    raise ArchitectureError(message, remedy=_REMEDY)


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except OSError:
        return False  # a name that no file can have


_REMEDY = "give --arch model.py, model.py:factory, package.module:factory or a Keras JSON config"


def _input_shape(text: str) -> tuple[str, tuple[int, ...]]:
    name, _, dims = text.rpartition("=")
    parts = [part.strip().lower() for part in dims.strip("()[] ").split(",") if part.strip()]
    try:
        shape = tuple(-1 if part in _FREE else int(part) for part in parts)
    except ValueError as error:
        message = f"--input-shape {text}: expected numbers, got {dims!r}"
        raise UsageError(message, remedy="for example --input-shape 224,224,3") from error
    if not shape or any(size == 0 or size < -1 for size in shape):
        message = f"--input-shape {text}: expected at least one axis, all positive or ?"
        raise UsageError(message, remedy="for example --input-shape 224,224,3")
    return name.strip(), shape if shape[0] == -1 else (-1, *shape)
