"""Who is missing, and does that go with the outcome? Gaps, attrition and units without any outcome.

Whether being observed in the next period is related to the outcome now is tested in the regression itself (Nijman and
Verbeek 1992; Wooldridge 2010, section 19.9); the answer is compared with that of units observed throughout.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.checks._common import about
from analysis.checks._panel import ALPHA, gap_amounts, gap_words, own, p_said, repeated, share_words
from analysis.fits.panel_fixed_effects import PanelEffects
from analysis.inference.panel_errors import careful
from analysis.inference.panel_models import Difference, choices, difference, refitted
from analysis.inference.panel_terms import Terms
from analysis.panel import Array
from analysis.refusal import Refusal
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("panel_fixed_effects",)
ASSUMPTION = "Who is observed, and when, has nothing to do with the outcome."
SHARE = 0.05


@dataclass(frozen=True)
class _Missing:
    """Unit-periods without a row among units that are seen, as a share; units without any outcome; rows without one."""

    share: float
    units: int
    rows: int


def run(data: Rows, effects: Effects, path: Effects | None, *, level: float) -> Check:
    """Counts gaps, tests whether they go with the outcome, and compares with complete units."""
    found = own(effects)
    if not repeated(found) or data.unit is None:
        finding = "Each unit is observed once: gaps over time cannot be seen."
        return about("panel_gaps", "E120", ASSUMPTION, finding, "Ask who is not in the table.")
    parts = choices(found).terms(data)
    missing = _missing(data)
    if not missing.share and not missing.units:
        finding = (
            f"Every one of {len(np.unique(data.unit)):,} units is observed in every one of {len(parts.periods):,} "
        )
        return about("panel_gaps", "E120", ASSUMPTION, f"{finding}periods.", "Ask who is not in the table at all.")
    test = _selection(found, parts)
    other = _complete(found, parts)
    return _verdict(missing, test, other, len(np.unique(data.unit)), level)


def _missing(data: Rows) -> _Missing:
    assert data.unit is not None and data.time is not None
    seen, aside = np.unique(data.unit), data.unobserved
    cells = len(seen) * len(data.periods)
    never = 0 if aside is None or aside.unit is None else len(np.setdiff1d(aside.unit, seen))
    return _Missing(1 - data.n / cells, never, 0 if aside is None else aside.n)


def _selection(found: PanelEffects, parts: Terms) -> float | None:
    """p-value of an indicator that the unit is observed in the next period; None where it never varies."""
    keys = parts.unit * (len(parts.periods) + 1) + parts.period
    seen = np.isin(keys + 1, keys)
    inner = parts.period < parts.period.max()
    next_period = seen[inner].astype(float)
    if not 0 < next_period.mean() < 1:
        return None
    try:
        larger = parts.rows(inner).with_columns(next_period[:, None], ["observed next"])
        fit = refitted(found.model, larger, choices(found).effects)
        place = parts.regressors.shape[1]
        value, robust = fit.regression.estimate[place], careful(fit)
    except Refusal:  # the effects leave nothing of the indicator
        return None
    from scipy import stats

    return float(2 * stats.t.sf(abs(value) / np.sqrt(robust.covariance[place, place]), robust.df[place]))


def _complete(found: PanelEffects, parts: Terms) -> Difference | None:
    """The answer beside that of units observed in every period; None where there are none, or only they."""
    seen: Array = np.bincount(parts.unit)[parts.unit]
    whole = seen == len(np.unique(parts.period))
    if whole.all() or not whole.any():
        return None
    try:
        return difference(found.regression, refitted(found.model, parts.rows(whole), choices(found).effects))
    except Refusal:  # complete units do not identify the effect
        return None


def _verdict(missing: _Missing, test: float | None, other: Difference | None, units: int, level: float) -> Check:
    goes = test is not None and test <= ALPHA
    apart = other is not None and other.interval(level)[2] <= ALPHA
    many = missing.share > SHARE or missing.units > SHARE * (units + missing.units)
    words = [_counted(missing, units)]
    if test is not None:
        said = "goes with the outcome now" if goes else "does not clearly go with the outcome now"
        words.append(f"Being observed in the next period {said} ({p_said(test)}).")
    if other is not None:
        words.append(
            "Units observed throughout give {other_number} instead of {answer}, apart by "
            f"{gap_words(other, level)}."
        )
    return Check(
        "panel_gaps",
        "E120",
        ASSUMPTION,
        " ".join(words),
        "Find out why rows are missing; the answer is about those observed."
        if goes or apart or many
        else "Gaps that follow from what is not in the table cannot be seen.",
        "warn" if goes or apart or many else "note",
        missing.share,
        test,
        amounts={} if other is None else gap_amounts(other, level),
    )


def _counted(missing: _Missing, units: int) -> str:
    gaps = (
        f"{share_words(missing.share)} of the unit-periods of {units:,} units are missing."
        if missing.share
        else f"{units:,} units are observed in every period."
    )
    never = (
        f" {missing.units:,} units have no outcome in any period and are not in the answer." if missing.units else ""
    )
    return gaps + never
