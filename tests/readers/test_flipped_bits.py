"""300 random flipped bits, one at a time, over every golden checkpoint: none goes wrong unsaid."""

from collections import Counter

from scripts.recovery_tables.flips import Save, measure
from tests.wire.goldens import CHECKPOINTS


def test_every_flipped_bit_is_corrected_or_without_effect() -> None:
    files = sorted(CHECKPOINTS.glob("*/*.index")) + sorted(CHECKPOINTS.glob("*/*.v1"))
    sharded = sorted(
        path.parent / "sharded.v1" for path in CHECKPOINTS.glob("*/sharded.v1-00000-*")
    )
    found = measure([Save.at(path) for path in (*files, *sharded)], 300)
    assert len(found) == 3
    total = sum(found.values(), Counter[str]())
    # What has no effect lies in the padding of a table's footer.
    assert total.keys() <= {"corrected", "unnoticed"}
    assert total["corrected"] > 280
