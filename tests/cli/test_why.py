"""One weight of a plan explained in words."""

import pytest

from tfrepair.cli.why_text import why
from tfrepair.core.architecture import VariablePath
from tfrepair.core.errors import UsageError
from tfrepair.core.plan import Confidence, Gap, Leftover, Match, Plan, Reference, Tie
from tfrepair.core.tensor import SourceName

PLAN = Plan(
    source=Reference(path="", digest=""),
    arch=Reference(path="", digest=""),
    matches=(
        Match(
            target=VariablePath("dense/kernel"),
            sources=(SourceName("fc/weights"),),
            confidence=Confidence.STRONG,
            evidence=("words of 'fc' and 'dense' (1.00)", "next came 'fc_1', behind by 0.40"),
        ),
    ),
    missing=(Gap(target=VariablePath("out/bias"), reason="nothing corresponds to it"),),
    ties=(
        Tie(
            targets=(VariablePath("a/kernel"), VariablePath("b/kernel")),
            sources=(SourceName("left/w"), SourceName("right/w")),
            why="these may change places: left, right",
        ),
    ),
    leftover=(Leftover(source=SourceName("step"), reason="counter or hyperparameter"),),
)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("dense/kernel", ["STRONG", "from fc/weights  [identity]", "behind by 0.40"]),
        ("out/bias", ["MISSING", "nothing corresponds to it"]),
        ("a/kernel", ["TIE", "between: left/w, right/w", "tied with it: b/kernel"]),
        ("step", ["unused", "counter or hyperparameter"]),
        ("fc/weights", ["fills dense/kernel"]),
        ("left/w", ["may be a/kernel, b/kernel"]),
    ],
)
def test_why(name: str, words: list[str]) -> None:
    text = why(PLAN, name)
    assert all(word in text for word in words), text


def test_an_unknown_name_is_met_with_near_ones() -> None:
    with pytest.raises(UsageError) as caught:
        why(PLAN, "dense/kernl")
    assert '"dense/kernel"' in str(caught.value.remedy)
