"""Lost momentum follows from two saves of the weights."""

from pathlib import Path

import numpy as np
import pytest

from tests.api.saves import bundle
from tests.planning.models import Reading
from tests.planning.optimizers import WEIGHTS, optimizing
from tfrepair.api.moves import with_moves
from tfrepair.api.options import Options
from tfrepair.api.report import Outcome, Report
from tfrepair.api.sources import examined, open_store
from tfrepair.core.tensor import Array
from tfrepair.planning.build import build_plan
from tfrepair.rebuild.apply import apply


def weights(step: int) -> dict[str, Array]:
    """Return weights that move by as much in every step."""
    start, moves = np.random.default_rng(0), np.random.default_rng(1)
    return {
        name: (start.normal(size=shape) + step * 0.01 * moves.normal(size=shape)).astype("float32")
        for name, shape in WEIGHTS.items()
    }


def moved(folder: Path, name: str, *steps: int) -> Report:
    prefixes = [bundle(folder / f"model.ckpt-{step}", weights(step)) for step in steps]
    store = examined(open_store(prefixes[0]))
    arch = optimizing(name)
    plan = build_plan(store, arch, Reading(store))
    report = Report(
        outcome=Outcome.REFUSED,
        source="",
        output="",
        store=store,
        architecture=arch,
        plan=plan,
        state=apply(plan, store, arch),
    )
    return with_moves(report, Options(donors=tuple(prefixes[1:])))


@pytest.mark.parametrize(("donors", "distance"), [((29,), 1), ((20, 25), 5)])
def test_momentum_follows_from_the_nearest_save(
    donors: tuple[int, ...], distance: int, tmp_path: Path
) -> None:
    report = moved(tmp_path, "sgd", 30, *donors)
    label = f"model.ckpt-{30 - distance}, {distance} steps older"
    moves = np.random.default_rng(1)
    for name, shape in WEIGHTS.items():
        (entry,) = (e for e in report.state.entries if e.path == f"optimizer/{name}/momentum")
        assert str(entry.provenance) == (
            f"derived(weight moves over {distance} updates, from {label})"
        )
        assert entry.fetch is not None
        expected = 0.01 * moves.normal(size=shape)
        np.testing.assert_allclose(entry.fetch(), expected, atol=1e-6)
    (finding,) = (f for f in report.plan.findings if f.code == "optimizer-derived")
    assert ("exact" in finding.message) == (distance == 1) or "nearly" in finding.message


@pytest.mark.parametrize(("name", "donors"), [("sgd", ()), ("sgd", (31,)), ("adam", (29,))])
def test_nothing_follows_without_what_it_takes(
    name: str, donors: tuple[int, ...], tmp_path: Path
) -> None:
    report = moved(tmp_path, name, 30, *donors)
    assert not [f for f in report.plan.findings if f.code == "optimizer-derived"]
