"""The engine on committed cases: nothing asserted is wrong, and little is left open."""

from scripts.mapping_tables.__main__ import _OWN, read_cases
from scripts.mapping_tables.scoring import score_case, total
from scripts.predict_mapping import matches_of, problem_of
from tfrepair.planning.mapping.engine import map_tensors

LARGEST = 60
LEAST_RECALL = 0.9


def test_nothing_asserted_is_wrong() -> None:
    cases = [case for case in read_cases(_OWN) if len(case["target"]) <= LARGEST]
    assert len(cases) > 100
    scores = []
    for case in cases:
        problem = problem_of(case)
        score = score_case(case, matches_of(problem, map_tensors(problem)))
        assert score.wrong == 0, case["name"]
        scores.append(score)
    assert total(scores).recall >= LEAST_RECALL
