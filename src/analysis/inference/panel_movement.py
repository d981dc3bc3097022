"""How the treatment moves within units, and what the outcome does then: the numbers behind the charts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.fits.panel_fixed_effects import PanelEffects
from analysis.inference.panel_models import choices
from analysis.panel import Array
from analysis.rows import Rows

BINS = 15
DISTINCT = 12  # values of the treatment up to which each has a dot of its own
SMALLEST = 10  # rows behind a dot, so that no unit can be recognised


@dataclass(frozen=True, eq=False)
class Bins:
    """Averages of rows that are alike in what the effects leave of their treatment.

    treatment: (B,) in the column's own unit. outcome: (B,) what is left of the outcome. rows: (B,) behind each. slope:
    of the outcome on the treatment, the effect divided by the change asked about. label: the treatment's column.
    """

    treatment: Array
    outcome: Array
    rows: Array
    slope: float
    label: str
    transform: str


def bins(effects: PanelEffects) -> Bins:
    """What is left of treatment and outcome, averaged in bins of as many rows each (of at least ten)."""
    fit, own = effects.regression, choices(effects)
    treatment, outcome = fit.left
    treatment = treatment * own.change
    code = _binned(treatment)
    weight = fit.regression.weight
    size = np.bincount(code, weight)
    means = [np.bincount(code, weight * values) / size for values in (treatment, outcome)]
    return Bins(means[0], means[1], np.bincount(code), fit.value / own.change, own.treatment, fit.transform)


def _binned(values: Array) -> Array:
    """(n,) the bin of each row: of its value where there are few values, else of its place in order."""
    spread = float(np.ptp(values)) or 1.0
    rounded, code = np.unique(np.round(values / spread, 9), return_inverse=True)
    if len(rounded) <= DISTINCT and np.bincount(code).min() >= SMALLEST:
        return np.asarray(code)
    count = max(1, min(BINS, len(values) // SMALLEST))
    place = np.searchsorted(np.sort(np.round(values / spread, 9)), np.round(values / spread, 9), side="left")
    found = place * count // len(values)
    return np.asarray(_merged(found))


def _merged(code: Array) -> Array:
    """Bins in order, those below the smallest size put together with the next."""
    size = np.bincount(code)
    new, running = np.zeros(len(size), dtype=int), 0
    current = 0
    for place, count in enumerate(size):
        new[place] = current
        running += int(count)
        if running >= SMALLEST:
            current, running = current + 1, 0
    last = new.max()
    if last and np.isin(new[code], last).sum() < SMALLEST:
        new[new == last] = last - 1
    return np.unique(new[code], return_inverse=True)[1]


@dataclass(frozen=True)
class Movement:
    """How the treatment varies, in its own unit.

    mean: over rows. between: standard deviation of unit means; within: of deviations from them; left: of what the
    effects and covariates leave. range: the largest difference within one unit; typical: the median one. units and
    changers: how many there are, and in how many the treatment ever changes. share: variance left as a share of all.
    worth: units that the information is worth if all told as much.
    """

    mean: float
    between: float
    within: float
    left: float
    range: float
    typical: float
    units: int
    changers: int
    share: float
    worth: float

    @property
    def left_within(self) -> float:
        """The share of the variance within units that effects and covariates leave."""
        return self.left**2 / max(self.within**2, 1e-300)


def movement(data: Rows, effects: PanelEffects) -> Movement:
    """How the treatment moves between and within units, and what the regression is left with."""
    fit, own = effects.regression, choices(effects)
    terms, change = own.terms(data), own.change
    code = np.unique(terms.unit, return_inverse=True)[1]
    x, w = terms.treatment, terms.weight
    size = np.bincount(code, w)
    means = np.bincount(code, w * x) / size
    low, high = np.full(len(size), np.inf), np.full(len(size), -np.inf)
    np.minimum.at(low, code, x)
    np.maximum.at(high, code, x)
    span = high - low
    left = _sd(fit.left[0], fit.regression.weight)
    return Movement(
        mean=change * float(np.average(x, weights=w)),
        between=change * _sd(means, size),
        within=change * _sd(x - means[code], w),
        left=change * left,
        range=change * float(span.max()),
        typical=change * float(np.median(span[span > 0])) if (span > 0).any() else 0.0,
        units=len(size),
        changers=int((span > 0).sum()),
        share=left**2 / max(_sd(x, w) ** 2, 1e-300),
        worth=fit.worth,
    )


def _sd(values: Array, weight: Array) -> float:
    mean = np.average(values, weights=weight)
    return float(np.sqrt(np.average((values - mean) ** 2, weights=weight)))
