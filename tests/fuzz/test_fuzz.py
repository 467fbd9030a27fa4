"""Arbitrary and mutated bytes for every wire module; ``scripts/fuzz`` runs the same for longer."""

import pkgutil
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import salvage_targets, targets
from tests.fuzz.mutations import mutated
from tests.fuzz.run import REGRESSIONS
from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS
from tfrepair import wire

SECONDS, BYTES = 2.0, 32 << 20
WITHIN_OTHERS = {
    "bit_repair",  # bundle_repair
    "bundle_writer", "pickle_writer", "sstable_writer",  # write what others read
    "hdf5_header",  # hdf5_attribute
    "mapping",  # opens files
    "pickled_names",  # safe_pickle
}  # fmt: skip
"""Modules without a target of their own, and where their bytes come from."""


def test_every_wire_module_has_a_target() -> None:
    files = (Path(str(module.__file__)) for module in (targets, salvage_targets))
    source = "".join(file.read_text(encoding="utf-8") for file in files)
    modules = {module.name for module in pkgutil.iter_modules(wire.__path__)}
    assert {name for name in modules if f"wire.{name} import" not in source} == WITHIN_OTHERS


@pytest.mark.parametrize("path", sorted(REGRESSIONS.glob("*/*")), ids=lambda path: path.name)
def test_what_once_failed(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


def test_every_target_has_seeds_that_pass() -> None:
    assert set(seeds()) == set(TARGETS)
    for name, found in seeds().items():
        for seed in found:
            TARGETS[name](seed)


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.binary(max_size=400))
@settings(max_examples=150, deadline=2000, suppress_health_check=[HealthCheck.too_slow])
def test_any_bytes(name: str, data: bytes) -> None:
    TARGETS[name](data)


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_bytes_in_bounded_time_and_memory(name: str) -> None:
    tracemalloc.start()
    for seed in seeds()[name]:
        for data in mutated(seed, 60):
            started = time.process_time()
            TARGETS[name](data)
            assert time.process_time() - started < SECONDS
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < BYTES
