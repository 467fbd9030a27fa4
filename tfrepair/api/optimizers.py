"""The optimizer of a conversion's output: asked for, compiled, or the one of the source.

Puts what a person says (options, a plan's table) and what the source says into the request for the
architecture, and remembers where each hyperparameter comes from. Comes before the host builds the
architecture, and again before planning.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tfrepair.api.architectures import Chosen
from tfrepair.api.options import Options
from tfrepair.api.plans import load_plan
from tfrepair.api.sources import Reading, graph_beside
from tfrepair.core.architecture import Architecture
from tfrepair.core.errors import SourceError, UsageError
from tfrepair.core.optimizer_plan import Origin, Setting
from tfrepair.core.tensor import TensorStore
from tfrepair.planning.hyperparameters import RATE
from tfrepair.planning.optimizer import Origins
from tfrepair.planning.optimizer_choice import Choice, chosen_optimizer
from tfrepair.planning.optimizer_table import OptimizerTable
from tfrepair.planning.saver_optimizers import UPDATES
from tfrepair.tfhost.protocol import CONFIG
from tfrepair.wire.graph_updates import read_updates

_GRAPH = "meta"
_SOURCE = "source"


def with_graph(store: TensorStore) -> TensorStore:
    """Add what the graph beside a checkpoint says about its updates to a store's attributes."""
    path = graph_beside(store)
    if path is None or UPDATES in store.attributes:
        return store
    try:
        updates = read_updates(path)
    except (SourceError, OSError):
        return store
    if not updates:
        return store
    return replace(store, attributes={**store.attributes, UPDATES: json.dumps(updates)})


def asked_settings(options: Options, table: OptimizerTable | None) -> Mapping[str, Setting]:
    """Return the hyperparameters that a person asks for.

    Raises
    ------
    UsageError
        For an option that is not ``NAME=VALUE``, or one that is given twice.
    """
    found = {}
    if table is not None:
        for name, value in table.settings.items():
            if isinstance(value, dict):
                continue  # a schedule: it is what the architecture or the source has
            found[name] = Setting(name=name, value=value, origin=Origin.PLAN)
    given: dict[str, Setting] = {}
    for text in options.optimizer_options:
        name, equals, value = text.partition("=")
        if not name.strip() or not equals or not value.strip():
            message = f"--optimizer-option {text}: expected NAME=VALUE"
            raise UsageError(message, remedy="for example --optimizer-option beta_1=0.8")
        _add(given, name.strip().replace("-", "_"), _value(value.strip()))
    if options.learning_rate is not None:
        _add(given, RATE, options.learning_rate)
    return found | given


def _add(given: dict[str, Setting], name: str, value: Any) -> None:  # noqa: ANN401 - a JSON value
    if name in given:
        message = f"the hyperparameter {name} is given twice"
        raise UsageError(message, remedy="give it once")
    given[name] = Setting(name=name, value=value, origin=Origin.OPTION)


def _value(text: str) -> Any:  # noqa: ANN401 - a JSON value
    known = {"true": True, "false": False, "none": None, "null": None}
    if text.lower() in known:
        return known[text.lower()]
    try:
        return json.loads(text)
    except ValueError:
        return text


def with_optimizer(
    chosen: Chosen, store: TensorStore, asked: Mapping[str, Setting]
) -> tuple[Chosen, Choice | None]:
    """Let the architecture be compiled with the source's optimizer where it has none.

    Parameters
    ----------
    chosen
        The architecture before it is built.
    store
        The source.
    asked
        As :func:`asked_settings` gives it.

    Returns
    -------
    The architecture with a fuller request, and what the source says about its optimizer.

    Raises
    ------
    UsageError
        If hyperparameters are asked for that nothing can be compiled with.
    """
    request = chosen.request
    if request.kind in (_GRAPH, "live"):
        if asked:
            what = "a graph" if request.kind == _GRAPH else "a live model"
            message = f"--learning-rate and --optimizer-option compile; {what} is compiled already"
            raise UsageError(message, remedy="change the optimizer there")
        return chosen, None
    choice = chosen_optimizer(store, Reading(store), keras=request.keras)
    found = None if isinstance(choice, str) else choice
    settings = {name: setting.value for name, setting in asked.items()}
    fallback = ""
    if found is not None and (request.kind != CONFIG or found.is_legacy):
        fallback = json.dumps(found.to_config())
    elif found is not None:
        converted = (s for s in found.settings.values() if s.origin is Origin.CONVERTED)
        settings = {setting.name: setting.value for setting in converted} | settings
    request = replace(
        request,
        fallback_optimizer=fallback,
        optimizer_settings=tuple((name, json.dumps(value)) for name, value in settings.items()),
    )
    return replace(chosen, request=request), found


def origins_of(
    architecture: Architecture, choice: Choice | None, asked: Mapping[str, Setting]
) -> Origins:
    """Return where the optimizer of a built architecture and its hyperparameters come from."""
    names = {"option": Origin.OPTION, "architecture": Origin.ARCHITECTURE, "": Origin.ARCHITECTURE}
    if architecture.optimizer_origin != _SOURCE or choice is None:
        origin = names.get(architecture.optimizer_origin, Origin.CONFIG)
        return Origins(name=origin, settings=dict(asked))
    return Origins(name=choice.origin, settings={**choice.settings, **asked})


def table_of(plan: str | Path | None) -> OptimizerTable | None:
    """Return the ``[optimizer]`` table of a plan file."""
    return None if plan is None else load_plan(Path(plan)).optimizer
