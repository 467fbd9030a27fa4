"""Which optimizers a source holds: their family, their slots by weight, their scalars.

Readers say which tensor is a slot of which, and what it is called; here slots that belong to one
optimizer are put together, and names of all eras become one kind. A slot whose meaning is not
certain is kept apart, unread. Comes before :mod:`tfrepair.planning.optimizer`. Pure.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tfrepair.core.optimizer_plan import Origin
from tfrepair.core.tensor import Purpose, Tensor, TensorStore
from tfrepair.planning.dialects.optimizers import (
    AVERAGERS,
    FAMILIES,
    SAVER_FAMILIES,
    SAVER_SLOTS,
    SHARED_SLOTS,
    WRAPPERS,
    Family,
)

_VALUE_END = "/.ATTRIBUTES/VARIABLE_VALUE"
_SLOT_MARK, _LIST_MARK = "/.OPTIMIZER_SLOT/", "/_variables/"
_OWN = "vars/optimizer"
"""Where SavedModels of tfrepair keep an optimizer: below it, slots by the way to their weight."""
_KERAS_FILE = "optimizer"
"""What readers of Keras files put in front of an optimizer's variables."""
_ESCAPE = re.compile(r"\.([.S])")
_NUMBER = re.compile(r"_(\d+)$")
_NUMBERS = re.compile(r"(?:_\d+)+$")
_POWER = re.compile(r"(?:^|/)beta([12])_power(?:_\d+)?$")
_RATE = re.compile(r"(?:^|/)(?:learning_rate|lr)(?:_\d+)?$")
_FILE_STEP = re.compile(r"-(\d+)(?:\.(?:index|meta|ckpt|data-\d{5}-of-\d{5}))*$")
_SECOND_USE = re.compile(r"#\d+$")
_UNNAMED = re.compile(r"^variable(?:_\d+)?$")
_MAX_DEPTH = 8
UPDATES = "updates"
"""Attribute of a store: what the graph beside it says about the updates, see
:mod:`tfrepair.wire.graph_updates`."""
STEP_WORDS = ("iterations", "iteration", "iter")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOptimizer:
    """One optimizer of a source.

    Attributes
    ----------
    title
        What messages call it: its class, or what stands in the place of it.
    family
        ``None`` if its class is not known, or keeps what no table here describes.
    slots
        By the weight's tensor and the slot's kind (:class:`~.dialects.optimizers.Slot`).
    unread
        Slots whose kind or weight is not certain.
    names
        The names that its slots have in the source.
    scalars
        By the last word of their names: ``iter``, ``learning_rate``, ``u_product``.
    is_saver
        True for TensorFlow 1: the step count is in ``powers`` and ``counters``.
    counters
        Step counts that belong to no optimizer: ``global_step``.
    powers
        First and second beta power of each optimizer that has them; ``None`` for one that is lost.
    rates
        Scalars of TensorFlow 1 that are called a learning rate.
    config, config_origin
        Hyperparameters that a configuration or a graph beside the tensors states, and which.
    is_addon
        True for a class of TensorFlow Addons.
    is_wrapped
        True if it ran inside an optimizer that scales the loss.
    file_step
        Number at the end of the file's name: ``model.ckpt-1000``.
    """

    title: str
    family: Family | None
    slots: Mapping[tuple[str, str], Tensor] = field(default_factory=dict)
    unread: tuple[Tensor, ...] = ()
    names: frozenset[str] = frozenset()
    scalars: Mapping[str, Tensor] = field(default_factory=dict)
    is_saver: bool = False
    counters: tuple[Tensor, ...] = ()
    powers: tuple[tuple[Tensor | None, Tensor | None], ...] = ()
    rates: tuple[Tensor, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    config_origin: Origin = Origin.CONFIG
    is_addon: bool = False
    is_wrapped: bool = False
    file_step: int | None = None

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Every slot."""
        return (*self.slots.values(), *self.unread)

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds of the slots that have a meaning."""
        return frozenset(kind for _, kind in self.slots)

    @property
    def owners(self) -> frozenset[str]:
        """Names of the weights that it has slots of; empty names are left out."""
        return frozenset({tensor.slot_of for tensor in self.tensors} - {""})


def plain_word(word: str) -> str:
    """Return the last word of a scalar's name without the numbers that make it unique.

    Keras 3 calls Nadam's product ``variable``, or ``variable_12`` after others without a name.
    """
    return _UNNAMED.sub("variable", _SECOND_USE.sub("", word))


def slot_kind(family: Family, name: str) -> str:
    """Return the kind of a slot by any of its names; empty for a name that is not known."""
    kinds = [slot.kind for slot in (*family.slots, *SHARED_SLOTS) if name in slot.names]
    return kinds[0] if len(kinds) == 1 else ""


def family_named(name: str) -> Family | None:
    """Return the family of a class or instance name: ``AdamW``, ``adam_w``, ``adam_1``."""
    return FAMILIES.get(_NUMBERS.sub("", name).lower().replace("_", ""))


def assumed(
    stored: StoredOptimizer, family: Family, kinds: frozenset[str]
) -> StoredOptimizer | None:
    """Return an optimizer whose class nothing names as one of a family, if its slots are those.

    Parameters
    ----------
    stored
        Without a family.
    family, kinds
        The family, and the kinds of slots that it keeps here.

    Returns
    -------
    ``None`` unless the slots have exactly the names that the family gives these kinds in one era,
    and no scalar belongs to another family.
    """
    products = {name for other in FAMILIES.values() for names in other.products for name in names}
    own = {name for names in family.products for name in names}
    if stored.family is not None or stored.is_saver or stored.scalars.keys() & (products - own):
        return None
    eras = [
        {getattr(family.slot(kind), era) for kind in kinds}
        for era in ("before", "since", "keras_3")
    ]
    if not kinds or set(stored.names) not in eras:
        return None
    read, unread = _read(family, ((t, slot_kind(family, t.slot)) for t in stored.unread))
    return replace(stored, title=family.title, family=family, slots=read, unread=unread)


def stored_optimizers(store: TensorStore) -> tuple[StoredOptimizer, ...]:
    """Find the optimizers of a source.

    Parameters
    ----------
    store
        Any; without slots and counters of an optimizer there are none.
    """
    groups: dict[str, list[Tensor]] = defaultdict(list)
    by_word: dict[str, list[Tensor]] = defaultdict(list)
    scalars: dict[str, dict[str, Tensor]] = defaultdict(dict)
    for tensor in store:
        group, word = _place(tensor)
        is_step = tensor.purpose is Purpose.COUNTER and word in STEP_WORDS
        saver_slot = _saver_slot(tensor)
        if saver_slot:
            by_word[_saver_word(saver_slot)].append(replace(tensor, slot=saver_slot))
        elif group and (_is_slot(tensor) or is_step):
            groups[group].append(tensor)
        elif tensor.purpose is Purpose.SLOT:
            by_word[_saver_word(tensor.slot)].append(tensor)
        if tensor.purpose in (Purpose.COUNTER, Purpose.HYPERPARAMETER):
            if word in scalars[group] and not _SECOND_USE.search(tensor.name):
                continue
            # Loss scaling comes first, with counters of its own: the second is the optimizer's.
            scalars[group][word] = tensor
    stated = _stated(store)
    names = _without_wrappers(groups, scalars)
    listed = (_listed(name, groups[name], scalars[name], stated) for name in names)
    found = (*listed, *_of_saver(store, by_word, is_alone=not groups))
    step = None if _is_object_based(store) else _FILE_STEP.search(store.path)
    return tuple(replace(one, file_step=int(step[1]) if step else None) for one in found)


def _is_object_based(store: TensorStore) -> bool:
    """Tell whether a number in the file's name counts saves, not updates."""
    return any(tensor.origin.key.endswith(_VALUE_END) for tensor in store)


def _without_wrappers(
    groups: Mapping[str, Sequence[Tensor]], scalars: Mapping[str, dict[str, Tensor]]
) -> list[str]:
    """Return the groups that hold an optimizer, not the loss scaling around one.

    Loss scaling keeps its own step count and a copy of the inner slots' list; its scalars go to
    the inner optimizer, for the same wrapper of an architecture.
    """
    inner = [name for name in groups if name.rstrip("/").endswith("inner_optimizer")]
    for name in inner:
        outer = name.rstrip("/").removesuffix("inner_optimizer")
        for word in ("dynamic_scale", "step_counter", "current_loss_scale", "good_steps"):
            for place in (outer, f"{outer}loss_scale", f"{outer}_loss_scale"):
                if word in scalars.get(place, {}):
                    scalars[name].setdefault(word, scalars[place][word])
    return inner or list(groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stated:
    """What a configuration beside the tensors says: the optimizer inside any wrappers."""

    name: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    is_addon: bool = False
    is_wrapped: bool = False


def _stated(store: TensorStore) -> _Stated:
    held: Any = None
    try:
        training = json.loads(store.attributes.get("training_config", "null"))
    except (ValueError, RecursionError):
        training = None
    if isinstance(training, dict):
        held = training.get("optimizer_config", training.get("optimizer"))
    fallback = _Stated(name=store.attributes.get("optimizer", ""))
    is_wrapped = False
    for _ in range(_MAX_DEPTH):
        if not isinstance(held, dict) or not isinstance(held.get("class_name"), str):
            return fallback
        package, _, name = held["class_name"].rpartition(">")
        name = name.rpartition(".")[2]
        config = held["config"] if isinstance(held.get("config"), dict) else {}
        plain = name.lower().replace("_", "")
        if plain not in WRAPPERS | AVERAGERS:
            return _Stated(
                name=name, config=config, is_addon=package == "Addons", is_wrapped=is_wrapped
            )
        is_wrapped = is_wrapped or plain in WRAPPERS
        held = config.get("inner_optimizer", config.get("optimizer"))
    return fallback


def _is_slot(tensor: Tensor) -> bool:
    return tensor.purpose in (Purpose.SLOT, Purpose.AVERAGE)


def _saver_slot(tensor: Tensor) -> str:
    """Return the last word of a slot of TensorFlow 1's optimizers, in files of any kind.

    Object-based saves of TensorFlow 1 call the slot ``m``, but the variable ``dense/kernel/Adam``.
    """
    word = tensor.name.rpartition("/")[2]
    if tensor.purpose is not Purpose.SLOT:
        return ""
    return word if word in SAVER_SLOTS or _NUMBER.sub("", word) in SAVER_FAMILIES else ""


def _saver_word(slot: str) -> str:
    """Return what the slots of one optimizer of TensorFlow 1 have in common."""
    return SAVER_SLOTS[slot][0].title if slot in SAVER_SLOTS else _NUMBER.sub("", slot)


def _place(tensor: Tensor) -> tuple[str, str]:
    """Return the optimizer that a tensor lies in, and its last word; both may be empty."""
    key = tensor.origin.key
    if key.endswith(_VALUE_END):
        path = key.removesuffix(_VALUE_END)
        if _SLOT_MARK in path:
            path = path.partition(_SLOT_MARK)[2]
        elif _LIST_MARK in path:
            path = path.rpartition(_LIST_MARK)[0] + "/"
        path = _ESCAPE.sub(lambda m: "/" if m[1] == "S" else ".", path)
        group, _, word = path.rpartition("/")
        word = plain_word(word.lstrip("_"))
        return (_OWN if group.startswith(f"{_OWN}/") else group), word
    group, slash, rest = tensor.name.partition("/")
    if slash and group == _KERAS_FILE:
        return group, rest.rpartition("/")[2]
    return "", tensor.name.rpartition("/")[2]


def _listed(
    group: str, members: Sequence[Tensor], scalars: Mapping[str, Tensor], stated: _Stated
) -> StoredOptimizer:
    slots = [tensor for tensor in members if _is_slot(tensor)]
    scopes = {_scope(tensor) for tensor in slots or members}
    scope = next(iter(scopes)) if len(scopes) == 1 else ""
    name = stated.name if family_named(stated.name) or not family_named(scope) else scope
    family = family_named(name)
    read, unread = _read(family, ((t, slot_kind(family, t.slot) if family else "") for t in slots))
    return StoredOptimizer(
        title=family.title if family else name or group,
        family=family,
        slots=read,
        unread=unread,
        names=frozenset(tensor.slot for tensor in slots),
        scalars=dict(scalars),
        config=stated.config,
        is_addon=stated.is_addon,
        is_wrapped=stated.is_wrapped,
    )


def _read(
    family: Family | None, kinds: Iterator[tuple[Tensor, str]]
) -> tuple[dict[tuple[str, str], Tensor], tuple[Tensor, ...]]:
    """Return the slots that have a meaning, and the others."""
    found: dict[tuple[str, str], list[Tensor]] = defaultdict(list)
    unread = []
    for tensor, kind in kinds:
        if family is None or not kind or not tensor.slot_of:
            unread.append(tensor)
        else:
            found[tensor.slot_of, kind].append(tensor)
    unread += [tensor for several in found.values() if len(several) > 1 for tensor in several]
    return {key: one[0] for key, one in found.items() if len(one) == 1}, tuple(unread)


def _scope(tensor: Tensor) -> str:
    """Return the word for the optimizer in a variable's own name, without numbers.

    ``Adam/dense/kernel/m``, ``Adam/m/dense/kernel``, ``adam_1/net_dense_kernel_momentum``; empty
    for names that are places.
    """
    name = tensor.name
    if _LIST_MARK in name:
        return ""
    for end in (f"/{tensor.slot_of}/{tensor.slot}", f"/{tensor.slot}/{tensor.slot_of}"):
        if tensor.slot_of and name.endswith(end):
            return _NUMBERS.sub("", name.removesuffix(end).rpartition("/")[2])
    if tensor.slot_of and name.endswith(f"/{tensor.slot_of}"):
        return ""
    return _NUMBERS.sub("", name.rpartition("/")[0].rpartition("/")[2])


def _of_saver(
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
        read, unread = _read(family, _numbered(family, members))
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
