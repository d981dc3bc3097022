"""Structural series: a level that wanders from period to period instead of a straight trend, plus season and policy.

Estimand: the average, over the periods under the policy, of the outcome less what the level before would have become.
Assumes: without the policy the level would have wandered as it did before; nothing else changed at the start; the
    seasonal pattern stays the same.
Reference: Harvey and Durbin (1986); Commandeur and Koopman (2007); Durbin and Koopman (2012).
Fails when: another event falls together with the start, or the level drifts in one direction, which this model calls
    chance.
"""

from __future__ import annotations

from analysis.designs import _interrupted_effects as shared
from analysis.designs import _interrupted_series as timeline
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
    drift: bool = False,
) -> Interrupted:
    """Local level with fixed seasonal terms, regressors and the policy, by restricted (exact diffuse) likelihood.

    drift: the level also moves by the same amount in every period.
    Raises Refusal as segmented_regression does, and for more than 2,000 periods (E125).
    """
    one, given, again = shared.prepare(estimate, locals())
    timeline.at_most(one, 2000)
    whiten = error_models.local_level
    found = error_models.one_parameter(one.outcome, given.matrix, whiten, 0.0, 1.0, terms.contrast(one, given))
    share = f"a level that wanders ({found.theta[0]:.0%} of the variance of one step)"
    return shared.likelihood_effects(
        one,
        given,
        found,
        whiten,
        method=f"local level model: {terms.order_words(impact, lag)}",
        errors=share.replace("%", "\u202f%"),
        refit=again,
        level=error_models.level_path(found.theta, found.residuals),
    )
