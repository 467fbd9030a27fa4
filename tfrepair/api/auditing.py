"""Use case: what saving a model would lose, before it is lost.

Lets the host build the architecture and compare what it computes with against every way of saving
it; writes nothing. The words for a report without a table are here, those of the table in the
command line.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfrepair.api.architectures import choose
from tfrepair.api.options import Options
from tfrepair.api.sources import open_store
from tfrepair.core.audit import Audit, AuditedState, Fate, Way
from tfrepair.core.errors import HostError, SourceError, UsageError
from tfrepair.core.tensor import TensorStore
from tfrepair.tfhost.auditor import Auditor

_META = "meta"
_SHORT = 5


def audit(
    arch: Any,  # noqa: ANN401 - a path or a model of any framework
    *,
    keras: int | None = None,
    input_shapes: Iterable[str] = (),
    custom_objects: str | Path | None = None,
    sample_input: Any = None,  # noqa: ANN401 - arrays in any structure
) -> Audit:
    """Find every state of a model that some way of saving it would lose.

    Parameters
    ----------
    arch
        As for :func:`tfrepair.convert`: ``model.py``, ``model.py:factory``, a configuration or a
        file of a whole model - built in a process of its own - or a live model, which is traced in
        this process and stays as it is.
    keras
        Keras 3 or 2 (tf_keras); ``None`` for what fits.
    input_shapes
        Shapes of one example for a model that is not built: ``"224,224,3"`` or ``"name=..."``.
    custom_objects
        Python file with the classes that a configuration names.
    sample_input
        What a live model is called with, if it is not built.

    Returns
    -------
    The states that are not kept everywhere, each with its place in the user's code, the ways that
    lose it and the fix; ``losses`` are those that matter.

    Raises
    ------
    ArchitectureError
        If the model cannot be built or traced; also for state in a layer that Keras refuses.
    UsageError
        For options that do not go together, and for a ``.meta`` graph.
    HostError
        If the process that runs TensorFlow fails.
    """
    options = Options(
        keras=keras,
        input_shapes=tuple(input_shapes),
        custom_objects=None if custom_objects is None else Path(custom_objects),
        sample_input=sample_input,
    )
    chosen = choose(_named(arch), arch, options, lambda: _opened(_named(arch)))
    if chosen is None or chosen.request.kind == _META:
        message = f"{_named(arch)}: a graph of TensorFlow 1 is saved by its own Saver only"
        raise UsageError(message, remedy="give the Python file that builds the model")
    with chosen.host as host:
        if not isinstance(host, Auditor):
            message = f"{type(host).__name__} cannot audit"
            raise HostError(message)
        return host.audit(chosen.request)


def _named(arch: Any) -> str:  # noqa: ANN401 - as for audit
    return str(arch) if isinstance(arch, str | Path) else type(arch).__name__


def _opened(path: str) -> TensorStore:
    """Open a file whose tensors bound what its configuration may ask for; a JSON file has none."""
    try:
        return open_store(path)
    except SourceError:
        return TensorStore(
            format="none",
            path=path,
            files=(),
            tensors=(),
            names_are_meaningful=False,
            order_is_meaningful=False,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """States that are lost in the same ways, for the same reason, at the same line."""

    states: tuple[AuditedState, ...]

    @property
    def first(self) -> AuditedState:
        """The state that stands for all."""
        return self.states[0]

    @property
    def name(self) -> str:
        """Names of the first, and how many more."""
        more = len(self.states) - 1
        return self.first.name + (f" and {more} more" if more else "")


def grouped(states: Iterable[AuditedState]) -> tuple[Group, ...]:
    """Put together what has one cause: the weights of twelve layers in one list are one line."""
    found: dict[tuple[object, ...], list[AuditedState]] = {}
    for state in states:
        fates = tuple(state.fates.get(way, Fate.KEPT) for way in Way)
        alike = (state.severity, state.kind, state.created, state.reason, state.fix)
        found.setdefault((*alike, fates), []).append(state)
    return tuple(Group(states=tuple(group)) for group in found.values())


def counted(number: int, noun: str) -> str:
    """Return ``1 state``, ``2 states``."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def ways_named(names: Iterable[str]) -> tuple[Way, ...]:
    """Return ways of saving by name; all of them for no name.

    Raises
    ------
    UsageError
        For a name that is none.
    """
    known = {way.value: way for way in Way}
    given = tuple(names)
    unknown = [name for name in given if name not in known]
    if unknown:
        message = f"{unknown[0]!r} is no way of saving"
        raise UsageError(message, remedy=f"there are: {', '.join(known)}")
    return tuple(known[name] for name in given) or tuple(Way)


def loss_text(
    audit: Audit, ways: Iterable[Way] = tuple(Way), *, allow: frozenset[str] = frozenset()
) -> str:
    """Return the losses as sentences, for a warning or a failed test; empty if there are none.

    Parameters
    ----------
    audit
        What was found.
    ways
        The ways of saving that count.
    allow
        Names of states that may be lost.
    """
    wanted = tuple(ways)
    lost = [state for state in audit.lost_by(wanted) if state.name not in allow]
    if not lost:
        return ""
    head = f"saving {audit.class_name} {audit.model!r} would lose {counted(len(lost), 'state')}:"
    groups = grouped(lost)
    lines = [line for group in groups[:_SHORT] for line in _lines(group, wanted)]
    if len(groups) > _SHORT:
        lines.append(f"  ... and {len(groups) - _SHORT} more causes; tfrepair audit lists them all")
    return "\n".join([head, *lines])


def _lines(group: Group, ways: tuple[Way, ...]) -> Iterator[str]:
    first = group.first
    place = f" ({first.created})" if first.created else ""
    lost_by = [way.value for way in first.lost_by if way in ways]
    yield f"  {group.name}{place}: lost by {', '.join(lost_by)}"
    yield f"    {first.reason}"
    yield f"    fix: {first.fix}"
