"""Does the treated unit lie among the donors? A weighted average cannot reach beyond the donors it is made of.

Reference: Abadie, Diamond and Hainmueller (2010), section 2; Abadie (2021), section 5. Where the design lets the
comparison lie at another level, paths are compared after taking off each unit's own mean before the policy.
"""

from __future__ import annotations

import numpy as np

from analysis.checks._common import plain
from analysis.checks._synthetic import before, donor_rows, levelled
from analysis.fits.synthetic_control import Synthetic
from analysis.panel import Array, Panel
from analysis.result import Check, Effects

FAMILIES = ("synthetic_control",)
ASSUMPTION = "The treated unit lies within the range of the donors, so that an average of them can reach it."


def run(data: Panel, effects: Synthetic, path: Effects | None) -> Check:
    """Periods before the policy in which the treated units (their mean by cohort) lie above or below every donor."""
    relative = levelled(effects)
    beyond = np.concatenate([_beyond(data, effects, c, relative) for c in range(len(effects.cohorts))])
    count, total = int((beyond > 0).sum()), len(beyond)
    level = ", each less its own mean before the policy" if relative else ""
    if not count:
        finding = f"In none of {total} periods before the policy does the treated unit lie above or below every donor"
        return _check(f"{finding}{level}.", "A unit inside the range can still be unlike each donor in it.", 0, 0.0)
    worst = plain(_label(effects, int(np.argmax(beyond))))
    many = f"In {count} of {total} periods before the policy the treated unit lies above or below every donor{level}"
    return _check(
        f"{many}; most in {worst}, by {{farthest}}.",
        "No average of these donors reaches it there: use a design that allows for another level, or other donors.",
        count,
        float(beyond.max()),
    )


def _beyond(panel: Panel, effects: Synthetic, cohort: int, relative: bool) -> Array:
    """(periods before,) how far the cohort's mean lies outside the donors' range; zero inside."""
    periods = int(before(effects)[cohort])
    member = panel.periods[panel.adoption] == effects.cohorts[cohort]
    own = panel.outcome[member & (panel.adoption >= 0), :periods].mean(axis=0)
    donors = panel.outcome[donor_rows(effects, panel), :periods]
    if relative:
        own, donors = own - own.mean(), donors - donors.mean(axis=1, keepdims=True)
    outside = np.maximum(own - donors.max(axis=0), donors.min(axis=0) - own)
    scale = max(float(np.abs(donors).max()), float(np.abs(own).max()))
    return np.asarray(np.where(outside > 1e-9 * scale, outside, 0.0))


def _label(effects: Synthetic, place: int) -> object:
    """The period behind a position in the periods before of all cohorts, one after the other."""
    for periods in before(effects).tolist():
        if place < periods:
            return effects.times[place]
        place -= periods
    raise IndexError(place)


def _check(finding: str, advice: str, count: int, farthest: float) -> Check:
    amounts = {"farthest": farthest}
    return Check(
        "hull", "E121", ASSUMPTION, finding, advice, "warn" if count else "note", float(count), amounts=amounts
    )
