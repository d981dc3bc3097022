"""Is the effect a trend that some units have anyway? A straight line over time of each unit is held constant as well.

Reference: Wooldridge (2010), section 11.7.2. A unit whose treatment and outcome both drift looks like an effect.
"""

from __future__ import annotations

from analysis.checks._common import about
from analysis.checks._panel import ALPHA, gap_amounts, gap_words, own, repeated
from analysis.inference.panel_fit import trends
from analysis.inference.panel_models import Difference, choices, difference
from analysis.refusal import Refusal
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("panel_fixed_effects",)
ASSUMPTION = "Units whose treatment rose were not on another path anyway."


def run(data: Rows, effects: Effects, path: Effects | None, *, level: float) -> Check:
    """The answer beside the one with a trend of each unit, and whether they differ by more than chance."""
    found = own(effects)
    chosen = choices(found)
    if not repeated(found):
        finding = "Each unit is observed once: trends of their own cannot be held constant."
        return about("trends_per_unit", "E111", ASSUMPTION, finding, "Find further periods.")
    try:
        fit = trends(chosen.terms(data), "entity" if chosen.effects == "entity" else "two_way")
    except Refusal as refusal:
        finding = f"A trend of each unit cannot be held constant: {refusal.problem}."
        return Check("trends_per_unit", "E110", ASSUMPTION, finding, "More periods would allow it.", "warn")
    return _verdict(difference(found.regression, fit), level)


def _verdict(found: Difference, level: float) -> Check:
    clear = found.interval(level)[2] <= ALPHA
    amounts = gap_amounts(found, level)
    turned = not clear and amounts["answer"] * amounts["other"] < 0
    said = (
        "Units were on paths of their own"
        if clear
        else "Paths of their own would turn the sign, though by no more than chance explains"
        if turned
        else "Paths of their own change the answer by no more than chance"
    )
    return Check(
        "trends_per_unit",
        "E110" if turned else "E111",
        ASSUMPTION,
        f"{said}: with a trend of each unit the estimate is {{other_number}} instead of {{answer}}, apart by "
        f"{gap_words(found, level)}.",
        "Do not rest a decision on the answer: find out why these units were on another path."
        if clear
        else "The interval shows how much of the answer such paths could make up; trends that bend are not seen.",
        "warn" if clear or turned else "note",
        found.gap,
        found.interval(level)[2],
        amounts=amounts,
    )
