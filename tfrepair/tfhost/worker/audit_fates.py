"""What becomes of one state in each way of saving, from what each of them reaches."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tfrepair.core.audit import Fate, Way
from tfrepair.core.tensor import Array
from tfrepair.tfhost.worker.audit_ways import Reach, Ways
from tfrepair.tfhost.worker.built import MODULE

_OF_KERAS = (Way.GET_WEIGHTS, Way.WEIGHTS_H5, Way.KERAS)


def fates_of_variable(
    variable: Any, ways: Ways, framework: str, *, is_served: bool
) -> Mapping[Way, Fate]:
    """Return what becomes of a variable.

    Parameters
    ----------
    variable
        The raw variable.
    ways
        What each way reaches.
    framework
        As in :class:`~tfrepair.tfhost.worker.built.Built`.
    is_served
        Whether the forward pass for serving captures it.
    """
    key = id(variable)
    fates = {
        Way.GET_WEIGHTS: _listed(key, ways.weights),
        Way.WEIGHTS_H5: _in_files(variable, ways),
        Way.KERAS: _in_files(variable, ways),
        Way.CHECKPOINT: _reached(key, ways.checkpoint),
        Way.EXPORT: _exported(key, ways, is_served),
        Way.SAVED_MODEL: _traced(key, ways, is_served),
    }
    if framework == MODULE:
        fates[Way.EXPORT] = Fate.NOT_MEANT
    return fates


def _listed(key: int, listed: frozenset[int] | None) -> Fate:
    if listed is None:
        return Fate.NOT_MEANT
    return Fate.KEPT if key in listed else Fate.LOST


def _in_files(variable: Any, ways: Ways) -> Fate:
    if ways.files is None:
        return Fate.NOT_MEANT
    if id(variable) in ways.files or any(_equal(variable, array) for array in ways.arrays):
        return Fate.KEPT
    return Fate.LOST


def _equal(variable: Any, array: Array) -> bool:
    shape = tuple(variable.shape)
    return array.shape == shape and np.array_equal(np.asarray(variable.numpy()), array)


def _reached(key: int, reach: Reach) -> Fate:
    if key in reach.broken:
        return Fate.RAISES
    if key in reach.kept:
        return Fate.KEPT
    return Fate.BY_OPTIMIZER if key in reach.by_optimizer else Fate.LOST


def _exported(key: int, ways: Ways, is_served: bool) -> Fate:
    """``model.export`` adds every variable that the exported function uses."""
    if key in ways.saved_model.broken:
        return Fate.RAISES
    is_there = is_served or key in ways.variables or key in ways.saved_model.kept
    return Fate.KEPT if is_there else Fate.LOST


def _traced(key: int, ways: Ways, is_served: bool) -> Fate:
    """``tf.saved_model.save`` refuses functions that use what the object graph does not hold."""
    if key in ways.saved_model.broken:
        return Fate.RAISES
    # The optimizer is part of the model's object graph here.
    if key in ways.saved_model.kept | ways.saved_model.by_optimizer:
        return Fate.KEPT
    return Fate.RAISES if is_served else Fate.LOST


def fates_of_other(value: Any, ways: Ways, framework: str, *, is_state: bool) -> Mapping[Way, Fate]:
    """Return what becomes of a captured resource that is no variable.

    Parameters
    ----------
    value
        The table.
    ways, framework
        As for :func:`fates_of_variable`.
    is_state
        Whether its contents can change; else they are part of the code or the configuration.
    """
    is_tracked = id(value) in ways.saved_model.kept
    in_files = Fate.NOT_MEANT if ways.files is None or not is_state else Fate.LOST
    in_checkpoint = Fate.KEPT if id(value) in ways.checkpoint.kept else Fate.LOST
    saved = Fate.KEPT if is_tracked else Fate.RAISES
    return {
        **dict.fromkeys(_OF_KERAS, in_files),
        Way.CHECKPOINT: in_checkpoint if is_state else Fate.NOT_MEANT,
        Way.EXPORT: Fate.NOT_MEANT if framework == MODULE else saved,
        Way.SAVED_MODEL: saved,
    }


def fates_of_constant(framework: str, *, is_finalized: bool) -> Mapping[Way, Fate]:
    """Return what becomes of an array or tensor that is part of the graph.

    Parameters
    ----------
    framework
        As for :func:`fates_of_variable`.
    is_finalized
        Whether the layer derives it anew from its weights when they are loaded.
    """
    lost = Fate.KEPT if is_finalized else Fate.LOST
    of_keras = Fate.NOT_MEANT if framework == MODULE else lost
    return {
        **dict.fromkeys(_OF_KERAS, of_keras),
        Way.CHECKPOINT: lost,
        Way.EXPORT: Fate.NOT_MEANT if framework == MODULE else Fate.BAKED,
        Way.SAVED_MODEL: Fate.BAKED,
    }
