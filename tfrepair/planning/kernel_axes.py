"""In which order the axes of Keras 1's kernels stand, where a file of weights does not say.

With ``dim_ordering="th"`` the filters come first. A kernel whose shape fits one way only tells for
all of the file; where none does, it is a question. Comes before :mod:`tfrepair.planning.kernels`.
Pure.

Source: ``preprocess_weights_for_loading`` of tf_keras 2.21; ``tests/golden/keras_layouts``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tfrepair.core.architecture import Architecture, Role, Variable
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.plan import Confidence, Match, Tie
from tfrepair.core.tensor import Tensor, TensorStore
from tfrepair.core.transform import Transform, Transpose
from tfrepair.planning.fit import cast_to, same_kind
from tfrepair.planning.lists import Outcome

_MIN_RANK = 3
_RECURRENT = ("ConvLSTM", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
FIRST = 'the filters come first (Keras 1 with dim_ordering="th"): not all kernels fit otherwise'
"""Evidence of a match whose file has the filters first."""
_LAST = 'the filters come last (Keras 1 with dim_ordering="tf"): not all kernels fit otherwise'


def is_turned(variable: Variable) -> bool:
    """Return whether Theano keeps such a kernel turned; depthwise ones Keras turns itself."""
    if len(variable.shape) < _MIN_RANK:
        return False
    if variable.layer_class.removesuffix("Cell") in _RECURRENT:
        return variable.role in (Role.KERNEL, Role.RECURRENT_KERNEL)
    if variable.role is not Role.KERNEL:
        return False
    known = variable.layer_class.startswith(("Depthwise", "Separable"))
    return not known and not variable.layer_class.startswith(("Dense", "EinsumDense", "Multi"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kernel:
    """A kernel of Keras 1, and how its axes may become today's.

    Attributes
    ----------
    tensor, variable
        The two sides.
    confidence, evidence
        For its match.
    last, first
        Order of axes if the filters come last, or first; ``None`` if that does not fit.
    """

    tensor: Tensor
    variable: Variable
    confidence: Confidence
    evidence: tuple[str, ...]
    last: tuple[int, ...] | None
    first: tuple[int, ...] | None


def with_axes(outcome: Outcome, store: TensorStore, architecture: Architecture) -> Outcome:
    """Find out the order of axes in Keras 1's weights alone: the kernels that fit one way tell."""
    is_silent = store.attributes.get("era") in ("0", "1") and not store.attributes.get("layers")
    kernels = list(_kernels(outcome, store, architecture)) if is_silent else []
    if not kernels:
        return outcome
    only_first = any(kernel.last is None for kernel in kernels)
    only_last = any(kernel.first is None for kernel in kernels)
    if only_first == only_last:
        return _open_axes(outcome, kernels, store)
    matches = {k.variable.path: _with_order(k, is_first=only_first) for k in kernels}
    used = {match.source for match in matches.values()}
    kept = {match.target for match in outcome.matches}
    return replace(
        outcome,
        matches=(
            *(matches.get(match.target, match) for match in outcome.matches),
            *(match for path, match in matches.items() if path not in kept),
        ),
        missing=tuple(gap for gap in outcome.missing if gap.target not in matches),
        leftover=tuple(left for left in outcome.leftover if left.source not in used),
    )


def _kernels(outcome: Outcome, store: TensorStore, architecture: Architecture) -> Iterator[_Kernel]:
    variables, tensors = architecture.by_path, store.by_name
    for match in outcome.matches:
        if not match.parts:
            kernel = _kernel(tensors[match.source], variables[match.target])
            if kernel is not None:
                yield replace(kernel, confidence=match.confidence, evidence=match.evidence)
    for gap in outcome.missing:
        if len(gap.candidates) == 1 and gap.target in variables:
            kernel = _kernel(tensors[gap.candidates[0]], variables[gap.target])
            if kernel is not None:
                yield kernel


def _kernel(tensor: Tensor, variable: Variable) -> _Kernel | None:
    rank = len(tensor.shape)
    if rank != len(variable.shape) or rank <= _MIN_RANK or not is_turned(variable):
        return None
    if not tensor.is_whole or not same_kind(tensor.dtype, variable.dtype):
        return None
    spatial = tuple(range(2, rank))
    last, first = tuple(range(rank)), (*spatial, 1, 0)
    if variable.layer_class.endswith("Transpose"):
        last, first = (*range(rank - 2), rank - 1, rank - 2), (*spatial, 0, 1)

    def fits(order: tuple[int, ...]) -> tuple[int, ...] | None:
        turned = tuple(tensor.shape[axis] for axis in order)
        return order if turned == variable.shape else None

    if fits(last) is None and fits(first) is None:
        return None
    return _Kernel(
        tensor=tensor,
        variable=variable,
        confidence=Confidence.STRONG,
        evidence=("name",),
        last=fits(last),
        first=fits(first),
    )


def _with_order(kernel: _Kernel, *, is_first: bool) -> Match:
    order = (kernel.first if is_first else kernel.last) or ()
    moves = () if order == tuple(range(len(order))) else (Transpose(axes=order),)
    confidence = kernel.confidence
    return Match(
        target=kernel.variable.path,
        sources=(kernel.tensor.name,),
        transform=cast_to(Transform(operations=moves), kernel.tensor.dtype, kernel.variable),
        confidence=Confidence.STRONG if moves or confidence is Confidence.CERTAIN else confidence,
        evidence=(*kernel.evidence, FIRST if is_first else _LAST),
    )


def _open_axes(outcome: Outcome, kernels: Sequence[_Kernel], store: TensorStore) -> Outcome:
    example = kernels[0]
    finding = Finding(
        code="axes-in-doubt",
        severity=Severity.ERROR,
        where=store.path,
        message=f"Keras 1 wrote no dim_ordering into this file, and {len(kernels)} kernels do not "
        "tell whether the filters come last or first",
        remedy="write a plan with `tfrepair plan -o plan.toml`, and move each of [ties] to [map]: "
        f'"{example.variable.path}" = "{example.tensor.name}" for dim_ordering="tf", else with '
        'transform = "transpose:2,3,1,0"; compare predictions',
    )
    why = "the file does not say whether the filters come first"
    targets = {kernel.variable.path for kernel in kernels}
    names = {kernel.tensor.name for kernel in kernels}
    ties = tuple(
        Tie(targets=(k.variable.path,), sources=(k.tensor.name,), why=why) for k in kernels
    )
    return replace(
        outcome,
        matches=tuple(match for match in outcome.matches if match.target not in targets),
        missing=tuple(gap for gap in outcome.missing if gap.target not in targets),
        leftover=tuple(left for left in outcome.leftover if left.source not in names),
        ties=(*outcome.ties, *ties),
        findings=(*outcome.findings, finding),
    )
