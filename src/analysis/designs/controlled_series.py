"""Controlled series: the outcome less a series that the policy cannot touch, so that what moves both drops out.

Estimand: the average, over the periods under the policy, of the outcome less the control series and the trend between
    them.
Assumes: without the policy the distance between the series would have kept its trend and season; the policy leaves the
    control series alone; both are in the same unit.
Reference: Bernal, Cummins and Gasparrini (2018), controlled interrupted time series; Linden (2015).
Fails when: the policy moves the control series as well (people change places or roads), or something else hits only one
    of them.
"""

from __future__ import annotations

from analysis.designs import _interrupted_effects as shared
from analysis.designs import _interrupted_series as timeline
from analysis.designs import _interrupted_terms as terms
from analysis.fits.interrupted_time_series import Interrupted
from analysis.inference import error_models
from analysis.refusal import Refusal
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
    control_series: list[str] | tuple[str, ...] = (),
) -> Interrupted:
    """The regression with autoregressive errors on the outcome less the mean of the control series.

    Raises Refusal as segmented_regression does, and without a control series (P005).
    """
    if not control_series:
        fix = "name columns under `control_series`"
        raise Refusal("P005", "control_series", "no series to compare with", fix)
    one, given, again = shared.prepare(estimate, locals())
    edge, weights = error_models.EDGE, terms.contrast(one, given)
    control = timeline.mean_of(one, list(control_series))
    whiten, apart = error_models.autoregressive, one.outcome - control
    found = error_models.one_parameter(apart, given.matrix, whiten, -edge, edge, weights)
    share = f"errors of a first-order autoregression ({found.theta[0]:.2f} of an error returns in the next period)"
    named = "the control series" if len(control_series) == 1 else f"the mean of {len(control_series)} control series"
    shape = terms.order_words(impact, lag)
    return shared.likelihood_effects(
        one,
        given,
        found,
        whiten,
        method=f"regression of the distance to {named} with autoregressive errors: {shape}",
        errors=share,
        refit=again,
        control=control,
    )
