"""A polynomial fitted to every row of a window around a cut-off, by least squares or two-stage least squares.

Reference: Lee and Lemieux (2010), Journal of Economic Literature 48(2), section 4. Arrays in, numbers out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.panel import Array


@dataclass(frozen=True)
class WindowFit:
    """The jump at the cut-off (towards the treated side, or per unit of take-up), its error and degrees of freedom.

    lines: polynomial coefficients in distance from the cut-off, (untreated side, treated side), constant first, at the
    mean of the covariates. errors: in words.
    """

    value: float
    std_error: float
    df: float
    n: int
    lines: tuple[Array, Array]
    errors: str


def terms(distance: Array, treated: Array, polynomial: int, separate: bool) -> tuple[Array, Array]:
    """(rows, k) what changes with the side (its indicator, and its slopes where they differ), and (rows, k') powers."""
    powers = distance[:, None] ** np.arange(1, polynomial + 1)
    side = treated.astype(float)[:, None]
    return (np.hstack([side, side * powers]) if separate else side), powers


def least_squares(
    y: Array, changing: Array, powers: Array, covariates: Array, *, weight: Array, cluster: Array | None, errors: str
) -> WindowFit:
    """Least squares of y on the columns of `terms` and covariates; the jump is the first coefficient.

    errors: "classical" or "robust" (HC1); clustered (CR1, t with G-1 degrees of freedom) where `cluster` is given.
    Raises ValueError where a column repeats others.
    """
    n, k = len(y), changing.shape[1] + 1 + powers.shape[1] + covariates.shape[1]
    held = covariates - np.average(covariates, axis=0, weights=weight) if covariates.size else covariates
    shape = np.hstack([changing, np.ones((n, 1)), powers])
    outcome, design = without(held, [y[:, None], shape], weight)
    root = np.sqrt(weight)[:, None]
    scale = np.sqrt(((root * design) ** 2).sum(axis=0))
    q, r = np.linalg.qr(root * design / scale)
    if np.abs(np.diag(r)).min() < 1e-9:
        raise ValueError("a column repeats others")
    beta = np.linalg.solve(r, q.T @ (root * outcome))[:, 0] / scale
    rest = (root * (outcome - design @ beta[:, None]))[:, 0]
    own = (q @ np.linalg.solve(r.T, np.eye(r.shape[0])[0])) / scale[0]
    variance, df, words = _variance(own, rest, n, k, cluster, errors)
    lines = _lines(beta, changing.shape[1], powers.shape[1])
    return WindowFit(float(beta[0]), float(np.sqrt(variance)), df, n, lines, words)


def _variance(own: Array, rest: Array, n: int, k: int, cluster: Array | None, errors: str) -> tuple[float, float, str]:
    """Variance of the coefficient that weights outcomes by `own`, its degrees of freedom, and the errors in words."""
    if cluster is not None:
        sums = np.bincount(np.unique(cluster, return_inverse=True)[1], weights=own * rest)
        groups = len(sums)
        factor = groups / (groups - 1) * (n - 1) / (n - k)
        words = "errors clustered by {cluster} ({clusters} clusters; factor G/(G-1) x (N-1)/(N-K))"
        return factor * float((sums**2).sum()), float(groups - 1), words
    if errors == "classical":
        return float((rest**2).sum() / (n - k) * (own**2).sum()), float(n - k), "classical least-squares errors"
    words = "heteroskedasticity-robust errors (HC1)"
    return n / (n - k) * float(((own * rest) ** 2).sum()), float(n - k), words


def two_stage(
    y: Array,
    taken: Array,
    instruments: Array,
    powers: Array,
    covariates: Array,
    *,
    weight: Array | None,
    cluster: Array | None,
    errors: str,
) -> WindowFit:
    """Two-stage least squares of y on take-up (and take-up x powers, where `instruments` hold as many columns).

    The side and its slopes are the instruments; the effect is the coefficient of take-up at the cut-off. Normal
    distribution, no small-sample factor, as linearmodels has it by default.
    """
    from linearmodels.iv import IV2SLS

    k = instruments.shape[1]
    endogenous = np.hstack([taken[:, None], taken[:, None] * powers])[:, :k]
    held = np.hstack([np.ones((len(y), 1)), powers, covariates])
    pieces = without(held, [y[:, None], endogenous, instruments], weight)
    model = IV2SLS(pieces[0], None, pieces[1], pieces[2], weights=weight)
    if cluster is not None:
        fit = model.fit(cov_type="clustered", clusters=cluster)
        words = "errors clustered by {cluster} ({clusters} clusters)"
    else:
        fit = model.fit(cov_type="unadjusted" if errors == "classical" else "robust")
        words = "classical errors" if errors == "classical" else "heteroskedasticity-robust errors (HC0)"
    value, error = float(np.asarray(fit.params)[0]), float(np.sqrt(np.asarray(fit.cov)[0, 0]))
    return WindowFit(value, error, float("inf"), len(y), (np.empty(0), np.empty(0)), words)


def without(held: Array, pieces: list[Array], weight: Array | None) -> list[Array]:
    """Each of `pieces` less what the columns of `held` explain (Frisch, Waugh and Lovell)."""
    if not held.shape[1]:
        return pieces
    own = 1.0 if weight is None else weight[:, None]
    scaled = held / np.sqrt((own * held**2).sum(axis=0))
    weighted = (own * scaled).T
    inverse = np.linalg.pinv(weighted @ scaled, rcond=1e-12, hermitian=True)
    return [piece - scaled @ (inverse @ (weighted @ piece)) for piece in pieces]


def _lines(beta: Array, changing: int, powers: int) -> tuple[Array, Array]:
    base = beta[changing : changing + 1 + powers]
    step = np.zeros(1 + powers)
    step[:changing] = beta[:changing]
    return np.array(base), base + step
