"""Progress on stderr: one bar per stage, and nothing where nobody looks."""

from types import TracebackType
from typing import Any, Self

from tqdm import tqdm


class Bar:
    """Shows the stage at work; silent if stderr is not a terminal."""

    def __init__(self, *, quiet: bool) -> None:
        self._disable = True if quiet else None
        self._bar: tqdm[Any] | None = None
        self._stage = ""

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
                bar_format=form,
            )
        self._bar.update(done - self._bar.n)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
