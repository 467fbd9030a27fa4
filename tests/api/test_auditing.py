"""The words of an audit for a failed test or a warning."""

import pytest

from tests.cli.test_audit_command import LOSSES, SEED, audit
from tfrepair.api.auditing import grouped, loss_text, ways_named
from tfrepair.core.audit import Way
from tfrepair.core.errors import UsageError


def test_the_text_names_states_lines_ways_and_fixes() -> None:
    assert loss_text(audit(*LOSSES, SEED)) == (
        "saving Functional 'net' would lose 3 states:\n"
        "  blocks/0/kernel and 1 more (model.py:7): lost by Checkpoint\n"
        "    it is in a list\n"
        "    fix: give it an attribute\n"
        "  step (model.py:7): lost by get_weights, saved_model.save\n"
        "    it is in a list\n"
        "    fix: give it an attribute"
    )


def test_only_the_ways_that_count_and_what_is_not_allowed() -> None:
    found = audit(*LOSSES, SEED)
    assert "step" not in loss_text(found, [Way.CHECKPOINT])
    assert loss_text(found, [Way.EXPORT]) == ""
    assert "1 state:" in loss_text(found, [Way.GET_WEIGHTS])
    assert loss_text(found, [Way.GET_WEIGHTS], allow=frozenset({"step"})) == ""
    assert loss_text(audit(SEED)) == ""


def test_states_of_one_cause_are_one_group() -> None:
    assert [group.name for group in grouped((*LOSSES, SEED))] == [
        "blocks/0/kernel and 1 more", "step", "drop/state",
    ]  # fmt: skip


def test_ways_have_names() -> None:
    assert ways_named(()) == tuple(Way)
    assert ways_named([".keras"]) == (Way.KERAS,)
    with pytest.raises(UsageError, match=r"'keras' is no way of saving"):
        ways_named(["keras"])
