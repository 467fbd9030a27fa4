"""For a project's own tests: a model whose state no way of saving loses.

The model is audited in this process and stays as it is.
"""

from collections.abc import Iterable
from typing import Any

from tfrepair.api.auditing import audit, loss_text, ways_named
from tfrepair.core.audit import Audit


def assert_saves_everything(
    model: Any,  # noqa: ANN401 - of any framework
    *,
    ways: Iterable[str] = (),
    allow: Iterable[str] = (),
    sample_input: Any = None,  # noqa: ANN401 - arrays in any structure
) -> Audit:
    """Fail if saving a model would lose state.

    Parameters
    ----------
    model
        A Keras model or ``tf.Module``, or a path as for :func:`tfrepair.audit`.
    ways
        The ways of saving that count: ``"get_weights"``, ``".weights.h5"``, ``".keras"``,
        ``"Checkpoint"``, ``"export"``, ``"saved_model.save"``; all of them by default.
    allow
        Names of states that may be lost, as a report spells them.
    sample_input
        What the model is called with, if it is not built.

    Returns
    -------
    The audit, with its notes.

    Raises
    ------
    AssertionError
        With every state that would be lost, the line that creates it, and the fix.
    ArchitectureError
        If the model cannot be traced.
    UsageError
        For a way of saving that does not exist.
    """
    wanted = ways_named(ways)
    found = audit(model, sample_input=sample_input)
    text = loss_text(found, wanted, allow=frozenset(allow))
    if text:
        raise AssertionError(text)
    return found
