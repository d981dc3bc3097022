"""Inverse-probability weighting: rows count by how rare their covariates are in their own group.

Estimand: the average effect on the treated, or over everyone (the parameter estimand).
Assumes: given the covariates, who is treated has nothing to do with what the outcome would be without treatment; every
    kind of row could have been in either group; the logit of treatment on the covariates is right.
Reference: Hirano and Imbens (2001); Lunceford and Davidian (2004); weights in ratio form (Hajek), errors from the
    stacked estimating equations of propensity and means. Hernan and Robins, Causal Inference: What If, chapter 12.
Fails when: something unmeasured moves both treatment and outcome, or few rows carry the comparison because the groups
    hardly overlap.
"""

from __future__ import annotations

from functools import partial

from analysis.designs import _weighting
from analysis.fits.weighting import Weighted
from analysis.inference import propensity
from analysis.inference.carried import carry
from analysis.rows import Rows

FAMILIES = ("weighting",)
STACKED = "errors from the stacked estimating equations, which count that the weights are estimated"
KNOWN = "robust errors that take the weights as known (HC0, as generalised estimating equations with independence)"


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
    """The difference of means under inverse-probability weights that add up to one in each group.

    known_weights: errors as if the weights were not estimated, as textbooks and standard software give them.

    Raises Refusal as `_weighting.setting` does, and E126 where the groups do not overlap.
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
    fitted = _weighting.fitted(at)
    raw, slope = propensity.weights(fitted.fitted, at.treated, everyone=at.everyone)
    sides = [
        carry(
            at.rows.outcome,
            at.target,
            at.share(raw, member),
            design=at.design,
            propensity=fitted,
            slope=slope,
            known=known_weights,
        )
        for member in (at.treated, ~at.treated)
    ]
    return _weighting.weighted(
        at,
        (sides[0], sides[1]),
        method=f"inverse-probability weighting, logit on {len(at.names)} columns of covariates",
        basis=KNOWN if known_weights else STACKED,
        refit=again,
        fitted=fitted,
        raw=raw,
    )
