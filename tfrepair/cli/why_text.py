"""What a plan knows about one weight, in words: ``tfrepair plan --why TARGET``.

Reads a plan only. Comes after :mod:`tfrepair.core.plan`.
"""

from collections.abc import Iterator

from rapidfuzz import process

from tfrepair.core.errors import UsageError
from tfrepair.core.plan import Gap, Match, Plan, Tie

_SHOWN = 12


def why(plan: Plan, target: str) -> str:
    """Return what fills a weight and why, or why nothing does.

    Parameters
    ----------
    plan
        A plan.
    target
        Path of a weight; or the name of a tensor, to learn what became of it.

    Raises
    ------
    UsageError
        If the plan knows neither a weight nor a tensor of this name.
    """
    lines = list(_of_weight(plan, target)) or list(_of_tensor(plan, target))
    if lines:
        return "\n".join(lines)
    message = f"the plan has no weight and no tensor that is called {target!r}"
    raise UsageError(message, remedy=_near(plan, target))


def _of_weight(plan: Plan, target: str) -> Iterator[str]:
    for match in plan.matches:
        if match.target == target:
            yield from _match(match)
    for tie in plan.ties:
        if target in tie.targets:
            yield from _tie(tie, target)
    for gap in plan.missing:
        if gap.target == target:
            yield from _gap(gap)


def _match(match: Match) -> Iterator[str]:
    yield f"{match.target}: {match.confidence.value}"
    for source, transform in match.edges:
        yield f"  from {source}  [{transform}]"
    for evidence in match.evidence:
        yield f"  - {evidence}"


def _tie(tie: Tie, target: str) -> Iterator[str]:
    yield f"{target}: TIE, nothing is taken"
    yield f"  - {tie.why}"
    if len(tie.targets) > 1:
        yield f"  tied with it: {_some(path for path in tie.targets if path != target)}"
    yield f"  between: {_some(tie.sources)}"
    yield "  move one of them to [map] of the plan to decide"


def _gap(gap: Gap) -> Iterator[str]:
    yield f"{gap.target}: MISSING"
    yield f"  - {gap.reason}"
    if gap.candidates:
        yield f"  of a fitting shape: {_some(gap.candidates)}"


def _of_tensor(plan: Plan, name: str) -> Iterator[str]:
    for match in plan.matches:
        if name in match.sources:
            yield f"{name}: fills {match.target}"
    for tie in plan.ties:
        if name in tie.sources:
            yield f"{name}: tied, may be {_some(tie.targets)}"
            yield f"  - {tie.why}"
    for left in plan.leftover:
        if left.source == name:
            yield f"{name}: unused"
            yield f"  - {left.reason}"


def _some(names: Iterator[str] | tuple[str, ...]) -> str:
    every = list(names)
    more = f", ... ({len(every)} in all)" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + more


def _near(plan: Plan, name: str) -> str:
    known = [
        *(match.target for match in plan.matches),
        *(gap.target for gap in plan.missing),
        *(path for tie in plan.ties for path in tie.targets),
        *(left.source for left in plan.leftover),
    ]
    found = process.extract(name, known, limit=3, score_cutoff=50)
    if not found:
        return "`tfrepair plan` without --why lists them all"
    return "did you mean " + ", ".join(f'"{near[0]}"' for near in found) + "?"
