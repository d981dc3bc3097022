"""Two-way fixed effects from cohort moments: shared by the designs that regress on unit and period effects.

The regressors are the same for all units of a cohort, so coefficients are contrasts of cohort mean paths and the
clustered covariance needs only within-cohort moments and the cohorts' mean residual paths (see inference.moments).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.inference.moments import Moments
from analysis.panel import Array
from analysis.refusal import Refusal

CONVENTION = (
    "standard errors clustered by {cluster} ({clusters} clusters), corrected by G/(G-1) x (N-1)/(N-K) with K counting "
    "regressors and periods (unit effects are nested in clusters); t distribution with {df} degrees of freedom"
)


@dataclass(frozen=True, eq=False)
class TwoWay:
    """Coefficients (K,), their clustered covariance (K, K), scores (G, T+2, K) scaled by the small-sample factor."""

    estimate: Array
    covariance: Array
    scores: Array


def regress(kernel: Moments, regressors: Array, observations: int, names: list[str]) -> TwoWay:
    """Least squares of the outcome on `regressors` (K, G, T) with unit and period effects, weighted by unit.

    Args:
        kernel: moments of a panel in which no cell is masked.
        regressors: value of each regressor for every cohort and period.
        observations: unit-periods N, for the small-sample factor (fixest's default: Berge 2018; CR1).
        names: one per regressor, for the message.

    Raises:
        Refusal: E107 when the regressors are collinear given unit and period effects.
    """
    demeaned = _demean(regressors, kernel.size)
    bread = np.einsum("kgt,lgt,g->kl", demeaned, demeaned, kernel.size, optimize=True)
    _check_rank(bread, regressors, kernel.size, names)
    inverse = np.linalg.inv(bread)
    beta = inverse @ np.einsum("kgt,gt,g->k", demeaned, kernel.mean, kernel.size, optimize=True)
    residual = _demean(kernel.mean[None], kernel.size)[0] - np.einsum("kgt,k->gt", demeaned, beta)
    scaled = np.einsum("kgt,kl->lgt", demeaned, inverse)
    groups, periods = kernel.mean.shape
    scores = np.zeros((groups, periods + 2, len(beta)))
    scores[:, :periods] = scaled.transpose(1, 2, 0)
    scores[:, periods] = np.einsum("lgt,gt->gl", scaled, residual)
    k = len(beta) + periods
    factor = kernel.clusters / (kernel.clusters - 1) * (observations - 1) / (observations - k)
    scores *= np.sqrt(factor)
    return TwoWay(beta, kernel.covariance(scores), scores)


def _demean(x: Array, size: Array) -> Array:
    """`x` (K, G, T) net of unit means and of period means weighted by cohort size."""
    within = x - x.mean(axis=2, keepdims=True)
    return np.asarray(within - np.einsum("kgt,g->kt", within, size)[:, None, :] / size.sum())


def _check_rank(bread: Array, regressors: Array, size: Array, names: list[str]) -> None:
    scale = np.sqrt(np.einsum("kgt,kgt,g->k", regressors, regressors, size, optimize=True))
    scaled = bread / np.outer(scale, scale)
    values = np.linalg.eigvalsh(scaled)
    missing = int((values < 1e-10 * max(values[-1], 1e-300)).sum())
    if missing:
        raise Refusal(
            "E107",
            "design",
            f"two-way fixed effects cannot separate {len(names)} coefficients ({names[0]} to {names[-1]}): "
            f"{missing} too many given unit and period effects",
            "use `design: group_time`; without never-treated units an event study needs more than one reference period",
        )
