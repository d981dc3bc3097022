"""Prais-Winsten regression: a straight line whose errors each repeat a fixed share of the one before.

Estimand: the average, over the periods under the policy, of the outcome less what trend and season predict without it.
Assumes: without the policy the series would have followed the same trend and season; nothing else changed at the start;
    errors follow a first-order autoregression.
Reference: Prais and Winsten (1954); Wooldridge, Introductory Econometrics, section 12.3.
Fails when: another event falls together with the start, or errors follow another pattern; the autocorrelation is
    estimated too low in short series, so that intervals are too narrow.
"""

from __future__ import annotations

import numpy as np

from analysis.designs import _interrupted_effects as shared
from analysis.designs import _interrupted_terms as terms
from analysis.fits.interrupted_time_series import Interrupted
from analysis.inference import time_series
from analysis.inference.error_models import autoregressive
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
) -> Interrupted:
    """Generalised least squares with the autocorrelation estimated in turns with the line; T - k degrees of freedom.

    Raises Refusal as segmented_regression does.
    """
    one, given, again = shared.prepare(estimate, locals())
    beta, left, covariance, rho = time_series.prais_winsten(one.outcome, given.matrix)
    return shared.effects(
        one,
        given,
        beta,
        covariance,
        df=float(len(one.place) - given.matrix.shape[1]),
        method=f"Prais-Winsten regression: {terms.order_words(impact, lag)}",
        inference=f"errors of a first-order autoregression ({rho:.2f} of an error returns in the next period)",
        refit=again,
        innovations=autoregressive(np.array([rho]), left[:, None])[0][:, 0],
    )
