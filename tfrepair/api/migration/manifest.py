"""What is to be migrated: a pattern of names or a manifest becomes a list of items.

Knows names of files and the three spellings of a manifest; opens no source. Comes first.
"""

import csv
import dataclasses
import glob
import io
import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from tfrepair.api.migration.items import Item
from tfrepair.api.options import Options
from tfrepair.core.errors import UsageError

MANIFESTS = (".toml", ".csv", ".jsonl", ".ndjson")
RESERVED = ("tfrepair-journal.jsonl", "report.json", "report.html", ".tfrepair")
"""Names at the root of the outputs that are ours."""

_MEMBER = re.compile(r"(\.index|\.meta|\.data-\d{5}-of-\d{5})$")
_WEIGHTS = (".weights.h5", ".npy", ".npz", ".pkl", ".pickle", ".h5", ".hdf5", ".keras",
            ".safetensors")  # fmt: skip
_NO_SOURCES = re.compile(r"^(checkpoint|events\.out\.tfevents.*|.*\.tempstate\d+)$")
_COLUMNS = frozenset({"source", "arch", "plan", "output", "options"})
_OWN = frozenset({"plan", "progress", "dry_run", "skeleton", "overwrite", "formats", "to"})
"""Options that a row cannot have: they are the whole migration's, or a column."""
_LISTS = frozenset(f.name for f in dataclasses.fields(Options) if str(f.type).startswith("tuple["))
_NAMES = frozenset(f.name for f in dataclasses.fields(Options)) - _OWN


def read_items(work: str, arch: str, plan: str, options: Mapping[str, Any]) -> tuple[Item, ...]:
    """Return what is to be done, in a fixed order.

    Parameters
    ----------
    work
        Pattern with ``*``, ``?`` and ``**``, one source, or the path of a manifest.
    arch, plan, options
        For every source that says nothing else.

    Raises
    ------
    UsageError
        If nothing fits the pattern, the manifest cannot be read, or two items would write to the
        same place. All problems of a manifest are told at once.
    """
    path = Path(work)
    if path.suffix.lower() in MANIFESTS and path.is_file():
        items = _of_manifest(path, arch, plan, options)
    else:
        items = _of_pattern(work, arch, plan, options)
    _require_apart(items)
    return items


def _of_pattern(pattern: str, arch: str, plan: str, options: Mapping[str, Any]) -> tuple[Item, ...]:
    found = sorted(set(_sources(glob.glob(pattern, recursive=True))))  # noqa: PTH207 - absolute ones
    if not found:
        message = f"{pattern}: nothing fits this pattern"
        raise UsageError(message, remedy="quote it, so that the shell leaves it as it is")
    root = _fixed_part(pattern)
    names = _output_names([Path(name) for name in found], root)
    return tuple(
        Item(source=source, output=output, arch=arch, plan=plan, options=options)
        for source, output in zip(found, names, strict=True)
    )


def _sources(names: Iterable[str]) -> Iterator[str]:
    """Leave out what belongs to a source or holds sources; the members of a save are one."""
    paths = {_MEMBER.sub("", name) for name in names if not _NO_SOURCES.match(Path(name).name)}
    holders = {str(parent) for name in paths for parent in Path(name).parents}
    yield from (name for name in paths if name.rstrip("/") not in holders)


def _fixed_part(pattern: str) -> Path:
    """Return the folders in front of the first wildcard."""
    parts = Path(pattern).parts
    fixed = list(parts[:-1])
    for place, part in enumerate(parts[:-1]):
        if glob.has_magic(part):
            fixed = fixed[:place]
            break
    return Path(*fixed) if fixed else Path()


def _output_names(sources: Sequence[Path], root: Path) -> list[str]:
    """Name outputs as sources below the root; without suffix where that stays unique."""
    full = [path.relative_to(root) if root in path.parents else Path(path.name) for path in sources]
    short = [_without_suffix(path) for path in full]
    uses = Counter(short)
    return [
        (one if uses[one] == 1 else whole).as_posix()
        for one, whole in zip(short, full, strict=True)
    ]


def _without_suffix(path: Path) -> Path:
    for suffix in _WEIGHTS:
        if path.name.lower().endswith(suffix) and len(path.name) > len(suffix):
            return path.with_name(path.name[: -len(suffix)])
    return path


def _of_manifest(path: Path, arch: str, plan: str, options: Mapping[str, Any]) -> tuple[Item, ...]:
    try:
        rows = _rows(path, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError, csv.Error) as error:
        message = f"{path}: not a manifest: {error}"
        raise UsageError(message, remedy=_EXAMPLE) from error
    problems: list[str] = []
    items = []
    for place, row in enumerate(rows, 1):
        wrong = _wrong(row)
        if wrong:
            problems.append(f"row {place}: {wrong}")
            continue
        source = _beside(path, str(row["source"]))
        given = row.get("output") or _without_suffix(Path(_MEMBER.sub("", source))).name
        items.append(
            Item(
                source=source,
                output=PurePosixPath(given).as_posix(),
                arch=_beside(path, str(row.get("arch") or "")) or arch,
                plan=_beside(path, str(row.get("plan") or "")) or plan,
                options={**options, **_row_options(row)},
            )
        )
    if problems or not items:
        shown = "; ".join(problems[:10]) or "it has no rows"
        message = f"{path}: {len(problems)} rows cannot be used: {shown}"
        raise UsageError(message, remedy=_EXAMPLE)
    return tuple(items)


_EXAMPLE = (
    "rows have source and, if wanted, arch, plan, output and options: "
    '{"source": "runs/1/ckpt-5", "arch": "model.py", "output": "1", "options": {"strict": true}}'
)


def _rows(path: Path, text: str) -> list[Any]:
    suffix = path.suffix.lower()
    if suffix == ".toml":
        data = tomllib.loads(text)
        rows = next((value for value in data.values() if isinstance(value, list)), [])
        return list(rows)
    if suffix == ".csv":
        return [
            {name: value for name, value in row.items() if value}
            for row in csv.DictReader(io.StringIO(text), strict=True)
        ]
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _wrong(row: Any) -> str:  # noqa: ANN401 - whatever a manifest holds
    if not isinstance(row, dict):
        return f"is {type(row).__name__}, expected an object"
    if not row.get("source") or not isinstance(row["source"], str):
        return "has no source"
    unknown = sorted(str(name) for name in row.keys() - _COLUMNS)
    if unknown:
        return f"{unknown[0]!r} is no column"
    try:
        options = _row_options(row)
    except ValueError as error:
        return f"options are no JSON object: {error}"
    unknown = sorted(options.keys() - _NAMES)
    return f"{unknown[0]!r} is no option of a row" if unknown else ""


def _row_options(row: Mapping[str, Any]) -> dict[str, Any]:
    given = row.get("options") or {}
    if isinstance(given, str):
        given = json.loads(given)
    if not isinstance(given, dict):
        message = f"found {type(given).__name__}"
        raise ValueError(message)  # noqa: TRY004 - told as every other problem of a row
    return {
        name: tuple(value) if name in _LISTS and isinstance(value, list) else value
        for name, value in given.items()
    }


def _beside(manifest: Path, name: str) -> str:
    """Return a path of a row: from the manifest's folder, unless it is somewhere else."""
    if not name:
        return ""
    file = name.partition(":")[0]
    if Path(file).is_absolute() or not list(manifest.parent.glob(f"{glob.escape(file)}*")):
        return name
    return str(manifest.parent / name)


def _require_apart(items: Sequence[Item]) -> None:
    """Refuse outputs that leave the root, meet each other, or are inside of each other."""
    problems = []
    seen: dict[str, str] = {}
    for item in items:
        parts = PurePosixPath(item.output).parts
        if not parts or item.output.startswith("/") or ".." in parts:
            problems.append(f"{item.source}: output {item.output!r} is not below the root")
        elif parts[0] in RESERVED:
            problems.append(f"{item.source}: output {item.output!r} is a name of ours")
        elif item.output in seen:
            problems.append(f"{item.source} and {seen[item.output]}: both write {item.output}")
        seen[item.output] = item.source
    for item in items:
        inside = [str(parent) for parent in PurePosixPath(item.output).parents[:-1]]
        problems += [f"{item.output} is inside of {name}" for name in inside if name in seen]
    if problems:
        message = f"{len(problems)} outputs cannot be: {'; '.join(problems[:10])}"
        raise UsageError(message, remedy="give each row an output of its own")
