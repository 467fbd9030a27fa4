"""Source side nouns: a tensor as metadata plus a way to fetch it, and a store of them.

Readers make these; planning looks at the metadata, rebuild calls ``fetch``. Nothing here opens
a file: ``fetch`` is a closure that the reader supplies.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NewType

import numpy as np

from tfrepair.core.findings import Finding

SourceName = NewType("SourceName", str)
"""Name of a tensor inside its source, unique there."""

Shape = tuple[int, ...]
Array = np.ndarray[Any, np.dtype[Any]]


class Health(StrEnum):
    """Verdict on the bytes of one tensor."""

    VERIFIED = "verified"
    """A checksum stored beside the bytes fits."""
    CORRECTED = "corrected"
    """A damaged bit was located and corrected in memory."""
    UNVERIFIED = "unverified"
    """Whole, but the format stores no checksum."""
    TRUNCATED = "truncated"
    """Only the first rows are there."""
    CORRUPT = "corrupt"
    """A checksum does not fit."""
    MISSING = "missing"
    """Announced, but not there."""


class Purpose(StrEnum):
    """What a tensor is there for, as far as its source says so."""

    UNKNOWN = "unknown"
    """The source does not say; may be a weight."""
    WEIGHT = "weight"
    """A variable of the model."""
    SLOT = "slot"
    """Per-weight state of an optimizer, such as a momentum."""
    AVERAGE = "average"
    """Moving average of a weight, kept beside it."""
    COUNTER = "counter"
    """Number of steps, epochs or saves."""
    HYPERPARAMETER = "hyperparameter"
    """Learning rate, decay, power of a beta."""
    METRIC = "metric"
    """Running total of a metric or loss tracker."""
    SEED = "seed"
    """State of a random number generator."""
    BOOKKEEPING = "bookkeeping"
    """Object graph, configuration texts, tables, iterators."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a tensor lies: file, key inside it, byte offset of its data (or ``None``)."""

    path: str
    key: str = ""
    offset: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """One named array of a source.

    Attributes
    ----------
    name
        Unique in its store; ``/`` separates levels of nesting.
    shape, dtype, nbytes
        As stored; ``dtype`` is a NumPy or ml_dtypes name such as ``"float32"`` or ``"bfloat16"``,
        or ``"string"`` or ``"variant"`` for TensorFlow's arrays of ``bytes`` objects.
    origin
        File, key and byte offset.
    health, health_note
        Verdict and its reason, as far as they are known without reading data; :meth:`checked`
        gives the final ones.
    fetch
        Returns the array, ``shape`` and ``dtype`` as stated. Costs I/O; calling it twice
        gives equal arrays. The caller must not write into the result.
    examine
        Reads the data and gives the final verdict and its reason; ``None`` if ``health`` is it.
    leading
        Returns the first rows of a truncated tensor, as far as they are there; nothing verifies
        them. ``None`` where the format has no such rows; raises ``SourceError`` if it cannot.
    purpose
        What it is there for, where the source says so.
    slot, slot_of
        For slots and averages: the slot's name, and the name of the tensor it belongs to.
    donor
        The other save that it was taken from, and how old that is; empty for a source's own.
    """

    name: SourceName
    shape: Shape
    dtype: str
    nbytes: int
    origin: Origin
    fetch: Callable[[], Array] = field(repr=False, compare=False)
    health: Health = Health.UNVERIFIED
    health_note: str = ""
    examine: Callable[[], tuple[Health, str]] | None = field(
        default=None, repr=False, compare=False
    )
    leading: Callable[[], Array] | None = field(default=None, repr=False, compare=False)
    purpose: Purpose = Purpose.UNKNOWN
    slot: str = ""
    slot_of: str = ""
    donor: str = ""

    def checked(self) -> "Tensor":
        """Return the tensor with its final health; reads its data where that takes it."""
        if self.examine is None:
            return self
        health, note = self.examine()
        return Tensor(  # three times as fast as `replace`, and a checkpoint may have thousands
            name=self.name,
            shape=self.shape,
            dtype=self.dtype,
            nbytes=self.nbytes,
            origin=self.origin,
            fetch=self.fetch,
            health=health,
            health_note=note,
            leading=self.leading,
            purpose=self.purpose,
            slot=self.slot,
            slot_of=self.slot_of,
            donor=self.donor,
        )

    @property
    def is_whole(self) -> bool:
        """True unless the verdict says that values are missing or wrong."""
        return self.health not in (Health.TRUNCATED, Health.CORRUPT, Health.MISSING)

    @property
    def may_be_weight(self) -> bool:
        """True unless the source says that the tensor is something else."""
        return self.purpose in (Purpose.UNKNOWN, Purpose.WEIGHT)


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorStore:
    """Everything that one reader found in one source, in the source's own order.

    Attributes
    ----------
    format
        Name of the reader, such as ``"npy"``.
    path
        The source as the user gave it.
    files
        Every file whose bytes the content depends on, for digests.
    tensors
        In file order. May hold damaged tensors: that is the point.
    names_are_meaningful
        ``False`` when names are only positions (``0``, ``arr_3``).
    order_is_meaningful
        ``False`` when the order is that of a hash table or an alphabet.
    findings
        What the reader met on the way.
    attributes
        What the source says about itself as a whole, as texts: for Keras files ``model_config``
        and ``training_config`` (JSON, not interpreted), ``keras_version``, ``backend``,
        ``optimizer`` (its class or name), ``kernels`` and ``dim_ordering`` (see
        :mod:`tfrepair.readers.keras_eras`), ``layout`` (``lists``, ``paths`` or ``plain``).
    """

    format: str
    path: str
    files: tuple[str, ...]
    tensors: tuple[Tensor, ...]
    names_are_meaningful: bool
    order_is_meaningful: bool
    findings: tuple[Finding, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self.tensors)

    def __len__(self) -> int:
        return len(self.tensors)

    def __getitem__(self, name: str) -> Tensor:
        return self.by_name[SourceName(name)]

    def __contains__(self, name: object) -> bool:
        return any(tensor.name == name for tensor in self.tensors)

    @property
    def by_name(self) -> Mapping[SourceName, Tensor]:
        """Tensors by name, in file order."""
        return {tensor.name: tensor for tensor in self.tensors}

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors as stored."""
        return sum(tensor.nbytes for tensor in self.tensors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds that readers keep, so that a hostile file costs bounded memory and time.

    Attributes
    ----------
    max_tensors
        Largest number of tensors of one source.
    max_depth
        Deepest nesting of containers.
    max_tensor_bytes
        Largest single tensor in bytes.
    max_expansion
        Largest ratio of announced to stored bytes for compressed members.
    """

    max_tensors: int = 200_000
    max_depth: int = 64
    max_tensor_bytes: int = 64 << 30
    max_expansion: int = 1100
