"""Names of a group's children when the heap that holds them is lost.

A heap of names is filled in the order in which the children are made, each name with a zero behind
it in steps of 8 bytes; the list of the group keeps the place of each name. Lists of names that
survived elsewhere say what the names are, and in which order they were made: as listed, or sorted.
They are taken if every place comes out, and the orders that fit agree. Pure.

Source: the HDF5 File Format Specification, "III.D Local Heaps"; files of h5py 2.8 to 3.14.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from tfrepair.readers.keys import key_text
from tfrepair.wire.hdf5_groups import Entry

_FIRST = 8
_STEP = 8


def child_names(entries: Sequence[Entry], expected: Sequence[str]) -> Mapping[int, str]:
    """Return the names of children by their addresses; without those that nothing tells.

    Parameters
    ----------
    entries
        As the group lists them, some without names.
    expected
        What should be in the group, as lists elsewhere have it; may be empty.
    """
    known = {e.address: key_text(e.name) for e in entries if e.name is not None}
    if len(known) == len(entries):
        return known
    found = [
        {entry.address: places[entry.name_at] for entry in entries}
        for names in (expected, sorted(expected))
        if all(_fits(entry, places := dict(_places(names))) for entry in entries)
    ]
    return found[0] if found and all(names == found[0] for names in found) else known


def below(names: Iterable[str], above: str) -> tuple[str, ...]:
    """Return the first parts of the names below a path, each once, in the order of the list."""
    rests = (name.removeprefix(above) for name in names if name.startswith(above))
    return tuple(dict.fromkeys(rest.split("/")[0] for rest in rests if rest))


def _places(names: Iterable[str]) -> Iterator[tuple[int, str]]:
    at = _FIRST
    for name in names:
        yield at, name
        size = len(name.encode()) + 1
        at += size + -size % _STEP


def _fits(entry: Entry, places: Mapping[int, str]) -> bool:
    name = places.get(entry.name_at)
    return name is not None and (entry.name is None or key_text(entry.name) == name)
