"""What no transform can bring over from an earlier era of Keras: functions that changed.

A weight may be right in every bit and the layer compute something else, since the function behind
a name changed, or since a cell of the other kind was built. Says so. Pure.

Source: ``hard_sigmoid`` of Keras 2.3 (``clip(0.2 * x + 0.5, 0, 1)``) and of Keras 3
(``relu6(x + 3) / 6``); measured, 0.7 against 0.667 at 1.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace

from tfrepair.core.architecture import Architecture, Role, Variable
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.plan import Gap
from tfrepair.core.tensor import TensorStore
from tfrepair.planning.layouts import Part, impossible
from tfrepair.planning.lists import Outcome

_SHOWN = 5
_KEEPS_OWN = (2, 7)
"""First version of tf.keras whose H5 files have the group ``top_level_model_weights``."""
_ROUNDING = 1e-3
"""Of epsilons: some come from float32."""
_RECURRENT = ("LSTM", "GRU", "ConvLSTM2D", "LSTMCell", "GRUCell", "ConvLSTMCell")
_SLOPE = "clip(0.2 * x + 0.5, 0, 1)"
_HOW = (
    "build the layers with recurrent_activation=lambda x: keras.ops.clip(0.2 * x + 0.5, 0, 1) (a "
    "registered function), or with tf_keras (--keras 2)"
)


def with_era_findings(outcome: Outcome, store: TensorStore, architecture: Architecture) -> Outcome:
    """Add what is known about functions and cells that differ from today's."""
    outcome = replace(outcome, findings=(*outcome.findings, *_epsilons(store, architecture)))
    if store.attributes.get("layout") != "lists":
        return outcome
    variables = architecture.by_path
    gaps = tuple(
        _explained(gap, variables.get(gap.target), store, architecture) for gap in outcome.missing
    )
    findings = (
        *outcome.findings,
        *_functions(store, architecture),
        *_padding(store),
    )
    return replace(outcome, missing=gaps, findings=findings)


def _functions(store: TensorStore, architecture: Architecture) -> Iterator[Finding]:
    """Yield a finding if ``hard_sigmoid`` is, or may be, in the model that was saved."""
    version = store.attributes.get("keras_version", "1")
    if architecture.framework != "keras3" or version.startswith("3"):
        return
    text = store.attributes.get("layers", "")
    layers = json.loads(text) if text else {}
    hard = [name for name, facts in layers.items() if facts.get("hard_sigmoid")]
    if hard:
        yield Finding(
            code="hard-sigmoid-changed",
            severity=Severity.WARNING,
            where=", ".join(hard[:_SHOWN]) + (", ..." if len(hard) > _SHOWN else ""),
            message=f"{len(hard)} layers were trained with hard_sigmoid as {_SLOPE}; in Keras 3 "
            "that name means relu6(x + 3) / 6, and the default of LSTM and GRU is sigmoid",
            remedy=_HOW,
        )
    elif not layers and _is_from_before_sigmoid(version):
        gated = {v.layer for v in architecture.weights if v.layer_class in _RECURRENT}
        if gated:
            yield Finding(
                code="recurrent-activation-unknown",
                severity=Severity.WARNING,
                where=", ".join(sorted(gated)[:_SHOWN]),
                message=f"the file has weights alone; the default of its Keras for {len(gated)} "
                f"recurrent layers was recurrent_activation='hard_sigmoid', {_SLOPE}, and is "
                "sigmoid in Keras 3",
                remedy=f"unless the model was built with another one, {_HOW}",
            )


def _epsilons(store: TensorStore, architecture: Architecture) -> Iterator[Finding]:
    """Yield a finding if layers add another epsilon than the same layers of the source."""
    text = store.attributes.get("layers", "")
    if not text or architecture.root is None:
        return
    said = {name: facts.get("epsilon") for name, facts in json.loads(text).items()}
    found = [
        (path, said[path], epsilon)
        for path, epsilon in epsilons(architecture).items()
        if said.get(path) is not None and not math.isclose(said[path], epsilon, rel_tol=_ROUNDING)
    ]
    if found:
        path, theirs, ours = found[0]
        yield Finding(
            code="epsilon-differs",
            severity=Severity.WARNING,
            where=", ".join(name for name, _, _ in found[:_SHOWN])
            + (", ..." if len(found) > _SHOWN else ""),
            message=f"{len(found)} layers were trained with another epsilon than the architecture "
            f"has: {path} with {theirs:g}, the architecture {ours:g}; outputs differ where "
            "variances are small",
            remedy=f"build {path} with epsilon={theirs:g}",
        )


def epsilons(architecture: Architecture) -> dict[str, float]:
    """Return the epsilon of each layer that has one, by the path of the layer."""
    found: dict[str, float] = {}
    nodes = [architecture.root] if architecture.root is not None else []
    while nodes:
        node = nodes.pop()
        if node.epsilon is not None:
            found[node.path] = node.epsilon
        nodes += node.children
    return found


def _padding(store: TensorStore) -> Iterator[Finding]:
    """Yield a finding if Theano padded images on another side than TensorFlow does."""
    text = store.attributes.get("layers", "")
    if store.attributes.get("kernels") != "theano" or not text:
        return
    names = [name for name, facts in json.loads(text).items() if facts.get("even_same")]
    if names:
        yield Finding(
            code="theano-padding",
            severity=Severity.WARNING,
            where=", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else ""),
            message=f"{len(names)} layers pad to the same size for kernels of even length: Theano "
            "pads before, TensorFlow behind, which no change of weights makes up for",
            remedy="pad with a layer of its own, ZeroPadding, and padding='valid'",
        )


def _is_from_before_sigmoid(version: str) -> bool:
    """Return whether ``hard_sigmoid`` was the default: standalone Keras up to 2.2."""
    return version.startswith(("0", "1", "2.0", "2.1.", "2.2."))


def _explained(
    gap: Gap, variable: Variable | None, store: TensorStore, architecture: Architecture
) -> Gap:
    """Say why a weight is not there: the model's own, or the bias of a GRU of the other kind."""
    root, version = architecture.root, store.attributes.get("keras_version", "1")
    own = (*root.own_trainable, *root.own_non_trainable) if root is not None else ()
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    if gap.target in own and numbers < _KEEPS_OWN:
        reason = f"it belongs to the model itself, and H5 files of Keras {version} hold the weights"
        return replace(gap, reason=f"{gap.reason}; {reason} of layers only")
    if variable is None or variable.role is not Role.BIAS or not gap.candidates:
        return gap
    siblings = [v for v in architecture.weights if v.layer == variable.layer]
    targets = [Part(role=v.path.rpartition("/")[2], shape=v.shape) for v in siblings]
    sources = [Part(shape=store[name].shape) for name in gap.candidates]
    reason = impossible(sources, variable.layer_class, targets)
    return replace(gap, reason=f"{gap.reason}; {reason}") if reason else gap
