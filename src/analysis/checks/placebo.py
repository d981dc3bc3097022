"""A false date: the same estimate on pre-policy data alone, with adoption moved earlier, should find nothing.

Reference: Bertrand, Duflo and Mullainathan (2004); placebo dates as in Imbens and Wooldridge (2009), section 6.5.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analysis.inference import few_clusters
from analysis.panel import NEVER, Panel, Sample
from analysis.refusal import Refusal
from analysis.report.display import level_words, p_words
from analysis.result import Check, Data, Effects, Estimate

ASSUMPTION = "Before the policy there was nothing to find: no anticipation, no earlier divergence."
ALPHA = 0.05


def run(
    data: Data,
    effects: Effects,
    path: Effects | None,
    *,
    level: float,
    average: str,
    draws: int,
    seed: int,
    anticipation: int,
) -> Check:
    """Refit with adoption moved earlier on data from before it (and before any declared anticipation)."""
    if isinstance(data, Sample):
        return _of_rows(data, effects, average, level, anticipation)
    if data.staggered and few_clusters.too_few(data, effects, average):
        return _impossible("too few clusters adopt, at several dates, for a test of a false one")
    shift = _shift(data, anticipation)
    try:
        false = data.before_adoption(anticipation).adopt_earlier(shift)
        if not (false.adoption != NEVER).any():
            return _impossible("no unit has two periods before its adoption")
        refitted = effects.refit(false)
        found = few_clusters.headline(false, refitted, average=average, level=level, seed=seed, draws=draws)
    except Refusal as refusal:
        return _impossible(refusal.problem)
    if found.std_error is None and 1 / found.clusters > ALPHA:
        return _impossible(f"among {found.clusters} clusters not even the largest divergence would stand out")
    return _verdict(found, shift, level)


def _of_rows(sample: Sample, effects: Effects, average: str, level: float, anticipation: int) -> Check:
    """The same for repeated cross-sections with one date: rows from before it under a date half way through them."""
    last = sample.start - anticipation
    if sample.staggered:
        return _impossible("rows observed once, under several dates")
    if last < 2:
        return _impossible("the rows are not the same units over time and only one period precedes the policy")
    early = sample.rows(sample.period < last)
    adoption = np.where(early.adoption == NEVER, NEVER, last - last // 2)
    false = replace(early, periods=sample.periods[:last], adoption=adoption)
    try:
        found = effects.refit(false).along(average).average(level)
    except Refusal as refusal:
        return _impossible(refusal.problem)
    return _verdict(found, sample.start - (last - last // 2), level)


def _verdict(found: Estimate, shift: int, level: float) -> Check:
    hit = found.p_value <= ALPHA + 1e-9
    dated = f"{shift} period{'s' if shift > 1 else ''} before the true date, on data from before it alone"
    verdict = "finds an effect where there was no policy" if hit else "finds no effect larger than chance explains"
    return Check(
        "placebo",
        "E112" if hit else "E110",
        ASSUMPTION,
        f"A false adoption {dated}, {verdict}: {{value}} (p = {p_words(found.p_value)}; "
        f"{level_words(level)} {{low_number}} to {{high}}).",
        "Find out what changed then; if units reacted early, set `anticipation` to the periods in which they did."
        if hit
        else "The interval shows how large an earlier divergence this test could have missed.",
        "warn" if hit else "note",
        found.value,
        found.p_value,
        found.low,
        found.high,
        {"value": found.value, "low": found.low, "high": found.high},
    )


def _shift(panel: Panel, anticipation: int) -> int:
    """Half of the pre-period with one date; two periods, or one if there are fewer, with several."""
    adoption = panel.adoption[panel.adoption != NEVER] - anticipation
    if panel.staggered:
        return anticipation + max(1, min(2, int(adoption.min()) - 1))
    return anticipation + max(1, int(np.median(adoption)) // 2)


def _impossible(why: str) -> Check:
    return Check(
        "placebo",
        "E110",
        ASSUMPTION,
        f"A false date cannot be tried with these data: {why}.",
        "Look for earlier data on both groups.",
        "warn",
    )
