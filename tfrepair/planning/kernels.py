"""Kernels whose direction or axes only their era tells: converted where it is certain, else asked.

Theano computes true convolutions: kernels written there stand turned by half a turn. Keras 1 kept
kernels with the filters first under ``dim_ordering="th"``, and a dense layer behind such an image
has its rows in that order. Shapes often fit either way, and the network computes something
plausible with both. Looks at matches that :mod:`tfrepair.planning.names` made, after
:mod:`tfrepair.planning.eras`. Pure.

Source: ``preprocess_weights_for_loading`` of Keras 2.2.4 for Theano; ``tests/golden/keras``.
"""

from dataclasses import replace

from tfrepair.core.architecture import Architecture, Role, Variable, VariablePath
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.plan import Confidence, Match, Tie
from tfrepair.core.tensor import TensorStore
from tfrepair.core.transform import Cast, Flip, Into, Operation, Transform
from tfrepair.planning.era_findings import epsilons
from tfrepair.planning.era_rules import channels_move, facts_of
from tfrepair.planning.era_words import split_name
from tfrepair.planning.kernel_axes import FIRST, is_turned, with_axes
from tfrepair.planning.layouts import Part, variance_routes
from tfrepair.planning.lists import Outcome

_KERNELS = "kernels"
_THEANO, _UNKNOWN = "theano", "unknown"
_MIN_RANK = 3
_ONE = Part(shape=(1,))
"""A moving variance of any length."""
_TURNED_CLASSES = ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "Conv3DTranspose")
_RECURRENT = ("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")


def settled(outcome: Outcome, store: TensorStore, architecture: Architecture) -> Outcome:
    """Turn what the file says was turned, and take out what it leaves open.

    Parameters
    ----------
    outcome
        Of matching by name or position.
    store
        Its attributes say what is known of the era.
    architecture
        The target.

    Returns
    -------
    The outcome; what stays open is a tie, with a finding that says how to settle it.
    """
    outcome = with_axes(outcome, store, architecture)
    outcome = _turned(outcome, store, architecture)
    outcome = _rows(outcome, store, architecture)
    return _deviations(outcome, store, architecture)


def _spatial(variable: Variable) -> tuple[int, ...]:
    """Return the spatial axes along which a kernel has a direction."""
    return tuple(axis for axis in range(len(variable.shape) - 2) if variable.shape[axis] > 1)


def _turned(outcome: Outcome, store: TensorStore, architecture: Architecture) -> Outcome:
    backend = store.attributes.get(_KERNELS, "")
    if backend not in (_THEANO, _UNKNOWN):
        return outcome
    variables = architecture.by_path
    doubtful = [
        match
        for match in outcome.matches
        if is_turned(variables[match.target]) and _spatial(variables[match.target])
    ]
    if not doubtful:
        return outcome
    certain = [m for m in doubtful if variables[m.target].layer_class in _known_classes()]
    if backend == _UNKNOWN or not architecture.root:
        certain = []
    done = {match.target: _flipped(match, variables[match.target]) for match in certain}
    matches = tuple(done.get(match.target, match) for match in outcome.matches)
    outcome = replace(outcome, matches=matches)
    open_ones = [match for match in doubtful if match.target not in done]
    if not open_ones:
        return outcome
    known = "was written on Theano" if backend == _THEANO else "does not say where it was written"
    first = open_ones[0]
    axes = ",".join(str(axis) for axis in _spatial(variables[first.target]))
    why = f"the file {known}: the kernel may have to be reversed along its spatial axes"
    finding = Finding(
        code="kernels-in-doubt",
        severity=Severity.ERROR,
        where=store.path,
        message=f"the file {known}, and Keras on Theano stored kernels rotated: for "
        f"{len(open_ones)} kernels two values fit, as they are and reversed",
        remedy="write a plan with `tfrepair plan -o plan.toml`, and move each of [ties] to [map]: "
        f'"{first.target}" = "{first.sources[0]}" if it is not rotated, else '
        f'{{ from = "{first.sources[0]}", transform = "flip:{axes}" }}; compare predictions',
    )
    return _tied(outcome, open_ones, why, finding)


def _known_classes() -> tuple[str, ...]:
    return (*_TURNED_CLASSES, *_RECURRENT, "ConvLSTMCell")


def _flipped(match: Match, variable: Variable) -> Match:
    flip = Flip(axes=_spatial(variable))
    reason = "written on Theano, which computes true convolutions: reversed along its spatial axes"
    return replace(_after(match, flip), evidence=(*match.evidence, reason))


def _after(match: Match, operation: Operation) -> Match:
    """Return a match with one more step on every array, before it goes to its region."""
    moved = tuple(_inserted(transform, operation) for _, transform in match.edges)
    strong = Confidence.STRONG if match.confidence is Confidence.CERTAIN else match.confidence
    if match.parts:
        return replace(match, parts=moved, confidence=strong)
    return replace(match, transform=moved[0], confidence=strong)


def _inserted(transform: Transform, operation: Operation) -> Transform:
    steps = list(transform.operations)
    place = len(steps)
    while place and isinstance(steps[place - 1], Cast | Into):
        place -= 1
    return Transform(operations=(*steps[:place], operation, *steps[place:]))


def _tied(outcome: Outcome, matches: list[Match], why: str, finding: Finding) -> Outcome:
    open_ones = {match.target for match in matches}
    ties = tuple(Tie(targets=(m.target,), sources=m.sources, why=why) for m in matches)
    return replace(
        outcome,
        matches=tuple(match for match in outcome.matches if match.target not in open_ones),
        ties=(*outcome.ties, *ties),
        findings=(*outcome.findings, finding),
    )


def _rows(outcome: Outcome, store: TensorStore, architecture: Architecture) -> Outcome:
    """Take out dense kernels behind a flattened image whose channels may have moved."""
    inferred = any(FIRST in match.evidence for match in outcome.matches)
    # Keras 2 on Theano may have had channels first, or a Flatten that moves them.
    silent = not (store.attributes.get("layers") or store.attributes.get("era"))
    silent = silent and store.attributes.get(_KERNELS) == _THEANO
    behind = _behind_flatten(architecture) if inferred or silent else frozenset()
    variables, moves = architecture.by_path, channels_move(store, architecture)
    doubtful = [
        match
        for match in outcome.matches
        if match.target in behind or _is_open(match, variables[match.target], store, moves)
    ]
    if not doubtful:
        return outcome
    example = doubtful[0]
    rows = store[example.source].shape[0]
    finding = Finding(
        code="rows-in-doubt",
        severity=Severity.ERROR,
        where=store.path,
        message=f"{len(doubtful)} dense kernels stand behind a flattened image whose channels come "
        "first in the source, or may do so; whether their rows are to be reordered is not certain",
        remedy="write a plan with `tfrepair plan -o plan.toml`, and move each of [ties] to [map]: "
        f'"{example.target}" = "{example.sources[0]}" if the architecture has channels first, else '
        f'with transform = "reshape:C,{rows}/C,N|transpose:1,0,2|reshape:{rows},N" for C channels',
    )
    why = "its rows may stand for channels, rows, columns or for rows, columns, channels"
    return _tied(outcome, doubtful, why, finding)


def _behind_flatten(architecture: Architecture) -> frozenset[VariablePath]:
    """Return the kernels of the first dense layer behind each ``Flatten``, as layers are listed."""
    paths: list[VariablePath] = []
    waiting = False
    stack = [architecture.root] if architecture.root is not None else []
    while stack:
        node = stack.pop()
        if node.class_name == "Flatten":
            waiting = True
        elif waiting and node.class_name == "Dense":
            paths += node.own_trainable
            waiting = False
        stack += reversed(node.children)
    variables = architecture.by_path
    return frozenset(path for path in paths if len(variables[path].shape) == 2)


def _is_open(match: Match, variable: Variable, store: TensorStore, moves: bool | None) -> bool:
    if match.parts or len(variable.shape) != 2 or variable.role is not Role.KERNEL:
        return False
    unit = split_name(match.source, glued=store.attributes.get("era") == "1")[0]
    facts = facts_of(unit, store)
    if "channels" not in facts:
        return False
    rows, channels = variable.shape[0], facts["channels"]
    if channels < 0:
        return True
    if moves is False or channels in (1, rows):
        return False
    return moves is None or not channels or rows % channels != 0


def _squared(match: Match, epsilon: float) -> Match:
    """Return a match of a standard deviation that becomes a variance."""
    (route, *_) = [
        route for route in variance_routes(_ONE, _ONE, epsilon=epsilon) if route.system == "keras-0"
    ]
    ((piece,),) = route.targets
    for operation in piece.transform.operations:
        match = _after(match, operation)
    return replace(match, evidence=(*match.evidence, f"Keras 0 kept {route.note}"))


def _deviations(outcome: Outcome, store: TensorStore, architecture: Architecture) -> Outcome:
    """Take out moving variances of Keras 0, which kept standard deviations."""
    if store.attributes.get("era") != "0":
        return outcome
    variables = architecture.by_path
    roles = (Role.MOVING_VARIANCE, Role.VARIANCE)
    doubtful = [match for match in outcome.matches if variables[match.target].role in roles]
    if not doubtful:
        return outcome
    known = epsilons(architecture)
    if store.attributes.get("variances") == "deviations":
        done = {
            match.target: _squared(match, known[layer])
            for match in doubtful
            if (layer := variables[match.target].layer) in known
        }
        matches = tuple(done.get(match.target, match) for match in outcome.matches)
        outcome = replace(outcome, matches=matches)
        doubtful = [match for match in doubtful if match.target not in done]
        if not doubtful:
            return outcome
    example = doubtful[0]
    finding = Finding(
        code="deviations-in-doubt",
        severity=Severity.ERROR,
        where=store.path,
        message=f"Keras 0 kept a standard deviation, Keras 1 a variance in {len(doubtful)} arrays, "
        "and this file does not say which of them wrote it",
        remedy="write a plan with `tfrepair plan -o plan.toml`, and move each of [ties] to [map]: "
        f'for Keras 0 "{example.target}" = {{ from = "{example.sources[0]}", transform = '
        '"offset:1e-06|square|offset:-0.001" } with the epsilon of the architecture in place of '
        "0.001",
    )
    why = "a standard deviation in Keras 0, a variance in Keras 1"
    return _tied(outcome, doubtful, why, finding)
