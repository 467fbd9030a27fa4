"""Estimates lost slots of an optimizer: calibrate, rehearse, rewind.

Batches run through the model's own training step, first without updates, then with ordinary ones;
the weights, statistics, metrics and random states are put back bit for bit. What is made of the
gradients is decided in :mod:`tfrepair.core.calibration`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfrepair.core.architecture import VariableKind
from tfrepair.core.calibration import (
    Gradients,
    Recipe,
    Role,
    fewest_batches,
    final_value,
    ratio,
    recipe_for,
    start_value,
)
from tfrepair.core.errors import ArchitectureError
from tfrepair.tfhost.protocol import Calibrated, CalibrateRequest, ValueFile
from tfrepair.tfhost.worker.assign import assign, snapshot
from tfrepair.tfhost.worker.batches import Batch, load_batches
from tfrepair.tfhost.worker.built import Built, NamedVariable
from tfrepair.tfhost.worker.captures import captured_variables
from tfrepair.tfhost.worker.compiling import shift_schedule
from tfrepair.tfhost.worker.functions import step_endpoint
from tfrepair.tfhost.worker.gradients import Watched, watched
from tfrepair.tfhost.worker.loading import user_code
from tfrepair.tfhost.worker.variables import named_variables

_KEPT = (VariableKind.OPTIMIZER, VariableKind.SEED)
"""What goes on from batch to batch although the weights stand still."""
_NO_STEP = (
    "only a compiled Keras model with a loss has a training step: compile it in model.py, or give "
    "--optimizer and --loss"
)


def calibrate(built: Built, request: CalibrateRequest, recipe: Recipe | None = None) -> Calibrated:
    """Estimate the lost slots from data.

    Parameters
    ----------
    built
        As it was described; every value in it is the same afterwards.
    request
        What is known, what is lost, and the data.
    recipe
        What to do with the batches; by default what is lost decides.

    Raises
    ------
    ArchitectureError
        If the model has no training step, the data do not fit it, or a gradient is not finite.
    """
    if built.labels is None or built.serve is None or built.optimizer is None:
        message = f"--calibration: {built.name} cannot be trained here: it has no training step"
        raise ArchitectureError(message, remedy=_NO_STEP)
    endpoint = step_endpoint(built)
    specs = dict(zip(endpoint.names, _flat(endpoint.args), strict=True))
    loaded = load_batches(request.data, specs)
    fewest = fewest_batches(request.tasks)
    if recipe is None and len(loaded.batches) < fewest:
        message = (
            f"--calibration: {request.data.location} gives {len(loaded.batches)} batches; with "
            f"fewer than {fewest} a fresh start is as good"
        )
        raise ArchitectureError(message, remedy="give more data, or leave --calibration out")
    found = recipe or recipe_for(request.tasks, len(loaded.batches), request.steps)
    traces = () if built.trace is None else (built.trace.function,)
    variables = named_variables(built, captured_variables(traces, built))
    restore = snapshot(variables)
    try:
        assign(request.values, variables)
        with user_code(
            built.folder, f"{built.name} could not be trained on {request.data.location}"
        ):
            values = _Calibration(built, request, found, variables).run(loaded.batches)
    finally:
        restore()
    return Calibrated(
        values=_written(values, variables, Path(request.folder)),
        frozen=found.frozen,
        rehearsed=found.rehearsed,
        by_ratio=found.by_ratio,
        counter=found.counter,
        note=loaded.note,
    )


def _flat(structure: Any) -> list[Any]:
    import tensorflow as tf

    return list(tf.nest.flatten(structure))


@dataclass(frozen=True, slots=True)
class _Calibration:
    """One run; the variables hold what is known."""

    built: Built
    request: CalibrateRequest
    recipe: Recipe
    variables: Sequence[NamedVariable]

    def run(self, batches: Sequence[Batch]) -> dict[str, Any]:
        """Return the new values of slots, by path."""
        recipe, tasks = self.recipe, self.request.tasks
        by_path: dict[str, Any] = {named.path: named.variable for named in self.variables}
        owners = dict.fromkeys(task.of for task in tasks)
        weights = {path: by_path[path] for path in owners}
        watch = Watched(weights)
        rewind = snapshot([v for v in self.variables if v.kind not in _KEPT])
        frozen = self._frozen(batches[: recipe.frozen], watch, rewind)
        rhos = self._ratios(by_path, frozen)
        for task in tasks:
            if task.lost:
                given = frozen.get(task.of)
                begun = start_value(task, given, recipe, self.request.steps, rhos[task.kind])
                _set(by_path[task.path], begun)
        if not recipe.rehearsed:
            return {t.path: by_path[t.path].numpy() for t in tasks if t.lost}
        self._begin(by_path)
        begun_all = {task.path: by_path[task.path].numpy() for task in tasks}
        watch.clear()
        rehearsal = batches[recipe.frozen : recipe.frozen + recipe.rehearsed]
        self._steps(rehearsal, watch, updates=True)
        seen = _finite(watch.taken(), self.request.data.location)
        return {
            task.path: final_value(
                task,
                begun_all[task.path].astype(np.float64),
                by_path[task.path].numpy().astype(np.float64),
                seen[task.of],
                recipe,
                self.request.steps,
            )
            for task in tasks
            if task.lost or recipe.counter is not None
        }

    def _frozen(
        self, batches: Sequence[Batch], watch: Watched, rewind: Callable[[], None]
    ) -> Mapping[str, Gradients]:
        if not batches:
            return {}
        self._steps(batches, watch, updates=False, after=rewind)
        return _finite(watch.taken(), self.request.data.location)

    def _ratios(
        self, by_path: Mapping[str, Any], frozen: Mapping[str, Gradients]
    ) -> dict[str, float]:
        kinds = dict.fromkeys(task.kind for task in self.request.tasks)
        if not self.recipe.by_ratio:
            return dict.fromkeys(kinds, 1.0)
        squares = (Role.SECOND, Role.SUM, Role.LARGEST, Role.PEAK)
        return {
            kind: ratio(
                (task, by_path[task.path].numpy(), frozen[task.of])
                for task in self.request.tasks
                if task.kind == kind and not task.lost and task.role in squares
            )
            for kind in kinds
        }

    def _begin(self, by_path: Mapping[str, Any]) -> None:
        """Set the step count of the rehearsal, and what follows from it."""
        if self.request.counter:
            _set(by_path[self.request.counter], self.recipe.start)
        for entry in self.request.follows:
            variable = by_path[entry.target]
            inputs = [by_path[path].numpy() for path in entry.inputs]
            shape, dtype = tuple(variable.shape), variable.dtype.base_dtype.name
            _set(variable, entry.rule.run(inputs, shape, dtype))

    def _steps(
        self,
        batches: Sequence[Batch],
        watch: Watched,
        *,
        updates: bool,
        after: Callable[[], None] | None = None,
    ) -> None:
        built, offset = self.built, 0
        if self.request.steps is not None and self.request.counter:
            offset = self.request.steps - self.recipe.start
        unshift = shift_schedule(built, offset)
        try:
            with watched(built.optimizer, watch, updates=updates):
                step = _traced(built)
                for batch in batches:
                    step(**batch)
                    if after is not None:
                        after()
        finally:
            unshift()


def _traced(built: Built) -> Any:
    """Return the model's training step over named inputs, as a graph."""
    import tensorflow as tf

    endpoint = step_endpoint(built)

    def step(**inputs: Any) -> Any:
        flat = [inputs[name] for name in endpoint.names]
        return built.model.train_step(tuple(tf.nest.pack_sequence_as(endpoint.args, flat)))

    return tf.function(step, reduce_retracing=True)


def _finite(found: Mapping[str, Gradients], where: str) -> Mapping[str, Gradients]:
    bad = [path for path, gradients in found.items() if not np.isfinite(gradients.squares).all()]
    if bad:
        message = (
            f"{where}: the gradient of {bad[0]} is not finite ({len(bad)} of {len(found)} weights)"
        )
        raise ArchitectureError(
            message, remedy="scale the examples as in the training; NaN in the data has this effect"
        )
    return found


def _set(variable: Any, value: Any) -> None:
    import tensorflow as tf

    filled = np.broadcast_to(np.asarray(value), tuple(variable.shape))
    variable.assign(tf.cast(tf.constant(filled), variable.dtype))


def _written(
    values: Mapping[str, Any], variables: Sequence[NamedVariable], folder: Path
) -> tuple[ValueFile, ...]:
    """Write values as raw files, each in the type of its variable."""
    from tfrepair.core.dtypes import numpy_dtype

    by_path: dict[str, Any] = {named.path: named.variable for named in variables}
    files = []
    for place, (path, value) in enumerate(values.items()):
        dtype = by_path[path].dtype.base_dtype.name
        array = np.ascontiguousarray(np.asarray(value).astype(numpy_dtype(dtype)))
        file = folder / f"{place}.estimate"
        file.write_bytes(array.tobytes())
        files.append(
            ValueFile(path=path, file=str(file), dtype=dtype, shape=tuple(np.shape(value)))
        )
    return tuple(files)
