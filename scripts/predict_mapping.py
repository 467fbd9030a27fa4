"""Map the cases of a folder: which tensor of an old file fills which variable, and how.

Reads of a case its two sides, its format and what its order is worth, never its answer.
Run by ``scripts/predict_mapping``.
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfrepair.planning.mapping.engine import map_tensors
from tfrepair.planning.mapping.problem import (
    CONFIDENCE,
    Given,
    Mapped,
    Order,
    Problem,
    Sample,
    Wanted,
)


def problem_of(case: Mapping[str, Any]) -> Problem:
    """Return what the engine may see of a case."""
    return Problem(
        given=tuple(
            Given(
                name=entry["name"],
                shape=tuple(entry["shape"]),
                dtype=entry["dtype"],
                sample=_sample(entry.get("stats")),
            )
            for entry in case["source"]
        ),
        wanted=tuple(
            Wanted(
                path=entry["path"],
                shape=tuple(entry["shape"]),
                dtype=entry["dtype"],
                layer_class=entry.get("layer_class") or "",
                trainable=entry.get("trainable"),
            )
            for entry in case["target"]
        ),
        format=case.get("source_format") or "",
        order=Order(case.get("source_order") or "none"),
    )


def _sample(stats: Mapping[str, float] | None) -> Sample | None:
    if not stats or any(stats.get(name) is None for name in ("min", "max", "mean", "std")):
        return None
    return Sample(minimum=stats["min"], maximum=stats["max"], mean=stats["mean"], std=stats["std"])


def matches_of(problem: Problem, mapped: Mapped) -> list[dict[str, Any]]:
    """Return an answer in the form that score.py reads."""
    given, wanted = problem.given, problem.wanted
    rows: list[dict[str, Any]] = [
        {
            "source": given[edge.given].name,
            "target": wanted[edge.wanted].path,
            "transform": edge.transform,
            "confidence": CONFIDENCE[edge.kind],
            "status": "matched",
            "evidence": list(edge.evidence),
        }
        for edge in mapped.edges
    ]
    rows += [
        {
            "source": None,
            "target": wanted[place].path,
            "transform": "",
            "confidence": 0.0,
            "status": "ambiguous",
            "candidates": [given[candidate].name for candidate in group.given],
            "evidence": [group.why],
        }
        for group in mapped.undecided
        for place in group.wanted
    ]
    rows += [
        {
            "source": None,
            "target": wanted[place].path,
            "transform": "",
            "confidence": 0.0,
            "status": "unmatched",
            "evidence": [reason],
        }
        for place, reason in mapped.missing.items()
    ]
    rows += [
        {
            "source": given[place].name,
            "target": None,
            "transform": "",
            "confidence": 0.0,
            "status": "unmatched",
            "evidence": [reason],
        }
        for place, reason in mapped.unused.items()
    ]
    return rows


def main() -> int:
    """Map every case; one JSON file each, with the seconds that it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for path in sorted(options.cases.glob("*.json")):
        case = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(case, dict) or not {"source", "target"} <= set(case):
            continue
        started = time.perf_counter()
        problem = problem_of(case)
        try:
            matches = matches_of(problem, map_tensors(problem))
        except Exception as error:  # noqa: BLE001 - the other cases must not suffer
            print(f"{path}: {type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201
            matches = []
        answer = {"matches": matches, "seconds": round(time.perf_counter() - started, 3)}
        name = case.get("name") or path.stem
        out = options.out / f"{name}.json"
        out.write_text(json.dumps(answer, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
