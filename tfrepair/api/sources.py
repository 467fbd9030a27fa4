"""Sources as the use cases need them: opened, with a digest, and with statistics on demand."""

import hashlib
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tfrepair.api.options import CHECKPOINT_FORMATS, Options
from tfrepair.core.errors import Unrecognised
from tfrepair.core.statistics import NO_STATISTICS, Statistics, statistics_of
from tfrepair.core.tensor import Limits, SourceName, TensorStore
from tfrepair.readers.registry import open_source

if TYPE_CHECKING:  # to look into a file takes no plan: half of the time would be imports
    from tfrepair.core.plan import Reference
    from tfrepair.core.transform import Transform

_SHARD = re.compile(r"(\.data)?-\d{5}-of-\d{5}$")
_CHUNK = 1 << 20


def open_store(
    path: str | Path, *, reader: str | None = None, limits: Limits | None = None
) -> TensorStore:
    """Open a source: a bare weight file or folder, recognized by its content.

    Parameters
    ----------
    path
        File or directory.
    reader
        Name of the reader to use; ``None`` to find out.
    limits
        Bounds for what a hostile file may cost.

    Returns
    -------
    Metadata of every tensor; reading a tensor's values is up to its ``fetch``.

    Raises
    ------
    SourceError
        If the source cannot be read, or reading it would not be safe.
    """
    return open_source(Path(path), limits=limits or Limits(), reader=reader)


def open_known(path: str | Path, options: Options) -> TensorStore:
    """Open a source that must be of one of the formats that a command is for.

    Raises
    ------
    SourceError
        As for :func:`open_store`, and if the format is another one.
    """
    store = open_store(path, reader=options.reader)
    if options.formats and store.format not in options.formats:
        message = f"{path}: this is a source of the format {store.format}"
        raise Unrecognised(
            message,
            remedy=f"this command reads {', '.join(options.formats)}; `tfrepair convert` reads all",
        )
    return store


def graph_beside(store: TensorStore) -> Path | None:
    """Return the ``.meta`` file of a checkpoint: the graph that was saved with it, or ``None``."""
    if store.format not in CHECKPOINT_FORMATS:
        return None
    for name in store.files:
        prefix = _SHARD.sub("", name.removesuffix(".index"))
        graph = Path(f"{prefix}.meta")
        if graph.is_file():
            return graph
    return None


def source_reference(store: TensorStore) -> "Reference":
    """Return what a plan remembers of a source: its name and the SHA-256 of its files."""
    from tfrepair.core.plan import Reference  # noqa: PLC0415 - see above

    total = hashlib.sha256()
    for name in store.files:
        part = hashlib.sha256()
        with Path(name).open("rb") as file:
            while chunk := file.read(_CHUNK):
                part.update(chunk)
        total.update(part.digest())
    return Reference(path=Path(store.path).name, digest=total.hexdigest())


def examined(store: TensorStore) -> TensorStore:
    """Return a store whose tensors have their final health; reads every tensor that has a checksum.

    Parameters
    ----------
    store
        As :func:`open_store` gives it.
    """
    return replace(store, tensors=tuple(tensor.checked() for tensor in store))


class Reading:
    """Statistics of a store's tensors, each computed once; none for what is not whole."""

    def __init__(self, store: TensorStore) -> None:
        self._tensors = store.by_name
        self._known: dict[tuple[SourceName, str], Statistics] = {}

    def __call__(self, name: SourceName, transform: "Transform") -> Statistics:
        """Return the statistics of a tensor under a transform; reads the tensor."""
        key = (name, str(transform))
        if key not in self._known:
            tensor = self._tensors[name]
            self._known[key] = (
                statistics_of(transform.run(tensor.fetch())) if tensor.is_whole else NO_STATISTICS
            )
        return self._known[key]
