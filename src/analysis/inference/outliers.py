"""Values far from their like: flagged by a robust z, never deleted; and what the answer would be without them.

The robust z is 0.6745 times the distance from the median, over the median absolute deviation; where more than half of
the values are equal, 0.7979 times it over the mean absolute deviation; above 3.5 a value is flagged (Iglewicz and
Hoaglin 1993, How to Detect and Handle Outliers).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from analysis.inference import periods
from analysis.panel import NEVER, Array, Panel, Sample
from analysis.refusal import Refusal
from analysis.result import AnyData, Effects
from analysis.rows import Rows

FAR = 3.5
NORMAL = 0.6744897501960817  # upper quartile of the standard normal: its median absolute deviation
MEAN = 0.7978845608028654  # its mean absolute deviation
FEW = 3
MOST_WITHOUT = 0.5
NEIGHBOURS = 3
TWO_SIDED = 1.959963984540054  # standard errors to either side of a 95 % interval


@dataclass(frozen=True, eq=False)
class Outliers:
    """The outcome's far values. z: robust z, of the outcome's shape, NaN where it is missing. within: what each
    value was compared with, in words. units: (units flagged,) labels, where rows belong to units. reason: why nothing
    was looked for, or empty."""

    z: Array
    within: str
    units: Array
    reason: str = ""

    @property
    def flagged(self) -> Array:
        """Where a value lies far from its like."""
        return np.asarray(np.abs(self.z) > FAR)

    @property
    def looked(self) -> int:
        """Values that were compared."""
        return int(np.isfinite(self.z).sum())

    @property
    def count(self) -> int:
        """Values flagged."""
        return int(self.flagged.sum())

    @property
    def farthest(self) -> float:
        """The largest distance, in robust standard deviations."""
        return float(np.nanmax(np.abs(self.z))) if self.looked else 0.0


@dataclass(frozen=True)
class Without:
    """The answer without what is flagged: in the unit of the outcome, None with the `reason` where it cannot be had.

    left_out: units (or rows) left out, `what` they are. half: how far the new answer's 95 % interval reaches to either
    side by its standard error, 0 where there is none; covers_zero: whether it holds no effect.
    """

    value: float | None
    left_out: int
    what: str
    reason: str = ""
    half: float = 0.0

    @property
    def covers_zero(self) -> bool:
        """Whether the interval of the new answer holds zero."""
        return self.value is not None and abs(self.value) <= self.half


def examine(data: AnyData, groups: Array | None = None, words: str = "the rows of its group") -> Outliers:
    """Far values of the outcome: within each period of a panel or cross-section, within `groups` (rows,) of rows.

    Rows without `groups` are compared within their period where there are several of them in each, along the series
    where there is one, else with all rows. `words` says what the groups are.
    """
    if len(np.unique(data.outcome[np.isfinite(data.outcome)])) <= FEW:
        reason = "The outcome takes a few values only, so that none can lie far from the others."
        return Outliers(np.zeros(data.outcome.shape), words, np.empty(0), reason)
    if isinstance(data, Panel):
        z = np.column_stack([robust_z(column) for column in data.outcome.T])
        return Outliers(z, "the values of its period", data.units[(np.abs(z) > FAR).any(axis=1)])
    if isinstance(data, Sample):
        return Outliers(_within(data.outcome, data.period), "the rows of its period", np.empty(0))
    if groups is None and _is_series(data):
        z = _along(data)
        return Outliers(z, "the periods around it", np.asarray(data.time)[np.abs(z) > FAR])
    if groups is None and data.time is not None:
        groups, words = data.time, "the rows of its period"
    z = _within(data.outcome, groups) if groups is not None else robust_z(data.outcome)
    named = np.empty(0) if data.unit is None else data.units[np.unique(data.unit[np.abs(z) > FAR])]
    return Outliers(z, words if groups is not None else "all rows", named)


def without(data: AnyData, effects: Effects, found: Outliers, average: str = "simple") -> Without:
    """The answer of `effects` estimated again without the units (or rows) in which a value is flagged."""
    if not found.count:
        return Without(None, 0, "rows", "no value is flagged")
    if isinstance(data, Panel):
        out, what = np.asarray(found.flagged.any(axis=1)), "units"
        kept: AnyData = data.only(~out, "a value far from the others") if not out.all() else data
    else:
        out, what = found.flagged, "rows"
        kept = data.rows(~out)
    left = int(out.sum())
    reason = _cannot(data, kept, out)
    if reason:
        return Without(None, left, what, reason)
    try:
        again = effects.refit(kept).along(average).averaged_over()
    except Refusal as refusal:
        return Without(None, left, what, refusal.problem)
    error = float(again.table["std_error"].iloc[0])
    return Without(float(again.estimate[0]), left, what, half=TWO_SIDED * error if math.isfinite(error) else 0.0)


def robust_z(values: Array) -> Array:
    """Signed distances from the median in robust standard deviations; 0 where none vary, NaN where missing."""
    seen = np.isfinite(values)
    if seen.sum() <= FEW:
        return np.where(seen, 0.0, np.nan)
    away = values - np.median(values[seen])
    scale = float(np.median(np.abs(away[seen]))) / NORMAL
    if scale <= 0:
        scale = float(np.mean(np.abs(away[seen]))) / MEAN
    return np.asarray(away / scale) if scale > 0 else np.where(seen, 0.0, np.nan)


def _within(values: Array, groups: Array) -> Array:
    z = np.zeros(len(values))
    for group in np.unique(groups):
        member = groups == group
        z[member] = robust_z(values[member])
    return z


def _is_series(rows: Rows) -> bool:
    return rows.time is not None and rows.unit is None and len(np.unique(rows.time)) == rows.n


def _along(series: Rows) -> Array:
    """Distances from the median of the neighbouring periods, after the usual level of each part of the year is taken
    out."""
    assert series.time is not None
    labels = np.asarray(series.time, dtype=float)
    season = periods.CYCLE[periods.calendar(labels)]
    values = series.outcome - _running(series.outcome, max(season // 2, NEIGHBOURS))
    if season and series.n >= 2 * season:
        slot = np.arange(series.n) % season
        values = values - np.array([np.median(values[slot == one]) for one in range(season)])[slot]
    return robust_z(values - _running(values, NEIGHBOURS))


def _running(values: Array, reach: int) -> Array:
    """Medians of the values up to `reach` places away."""
    places = range(len(values))
    return np.array([np.median(values[max(0, at - reach) : at + reach + 1]) for at in places])


def _cannot(data: AnyData, kept: AnyData, out: Array) -> str:
    """Why the answer cannot be had without what is flagged; empty where it can."""
    if isinstance(data, Rows) and _is_series(data):
        return "a series with holes cannot be estimated; name what happened then under `other_events`"
    if out.mean() > MOST_WITHOUT or out.all():
        return "more than half of the data would go"
    if isinstance(kept, Panel) and not ((kept.adoption != NEVER).any() and (kept.adoption == NEVER).any()):
        before, after = (set((one.adoption != NEVER).tolist()) for one in (data, kept) if isinstance(one, Panel))
        return "no unit would be left on one side of the comparison" if before != after else ""
    return ""
