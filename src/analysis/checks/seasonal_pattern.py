"""Is the season dealt with? What repeats from cycle to cycle must not be counted as the policy.

Reference: Bhaskaran, Gasparrini, Hajat, Smeeth and Armstrong (2013).
"""

from __future__ import annotations

import math

from analysis.checks._interrupted import answer_of, choices
from analysis.inference import periods
from analysis.inference.time_series import autocorrelations
from analysis.result import AnyData, Check, Effects

FAMILIES = ("interrupted_time_series",)
ASSUMPTION = "What returns every cycle is not counted as the policy."


def run(data: AnyData, effects: Effects, path: Effects | None, *, seasonality: str) -> Check:
    """Correlation of what is left with itself one cycle before."""
    answer, season = answer_of(effects), choices(effects)["season"]
    cycle = season or periods.CYCLE[periods.calendar(answer.time)]
    if not cycle or answer.n < 2 * cycle + 4:
        finding = "Neither a season nor months or quarters are declared: no cycle was looked for."
        if cycle:
            finding = f"The series holds fewer than two cycles of {cycle} periods: a season cannot be told from chance."
        return _check(finding, "Set `season` to the periods of a cycle, if there is one.", bool(cycle))
    left = float(autocorrelations(answer.innovations, cycle)[-1])
    bound = 1.96 / math.sqrt(answer.n)
    repeats = left > bound if season else abs(left) > bound
    how = "indicators" if seasonality == "dummies" else "sines and cosines"
    dealt = f"The season is held constant by {how}" if season else "No season is modelled"
    return _check(
        f"{dealt}. What is left correlates by {left:.2f} with itself {cycle} periods before, "
        f"{'more' if repeats else 'no more'} than chance explains (up to {bound:.2f}).".replace("-", "\u2212"),
        (f"Set `season: {cycle}`." if not season else "The season changed over the years: shorten the window.")
        if repeats
        else "A season that changed at the start would look like the policy.",
        repeats,
        left,
    )


def _check(finding: str, advice: str, bad: bool, statistic: float | None = None) -> Check:
    severity = "warn" if bad else "note"
    return Check("seasonal_pattern", "E110", ASSUMPTION, finding, advice, severity, statistic)  # type: ignore[arg-type]
