"""Is a SavedModel that was filled from a skeleton what it should be? All bytes are read once.

The skeleton itself was checked in full when it was made, and run in a fresh process; a copy needs
the same frame, the same places, and checksums that fit. Reads with other code than the writer's.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tfrepair.core.errors import SourceError
from tfrepair.core.verdict import Check
from tfrepair.verify.contents import open_bundle
from tfrepair.verify.structure import data_checks, fingerprint_checks
from tfrepair.wire.bundle import BundleEntry
from tfrepair.wire.crc32c import crc32c
from tfrepair.wire.mapping import map_file
from tfrepair.wire.protobuf import read_fields

_FINGERPRINT = "fingerprint.pb"
_OF_VARIABLES = (5, 7)
"""Fields of a fingerprint: hash of the index, and a name."""
_OWN = ("variables", "assets.extra", _FINGERPRINT)


def frame_of(model: Path) -> dict[str, tuple[int, int]]:
    """Return size and CRC-32C of every file that all copies share, by name below the model."""
    frame = {}
    for path in sorted(model.rglob("*")):
        name = path.relative_to(model)
        if path.is_file() and name.parts[0] not in _OWN:
            data = map_file(path)
            frame[name.as_posix()] = (len(data), crc32c(data))
    return frame


def check_copy(
    model: Path, skeleton: Path, frame: Mapping[str, tuple[int, int]]
) -> tuple[Check, ...]:
    """Check a filled copy against its skeleton.

    Parameters
    ----------
    model
        Directory of the copy.
    skeleton
        Directory of the SavedModel that it was made from.
    frame
        Of the skeleton when it was made, see :func:`frame_of`.

    Returns
    -------
    Checks of the frame, of the index, of every tensor's checksum and of the fingerprint. A copy
    of a skeleton that was changed since fails here.
    """
    found = frame_of(model)
    wrong = sorted(name for name in {*found, *frame} if found.get(name) != frame.get(name))
    detail = f"{len(found)} files as the skeleton has them"
    if wrong:
        detail = f"{len(wrong)} files are not the skeleton's, the first: {wrong[0]}"
    checks = [Check(name="frame", passed=not wrong, detail=detail, where=str(model))]
    if _fixed(model) != _fixed(skeleton):
        detail = "says something else of the graph than the skeleton's"
        checks.append(Check(name="fingerprint", passed=False, detail=detail, where=_FINGERPRINT))
    bundle, damage = open_bundle(model)
    other, other_damage = open_bundle(skeleton)
    checks += [*damage, *other_damage]
    if bundle is None or other is None:
        same = bundle is None and other is None
        detail = "no variables" if same else "variables.index is not there"
        return (*checks, Check(name="places", passed=same, detail=detail, where="variables"))
    moved = [
        key
        for key in {*bundle.entries, *other.entries}
        if _place(bundle.entries.get(key)) != _place(other.entries.get(key))
    ]
    detail = f"{len(bundle.entries)} tensors at the places of the skeleton"
    if moved:
        detail = f"{len(moved)} tensors are elsewhere, the first: {min(moved)}"
    checks.append(Check(name="places", passed=not moved, detail=detail, where="variables"))
    return (*checks, *data_checks(bundle), *fingerprint_checks(model, bundle))


def _fixed(model: Path) -> tuple[tuple[int, int | bytes], ...] | None:
    """Return the fields of a fingerprint that do not follow from the variables."""
    path = model / _FINGERPRINT
    try:
        if not path.is_file():
            return None
        return tuple(
            (number, value if isinstance(value, int) else bytes(value))
            for number, value in read_fields(map_file(path), str(path))
            if number not in _OF_VARIABLES
        )
    except SourceError:
        return ((0, b"damaged"),)


def _place(entry: BundleEntry | None) -> BundleEntry | None:
    return None if entry is None else replace(entry, crc=0)
