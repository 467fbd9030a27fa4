"""Skeletons on disk: kept, found again, refused when what they were made of has changed.

A folder of skeletons holds one for every architecture and training: named by what was asked for,
and carrying the digests of everything that went into it. Comes before
:mod:`tfrepair.api.skeleton_host`, which uses them.
"""

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import tfrepair
from tfrepair.core.architecture import Architecture
from tfrepair.core.digest import text_digest
from tfrepair.core.errors import HostError, Stale, UsageError
from tfrepair.core.receipt import Receipt
from tfrepair.core.state import State
from tfrepair.tfhost.protocol import CONFIG, ArchRequest
from tfrepair.writers.skeleton import Skeleton

SCHEMA = "tfrepair.skeleton/1"
_NOTE = "skeleton.json"
_META, _FILE = "meta", "file"
_NAME_DIGITS, _VARIANT_DIGITS = 16, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A kept skeleton with what it was made of.

    Attributes
    ----------
    skeleton
        Ready to be filled, unless it has an obstacle.
    frame
        Size and CRC-32C of the files that all copies share.
    inputs
        What it was made of, see :func:`inputs_of`.
    """

    skeleton: Skeleton
    frame: Mapping[str, tuple[int, int]]
    inputs: Mapping[str, str]


def identity_of(request: ArchRequest) -> str:
    """Return the name of an architecture: what was asked for, whatever lies behind it now.

    Parameters
    ----------
    request
        As it goes to the host. Where a configuration or a graph lies does not count, its content
        does; of a Python file the name counts, and its content is held against the digests.
    """
    location = request.location
    if request.kind == CONFIG:
        location = ""
    elif request.kind == _META:
        location = _digest(Path(location))
    elif request.kind == _FILE:
        location = Path(location).name
    custom = Path(request.custom_objects).name if request.custom_objects else ""
    asked = replace(request, location=location, custom_objects=custom, max_parameters=0)
    return text_digest(json.dumps(asked.to_json(), sort_keys=True))[:_NAME_DIGITS]


def inputs_of(request: ArchRequest, receipt: Receipt) -> dict[str, str]:
    """Return what a skeleton is made of: digests of files, versions of packages.

    Names of files are relative to the architecture's folder where they lie below it.
    """
    files = {_name(Path(path), request): digest for path, digest in receipt.sources.items()}
    for given in _given(request):
        files[_name(given, request)] = _digest(given)
    packages = {f"package {name}": number for name, number in receipt.packages.items()}
    return {
        **{f"file {name}": digest for name, digest in sorted(files.items())},
        **dict(sorted(packages.items())),
        "python": platform.python_version(),
        "tfrepair": tfrepair.__version__,
    }


def _given(request: ArchRequest) -> tuple[Path, ...]:
    """Return the files of code that a request names."""
    names = [request.custom_objects, request.location if request.kind == _FILE else ""]
    return tuple(Path(name).resolve() for name in names if name)


def _base(request: ArchRequest) -> Path | None:
    given = _given(request)
    return given[0].parent if given else None


def _name(path: Path, request: ArchRequest) -> str:
    base = _base(request)
    if base is not None and base in path.parents:
        return path.relative_to(base).as_posix()
    return str(path)


def _now(name: str, request: ArchRequest) -> str:
    """Return what an input is today; empty if it is not there."""
    kind, _, rest = name.partition(" ")
    if kind == "file":
        base = _base(request)
        path = Path(rest) if base is None else base / rest
        return _digest(path) if path.is_file() else ""
    if kind == "package":
        try:
            return version(rest)
        except PackageNotFoundError:
            return ""
    return platform.python_version() if kind == "python" else tfrepair.__version__


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class NoSkeleton(HostError):  # noqa: N818 - as its siblings are called
    """There is no skeleton, and nothing else may be done; the message is the place of one."""


class Skeletons:
    """A folder of skeletons.

    Parameters
    ----------
    folder
        Made when the first skeleton is kept.
    may_make
        Make a skeleton where there is none.
    may_export
        Export a SavedModel where there is none and none may be made; otherwise
        :class:`NoSkeleton` is raised, and no process of TensorFlow is started.

    Raises
    ------
    UsageError
        If it is a file.
    """

    def __init__(self, folder: Path, *, may_make: bool = True, may_export: bool = True) -> None:
        self.folder = folder
        self.may_make = may_make
        self.may_export = may_export
        self._fresh: set[str] = set()
        if folder.exists() and not folder.is_dir():
            message = f"--skeleton {folder}: is a file, expected a folder"
            raise UsageError(message, remedy="give a folder; it is made if it is not there")

    def place(self, request: ArchRequest, state: State, schedule_offset: int) -> Path:
        """Return where the skeleton of a request is, or will be.

        Parameters
        ----------
        request
            As it goes to the host.
        state
            Which variables it fills counts: only their weights were changed to test the skeleton.
        schedule_offset
            As in :class:`~tfrepair.tfhost.protocol.ExportRequest`: it goes into the graph.
        """
        filled = text_digest("\n".join(entry.path for entry in state.filled))
        variant = f"{schedule_offset}-{filled[:_VARIANT_DIGITS]}"
        return self.folder / f"{identity_of(request)}-{variant}"

    def known(self, request: ArchRequest) -> Architecture | None:
        """Return the description of an architecture that has a skeleton of any kind.

        Raises
        ------
        Stale
            As for :meth:`find`.
        """
        places = sorted(self.folder.glob(f"{identity_of(request)}-*/{_NOTE}"))
        made = self._made(places[0].parent, request) if places else None
        return None if made is None else made.skeleton.architecture

    def find(self, request: ArchRequest, state: State, schedule_offset: int) -> Made | None:
        """Return the skeleton of a request, or ``None``.

        Raises
        ------
        Stale
            If what it was made of has changed since, or its note cannot be read. What was found
            fresh once stays so for this object.
        """
        return self._made(self.place(request, state, schedule_offset), request)

    def _made(self, place: Path, request: ArchRequest) -> Made | None:
        note = place / _NOTE
        if not note.is_file():
            return None
        stat = note.stat()
        made = _loaded(note, stat.st_mtime_ns, stat.st_size)
        asked = f"{place} {request.location} {request.custom_objects}"
        if asked not in self._fresh:
            _require_fresh(place, made.inputs, request)
            self._fresh.add(asked)
        return made


@lru_cache(maxsize=64)
def _loaded(note: Path, _changed: int, _size: int) -> Made:
    try:
        data = json.loads(note.read_text(encoding="utf-8"))
        if data["schema"] != SCHEMA:
            message = f"{note}: schema {data['schema']}, expected {SCHEMA}"
            raise Stale(message, remedy=_remedy(note.parent))
        skeleton = Skeleton(
            folder=note.parent,
            architecture=Architecture.from_json(data["architecture"]),
            receipt=Receipt.from_json(data["receipt"]),
            obstacle=data["obstacle"],
        )
        frame = {name: (size, crc) for name, (size, crc) in data["frame"].items()}
        return Made(skeleton=skeleton, frame=frame, inputs=data["inputs"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"{note}: cannot be read as a skeleton: {type(error).__name__}: {error}"
        raise Stale(message, remedy=_remedy(note.parent)) from error


def _require_fresh(place: Path, inputs: Mapping[str, str], request: ArchRequest) -> None:
    changed = []
    for name, then in inputs.items():
        now = _now(name, request)
        if now != then:
            changed.append(f"{name}: was {_short(then)}, is {_short(now) or 'not there'}")
    if changed:
        message = (
            f"{place}: the skeleton was made of other things than are here now: "
            f"{'; '.join(changed[:5])}"
        )
        raise Stale(message, remedy=_remedy(place))


def _remedy(place: Path) -> str:
    return f"remove {place}, it is made anew; or give another folder with --skeleton"


_HEX = 64


def _short(text: str) -> str:
    return text[:12] if len(text) == _HEX else text


def note_of(made: Made) -> str:
    """Return the text of a skeleton's note."""
    data: dict[str, Any] = {
        "schema": SCHEMA,
        "inputs": dict(made.inputs),
        "obstacle": made.skeleton.obstacle,
        "frame": {name: list(pair) for name, pair in made.frame.items()},
        "architecture": made.skeleton.architecture.to_json(),
        "receipt": replace(made.skeleton.receipt, probe="").to_json(),
    }
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def write_note(folder: Path, made: Made) -> None:
    """Write a skeleton's note into its folder."""
    (folder / _NOTE).write_text(note_of(made), encoding="utf-8")
