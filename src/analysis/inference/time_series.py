"""Least squares on a series: coefficients, errors that allow for autocorrelation, and tests for what is left of it.

Arrays in, arrays out; rows are periods in order.

Reference: Newey and West (1987); Prais and Winsten (1954); Breusch (1978) and Godfrey (1978); Ljung and Box (1978).
"""

from __future__ import annotations

import numpy as np

from analysis.inference.error_models import autoregressive
from analysis.panel import Array


def least_squares(y: Array, x: Array) -> tuple[Array, Array, Array]:
    """Coefficients (k,), residuals (T,) and (X'X)^-1 (k, k)."""
    q, r = np.linalg.qr(x)
    inverse = np.linalg.inv(r)
    beta = inverse @ (q.T @ y)
    return np.asarray(beta), np.asarray(y - x @ beta), np.asarray(inverse @ inverse.T)


def usual_lags(periods: int) -> int:
    """Lags of Newey-West errors where none are given: 4 (T/100)^(2/9), rounded down."""
    return int(4 * (periods / 100) ** (2 / 9))


def newey_west(scores: Array, inverse: Array, lags: int) -> Array:
    """(k, k) covariance robust to autocorrelation up to `lags` periods: Bartlett weights, factor T/(T-k).

    scores: (T, k) each period's contribution to the normal equations; inverse: (k, k) of their derivative.
    """
    periods, k = scores.shape
    meat = scores.T @ scores
    for lag in range(1, lags + 1):
        cross = scores[lag:].T @ scores[:-lag]
        meat += (1 - lag / (lags + 1)) * (cross + cross.T)
    return np.asarray(periods / (periods - k) * inverse @ meat @ inverse)


def prais_winsten(y: Array, x: Array) -> tuple[Array, Array, Array, float]:
    """Coefficients, residuals, covariance (k, k) and autocorrelation rho, estimated in turns until rho stands still.

    rho is the regression of a residual on the one before; the first period is kept, scaled by sqrt(1 - rho^2).
    """
    rho, limit = 0.0, 0.999
    for _ in range(500):
        white, _ = autoregressive(np.array([rho]), np.column_stack([y, x]))
        beta, left, inverse = least_squares(white[:, 0], white[:, 1:])
        residuals = y - x @ beta
        found = float(residuals[1:] @ residuals[:-1] / (residuals[:-1] @ residuals[:-1]))
        found = min(max(found, -limit), limit)
        if abs(found - rho) < 1e-12:
            break
        rho = found
    variance = float(left @ left) / (len(y) - x.shape[1])
    return beta, np.asarray(residuals), variance * inverse, rho


def autocorrelations(residuals: Array, lags: int) -> Array:
    """(lags,) correlation of a residual with the one 1, 2, ... periods before."""
    centred = residuals - residuals.mean()
    total = centred @ centred
    return np.array([float(centred[lag:] @ centred[:-lag] / total) for lag in range(1, lags + 1)])


def ljung_box(residuals: Array, lags: int) -> tuple[float, float]:
    """Statistic and p-value of no autocorrelation up to `lags`."""
    from scipy import stats

    n = len(residuals)
    found = autocorrelations(residuals, lags)
    value = float(n * (n + 2) * (found**2 / (n - np.arange(1, lags + 1))).sum())
    return value, float(stats.chi2.sf(value, lags))
