"""A callback of Keras that warns when training begins, before the first save loses state.

Keras is imported when a callback is made, not before.
"""

import importlib
import os
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from tfrepair.api.auditing import audit, loss_text, ways_named
from tfrepair.core.errors import TfrepairError

_WORKER = "tfrepair.tfhost.worker.audit_callback"


class UnsavedStateWarning(UserWarning):
    """Saving the model would lose state."""


class AuditCallback:
    """Warns of state that saving the model would lose; give it to ``model.fit(callbacks=[...])``.

    The model is audited once: when training begins or, if it is not built by then, after the first
    batch - before any callback saves it.

    Parameters
    ----------
    ways
        The ways of saving that count, as for
        :func:`tfrepair.testing.assert_saves_everything`; all of them by default.
    fail
        Raise an ``AssertionError`` instead of warning.
    keras
        The Keras module of the model; by default tf_keras where ``TF_USE_LEGACY_KERAS`` asks for
        it, else Keras 3.
    """

    def __new__(
        cls,
        *,
        ways: Iterable[str] = (),
        fail: bool = False,
        keras: ModuleType | None = None,
    ) -> Any:  # noqa: ANN401 - a class that is made from a Keras that is imported here
        """Return a callback of the Keras in use."""
        wanted = ways_named(ways)

        def report(model: Any) -> str:  # noqa: ANN401 - of any framework
            try:
                return loss_text(audit(model), wanted)
            except TfrepairError as error:
                return "" if fail else f"the model could not be audited: {error.message}"

        module = keras or importlib.import_module(_in_use())
        making = importlib.import_module(_WORKER)
        return making.callback(module, report, None if fail else UnsavedStateWarning)


def _in_use() -> str:
    legacy = os.environ.get("TF_USE_LEGACY_KERAS", "").lower() in ("1", "true")
    return "tf_keras" if legacy else "keras"
