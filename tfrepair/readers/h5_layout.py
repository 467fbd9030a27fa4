"""What is left of a damaged HDF5 file: objects with their paths, and objects that no list names.

Follows the groups from the root as far as they are there, then looks for the headers that this
did not reach. A superblock or a root group that is lost costs names, not arrays. Only headers are
read; whether the bytes of an array are there is up to :mod:`tfrepair.readers.h5_salvage`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tfrepair.core.errors import OverLimit
from tfrepair.core.tensor import Limits
from tfrepair.readers.h5_attributes import read_attributes
from tfrepair.readers.h5_names import below, child_names
from tfrepair.readers.h5_tree import Attribute
from tfrepair.wire.hdf5_dataset import StoredDataset, read_dataset_header
from tfrepair.wire.hdf5_groups import Entry, Listing, Places, linked, listed, places_of
from tfrepair.wire.hdf5_scan import find_headers, is_cut_header, is_new_header, is_old_header
from tfrepair.wire.hdf5_superblock import find_superblock, root_of

_ROOTS = (96, 48)
"""Where the root group begins behind a superblock of version 0, and of version 2 or 3."""
_NUMBERED = "vars"
"""Groups of Keras 3 whose children are numbered in the order in which they are made."""
UNNAMED = "unnamed@"
"""Begin of the name, with the address behind it, of what no list names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class H5Layout:
    """Groups and arrays of a file, with the places that their headers give.

    Attributes
    ----------
    base
        Where the HDF5 part begins.
    groups
        Attributes by path; the root is ``""``.
    datasets
        Arrays by path; addresses and offsets count from ``base``.
    unnamed
        Arrays that no list names, by a path that tells what is known.
    lost
        Paths that a list names and whose header is not there.
    broken
        Number of nodes of groups' lists that are not there.
    headers
        Addresses of all headers that are there.
    """

    base: int
    groups: Mapping[str, Mapping[str, Attribute]]
    datasets: Mapping[str, StoredDataset]
    unnamed: Mapping[str, StoredDataset]
    lost: tuple[str, ...]
    broken: int
    headers: frozenset[int]

    @property
    def is_whole(self) -> bool:
        """True if nothing in it is known to be missing."""
        return not (self.lost or self.unnamed or self.broken)


def read_layout(data: memoryview, where: str, limits: Limits, *, scan: bool = True) -> H5Layout:
    """Read what is there.

    Parameters
    ----------
    data
        The HDF5 file, damaged or not.
    where
        How messages name it.
    limits
        Bounds on number and depth.
    scan
        Whether to look through all bytes for headers that no list names; costs reading the file.

    Raises
    ------
    OverLimit
        If it has more objects, or deeper ones, than the limits allow.
    """
    block = find_superblock(data)
    base = block.offset if block is not None else 0
    walk = _Walk(data=data, base=base, where=where, limits=limits)
    found = frozenset(find_headers(data, base)) if scan else frozenset()
    root = root_of(data, base)
    if root is not None:
        address, tree, heap = root
        places = Places(tree=tree, heap=heap) if tree else None
        walk.visit([("", Entry(name=b"", address=address, places=places))])
    walk.adopt(found)
    return H5Layout(
        base=base,
        groups=walk.groups,
        datasets={p: d for p, d in walk.datasets.items() if UNNAMED not in p},
        unnamed={p: d for p, d in walk.datasets.items() if UNNAMED in p},
        lost=tuple(walk.lost),
        broken=walk.broken,
        headers=found or frozenset(walk.seen),
    )


@dataclass(slots=True, kw_only=True)
class _Walk:
    """State of one reading."""

    data: memoryview
    base: int
    where: str
    limits: Limits
    groups: dict[str, dict[str, Attribute]] = field(default_factory=dict)
    datasets: dict[str, StoredDataset] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    broken: int = 0
    seen: set[int] = field(default_factory=set)

    def visit(self, entries: Iterable[tuple[str, Entry]]) -> None:
        """Take objects with their paths, and everything below them."""
        pending = list(entries)
        while pending:
            path, entry = pending.pop()
            if entry.address in self.seen or path in self.groups or path in self.datasets:
                continue
            self.seen.add(entry.address)
            self._require_modest(path)
            listing = self._object(path, entry)
            if listing is None:
                continue
            self.broken += listing.lost
            names = child_names(listing.entries, self._expected(path, len(listing.entries)))
            pending += reversed(
                [
                    (_joined(path, names.get(child.address) or f"{UNNAMED}{child.address}"), child)
                    for child in listing.entries
                ]
            )

    def adopt(self, found: frozenset[int]) -> None:
        """Take the objects that no list led to: groups with what they list, then arrays."""
        rest = sorted(found - self.seen)
        groups = {a: p for a in rest if (p := self._listing(a, None)) is not None}
        below = {entry.address for listing in groups.values() for entry in listing.entries}
        for address in groups:
            if address not in below:
                path = self._path_of(address)
                self.visit([(path, Entry(name=None, address=address))])
        for address in sorted(found - self.seen):
            dataset = read_dataset_header(self.data, address, self.base)
            if dataset is not None:
                self.seen.add(address)
                self.datasets[f"{UNNAMED}{address}"] = dataset

    def _require_modest(self, path: str) -> None:
        if path.count("/") > self.limits.max_depth:
            message = f"{self.where}: groups nested more than {self.limits.max_depth} deep"
            raise OverLimit(message, remedy="if you trust the file, read it with larger Limits")
        bound = 4 * self.limits.max_tensors
        if len(self.seen) > bound:
            message = f"{self.where}: more than {bound} objects in the file"
            raise OverLimit(message, remedy="if you trust the file, read it with larger Limits")

    def _object(self, path: str, entry: Entry) -> Listing | None:
        """Take one object; returns what it lists if it is a group."""
        is_there = self._is_header(entry.address)
        if is_there or is_cut_header(self.data, self.base + entry.address):
            dataset = read_dataset_header(self.data, entry.address, self.base)
            if dataset is not None:
                self.datasets[path] = dataset
                return None
        listing = self._listing(entry.address if is_there else None, entry.places)
        if listing is None:
            self.lost.append(path)
            return None
        self.groups[path] = self._attributes(entry.address, path) if is_there else {}
        if not is_there:
            self.lost.append(path)
        return listing

    def _is_header(self, address: int) -> bool:
        start = self.base + address
        return is_old_header(self.data, start) or is_new_header(self.data, start)

    def _listing(self, address: int | None, places: Places | None) -> Listing | None:
        if address is not None:
            own = places_of(self.data, address, self.base)
            if own is None:
                links = linked(self.data, address, self.base)
                is_array = read_dataset_header(self.data, address, self.base) is not None
                return links if links.entries or not (is_array or places) else None
            places = own
        return listed(self.data, places, self.base) if places is not None else None

    def _attributes(self, address: int, path: str) -> dict[str, Attribute]:
        return read_attributes(self.data, address, self.base, f"{self.where}: {path or '/'}", 0)[0]

    def _expected(self, path: str, count: int) -> tuple[str, ...]:
        """Return what a group holds, by the lists of names above it, in their order."""
        if path.rpartition("/")[2] == _NUMBERED:
            return tuple(str(number) for number in range(count))
        names = self.groups.get(path, {}).get("layer_names")
        if isinstance(names, tuple):
            return names
        level, above = path, ""
        while level:
            names = self.groups.get(level, {}).get("weight_names")
            if isinstance(names, tuple):
                return below(names, above)
            level, _, last = level.rpartition("/")
            above = f"{last}/{above}"
        return ()

    def _path_of(self, address: int) -> str:
        """Return where a group without a parent belongs: the layer that only it can be."""
        if "" not in self.groups and address in _ROOTS:
            return ""
        attributes = self._attributes(address, "")
        if "layer_names" in attributes or "nb_layers" in attributes:
            parent = "" if "" not in self.groups else "model_weights"
            if parent not in self.groups:
                return parent
        names = attributes.get("weight_names")
        wanted = self._layers_not_found()
        if isinstance(names, tuple) and names:
            fitting = [p for p in wanted if _belongs(p.rpartition("/")[2], names)]
            if len(fitting) == 1:
                return fitting[0]
        return f"{UNNAMED}{address}"

    def _layers_not_found(self) -> list[str]:
        found = []
        for path in ("", "model_weights"):
            held = self.groups.get(path, {}).get("layer_names")
            names = held if isinstance(held, tuple) else ()
            found += [_joined(path, name) for name in names]
        return [path for path in found if path not in self.groups]


def _belongs(layer: str, names: tuple[str, ...]) -> bool:
    """Return whether all weights are called after a layer: ``dense/kernel:0``, ``dense_W``."""
    rests = [name.removeprefix(layer) for name in names if name.startswith(layer)]
    if len(rests) < len(names):
        return False
    return all(r[:1] == "/" or (r[:1] == "_" and not r[1:2].isdigit()) for r in rests)


def _joined(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name
