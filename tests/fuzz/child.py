"""One fuzz target under atheris, which watches what the code does with an input: a child process.

    python -m tests.fuzz.child TARGET [libFuzzer's arguments]

Started by :mod:`tests.fuzz.run`, which has put atheris on the path.
"""

import random
import resource
import sys

import atheris

with atheris.instrument_imports(include=["tfrepair"]):
    from tests.fuzz.mutations import mutated_once, with_checksums
    from tests.fuzz.targets import TARGETS

_MEMORY = 3 << 30
"""Address space in bytes: what is only announced must not be allocated."""
_OURS, _MENDED = 0.3, 0.5
"""Shares of inputs that get our own mutations, and right checksums."""


def _mutator(data: bytes, max_size: int, seed: int) -> bytes:
    chooser = random.Random(seed)  # noqa: S311
    if chooser.random() < _OURS:
        made = mutated_once(data, chooser)
    else:
        made = atheris.Mutate(data, max_size)
    if chooser.random() < _MENDED:
        made = with_checksums(made)
    return made[:max_size]


def main() -> None:
    """Run one target; ends the process."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    name, *arguments = sys.argv[1:]
    atheris.Setup([name, *arguments], TARGETS[name], custom_mutator=_mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
