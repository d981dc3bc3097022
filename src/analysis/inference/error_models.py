"""Regression with errors that follow one another: the covariance is estimated by restricted likelihood, on arrays.

y = X b + e with cov(e) = s2 V(theta). `whiten` turns y and X into what least squares may treat as independent; theta
maximises the restricted likelihood, which is not biased by the coefficients of X as the plain likelihood is in short
series.

Reference: Patterson and Thompson (1971); Cheang and Reinsel (2000) for regressions on trends with autoregressive
errors; Harville (1977) for the likelihood; Durbin and Koopman (2012), ch. 2 and 7, for the local level.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.panel import Array

Whiten = Callable[[Array, Array], tuple[Array, float]]
EDGE = 0.995
GRID = 15
ORDERS = ((0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1))


@dataclass(frozen=True)
class Fit:
    """coefficients: (k,); covariance: (k, k); residuals: (T,) of the regression itself, not whitened. theta: what V was
    estimated to be. variance: s2, of the innovations. df: degrees of freedom of the t distribution for `contrast`.
    likelihood: restricted, up to a constant."""

    coefficients: Array
    covariance: Array
    residuals: Array
    theta: Array
    variance: float
    df: float
    likelihood: float


def autoregressive(theta: Array, columns: Array) -> tuple[Array, float]:
    """Columns whitened for errors e_t = theta e_(t-1) + u_t, and minus half the log determinant of V."""
    rho = float(theta[0])
    first = math.sqrt(1 - rho**2) * columns[:1]
    return np.concatenate([first, columns[1:] - rho * columns[:-1]]), 0.5 * math.log(1 - rho**2)


def local_level(theta: Array, columns: Array) -> tuple[Array, float]:
    """The same for a level that wanders: V = (1 - theta) I + theta (a random walk that starts at zero).

    The level before the first period is the constant in X. theta is the share of the wandering in the variance of one
    step, between 0 (noise around a constant) and 1 (a random walk).
    """
    from scipy.linalg import solve_triangular

    share = float(theta[0])
    root = np.linalg.cholesky(_local_level(share, len(columns)))
    return solve_triangular(root, columns, lower=True), -float(np.log(np.diag(root)).sum())


def level_path(theta: Array, residuals: Array) -> Array:
    """(T,) the wandering level that the residuals of a local level regression are expected to hold (its smoothed
    state), less its value before the first period."""
    share, place = float(theta[0]), np.arange(len(residuals))
    covariance = _local_level(share, len(residuals))
    return np.asarray(share * np.minimum.outer(place, place) @ np.linalg.solve(covariance, residuals))


def _local_level(share: float, periods: int) -> Array:
    """(T, T) V of a local level; a hair of noise keeps a pure random walk invertible."""
    place = np.arange(periods)
    noise = max(1 - share, 1e-10)
    return np.asarray(noise * np.eye(periods) + share * np.minimum.outer(place, place))


def arma(p: int, q: int) -> Whiten:
    """The same for errors with p autoregressive and q moving-average terms; theta holds their p + q partial
    autocorrelations, each between -1 and 1, so that the errors are stationary and invertible."""

    def whiten(theta: Array, columns: Array) -> tuple[Array, float]:
        from statsmodels.tsa.innovations.arma_innovations import arma_innovations

        moving = -from_partial(theta[p:])
        innovations, variance = arma_innovations(columns, ar_params=from_partial(theta[:p]), ma_params=moving)
        scale = np.sqrt(variance)[:, None]
        return innovations / scale, -float(np.log(scale).sum())

    return whiten


def from_partial(partial: Array) -> Array:
    """(p,) autoregressive coefficients with the given partial autocorrelations (Monahan 1984)."""
    found = np.empty(0)
    for last in partial:
        found = np.append(found - last * found[::-1], last)
    return found


def restricted(y: Array, x: Array, whiten: Whiten, theta: Array) -> tuple[float, Array, Array, float]:
    """Restricted log likelihood at `theta` (s2 concentrated out), coefficients, (X'V^-1 X)^-1 and s2."""
    r, found = _triangle(y, x, whiten, theta)
    inverse = np.linalg.inv(r[:-1, :-1])
    variance = float(r[-1, -1]) ** 2 / (len(y) - x.shape[1])
    return found, inverse @ r[:-1, -1], inverse @ inverse.T, variance


def likelihood(y: Array, x: Array, whiten: Whiten, theta: Array) -> float:
    """The restricted log likelihood alone."""
    return _triangle(y, x, whiten, theta)[1]


def _triangle(y: Array, x: Array, whiten: Whiten, theta: Array) -> tuple[Array, float]:
    """The triangle R of the whitened [X y], which holds coefficients and squares, and the likelihood."""
    whitened, half = whiten(theta, np.column_stack([x, y]))
    r = np.asarray(np.linalg.qr(whitened, mode="r"))
    logs = np.log(np.abs(np.diagonal(r)))
    return r, half - (len(y) - x.shape[1]) * float(logs[-1]) - float(logs[:-1].sum())


def one_parameter(y: Array, x: Array, whiten: Whiten, low: float, high: float, contrast: Array) -> Fit:
    """The fit with the theta between `low` and `high` that maximises the restricted likelihood."""
    from scipy.optimize import minimize_scalar

    def loss(theta: float) -> float:
        return -likelihood(y, x, whiten, np.array([theta]))

    grid = np.linspace(low, high, GRID)
    best = int(np.argmin([loss(t) for t in grid]))
    around = (grid[max(best - 1, 0)], grid[min(best + 1, GRID - 1)])
    found = minimize_scalar(loss, bounds=around, method="bounded", options={"xatol": 1e-9})
    theta = float(found.x) if found.fun <= loss(grid[best]) else float(grid[best])
    return at(y, x, whiten, np.array([theta]), contrast, bounds=(low, high))


def best_arma(y: Array, x: Array, orders: Sequence[tuple[int, int]], contrast: Array) -> tuple[tuple[int, int], Fit]:
    """The orders with the lowest corrected Akaike criterion, and their fit.

    The criterion counts the error parameters and s2 against the T - k degrees of freedom that the restricted likelihood
    uses (X is the same for all).
    """
    free, found = len(y) - x.shape[1], []
    for p, q in orders:
        theta = _search(y, x, arma(p, q), p + q)
        count = p + q + 1
        penalty = 2 * count * free / (free - count - 1) if free > count + 1 else math.inf
        found.append((penalty - 2 * likelihood(y, x, arma(p, q), EDGE * np.tanh(theta)), (p, q), theta))
    _, order, theta = min(found, key=lambda one: (one[0], one[1]))
    theta = _polished(y, x, arma(*order), theta)
    return order, at(y, x, arma(*order), theta, contrast, bounds=(-EDGE, EDGE))


def _search(y: Array, x: Array, whiten: Whiten, count: int) -> Array:
    """The `count` partial autocorrelations that maximise the restricted likelihood: the best point of a coarse grid,
    improved."""
    from itertools import product

    from scipy.optimize import minimize

    if not count:
        return np.empty(0)

    def loss(free: Array) -> float:
        return -likelihood(y, x, whiten, EDGE * np.tanh(free))

    start = min((np.array(point) for point in product((-0.7, 0.0, 0.7), repeat=count)), key=loss)
    return np.asarray(minimize(loss, start, method="BFGS", options={"gtol": 1e-4}).x)


def _polished(y: Array, x: Array, whiten: Whiten, free: Array) -> Array:
    """The same to far more digits than are shown."""
    from scipy.optimize import minimize

    if not len(free):
        return free

    def loss(point: Array) -> float:
        return -likelihood(y, x, whiten, EDGE * np.tanh(point))

    options = {"xatol": 1e-9, "fatol": 1e-13, "maxiter": 400 * len(free), "initial_simplex": _simplex(free)}
    return np.asarray(EDGE * np.tanh(minimize(loss, free, method="Nelder-Mead", options=options).x))


def _simplex(point: Array) -> Array:
    return np.vstack([point, point + 0.01 * np.eye(len(point))])


def at(y: Array, x: Array, whiten: Whiten, theta: Array, contrast: Array, bounds: tuple[float, float]) -> Fit:
    """The fit at `theta`; degrees of freedom for `contrast` count how well the data tell its variance."""
    found, beta, inverse, variance = restricted(y, x, whiten, theta)
    df = satterthwaite(y, x, whiten, theta, contrast, bounds)
    return Fit(beta, variance * inverse, y - x @ beta, theta, variance, df, found)


def satterthwaite(
    y: Array, x: Array, whiten: Whiten, theta: Array, contrast: Array, bounds: tuple[float, float]
) -> float:
    """Degrees of freedom of contrast'b (Satterthwaite): 2 over the variance of the log of its estimated variance.

    log variance = log s2 + log h(theta), h = contrast'(X'V^-1 X)^-1 contrast. At the maximum, log s2 given theta varies
    by 2 / (T - k), and theta by the inverse curvature of the concentrated likelihood; the gradient of
    log s2(theta) + log h(theta) along theta carries the second into the first. Never above T - k, never below one.
    """
    free = float(len(y) - x.shape[1])
    step = 1e-3

    def log_variance(point: Array) -> float:
        _, _, inverse, variance = restricted(y, x, whiten, point)
        return math.log(variance * float(contrast @ inverse @ contrast))

    low, high = (np.full(len(theta), bound) for bound in bounds)
    middle = np.clip(theta, low + 2 * step, high - 2 * step)
    shifts = step * np.eye(len(theta))
    gradient = np.array([log_variance(middle + s) - log_variance(middle - s) for s in shifts]) / (2 * step)
    curvature = -_hessian(lambda point: likelihood(y, x, whiten, point), middle, step)
    values, vectors = np.linalg.eigh(curvature)
    kept = values > 1e-6
    along = (vectors.T @ gradient)[kept]
    spread = 2 / free + float((along**2 / values[kept]).sum())
    return max(1.0, min(free, 2 / spread))


def _hessian(function: Callable[[Array], float], point: Array, step: float) -> Array:
    n = len(point)
    found = np.empty((n, n))
    for a in range(n):
        for b in range(a, n):
            s, t = step * np.eye(n)[a], step * np.eye(n)[b]
            mixed = (
                function(point + s + t) - function(point + s - t) - function(point - s + t) + function(point - s - t)
            )
            found[a, b] = found[b, a] = mixed / (4 * step**2)
    return found
