"""Progress on stderr: one bar per stage, and nothing where nobody looks."""

import sys
from contextlib import ExitStack, redirect_stderr
from types import TracebackType
from typing import Any, Self, TextIO, cast

from tqdm import tqdm


class Bar:
    """Shows the stage at work; silent if stderr is not a terminal."""

    def __init__(self, *, quiet: bool) -> None:
        self._disable = True if quiet or sys.stderr is None else None
        self._bar: tqdm[Any] | None = None
        self._stage = ""
        self._file = sys.stderr
        self._redirected = ExitStack()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show that a stage has finished so many of so many parts."""
        if stage != self._stage or self._bar is None:
            self._close()
            self._stage = stage
            form = None if total else "{desc} ..."
            self._bar = tqdm(
                total=total or None,
                desc=stage,
                leave=False,
                disable=self._disable,
                file=self._file,
                bar_format=form,
            )
        self._bar.update(done - self._bar.n)

    def __enter__(self) -> Self:
        if self._file is not None and self._file.isatty():
            # Loads asyncio and ssl, in vain where nobody looks.
            from tqdm.contrib import DummyTqdmFile

            # What model.py prints goes above the bar, not into it.
            self._redirected.enter_context(
                redirect_stderr(cast("TextIO", DummyTqdmFile(self._file)))
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()
        self._redirected.close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
