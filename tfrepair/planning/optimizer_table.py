"""The ``[optimizer]`` table of a plan file: class, hyperparameters, steps, values by rule.

What a person changes there counts; what is as planning wrote it keeps its origin. Text in, text
out; errors name the line. Pure. Beside :mod:`tfrepair.planning.plan_file`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import tomlkit
import tomlkit.items

from tfrepair.core.architecture import Architecture, VariablePath
from tfrepair.core.optimizer_plan import Fresh, OptimizerPlan, Origin, Rebuilt, Setting
from tfrepair.core.optimizer_rules import Rule, RuleError, parse_rule, rule
from tfrepair.core.plan import Match
from tfrepair.core.state import ProvenanceKind
from tfrepair.planning.hyperparameters import same_value
from tfrepair.planning.wanted_optimizer import wanted_optimizer

TABLE = "optimizer"
VALUES, FRESH, ESTIMATED = "values", "fresh", "estimated"
_NAME, _STEPS, _OFFSET = "name", "steps", "schedule_offset"
_BY_HAND = "written into the plan"


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerTable:
    """What an ``[optimizer]`` table says.

    Attributes
    ----------
    name
        Class; empty if the table does not say.
    settings
        Hyperparameters by name.
    steps, schedule_offset
        See :class:`~tfrepair.core.optimizer_plan.OptimizerPlan`; ``None`` if not said.
    values
        Rules and their inputs, by the variable that they fill.
    lines
        Number of the line of each key, ``values.PATH`` for those below.
    """

    name: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    steps: int | None = None
    schedule_offset: int | None = None
    values: Mapping[str, tuple[Rule, tuple[str, ...]]] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)

    def where(self, key: str) -> str:
        """Return ``[optimizer] key (line 12)`` for messages."""
        number = self.lines.get(key)
        table, _, rest = key.partition(".") if key.startswith(f"{VALUES}.") else ("", "", key)
        head = f"[{TABLE}.{table}]" if table else f"[{TABLE}]"
        return f"{head} {rest}" + (f" (line {number})" if number else "")


def optimizer_table(optimizer: OptimizerPlan) -> tomlkit.items.Table:
    """Write the optimizer of a plan as a table with comments."""
    table = tomlkit.table()
    table.comment("edit freely; what is changed counts as written by hand")
    _add(table, _NAME, optimizer.name, optimizer.origin.value)
    for setting in optimizer.settings:
        if setting.value is not None:
            _add(table, setting.name, setting.value, setting.origin.value)
    if optimizer.steps is not None:
        _add(table, _STEPS, optimizer.steps, "updates that the training has made")
    if optimizer.schedule_offset:
        note = "added to the step where a learning rate schedule reads it"
        _add(table, _OFFSET, optimizer.schedule_offset, note)
    if optimizer.rebuilt:
        table.add(VALUES, _values(optimizer.rebuilt))
    if optimizer.estimated:
        note = "data give these a value, see --calibration; a tensor in [map] takes their place"
        table.add(ESTIMATED, _reasons(optimizer.estimated, note))
    if optimizer.fresh:
        note = "these start as in a new optimizer; give them a tensor in [map]"
        table.add(FRESH, _reasons(optimizer.fresh, note))
    return table


def _reasons(entries: tuple[Fresh, ...], note: str) -> tomlkit.items.Table:
    table = tomlkit.table()
    table.comment(note)
    for entry in entries:
        table.add(entry.target, entry.why)
    return table


def _add(table: tomlkit.items.Table, key: str, value: Any, comment: str) -> None:  # noqa: ANN401
    item = tomlkit.item(_inline(value))
    item.comment(comment)
    table.add(key, item)


def _inline(value: Any) -> Any:  # noqa: ANN401 - a JSON value
    if not isinstance(value, dict):
        return value
    inline = tomlkit.inline_table()
    inline.update({k: _inline(v) for k, v in value.items() if v is not None})
    return inline


def _values(rebuilt: tuple[Rebuilt, ...]) -> tomlkit.items.Table:
    table = tomlkit.table()
    table.comment('"variable" = "rule", or { rule = "...", of = ["variable", ...] }')
    for entry in rebuilt:
        item: Any = tomlkit.string(str(entry.rule))
        if entry.inputs:
            item = tomlkit.inline_table()
            item.update({"rule": str(entry.rule), "of": list(entry.inputs)})
        item.comment(f"{entry.kind.value}  {entry.why}")
        table.add(entry.target, item)
    return table


def parse_table(data: object, text: str, problems: list[str]) -> OptimizerTable | None:
    """Read an ``[optimizer]`` table.

    Parameters
    ----------
    data
        The parsed table; ``None`` if the file has none.
    text
        The whole file, for the numbers of lines.
    problems
        Gets every problem, with its line.
    """
    if data is None:
        return None
    if not isinstance(data, dict):
        problems.append(f"[{TABLE}] is not a table")
        return None
    lines = _lines(text)
    table = OptimizerTable(lines=lines)
    plain = {k: v for k, v in data.items() if k not in (VALUES, FRESH, ESTIMATED)}
    name, steps, offset = (plain.pop(key, None) for key in (_NAME, _STEPS, _OFFSET))
    if name is not None and not isinstance(name, str):
        problems.append(f"{table.where(_NAME)}: expected a class name, found {name!r}")
        name = None
    for key, value in ((_STEPS, steps), (_OFFSET, offset)):
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if value is not None and (not is_number or (key == _STEPS and value < 0)):
            problems.append(f"{table.where(key)}: expected a number of updates, found {value!r}")
    for key, value in plain.items():
        if not isinstance(value, bool | int | float | str | dict):
            problems.append(f"{table.where(key)}: expected a number, found {value!r}")
    return replace(
        table,
        name=name or "",
        settings=plain,
        steps=steps if isinstance(steps, int) and not isinstance(steps, bool) else None,
        schedule_offset=offset if isinstance(offset, int) else None,
        values=_parsed_values(data.get(VALUES, {}), table, problems),
    )


def _parsed_values(
    data: object, table: OptimizerTable, problems: list[str]
) -> dict[str, tuple[Rule, tuple[str, ...]]]:
    if not isinstance(data, dict):
        problems.append(f"[{TABLE}.{VALUES}] is not a table")
        return {}
    found = {}
    for target, value in data.items():
        where = table.where(f"{VALUES}.{target}")
        held = {"rule": value} if isinstance(value, str) else value
        if not isinstance(held, dict) or not isinstance(held.get("rule"), str):
            problems.append(f'{where}: expected "RULE" or {{ rule, of }}, found {value!r}')
            continue
        of = held.get("of", [])
        inputs = tuple(str(path) for path in of) if isinstance(of, list) else (str(of),)
        try:
            parsed = parse_rule(held["rule"])
        except RuleError as error:
            problems.append(f"{where}: {error}")
            continue
        if len(inputs) != parsed.inputs:
            message = f"{parsed.name} takes {parsed.inputs} variables, found {len(inputs)}"
            problems.append(f"{where}: {message}")
            continue
        found[target] = (parsed, inputs)
    return found


def _lines(text: str) -> dict[str, int]:
    """Return the numbers of the lines on which the table's keys stand."""
    found: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped.startswith("["):
            table = stripped.strip("[]").partition("#")[0].strip(" ]")
        elif "=" in stripped and not stripped.startswith("#"):
            key = stripped.partition("=")[0].strip()
            if key[:1] in "\"'":
                key = stripped[1 : stripped.find(key[0], 1)]
            if table == TABLE:
                found.setdefault(key, number)
            elif table.startswith(f"{TABLE}."):
                found.setdefault(f"{table.removeprefix(f'{TABLE}.')}.{key}", number)
    return found


def changed_settings(
    table: OptimizerTable | None, fresh: OptimizerPlan | None
) -> dict[str, Setting]:
    """Return the hyperparameters that a person changed in the table; schedules are not taken."""
    if table is None:
        return {}
    known = {} if fresh is None else {setting.name: setting.value for setting in fresh.settings}
    return {
        name: Setting(name=name, value=value, origin=Origin.PLAN)
        for name, value in table.settings.items()
        if not isinstance(value, dict) and (name not in known or not same_value(known[name], value))
    }


def edited_optimizer(
    table: OptimizerTable | None,
    fresh: OptimizerPlan | None,
    architecture: Architecture,
    matches: list[Match],
    problems: list[str],
) -> tuple[OptimizerPlan | None, list[Match]]:
    """Hold an edited table against the optimizer that planning gives today.

    Parameters
    ----------
    table
        ``None`` if the file has none: then everything stays as planned.
    fresh
        Of planning.
    architecture
        The target.
    matches
        Of ``[map]``; those that an edited line replaces are left out of the result.
    problems
        Gets every problem, with its line.
    """
    if fresh is None:
        if table is not None:
            problems.append(f"[{TABLE}]: the architecture has no optimizer")
        return None, matches
    if table is None:
        return _without_filled(fresh, matches), matches
    if table.name and table.name != fresh.name:
        problems.append(
            f"{table.where(_NAME)}: the architecture is compiled with {fresh.name}, not "
            f"{table.name}; compile it with another one, or give --optimizer"
        )
    paths = {variable.path for variable in architecture}
    by_hand = _by_hand(table, fresh, paths, problems)
    wanted = wanted_optimizer(architecture)
    # A hyperparameter that is changed here is compiled in: what the map had for it goes.
    changed = {setting.name for setting in fresh.settings if setting.origin is Origin.PLAN}
    scalars = {} if wanted is None else wanted.scalars
    compiled = {v.path for word, v in scalars.items() if word in changed}
    matches = [match for match in matches if match.target not in compiled]
    steps = None if wanted is None else wanted.steps
    result = replace(fresh, rebuilt=by_hand)
    if table.steps is not None and table.steps != fresh.steps and steps is not None:
        path = steps.path
        is_reset = any(entry.target == path for entry in fresh.fresh)
        if is_reset:
            offset = table.steps if wanted is not None and wanted.has_schedule else 0
            result = replace(result, steps=table.steps, schedule_offset=offset)
        else:
            matches = [match for match in matches if match.target != path]
            count = _constant(path, table.steps)
            kept = tuple(entry for entry in result.rebuilt if entry.target != path)
            result = replace(
                result, steps=table.steps, counter=table.steps, rebuilt=(*kept, count),
                schedule_offset=0,
            )  # fmt: skip
    if table.schedule_offset is not None:
        result = replace(result, schedule_offset=table.schedule_offset)
    gone = {entry.target for entry in fresh.rebuilt} - {entry.target for entry in result.rebuilt}
    dropped = tuple(Fresh(target=path, why="the plan gives it no value") for path in sorted(gone))
    result = replace(result, fresh=(*result.fresh, *dropped))
    return _without_filled(result, matches), matches


def _constant(path: VariablePath, value: int) -> Rebuilt:
    return Rebuilt(
        target=path,
        rule=rule("constant", value=value),
        kind=ProvenanceKind.DERIVED,
        why=_BY_HAND,
    )


def _by_hand(
    table: OptimizerTable,
    fresh: OptimizerPlan,
    paths: set[VariablePath],
    problems: list[str],
) -> tuple[Rebuilt, ...]:
    known = {entry.target: entry for entry in fresh.rebuilt}
    found = []
    for target, (how, inputs) in table.values.items():
        path = VariablePath(target)
        where = table.where(f"{VALUES}.{target}")
        unknown = [name for name in (target, *inputs) if VariablePath(name) not in paths]
        if unknown:
            problems.append(f'{where}: no variable is called "{unknown[0]}"')
            continue
        entry = known.get(path)
        of = tuple(VariablePath(name) for name in inputs)
        if entry is None or (entry.rule, entry.inputs) != (how, of):
            kind = ProvenanceKind.DERIVED
            entry = Rebuilt(target=path, rule=how, inputs=of, kind=kind, why=_BY_HAND)
        found.append(entry)
    return tuple(found)


def _without_filled(optimizer: OptimizerPlan, matches: list[Match]) -> OptimizerPlan:
    """Leave to the map what it fills, and to the rules what they do."""
    filled = {match.target for match in matches}
    rebuilt = tuple(entry for entry in optimizer.rebuilt if entry.target not in filled)
    taken = filled | {entry.target for entry in rebuilt}
    fresh = tuple(entry for entry in optimizer.fresh if entry.target not in taken)
    return replace(optimizer, rebuilt=rebuilt, fresh=fresh)
