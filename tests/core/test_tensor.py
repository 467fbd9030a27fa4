from dataclasses import fields

import numpy as np
import pytest

from tfrepair.core.digest import array_digest
from tfrepair.core.tensor import Health, Origin, Purpose, SourceName, Tensor


def tensor(**changes: object) -> Tensor:
    fields: dict[str, object] = {
        "name": SourceName("w"),
        "shape": (2,),
        "dtype": "float32",
        "nbytes": 8,
        "origin": Origin(path="f"),
        "fetch": lambda: np.zeros(2, "float32"),
    }
    return Tensor(**fields | changes)  # type: ignore[arg-type]


def test_a_verdict_that_is_known_stays() -> None:
    assert tensor().checked().health is Health.UNVERIFIED


def test_a_verdict_is_made_when_it_is_asked_for() -> None:
    calls = []

    def examine() -> tuple[Health, str]:
        calls.append(1)
        return Health.CORRECTED, "bit 3"

    lazy = tensor(examine=examine)
    assert (lazy.health, calls) == (Health.UNVERIFIED, [])
    checked = lazy.checked().checked()
    assert (checked.health, checked.health_note, calls) == (Health.CORRECTED, "bit 3", [1])


@pytest.mark.parametrize("purpose", Purpose)
def test_only_weights_and_unknowns_may_be_weights(purpose: Purpose) -> None:
    expected = purpose in (Purpose.UNKNOWN, Purpose.WEIGHT)
    assert tensor(purpose=purpose).may_be_weight == expected


def test_strings_have_digests_of_their_own() -> None:
    def digest(*items: bytes) -> str:
        array = np.empty(len(items), object)
        array[:] = items
        return array_digest(array)

    assert digest(b"a", b"bc") == digest(b"a", b"bc")
    assert len({digest(b"a", b"bc"), digest(b"ab", b"c"), digest(b"abc")}) == 3


def test_a_verdict_changes_nothing_else() -> None:
    before = tensor(
        purpose=Purpose.SLOT, slot="m", slot_of="v", donor="d", leading=lambda: np.zeros(1),
        examine=lambda: (Health.TRUNCATED, "1 of 2 rows"),
    )  # fmt: skip
    after = before.checked()
    changed = {f.name for f in fields(Tensor) if getattr(before, f.name) != getattr(after, f.name)}
    assert changed == {"health", "health_note", "examine"}
