"""Two-way fixed effects from cohort moments: shared by the designs that regress on unit and period effects.

The regressors are the same for all units of a cohort, so coefficients are contrasts of cohort mean paths and the
clustered covariance needs only within-cohort moments and the cohorts' mean residual paths (see inference.moments).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.designs import _common
from analysis.inference.moments import Moments
from analysis.panel import NEVER, Array, Panel
from analysis.refusal import Refusal

CONVENTION = (
    "standard errors clustered by {cluster} ({clusters} clusters), corrected by G/(G-1) x (N-1)/(N-K) with K counting "
    "regressors and periods (unit effects are nested in clusters); t distribution with {df} degrees of freedom"
)


def convention(panel: Panel) -> str:
    """The inference in words."""
    words = {"cluster": _common.cluster_word(panel), "clusters": panel.clusters, "df": panel.clusters - 1}
    return CONVENTION.format(**words)


@dataclass(frozen=True, eq=False)
class TwoWay:
    """Coefficients (K,), their clustered covariance (K, K), scores (G, T+2, K) scaled by the small-sample factor."""

    estimate: Array
    covariance: Array
    scores: Array


def regress(
    kernel: Moments, regressors: Array, observations: int, names: list[str], used: Array | None = None
) -> TwoWay:
    """Least squares of the outcome on `regressors` (K, G, T) with unit and period effects, weighted by unit.

    Args:
        kernel: moments of a panel.
        regressors: value of each regressor for every cohort and period.
        observations: unit-periods N in the regression, for the small-sample factor.
        names: one per regressor, for the message.
        used: (G, T) the cells in the regression; all that are observed if None. No cohort may be left out.

    Raises:
        Refusal: E107 when the regressors are collinear given unit and period effects.
    """
    used = np.isfinite(kernel.mean) if used is None else used
    demeaned = _demean(regressors, kernel.size, used)
    bread = np.einsum("kgt,lgt,g->kl", demeaned, demeaned, kernel.size, optimize=True)
    _check_rank(bread, np.where(used, regressors, 0.0), kernel, names)
    inverse = np.linalg.inv(bread)
    mean = _demean(np.where(used, kernel.mean, 0.0)[None], kernel.size, used)[0]
    beta = inverse @ np.einsum("kgt,gt,g->k", demeaned, mean, kernel.size, optimize=True)
    residual = mean - np.einsum("kgt,k->gt", demeaned, beta)
    scaled = np.tensordot(inverse, demeaned, axes=1)
    groups, periods = mean.shape
    scores = np.zeros((groups, periods + 2, len(beta)))
    scores[:, :periods] = scaled.transpose(1, 2, 0)
    scores[:, periods] = np.einsum("lgt,gt->gl", scaled, residual)
    k = len(beta) + int(used.any(axis=0).sum())
    scores *= np.sqrt(small_sample(kernel.clusters, observations, k))
    return TwoWay(beta, kernel.covariance(scores), scores)


def clusters_of(kernel: Moments) -> tuple[Array, Array]:
    """(G,) clusters of each cohort, and (G,) the sum of squared shares of its clusters in the cohort's weight."""
    if kernel.pairs is None:
        assert kernel.cross is not None
        return kernel.count, kernel.cross[:, -2, -2] / kernel.size**2
    groups = len(kernel.cohorts)
    squares = np.bincount(kernel.pair_cohort, weights=kernel.pairs[:, -2] ** 2, minlength=groups)
    return np.bincount(kernel.pair_cohort, minlength=groups), squares / kernel.size**2


def small_sample(clusters: int, observations: int, k: int) -> float:
    """The factor G/(G-1) x (N-1)/(N-K) on a clustered covariance (fixest's default: Berge 2018; CR1).

    Raises Refusal E103 with one cluster, E107 where no observation is left beyond the coefficients.
    """
    if clusters < 2:
        fix = "add units that decide for themselves, or report the comparison as a description"
        raise Refusal("E103", "cluster", "one cluster gives no standard error", fix)
    if observations <= k:
        problem = f"{k} coefficients for {observations} unit-periods"
        raise Refusal("E107", "design", problem, "use `design: group_time`, or more units")
    return clusters / (clusters - 1) * (observations - 1) / (observations - k)


def _demean(x: Array, size: Array, used: Array) -> Array:
    """`x` (K, G, T) net of unit means and of period means weighted by cohort size, on the cells `used`; 0 elsewhere."""
    if not used.all():
        return _net(x, size, used)
    within = x - x.mean(axis=2, keepdims=True)
    return np.asarray(within - np.einsum("kgt,g->kt", within, size)[:, None, :] / size.sum())


def _net(x: Array, size: Array, used: Array) -> Array:
    """The same where cells are missing: what cohort and period indicators do not explain of `x`."""
    row, column = np.nonzero(used)
    root = np.sqrt(size[row])
    dummies = np.hstack([row[:, None] == np.arange(len(size)), column[:, None] == np.arange(used.shape[1])])
    left, values, _ = np.linalg.svd(dummies * root[:, None], full_matrices=False)
    basis = left[:, values > 1e-10 * values[0]]
    y = x[:, row, column].T * root[:, None]
    out = np.zeros_like(x, dtype=float)
    out[:, row, column] = ((y - basis @ (basis.T @ y)) / root[:, None]).T
    return out


def _check_rank(bread: Array, regressors: Array, kernel: Moments, names: list[str]) -> None:
    scale = np.sqrt(np.einsum("kgt,kgt,g->k", regressors, regressors, kernel.size, optimize=True))
    scaled = bread / np.outer(scale, scale)
    values = np.linalg.eigvalsh(scaled)
    missing = int((values < 1e-10 * max(values[-1], 1e-300)).sum())
    if not missing:
        return
    second = (
        f", {missing - 1} even with a second reference period" if missing > 1 and NEVER not in kernel.cohorts else ""
    )
    raise Refusal(
        "E107",
        "design",
        f"two-way fixed effects cannot separate {len(names)} coefficients ({names[0]} to {names[-1]}): "
        f"{missing} too many given unit and period effects{second}",
        "use `design: group_time`; without never-treated units an event study needs more than one reference period",
    )
