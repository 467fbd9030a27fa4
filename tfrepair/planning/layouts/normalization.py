"""Moving variances that a file keeps in another way: as a standard deviation, with another epsilon.

Keras computes ``(x - mean) / sqrt(variance + epsilon)``. Keras 0 divided by ``running_std +
epsilon``; Keras 1 kept the name ``running_std`` for what is the variance. Pure.

Source: ``keras/layers/normalization.py`` of Keras 0.3.3, 1.0.8 and 1.2.2; measured on files of
each, ``tests/golden/keras``.
"""

from tfrepair.planning.layouts.routes import Part, Route, one_to_one

_KERAS_0_EPSILON = 1e-6


def variance_routes(
    source: Part,
    target: Part,
    *,
    epsilon: float | None = None,
    source_epsilon: float | None = None,
) -> tuple[Route, ...]:
    """Return the ways in which an array may hold a moving variance.

    Parameters
    ----------
    source, target
        Both ``(channels,)``.
    epsilon
        Of the target layer.
    source_epsilon
        Of the layer that was saved; ``None`` if it is not known.

    Returns
    -------
    ``variance`` (as it is); ``keras-0``, a standard deviation, if ``epsilon`` is known. Where both
    epsilons are known and differ, ``variance, other epsilon`` makes up for it.
    """
    systems = [("variance", "", "")]
    if epsilon is not None:
        eps = _KERAS_0_EPSILON if source_epsilon is None else source_epsilon
        systems.append(
            (
                "keras-0",
                f"offset:{eps!r}|square|offset:{-epsilon!r}",
                f"a standard deviation: variance = (std + {eps:g})^2 - {epsilon:g}",
            )
        )
        if source_epsilon is not None and source_epsilon != epsilon:
            systems.append(
                (
                    "variance, other epsilon",
                    f"offset:{source_epsilon - epsilon!r}",
                    f"written with epsilon {source_epsilon:g}, the layer has {epsilon:g}",
                )
            )
    return tuple(one_to_one(systems, source, target))
