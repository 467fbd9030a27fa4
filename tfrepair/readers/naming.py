"""What a checkpoint's own metadata says about one tensor: readable name, purpose, slot."""

from dataclasses import dataclass

from tfrepair.core.tensor import Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """See the attributes of the same names of :class:`tfrepair.core.tensor.Tensor`."""

    name: str
    purpose: Purpose = Purpose.UNKNOWN
    slot: str = ""
    slot_of: str = ""
