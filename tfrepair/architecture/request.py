"""What the user gives for ``--arch``, as a request to the host.

Knows the spellings of ``--arch`` and ``--input-shape``; never runs or reads the user's code
itself. Comes before the host (:mod:`tfrepair.tfhost`).
"""

import re
from pathlib import Path

from tfrepair.core.errors import ArchitectureError, SourceError, UsageError
from tfrepair.tfhost.protocol import ArchRequest
from tfrepair.wire.mapping import map_file
from tfrepair.wire.protobuf import parse

META = "meta"
"""Kind of a request whose architecture is a graph of TensorFlow 1."""

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
    inputs: tuple[str, ...] = (),
    outputs: tuple[str, ...] = (),
    feeds: tuple[str, ...] = (),
) -> ArchRequest:
    """Read ``--arch`` and its companions.

    Parameters
    ----------
    arch
        ``model.py``, ``model.py:factory``, ``package.module:factory``, a Keras JSON config, or the
        ``.meta`` file of a TensorFlow 1 checkpoint.
    keras, optimizer, loss, metrics
        As in :class:`~tfrepair.tfhost.protocol.ArchRequest`.
    input_shapes
        ``"224,224,3"`` or ``"name=224,224,3"``, without the batch axis; with a leading ``?`` the
        batch axis is included.
    inputs, outputs
        For a ``.meta`` file, as in :class:`~tfrepair.tfhost.protocol.ArchRequest`.
    feeds
        For a ``.meta`` file: ``"is_training=false"``, values of placeholders when serving.

    Raises
    ------
    ArchitectureError
        If nothing of that name exists.
    UsageError
        For a Keras generation, a shape or a feed that cannot be read, and for options that the
        architecture has no use for.
    """
    if keras not in (2, 3):
        message = f"--keras {keras}: there is 2 (tf_keras) and 3"
        raise UsageError(message)
    kind, location, factory = _located(arch)
    if kind != META and (inputs or outputs or feeds):
        message = f"--inputs, --outputs and --feed name tensors of a .meta graph; {arch} is none"
        raise UsageError(message)
    return ArchRequest(
        kind=kind,
        location=location,
        factory=factory,
        keras=keras,
        input_shapes=tuple(_input_shape(text) for text in input_shapes),
        optimizer=optimizer,
        loss=loss,
        metrics=metrics,
        inputs=inputs,
        outputs=outputs,
        constants=tuple(_feed(text) for text in feeds),
    )


def _feed(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name.strip() or not equals or not value.strip():
        message = f"--feed {text}: expected NAME=VALUE"
        raise UsageError(message, remedy="for example --feed is_training=false")
    return name.strip(), value.strip()


def is_meta_graph(path: Path) -> bool:
    """Tell by its content whether a file is a MetaGraphDef: the graph behind a checkpoint.

    Source: meta_graph.proto: field 1 says who wrote it, field 2 is the graph, whose field 1 are
    nodes with a name (1) and an operation (2).
    """
    try:
        message = parse(map_file(path), str(path))
        nodes = message.message(2).raws(1)
        first = parse(nodes[0], str(path)) if nodes else None
        return first is not None and bool(first.text(1)) and bool(first.text(2))
    except (SourceError, OSError):
        return False


def _located(arch: str) -> tuple[str, str, str]:
    path, colon, factory = arch.rpartition(":")
    if not colon or _exists(arch):
        path, factory = arch, ""
    if _exists(path) and Path(path).is_file():
        kind = {".py": "file", ".json": "json"}.get(Path(path).suffix.lower())
        if kind is None and is_meta_graph(Path(path)):
            kind = META
        if kind is None:
            message = f"--arch {path}: expected a Python file, a Keras JSON config or a .meta file"
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


_REMEDY = (
    "give --arch model.py, model.py:factory, package.module:factory, a Keras JSON config or the "
    ".meta file beside a checkpoint"
)


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
