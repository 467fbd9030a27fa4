"""One optimizer of a source: its family, its slots by weight and kind, its scalars. Pure data."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tfrepair.core.optimizer_plan import Origin
from tfrepair.core.tensor import Tensor
from tfrepair.planning.dialects.optimizers import FAMILIES, SHARED_SLOTS, Family

STEP_WORDS = ("iterations", "iteration", "iter")
_NUMBERS = re.compile(r"(?:_\d+)+$")


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


def slot_kind(family: Family, name: str) -> str:
    """Return the kind of a slot by any of its names; empty for a name that is not known."""
    kinds = [slot.kind for slot in (*family.slots, *SHARED_SLOTS) if name in slot.names]
    return kinds[0] if len(kinds) == 1 else ""


def family_named(name: str) -> Family | None:
    """Return the family of a class or instance name: ``AdamW``, ``adam_w``, ``adam_1``."""
    return FAMILIES.get(_NUMBERS.sub("", name).lower().replace("_", ""))


def read_slots(
    family: Family | None, kinds: Iterable[tuple[Tensor, str]]
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
