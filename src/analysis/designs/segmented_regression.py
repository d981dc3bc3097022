"""Segmented regression: one line through the series that may change level and slope when the policy starts.

Estimand: the average, over the periods under the policy, of the outcome less what trend and season predict without it.
Assumes: without the policy the series would have followed the same trend and season; nothing else changed at the start;
    the shape of the effect (step, ramp or both) was chosen before looking.
Reference: Wagner, Soumerai, Zhang and Ross-Degnan (2002); Bernal, Cummins and Gasparrini (2017); Newey and West (1987).
Fails when: another event falls together with the start, the trend would have bent anyway, or the series is short and
    autocorrelated, so that intervals are too narrow.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analysis.designs import _interrupted_counts as counts
from analysis.designs import _interrupted_effects as shared
from analysis.designs import _interrupted_terms as terms
from analysis.fits.interrupted_time_series import Interrupted
from analysis.inference import time_series
from analysis.panel import Array
from analysis.rows import Rows

FAMILIES = ("interrupted_time_series",)


def estimate(
    data: Rows,
    *,
    start: float,
    end: float | None = None,
    impact: str = "step",
    lag: int = 0,
    season: int | None = None,
    seasonality: str = "dummies",
    harmonics: int = 2,
    covariates: list[str] | tuple[str, ...] = (),
    other_events: list[str] | tuple[str, ...] = (),
    family: str = "linear",
    exposure: str | None = None,
    errors: str = "newey_west",
    lags: int | None = None,
) -> Interrupted:
    """Least squares, or Poisson and negative binomial regression of counts with the logarithm of `exposure` as offset.

    Effects are in the unit of the outcome (counts a period, for counts). Errors are Newey-West with `lags` (by default
    4 (T/100)^(2/9)) or classical.

    Raises:
        Refusal: gaps or repeats (P001, P008), no start inside (P005), too short (E125), collinear terms (E107), counts
            below zero or no exposure (E108).
    """
    one, given, again = shared.prepare(estimate, locals())
    used = time_series.usual_lags(len(one.place)) if lags is None else lags
    df = float(len(one.place) - given.matrix.shape[1])
    robust = errors != "classical"
    named = f"Newey-West errors with {used} lags, factor T/(T-k)" if robust else "classical errors"
    common: dict[str, Any] = {"df": df, "inference": named, "refit": again, "handled": robust}
    shape = terms.order_words(impact, lag)
    if family == "linear":
        beta, left, inverse = time_series.least_squares(one.outcome, given.matrix)
        covariance = _covariance(given.matrix, left, inverse, used if robust else None)
        method = f"segmented regression: {shape}"
        return shared.effects(one, given, beta, covariance, method=method, innovations=left, **common)
    per = counts.exposure(one, exposure)
    beta, covariance, left = counts.fit(one.outcome, given.matrix, per, family, used if robust else None)
    method = f"{family.replace('_', ' ')} regression: {shape}"
    return shared.effects(
        one, given, beta, covariance, method=method, innovations=left, exposure=per, logged=True, **common
    )


def _covariance(x: Array, left: Array, inverse: Array, lags: int | None) -> Array:
    if lags is None:
        return np.asarray(float(left @ left) / (len(x) - x.shape[1]) * inverse)
    return time_series.newey_west(x * left[:, None], inverse, lags)
