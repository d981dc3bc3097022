"""Entropy balancing: weights as even as possible under which covariate means are exactly alike.

Estimand: the average effect on the treated, or over everyone (the parameter estimand).
Assumes: given the covariates, who is treated has nothing to do with what the outcome would be without treatment; and
    either the outcome is linear in the covariates (and squares) balanced, or the logarithm of the odds of treatment is.
Reference: Hainmueller (2012), Political Analysis 20(1); errors from the estimating equations, after Zhao and Percival
    (2017) and Jann (2021).
Fails when: something unmeasured moves both treatment and outcome, or groups are so far apart that a few rows carry the
    comparison, or none can.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from analysis.designs import _weighting
from analysis.fits.weighting import Weighted
from analysis.inference import entropy
from analysis.inference.carried import Carried, carry
from analysis.panel import Array
from analysis.refusal import Refusal
from analysis.rows import Rows

FAMILIES = ("weighting",)
STACKED = "errors from the estimating equations of the balancing weights"
KNOWN = "robust errors that take the weights as known (HC0)"


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
    """The difference of means under weights that make covariate means equal to 1e-12 standard deviations.

    Raises Refusal as `_weighting.setting` does, and E126 naming the covariate where no positive weights balance it.
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
    sides = tuple(_side(at, member, known_weights) for member in (at.treated, ~at.treated))
    return _weighting.weighted(
        at,
        (sides[0], sides[1]),
        method=f"entropy balancing of {len(at.names)} columns of covariates",
        basis=KNOWN if known_weights else STACKED,
        refit=again,
    )


def _side(at: _weighting.Setting, member: Array, known: bool) -> Carried:
    """The mean outcome of one group, balanced to the target."""
    share = at.share(np.ones(at.rows.n), member)
    if not at.everyone and at.treated[member].all():
        return carry(at.rows.outcome, at.target, share)
    found = entropy.balance(at.design[member, 1:], at.rows.weight[member], at.target @ at.design[:, 1:])
    if found.blame is not None:
        raise _infeasible(at.names[found.blame])
    share[member] = found.weights
    return carry(at.rows.outcome, at.target, share, design=at.design, regression=None if known else share)


def _infeasible(name: str) -> Refusal:
    return Refusal(
        "E126",
        f"covariates:{name}",
        "the groups do not overlap: no positive weights of one group reach the mean of the other",
        f"compare only where both groups are found (`where`), or drop {name}",
    )
