"""Print the table of ``docs/mapping.md``: ``python -m scripts.mapping_tables [CASES_DIR ...]``.

Every third family of cases (by a checksum of its name) is held out: recall was tuned on the others
only, wrong assertions were mended in both. Folders that are given by hand are one more set each.
"""

import argparse
import json
import time
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.mapping_tables.baselines import BASELINES
from scripts.mapping_tables.scoring import Score, score_case, total
from scripts.predict_mapping import matches_of, problem_of
from tfrepair.planning.mapping.engine import map_tensors

_OWN = Path(__file__).parents[2] / "tests" / "mapping" / "cases"


def is_held_out(name: str) -> bool:
    """Tell whether a case belongs to the part that recall was not tuned on."""
    return zlib.crc32(name.partition("__")[0].encode()) % 3 == 0


def read_cases(folder: Path) -> list[Mapping[str, Any]]:
    """Return the cases of a folder, by name."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    return [case for case in found if isinstance(case, dict) and "truth" in case]


def main() -> None:
    """Score the engine and the baselines on every set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--cases", action="store_true", help="list the cases that are not exact")
    options = parser.parse_args()
    own = read_cases(_OWN)
    sets = {
        "development": [case for case in own if not is_held_out(case["name"])],
        "held out": [case for case in own if is_held_out(case["name"])],
        **{folder.name: read_cases(folder) for folder in options.folders},
    }
    print("| set | mapper | cases | exact | precision | wrong | recall | calibration error | s |")
    print("|---|---|---|---|---|---|---|---|---|")
    for title, cases in sets.items():
        for mapper, map_case in (("**this engine**", _engine), *BASELINES.items()):
            started = time.perf_counter()
            rows = [map_case(case) for case in cases]
            seconds = time.perf_counter() - started
            scores = [score_case(case, own) for case, own in zip(cases, rows, strict=True)]
            _print_row(title, mapper, scores, seconds)
            if options.cases and map_case is _engine:
                _print_cases(cases, scores)


def _engine(case: Mapping[str, Any]) -> list[dict[str, Any]]:
    problem = problem_of(case)
    return matches_of(problem, map_tensors(problem))


def _print_row(title: str, mapper: str, scores: Sequence[Score], seconds: float) -> None:
    found = total(scores)
    print(
        f"| {title} | {mapper} | {found.cases} | {found.exact} | {found.precision:.3f} | "
        f"{found.wrong} of {found.asserted} | {found.recall:.3f} | {found.calibration:.3f} | "
        f"{seconds:.0f} |"
    )


def _print_cases(cases: Sequence[Mapping[str, Any]], scores: Sequence[Score]) -> None:
    for case, score in zip(cases, scores, strict=True):
        if not score.is_exact:
            print(f"    {case['name']}: {score.found} of {score.edges}, {score.wrong} wrong")


if __name__ == "__main__":
    main()
