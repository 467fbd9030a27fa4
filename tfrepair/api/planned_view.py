"""A source as a plan sees it: tensors under the names of the variables that they fill.

Two sources of other formats have other names and layouts; seen through the plans that were made of
each for one architecture, they can be compared. Values are computed when they are fetched.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from tfrepair.api.plans import load_plan
from tfrepair.api.sources import source_reference
from tfrepair.core.assembly import value_of
from tfrepair.core.errors import Corrupt, PlanError, SourceError, Stale
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Array, Health, Shape, SourceName, Tensor, TensorStore
from tfrepair.core.transform import TransformError
from tfrepair.planning.plan_file import Line, PlanFile


def seen_through(
    stores: tuple[TensorStore, TensorStore], plans: Sequence[str | Path]
) -> tuple[tuple[TensorStore, TensorStore], tuple[Finding, ...]]:
    """Give the tensors of two sources the names of the variables that they fill.

    Parameters
    ----------
    stores
        The sources.
    plans
        Plan files, each made for one of the two: which one, its digest tells. With one plan the
        other source is taken to have the variables' own names.

    Returns
    -------
    Both sources, and what to know about them. Tensors that no plan uses keep their names.

    Raises
    ------
    PlanError
        If a plan cannot be read, fits neither source, or two are for the same one.
    """
    chosen: dict[int, PlanFile] = {}
    for path in plans:
        plan = load_plan(Path(path))
        side = _side(plan, stores, str(path))
        if side in chosen:
            message = f"{path}: a second plan for {stores[side].path}"
            raise PlanError(message, remedy="give one plan for each source")
        chosen[side] = plan
    shapes = [{str(t.name): t.shape for t in store} for store in stores]
    for side, plan in chosen.items():
        shapes[side] |= _single_shapes(stores[side], plan)
    seen = [
        _seen(store, chosen[side], shapes[1 - side]) if side in chosen else store
        for side, store in enumerate(stores)
    ]
    findings = [_about(stores[side], plan) for side, plan in sorted(chosen.items())]
    return (seen[0], seen[1]), tuple(findings)


def _side(plan: PlanFile, stores: tuple[TensorStore, TensorStore], where: str) -> int:
    fitting = [n for n, s in enumerate(stores) if source_reference(s).digest == plan.source.digest]
    if not fitting:
        message = (
            f"{where}: made for {plan.source.path} with the digest {plan.source.digest[:12]}, "
            f"which is neither {stores[0].path} nor {stores[1].path} as they are now"
        )
        raise Stale(
            message, remedy="make it anew: tfrepair plan SOURCE --arch model.py -o plan.toml"
        )
    return fitting[0]


def _single_shapes(store: TensorStore, plan: PlanFile) -> Mapping[str, Shape]:
    """Return the shapes of what single tensors become."""
    tensors, found = store.by_name, {}
    for target, line in plan.lines.items():
        if len(line.edges) == 1 and line.edges[0][0] in tensors:
            name, transform = line.edges[0]
            try:
                found[target] = transform.shape(tensors[name].shape)
            except TransformError:
                continue
    return found


def _seen(store: TensorStore, plan: PlanFile, others: Mapping[str, Shape]) -> TensorStore:
    tensors = store.by_name
    used: set[SourceName] = set()
    named = []
    for target, line in plan.lines.items():
        names = [name for name, _ in line.edges]
        if all(name in tensors for name in names):
            used.update(names)
            named.append(_planned(target, line, tensors, others))
    taken = {str(tensor.name) for tensor in named}
    rest = [t for t in store if t.name not in used and str(t.name) not in taken]
    return replace(store, tensors=(*named, *rest), names_are_meaningful=True)


def _planned(
    target: str, line: Line, tensors: Mapping[SourceName, Tensor], others: Mapping[str, Shape]
) -> Tensor:
    edges = [(tensors[name], transform) for name, transform in line.edges]
    first, transform = edges[0]
    dtype = transform.dtype(first.dtype)
    problem, shape = "", others.get(target, first.shape)
    if len(edges) == 1:
        try:
            shape = transform.shape(first.shape)
        except TransformError as error:
            problem = f"{first.name}: {error}"
    elif target not in others:
        problem = f"{len(edges)} tensors make it, and the other source does not say its shape"

    def fetch() -> Array:
        try:
            if problem:
                raise Corrupt(problem)
            return value_of([(t, tensor.fetch) for tensor, t in edges], shape, dtype)
        except TransformError as error:
            message = f"{target}: {error}"
            raise Corrupt(message, remedy="mend the line of the plan") from error

    return replace(
        first,
        name=SourceName(target),
        shape=shape,
        dtype=dtype,
        fetch=fetch,
        examine=partial(_worst, [tensor for tensor, _ in edges], fetch),
    )


def _worst(tensors: Sequence[Tensor], fetch: Callable[[], Array]) -> tuple[Health, str]:
    """Return the worst verdict on the tensors that make a value."""
    checked = [tensor.checked() for tensor in tensors]
    for tensor in checked:
        if not tensor.is_whole:
            return tensor.health, tensor.health_note
    try:
        fetch()
    except SourceError as error:
        return Health.CORRUPT, error.message
    order = (Health.UNVERIFIED, Health.CORRECTED, Health.VERIFIED)
    worst = min(checked, key=lambda tensor: order.index(tensor.health))
    return worst.health, worst.health_note


def _about(store: TensorStore, plan: PlanFile) -> Finding:
    return Finding(
        code="compared-by-plan",
        severity=Severity.NOTE,
        where=store.path,
        message=f"{len(plan.lines)} of its tensors have the names and the layout of the variables "
        "that a plan gives them",
    )
