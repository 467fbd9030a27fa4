"""Use case: what distinguishes two sources, tensor by tensor. No TensorFlow, no architecture.

Works on what any reader opens, so that a checkpoint may be compared with a ``.npz``. One pair of
tensors is in memory at a time. Damage is never hidden: a tensor that cannot be read is neither
equal nor changed, and two sources with such a tensor are not equal.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from tfrepair.api.planned_view import seen_through
from tfrepair.api.sources import open_store
from tfrepair.core.difference import Difference, difference_of
from tfrepair.core.errors import SourceError
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Array, Health, Shape, Tensor, TensorStore

EQUAL, DIFFERENT = 0, 3
"""Exit codes of the command line."""


class Relation(StrEnum):
    """How the tensors of one name are related; exactly one holds for each name."""

    EQUAL = "equal"
    """Same type, same shape, same bits."""
    CHANGED = "changed"
    """Same type and shape, other values."""
    DTYPE = "dtype"
    """Same shape, another type; the values are compared after widening."""
    SHAPE = "shape"
    """Another shape, whatever the type."""
    ONLY_A = "only-in-a"
    ONLY_B = "only-in-b"
    DAMAGED_A = "damaged-in-a"
    """The values cannot be compared: those of the first source are not whole."""
    DAMAGED_B = "damaged-in-b"
    DAMAGED_BOTH = "damaged-in-both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One tensor of one source, as metadata with its final verdict."""

    shape: Shape
    dtype: str
    health: Health
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the side as plain JSON data."""
        return {
            "shape": list(self.shape),
            "dtype": self.dtype,
            "health": self.health.value,
            "note": self.note,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One name.

    Attributes
    ----------
    name
        As the sources spell it.
    relation
        See :class:`Relation`.
    a, b
        What each source has under the name; ``None`` if nothing.
    difference
        Of values that could be compared, else ``None``. Of a truncated tensor these are the rows
        that are there in both sources.
    rows
        How many rows were compared and how many there should be; ``None`` unless one side is
        truncated.
    """

    name: str
    relation: Relation
    a: Side | None
    b: Side | None
    difference: Difference | None = None
    rows: tuple[int, int] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the row as plain JSON data."""
        return {
            "name": self.name,
            "relation": self.relation.value,
            "a": None if self.a is None else self.a.to_json(),
            "b": None if self.b is None else self.b.to_json(),
            "difference": None if self.difference is None else self.difference.to_json(),
            "rows": None if self.rows is None else list(self.rows),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two sources.

    Attributes
    ----------
    a, b
        Metadata of both.
    rows
        Every name once: those of ``a`` in its order, then those that only ``b`` has.
    findings
        What the readers met, and what to know about the comparison.
    """

    a: TensorStore
    b: TensorStore
    rows: tuple[Row, ...]
    findings: tuple[Finding, ...] = ()

    def count(self, relation: Relation) -> int:
        """Return the number of names with one relation."""
        return sum(row.relation is relation for row in self.rows)

    @property
    def is_equal(self) -> bool:
        """True if both have the same names, and every value is there and equal."""
        return all(row.relation is Relation.EQUAL for row in self.rows)

    @property
    def exit_code(self) -> int:
        """Exit code of the command line: 0 for equal sources, 3 for all others."""
        return EQUAL if self.is_equal else DIFFERENT

    def to_json(self) -> dict[str, Any]:
        """Return the ``tfrepair.diff/1`` object."""
        return {
            "schema": "tfrepair.diff/1",
            "exit_code": self.exit_code,
            "equal": self.is_equal,
            "a": _source(self.a),
            "b": _source(self.b),
            "counts": {relation.value: self.count(relation) for relation in Relation},
            "tensors": [row.to_json() for row in self.rows],
            "findings": [finding.to_json() for finding in self.findings],
        }


def diff(a: str | Path, b: str | Path, *, plans: Sequence[str | Path] = ()) -> Comparison:
    """Compare two sources name by name, bit by bit; no tolerance.

    Parameters
    ----------
    a, b
        Anything that a reader opens: file, folder, prefix or any member of a checkpoint.
    plans
        Plan files, at most one for each source: its tensors are then compared under the names of
        the variables that they fill, after the plan's transforms.

    Returns
    -------
    Exact counts for every name. Reads every tensor of both sources.

    Raises
    ------
    SourceError
        If one of the two cannot be opened at all; damage inside is in the result.
    PlanError
        If a plan cannot be read, or was made for neither of them.
    """
    first, second = open_store(a), open_store(b)
    about: tuple[Finding, ...] = ()
    if plans:
        (first, second), about = seen_through((first, second), plans)
    ours, theirs = first.by_name, second.by_name
    rows = [_row(name, ours.get(name), theirs.get(name)) for name in {**ours, **theirs}]
    return Comparison(
        a=first,
        b=second,
        rows=tuple(rows),
        findings=(*first.findings, *second.findings, *about, *_about_names(first, second, rows)),
    )


def _row(name: str, a: Tensor | None, b: Tensor | None) -> Row:
    left, have = _read(a)
    right, want = _read(b)
    relation = _relation(left, right)
    if have is not None and want is not None and _is_cut(left, right):
        return _compared_rows(Row(name=name, relation=relation, a=left, b=right), have, want)
    difference = None
    comparable = relation in (Relation.EQUAL, Relation.DTYPE)
    if comparable and have is not None and want is not None:
        difference = difference_of(have, want)
        if relation is Relation.EQUAL and difference.changed:
            relation = Relation.CHANGED
    return Row(name=name, relation=relation, a=left, b=right, difference=difference)


def _is_cut(a: Side | None, b: Side | None) -> bool:
    """Say whether two sides of one shape and type hold rows, at least one of them not all."""
    if a is None or b is None or not a.shape or (a.shape, a.dtype) != (b.shape, b.dtype):
        return False
    return Health.TRUNCATED in (a.health, b.health)


def _compared_rows(row: Row, have: Array, want: Array) -> Row:
    """Compare the rows that both sides have; those of a truncated side are not verified."""
    rows = min(len(have), len(want))
    difference = difference_of(have[:rows], want[:rows]) if rows else None
    total = row.a.shape[0] if row.a is not None else rows
    return replace(row, difference=difference, rows=(rows, total))


def _read(tensor: Tensor | None) -> tuple[Side | None, Array | None]:
    """Return a tensor's final verdict and its values: of a truncated one the rows there are."""
    if tensor is None:
        return None, None
    array: Array | None = None
    checked = tensor.checked()
    health, note = checked.health, checked.health_note
    if checked.is_whole:
        try:
            array = tensor.fetch()
        except SourceError as error:
            health, note = Health.CORRUPT, error.message
    elif health is Health.TRUNCATED and checked.leading is not None:
        with suppress(SourceError):
            array = checked.leading()
    return Side(shape=tensor.shape, dtype=tensor.dtype, health=health, note=note), array


def _relation(a: Side | None, b: Side | None) -> Relation:
    """Return the relation as far as metadata and verdicts give it."""
    if a is None or b is None:
        return Relation.ONLY_B if a is None else Relation.ONLY_A
    damaged = (_is_damaged(a), _is_damaged(b))
    if any(damaged):
        names = {
            (True, True): Relation.DAMAGED_BOTH,
            (True, False): Relation.DAMAGED_A,
            (False, True): Relation.DAMAGED_B,
        }
        return names[damaged]
    if a.shape != b.shape:
        return Relation.SHAPE
    return Relation.EQUAL if a.dtype == b.dtype else Relation.DTYPE


def _is_damaged(side: Side) -> bool:
    return side.health in (Health.TRUNCATED, Health.CORRUPT, Health.MISSING)


def _source(store: TensorStore) -> dict[str, Any]:
    return {"path": store.path, "format": store.format, "tensors": len(store)}


def _about_names(a: TensorStore, b: TensorStore, rows: list[Row]) -> list[Finding]:
    """Say what a comparison by name is worth where names are positions, or none is shared."""
    shared = any(row.a is not None and row.b is not None for row in rows)
    positions = [store.path for store in (a, b) if not store.names_are_meaningful]
    if shared and positions:
        message = "names are positions in a list: tensors are compared by their place"
        return [
            Finding(
                code="compared-by-position",
                severity=Severity.NOTE,
                where=", ".join(positions),
                message=message,
            )
        ]
    if shared or not (a.tensors and b.tensors):
        return []
    return [
        Finding(
            code="no-common-name",
            severity=Severity.WARNING,
            where=b.path,
            message=f"none of its {len(b)} names is among the {len(a)} of {a.path}",
            remedy="names differ between formats: tfrepair plan says which tensor fits where",
        )
    ]
