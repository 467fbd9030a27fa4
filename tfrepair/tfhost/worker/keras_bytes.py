"""What Keras' files hold besides the model: made repeatable, and given a note of their history.

Clock times go out of archives, whose members otherwise stay as Keras wrote them. An optimizer that
Keras forgot to name in the configuration is named (see ``docs/keras-files.md``). Knows zip members
and one HDF5 attribute; nothing of models.
"""

import json
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfrepair.core.findings import Finding, Severity

NOTE = "tfrepair"
"""Key in ``metadata.json`` of an archive, and root attribute of a weights file."""
_CONFIG, _METADATA, _DATE = "config.json", "metadata.json", "date_saved"
_COMPILED, _OPTIMIZER, _SHARED = "compile_config", "optimizer", "shared_object_id"
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip archive can state."""
_MAX_ATTRIBUTE = 60_000
"""Bytes of text that an attribute of an HDF5 file in Keras' layout can hold, and a bit less."""


def finish_archive(
    path: Path, note: str, optimizer: Mapping[str, Any] | None
) -> tuple[Finding, ...]:
    """Write an archive anew: fixed times, the note, the optimizer in the configuration.

    Parameters
    ----------
    path
        ``.keras`` as Keras wrote it.
    note
        JSON text for ``metadata.json``.
    optimizer
        Configuration of the model's optimizer, or ``None``.

    Returns
    -------
    A finding if the configuration lacked the optimizer.
    """
    draft = path.with_name("draft.zip")
    findings: tuple[Finding, ...] = ()
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(draft, "w", allowZip64=True) as out:
        for member in source.infolist():
            plain = zipfile.ZipInfo(member.filename, date_time=_EPOCH)
            if member.filename == _METADATA:
                out.writestr(plain, _metadata(source.read(member), note))
            elif member.filename == _CONFIG:
                text, findings = _config(source.read(member), optimizer, path.name)
                out.writestr(plain, text)
            else:
                plain.file_size = member.file_size
                with source.open(member) as old, out.open(plain, "w") as new:
                    shutil.copyfileobj(old, new, 1 << 20)
    draft.replace(path)
    return findings


def finish_weights(path: Path, note: str) -> None:
    """Put the note into a weights file, unless it is too long for an attribute."""
    import h5py

    if len(note.encode()) > _MAX_ATTRIBUTE:
        return
    with h5py.File(path, "r+") as file:
        file.attrs[NOTE] = note


def _metadata(raw: bytes, note: str) -> str:
    held = json.loads(raw)
    held.pop(_DATE, None)
    return json.dumps({**held, NOTE: json.loads(note)})


def _config(
    raw: bytes, optimizer: Mapping[str, Any] | None, where: str
) -> tuple[bytes, tuple[Finding, ...]]:
    held = _renumbered(json.loads(raw), {})
    compiled = held.get(_COMPILED)
    findings: tuple[Finding, ...] = ()
    if optimizer is not None and isinstance(compiled, dict) and not compiled.get(_OPTIMIZER):
        held[_COMPILED] = {_OPTIMIZER: dict(optimizer), **compiled}
        findings = (_put_back(where),)
    return json.dumps(held).encode(), findings


def _renumbered(value: Any, numbers: dict[Any, int]) -> Any:
    """Replace the addresses by which Keras tells shared objects apart: they differ in each run."""
    if isinstance(value, list):
        return [_renumbered(part, numbers) for part in value]
    if not isinstance(value, dict):
        return value
    return {
        key: numbers.setdefault(part, len(numbers) + 1)
        if key == _SHARED and isinstance(part, int)
        else _renumbered(part, numbers)
        for key, part in value.items()
    }


def _put_back(where: str) -> Finding:
    return Finding(
        code="optimizer-put-back",
        severity=Severity.NOTE,
        where=where,
        message="Keras left the optimizer out of the configuration, as it does once a model was "
        "saved as .h5; it was put back",
    )
