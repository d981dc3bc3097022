"""How large a violation of parallel trends would overturn the conclusion? Measured against what was seen before.

Reference: Rambachan and Roth (2023), "A More Credible Approach to Parallel Trends". The breakdown value is the multiple
of the largest earlier change in the difference in trends that changes after adoption may reach before the confidence
set holds zero; below one half it cautions (the threshold is this project's choice). No value shows that trends were
parallel: it says what one must believe.
"""

from __future__ import annotations

import math

from analysis.inference import honest
from analysis.inference.honest import Sensitivity, Unassessed
from analysis.report.display import level_words
from analysis.result import Check, Data, Effects

ASSUMPTION = "Without the policy, trends after adoption would not have parted much more than they did before."
FRAGILE = 0.5
APART = 1e-6


def run(data: Data, effects: Effects, path: Effects | None, *, level: float, average: str) -> Check:
    """The breakdown values of the average that answers; a caution below one half, or where none can be given."""
    found = honest.examine(data, effects, path, average=average, level=level)
    if isinstance(found, Unassessed):
        return _unassessed(found)
    return _verdict(found) if found.excludes_zero else _nothing_to_break(found)


def _verdict(found: Sensitivity) -> Check:
    mbar = found.breakdown.mbar
    fragile, single = mbar < FRAGILE, found.changes == 1
    return Check(
        "parallel_trends",
        "E111" if fragile else "E110",
        ASSUMPTION,
        f"The interval{_of(found)} leaves out zero as long as the difference in trends changes from one period to the "
        f"next, after adoption, by no more than {found.breakdown.words} {_yardstick(found)}. {_slope(found)}"
        f"{_left_out(found)}",
        _advice(fragile, single),
        "warn" if fragile or single else "note",
        mbar if math.isfinite(mbar) else None,
        amounts=_amounts(found),
    )


def _nothing_to_break(found: Sensitivity) -> Check:
    low, high = found.interval("relative", 1.0)
    return Check(
        "parallel_trends",
        "E110",
        ASSUMPTION,
        f"Even if trends were parallel, the interval{_of(found)} includes zero: there is no conclusion that a "
        f"difference in trends could overturn. Changes from one period to the next as large as {_yardstick(found)} "
        f"would widen it to {{low_number}} to {{high}} ({level_words(found.level)}).{_left_out(found)}",
        "Read the wider interval as what the data exclude once trends may differ as much as they did before.",
        "warn" if found.changes == 1 else "note",
        0.0,
        None,
        low,
        high,
        amounts=_amounts(found) | {"low": low, "high": high},
    )


def _advice(fragile: bool, single: bool) -> str:
    if fragile:
        return (
            "A change less than half as large as one already seen would undo the conclusion: do not rest a decision on "
            "it alone."
        )
    if single:
        return "One earlier change says little about how much trends can part: look for earlier data on both groups."
    return "Ask what happened after adoption that could have moved the groups apart more than anything did before."


def _of(found: Sensitivity) -> str:
    """Names the estimate where it is not the answer itself: the path belongs to another design."""
    size = max(abs(found.answer), abs(found.estimate))
    apart = abs(found.estimate - found.answer) > APART * size
    return " around {estimate}, the average relative to the last period before adoption," if apart else ""


def _yardstick(found: Sensitivity) -> str:
    if found.changes == 1:
        return "the one change seen before ({largest})"
    return f"the largest of the {found.changes} changes seen before ({{largest}})"


def _slope(found: Sensitivity) -> str:
    bend = found.breakdown.bend
    if bend == 0:
        return "If the earlier difference went on in a straight line, that line alone would put zero inside."
    if math.isinf(bend):
        return "A continued line puts zero inside at no bend that was tried."
    return (
        "If the earlier difference went on in a straight line, it could also bend by {bend} a period before zero is "
        "inside."
    )


def _left_out(found: Sensitivity) -> str:
    """Says that earlier effects were not used: they rest on too few clusters, or lie beyond such."""
    if not found.left_out:
        return ""
    many = f"{found.left_out} earlier effects are" if found.left_out > 1 else "One earlier effect is"
    return f" {many} left out for want of clusters."


def _amounts(found: Sensitivity) -> dict[str, float]:
    return {"estimate": found.estimate, "largest": found.largest_change, "bend": found.breakdown.bend}


def _unassessed(found: Unassessed) -> Check:
    face, amounts = "", {}
    if found.ratio is not None and found.largest_change is not None:
        face = (
            " With no allowance for chance, the estimate would be zero if the difference in trends changed from one "
            f"period to the next by {honest.multiple(found.ratio)} its largest change before adoption ({{largest}})."
        )
        amounts = {"largest": found.largest_change}
    return Check(
        "parallel_trends",
        "E110",
        ASSUMPTION,
        f"How large a violation of parallel trends would overturn the answer cannot be assessed: {found.reason}.{face}",
        "The answer rests on the assumption; look for earlier data, and for reasons why trends could have parted.",
        "warn",
        amounts=amounts,
    )
