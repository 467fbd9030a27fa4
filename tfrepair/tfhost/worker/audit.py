"""What saving a model would lose: every state that it computes with, against every way of saving.

The captures of the traced forward pass are the facts: what is read or written there is state,
whether or not any framework tracks it. Method and measured table: ``docs/audit.md``. Comes after
build; its answer is a :class:`~tfrepair.core.audit.Audit`.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from tfrepair.core.audit import Audit, AuditedState, Fate, StateKind, Way
from tfrepair.core.findings import Finding, Severity
from tfrepair.tfhost.protocol import CONFIG, ArchRequest
from tfrepair.tfhost.worker.assign import fresh_optimizer
from tfrepair.tfhost.worker.audit_advice import advice
from tfrepair.tfhost.worker.audit_constants import digests_of, held_constants
from tfrepair.tfhost.worker.audit_creations import Creations
from tfrepair.tfhost.worker.audit_fates import fates_of_constant, fates_of_other, fates_of_variable
from tfrepair.tfhost.worker.audit_holders import Held, Link, holdings, is_metric, is_users
from tfrepair.tfhost.worker.audit_sources import assigned
from tfrepair.tfhost.worker.audit_subject import Subject, counters_kept, resources
from tfrepair.tfhost.worker.audit_ways import config_problem
from tfrepair.tfhost.worker.build import build_forward, build_live_forward
from tfrepair.tfhost.worker.built import MODULE, Built
from tfrepair.tfhost.worker.captures import (
    CODE_OPS,
    RANDOM_OPS,
    generator_states,
    operation_types,
)
from tfrepair.tfhost.worker.describe import traces_of
from tfrepair.tfhost.worker.loading import user_code
from tfrepair.tfhost.worker.variables import is_variable, optimizer_variables, raw

_OUTSIDE = {Link.CLOSURE, Link.GLOBAL}
_ORDER = {Severity.LOSS: 0, Severity.WARNING: 1, Severity.NOTE: 2}


def audit(request: ArchRequest) -> Audit:
    """Build an architecture and audit it.

    Raises
    ------
    ArchitectureError
        If the user's code fails.
    """
    creations = Creations()
    with creations.watching():
        built = build_forward(request)
        traces = _traced(built)
    again = None if request.kind == CONFIG else request
    return _examined(Subject(built=built, traces=traces, creations=creations), request, again)


def audit_live(model: Any, sample: Any, request: ArchRequest) -> Audit:
    """Audit a model in memory; a model that is built is traced, not called."""
    creations = Creations()
    with creations.watching(), counters_kept(model):
        built = build_live_forward(model, sample, request)
        traces = _traced(built)
    return _examined(Subject(built=built, traces=traces, creations=creations), request, None)


def _traced(built: Built) -> tuple[Any, ...]:
    with user_code(built.folder, f"{type(built.model).__name__} could not be traced"):
        return traces_of(built)


def _examined(subject: Subject, request: ArchRequest, again: ArchRequest | None) -> Audit:
    states = [
        *_variables(subject),
        *_tables(subject),
        *_constants(subject, again),
        *_optimizer(subject.built),
    ]
    problem = config_problem(subject.built)
    if problem:
        states = [_with_failing_file(state) for state in states]
    worth = [state for state in states if set(state.fates.values()) - {Fate.KEPT, Fate.NOT_MEANT}]
    built = subject.built
    return Audit(
        model=built.name,
        class_name=type(built.model).__name__,
        framework=built.framework,
        source=request.location + (f":{request.factory}" if request.factory else ""),
        states=tuple(sorted(worth, key=lambda state: _ORDER[state.severity])),
        kept=len(states) - len(worth),
        findings=(*built.findings, *_findings(subject, problem)),
    )


def _with_failing_file(state: AuditedState) -> AuditedState:
    """Return a state that ``.keras`` would lose as one that it refuses to save."""
    if state.fates[Way.KERAS] is not Fate.LOST:
        return state
    return replace(state, fates={**state.fates, Way.KERAS: Fate.RAISES})


def _variables(subject: Subject) -> Iterator[AuditedState]:
    """Yield every variable that the model lists, computes with or holds."""
    serving = subject.captured(subject.traces[:1])
    captured = subject.captured(subject.traces)
    seeds = _seeds(subject, captured)
    for variable in {**_own(subject), **captured}.values():
        kind = _kind(subject.held.get(id(variable)), variable, seeds)
        if kind is StateKind.METRIC and id(variable) not in captured:
            continue  # running statistics of a training that nothing computes with
        fates = fates_of_variable(
            variable, subject.ways, subject.built.framework, is_served=id(variable) in serving
        )
        yield _state(subject, variable, kind, fates)


def _own(subject: Subject) -> dict[int, Any]:
    """Return the variables that the model lists, and those that the user's code has put there.

    What hangs at a global or in a closure and is not computed with may be another model's.
    """
    model = subject.built.model
    found = {} if subject.built.framework == MODULE else _by_id(model.variables)
    optimizer = getattr(model, "optimizer", None)
    of_training = {} if optimizer is None else _by_id(optimizer_variables(optimizer))
    held = _by_id(
        held.value
        for held in subject.held.values()
        if is_variable(held.value) and is_users(held) and not held.links & _OUTSIDE
    )
    metrics = _by_id(
        variable for metric in getattr(model, "metrics", ()) for variable in metric.variables
    )
    return {
        key: variable
        for key, variable in {**found, **held}.items()
        if key in found or (key not in of_training and key not in metrics)
    }


def _by_id(variables: Any) -> dict[int, Any]:
    return {id(raw(variable)): raw(variable) for variable in variables}


def _seeds(subject: Subject, captured: Mapping[int, Any]) -> set[int]:
    """Return the states of random generators, also of those that no attribute leads to."""
    found = {key for key, held in subject.held.items() if Link.GENERATOR in held.links}
    unknown = [v for key, v in captured.items() if key not in subject.held and v.dtype.is_integer]
    return found | generator_states() if unknown else found


def _kind(held: Held | None, variable: Any, seeds: set[int]) -> StateKind:
    if id(variable) in seeds:
        return StateKind.RANDOM
    if held is not None and any(is_metric(step.owner) for step in held.steps):
        return StateKind.METRIC
    return StateKind.VARIABLE


def _state(
    subject: Subject, value: Any, kind: StateKind, fates: Mapping[Way, Fate], *, note: bool = False
) -> AuditedState:
    held = subject.held.get(id(value))
    place = subject.place(value)
    words = advice(held, kind, fates, subject.built.framework)
    own = str(getattr(value, "name", "") or type(value).__name__).partition(":")[0]
    shape = getattr(value, "shape", None)
    dtype = getattr(value, "dtype", "")
    return AuditedState(
        name=(held.name if held is not None else "") or own,
        kind=kind,
        shape=None if shape is None else tuple(shape),
        dtype=str(getattr(dtype, "name", dtype)),
        created=str(place),
        line=place.text,
        fates=fates,
        severity=Severity.NOTE if note else _severity(kind, fates),
        reason=words.reason,
        fix=words.fix,
    )


def _severity(kind: StateKind, fates: Mapping[Way, Fate]) -> Severity:
    found = set(fates.values())
    if kind in (StateKind.RANDOM, StateKind.OPTIMIZER):
        return Severity.NOTE
    if found & {Fate.LOST, Fate.RAISES}:
        return Severity.LOSS
    return Severity.WARNING if Fate.BY_OPTIMIZER in found else Severity.NOTE


def _tables(subject: Subject) -> Iterator[AuditedState]:
    """Yield the tables that the model computes with: what can change is state."""
    for handle in {id(tensor) for trace in subject.traces for tensor in resources(trace)}:
        table = subject.tables.get(handle)
        if table is None:
            continue
        is_mutable = any(word in type(table).__name__ for word in ("Mutable", "DenseHash"))
        yield _state(
            subject,
            table,
            StateKind.TABLE,
            fates_of_other(table, subject.ways, subject.built.framework, is_state=is_mutable),
        )


def _constants(subject: Subject, again: ArchRequest | None) -> Iterator[AuditedState]:
    """Yield arrays and tensors that layers hold and the graph has as constants.

    What a second construction from other random numbers does not give again is a loss.
    """
    found = held_constants(subject.held, subject.traces)
    known: frozenset[str] | None = None
    if again is not None and any(not constant.is_finalized for constant in found):
        built = build_forward(again, initial=1)
        known = digests_of(holdings(built.model, built.framework))
    for constant in found:
        held = constant.held
        differs = known is not None and constant.digest not in known
        changes = any(assigned(step)[1] for step in held.steps)
        fates = fates_of_constant(subject.built.framework, is_finalized=constant.is_finalized)
        note = constant.is_finalized or not (differs or changes)
        yield _state(subject, held.value, StateKind.CONSTANT, fates, note=note)


def _optimizer(built: Built) -> Iterator[AuditedState]:
    """Yield the slots of an optimizer that is compiled and not built."""
    optimizer = getattr(built.model, "optimizer", None)
    if built.framework == MODULE or optimizer is None:
        return
    is_built = getattr(optimizer, "built", None) or getattr(optimizer, "_built", False)
    if is_built or not built.model.trainable_variables:
        return
    count, total = _count(built, optimizer), _full_count(built, optimizer)
    if count == total:
        return
    words = advice(None, StateKind.OPTIMIZER, {}, built.framework)
    never = (Way.GET_WEIGHTS, Way.WEIGHTS_H5, Way.EXPORT)
    yield AuditedState(
        name=f"optimizer ({type(optimizer).__name__}: {count} of {total} variables)",
        kind=StateKind.OPTIMIZER,
        shape=None,
        dtype="",
        created="",
        line="",
        fates={way: Fate.NOT_MEANT if way in never else Fate.LOST for way in Way},
        severity=Severity.NOTE,
        reason=words.reason,
        fix=words.fix,
    )


def _count(built: Built, optimizer: Any) -> int:
    """Return how many variables an optimizer has of its own."""
    weights = _by_id(built.model.trainable_variables)
    return len(_by_id(optimizer_variables(optimizer)).keys() - weights.keys())


def _full_count(built: Built, optimizer: Any) -> int:
    """Return how many variables an optimizer of this configuration has once it is built."""
    with suppress(Exception):  # an optimizer that cannot be made anew says nothing
        return _count(built, fresh_optimizer(replace(built, optimizer=optimizer)))
    return _count(built, optimizer)


def _findings(subject: Subject, problem: str) -> Iterator[Finding]:
    built = subject.built
    if problem:
        yield Finding(
            code="keras-file-raises",
            severity=Severity.WARNING,
            where=built.name,
            message=f"the model cannot be saved as .keras: {problem}",
            remedy="write get_config() for the class named, with plain values only; or save the "
            "weights as .weights.h5",
        )
    types = operation_types(subject.traces)
    if types & RANDOM_OPS:
        yield Finding(
            code="stateful-random",
            severity=Severity.NOTE,
            where=built.name,
            message=f"{', '.join(sorted(types & RANDOM_OPS))} keep their state in the process: no "
            "file holds it",
            remedy="use keras.random with a SeedGenerator, or tf.random.stateless_*",
        )
    if types & CODE_OPS:
        yield Finding(
            code="python-inside",
            severity=Severity.WARNING,
            where=built.name,
            message=f"{', '.join(sorted(types & CODE_OPS))} call Python: a SavedModel of this "
            "model cannot be run in another process",
            remedy="replace tf.py_function and tf.numpy_function by TensorFlow operations",
        )
