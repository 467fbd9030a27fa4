"""What a file's era means for its values: findings about layouts, and facts for their conversion.

Kernels written on Theano are flipped and, in its own dimension order, transposed; Keras 1 keeps
gates apart and calls variances standard deviations. Says so, with the evidence; converting is the
matter of :mod:`tfrepair.planning.eras`, which this module may not import. Pure.
"""

import re
from collections.abc import Iterator, MutableMapping, Sequence

from tfrepair.core.findings import Finding, Severity
from tfrepair.readers.keras_config import LayerConfig, layer_config
from tfrepair.readers.keras_layers import input_shape, layer_facts
from tfrepair.readers.keras_weights import KerasWeight

_CONVOLUTION_AXES = (3, 4, 5)
_OF_KERAS_1 = re.compile(r".+_[WUb](_[a-z])?(:0)?")
_NUMBERED = re.compile(r"param_\d+")


def era_findings(
    weights: Sequence[KerasWeight],
    attributes: MutableMapping[str, str],
    config: object,
    where: str,
) -> list[Finding]:
    """Describe the conventions of a file.

    Parameters
    ----------
    weights
        Its weights.
    attributes
        Gets ``kernels`` (``theano``, ``tensorflow`` or ``unknown``), ``era`` (``0``, ``1``, or
        empty for what came later), and where the file says so ``dim_ordering`` (``th`` or ``tf``),
        ``layers`` and ``inputs`` (see :mod:`tfrepair.readers.keras_layers`).
    config
        The model's configuration.
    where
        How findings name the file.
    """
    is_old = not attributes.get("keras_version") or attributes["keras_version"].startswith("1")
    if attributes.get("layout") == "paths" or not weights:
        return []
    root = layer_config(config)
    ordering = _dim_ordering(root)
    if ordering:
        attributes["dim_ordering"] = ordering
    for name, text in (("layers", layer_facts(root)), ("inputs", input_shape(root))):
        if text:
            attributes[name] = text
    if is_old:
        attributes["era"] = "0" if any(_is_numbered(weight) for weight in weights) else "1"
    backend = _backend(weights, attributes, is_old=is_old)
    attributes["kernels"] = backend
    return list(_findings(weights, backend, ordering, where, is_old=is_old))


def _backend(
    weights: Sequence[KerasWeight], attributes: MutableMapping[str, str], *, is_old: bool
) -> str:
    stored = attributes.get("backend", "")
    if stored:
        return "theano" if stored == "theano" else "tensorflow"
    if not is_old:
        return "tensorflow"
    if not any(_OF_KERAS_1.fullmatch(weight.raw) for weight in weights):
        return "unknown"
    # Keras 1 has two backends: TensorFlow ends the names of its variables with ":0", Theano not.
    ends = {weight.raw.endswith(":0") for weight in weights}
    return {frozenset({True}): "tensorflow", frozenset({False}): "theano"}.get(
        frozenset(ends), "unknown"
    )


def _is_numbered(weight: KerasWeight) -> bool:
    """Return whether a weight has a number in place of a name: Keras 0, nameless variables."""
    return _NUMBERED.fullmatch(weight.raw.rpartition("/")[2]) is not None


def _dim_ordering(layer: LayerConfig | None) -> str:
    if layer is None:
        return ""
    stored = layer.settings.get("dim_ordering")
    if stored in ("th", "tf"):
        return str(stored)
    return next((found for child in layer.children if (found := _dim_ordering(child))), "")


def _findings(
    weights: Sequence[KerasWeight], backend: str, ordering: str, where: str, *, is_old: bool
) -> Iterator[Finding]:
    kernels = [w for w in weights if len(w.dataset.shape) in _CONVOLUTION_AXES]
    if kernels and backend != "tensorflow":
        known, then = ("was", "are") if backend == "theano" else ("may have been", "may have to be")
        yield Finding(
            code="theano-kernels",
            severity=Severity.WARNING,
            where=where,
            message=f"the file {known} written on Theano, which turns kernels round: "
            f"{len(kernels)} kernels, such as {kernels[0].name}, {then} reversed along their "
            "spatial axes",
            remedy="a conversion reverses them where this is certain, else the plan asks",
        )
    if kernels and ordering == "th":
        yield Finding(
            code="theano-dim-ordering",
            severity=Severity.WARNING,
            where=where,
            message=f"kernels are stored as (filters, channels, rows, columns): {len(kernels)}, "
            f"such as {kernels[0].name} {kernels[0].dataset.shape}; a Dense behind a Flatten has "
            "its rows in that order, too",
        )
    stds = [weight for weight in weights if weight.raw.split(":")[0].endswith("running_std")]
    if stds and is_old:
        yield Finding(
            code="running-std",
            severity=Severity.WARNING,
            where=where,
            message=f"{len(stds)} arrays are called running_std: Keras 1 keeps the variance in "
            "them, Keras 0 really a standard deviation",
        )
