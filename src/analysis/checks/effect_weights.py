"""Whose effects does the answer average, and do some count against it?

If effects differ, a regression with unit and period effects averages them with weights, some of them negative: treated
rows then serve as a comparison for others (de Chaisemartin and D'Haultfoeuille 2020). They can be computed where the
treatment is zero somewhere.
"""

from __future__ import annotations

import numpy as np

from analysis.checks._common import about
from analysis.checks._panel import own, repeated, share_words
from analysis.fits.panel_fixed_effects import PanelEffects
from analysis.inference.panel_models import choices
from analysis.panel import Array
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("panel_fixed_effects",)
ASSUMPTION = "Effects are alike, or at least none counts against the answer."
LIMIT = 0.1


def run(data: Rows, effects: Effects, path: Effects | None) -> Check:
    """The share of negative weights, and whether a policy that stays came at several dates."""
    found = own(effects)
    chosen = choices(found)
    if not repeated(found) or found.model != "fixed_effects" or chosen.effects != "two_way":
        finding = "Weights are looked at for fixed effects of units and periods only."
        return about("effect_weights", "E102", ASSUMPTION, finding, "Choose `design: fixed_effects` to see them.")
    treatment = found.regression.terms.treatment
    if (treatment != 0).all() or (treatment < 0).any():
        finding = (
            "The treatment is never zero, so that effects cannot be counted from no treatment; the answer assumes that "
            "each further step of it has the same effect in every unit."
        )
        return about("effect_weights", "E102", ASSUMPTION, finding, "Compare groups of units to see whether it does.")
    weight = found.regression.left[0] * found.regression.regression.weight * treatment
    against = float(-weight[weight < 0].sum() / np.abs(weight).sum())
    return _verdict(against, _dates(found))


def _dates(found: PanelEffects) -> int:
    """Periods in which the treatment starts from zero in some unit; 0 where it ever falls, which a date cannot tell."""
    terms = found.regression.terms
    order = np.lexsort((terms.period, terms.unit))
    unit, period, treated = terms.unit[order], terms.period[order], terms.treatment[order]
    same = unit[1:] == unit[:-1]
    if (treated[1:] < treated[:-1])[same].any():
        return 0
    started: Array = same & (treated[:-1] == 0) & (treated[1:] > 0)
    return len(np.unique(period[1:][started]))


def _verdict(against: float, dates: int) -> Check:
    staggered = dates > 1
    share = (
        f"{share_words(against)} of the weight counts against the answer" if against > 1e-9 else "No weight is negative"
    )
    stays = (
        f" The policy stays once it comes, and came at {dates} dates: later comers are compared with units that have "
        f"it "
        "already."
        if staggered
        else ""
    )
    return Check(
        "effect_weights",
        "E101" if staggered else "E102",
        ASSUMPTION,
        f"{share}: if effects differ between units or over time, the answer is not their average.{stays}"
        if against > 1e-9
        else f"{share}: where effects differ the answer is an average of them, if not an equal one.{stays}",
        "Use a difference in differences with dates of adoption (`design: group_time`)."
        if staggered
        else "Look at effects of groups of units of their own.",
        "warn" if staggered or against > LIMIT else "note",
        against,
    )
