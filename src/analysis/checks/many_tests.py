"""How many tests were made, and does the finding survive all of them together?

Reference: Holm (1979); Westfall and Young (1993); Young (2019), "Channeling Fisher: randomization tests and the
statistical insignificance of seemingly significant experimental results".
"""

from __future__ import annotations

import math

from analysis.checks._common import ALPHA, about
from analysis.fits.randomised_trial import Trial
from analysis.inference.trial_arms import arms
from analysis.inference.trial_family import Test, family
from analysis.report.display import p_words
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("randomised_trial",)
ASSUMPTION = "The finding is not one lucky test among many."


def run(
    data: Rows,
    effects: Trial,
    path: Effects | None,
    *,
    outcomes: list[str],
    treatment: str,
    control_arm: str | int | None,
    arm: str | int | None,
    strata: str | None,
    level: float,
    draws: int,
    seed: int,
) -> Check:
    """Adjusts the p-values of every arm and outcome for each other."""
    who = arms(data, treatment, control_arm, arm)
    found = family(data, effects, who, outcomes, strata=strata, level=level, draws=draws, seed=seed)
    if len(found) == 1:
        finding = "One arm was compared on one outcome. Tests that were made and not reported cannot be counted."
        return about("many_tests", "E119", ASSUMPTION, finding, "Name all outcomes looked at under `outcomes`.")
    return _verdict(found)


def _verdict(found: list[Test]) -> Check:
    first = found[0]
    adjusted = first.holm if math.isnan(first.westfall_young) else first.westfall_young
    alone = first.estimate.p_value
    lost = alone <= ALPHA < adjusted
    count = sum(one.estimate.p_value <= ALPHA for one in found)
    kept = sum((one.holm if math.isnan(one.westfall_young) else one.westfall_young) <= ALPHA for one in found)
    young = "" if math.isnan(first.westfall_young) else f", Westfall-Young {p_words(first.westfall_young)}"
    return Check(
        "many_tests",
        "E119",
        ASSUMPTION,
        f"{len(found)} tests (arms and outcomes): with no effect anywhere, {ALPHA * len(found):.1f} of them would "
        f"look like one. Alone {count} reach p of {ALPHA} or less, adjusted for each other {kept}. The answer's p "
        f"goes from {p_words(alone)} to {p_words(first.holm)} (Holm{young}). Tests made and not named here are not "
        "counted.",
        "Treat the finding as a lead for the next trial, not as a result."
        if lost
        else "Say which test was planned as the first one; the others support it or not.",
        "warn" if lost else "note",
        float(len(found)),
        adjusted,
    )
