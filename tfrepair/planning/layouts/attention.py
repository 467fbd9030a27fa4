"""Attention: one kernel for query, key and value or three, heads apart or merged.

Keras' ``MultiHeadAttention`` keeps ``(model, heads, size)`` for query, key and value and
``(heads, size, model)`` for the output; most others keep matrices. Pure.

Source: Keras 3.15 ``MultiHeadAttention.build``; GPT-2's and BERT's TensorFlow code, PyTorch's
documentation of ``torch.nn.MultiheadAttention``.
"""

import math
from collections.abc import Iterator, Sequence

from tfrepair.planning.layouts.routes import Part, Route, fitting, piece

_INPUTS = ("query", "key", "value")


def attention_routes(sources: Sequence[Part], targets: Sequence[Part]) -> tuple[Route, ...]:
    """Return the layouts in which arrays may hold kernels or biases of attention.

    Parameters
    ----------
    sources
        One array that holds query, key and value; or one for each target, in order.
    targets
        Kernels, or biases, with or without an axis of heads. Three targets with one source are
        query, key and value.

    Returns
    -------
    ``merged-heads`` and ``transposed`` where there is a source for each target; ``fused``
    (query, key, value side by side), ``fused, transposed`` (one above the other, ``(out, in)``),
    ``fused, by head`` (the three of each head side by side) where there is one for three.
    """
    if not targets:
        return ()
    if len(sources) == len(targets):
        found = _one_each(sources, targets)
    elif len(sources) == 1 and len(targets) == len(_INPUTS):
        found = _fused(sources[0], targets)
    else:
        return ()
    return fitting(found, sources, targets)


def _dims(part: Part) -> str:
    return "reshape:" + ",".join(str(size) for size in part.shape)


def _one_each(sources: Sequence[Part], targets: Sequence[Part]) -> Iterator[Route]:
    pairs = list(zip(range(len(sources)), sources, targets, strict=True))
    if all(source.shape == target.shape for _, source, target in pairs):
        yield Route(system="plain", targets=tuple((piece(place),) for place, _, _ in pairs))
    elif all(_merges(source, target) for _, source, target in pairs):
        yield Route(
            system="merged-heads",
            targets=tuple((piece(place, _dims(target)),) for place, _, target in pairs),
        )
    if all(len(source.shape) == 2 for source in sources):
        yield Route(
            system="transposed",
            targets=tuple(
                (piece(place, f"transpose:1,0|{_dims(target)}"),)
                for place, source, target in pairs
                if _merges(Part(shape=source.shape[::-1]), target)
            ),
        )


def _merges(source: Part, target: Part) -> bool:
    """Return whether neighboring axes of a target are one axis of the source."""
    want = list(target.shape)
    for size in source.shape:
        taken = 1
        while want and (taken < size or (taken == size and want[0] == 1)):
            taken *= want.pop(0)
        if taken != size:
            return False
    return not want


def _fused(source: Part, targets: Sequence[Part]) -> Iterator[Route]:
    kernel = targets[0].shape
    if any(target.shape != kernel for target in targets):
        return
    if len(source.shape) == 1:
        width = math.prod(kernel)
        yield _sliced("fused", "", 0, width, targets)
        if len(kernel) == 2:
            yield _by_head(source, targets, width=kernel[1], heads=kernel[0], rows=())
        return
    width = math.prod(kernel[1:])
    yield _sliced("fused", "", len(source.shape) - 1, width, targets)
    if len(source.shape) == 2:
        yield _sliced("fused, transposed", "transpose:1,0", 1, width, targets)
        if len(kernel) == 3:
            yield _by_head(source, targets, width=kernel[2], heads=kernel[1], rows=kernel[:1])


def _sliced(system: str, first: str, axis: int, width: int, targets: Sequence[Part]) -> Route:
    def text(place: int, target: Part) -> str:
        cut = f"slice:axis={axis}:{place * width}:{(place + 1) * width}"
        return "|".join(step for step in (first, cut, _dims(target)) if step)

    return Route(
        system=system,
        targets=tuple((piece(0, text(place, target)),) for place, target in enumerate(targets)),
    )


def _by_head(
    source: Part, targets: Sequence[Part], *, width: int, heads: int, rows: tuple[int, ...]
) -> Route:
    axis = len(rows) + 1
    if math.prod(source.shape) != math.prod((*rows, heads, len(targets), width)):
        return Route(system="fused, by head", targets=())
    split = ",".join(str(size) for size in (*rows, heads, len(targets), width))
    return Route(
        system="fused, by head",
        targets=tuple(
            (piece(0, f"reshape:{split}|slice:axis={axis}:{place}:{place + 1}|{_dims(target)}"),)
            for place, target in enumerate(targets)
        ),
    )
