"""What would the answer be with less held constant? Nothing, unit effects, period effects, both.

Where both unit and period effects are held constant the rest is a lesson; where one is missing it is a threat.
"""

from __future__ import annotations

from analysis.checks._common import about
from analysis.checks._panel import ALPHA, gap_amounts, gap_words, own, repeated
from analysis.fits.panel_fixed_effects import PanelEffects
from analysis.inference.panel_fit import pooled, within
from analysis.inference.panel_models import Choices, Difference, choices, difference
from analysis.refusal import Refusal
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("panel_fixed_effects",)
ASSUMPTION = "What lasts in a unit, and what is common to a period, is held constant."


def run(data: Rows, effects: Effects, path: Effects | None, *, level: float) -> Check:
    """Compares with unit and period effects, or shows what they change where the answer has both."""
    found = own(effects)
    if not repeated(found):
        finding = "Each unit is observed once: neither unit nor period effects can be held constant."
        return Check("omitted_effects", "E110", ASSUMPTION, finding, "Find a second period.", "warn")
    chosen = choices(found)
    try:
        both = within(chosen.terms(data), "two_way")
    except Refusal as refusal:
        finding = f"With unit and period effects nothing is left to see: {refusal.problem}."
        advice = "The treatment moves in all units alike, or in none: what else happened then is in the answer."
        return Check("omitted_effects", "E110", ASSUMPTION, finding, advice, "warn")
    if found.model == "random_effects":
        finding = "Random effects hold lasting differences constant in part only; the comparison of random with fixed "
        return about("omitted_effects", "E110", ASSUMPTION, f"{finding}effects says what that does.", "Read it.")
    if chosen.effects == "two_way":
        return _lesson(data, found, chosen)
    return _threat(difference(found.regression, both), level)


def _lesson(data: Rows, found: PanelEffects, chosen: Choices) -> Check:
    parts = chosen.terms(data)
    amounts = {"answer": found.regression.value, "nothing": pooled(parts).value, "units": within(parts, "entity").value}
    turned = amounts["answer"] * amounts["nothing"] < 0
    said = "The sign turns once units are compared with themselves. " if turned else ""
    return Check(
        "omitted_effects",
        "E110",
        ASSUMPTION,
        f"With nothing held constant the estimate is {{nothing_number}}, with unit effects {{units_number}}, with "
        f"unit and period "
        f"effects {{answer}}. {said}Causes that change over time in some units only stay in all of them.",
        "Ask what else changed in units whose treatment changed.",
        "note",
        amounts["nothing"] - amounts["answer"],
        amounts=amounts,
    )


def _threat(found: Difference, level: float) -> Check:
    clear = found.interval(level)[2] <= ALPHA
    return Check(
        "omitted_effects",
        "E110",
        ASSUMPTION,
        f"With unit and period effects the estimate is {{other_number}}, where the answer is {{answer}}; they are "
        f"apart by {gap_words(found, level)}.{' The sign turns.' if found.turned else ''}",
        "Hold both constant (`effects: two_way`): the answer contains what it leaves out."
        if clear
        else "The interval shows how much of the answer may come from what is not held constant.",
        "warn" if clear else "note",
        found.gap,
        found.interval(level)[2],
        amounts=gap_amounts(found, level),
    )
