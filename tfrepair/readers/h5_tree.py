"""An HDF5 file as plain data: groups with the few attributes that matter, datasets, findings.

Knows no library and no Keras: :mod:`tfrepair.readers.hdf5` makes it from bytes, and the modules
that know what Keras writes look things up in it. A path is ``/``-joined and has no leading slash;
looking one up never follows a link.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tfrepair.core.findings import Finding
from tfrepair.core.tensor import Array, Health, Shape

Attribute = str | int | tuple[str, ...]
"""Text, a number or a list of texts: all that Keras writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class H5Dataset:
    """One array.

    Attributes
    ----------
    path
        Inside the file.
    shape, dtype, nbytes
        As declared; ``dtype`` is a name as in :class:`tfrepair.core.tensor.Tensor`.
    offset
        Where its bytes begin in the file, if they lie there as they are.
    file
        The file that holds it.
    health, health_note, fetch, examine, leading
        As in :class:`tfrepair.core.tensor.Tensor`.
    """

    path: str
    shape: Shape
    dtype: str
    nbytes: int
    file: str
    offset: int | None
    fetch: Callable[[], Array] = field(repr=False, compare=False)
    health: Health = Health.UNVERIFIED
    health_note: str = ""
    examine: Callable[[], tuple[Health, str]] | None = field(
        default=None, repr=False, compare=False
    )
    leading: Callable[[], Array] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class H5Tree:
    """What is in a file.

    Attributes
    ----------
    groups
        Attributes of every group by path; the root is ``""``.
    datasets
        Arrays by path, in the order in which the file lists them (an alphabet's).
    findings
        What is there and is no array, and why.
    """

    groups: Mapping[str, Mapping[str, Attribute]]
    datasets: Mapping[str, H5Dataset]
    findings: tuple[Finding, ...] = ()

    def text(self, group: str, name: str) -> str:
        """Return an attribute that is a text, else an empty one."""
        value = self.groups.get(group, {}).get(name, "")
        return value if isinstance(value, str) else ""

    def names(self, group: str, name: str) -> tuple[str, ...] | None:
        """Return an attribute that lists names; one that was cut into ``name0``, ... is joined.

        Returns
        -------
        The names in their order; ``None`` if there is no such attribute.
        """
        held = self.groups.get(group, {})
        if name in held:
            return _listed(held[name])
        parts = list(_chunks(held, name))
        return tuple(part for chunk in parts for part in chunk) if parts else None

    def below(self, group: str) -> Iterator[H5Dataset]:
        """Yield the arrays of a group, on every level."""
        start = f"{group}/" if group else ""
        for path, dataset in self.datasets.items():
            if path.startswith(start):
                yield dataset


def _listed(value: Attribute) -> tuple[str, ...]:
    if isinstance(value, tuple):
        return value
    return (value,) if isinstance(value, str) else ()


def _chunks(held: Mapping[str, Attribute], name: str) -> Iterator[tuple[str, ...]]:
    number = 0
    while f"{name}{number}" in held:
        yield _listed(held[f"{name}{number}"])
        number += 1


def join(group: str, name: str) -> str | None:
    """Return the path of a name below a group; ``None`` if the name leaves it.

    Empty and ``.`` parts stand for nothing in HDF5; a name with a leading slash starts at the
    root, and Keras never writes one.
    """
    if name.startswith("/"):
        return None
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return "/".join(([group] if group else []) + parts) if parts else None


_NUMBERS = re.compile(r"(\d+)")


def natural(path: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key that puts ``2`` before ``10``."""
    parts = [part for part in _NUMBERS.split(path) if part]
    return tuple((0, int(p), "") if p.isascii() and p.isdigit() else (1, 0, p) for p in parts)


def merged(trees: Iterable[H5Tree]) -> tuple[H5Tree, tuple[str, ...]]:
    """Join the trees of a file that was cut into shards.

    Returns
    -------
    One tree, and the paths of arrays that are in more than one of them; the first one counts.
    """
    groups: dict[str, dict[str, Attribute]] = {}
    datasets: dict[str, H5Dataset] = {}
    findings: list[Finding] = []
    twice = []
    for tree in trees:
        for path, attributes in tree.groups.items():
            groups[path] = {**attributes, **groups.get(path, {})}
        twice += [path for path in tree.datasets if path in datasets]
        datasets |= {path: d for path, d in tree.datasets.items() if path not in datasets}
        findings += tree.findings
    return H5Tree(groups=groups, datasets=datasets, findings=tuple(findings)), tuple(twice)
