"""A false date: the same estimate on pre-policy data alone, with adoption moved earlier, should find nothing.

Reference: Bertrand, Duflo and Mullainathan (2004); placebo dates as in Imbens and Wooldridge (2009), section 6.5.
"""

from __future__ import annotations

import numpy as np

from analysis.inference import few_clusters
from analysis.panel import NEVER, Panel
from analysis.refusal import Refusal
from analysis.report.display import p_words
from analysis.result import Check, Data, Effects

ASSUMPTION = "Before the policy there was nothing to find: no anticipation, no earlier divergence."


def run(data: Data, effects: Effects, path: Effects | None, *, level: float, average: str, seed: int) -> Check:
    """Refit with adoption moved as far back as half the shortest pre-period allows (at least one period)."""
    if not isinstance(data, Panel):
        return _impossible("the rows are not the same units over time and only one period precedes the policy")
    shift = _shift(data)
    try:
        false = data.before_adoption().adopt_earlier(shift)
        if not (false.adoption != NEVER).any():
            return _impossible("no unit has two periods before its adoption")
        found = few_clusters.headline(false, effects.refit(false), average=average, level=level, seed=seed)
    except Refusal as refusal:
        return _impossible(refusal.problem)
    hit = found.p_value < 1 - level
    dated = f"{shift} period{'s' if shift > 1 else ''} before the true date, on data from before it alone"
    verdict = "finds an effect where there was no policy" if hit else "finds no effect larger than chance explains"
    return Check(
        "placebo",
        "E112" if hit else "E110",
        ASSUMPTION,
        f"A false adoption {dated}, {verdict}: {{value}} (p = {p_words(found.p_value)}; "
        f"{100 * level:g}\u202f% interval {{low_number}} to {{high}}).",
        "Find out what changed then; if units reacted early, set `anticipation`."
        if hit
        else "The interval shows how large an earlier divergence this test could have missed.",
        "warn" if hit else "note",
        found.value,
        found.p_value,
        found.low,
        found.high,
        {"value": found.value, "low": found.low, "high": found.high},
    )


def _shift(panel: Panel) -> int:
    adoption = panel.adoption[panel.adoption != NEVER]
    return max(1, int(np.median(adoption)) // 2) if not panel.staggered else max(1, min(2, int(adoption.min()) - 1))


def _impossible(why: str) -> Check:
    return Check(
        "placebo",
        "E110",
        ASSUMPTION,
        f"A false date cannot be tried with these data: {why}.",
        "Look for earlier data on both groups.",
        "warn",
    )
