"""The callback of Keras behind :class:`tfrepair.keras_callback.AuditCallback`.

A class of its own for each Keras: a callback has to be one of the Keras that trains.
"""

import warnings
from collections.abc import Callable
from typing import Any


def callback(keras: Any, report: Callable[[Any], str], category: type[Warning] | None) -> Any:
    """Return a callback that looks at the model once.

    Parameters
    ----------
    keras
        The Keras module that trains.
    report
        Returns what is wrong with a model; empty if nothing is.
    category
        Kind of the warning; ``None`` to raise an ``AssertionError``.
    """

    class Auditing(keras.callbacks.Callback):  # type: ignore[misc] # of that Keras
        """Audits the model when it is built."""

        is_done = False

        def on_train_begin(self, logs: Any = None) -> None:
            """Audit a model that is built."""
            del logs
            if getattr(self.model, "built", False):
                self._audit()

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            """Audit a model that the first batch has built."""
            del batch, logs
            self._audit()

        def _audit(self) -> None:
            if self.is_done:
                return
            self.is_done = True
            text = report(self.model)
            if text and category is None:
                raise AssertionError(text)
            if text:
                warnings.warn(text, category or UserWarning, stacklevel=3)

    return Auditing()
