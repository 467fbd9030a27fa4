"""Mutate sound inputs of every wire module for a while: what ``scripts/fuzz`` runs."""

import resource
import sys
import time
from itertools import count

from tests.wire.fuzz_targets import TARGETS, seeds
from tests.wire.mutations import mutated

_MEMORY = 2 << 30
_SLOW = 2.0
_ROUND = 50


def run(name: str, seconds: float) -> int:
    """Run one target; returns the number of inputs."""
    end = time.monotonic() + seconds
    inputs = 0
    for number in count():
        for seed in seeds_of[name]:
            for data in mutated(seed, _ROUND, number=number):
                started = time.process_time()
                try:
                    TARGETS[name](data)
                except BaseException:
                    sys.stderr.write(f"{name}: failed on {data.hex()}\n")
                    raise
                if time.process_time() - started > _SLOW:
                    sys.stderr.write(f"{name}: slow on {data.hex()}\n")
                    sys.exit(1)
                inputs += 1
        if time.monotonic() > end:
            break
    return inputs


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    seeds_of = seeds()
    duration = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    total = 0
    for target in sys.argv[2:] or TARGETS:
        done = run(target, duration)
        total += done
        sys.stdout.write(f"{target}: {done} inputs\n")
    sys.stdout.write(f"{total} inputs, no failure\n")
