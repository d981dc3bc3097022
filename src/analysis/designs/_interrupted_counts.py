"""Counts by period: Poisson and negative binomial regression with an exposure, and errors robust to autocorrelation."""

from __future__ import annotations

import numpy as np

from analysis.designs._interrupted_series import Series
from analysis.inference.time_series import newey_west
from analysis.panel import Array
from analysis.refusal import Refusal


def exposure(one: Series, name: str | None) -> Array:
    """(T,) the column that counts are proportional to, ones without it. Raises Refusal E108 where it cannot be."""
    if (one.outcome < 0).any():
        fix = "set `family: linear`, or choose a count"
        raise Refusal("E108", "family", "the outcome has values below zero: no counts", fix)
    if name is None:
        return np.ones(len(one.place))
    values = one.rows.column(name)
    if (values <= 0).any():
        raise Refusal("E108", f"exposure:{name}", "the exposure is zero or negative", "correct it, or leave it out")
    return values


def fit(y: Array, x: Array, per: Array, family: str, lags: int | None) -> tuple[Array, Array, Array]:
    """Coefficients on the log scale, covariance (observed information), and residuals in standard deviations (Pearson).

    Covariance: Newey-West of the scores with `lags`; None for the model's own, with the Poisson variance scaled to the
    data. The negative binomial variance mu + alpha mu^2 takes alpha by maximum likelihood.
    """
    alpha = _dispersion(y, x, per) if family == "negative_binomial" else 0.0
    beta, mean = _scored(y, x, per, alpha)
    variance = mean + alpha * mean**2
    score = (y - mean) * mean / variance
    observed = mean * (1 + alpha * y) / (1 + alpha * mean) ** 2
    inverse = np.linalg.inv((x * observed[:, None]).T @ x)
    pearson = (y - mean) / np.sqrt(variance)
    if lags is not None:
        return beta, newey_west(x * score[:, None], inverse, lags), pearson
    scale = float(pearson @ pearson) / (len(y) - x.shape[1]) if family == "poisson" else 1.0
    return beta, scale * inverse, pearson


def _scored(y: Array, x: Array, per: Array, alpha: float) -> tuple[Array, Array]:
    """Maximum likelihood by Fisher scoring from the logarithm of the counts."""
    offset, mean = np.log(per), y + 0.5 * max(float(y.mean()), 1e-300)
    beta = np.zeros(x.shape[1])
    for _ in range(200):
        weight = mean / (1 + alpha * mean)
        target = np.log(mean) - offset + (y - mean) / mean
        root = np.sqrt(weight)
        new = np.linalg.lstsq(x * root[:, None], target * root, rcond=None)[0]
        mean = per * np.exp(x @ new)
        if np.abs(new - beta).max() < 1e-12:
            break
        beta = new
    return new, mean


def _dispersion(y: Array, x: Array, per: Array) -> float:
    """alpha that maximises the negative binomial likelihood; zero where the counts vary no more than Poisson ones."""
    from scipy.optimize import minimize_scalar
    from scipy.special import gammaln

    def loss(log_alpha: float) -> float:
        alpha = float(np.exp(log_alpha))
        mean, r = _scored(y, x, per, alpha)[1], 1 / alpha
        parts = gammaln(y + r) - gammaln(r) + r * np.log(r / (r + mean)) + y * np.log(mean / (r + mean))
        return -float(parts.sum())

    found = minimize_scalar(loss, bounds=(-18.0, 5.0), method="bounded", options={"xatol": 1e-10})
    return float(np.exp(found.x)) if found.x > -17.9 else 0.0
