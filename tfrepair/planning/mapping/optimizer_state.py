"""The optimizer's variables of an architecture, filled by way of the weights that they belong to.

A slot follows its weight: where the weight comes from one tensor, its slots come from the slots
of that tensor, if both optimizers keep the same thing. Nothing is matched by shape here. Pure.
Comes after the weights are decided.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tfrepair.planning.mapping.problem import Edge, Given, Kind, Undecided, Wanted
from tfrepair.planning.mapping.shadows import Slot
from tfrepair.planning.mapping.tokens import components, words_of

_SAME: Sequence[tuple[frozenset[str], frozenset[str], Mapping[str, str]]] = (
    (
        frozenset({"momentum", "velocity"}),
        frozenset({"m", "v"}),
        {"momentum": "m", "velocity": "v"},
    ),
    (
        frozenset({"momentum", "velocity"}),
        frozenset({"rms", "momentum"}),
        {"momentum": "momentum", "velocity": "rms"},
    ),
    (frozenset({"momentum"}), frozenset({"momentum"}), {"momentum": "momentum"}),
    (frozenset({"velocity"}), frozenset({"rms"}), {"velocity": "rms"}),
    (frozenset({"accumulator"}), frozenset({"accumulator"}), {"accumulator": "accumulator"}),
    (
        frozenset({"accumulator", "linear"}),
        frozenset({"accumulator", "linear"}),
        {"accumulator": "accumulator", "linear": "linear"},
    ),
    (
        frozenset({"accumulated_grad", "accumulated_delta_var"}),
        frozenset({"accum_grad", "accum_var"}),
        {"accumulated_grad": "accum_grad", "accumulated_delta_var": "accum_var"},
    ),
)
"""Kinds of slots that an architecture's optimizer keeps, those of the source's, and which is which.

Source: update rules of Keras 3 and of TensorFlow 1 and 2, see ``planning/dialects/optimizers.py``.
"""

_KINDS = tuple(
    sorted({kind for kinds, _, _ in _SAME for kind in kinds} | {"velocity_hat"}, key=len)[::-1]
)
_SCALARS: Mapping[str, frozenset[str]] = {
    "iteration": frozenset({"iter", "iteration", "iterations"}),
    "iterations": frozenset({"iter", "iteration", "iterations"}),
    "learning_rate": frozenset({"learning_rate", "lr"}),
}
_UNMOVED = ("add_forget", "sum:")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """One slot that is wanted: its place, its optimizer's scope, its weight's place, its kind."""

    place: int
    scope: str
    weight: int
    kind: str


def is_optimizer(variable: Wanted) -> bool:
    """Tell whether a variable belongs to an optimizer."""
    return "ptimizer" in variable.layer_class


def fill(
    wanted: Sequence[Wanted],
    given: Sequence[Given],
    slots: Sequence[Slot],
    edges: Sequence[Edge],
) -> tuple[list[Edge], list[Undecided]]:
    """Fill the optimizer's variables.

    Parameters
    ----------
    wanted, given
        The two sides.
    slots
        The source's slots.
    edges
        What the weights are filled from.
    """
    wishes = _wishes(wanted)
    sources: defaultdict[int, list[Edge]] = defaultdict(list)
    for edge in edges:
        sources[edge.wanted].append(edge)
    found: list[Edge] = []
    undecided: list[Undecided] = []
    by_scope: defaultdict[str, list[_Wish]] = defaultdict(list)
    for wish in wishes:
        by_scope[wish.scope].append(wish)
    for scope, own in by_scope.items():
        kinds = frozenset(wish.kind for wish in own)
        for wish in own:
            for edge in sources.get(wish.weight, ()):
                options = _options(edge, kinds, wish.kind, scope, slots)
                if len(options) == 1 and not any(word in edge.transform for word in _UNMOVED):
                    found.append(_follow(edge, wish, options[0]))
                elif len(options) > 1:
                    why = "several optimizers keep this for the weight"
                    places = tuple(slot.place for slot in options)
                    undecided.append(Undecided(wanted=(wish.place,), given=places, why=why))
    found += _scalars(wanted, given)
    return found, undecided


def _wishes(wanted: Sequence[Wanted]) -> list[_Wish]:
    weights: defaultdict[str, list[int]] = defaultdict(list)
    for place, variable in enumerate(wanted):
        if not is_optimizer(variable):
            path = variable.path.partition(":")[0].partition("#")[0]
            weights[path.replace("/", "_")].append(place)
    found = []
    used: defaultdict[tuple[str, str], int] = defaultdict(int)
    for place, variable in enumerate(wanted):
        if not is_optimizer(variable):
            continue
        scope, _, leaf = variable.path.partition("#")[0].partition("/")
        leaf = leaf.replace("/", "_")
        for kind in _KINDS:
            base = leaf.removesuffix(f"_{kind}")
            if base != leaf and base in weights:
                turn = used[variable.path.partition("#")[0], kind]
                used[variable.path.partition("#")[0], kind] += 1
                fitting = [p for p in weights[base] if wanted[p].shape == variable.shape]
                if turn < len(fitting):
                    found.append(_Wish(place=place, scope=scope, weight=fitting[turn], kind=kind))
                break
    return found


def _options(
    edge: Edge, kinds: frozenset[str], kind: str, scope: str, slots: Sequence[Slot]
) -> list[Slot]:
    own = [slot for slot in slots if slot.base == edge.given]
    have = frozenset(slot.kind for slot in own)
    for want, stored, table in _SAME:
        if want == kinds and stored <= have and kind in table:
            fitting = [slot for slot in own if slot.kind == table[kind]]
            named = [slot for slot in fitting if _alike(slot.optimizer, scope)]
            return named or fitting
    return []


def _alike(one: str, other: str) -> bool:
    words = [
        {word for part in components(name) for word in words_of(part)} for name in (one, other)
    ]
    return bool(one) and words[0] == words[1]


def _follow(edge: Edge, wish: _Wish, slot: Slot) -> Edge:
    return Edge(
        given=slot.place,
        wanted=wish.place,
        transform=edge.transform,
        kind=Kind.STRONG,
        evidence=(f"slot {slot.kind!r} of the tensor that fills its weight", *edge.evidence),
    )


def _scalars(wanted: Sequence[Wanted], given: Sequence[Given]) -> list[Edge]:
    """Match step counts and learning rates of optimizers that are tracked under a name."""
    scopes = {
        variable.path.partition("/")[0]
        for variable in wanted
        if is_optimizer(variable) and "/" in variable.path
    }
    found = []
    for place, variable in enumerate(wanted):
        scope, _, leaf = variable.path.partition("/")
        if not is_optimizer(variable) or leaf not in _SCALARS or variable.shape != ():
            continue
        fitting = []
        for number, tensor in enumerate(given):
            parts = components(tensor.name)
            if tensor.shape != () or len(parts) < 2 or parts[-1] not in _SCALARS[leaf]:
                continue
            if any("ptimizer" in part for part in parts[:-1]):
                fitting.append((number, "/".join(parts[:-1])))
        named = [option for option in fitting if _alike(option[1], scope)]
        options = named or (fitting if len(scopes) == 1 else [])
        if len(options) == 1:
            found.append(
                Edge(
                    given=options[0][0],
                    wanted=place,
                    transform="identity",
                    kind=Kind.WORDS,
                    evidence=(f"{leaf} of the optimizer",),
                )
            )
    return found
