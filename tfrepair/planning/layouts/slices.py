"""One array for many layers, many arrays for one variable: stacks, lists and partitions.

Pure. Source: ``tf.get_variable`` with a partitioner for ``part_<k>``; layers that are scanned or
stacked, as T5X, Flax and Keras' ``stack`` make them.
"""

from collections.abc import Sequence

from tfrepair.planning.layouts.routes import Part, Route, fitting, piece


def stacked_routes(source: Part, targets: Sequence[Part]) -> tuple[Route, ...]:
    """Return the ways to cut one array into one variable for each layer.

    Returns
    -------
    ``stacked`` (the first axis counts layers), ``stacked along axis K`` for another one.
    """
    if not targets:
        return ()
    routes = []
    for axis, size in enumerate(source.shape):
        if size != len(targets):
            continue
        texts = [
            f"slice:axis={axis}:{place}:{place + 1}|reshape:{','.join(map(str, target.shape))}"
            for place, target in enumerate(targets)
        ]
        rest = (*source.shape[:axis], *source.shape[axis + 1 :])
        if any(target.shape != rest for target in targets):
            continue
        name = "stacked" if axis == 0 else f"stacked along axis {axis}"
        routes.append(Route(system=name, targets=tuple((piece(0, text),) for text in texts)))
    return fitting(routes, [source], targets)


def listed_routes(sources: Sequence[Part], target: Part) -> tuple[Route, ...]:
    """Return the ways to put arrays of one shape, one for each layer, into one variable."""
    routes = []
    for axis, size in enumerate(target.shape):
        rest = (*target.shape[:axis], *target.shape[axis + 1 :])
        if size != len(sources) or any(source.shape != rest for source in sources):
            continue
        places = [
            ",".join(str(place) if other == axis else ":" for other in range(len(target.shape)))
            for place in range(size)
        ]
        name = "listed" if axis == 0 else f"listed along axis {axis}"
        pieces = tuple(piece(place, f"into:{text}") for place, text in enumerate(places))
        routes.append(Route(system=name, targets=(pieces,)))
    return fitting(routes, sources, [target])


def partition_routes(sources: Sequence[Part], target: Part) -> tuple[Route, ...]:
    """Return the ways to put the parts of a partitioned variable together, in order.

    The axis is the one along which the parts differ from the whole; with one part, or parts of
    length zero, more than one axis may fit.
    """
    routes = []
    for axis, whole in enumerate(target.shape):
        rest = (*target.shape[:axis], *target.shape[axis + 1 :])
        fits = all(
            len(part.shape) == len(target.shape)
            and (*part.shape[:axis], *part.shape[axis + 1 :]) == rest
            for part in sources
        )
        if not fits or sum(part.shape[axis] for part in sources) != whole:
            continue
        pieces, start = [], 0
        for place, part in enumerate(sources):
            stop = start + part.shape[axis]
            region = [f"{start}:{stop}" if other == axis else ":" for other in range(len(rest) + 1)]
            pieces.append(piece(place, f"into:{','.join(region)}"))
            start = stop
        routes.append(Route(system=f"parts along axis {axis}", targets=(tuple(pieces),)))
    return fitting(routes, sources, [target])
