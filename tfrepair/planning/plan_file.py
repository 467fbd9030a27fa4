"""plan.toml: a plan as a person reads and edits it, and back.

Only ``[map]`` is used when a plan is applied; ``[ties]``, ``[missing]`` and ``[unused]`` are there
to choose from. Text in, text out: no files. Pure. Comes before :mod:`tfrepair.planning.edited`.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tomlkit
import tomlkit.items

from tfrepair.core.errors import PlanError
from tfrepair.core.plan import Gap, Plan, Reference
from tfrepair.core.tensor import SourceName
from tfrepair.core.transform import Transform, TransformError, parse_transform
from tfrepair.planning.optimizer_table import (
    TABLE,
    OptimizerTable,
    optimizer_table,
    parse_table,
)

VERSION = 1
_TABLES = ("plan", "map", "ties", "missing", "unused", TABLE)
_HEAD = ("version", "source", "arch", "order")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of ``[map]``: the tensors to take, and what to do to each."""

    edges: tuple[tuple[SourceName, Transform], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFile:
    """What a plan file says.

    Attributes
    ----------
    source, arch
        What it was made for.
    convention
        List order it was made with, or empty.
    lines
        Variable path to the line that fills it.
    optimizer
        The ``[optimizer]`` table, or ``None``.
    """

    source: Reference
    arch: Reference
    convention: str
    lines: Mapping[str, Line]
    optimizer: OptimizerTable | None = None


def plan_to_toml(plan: Plan) -> str:
    """Write a plan as TOML text with comments; equal plans give equal text."""
    document = tomlkit.document()
    head = tomlkit.table()
    head.add("version", VERSION)
    for name, reference in (("source", plan.source), ("arch", plan.arch)):
        inline = tomlkit.inline_table()
        inline.update({"path": reference.path, "digest": reference.digest})
        head.add(name, inline)
    if plan.convention:
        head.add("order", plan.convention)
    document.add("plan", head)
    document.add("map", _map_table(plan))
    _add_table(
        document,
        "ties",
        "nothing here is used until it is moved to [map]",
        {path: list(tie.sources) for tie in plan.ties for path in tie.targets},
    )
    _add_table(
        document,
        "missing",
        "weights without a source; give them one in [map]",
        {gap.target: _gap_text(gap) for gap in plan.missing},
    )
    _add_table(
        document,
        "unused",
        "tensors of the source that fill nothing",
        {left.source: left.reason for left in plan.leftover},
    )
    if plan.optimizer is not None:
        document.add(TABLE, optimizer_table(plan.optimizer))
    return tomlkit.dumps(document)


def _map_table(plan: Plan) -> tomlkit.items.Table:
    table = tomlkit.table()
    table.comment('"variable" = "tensor"; edit freely')
    for match in plan.matches:
        item: Any
        if match.parts:
            item = tomlkit.array()
            for source, transform in match.edges:
                item.append(_inline(source, transform))
            item.multiline(multiline=True)
        elif match.transform.operations:
            item = _inline(match.source, match.transform)
        else:
            item = tomlkit.string(match.source)
        item.comment(f"{match.confidence.value}  {', '.join(match.evidence)}")
        table.add(match.target, item)
    return table


def _inline(source: SourceName, transform: Transform) -> tomlkit.items.InlineTable:
    item = tomlkit.inline_table()
    item.update({"from": source, "transform": str(transform)})
    return item


def _gap_text(gap: Gap) -> str:
    if not gap.candidates:
        return gap.reason
    return f"{gap.reason}; of a fitting shape: {', '.join(gap.candidates)}"


def _add_table(
    document: tomlkit.TOMLDocument, name: str, comment: str, lines: Mapping[Any, Any]
) -> None:
    if not lines:
        return
    table = tomlkit.table()
    table.comment(comment)
    for key, value in lines.items():
        table.add(str(key), value)
    document.add(name, table)


def parse_plan(text: str, where: str) -> PlanFile:
    """Read TOML text.

    Raises
    ------
    PlanError
        Naming every line that cannot be understood.
    """
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # ValueError: also numbers of more digits than Python converts.
        message = f"{where}: not TOML: {error}"
        raise PlanError(message, remedy="make the plan again with `tfrepair plan`") from error
    problems = [f"[{name}] is not known" for name in data if name not in _TABLES]
    head = data.get("plan", {})
    if not isinstance(head, dict) or head.get("version") != VERSION:
        problems.append(f"[plan] version must be {VERSION}")
        head = {}
    problems += [f"[plan] {key} is not known" for key in head if key not in _HEAD]
    lines = {}
    for target, value in _table(data, "map", problems).items():
        try:
            lines[target] = _line(value)
        except (TransformError, ValueError) as error:
            problems.append(f'[map] "{target}": {error}')
    plan = PlanFile(
        source=_reference(head, "source", problems),
        arch=_reference(head, "arch", problems),
        convention=str(head.get("order", "")),
        lines=lines,
        optimizer=parse_table(data.get(TABLE), text, problems),
    )
    if problems:
        message = f"{where}: " + "; ".join(problems)
        raise PlanError(message, remedy="mend these lines, or make the plan again")
    return plan


def _table(data: Mapping[str, Any], name: str, problems: list[str]) -> Mapping[str, Any]:
    table = data.get(name, {})
    if isinstance(table, dict):
        return table
    problems.append(f"[{name}] must be a table")
    return {}


def _reference(head: Mapping[str, Any], name: str, problems: list[str]) -> Reference:
    value = head.get(name)
    if isinstance(value, dict) and isinstance(value.get("digest"), str):
        return Reference(path=str(value.get("path", "")), digest=value["digest"])
    problems.append(f"[plan] {name} must be {{ path = ..., digest = ... }}")
    return Reference(path="", digest="")


def _line(value: object) -> Line:
    if isinstance(value, list) and value:
        return Line(edges=tuple(_edge(part) for part in value))
    return Line(edges=(_edge(value),))


def _edge(value: object) -> tuple[SourceName, Transform]:
    if isinstance(value, str):
        return SourceName(value), Transform()
    if isinstance(value, dict) and isinstance(value.get("from"), str):
        unknown = set(value) - {"from", "transform"}
        if unknown:
            message = f"unknown keys {sorted(unknown)}; known: from, transform"
            raise ValueError(message)
        transform = parse_transform(str(value.get("transform", "")))
        return SourceName(value["from"]), transform
    message = 'expected "tensor", { from = "tensor", transform = "..." } or a list of these'
    raise ValueError(message)
