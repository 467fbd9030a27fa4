"""Hold the answer of a mapper against the answer of a case.

An assertion is right if it names a pair of the case's truth and moves every element to the same
place. What the case says that no file determines must be left open. Of several complete answers
that a case allows (raw values or their averages) the one that fits best counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from tfrepair.core.assembly import assembled
from tfrepair.core.tensor import Shape
from tfrepair.core.transform import Transform, TransformError, parse_transform

Row = Mapping[str, Any]
"""``source``, ``target``, ``transform``, ``confidence`` and ``status`` of one prediction."""

_SAYS_NOTHING = ("cast", "add_forget", "identity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a mapper did on one case.

    Attributes
    ----------
    edges
        What there was to find: edges of the truth, and variables that nothing determines.
    found
        Right edges, and undetermined variables that were left open.
    asserted, wrong
        Assertions, and those that are not right.
    judged
        Confidence of each assertion, and whether it is right.
    """

    edges: int
    found: int
    asserted: int
    wrong: int
    judged: tuple[tuple[float, bool], ...]

    @property
    def is_exact(self) -> bool:
        """True if everything was found and nothing else asserted."""
        return self.wrong == 0 and self.found == self.edges


def score_case(case: Mapping[str, Any], rows: Sequence[Row]) -> Score:
    """Judge the rows of one case by the complete answer that they fit best."""
    answers = [case["truth"], *(other["truth"] for other in case.get("alternatives", ()))]
    scores = [_score(case, truth, rows) for truth in answers]
    return max(scores, key=lambda score: score.found - score.wrong)


def _score(case: Mapping[str, Any], edges: Sequence[Row], rows: Sequence[Row]) -> Score:
    ignored = case.get("dont_care", {})
    odd_targets, odd_sources = set(ignored.get("targets", ())), set(ignored.get("sources", ()))
    open_ = {path for group in case.get("unresolvable", ()) for path in group["targets"]}
    truth = {
        (edge["source"], edge["target"]): edge["transform"]
        for edge in edges
        if edge["target"] not in odd_targets | open_
    }
    have = {entry["name"]: tuple(entry["shape"]) for entry in case["source"]}
    want = {entry["path"]: tuple(entry["shape"]) for entry in case["target"]}
    judged: dict[tuple[str, str], tuple[float, bool]] = {}
    for row in rows:
        pair = (row["source"], row["target"])
        if row["status"] != "matched" or pair[1] in odd_targets or pair[0] in odd_sources:
            continue
        right = pair in truth and _same(row["transform"], truth[pair], have[pair[0]], want[pair[1]])
        judged.setdefault(pair, (float(row["confidence"]), right))
    left = {row["target"] for row in rows if row["status"] == "ambiguous"} & open_
    right_ones = sum(right for _, right in judged.values())
    return Score(
        edges=len(truth) + len(open_),
        found=right_ones + len(left),
        asserted=len(judged),
        wrong=len(judged) - right_ones,
        judged=tuple(judged.values()),
    )


@lru_cache(maxsize=4096)
def _same(one: str, other: str, have: Shape, want: Shape) -> bool:
    """Tell whether two transforms move every element to the same place."""
    if other == "any":
        return True
    plain = [_plain(text, have, want) for text in (one, other)]
    if plain[0] == plain[1]:
        return True
    try:
        pictures = [_picture(text, have, want) for text in plain]
    except (TransformError, ValueError):
        return False
    return bool(np.array_equal(pictures[0], pictures[1]))


def _plain(text: str, have: Shape, want: Shape) -> str:
    steps = [step for step in text.split("|") if step and not step.startswith(_SAYS_NOTHING)]
    if not steps and have != want:
        steps = ["reshape"]
    if steps and steps[-1] == "reshape":
        steps[-1] = "reshape:" + ",".join(map(str, want))
    return "|".join(steps)


def _picture(text: str, have: Shape, want: Shape) -> np.ndarray[Any, np.dtype[np.int64]]:
    numbers = np.arange(1, int(np.prod(have)) + 1, dtype=np.int64).reshape(have)
    transform: Transform = parse_transform(text)
    return np.asarray(assembled([(transform, lambda: numbers)], want, "int64"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """Scores of many cases, added up."""

    cases: int
    exact: int
    edges: int
    found: int
    asserted: int
    wrong: int
    calibration: float

    @property
    def precision(self) -> float:
        """Share of the assertions that are right."""
        return 1 - self.wrong / max(self.asserted, 1)

    @property
    def recall(self) -> float:
        """Share of what there was to find that was found."""
        return self.found / max(self.edges, 1)


def total(scores: Sequence[Score]) -> Total:
    """Add up; ``calibration`` is the mean distance between confidence and share of right ones."""
    judged = np.array([pair for score in scores for pair in score.judged]).reshape(-1, 2)
    bins = np.minimum((judged[:, 0] * 20).astype(int), 19)
    gaps = [
        abs(judged[bins == k, 1].mean() - judged[bins == k, 0].mean()) * (bins == k).mean()
        for k in np.unique(bins)
    ]
    return Total(
        cases=len(scores),
        exact=sum(score.is_exact for score in scores),
        edges=sum(score.edges for score in scores),
        found=sum(score.found for score in scores),
        asserted=sum(score.asserted for score in scores),
        wrong=sum(score.wrong for score in scores),
        calibration=float(sum(gaps)),
    )
