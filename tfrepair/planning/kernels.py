"""Convolution kernels whose direction a file does not settle: a question, never a guess.

Keras on Theano stored the kernels of convolutions rotated by half a turn. A file may say that it
was written there, or not say where; the shapes fit either way, and the network computes
something plausible with both. Pure.

Source: Keras 1 and 2 on Theano and on TensorFlow, ``tests/golden/keras/keras1_theano``.
"""

from collections.abc import Sequence

from tfrepair.core.architecture import Architecture, Role
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.plan import Match, Tie
from tfrepair.core.tensor import TensorStore

_ATTRIBUTE = "kernels"
_SETTLED = ("", "tensorflow")
_ROLES = frozenset({Role.KERNEL, Role.DEPTHWISE_KERNEL})
_MIN_RANK = 3


def in_doubt(
    store: TensorStore, architecture: Architecture, matches: Sequence[Match]
) -> tuple[tuple[Match, ...], tuple[Tie, ...], tuple[Finding, ...]]:
    """Take out the matches whose values may have to be reversed.

    Returns
    -------
    The matches that stay, the others as ties, and what to do about them.
    """
    backend = store.attributes.get(_ATTRIBUTE, "")
    if backend in _SETTLED:
        return tuple(matches), (), ()
    variables = architecture.by_path
    doubtful = [
        match
        for match in matches
        if variables[match.target].role in _ROLES
        and len(variables[match.target].shape) >= _MIN_RANK
    ]
    if not doubtful:
        return tuple(matches), (), ()
    known = "was written on Theano" if backend == "theano" else "does not say where it was written"
    first = doubtful[0]
    axes = ",".join(str(axis) for axis in range(len(variables[first.target].shape) - 2))
    why = f"the file {known}: the kernel may have to be reversed along its spatial axes"
    finding = Finding(
        code="kernels-in-doubt",
        severity=Severity.ERROR,
        where=store.path,
        message=f"the file {known}, and Keras on Theano stored kernels rotated: for "
        f"{len(doubtful)} kernels two values fit, as they are and reversed",
        remedy="write a plan with `tfrepair plan -o plan.toml`, and move each of [ties] to [map]: "
        f'"{first.target}" = "{first.sources[0]}" if it is not rotated, else '
        f'{{ from = "{first.sources[0]}", transform = "flip:{axes}" }}; compare predictions',
    )
    ties = tuple(Tie(targets=(match.target,), sources=match.sources, why=why) for match in doubtful)
    kept = tuple(match for match in matches if match not in doubtful)
    return kept, ties, (finding,)
