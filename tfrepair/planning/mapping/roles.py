"""Which part a tensor plays in its layer: by the last words of its name, and by its class.

A role is a set of letters (:mod:`tfrepair.planning.dialects.leaves`); an empty set says nothing.
Roles are hard constraints where both sides have one. Pure.
"""

from dataclasses import dataclass

from tfrepair.core.tensor import Shape
from tfrepair.planning.dialects.leaves import GLUED, LEAVES
from tfrepair.planning.mapping.tokens import tokens_of

_LONGEST = 3
_NORMALIZATIONS = ("normalization", "norm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A last component taken apart.

    Attributes
    ----------
    role
        Letters of the roles that it may stand for.
    phrase
        The words that say so; the whole component where nothing does.
    rest
        What precedes them in the component: it belongs to the layer.
    numbers
        Numbers after the phrase, which belong to the layer as well.
    """

    role: str
    phrase: str
    rest: str
    numbers: str = ""


def read_leaf(component: str) -> Leaf:
    """Take a last component apart: ``softmax_w``, ``W1``, ``kernel``, ``moving_mean_2``."""
    tokens = list(tokens_of(component))
    numbers: list[str] = []
    while tokens and tokens[-1].number is not None:
        numbers.insert(0, str(tokens.pop().number))
    if tokens and tokens[-1].word in GLUED and not numbers:
        role, word = GLUED[tokens[-1].word]
        before = _before(component, 1, 0)
        return Leaf(role=role, phrase=role.lower(), rest=f"{before}_{word}".strip("_"))
    for length in range(min(_LONGEST, len(tokens)), 0, -1):
        tail = tokens[-length:]
        if any(token.number is not None for token in tail):
            continue
        phrase = "_".join(token.word for token in tail)
        if phrase in LEAVES:
            return Leaf(
                role=LEAVES[phrase],
                phrase=phrase,
                rest=_before(component, length, len(numbers)),
                numbers="_".join(numbers),
            )
    first = tokens[0].word if len(tokens) > 1 and tokens[0].number is None else ""
    if first in ("w", "b", "weights", "bias", "biases", "kernel") and not numbers:
        rest = component[len(first) :].strip("_-. ")
        return Leaf(role=LEAVES[first], phrase=first, rest=rest)
    return Leaf(role="", phrase=component.lower(), rest=component)


def _before(component: str, words: int, numbers: int) -> str:
    """Return the component without its last words and numbers."""
    wanted = len(tokens_of(component)) - words - numbers
    for end in range(len(component) + 1):
        head = component[:end]
        if len(tokens_of(head)) == wanted and tokens_of(head) == tokens_of(component)[:wanted]:
            longest = end
            while longest < len(component) and not component[longest].isalnum():
                longest += 1
            return component[:end].strip("_-. ")
    return ""


def role_of_target(leaf: Leaf, layer_class: str, shape: Shape) -> str:
    """Return the role of a variable, where the class of its layer settles what words leave open."""
    role = leaf.role
    name = layer_class.lower()
    if name.startswith("depthwise") and "K" in role:
        return "D"
    if "normalization" in name or name.endswith("norm"):
        return {"BE": "E", "KDTG": "G"}.get(role, role)
    if "embedding" in name and len(shape) > 1 and role in ("KD", "KDTG", ""):
        return "T"
    if role == "KD" and name and "depthwise" not in name:
        return "K"
    if role == "BE" and name:
        return "B"
    return role


def in_context(roles: list[str], shapes: list[Shape]) -> list[str]:
    """Settle the roles of one group of tensors by each other.

    A ``bias`` beside a ``gamma`` is a beta, a ``scale`` of rank one a gamma, a ``weight`` of rank
    two or more a kernel.
    """
    vectors = [sum(1 for size in shape if size != 1) <= 1 for shape in shapes]
    settled = []
    for role, shape, vector in zip(roles, shapes, vectors, strict=True):
        kept = role
        if role == "KDTG":
            kept = "G" if len(shape) <= 1 else "KDT"
        elif role == "KD" and len(shape) != 4 and len(shape) != 3:
            kept = "K"
        elif role == "G" and not vector:
            kept = ""
        if kept == "KDT":
            kept = "KT" if len(shape) == 2 else "KD"
        settled.append(kept)
    present = set("".join(role for role in settled if len(role) == 1))
    matrices = any(set(role) & set("KDTR") for role in settled)
    for place, role in enumerate(settled):
        if role == "BE":
            if "G" in present or "M" in present or "V" in present:
                settled[place] = "E" if not matrices else "BE"
            elif matrices:
                settled[place] = "B"
    return settled


def compatible(have: str, want: str) -> bool:
    """Tell whether a tensor may play a variable's part."""
    return not have or not want or bool(set(have) & set(want))
