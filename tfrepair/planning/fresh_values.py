"""What the variables of an optimizer are before the first step: the state to compare with. Pure.

Comes after :mod:`tfrepair.planning.stored_optimizers`; who trains from it is no matter here.
"""

from collections.abc import Iterator, Mapping

from tfrepair.core.tensor import Tensor, TensorStore
from tfrepair.planning.dialects.optimizers import Family
from tfrepair.planning.stored_optimizer import STEP_WORDS, StoredOptimizer
from tfrepair.planning.stored_optimizers import stored_optimizers

_FOLDER, _VALUE = "vars/", "/.ATTRIBUTES/VARIABLE_VALUE"
_BETAS = (0.9, 0.999)
_SAVER_STARTS: Mapping[str, float] = {"rms": 1.0}
"""What TensorFlow 1 starts with, where Keras has something else."""


def fresh_values(store: TensorStore) -> tuple[tuple[str, float | str], ...]:
    """Return what a fresh optimizer would hold, for every variable of the optimizers of a model.

    Parameters
    ----------
    store
        A SavedModel.

    Returns
    -------
    Pairs of the name below ``vars`` (or of the variable) and a number for all elements, or the
    name of the weight that is copied. Learning rates and loss scales are not in it.
    """
    names = {str(tensor.name): _name(tensor) for tensor in store}
    pairs = [p for optimizer in stored_optimizers(store) for p in _of_optimizer(optimizer, names)]
    return tuple(dict(pairs).items())


def _name(tensor: Tensor) -> str:
    """Return the name below ``vars``, as TensorFlow escapes it in keys."""
    key = tensor.origin.key
    if not key.startswith(_FOLDER):
        return str(tensor.name)
    inside = key.removeprefix(_FOLDER).removesuffix(_VALUE)
    return "".join(_unescaped(inside))


def _unescaped(text: str) -> Iterator[str]:
    place = 0
    while place < len(text):
        pair = text[place : place + 2]
        if pair in (".S", ".."):
            yield "/" if pair == ".S" else "."
            place += 2
        else:
            yield text[place]
            place += 1


def _of_optimizer(
    optimizer: StoredOptimizer, names: Mapping[str, str]
) -> Iterator[tuple[str, float | str]]:
    family = optimizer.family
    for (owner, kind), tensor in optimizer.slots.items():
        yield _name(tensor), _initial(family, kind, optimizer, names.get(owner, owner))
    for tensor in optimizer.unread:
        yield _name(tensor), 0.0
    products = {word for words in family.products for word in words} if family else set()
    for word, tensor in optimizer.scalars.items():
        if word in STEP_WORDS:
            yield _name(tensor), 0.0
        elif word in products:
            yield _name(tensor), 1.0
    for powers in optimizer.powers:
        for tensor_of, beta in zip(powers, _BETAS, strict=True):
            if tensor_of is not None:
                yield _name(tensor_of), beta


def _initial(
    family: Family | None, kind: str, optimizer: StoredOptimizer, owner: str
) -> float | str:
    if family is None:
        return 0.0
    initial = family.slot(kind).initial
    if initial is None:
        return owner
    if optimizer.is_saver:
        return _SAVER_STARTS.get(kind, initial)
    if kind == "accumulator":
        return float(optimizer.config.get("initial_accumulator_value", initial))
    return initial
