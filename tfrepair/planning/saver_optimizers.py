"""The optimizers of TensorFlow 1 in a source: slots by their last word, powers, counters, rates.

A ``Saver`` has nothing but names: ``dense/kernel/Adam_1`` is the second slot of an ``Adam``. Comes
before :mod:`tfrepair.planning.stored_optimizers`. Pure.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tfrepair.core.optimizer_plan import Origin
from tfrepair.core.tensor import Purpose, Tensor, TensorStore
from tfrepair.planning.dialects.optimizers import FAMILIES, SAVER_FAMILIES, SAVER_SLOTS, Family
from tfrepair.planning.stored_optimizer import StoredOptimizer, read_slots

UPDATES = "updates"
"""Attribute of a store: what the graph beside it says about the updates, see
:mod:`tfrepair.wire.graph_updates`."""
_NUMBER = re.compile(r"_(\d+)$")
_POWER = re.compile(r"(?:^|/)beta([12])_power(?:_\d+)?$")
_RATE = re.compile(r"(?:^|/)(?:learning_rate|lr)(?:_\d+)?$")


def saver_slot(tensor: Tensor) -> str:
    """Return the last word of a slot of TensorFlow 1's optimizers, in files of any kind.

    Object-based saves of TensorFlow 1 call the slot ``m``, but the variable ``dense/kernel/Adam``.
    """
    word = tensor.name.rpartition("/")[2]
    if tensor.purpose is not Purpose.SLOT:
        return ""
    return word if word in SAVER_SLOTS or _NUMBER.sub("", word) in SAVER_FAMILIES else ""


def saver_word(slot: str) -> str:
    """Return what the slots of one optimizer of TensorFlow 1 have in common."""
    return SAVER_SLOTS[slot][0].title if slot in SAVER_SLOTS else _NUMBER.sub("", slot)


def optimizers_of_saver(
    store: TensorStore, by_word: Mapping[str, Sequence[Tensor]], *, is_alone: bool
) -> Iterator[StoredOptimizer]:
    """Yield the optimizers of a file of TensorFlow 1: one for each word that slots end in."""
    counters = tuple(t for t in store if t.purpose is Purpose.COUNTER and t.shape == ())
    scalars = [t for t in store if t.purpose is Purpose.HYPERPARAMETER and t.shape == ()]
    rates = tuple(t for t in scalars if _RATE.search(t.name))
    updates = _updates(store)
    for word, members in by_word.items():
        named = FAMILIES.get(word.lower())
        family = named if named and any(s.saver for s in named.slots) else SAVER_FAMILIES.get(word)
        read, unread = read_slots(family, _numbered(family, members))
        yield StoredOptimizer(
            title=word or "an unnamed optimizer",
            family=family,
            slots=read,
            unread=unread,
            names=frozenset(tensor.slot for tensor in members),
            is_saver=True,
            counters=counters,
            powers=_powers(scalars) if family and family.counts_steps else (),
            rates=rates,
            config=updates.get(family.name, {}) if family else {},
            config_origin=Origin.GRAPH,
        )
    if is_alone and not by_word and counters:
        # Plain gradient descent keeps nothing but the number of its steps.
        yield StoredOptimizer(
            title="gradient descent",
            family=FAMILIES["sgd"],
            is_saver=True,
            counters=counters,
            rates=rates,
            config=updates.get("sgd", {}),
            config_origin=Origin.GRAPH,
        )


def _updates(store: TensorStore) -> Mapping[str, Mapping[str, Any]]:
    """Return the hyperparameters that the graph beside a checkpoint states, by family."""
    try:
        found = json.loads(store.attributes.get(UPDATES, "{}"))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _numbered(family: Family | None, members: Sequence[Tensor]) -> Iterator[tuple[Tensor, str]]:
    """Yield slots and their kinds: ``Adam`` is the first of a weight, ``Adam_1`` the second."""
    by_owner: dict[str, list[Tensor]] = defaultdict(list)
    for tensor in members:
        by_owner[tensor.slot_of].append(tensor)
    most = max((len(slots) for slots in by_owner.values()), default=0)
    orders = () if family is None else family.saver_orders
    # The fullest weight tells which order it is; others may have lost some of their slots.
    order = next((order for order in orders if len(order) >= most), ())
    for slots in by_owner.values():
        named = [(t, SAVER_SLOTS[t.slot][1]) for t in slots if t.slot in SAVER_SLOTS]
        if named:
            yield from named
            continue
        numbers = [_number(tensor) for tensor in slots]
        is_plain = bool(order) and max(numbers) < len(order)
        yield from zip(slots, (order[n] if is_plain else "" for n in numbers), strict=True)


def _number(tensor: Tensor) -> int:
    number = _NUMBER.search(tensor.slot)
    return int(number[1]) if number else 0


def _powers(scalars: Sequence[Tensor]) -> tuple[tuple[Tensor | None, Tensor | None], ...]:
    """Return the pairs of beta powers; those of one optimizer are numbered alike."""
    pairs: dict[str, list[Tensor | None]] = {}
    for tensor in scalars:
        found = _POWER.search(tensor.name)
        if found:
            both = _POWER.sub(lambda m: m[0].replace(f"beta{m[1]}", "beta"), tensor.name)
            pairs.setdefault(both, [None, None])[int(found[1]) - 1] = tensor
    return tuple((first, second) for first, second in pairs.values())
