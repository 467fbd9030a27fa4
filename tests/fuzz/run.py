"""Fuzz targets one after the other, each in a child process: what ``scripts/fuzz`` runs.

Starts from the seeds and from what once failed. An input that fails is kept as a sample under
``regressions``, which the tests run from then on.
"""

import argparse
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS

REGRESSIONS = Path(__file__).with_name("regressions")
_LIMITS = ("-timeout=10", "-rss_limit_mb=2048", "-max_len=8192")
"""Seconds and megabytes for one input; bytes of an input."""
_EXCEPTION, _SHOWN = "=== Uncaught Python exception", 3000
_COUNT = re.compile(r"stat::number_of_executed_units:\s*(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one target: inputs that were run, and those that failed."""

    inputs: int
    failed: tuple[Path, ...]
    output: str
    status: int

    @property
    def reason(self) -> str:
        """The part of the output that says why the target ended."""
        start = self.output.find(_EXCEPTION)
        end = len(self.output) if start < 0 else start + _SHOWN
        return self.output[max(0, end - _SHOWN) : end] + "\n"


def fuzz(name: str, seconds: int) -> Outcome:
    """Run one target for a while."""
    with TemporaryDirectory() as folder:
        corpus, failures = Path(folder) / "corpus", Path(folder) / "failures"
        corpus.mkdir()
        failures.mkdir()
        known = [path.read_bytes() for path in sorted((REGRESSIONS / name).glob("*"))]
        for place, seed in enumerate((*seeds()[name], *known)):
            (corpus / f"seed-{place}").write_bytes(seed)
        options = (f"-max_total_time={seconds}", f"-artifact_prefix={failures}/")
        command = [sys.executable, "-m", "tests.fuzz.child", name, *_LIMITS, *options]
        done = subprocess.run(
            [*command, "-print_final_stats=1", str(corpus)],
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
        )
        failed = tuple(_kept(path, name) for path in sorted(failures.iterdir()))
    output = done.stdout + done.stderr
    counts = _COUNT.findall(output)
    return Outcome(
        inputs=int(counts[-1]) if counts else 0,
        failed=failed,
        output=output,
        status=done.returncode,
    )


def _kept(failure: Path, name: str) -> Path:
    place = REGRESSIONS / name / failure.name
    place.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(failure, place))


def main() -> int:
    """Run the targets that are named, or all; 1 if an input failed."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description="Fuzz the wire modules.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=10, help="for each target")
    options = parser.parse_args()
    if unknown := set(options.targets) - set(TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    total, failed = 0, []
    for name in options.targets or TARGETS:
        outcome = fuzz(name, options.seconds)
        total += outcome.inputs
        sys.stdout.write(f"{name}: {outcome.inputs} inputs\n")
        sys.stdout.flush()
        if outcome.status or outcome.failed:
            failed.append(name)
            sys.stderr.write(outcome.reason)
            for path in outcome.failed:
                sys.stderr.write(f"{name}: failed, the input is kept as {path}\n")
    sys.stdout.write(f"{total} inputs, {len(failed)} targets failed {' '.join(failed)}".rstrip())
    sys.stdout.write("\n")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
