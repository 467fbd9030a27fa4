import numpy as np

from tests.planning.models import Reading, architecture, dense, store
from tfrepair.core.state import ProvenanceKind
from tfrepair.planning.build import build_plan
from tfrepair.rebuild.apply import apply

ARCH = architecture(dense("a", 3, 2))


def test_values_and_provenance() -> None:
    kernel = np.arange(6, dtype="float64").reshape(3, 2)
    source = store({"a/kernel": kernel, "a/bias": np.ones((1, 2), "float32")})
    state = apply(build_plan(source, ARCH, Reading(source)), source, ARCH)
    assert [str(entry.provenance) for entry in state.entries] == [
        "converted(cast:float32)",
        "converted(reshape:2)",
    ]
    for entry in state.entries:
        assert entry.fetch is not None
        value = entry.fetch()
        assert (value.shape, value.dtype.name) == (entry.shape, entry.dtype)


def test_what_has_no_source_is_initialised() -> None:
    source = store({"a/kernel": np.ones((3, 2), "float32")})
    state = apply(build_plan(source, ARCH, Reading(source)), source, ARCH)
    assert [entry.provenance.kind for entry in state.entries] == [
        ProvenanceKind.READ,
        ProvenanceKind.INITIALISED,
    ]
    assert len(state.filled) == 1
