"""Keras configurations as data: which layers there are, of which class, and which are frozen.

Reads the JSON texts that Keras of any era stores beside weights. Nothing that a text names is
imported or called; what is not understood is left out, and a text that is no JSON is a finding.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tfrepair.core.findings import Finding, Severity

MAX_TEXT_BYTES = 1 << 26
"""Longest text that is parsed; the largest real ones have a few megabytes."""
_MAX_DEPTH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerConfig:
    """One layer of a configuration.

    Attributes
    ----------
    name, class_name
        As the writer had them; the package of a registered class is left out.
    settings
        The layer's own ``config``.
    is_trainable
        The layer's flag.
    children
        Layers of a model, in its order; the layer, cell or direction inside a wrapper.
    is_model
        True for ``Sequential``, ``Functional`` and what derives from them.
    placing
        What stands beside ``config``: of a functional model ``inbound_nodes``.
    """

    name: str
    class_name: str
    settings: Mapping[str, Any]
    is_trainable: bool
    children: tuple["LayerConfig", ...] = ()
    is_model: bool = False
    placing: Mapping[str, Any] = field(default_factory=dict)

    def child(self, name: str) -> "LayerConfig | None":
        """Return the child of a name."""
        return next((child for child in self.children if child.name == name), None)


def parse(text: str, where: str) -> tuple[Any, tuple[Finding, ...]]:
    """Parse a JSON text.

    Returns
    -------
    The value, or ``None`` and a finding if there is none.
    """
    if not text:
        return None, ()
    if len(text) > MAX_TEXT_BYTES:
        reason = f"{len(text)} characters, the limit is {MAX_TEXT_BYTES}"
    else:
        try:
            return json.loads(text), ()
        except (ValueError, RecursionError) as error:
            reason = str(error)
    finding = Finding(
        code="unreadable-config",
        severity=Severity.WARNING,
        where=where,
        message=f"not read: {reason}",
    )
    return None, (finding,)


def layer_config(value: object, depth: int = 0) -> LayerConfig | None:
    """Return the layers of a configuration; ``None`` if it is none."""
    if not isinstance(value, dict) or depth > _MAX_DEPTH:
        return None
    settings, class_name = value.get("config"), value.get("class_name")
    if not isinstance(class_name, str):
        return None
    layers = settings if isinstance(settings, list) else None  # Sequential of Keras 1 and 2
    held: Mapping[str, Any] = settings if isinstance(settings, dict) else {}
    listed = layers if layers is not None else held.get("layers")
    is_model = isinstance(listed, list)
    children = listed if isinstance(listed, list) else list(_inner(held))
    name = held.get("name") or value.get("name") or ""
    found = [layer_config(child, depth + 1) for child in children]
    return LayerConfig(
        name=str(name),
        class_name=class_name.rpartition(">")[2],
        settings=held,
        is_trainable=held.get("trainable") is not False,
        children=tuple(child for child in found if child is not None),
        is_model=is_model,
        placing=value,
    )


def _inner(settings: Mapping[str, Any]) -> Iterator[object]:
    """Yield what a wrapper wraps."""
    for key in ("layer", "forward_layer", "backward_layer", "cell"):
        if isinstance(settings.get(key), dict):
            yield settings[key]


def is_frozen(root: LayerConfig | None, layer: str, inside: tuple[str, ...]) -> bool:
    """Return whether a weight was not trained, as far as a configuration says so.

    Parameters
    ----------
    root
        The model.
    layer
        Name of one of its layers.
    inside
        Names of layers on the way from that layer to the weight.
    """
    node = root.child(layer) if root is not None else None
    if root is None or node is None:
        return False
    if not root.is_trainable or not node.is_trainable:
        return True
    for name in inside:
        below = node.child(name)
        if below is not None:
            node = below
            if not node.is_trainable:
                return True
    return not node.is_model and any(not child.is_trainable for child in node.children)
