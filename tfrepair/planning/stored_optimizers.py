"""Which optimizers a source holds: their family, their slots by weight, their scalars.

Readers say which tensor is a slot of which, and what it is called; here slots that belong to one
optimizer are put together, and names of all eras become one kind. A slot whose meaning is not
certain is kept apart, unread. Comes before :mod:`tfrepair.planning.optimizer`. Pure.
"""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tfrepair.core.tensor import Purpose, Tensor, TensorStore
from tfrepair.planning.dialects.optimizers import AVERAGERS, FAMILIES, WRAPPERS, Family
from tfrepair.planning.saver_optimizers import optimizers_of_saver, saver_slot, saver_word
from tfrepair.planning.stored_optimizer import (
    STEP_WORDS,
    StoredOptimizer,
    family_named,
    read_slots,
    slot_kind,
)

_VALUE_END = "/.ATTRIBUTES/VARIABLE_VALUE"
_SLOT_MARK, _LIST_MARK = "/.OPTIMIZER_SLOT/", "/_variables/"
_OWN = "vars/optimizer"
"""Where SavedModels of tfrepair keep an optimizer: below it, slots by the way to their weight."""
_KERAS_FILE = "optimizer"
"""What readers of Keras files put in front of an optimizer's variables."""
_ESCAPE = re.compile(r"\.([.S])")
_NUMBERS = re.compile(r"(?:_\d+)+$")
_FILE_STEP = re.compile(r"-(\d+)(?:\.(?:index|meta|ckpt|data-\d{5}-of-\d{5}))*$")
_SECOND_USE = re.compile(r"#\d+$")
_UNNAMED = re.compile(r"^variable(?:_\d+)?$")
_MAX_DEPTH = 8


def plain_word(word: str) -> str:
    """Return the last word of a scalar's name without the numbers that make it unique.

    Keras 3 calls Nadam's product ``variable``, or ``variable_12`` after others without a name.
    """
    return _UNNAMED.sub("variable", _SECOND_USE.sub("", word))


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
    read, unread = read_slots(family, ((t, slot_kind(family, t.slot)) for t in stored.unread))
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
        last = saver_slot(tensor)
        if last:
            by_word[saver_word(last)].append(replace(tensor, slot=last))
        elif group and (_is_slot(tensor) or is_step):
            groups[group].append(tensor)
        elif tensor.purpose is Purpose.SLOT:
            by_word[saver_word(tensor.slot)].append(tensor)
        if tensor.purpose in (Purpose.COUNTER, Purpose.HYPERPARAMETER):
            if word in scalars[group] and not _SECOND_USE.search(tensor.name):
                continue
            # Loss scaling comes first, with counters of its own: the second is the optimizer's.
            scalars[group][word] = tensor
    stated = _stated(store)
    names = _without_wrappers(groups, scalars)
    listed = (_listed(name, groups[name], scalars[name], stated) for name in names)
    found = (*listed, *optimizers_of_saver(store, by_word, is_alone=not groups))
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
    read, unread = read_slots(
        family, ((t, slot_kind(family, t.slot) if family else "") for t in slots)
    )
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
