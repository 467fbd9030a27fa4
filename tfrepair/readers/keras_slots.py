"""What each variable of an optimizer is: its slot, and the weight that it belongs to.

Names decide where the writer gave names (tf.keras); elsewhere the known order of the list does, if
exactly one order fits all shapes. What is not certain stays a slot without a name, and a finding
says so: nothing is guessed. Pure; the orders are in :mod:`tfrepair.readers.keras_slot_layouts`.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Purpose, Shape
from tfrepair.readers.keras_slot_layouts import Era, Layout, layouts
from tfrepair.readers.keras_weights import KerasWeight
from tfrepair.readers.naming import Naming

PREFIX = "optimizer"
_OUTPUT = re.compile(r":\d+$")
_UNNAMED = re.compile(r"(?:.*/)?(?:Variable|param|[a-z_]+_\d+)(?:_\d+)?")
_COUNTERS = frozenset({"iter", "iterations", "iteration"})
_SCALARS = frozenset(
    {"learning_rate", "lr", "decay", "rho", "momentum", "beta_1", "beta_2", "epsilon",
     "momentum_cache", "m_schedule", "u_product", "dynamic_scale", "step_counter"}
)  # fmt: skip
_SLOT_WORDS = frozenset(
    {"m", "v", "u", "vhat", "momentum", "velocity", "velocity_hat", "rms", "mg", "accumulator",
     "accum_grad", "accum_var", "accumulated_grad", "accumulated_delta_var", "average_gradient",
     "linear", "norm", "average", "r", "c"}
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimizer:
    """What a file says about its optimizer.

    Attributes
    ----------
    name
        Its class, in any spelling; empty if the file does not say.
    settings
        Its configuration; ``None`` if the file has none.
    era
        Who wrote the list, where it has no names that tell; ``None`` for a list with names.
    has_averages
        Whether averages of the weights stand first, where the values tell; ``None`` if unknown.
    """

    name: str = ""
    settings: Mapping[str, Any] | None = None
    era: Era | None = None
    has_averages: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEntry:
    """One variable of the list: the name that it has in the file, and its shape."""

    raw: str
    shape: Shape

    @property
    def words(self) -> list[str]:
        """The parts of the name."""
        return [part for part in _OUTPUT.sub("", self.raw).split("/") if part]


def name_slots(
    entries: Sequence[ListEntry],
    orders: Sequence[Sequence[KerasWeight]],
    weights: Sequence[KerasWeight],
    optimizer: Optimizer,
    where: str,
) -> tuple[tuple[Naming, ...], tuple[Finding, ...]]:
    """Say what every variable of an optimizer's list is.

    Parameters
    ----------
    entries
        The list.
    orders
        Every order in which the trained weights may have been listed; none if that is unknown.
    weights
        All weights.
    optimizer
        What is known about it.
    where
        How findings name the list.

    Returns
    -------
    One naming per entry, and a finding if some of them are ties.
    """
    if not entries:
        return (), ()
    if optimizer.era is None:
        found = _by_name(entries, weights)
    else:
        found = _by_order(entries, orders, optimizer, optimizer.era)
    ties = sum(naming.purpose is Purpose.SLOT and not naming.slot for naming in found)
    return _unique(found), (_tied(where, ties, len(entries), optimizer),) if ties else ()


def is_named(entries: Iterable[ListEntry]) -> bool:
    """Return whether the writer gave the variables names that tell a slot from another."""
    slots = [entry for entry in entries if entry.words and entry.words[-1] not in _COUNTERS]
    return bool(slots) and not all(is_unnamed(entry) for entry in slots)


def is_unnamed(entry: ListEntry) -> bool:
    """Return whether a name only counts: ``training/Adam/Variable_3``, ``param_3``, ``m_3``."""
    return _UNNAMED.fullmatch("/".join(entry.words)) is not None


def _by_name(entries: Sequence[ListEntry], weights: Sequence[KerasWeight]) -> tuple[Naming, ...]:
    """Read ``Adam/dense/kernel/m`` and ``Adam/m/dense/kernel``."""
    owners: dict[str, list[KerasWeight]] = defaultdict(list)
    for weight in weights:
        owners["/".join(ListEntry(raw=weight.raw, shape=()).words)].append(weight)
    return tuple(_scalar(entry) or _named(entry, owners) or _tie(entry) for entry in entries)


def _scalar(entry: ListEntry) -> Naming | None:
    word = entry.words[-1] if entry.words else ""
    if entry.shape or word not in _COUNTERS | _SCALARS:
        return None
    purpose = Purpose.COUNTER if word in _COUNTERS else Purpose.HYPERPARAMETER
    return Naming(name=f"{PREFIX}/{word}", purpose=purpose)


def _named(entry: ListEntry, owners: Mapping[str, Sequence[KerasWeight]]) -> Naming | None:
    words = entry.words
    for start in range(len(words) - 1):
        for owner, slot in (
            ("/".join(words[start:-1]), words[-1]),
            ("/".join(words[start + 1 :]), words[start]),
        ):
            fitting = [w for w in owners.get(owner, ()) if w.dataset.shape == entry.shape]
            if slot in _SLOT_WORDS and len(fitting) == 1:
                return _slot(slot, fitting[0].name)
    return None


def _by_order(
    entries: Sequence[ListEntry],
    orders: Sequence[Sequence[KerasWeight]],
    optimizer: Optimizer,
    era: Era,
) -> tuple[Naming, ...]:
    """Return what the orders that fit have in common: everything if there is only one."""
    fitting: set[tuple[Naming, ...]] = set()
    shapes = tuple(entry.shape for entry in entries)
    known = optimizer.has_averages
    for layout in layouts(era, optimizer.name, optimizer.settings, has_averages=known):
        for order in orders:
            expected = tuple(_expected(layout, order))
            namings = tuple(naming for naming, _ in expected)
            if tuple(shape for _, shape in expected) == shapes and _agrees(entries, namings, order):
                fitting.add(namings)
    if fitting:
        columns = zip(entries, *fitting, strict=True)
        return tuple(_agreed(entry, set(namings)) for entry, *namings in columns)
    first, *others = entries
    counter = None if era is Era.STANDALONE or first.shape else _head("iteration")
    return (counter or _tie(first), *(_tie(entry) for entry in others))


def _agreed(entry: ListEntry, namings: set[Naming]) -> Naming:
    """Return the one naming of a variable, or what is left of several."""
    if len(namings) == 1:
        return namings.pop()
    owners = {naming.slot_of for naming in namings}
    tie = _tie(entry)
    return replace(tie, slot_of=owners.pop()) if len(owners) == 1 else tie


def _agrees(
    entries: Sequence[ListEntry], namings: Sequence[Naming], order: Sequence[KerasWeight]
) -> bool:
    """Return whether names like ``adam/sequential_dense_kernel_momentum`` do not contradict.

    Keras 3 joins words with the character that also separates them: such a name can contradict
    an order, and cannot replace it.
    """
    joined = {w.name: "_".join(ListEntry(raw=w.raw, shape=()).words) for w in order}
    for entry, naming in zip(entries, namings, strict=True):
        last = entry.words[-1] if entry.words else ""
        is_telling = naming.slot and not last.isdigit() and not is_unnamed(entry)
        if is_telling and not last.endswith(f"{joined[naming.slot_of]}_{naming.slot}"):
            return False
    return True


def _expected(layout: Layout, order: Sequence[KerasWeight]) -> Iterator[tuple[Naming, Shape]]:
    for word in layout.head:
        yield _head(word), ()
    for block in layout.blocks:
        for weight in order:
            for slot in block:
                yield _slot(slot, weight.name), weight.dataset.shape
    if layout.placeholder:
        for weight in order:
            naming = _slot(layout.placeholder, weight.name)
            yield replace(naming, purpose=Purpose.BOOKKEEPING), (1,)
    for word in layout.tail:
        yield _head(word), ()


def _head(word: str) -> Naming:
    purpose = Purpose.COUNTER if word in _COUNTERS else Purpose.HYPERPARAMETER
    return Naming(name=f"{PREFIX}/{word}", purpose=purpose)


def _slot(slot: str, owner: str) -> Naming:
    return Naming(
        name=f"{PREFIX}/{owner}/{slot}",
        purpose=Purpose.AVERAGE if slot == "average" else Purpose.SLOT,
        slot=slot,
        slot_of=owner,
    )


def _tie(entry: ListEntry) -> Naming:
    scalar = _scalar(entry)
    return scalar or Naming(name=f"{PREFIX}/{'/'.join(entry.words)}", purpose=Purpose.SLOT)


def _unique(found: Sequence[Naming]) -> tuple[Naming, ...]:
    uses: dict[str, int] = defaultdict(int)
    named = []
    for naming in found:
        uses[naming.name] += 1
        number = uses[naming.name]
        name = naming.name if number == 1 else f"{naming.name}#{number}"
        named.append(replace(naming, name=name))
    return tuple(named)


def _tied(where: str, ties: int, count: int, optimizer: Optimizer) -> Finding:
    kind = optimizer.name or "an optimizer of unknown class"
    return Finding(
        code="optimizer-slots-tied",
        severity=Severity.WARNING,
        where=where,
        message=f"{ties} of {count} variables of {kind} are slots, and nothing says for certain "
        "which, or of which weight: no name tells, and not exactly one known order fits",
        remedy="they are listed, and not used unless a plan names them",
    )
