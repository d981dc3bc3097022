"""ARMA errors: a straight line with a pattern of errors whose length is chosen by its fit.

Estimand: the average, over the periods under the policy, of the outcome less what trend and season predict without it.
Assumes: without the policy the series would have followed the same trend and season; nothing else changed at the start;
    errors are a stationary autoregressive moving average.
Reference: Box and Tiao (1975); Hurvich and Tsai (1989) for the criterion; Monahan (1984) for the parameters.
Fails when: another event falls together with the start, the trend would have bent anyway, or the series is too short to
    choose a pattern.
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
    order: list[int] | tuple[int, ...] = (),
) -> Interrupted:
    """Generalised least squares with ARMA(p, q) errors by restricted likelihood.

    order: p and q; without it the pair up to (2, 1) with the lowest corrected Akaike criterion. Raises Refusal as
    segmented_regression does.
    """
    one, given, again = shared.prepare(estimate, locals())
    weights = terms.contrast(one, given)
    orders = [(order[0], order[1])] if order else error_models.ORDERS
    (p, q), found = error_models.best_arma(one.outcome, given.matrix, orders, weights)
    chosen = "as given" if order else f"the lowest corrected Akaike criterion of {len(orders)}"
    return shared.likelihood_effects(
        one,
        given,
        found,
        error_models.arma(p, q),
        method=f"regression with ARMA({p}, {q}) errors: {terms.order_words(impact, lag)}",
        errors=f"ARMA({p}, {q}) errors ({chosen})",
        refit=again,
    )
