"""Arbitrary and mutated bytes for every wire module; ``scripts/fuzz`` runs the same for longer."""

import time
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.wire.fuzz_targets import TARGETS, seeds
from tests.wire.mutations import mutated

SECONDS, BYTES = 2.0, 32 << 20


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
