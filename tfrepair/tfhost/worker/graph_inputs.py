"""What a graph of TensorFlow 1 is fed with: placeholders, and what readers and queues deliver.

Tells inputs, which a caller must give, from switches such as ``is_training``, which have one value
when a model serves. Comes before the outputs are chosen.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tfrepair.core.errors import ArchitectureError
from tfrepair.tfhost.worker.graph_dropout import Setting, dropout_setting
from tfrepair.tfhost.worker.graph_view import Dims, GraphView, TensorRef, tensor_ref

PLACEHOLDERS = frozenset({"Placeholder", "PlaceholderV2", "PlaceholderWithDefault"})
DELIVERIES = frozenset(
    {
        "QueueDequeue", "QueueDequeueMany", "QueueDequeueUpTo", "QueueDequeueV2",
        "QueueDequeueManyV2", "QueueDequeueUpToV2", "IteratorGetNext", "IteratorGetNextSync",
        "Unstage", "ReaderReadV2", "ReaderReadUpToV2", "ReaderRead", "ReaderReadUpTo",
    }
)  # fmt: skip
"""Operations that hand out data which a pipeline in the graph has read."""

_PREDICATES = frozenset({"Switch", "RefSwitch", "If", "StatelessIf", "LogicalNot", "LogicalAnd"})
_BOOL = 10
_FLOATS = frozenset({1, 2, 14, 19})
_INTEGERS = frozenset({3, 4, 6, 9})
_PHASE = re.compile(
    r"(?:^|_)(?:is_?train(?:ing)?|train(?:ing)?(?:_(?:phase|mode|flag))?|phase(?:_train)?"
    r"|learning_phase)(?:_\d+)?$"
)
_KEEP = re.compile(r"keep_?(?:prob(?:ability|s)?|rate)(?:_\d+)?$|(?:^|_)prob_?keep(?:_\d+)?$")
_DROP = re.compile(r"drop_?(?:out)?_?(?:rate|prob(?:ability)?)(?:_\d+)?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fed:
    """A tensor that a caller gives.

    Attributes
    ----------
    ref
        The tensor in the graph; a placeholder's own, or one that is cut off from what makes it.
    name
        In the signature.
    shape, dtype
        As the graph has them; the number of the element type.
    """

    ref: TensorRef
    name: str
    shape: Dims
    dtype: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Resting:
    """The value of a switch when nobody gives one.

    Attributes
    ----------
    value
        As text; empty for the placeholder's own default.
    why
        The rule that chose it.
    """

    value: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Feeds:
    """Everything that may be fed.

    Attributes
    ----------
    tensors
        What a caller may have to give, in the order of the graph.
    resting
        Switches, by the name of their placeholder.
    named
        True if the user said what the inputs are.
    """

    tensors: tuple[TensorRef, ...]
    resting: Mapping[str, Resting] = field(default_factory=dict)
    named: Mapping[TensorRef, str] = field(default_factory=dict)


def find_feeds(
    graph: GraphView, inputs: Iterable[str] = (), constants: Iterable[tuple[str, str]] = ()
) -> Feeds:
    """Find what a graph is fed with.

    Parameters
    ----------
    graph
        Any graph.
    inputs
        Names of tensors that the user wants to give, as ``name``, ``name:1`` or ``as=name:1``.
    constants
        Names of placeholders and their values, from the user.

    Raises
    ------
    ArchitectureError
        If a name is not one of the graph.
    """
    named = {}
    for text in inputs:
        label, _, tensor = text.rpartition("=")
        named[existing(graph, tensor, "--inputs")] = label
    given = dict(constants)
    for name in given:
        _require_placeholder(graph, name.partition(":")[0])
    resting = {
        name.partition(":")[0]: Resting(value=value, why="--feed") for name, value in given.items()
    }
    tensors = []
    for name, node in graph.nodes.items():
        if node.op in PLACEHOLDERS:
            ref = TensorRef(name)
            rest = None if ref in named else resting.get(name) or _resting(graph, name)
            if rest is None:
                tensors.append(ref)
            else:
                resting[name] = rest
        elif node.op in DELIVERIES:
            tensors += _delivered(graph, name)
        tensors += [ref for ref in named if ref.node == name and ref not in tensors]
    return Feeds(tensors=tuple(tensors), resting=resting, named=named)


def _delivered(graph: GraphView, name: str) -> Iterator[TensorRef]:
    for index in sorted({index for _, index in graph.consumers.get(name, ())}):
        yield TensorRef(name, index)


def existing(graph: GraphView, text: str, option: str) -> TensorRef:
    """Return the tensor that a user named.

    Raises
    ------
    ArchitectureError
        If there is none; says which names are similar.
    """
    ref = tensor_ref(text.strip())
    if ref.node in graph.nodes:
        return ref
    import difflib

    near = difflib.get_close_matches(ref.node, list(graph.nodes), n=5)
    ending = [name for name in graph.nodes if name.endswith(f"/{ref.node}")][:5]
    message = f"{option} {text}: no operation of the graph's {len(graph.nodes)} has this name"
    found = ", ".join(dict.fromkeys([*ending, *near])) or ", ".join(placeholders(graph))
    raise ArchitectureError(message, remedy=f"names like it: {found}")


def placeholders(graph: GraphView) -> tuple[str, ...]:
    """Return the names of all placeholders."""
    return tuple(name for name, node in graph.nodes.items() if node.op in PLACEHOLDERS)


def _require_placeholder(graph: GraphView, name: str) -> None:
    if name in graph.nodes and graph.nodes[name].op in PLACEHOLDERS:
        return
    message = f"--feed {name}: the graph has no placeholder of this name"
    raise ArchitectureError(message, remedy="there are: " + ", ".join(placeholders(graph)))


def _resting(graph: GraphView, name: str) -> Resting | None:
    """Return what a switch rests at, or ``None`` for what is an input, or may be one."""
    shape, dtype = graph.shape(TensorRef(name)), graph.dtype(TensorRef(name))
    node = graph.nodes[name]
    has_default = node.op == "PlaceholderWithDefault"
    if shape not in (None, ()) or (shape is None and has_default):
        return None
    leaf = name.lower().rpartition("/")[2]
    if dtype in _FLOATS and (rest := _dropout(graph, name, leaf)) is not None:
        return rest
    if has_default:
        return Resting(value="", why="its own default")
    is_scalar = shape == () or any(
        graph.nodes[taker].op in _PREDICATES for taker, _ in graph.consumers.get(name, ())
    )
    if dtype == _BOOL and (is_scalar or _PHASE.search(leaf)):
        return Resting(value="false", why="a truth value; false is not training")
    if dtype in _INTEGERS | _FLOATS and _PHASE.search(leaf):
        return Resting(value="0", why="its name is that of a training phase")
    return None


def _dropout(graph: GraphView, name: str, leaf: str) -> Resting | None:
    """Return the value at which dropout drops nothing: by what the graph does, then by name."""
    match dropout_setting(graph, name):
        case Setting.KEEP:
            return Resting(value="1.0", why="dropout keeps elements with this probability")
        case Setting.RATE:
            return Resting(value="0.0", why="dropout drops elements with this probability")
        case None:
            pass
    if _KEEP.search(leaf):
        return Resting(value="1.0", why="its name is that of a probability to keep")
    if _DROP.search(leaf):
        return Resting(value="0.0", why="its name is that of a rate of dropout")
    return None
