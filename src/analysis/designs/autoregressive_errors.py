"""Autoregressive errors: a straight line whose errors follow one another, fitted with care for short series.

Estimand: the average, over the periods under the policy, of the outcome less what trend and season predict without it.
Assumes: without the policy the series would have followed the same trend and season; nothing else changed at the start;
    errors follow a first-order autoregression.
Reference: Cheang and Reinsel (2000); Patterson and Thompson (1971) for restricted likelihood; Satterthwaite (1946);
    Turner and others (2021) compare it with the other designs.
Fails when: another event falls together with the start, the trend would have bent anyway, or errors follow a longer
    pattern; with a dozen periods the autocorrelation cannot be told from the effect.
"""

from __future__ import annotations

from analysis.designs import _interrupted_effects as shared
from analysis.designs import _interrupted_terms as terms
from analysis.fits.interrupted_time_series import Interrupted
from analysis.inference import error_models
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
    """Generalised least squares with the autocorrelation that maximises the restricted likelihood, and degrees of
    freedom that count how well it is known.

    Raises Refusal as segmented_regression does.
    """
    one, given, again = shared.prepare(estimate, locals())
    edge, weights = error_models.EDGE, terms.contrast(one, given)
    whiten = error_models.autoregressive
    found = error_models.one_parameter(one.outcome, given.matrix, whiten, -edge, edge, weights)
    share = f"errors of a first-order autoregression ({found.theta[0]:.2f} of an error returns in the next period)"
    shape = terms.order_words(impact, lag)
    return shared.likelihood_effects(
        one, given, found, whiten, method=f"regression with autoregressive errors: {shape}", errors=share, refit=again
    )
