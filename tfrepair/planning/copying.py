"""Planning without an architecture: every tensor of a source goes to a tensor of the same name.

For outputs that hold tensors and no graph. Gives the same nouns as planning for an architecture, so
that rebuild, report and verify need not know the difference. Pure.
"""

from collections.abc import Callable

from tfrepair.core.architecture import Architecture, Variable, VariableKind, VariablePath
from tfrepair.core.plan import Confidence, Gap, Match, Plan, Reference
from tfrepair.core.tensor import Purpose, Tensor, TensorStore

FRAMEWORK = "tensors"
"""Framework of an architecture that is nothing but the names of a source."""

_KINDS = {
    Purpose.SLOT: VariableKind.OPTIMIZER,
    Purpose.COUNTER: VariableKind.OPTIMIZER,
    Purpose.HYPERPARAMETER: VariableKind.OPTIMIZER,
    Purpose.METRIC: VariableKind.METRIC,
    Purpose.SEED: VariableKind.SEED,
}


def architecture_of(
    store: TensorStore, name_of: Callable[[Tensor], str] = lambda tensor: tensor.name
) -> Architecture:
    """Describe a source's tensors as the variables that are wanted.

    Parameters
    ----------
    store
        The source.
    name_of
        Gives each tensor's name in the output; names must stay unique.
    """
    return Architecture(
        framework=FRAMEWORK,
        name=f"{store.format} tensors",
        class_name="",
        source="",
        digest="",
        variables=tuple(
            Variable(
                path=VariablePath(name_of(tensor)),
                shape=tensor.shape,
                dtype=tensor.dtype,
                trainable=tensor.purpose in (Purpose.WEIGHT, Purpose.UNKNOWN),
                kind=_KINDS.get(tensor.purpose, VariableKind.WEIGHT),
                of=tensor.slot_of,
                slot=tensor.slot,
            )
            for tensor in store
        ),
    )


def copy_plan(store: TensorStore, architecture: Architecture) -> Plan:
    """Let every whole tensor fill the variable made from it; the others are gaps.

    Parameters
    ----------
    store
        With the final health of every tensor.
    architecture
        As :func:`architecture_of` describes the same store.
    """
    matches, gaps = [], []
    for tensor, variable in zip(store, architecture, strict=True):
        if tensor.is_whole:
            matches.append(
                Match(
                    target=variable.path,
                    sources=(tensor.name,),
                    confidence=Confidence.CERTAIN,
                    evidence=("the tensor itself",),
                )
            )
        else:
            reason = f"{tensor.health}: {tensor.health_note}".rstrip(": ")
            gaps.append(Gap(target=variable.path, reason=reason, candidates=(tensor.name,)))
    unstated = Reference(path="", digest="")
    return Plan(source=unstated, arch=unstated, matches=tuple(matches), missing=tuple(gaps))
