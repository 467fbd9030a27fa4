"""A layout twin that the architecture makes: its Keras writes a file of the same kind.

The values in it are those of a new model; only the places count. Starts TensorFlow in a process of
its own.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tfrepair.api.architectures import choose
from tfrepair.api.options import Options
from tfrepair.core.errors import TfrepairError
from tfrepair.core.tensor import Limits, TensorStore
from tfrepair.readers.h5_salvage import template_of
from tfrepair.readers.h5_siblings import plain_bytes
from tfrepair.readers.h5_twin import Template
from tfrepair.readers.keras_salvage import archived_weights
from tfrepair.tfhost.protocol import SaveRequest

_PLAIN, _WEIGHTS, _ARCHIVE = "model.h5", "model.weights.h5", "model.keras"
_BARE = "weights.bare"
"""Becomes ``weights.h5``: weights alone, in the layout of full models."""


def twin_of_architecture(
    path: Path, arch: str, store: TensorStore | None, progress: Callable[[str, int, int], None]
) -> Iterator[tuple[Template, ...]]:
    """Let the architecture write the files that a damaged one may be.

    Parameters
    ----------
    path
        The damaged file; its name and content say which kinds are tried.
    arch
        As for a conversion; empty for the configuration in the file itself.
    store
        What is left of the file, for its configuration.
    progress
        Told about the stages.

    Yields
    ------
    The files that could be written, as templates: of Keras 3, then, if more is asked for, of
    tf_keras. Files of a template are there until the next one is asked for.

    Raises
    ------
    TfrepairError
        If the architecture cannot be built, or writes none of them.
    """
    errors: list[TfrepairError] = []
    count = 0
    for keras in (None,) if not arch else (3, 2):
        progress("build the architecture", 0, 0)
        with tempfile.TemporaryDirectory() as folder:
            try:
                found = _written(path, arch, store, Path(folder), keras)
            except TfrepairError as error:
                errors.append(error)
                continue
            count += len(found)
            yield found
    if errors and not count:
        raise errors[0]


def _written(
    path: Path, arch: str, store: TensorStore | None, folder: Path, keras: int | None
) -> tuple[Template, ...]:
    def opened() -> TensorStore:
        return store if store is not None else _nothing(path)

    chosen = choose(path, arch or None, Options(keras=keras), opened)
    if chosen is None:
        return ()
    found: list[Template] = []
    errors: list[TfrepairError] = []
    with chosen.host as host:
        host.describe(chosen.request)
        for name in _kinds(path):
            try:
                host.save_keras(
                    SaveRequest(
                        file=str(folder / name),
                        values=(),
                        keep_state=True,
                        note="",
                        layout_only=True,
                    )
                )
            except TfrepairError as error:
                errors.append(error)
                continue
            template = _template(folder / name, Path(arch or path.name), is_given=bool(arch))
            found += [template] if template is not None else []
    if errors and not found:
        raise errors[0]
    return tuple(found)


def _template(file: Path, origin: Path, *, is_given: bool) -> Template | None:
    if file.name == _BARE:
        file = file.with_suffix(".h5")
    source = archived_weights(file) if file.name == _ARCHIVE else plain_bytes(file)
    if source is None:
        return None
    return template_of(origin, source, Limits(), is_given=is_given, has_values=False)


def _nothing(path: Path) -> TensorStore:
    return TensorStore(
        format="keras_h5",
        path=str(path),
        files=(),
        tensors=(),
        names_are_meaningful=True,
        order_is_meaningful=True,
    )


def _kinds(path: Path) -> tuple[str, ...]:
    with path.open("rb") as file:
        if file.read(2) == b"PK":
            return (_ARCHIVE, _WEIGHTS)
    is_weights = path.name.endswith(".weights.h5")
    return (_WEIGHTS, _PLAIN) if is_weights else (_PLAIN, _WEIGHTS, _BARE)
