"""Where the architecture of a conversion comes from: what the user gives, the plan, or the source.

Opens files that carry a configuration, and puts the readers and :mod:`tfrepair.architecture`
together, which do not know each other. Comes before the host builds what is chosen here.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any

from tfrepair.api.copying import require_copy
from tfrepair.api.options import KERAS_FORMATS, Options
from tfrepair.api.plans import load_plan, planned_arch
from tfrepair.api.sources import graph_beside, open_store
from tfrepair.architecture.keras_config.preparing import KerasTexts
from tfrepair.architecture.request import (
    DEFAULT_KERAS,
    GRAPH_OPTIONS,
    ConfigOptions,
    arch_request,
    config_request,
    json_texts,
)
from tfrepair.architecture.saved_metadata import is_saved_model, texts_of_saved_model
from tfrepair.core.architecture import Architecture
from tfrepair.core.digest import text_digest
from tfrepair.core.errors import ArchitectureError, SourceError, UsageError
from tfrepair.core.findings import Finding
from tfrepair.core.tensor import TensorStore
from tfrepair.tfhost.client import ChildHost
from tfrepair.tfhost.inprocess import InProcessHost
from tfrepair.tfhost.protocol import ArchRequest, Host
from tfrepair.writers.names import OF_A_MODEL, SAVED_MODEL

MIN_PARAMETERS = 1 << 24
"""Elements that a configuration may always ask for: 64 MiB in float32."""
GROWTH = 4
"""How many times the elements of its file a configuration may ask for."""
Opener = Callable[[], TensorStore]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """An architecture before it is built.

    Attributes
    ----------
    host, request
        Who builds it, and what is asked.
    named
        What a plan remembers: the path as it was given, or the source's own name.
    findings
        What reading it brought to light.
    digest
        Of a configuration's texts; empty for everything else, which the host digests.
    """

    host: Host
    request: ArchRequest
    named: str
    findings: tuple[Finding, ...] = field(default=())
    digest: str = ""

    def described(self) -> Architecture:
        """Let the host build and describe it."""
        found = self.host.describe(self.request)
        return replace(
            found,
            findings=(*self.findings, *found.findings),
            digest=self.digest or found.digest,
        )


def choose(source: str | Path, arch: Any, options: Options, opened: Opener) -> Chosen | None:  # noqa: ANN401 - as for convert
    """Find the architecture of a conversion.

    Parameters
    ----------
    source, arch, options
        As for :func:`tfrepair.api.conversion.convert`.
    opened
        Opens the source.

    Returns
    -------
    ``None`` where the output needs none.

    Raises
    ------
    UsageError
        If none is given and none is in the source, or options do not go together.
    ArchitectureError
        If what is given is none, or cannot be taken from data.
    SourceError
        If the source has to be opened and cannot be.
    """
    if arch is not None and not isinstance(arch, str | Path):
        return _live(arch, options)
    named = str(arch or "")
    if not named and options.plan is not None:
        named = _planned(source, Path(options.plan))
    if not named:
        return _of_source(source, options, opened)
    texts = _texts(named)
    if texts is None:
        request = arch_request(
            named,
            keras=options.keras,
            input_shapes=options.input_shapes,
            optimizer=options.optimizer,
            loss=options.loss,
            metrics=options.metrics,
            inputs=options.graph_inputs,
            outputs=options.graph_outputs,
            feeds=options.feeds,
            train_op=options.train_op,
            custom_objects=_custom_objects(options),
        )
        return Chosen(host=ChildHost(keras=request.keras), request=request, named=named)
    return _configured(texts, Path(named), named, options, opened())


def _planned(source: str | Path, plan: Path) -> str:
    """Return the architecture that a plan names: nothing if it is the source itself."""
    arch = load_plan(plan).arch.path
    return "" if arch == Path(source).name else planned_arch(plan)


def _of_source(source: str | Path, options: Options, opened: Opener) -> Chosen | None:
    """Return the architecture that lies in the source or beside it."""
    if options.to not in OF_A_MODEL:
        require_copy(options)
        return None
    store = opened()
    path = Path(source)
    texts = _texts_of_store(store)
    if texts is None:
        graph = graph_beside(store) if options.to == SAVED_MODEL else None
        if graph is not None:
            return choose(source, graph, options, opened)
        folder = _saved_model_of(store)
        texts = None if folder is None else texts_of_saved_model(folder)
        path = folder or path
    if texts is None:
        if store.format in KERAS_FORMATS:
            message = f"{source}: holds weights only; the layers that they belong to are not in it"
            raise UsageError(message, remedy=_GIVE)
        require_copy(options)
        return None
    return _configured(texts, path, Path(source).name, options, store)


_GIVE = (
    "give --arch model.py, a Keras JSON config, or the .keras or .h5 of the whole model; --to npz "
    "writes the tensors alone"
)


def _saved_model_of(store: TensorStore) -> Path | None:
    for name in store.files:
        folder = Path(name).parent
        if folder.name == "variables" and is_saved_model(folder.parent):
            return folder.parent
    return None


def _texts(named: str) -> KerasTexts | None:
    """Return the configuration in what the user gave for ``--arch``; ``None`` if it is code."""
    path = Path(named)
    try:
        if not path.exists():
            return None
    except (OSError, ValueError):
        return None  # a name that no file can have
    if path.is_dir():
        if is_saved_model(path):
            return texts_of_saved_model(path)
        return _texts_of_file(path) if (path / "config.json").is_file() else None
    suffix = path.suffix.lower()
    if suffix == ".json":
        return json_texts(path)
    return None if suffix == ".py" or _begins_as_neither(path) else _texts_of_file(path)


_HDF5, _ZIP = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"


def _begins_as_neither(path: Path) -> bool:
    with path.open("rb") as file:
        return not file.read(8).startswith((_HDF5, _ZIP))


def _texts_of_file(path: Path) -> KerasTexts:
    try:
        store = open_store(path)
    except SourceError as error:
        message = f"--arch {path}: {error.message}"
        raise ArchitectureError(message, remedy=error.remedy) from error
    texts = _texts_of_store(store)
    if texts is None:
        message = f"--arch {path}: holds no configuration of a model"
        raise ArchitectureError(message, remedy="give the file of a whole model, or a model.py")
    return texts


def _texts_of_store(store: TensorStore) -> KerasTexts | None:
    held = store.attributes
    if not held.get("model_config"):
        return None
    return KerasTexts(
        where=Path(store.path).name,
        model=held["model_config"],
        training=held.get("training_config", ""),
        version=held.get("keras_version", ""),
        optimizer=held.get("optimizer", ""),
    )


def _configured(
    texts: KerasTexts, path: Path, named: str, options: Options, store: TensorStore
) -> Chosen:
    if options.graph_inputs or options.graph_outputs or options.feeds or options.train_op:
        message = f"{GRAPH_OPTIONS}; {path} is none"
        raise UsageError(message)
    custom = _custom_objects(options)
    given = ConfigOptions(
        keras=options.keras,
        input_shapes=options.input_shapes,
        optimizer=options.optimizer,
        loss=options.loss,
        metrics=options.metrics,
        custom_objects=custom,
        max_parameters=max(MIN_PARAMETERS, GROWTH * _elements(store)),
    )
    request, prepared = config_request(texts, path, given)
    code = Path(custom).read_text(encoding="utf-8", errors="replace") if custom else ""
    return Chosen(
        host=ChildHost(keras=request.keras),
        request=request,
        named=named,
        findings=prepared.findings,
        digest=text_digest(f"{prepared.digest}\n{code}") if code else prepared.digest,
    )


def _elements(store: TensorStore) -> int:
    return sum(math.prod(tensor.shape) for tensor in store)


def _custom_objects(options: Options) -> str:
    return "" if options.custom_objects is None else str(options.custom_objects)


def _live(model: Any, options: Options) -> Chosen:  # noqa: ANN401 - as for convert
    _require_model(model, options)
    request = ArchRequest(
        kind="live",
        location=type(model).__name__,
        keras=options.keras or DEFAULT_KERAS,
        optimizer=options.optimizer,
        loss=options.loss,
        metrics=options.metrics,
    )
    host = InProcessHost(model, options.sample_input)
    return Chosen(host=host, request=request, named=request.location)


def _require_model(arch: Any, options: Options) -> None:  # noqa: ANN401 - as for convert
    """Refuse what cannot be a live model, before TensorFlow has to look at it."""
    if isinstance(arch, type | FunctionType | MethodType | partial):
        message = f"arch: expected a model or a path, found {getattr(arch, '__name__', arch)}"
        raise UsageError(message, remedy="call it: arch=build_model()")
    if not hasattr(arch, "__dict__"):
        message = f"arch: expected a model or a path, found {type(arch).__name__}"
        raise UsageError(message, remedy='for example arch="model.py"')
    if options.input_shapes:
        message = "input_shapes are for an architecture that is given by its path"
        raise UsageError(message, remedy="give sample_input, or call the model once")
    if options.custom_objects:
        message = "custom_objects are for an architecture that is a configuration"
        raise UsageError(message, remedy="a live model has its classes")
