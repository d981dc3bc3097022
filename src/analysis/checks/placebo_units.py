"""Would donors that the policy never reached show as large an effect? Each takes the treated unit's place in turn.

Reference: Abadie, Diamond and Hainmueller (2010), section 3.4: the ratio of the root mean squared gap after to that
before, ranked among all units. The p-value reads assignment as if every unit could have been the treated one:
where the treated unit is by nature noisier than the donors (counts in a large state, say) raw gaps are not comparable.
"""

from __future__ import annotations

import numpy as np

from analysis.checks._common import ALPHA, about
from analysis.checks._synthetic import answer, donor_rows
from analysis.fits.synthetic_control import Placebos, Synthetic
from analysis.panel import NEVER, Panel
from analysis.report.display import fixed, p_words
from analysis.result import Check, Effects, Estimate

FAMILIES = ("synthetic_control",)
ASSUMPTION = "A gap as large as this one is rare among units that the policy never reached."
ALIKE = 2.0
NOISIER = 2.0  # times the median donor's changes from period to period (this project's choice)


def run(data: Panel, effects: Synthetic, path: Effects | None, *, level: float) -> Check:
    """The rank of the treated unit's gap among the donors' own, relative to the fit before and as it stands."""
    if effects.battery is None:
        finding = "The design computes no placebo for each donor, so that the gap cannot be ranked among theirs."
        return about("placebo_units", "E104", ASSUMPTION, finding, "Choose `uncertainty: placebo`.")
    return _verdict(effects.placebos, effects, effects.average(level), _noisier(data, effects))


def _noisier(panel: Panel, effects: Synthetic) -> float:
    """How many times as much the treated unit changed from period to period before as the median donor; 1 for several
    treated units, whose mean is compared with means."""
    if effects.treated_clusters > 1:
        return 1.0
    before = int(np.searchsorted(effects.times, effects.cohorts[0]))
    own = panel.outcome[panel.adoption != NEVER, :before]
    others = panel.outcome[donor_rows(effects, panel), :before]
    typical = float(np.median(np.diff(others, axis=1).std(axis=1)))
    return float(np.diff(own, axis=1).std()) / typical if typical > 0 else np.inf


def _verdict(found: Placebos, effects: Synthetic, headline: Estimate, noisier: float) -> Check:
    units = len(found.donors) + 1
    larger = round(found.p_value * units) - 1
    rare, excluded = found.p_value <= ALPHA + 1e-9, headline.excludes(0.0)
    raw = (headline.high - headline.low) / 2 <= 1.01 * float(np.abs(found.estimate).max())
    narrow = (excluded and not rare) or (noisier > NOISIER and raw)
    return Check(
        "placebo_units",
        "E104",
        ASSUMPTION,
        f"The typical gap after is {fixed(found.own, 1)} times that before. Of {units - 1} donors, each taken as if "
        f"the policy had come to it, {_as_many(larger)} a ratio as large (p = {p_words(found.p_value)}; with {units} "
        f"units p cannot fall below {p_words(1 / units)})."
        f"{_unlike(noisier) or _alike(found, effects)}{_several(effects.treated_clusters)}{_conflict(rare, excluded)}",
        "Treat the interval at the top as too narrow: believe the rank relative to the fit before."
        if narrow
        else "The rank says how unusual the gap is, not why it opened: an event of the unit's own would look alike.",
        "warn" if narrow else "note",
        found.own,
        found.p_value,
    )


def _as_many(count: int) -> str:
    return {0: "none shows", 1: "one shows"}.get(count, f"{count} show")


def _alike(found: Placebos, effects: Synthetic) -> str:
    """The rank of the average gap itself among donors that are followed about as well."""
    close = found.pre_rmspe <= ALIKE * effects.pre_rmspe
    if not close.any():
        return " No donor is followed about as well before."
    far = int((np.abs(found.estimate[close]) >= abs(answer(effects))).sum())
    return (
        f" Of the {int(close.sum())} donors that are followed at most {ALIKE:g} times less closely before, "
        f"{far or 'none'} moved as far on average."
    )


def _several(treated: int) -> str:
    if treated == 1:
        return ""
    return f" A single donor strays more than the mean of {treated} treated units does, so that this rank is cautious."


def _unlike(noisier: float) -> str:
    if not noisier > NOISIER:
        return ""
    return (
        f" From period to period the treated unit changed {fixed(noisier, 1)} times as much as the median donor: gaps "
        "of donors are small because the donors are."
    )


def _conflict(rare: bool, excluded: bool) -> str:
    if rare == excluded:
        return ""
    if rare:
        return " The interval at the top includes zero all the same: it rests on the few donors that strayed most."
    return " The interval at the top excludes zero all the same."
