"""The journal of a migration: one line for every event, appended, never changed.

What it says has happened, has: an end is written and synced before anything relies on it. What a
crash cut off is the last line at most, and is left out. Knows files and results, no work.
"""

import fcntl
import json
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from tfrepair.api.migration.items import Result
from tfrepair.core.errors import WriteError

NAME = "tfrepair-journal.jsonl"
SCHEMA = "tfrepair.journal/1"


class Journal:
    """A journal, locked while it is open; a context manager.

    Parameters
    ----------
    root
        Folder of the outputs; it and the file are made with the first event.

    Raises
    ------
    WriteError
        If another process has it open, or it cannot be read.
    """

    def __init__(self, root: Path) -> None:
        self.path = root / NAME
        self.results: dict[str, Result] = {}
        self._begun: Counter[str] = Counter()
        self._file: IO[bytes] | None = None
        self.has_changed = False
        if self.path.exists():
            self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def begun(self, key: str) -> int:
        """Return how often an item was begun since it last ended."""
        return self._begun[key]

    def begin(self, key: str) -> None:
        """Say that work on an item begins; survives the process, not the machine."""
        self._begun[key] += 1
        self._append({"event": "begin", "key": key}, is_synced=False)

    def release(self, key: str) -> None:
        """Say that an item was given back without an end: it waits for something."""
        self._begun[key] = 0
        self._append({"event": "release", "key": key}, is_synced=False)

    def end(self, result: Result) -> None:
        """Say how an item ended; on disk when this returns."""
        self.results[result.key] = result
        self._begun[result.key] = 0
        self._append({"event": "end", **result.to_json()}, is_synced=True)

    def _open(self) -> IO[bytes]:
        if self._file is not None:
            return self._file
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            is_new = not self.path.exists()
            file = self.path.open("a+b")
        except OSError as error:
            message = f"{self.path}: cannot be opened: {error.strerror or error}"
            raise WriteError(message, remedy="choose a folder that you may write to") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.close()
            message = f"{self.path}: another process is at work here"
            raise WriteError(message, remedy="wait for it, or give another folder") from error
        self._file = file
        if is_new:
            self._append({"event": "start", "schema": SCHEMA}, is_synced=True)
            _sync_folder(self.path.parent)
        else:
            self._read(file)
        return file

    def _read(self, file: IO[bytes]) -> None:
        file.seek(0)
        data = file.read()
        if data and not data.endswith(b"\n"):
            file.write(b"\n")  # what a crash has cut off stays a line of its own
        for line in data.split(b"\n"):
            try:
                event = json.loads(line)
                self._take(event)
            except (ValueError, KeyError, TypeError, AttributeError):
                continue

    def _take(self, event: Mapping[str, Any]) -> None:
        match event["event"]:
            case "begin":
                self._begun[event["key"]] += 1
            case "release":
                self._begun[event["key"]] = 0
            case "end":
                result = Result.from_json(event)
                self.results[result.key] = result
                self._begun[result.key] = 0
            case _:
                pass

    def _append(self, event: Mapping[str, Any], *, is_synced: bool) -> None:
        file = self._open()
        line = json.dumps(event, ensure_ascii=False, sort_keys=True) + "\n"
        try:
            file.write(line.encode("utf-8", "surrogateescape"))
            file.flush()
            if is_synced:
                os.fdatasync(file.fileno())
        except OSError as error:
            message = f"{self.path}: cannot be written: {error.strerror or error}"
            raise WriteError(message, remedy="make room there and run the command again") from error
        self.has_changed = True


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
