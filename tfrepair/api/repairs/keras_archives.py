"""Repair of ``.keras`` archives: a flipped bit set right, a forgotten optimizer named again.

Keras 3 loses the optimizer of a configuration once a model was saved as ``.h5``, and loads such an
archive with RMSprop. Its variables are all there; they tell the class, a donor tells the settings.
Weights are copied byte for byte.
"""

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tfrepair.api.repairs.job import Action, Job, Part, RepairOptions, Step
from tfrepair.api.repairs.keras_optimizers import (
    Healed,
    optimizer_from_config,
    optimizer_from_slots,
)
from tfrepair.core.digest import array_digest
from tfrepair.core.errors import Corrupt, SourceError
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Health, Limits, Tensor, TensorStore
from tfrepair.readers.base import look_at
from tfrepair.readers.h5_bytes import H5Bytes
from tfrepair.readers.keras_zip import WEIGHTS, KerasZipReader
from tfrepair.readers.registry import open_source
from tfrepair.readers.zip_checksum import compare, mended
from tfrepair.readers.zip_members import list_members, member_bytes, only_member, read_member
from tfrepair.writers.keras_file import keras_archive
from tfrepair.writers.staging import Kind

_CONFIG = "config.json"
_COMPILED, _OPTIMIZER = "compile_config", "optimizer"
_PLACE = f"{_CONFIG}: {_COMPILED}/{_OPTIMIZER}"
_LOST = "optimizer-not-in-config"
_FLIPPED, _CHANGED = "bit-corrected", "archive-checksum"
_BLOCK = 1 << 22


@dataclass(frozen=True, slots=True, kw_only=True)
class KerasArchiveRepairer:
    """Repairs ``.keras``."""

    name: str = "keras_zip"

    def prepare(self, path: Path, options: RepairOptions) -> Job | None:
        """Look at an archive; ``None`` if it is none.

        Raises
        ------
        SourceError
            If it cannot be read, or nothing tells which optimizer it had.
        """
        if not path.is_file() or not KerasZipReader().recognizes(look_at(path)):
            return None
        store = open_source(path, reader=self.name)
        tensors = tuple(tensor.checked() for tensor in store)
        codes = {finding.code for finding in store.findings}
        healed, donor, problem = _optimizer(store, options) if _LOST in codes else (None, "", "")
        if problem and not codes & {_FLIPPED, _CHANGED}:
            message = f"{path}: the configuration names no optimizer, and {problem}"
            raise SourceError(message, remedy="give a save that names it: --donor model.h5")
        return _Job(
            path=path, store=store, tensors=tensors, healed=healed, donor=donor, problem=problem
        )


def _optimizer(store: TensorStore, options: RepairOptions) -> tuple[Healed | None, str, str]:
    """Return the optimizer, the donor that told it, and why there is none."""
    own = optimizer_from_slots(store)
    stored = store.attributes.get("optimizer", "")
    for donor in options.donors:
        found = _told_by(open_source(donor))
        is_same = found is not None and _key(found.class_name) == _key(stored or found.class_name)
        if found is not None and is_same:
            return found, str(donor), ""
    if isinstance(own, str):
        return None, "", own
    return own, "", ""


def _key(name: str) -> str:
    return name.lower().replace("_", "")


def _told_by(store: TensorStore) -> Healed | None:
    try:
        training = json.loads(store.attributes.get("training_config", "null"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(training, dict):
        return None
    return optimizer_from_config(training.get("optimizer_config", training.get(_OPTIMIZER)))


@dataclass(frozen=True, kw_only=True)
class _Job:
    path: Path
    store: TensorStore
    tensors: tuple[Tensor, ...]
    healed: Healed | None
    donor: str
    problem: str
    format: str = "keras_zip"

    @property
    def kind(self) -> Kind:
        return keras_archive().kind

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        return (*map(_part, self.tensors), *self._configured())

    def _configured(self) -> Iterator[Part]:
        if self.healed is not None:
            assumed = ", ".join(self.healed.assumed)
            yield Part(
                name=_PLACE,
                action=Action.DONOR if self.donor else Action.REBUILT,
                health=Health.UNVERIFIED,
                origin=self.donor or f"{self.path}: {WEIGHTS}",
                note=f"not stored, Keras' own values: {assumed}" if assumed else "",
            )
        elif self.problem:
            yield Part(name=_PLACE, action=Action.LOST, health=Health.MISSING, note=self.problem)

    @cached_property
    def actions(self) -> tuple[str, ...]:
        codes = {finding.code: finding for finding in self.store.findings}
        done = [codes[code].message for code in (_FLIPPED, _CHANGED) if code in codes]
        if self.healed is not None:
            source = f"by {self.donor}" if self.donor else "by the variables themselves"
            done.append(
                f"the configuration named no optimizer; {self.healed.class_name} was written back, "
                f"as told {source}"
            )
        return tuple(done)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        found = [finding for finding in self.store.findings if finding.code != _LOST]
        if self.healed is not None and self.healed.assumed:
            found.append(_assumed(self.path, self.healed))
        return tuple(found)

    def write(self, out: Path, step: Step) -> None:
        """Copy every member; the configuration and a flipped bit are set right."""
        members = list_members(self.path)
        with zipfile.ZipFile(out, "x", zipfile.ZIP_STORED, allowZip64=True) as archive:
            for place, member in enumerate(members):
                fresh = zipfile.ZipInfo(member.filename, date_time=member.date_time)
                with archive.open(fresh, "w", force_zip64=member.file_size >= 1 << 31) as file:
                    data = self._content(member)
                    for start in range(0, len(data), _BLOCK):
                        file.write(data[start : start + _BLOCK])
                step(place + 1, len(members))

    def _content(self, member: zipfile.ZipInfo) -> memoryview:
        limits = Limits()
        if member.filename == WEIGHTS:
            return _mended(member_bytes(self.path, member, limits), member).view()
        data = read_member(self.path, member, member.file_size, limits)
        if member.filename == _CONFIG and self.healed is not None:
            data = with_optimizer(data, self.healed)
        return memoryview(data)

    def problems(self, out: Path) -> tuple[str, ...]:
        """Read the archive back; every tensor must have the bits of the source."""
        store = open_source(out, reader=self.format)
        again = {tensor.origin.key: tensor for tensor in store}  # slots may have better names now
        bad = [
            f"{tensor.name} differs"
            for tensor in self.tensors
            if tensor.is_whole and not _is_same(tensor, again.get(tensor.origin.key))
        ]
        gone = {_FLIPPED, _CHANGED} | ({_LOST} if self.healed is not None else set())
        bad += [f.message for f in store.findings if f.code in gone]
        if only_member(out, list_members(out), _CONFIG) is None:
            bad.append(f"no {_CONFIG} in it")
        return tuple(bad)


def _is_same(want: Tensor, have: Tensor | None) -> bool:
    return have is not None and array_digest(have.fetch()) == array_digest(want.fetch())


def _mended(source: H5Bytes, member: zipfile.ZipInfo) -> H5Bytes:
    if source.held is not None:
        return source
    known = compare(source, member.CRC)
    return mended(source, known) if known.is_sure else source


def _part(tensor: Tensor) -> Part:
    action = Action.KEPT
    if not tensor.is_whole:
        action = Action.LOST
    elif tensor.health is Health.CORRECTED:
        action = Action.CORRECTED
    elif tensor.health is Health.UNVERIFIED and tensor.health_note:
        action = Action.REBUILT
    place = "" if tensor.origin.offset is None else f", byte {tensor.origin.offset}"
    return Part(
        name=tensor.name,
        action=action,
        health=tensor.health,
        origin=f"{tensor.origin.path}{place}" if action is not Action.LOST else "",
        note=tensor.health_note,
    )


def with_optimizer(config: bytes, healed: Healed) -> bytes:
    """Return a ``config.json`` whose ``compile_config`` names an optimizer.

    Raises
    ------
    Corrupt
        If the text is no configuration of a compiled model.
    """
    try:
        held: Any = json.loads(config)
        compiled = held[_COMPILED]
        held[_COMPILED] = {_OPTIMIZER: dict(healed.config), **_others(compiled)}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        message = f"{_CONFIG}: no {_COMPILED} to name the optimizer in"
        raise Corrupt(message, remedy="look for another copy of the file") from error
    return json.dumps(held).encode()


def _others(compiled: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in compiled.items() if key != _OPTIMIZER}


def _assumed(path: Path, healed: Healed) -> Finding:
    settings = healed.config["config"]
    shown = ", ".join(f"{name}={settings[name]}" for name in healed.assumed)
    return Finding(
        code="optimizer-settings-assumed",
        severity=Severity.WARNING,
        where=str(path),
        message=f"{healed.class_name} was written back with values that the file does not hold: "
        f"{shown}",
        remedy="--donor x.h5, saved from the same model, tells them; or set them after loading",
    )
