"""What the user gives for ``--arch``, as a request to the host.

Knows the spellings of ``--arch`` and ``--input-shape``; never runs or reads the user's code
itself. Comes before the host (:mod:`tfrepair.tfhost`).
"""

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tfrepair.architecture.keras_config.preparing import KerasTexts, Prepared, prepare
from tfrepair.architecture.keras_config.reading import MAX_TEXT
from tfrepair.core.errors import ArchitectureError, SourceError, UsageError
from tfrepair.tfhost.protocol import CONFIG, ArchRequest
from tfrepair.wire.mapping import map_file
from tfrepair.wire.saved_model import holds_graph

DEFAULT_KERAS = 3
"""Generation that Python files are run under, unless ``--keras`` says otherwise."""
META = "meta"
GRAPH_OPTIONS = "--inputs, --outputs, --feed and --train-op name parts of a .meta graph"
"""Kind of a request whose architecture is a graph of TensorFlow 1."""

_FREE = frozenset({"none", "?", "-1", "*"})
_MODULE = re.compile(r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")


def arch_request(
    arch: str,
    *,
    keras: int | None = None,
    input_shapes: tuple[str, ...] = (),
    optimizer: str = "",
    loss: str = "",
    metrics: tuple[str, ...] = (),
    inputs: tuple[str, ...] = (),
    outputs: tuple[str, ...] = (),
    feeds: tuple[str, ...] = (),
    train_op: str = "",
    custom_objects: str = "",
) -> ArchRequest:
    """Read ``--arch`` and its companions.

    Parameters
    ----------
    arch
        ``model.py``, ``model.py:factory``, ``package.module:factory``, a Keras JSON config, or the
        ``.meta`` file of a TensorFlow 1 checkpoint.
    keras
        2 or 3; ``None`` for :data:`DEFAULT_KERAS`, and for a config that of its writer.
    optimizer, loss, metrics
        As in :class:`~tfrepair.tfhost.protocol.ArchRequest`.
    input_shapes
        ``"224,224,3"`` or ``"name=224,224,3"``, without the batch axis; with a leading ``?`` the
        batch axis is included.
    inputs, outputs
        For a ``.meta`` file, as in :class:`~tfrepair.tfhost.protocol.ArchRequest`.
    feeds
        For a ``.meta`` file: ``"is_training=false"``, values of placeholders when serving.
    train_op
        For a ``.meta`` file: the operation that trains, if the graph has several.
    custom_objects
        For a config: Python file that defines its custom classes; it is run.

    Raises
    ------
    ArchitectureError
        If nothing of that name exists.
    UsageError
        For a Keras generation, a shape or a feed that cannot be read, and for options that the
        architecture has no use for.
    """
    _require_keras(keras)
    kind, location, factory = _located(arch)
    if kind != META and (inputs or outputs or feeds or train_op):
        message = f"{GRAPH_OPTIONS}; {arch} is none"
        raise UsageError(message)
    if kind == CONFIG:
        options = ConfigOptions(
            keras=keras,
            input_shapes=input_shapes,
            optimizer=optimizer,
            loss=loss,
            metrics=metrics,
            custom_objects=custom_objects,
        )
        return config_request(json_texts(Path(location)), Path(location), options)[0]
    if custom_objects:
        message = f"--custom-objects go with a configuration; {arch} is none"
        raise UsageError(message, remedy="define the classes in the module of --arch")
    return ArchRequest(
        kind=kind,
        location=location,
        factory=factory,
        keras=keras or DEFAULT_KERAS,
        input_shapes=tuple(_input_shape(text) for text in input_shapes),
        optimizer=optimizer,
        loss=loss,
        metrics=metrics,
        inputs=inputs,
        outputs=outputs,
        constants=tuple(_feed(text) for text in feeds),
        train_op=train_op,
    )


def _require_keras(keras: int | None) -> None:
    if keras not in (None, 2, 3):
        message = f"--keras {keras}: there is 2 (tf_keras) and 3"
        raise UsageError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigOptions:
    """The companions of ``--arch`` that concern a configuration; see :func:`arch_request`.

    ``max_parameters`` goes into the request as it is.
    """

    keras: int | None = None
    input_shapes: tuple[str, ...] = ()
    optimizer: str = ""
    loss: str = ""
    metrics: tuple[str, ...] = ()
    custom_objects: str = ""
    max_parameters: int = 0


def config_request(
    texts: KerasTexts, location: Path, options: ConfigOptions
) -> tuple[ArchRequest, Prepared]:
    """Make a request of a Keras configuration.

    Parameters
    ----------
    texts
        What the file holds.
    location
        The file.
    options
        What the user gave.

    Returns
    -------
    The request, and the configuration as it was upgraded, with findings and digest.

    Raises
    ------
    ArchitectureError
        If the configuration cannot be used; see
        :func:`~tfrepair.architecture.keras_config.preparing.prepare`.
    UsageError
        For a generation that does not exist, or a module that is not there.
    """
    _require_keras(options.keras)
    if options.custom_objects and not Path(options.custom_objects).is_file():
        message = f"--custom-objects {options.custom_objects}: there is no such file"
        raise UsageError(message, remedy="give a Python file that defines the classes")
    prepared = prepare(
        texts,
        keras=options.keras,
        has_tf_keras=find_spec("tf_keras") is not None,
        has_custom_objects=bool(options.custom_objects),
    )
    custom = str(Path(options.custom_objects).resolve()) if options.custom_objects else ""
    request = ArchRequest(
        kind=CONFIG,
        location=str(location.resolve()),
        keras=prepared.keras,
        input_shapes=tuple(_input_shape(text) for text in options.input_shapes),
        optimizer=options.optimizer,
        loss=options.loss,
        metrics=options.metrics,
        config=prepared.model,
        training=prepared.training,
        custom_objects=custom,
        wanted=prepared.wanted,
        max_parameters=options.max_parameters,
    )
    return request, prepared


def json_texts(path: Path) -> KerasTexts:
    """Read a Keras JSON config.

    Raises
    ------
    ArchitectureError
        If it cannot be read, or is longer than any config.
    """
    try:
        if path.stat().st_size > 4 * MAX_TEXT:
            message = f"{path}: {path.stat().st_size} bytes, more than any Keras config has"
            raise ArchitectureError(message)
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror or error}"
        raise ArchitectureError(message) from error
    return KerasTexts(where=path.name, model=text)


def _feed(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name.strip() or not equals or not value.strip():
        message = f"--feed {text}: expected NAME=VALUE"
        raise UsageError(message, remedy="for example --feed is_training=false")
    return name.strip(), value.strip()


def is_meta_graph(path: Path) -> bool:
    """Tell by its content whether a file is a MetaGraphDef: the graph behind a checkpoint."""
    try:
        return holds_graph(map_file(path), str(path))
    except (SourceError, OSError):
        return False


def _located(arch: str) -> tuple[str, str, str]:
    path, colon, factory = arch.rpartition(":")
    if not colon or _exists(arch):
        path, factory = arch, ""
    if _exists(path) and Path(path).is_file():
        kind = {".py": "file", ".json": CONFIG}.get(Path(path).suffix.lower())
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
    "give --arch model.py, model.py:factory, package.module:factory, a Keras JSON config, the "
    ".keras or .h5 of a whole model, or the .meta file beside a checkpoint"
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
