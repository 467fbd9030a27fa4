"""A traced model, and the facts about it that an audit asks for more than once.

What functions capture, who holds it, which line of the user's code it comes from. Comes before
:mod:`tfrepair.tfhost.worker.audit`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tfrepair.tfhost.worker.audit_creations import NOWHERE, Creations, Place
from tfrepair.tfhost.worker.audit_holders import HIDING, Held, holdings
from tfrepair.tfhost.worker.audit_sources import assigned
from tfrepair.tfhost.worker.audit_ways import Ways, ways_of
from tfrepair.tfhost.worker.build import framework_of
from tfrepair.tfhost.worker.built import KERAS_2, Built
from tfrepair.tfhost.worker.captures import all_variables
from tfrepair.tfhost.worker.layers import walk
from tfrepair.tfhost.worker.variables import is_variable


@contextmanager
def counters_kept(model: Any) -> Iterator[None]:
    """Keep the seeds of tf_keras' random layers: each trace of one counts its seed up."""
    generators: list[Any] = []
    if framework_of(model) == KERAS_2:
        found = (getattr(layer, "_random_generator", None) for _, layer in walk(model, KERAS_2))
        generators = [generator for generator in found if hasattr(generator, "_seed")]
    before = [generator._seed for generator in generators]
    try:
        yield
    finally:
        for generator, number in zip(generators, before, strict=True):
            generator._seed = number


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A traced model and what is asked about it more than once.

    Attributes
    ----------
    built, traces
        The model, and its forward pass for serving and for training, in this order.
    creations
        What was created meanwhile.
    """

    built: Built
    traces: tuple[Any, ...]
    creations: Creations

    @cached_property
    def held(self) -> Mapping[int, Held]:
        """What the model holds, by ``id``."""
        return holdings(self.built.model, self.built.framework)

    @cached_property
    def ways(self) -> Ways:
        """What each way of saving reaches."""
        return ways_of(self.built)

    @cached_property
    def by_handle(self) -> Mapping[int, Any]:
        """Every captured variable, raw, by ``id`` of its handle."""
        known = [*self.creations.alive(), *(h.value for h in self.held.values())]
        found = {id(v._handle): v for v in known if is_variable(v) and hasattr(v, "_handle")}
        wanted = {id(tensor) for trace in self.traces for tensor in resources(trace)}
        return found if wanted <= found.keys() | self.tables.keys() else {**all_variables()}

    @cached_property
    def tables(self) -> Mapping[int, Any]:
        """Every held table, by ``id`` of its handle."""
        return {
            id(held.value.resource_handle): held.value
            for held in self.held.values()
            if hasattr(type(held.value), "resource_handle") and not is_variable(held.value)
        }

    def captured(self, traces: Sequence[Any]) -> dict[int, Any]:
        """Return the raw variables that functions capture, by ``id``."""
        handles = (id(tensor) for trace in traces for tensor in resources(trace))
        found = (self.by_handle.get(handle) for handle in handles)
        return {id(variable): variable for variable in found if variable is not None}

    def place(self, value: Any) -> Place:
        """Return the user's line to change: what puts it into a container, or creates it."""
        created = self.creations.place(value)
        held = self.held.get(id(value))
        steps = () if held is None else held.steps
        # A layer creates its weights when it is called; the line that hides the layer says more.
        hiding = next((n for n, step in enumerate(steps) if step.link in HIDING), 0)
        places = (assigned(step)[0] for step in reversed(steps[:hiding]))
        hidden = next((place for place in places if place is not NOWHERE), NOWHERE)
        if hidden is not NOWHERE or created is not NOWHERE:
            return created if hidden is NOWHERE else hidden
        places = (assigned(step)[0] for step in reversed(steps))
        return next((place for place in places if place is not NOWHERE), NOWHERE)


def resources(function: Any) -> Iterator[Any]:
    """Yield the external resource tensors that a function captures."""
    for tensor, _ in function.graph.captures:
        if tensor.dtype.name == "resource":
            yield tensor
