"""Errors of a panel regression by convention.

Errors count all parameters K that are estimated, with the factor (N-1)/(N-K) and for clusters G/(G-1), as fixest and
Stata do: unit effects inside clusters are not counted when errors are clustered, and all are otherwise. Clusters count
by how much their treatment moves once everything else is taken out: where they are worth fewer than thirty equal ones,
clustered errors are Bell and McCaffrey's with Satterthwaite's degrees of freedom. With 50 units of 10 periods and AR(1)
errors (rho .8) 95 % intervals without that correction cover the effect in 90 % of 1,000 draws where 10 units move ten
times as much as the others (worth 9), 92 % with 15, 94 % with 20; with it in 95, 94 and 95 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.inference import cluster_robust
from analysis.inference.panel_fit import PanelFit
from analysis.panel import Array
from analysis.refusal import Refusal


@dataclass(frozen=True, eq=False)
class Errors:
    """Covariance (K, K) of the named coefficients, their degrees of freedom (K,), and the convention in words."""

    covariance: Array
    df: Array
    words: str


def errors(fit: PanelFit, kind: str) -> Errors:
    """The covariance of the named coefficients under a convention: "clustered", "robust" (HC1), "classical" or
    "driscoll_kraay" (Driscoll and Kraay 1998, Bartlett weights)."""
    regression, n, k = fit.regression, fit.n, fit.parameters
    own = slice(None, regression.asked)
    if n <= (fit.counted if kind == "clustered" else k):
        raise Refusal(
            "E103", "errors", f"{n} rows for {k} parameters leave nothing to estimate errors from", "hold less"
        )
    if kind == "clustered":
        return _clustered(fit)
    df = np.full(regression.asked, float(n - k))
    if kind == "classical":
        variance = float(regression.weight @ regression.residual**2) / (n - k)
        words = "classical errors (every row independent, same variance)"
        return Errors(variance * regression.inverse[own, own], df, words)
    scores = regression.regressors * (regression.weight * regression.residual)[:, None] @ regression.inverse[:, own]
    if kind == "robust":
        words = "heteroskedasticity-robust errors (HC1: factor N/(N-K); every row independent)"
        return Errors(n / (n - k) * scores.T @ scores, df, words)
    return _driscoll_kraay(fit, scores)


def careful(fit: PanelFit) -> Errors:
    """Clustered errors for tests of any of the coefficients: corrected wherever they can be, since what clusters are
    worth differs between coefficients."""
    return _clustered(fit, always=True)


def _clustered(fit: PanelFit, *, always: bool = False) -> Errors:
    g = fit.clusters
    if g < 2:
        fix = "add units that decide for themselves, or report the comparison as a description"
        raise Refusal("E103", "cluster", "one cluster cannot show how much clusters vary", fix)
    if fit.corrected or (always and fit.correctable):
        robust = cluster_robust.cr2(fit.regression)
        return Errors(robust.covariance, robust.df, f"errors clustered ({g:,} clusters), {robust.words}")
    own = fit.contributions
    words = f"errors clustered ({g:,} clusters), factor G/(G-1) x (N-1)/(N-K)"
    return Errors(own.T @ own, np.full(own.shape[1], g - 1.0), words)


def _driscoll_kraay(fit: PanelFit, scores: Array) -> Errors:
    """Scores summed by period and correlated over neighbouring ones."""
    present, code = np.unique(fit.terms.period, return_inverse=True)
    t = len(present)
    if t < 3:
        problem = f"{t} periods cannot show how periods are correlated"
        raise Refusal("E103", "errors", problem, "use `errors: clustered`")
    sums = np.stack([np.bincount(code, column, minlength=t) for column in scores.T], axis=1)
    reach = bandwidth(t)
    meat: Array = sums.T @ sums
    for lag in range(1, reach + 1):
        cross = sums[lag:].T @ sums[:-lag]
        meat = meat + (1 - lag / (reach + 1)) * (cross + cross.T)
    factor = t / (t - 1) * (fit.n - 1) / (fit.n - fit.parameters)
    words = f"Driscoll-Kraay errors (units and neighbouring periods correlated, Bartlett weights over {reach} periods)"
    return Errors(factor * meat, np.full(len(meat), t - 1.0), words)


def bandwidth(periods: int) -> int:
    """Neighbouring periods that Driscoll-Kraay errors allow to be correlated (Newey and West 1994)."""
    return int(np.floor(4 * (periods / 100) ** (2 / 9)))
