"""A layout twin that the architecture makes: its Keras writes a file of the same kind.

The values in it are those of a new model; only the places count. Starts TensorFlow in a process of
its own.
"""

from collections.abc import Callable
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


def twin_of_architecture(
    path: Path, arch: str, folder: Path, progress: Callable[[str, int, int], None]
) -> tuple[Template, ...]:
    """Let the architecture write the files that a damaged one may be.

    Parameters
    ----------
    path
        The damaged file; its name and content say which kinds are tried.
    arch
        As for a conversion.
    folder
        Where to write them.
    progress
        Told about the stages.

    Returns
    -------
    The files that could be written, as templates.

    Raises
    ------
    TfrepairError
        If the architecture cannot be built, or writes none of them.
    """

    def empty() -> TensorStore:
        return TensorStore(
            format="keras_h5",
            path=str(path),
            files=(),
            tensors=(),
            names_are_meaningful=True,
            order_is_meaningful=True,
        )

    progress("build the architecture", 0, 0)
    chosen = choose(path, arch, Options(), empty)
    if chosen is None:
        return ()
    found: list[Template] = []
    errors: list[TfrepairError] = []
    with chosen.host as host:
        host.describe(chosen.request)
        for name in _kinds(path):
            file = folder / name
            try:
                host.save_keras(SaveRequest(file=str(file), values=(), keep_state=True, note=""))
            except TfrepairError as error:
                errors.append(error)
                continue
            source = archived_weights(file) if name == _ARCHIVE else plain_bytes(file)
            if source is not None:
                template = template_of(
                    Path(arch), source, Limits(), is_given=True, has_values=False
                )
                found += [template] if template is not None else []
    if errors and not found:
        raise errors[0]
    return tuple(found)


def _kinds(path: Path) -> tuple[str, ...]:
    with path.open("rb") as file:
        if file.read(2) == b"PK":
            return (_ARCHIVE, _WEIGHTS)
    return (_WEIGHTS, _PLAIN) if path.name.endswith(".weights.h5") else (_PLAIN, _WEIGHTS)
