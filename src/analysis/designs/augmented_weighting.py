"""Doubly robust weighting: inverse-probability weights, with a regression for what they leave.

Estimand: the average effect on the treated, or over everyone (the parameter estimand).
Assumes: given the covariates, who is treated has nothing to do with what the outcome would be without treatment; every
    kind of row could have been in either group; and either the logit of treatment or the linear regressions of the
    outcome in each group are right.
Reference: Robins, Rotnitzky and Zhao (1994); Bang and Robins (2005); weights in ratio form; errors from the stacked
    estimating equations of propensity, regressions and means.
Fails when: something unmeasured moves both treatment and outcome, or few rows carry the comparison.
"""

from __future__ import annotations

from functools import partial

from analysis.designs import _weighting
from analysis.fits.weighting import Weighted
from analysis.inference import propensity
from analysis.inference.carried import carry
from analysis.rows import Rows

FAMILIES = ("weighting",)
STACKED = "errors from the stacked estimating equations of propensity, regressions and means"
KNOWN = "errors from the efficient influence function, which take propensities and regressions as known"


def estimate(
    rows: Rows,
    *,
    treatment: str,
    covariates: list[str],
    squares: list[str],
    estimand: str,
    trim: float,
    known_weights: bool,
) -> Weighted:
    """Predicted means plus weighted means of what the predictions miss, treated less comparison.

    known_weights: errors from the efficient influence function, as if propensity and regressions were not estimated.

    Raises Refusal as `_weighting.setting` does; E126 where the groups do not overlap, E107 where a group is too small
    or too alike for its regression.
    """
    again = partial(
        estimate,
        treatment=treatment,
        covariates=covariates,
        squares=squares,
        estimand=estimand,
        trim=trim,
        known_weights=known_weights,
    )
    at = _weighting.setting(rows, treatment, covariates, squares, estimand, trim)
    _weighting.regressable(at)
    fitted = _weighting.fitted(at)
    raw, slope = propensity.weights(fitted.fitted, at.treated, everyone=at.everyone)
    shares = [at.share(raw, member) for member in (at.treated, ~at.treated)]
    sides = [
        carry(
            at.rows.outcome,
            at.target,
            share,
            design=at.design,
            regression=at.rows.weight * (share > 0),
            propensity=fitted,
            slope=slope,
            known=known_weights,
        )
        for share in shares
    ]
    return _weighting.weighted(
        at,
        (sides[0], sides[1]),
        method=f"doubly robust weighting, logit and least squares on {len(at.names)} columns of covariates",
        basis=KNOWN if known_weights else STACKED,
        refit=again,
        fitted=fitted,
        raw=raw,
        base=shares[0] + shares[1],
    )
