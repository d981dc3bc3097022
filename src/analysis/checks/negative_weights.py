"""Would two-way fixed effects count some effects negatively, and how much heterogeneity would turn their sign?

Reference: de Chaisemartin and D'Haultfoeuille (2020), theorem 1 and corollary 1.
"""

from __future__ import annotations

import math

import numpy as np

from analysis.checks._common import about
from analysis.inference.decomposition import Heterogeneity, coefficient, heterogeneity, two_way_weights
from analysis.panel import Panel
from analysis.refusal import Refusal
from analysis.report.display import percent
from analysis.result import Check, Data, Effects

ASSUMPTION = "An average of effects counts every effect positively."


def run(data: Data, effects: Effects, path: Effects | None) -> Check:
    """The weights of two-way fixed effects on each cohort and period, beside the spread of the effects estimated."""
    if not data.staggered:
        finding = "With one adoption date two-way fixed effects count every treated period alike, none negatively."
        return about("negative_weights", "E102", ASSUMPTION, finding, "Nothing to do.")
    if not isinstance(data, Panel):
        return _impossible("the rows are not the same units over time")
    try:
        table, value = two_way_weights(data), coefficient(data)
    except Refusal as refusal:
        return _impossible(refusal.problem)
    found = heterogeneity(table["weight"].to_numpy(), table["share"].to_numpy(), value)
    amounts = {"coefficient": value, "sign": found.sign, "opposite": found.opposite, "seen": _seen(effects)}
    return _verdict(found, amounts, len(table))


def _verdict(found: Heterogeneity, amounts: dict[str, float], cells: int) -> Check:
    bad = found.negative > 0
    counted = (
        f"{percent(found.negative)} of treated unit-periods would count negatively (together "
        f"{percent(-found.negative_sum)} of the weight)"
        if bad
        else f"none of the {cells} treated cohort-periods would count negatively"
    )
    seen = "" if math.isnan(amounts["seen"]) else " (those estimated here: {seen}, noise included)"
    opposite = "; with {opposite} it could have the wrong sign everywhere" if bad else ""
    return Check(
        "negative_weights",
        "E102",
        ASSUMPTION,
        f"With two-way fixed effects {counted}. The coefficient of {{coefficient}} could stand for an average effect "
        f"of zero if effects varied between cohorts and periods with a standard deviation of {{sign}}{seen}{opposite}. "
        "The weights follow from the dates; the effects that they meet are not known.",
        "Quote two-way fixed effects only beside the answer, never for it."
        if bad
        else "Two-way fixed effects cannot reverse effects that all have one sign; they still weight them unevenly.",
        "warn" if bad else "note",
        found.negative_sum,
        amounts=amounts,
    )


def _seen(effects: Effects) -> float:
    """Weighted standard deviation of the estimated effects of cohorts and periods; NaN where there are none."""
    if effects.kind != "cells":
        return math.nan
    post = effects.post()
    weight = post.table["weight"].to_numpy()
    center = np.average(post.estimate, weights=weight)
    return float(np.sqrt(np.average((post.estimate - center) ** 2, weights=weight)))


def _impossible(why: str) -> Check:
    finding = f"The weights of two-way fixed effects cannot be computed for these data: {why}."
    return about("negative_weights", "E102", ASSUMPTION, finding, "Do not use two-way fixed effects here.")
