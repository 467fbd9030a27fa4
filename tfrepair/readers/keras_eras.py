"""What a file's era means for its values: findings about layouts that nobody converts silently.

Kernels written on Theano are flipped and, in its own dimension order, transposed; Keras 1 keeps
gates apart and calls variances standard deviations. Says so, with the evidence; converting is a
matter of planning. Pure.
"""

from collections.abc import Iterator, MutableMapping, Sequence

from tfrepair.core.findings import Finding, Severity
from tfrepair.readers.keras_config import LayerConfig, layer_config
from tfrepair.readers.keras_weights import KerasWeight

_CONVOLUTION_AXES = (3, 4, 5)


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
        Gets ``kernels`` (``theano``, ``tensorflow`` or ``unknown``) and ``dim_ordering`` (``th``
        or ``tf``) where the file says so or it matters.
    config
        The model's configuration.
    where
        How findings name the file.
    """
    is_old = not attributes.get("keras_version") or attributes["keras_version"].startswith("1")
    if attributes.get("layout") == "paths" or not weights:
        return []
    ordering = _dim_ordering(layer_config(config))
    if ordering:
        attributes["dim_ordering"] = ordering
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
    # TensorFlow ends the names of its variables with ":0", Theano does not.
    return "tensorflow" if all(weight.raw.endswith(":0") for weight in weights) else "unknown"


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
        known = (
            "was written on Theano" if backend == "theano" else "may have been written on Theano"
        )
        yield Finding(
            code="theano-kernels",
            severity=Severity.WARNING,
            where=where,
            message=f"the file {known}, which turns kernels round: {len(kernels)} kernels, such as "
            f"{kernels[0].name}, may have to be reversed along their spatial axes",
            remedy="say so in the plan: nothing is reversed without being asked for",
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
