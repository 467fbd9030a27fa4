"""Nodes that look like the model to ``tf.train.Checkpoint``, with raw variables for leaves.

A checkpoint is matched by the names of edges. The mirror repeats the edges of the real objects, so
that ``Checkpoint(model=, optimizer=).restore(...)`` finds everything, without a second copy of any
variable. Tables and random generators are kept as they are.
"""

from typing import Any

from tfrepair.tfhost.worker.variables import is_variable, raw


def mirror(real: Any) -> Any:
    """Return a mirror of a trackable, or ``None`` if nothing below it is saved."""
    return _Mirror().of(real)


class _Mirror:
    """Copies the graph of edges; objects that are reached twice have one mirror."""

    def __init__(self) -> None:
        self._known: dict[int, Any] = {}
        self._real: list[Any] = []  # keeps ids valid

    def of(self, real: Any) -> Any:
        if is_variable(real):
            return raw(real)
        if id(real) in self._known:
            return self._known[id(real)]
        if _is_kept(real):
            return real
        import tensorflow as tf

        node = tf.__internal__.tracking.AutoTrackable()
        self._known[id(real)] = node
        self._real.append(real)
        has_content = False
        for name, child in real._trackable_children().items():
            below = self.of(child)
            if below is not None:
                node._track_trackable(below, name)
                has_content = True
        if not has_content:
            self._known[id(real)] = None
            return None
        return node


def _is_kept(real: Any) -> bool:
    """Tell whether an object saves something itself: tables, generators, assets."""
    import tensorflow as tf

    kept = (
        tf.saved_model.experimental.TrackableResource,
        tf.random.Generator,
        tf.saved_model.Asset,
    )
    return isinstance(real, kept)


def resources(real: Any) -> list[Any]:
    """Return the tables, generators and assets that a model's functions may need, each once."""
    found: list[Any] = []
    pending, seen = [real], set()
    while pending:
        node = pending.pop(0)
        if id(node) in seen:
            continue
        seen.add(id(node))
        if _is_kept(node):
            found.append(node)
            continue
        if not is_variable(node):
            pending += list(_children(node))
    return found


def _children(node: Any) -> list[Any]:
    # Keras layers trace functions of their own when asked as for a SavedModel; only edges count.
    return list(node._trackable_children().values())
