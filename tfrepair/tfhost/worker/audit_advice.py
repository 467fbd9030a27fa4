"""Why a state is not saved, and what to write instead: words, from how the model holds it.

Knows what each framework tracks; nothing of the model but the links to the state. Comes after
:mod:`tfrepair.tfhost.worker.audit_holders`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tfrepair.core.audit import Fate, StateKind, Way
from tfrepair.tfhost.worker.audit_holders import Held, Link, Step, is_layer
from tfrepair.tfhost.worker.built import KERAS_3, MODULE


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """Why a state is lost, and the fix."""

    reason: str
    fix: str


_CONTAINERS = (Link.LIST, Link.DICT, Link.NESTED)


_IN_A_MODULE = (
    ("a keras.layers.Layer", "a tf.Module"),
    ("self.add_weight(", "tf.Variable("),
    ("of the layer", "of the module"),
    ("in the layer", "in the module"),
)
"""Words of a fix for Keras, and those for a model that is a ``tf.Module`` without Keras."""


def advice(held: Held | None, kind: StateKind, fates: Mapping[Way, Fate], framework: str) -> Advice:
    """Explain what becomes of one state.

    Parameters
    ----------
    held
        How the model holds it; ``None`` if no way to it was found.
    kind, fates
        What it is, and what becomes of it.
    framework
        As in :class:`~tfrepair.tfhost.worker.built.Built`.
    """
    found = _advice(held, kind, fates, framework)
    if framework != MODULE:
        return found
    fix = found.fix
    for theirs, ours in _IN_A_MODULE:
        fix = fix.replace(theirs, ours)
    return Advice(reason=found.reason, fix=fix)


def _advice(
    held: Held | None, kind: StateKind, fates: Mapping[Way, Fate], framework: str
) -> Advice:
    if kind is StateKind.CONSTANT and fates.get(Way.CHECKPOINT) is Fate.KEPT:
        return _DERIVED
    if kind in _BY_KIND:
        return _BY_KIND[kind]
    if held is None:
        return _UNREACHED
    for links, found in _BY_LINK:
        step = next((step for step in held.steps if step.link in links), None)
        if step is not None:
            return _filled(found, step)
    if fates.get(Way.GET_WEIGHTS) is Fate.LOST:
        return _unlisted(held, framework)
    return _in_container(held, framework)


def _filled(found: Advice, step: Step) -> Advice:
    names = {"name": step.name, "owner": type(step.owner).__name__}
    return Advice(reason=found.reason.format(**names), fix=found.fix.format(**names))


_UNREACHED = Advice(
    reason="the model computes with it, but no attribute of the model leads to it",
    fix="create it with self.add_weight(...) in the layer that uses it",
)
_DERIVED = Advice(
    reason="a tensor that the layer derives from its weights: the graph holds it as a constant, so "
    "that an export does not follow other weights",
    fix="after set_weights() and restore(), call the layer's finalize_state(); export anew for "
    "other weights",
)
_BY_KIND = {
    StateKind.RANDOM: Advice(
        reason="state of a random generator: a training that is resumed draws other numbers",
        fix="tfrepair convert keeps it in the SavedModel; otherwise save the generator's state "
        "beside the weights",
    ),
    StateKind.METRIC: Advice(
        reason="the layer computes with the running value of a metric, which Keras does not list "
        "among the weights",
        fix="keep the value in self.add_weight(..., trainable=False) and update it in call()",
    ),
    StateKind.TABLE: Advice(
        reason="the contents of a mutable table are in no list of weights",
        fix="keep the values in self.add_weight(...) of a fixed size, write them in "
        "save_own_variables() and load_own_variables(), or save with tf.train.Checkpoint",
    ),
    StateKind.CONSTANT: Advice(
        reason="an array or tensor is no variable: the graph holds it as a constant, weight files "
        "do not hold it",
        fix="if it ever changes, create it with self.add_weight(..., trainable=False); if the "
        "constructor computes it from its arguments, nothing is lost",
    ),
    StateKind.OPTIMIZER: Advice(
        reason="compile() does not create the slots: a save before the first training step lacks "
        "them, and loading into a model that is only compiled skips them",
        fix="call model.optimizer.build(model.trainable_variables) before saving and before "
        "loading",
    ),
}
_BY_LINK: tuple[tuple[tuple[Link, ...], Advice], ...] = (
    (
        (Link.CLOSURE,),
        Advice(
            reason="it is held by the closure of a function ({name!r}), which no framework looks "
            "into",
            fix="replace the Lambda or function by a layer of its own class that creates it in "
            "build() with self.add_weight(...), or holds the sublayer as an attribute",
        ),
    ),
    (
        (Link.GLOBAL,),
        Advice(
            reason="it is a global of the module ({name!r}); no attribute of a layer holds it",
            fix="assign it to an attribute of the layer: self.{name} = self.add_weight(...)",
        ),
    ),
    (
        (Link.OBJECT,),
        Advice(
            reason="it is held by an object of class {owner}, which is neither a layer nor a "
            "module: nothing looks into it",
            fix="make {owner} a keras.layers.Layer, or also assign what it holds to an attribute "
            "of the layer: self.{name} = ...",
        ),
    ),
    (
        (Link.ODD_KEYS,),
        Advice(
            reason="it is held in a dict with keys that are no strings",
            fix="use strings as keys, and self.add_weight(...) for the values",
        ),
    ),
)


def _unlisted(held: Held, framework: str) -> Advice:
    """Explain why ``get_weights`` lacks what an attribute, list or dict holds."""
    last = held.steps[-1] if held.steps else Step(owner=None, name="", link=Link.ATTRIBUTE)
    step = next((step for step in reversed(held.steps) if is_layer(step.owner)), last)
    if any(step.link is Link.MODULE for step in held.steps):
        return Advice(
            reason="it belongs to a tf.Module inside the model; the lists of Keras hold the "
            "variables of layers only",
            fix="make that class a keras.layers.Layer that creates it with self.add_weight(...)",
        )
    if framework == KERAS_3 and not held.is_wrapped:
        return Advice(
            reason="it is a tf.Variable: Keras 3 lists only variables of its own",
            fix=f"self.{step.name} = self.add_weight(...) (or keras.Variable(...)) instead of "
            "tf.Variable(...)" + _unpacked(held, framework),
        )
    return Advice(
        reason="it was put into the layer past its __setattr__, or after tracking had ended",
        fix=f"assign it plainly in the constructor or build(): self.{step.name} = ...",
    )


def _unpacked(held: Held, framework: str) -> str:
    if framework == KERAS_3 and held.links.intersection(_CONTAINERS):
        return ", each under an attribute of its own rather than in a list or dict"
    return ""


def _in_container(held: Held, framework: str) -> Advice:
    """Explain the loss of what Keras lists and an object graph does not reach."""
    place = next((n for n, step in enumerate(held.steps) if step.link in _CONTAINERS), None)
    if any(step.link is Link.MODULE for step in held.steps):
        return Advice(
            reason="the files of Keras hold layers only, and it belongs to a tf.Module",
            fix="make that class a keras.layers.Layer",
        )
    if place is None:
        return Advice(
            reason="the object graph of TensorFlow does not lead to it",
            fix="assign it, or the layer that owns it, to an attribute of the layer that uses it",
        )
    name = held.steps[place - 1].name if place else held.steps[place].name
    nested = any(step.link is Link.NESTED for step in held.steps)
    what = "a list or dict inside another" if nested else "a list or dict"
    if framework != KERAS_3:
        return Advice(
            reason=f"{name!r} is {what}: the files of tf_keras do not look into it",
            fix=f"hold each under an attribute of its own: setattr(self, f'{name}_{{i}}', ...)",
        )
    return Advice(
        reason=f"{name!r} is {what}: the object graph of Keras 3 does not lead into it",
        fix=f"also hold each under an attribute of its own: setattr(self, f'{name}_{{i}}', ...); "
        "or save as .weights.h5 or .keras",
    )
