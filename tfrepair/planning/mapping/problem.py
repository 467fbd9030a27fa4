"""The nouns of the engine: what it is asked, and what it answers.

Names, shapes and types only; where a source has cheap statistics they may be given. Every other
module of the package works on these. Pure. Comes before everything else in the package.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tfrepair.core.tensor import Shape


class Order(StrEnum):
    """What the order of the source's tensors is worth."""

    FILE = "file"
    """It means something: layer order of a file, a bare list, creation order."""
    SORTED = "sorted"
    """An alphabet."""
    NONE = "none"
    """A hash table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Statistics of a tensor's values, from all of them or from a bounded sample."""

    minimum: float
    maximum: float
    mean: float
    std: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A tensor of the source."""

    name: str
    shape: Shape
    dtype: str
    sample: Sample | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A variable of the architecture; ``layer_class`` is empty where nothing states it."""

    path: str
    shape: Shape
    dtype: str
    layer_class: str = ""
    trainable: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mapping to be made.

    Attributes
    ----------
    given, wanted
        The two sides; ``wanted`` in the order of ``model.weights``.
    format
        What the source is stored as, such as ``"tf1_ckpt"`` or ``"npy_list"``.
    order
        What the order of ``given`` is worth.
    names_tell
        ``False`` where names are positions.
    list_orders
        Orders in which a list may hold the wanted variables, by name, as places in ``wanted``;
        where empty, they are derived from the paths.
    """

    given: tuple[Given, ...]
    wanted: tuple[Wanted, ...]
    format: str
    order: Order
    names_tell: bool = True
    list_orders: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


class Kind(StrEnum):
    """The kind of evidence that a match rests on; it caps the confidence."""

    EXACT = "exact"
    """Equal name, equal shape, and no other tensor or variable with that name."""
    STRONG = "strong"
    """Several kinds of evidence agree."""
    WORDS = "words"
    """Words of the names."""
    NUMBERS = "numbers"
    """Numbers in the names, in the same order on both sides."""
    SHAPE = "shape"
    """Nothing else has this shape, and nothing contradicts."""
    ORDER = "order"
    """Position alone, and everything fits by position."""


CONFIDENCE: Mapping[Kind, float] = {
    Kind.EXACT: 0.995,
    Kind.STRONG: 0.99,
    Kind.WORDS: 0.97,
    Kind.NUMBERS: 0.95,
    Kind.SHAPE: 0.92,
    Kind.ORDER: 0.9,
}
"""How often a match of each kind is right, in words of probability; calibrated on the cases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One tensor's contribution to one variable.

    Attributes
    ----------
    given, wanted
        Places in the problem.
    transform
        Text form; may end in ``into:...``, the region of the variable that it fills.
    kind
        What it rests on.
    evidence
        Sentences, strongest first.
    """

    given: int
    wanted: int
    transform: str
    kind: Kind
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided:
    """Variables and the tensors between which nothing decides."""

    wanted: tuple[int, ...]
    given: tuple[int, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """The engine's answer.

    Every wanted variable is in an edge, in an undecided group or in ``missing``; every tensor is
    in an edge, in an undecided group or in ``unused``.
    """

    edges: tuple[Edge, ...]
    undecided: tuple[Undecided, ...]
    missing: Mapping[int, str]
    unused: Mapping[int, str]
    convention: str = ""
