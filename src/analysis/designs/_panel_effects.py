"""From a fitted panel regression to `PanelEffects`: the effect, its lags and their total, under one convention."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from analysis.fits.panel_fixed_effects import PanelEffects
from analysis.inference.panel_errors import Errors, errors
from analysis.inference.panel_fit import PanelFit
from analysis.panel import Array
from analysis.refusal import Refusal
from analysis.result import Effects
from analysis.rows import Rows

ENOUGH = 5  # clusters that change below which clustered errors would be far too small
HELD = {"entity": "unit effects", "time": "period effects", "two_way": "unit and period effects"}


def effects_of(
    fit: PanelFit,
    data: Rows,
    refit: Callable[[Any], Effects],
    *,
    model: str,
    kind: str,
    method: str,
    covariates: Sequence[str],
    aside: str = "",
) -> PanelEffects:
    """The effect of `fit` under errors of `kind`, with effects of earlier treatment and their total in `related`.

    Clustered errors are not shown (NaN) where the treatment changes in fewer than five clusters.

    Raises Refusal E105 where errors are to be clustered and the table has neither units nor clusters.
    """
    if kind == "clustered" and data.unit is None and not data.clustered:
        problem = "clustered errors need units observed repeatedly, or a cluster column"
        raise Refusal("E105", "errors", problem, "name `cluster`, or errors: robust")
    found = errors(fit, kind) if kind != "clustered" or changers(fit) >= ENOUGH else _no_errors(fit)
    own = fit.terms.own
    combinations = {"same_period": np.eye(own)[0]}
    if own > 1:
        combinations |= {f"later_{lag}": np.eye(own)[lag] for lag in range(1, own)} | {"total": np.ones(own)}
    make = partial(_single, fit, found, data, refit, model, method + _held(covariates) + _left_out(fit, data), aside)
    related = {name: make(weights, name) for name, weights in combinations.items() if name != "same_period"}
    return make(combinations["same_period"], "same_period", related)


def _single(
    fit: PanelFit,
    found: Errors,
    data: Rows,
    refit: Callable[[Any], Effects],
    model: str,
    method: str,
    aside: str,
    weights: Array,
    name: str,
    related: Mapping[str, Effects] | None = None,
) -> PanelEffects:
    own = slice(0, len(weights))
    value = float(weights @ fit.regression.estimate[own])
    variance = float(weights @ found.covariance[own, own] @ weights)
    df = float(found.df[: len(weights)][weights != 0].min())
    moving = changers(fit)
    clustered = found.words.startswith("errors clustered") and "CR2" not in found.words
    return PanelEffects(
        table=_row(value, variance**0.5, moving, fit.clusters - moving),
        joint=np.array([[variance]]),
        kind="single",
        estimand=f"average effect of more treatment {_when(name)}, on units whose treatment changes",
        method=method,
        inference=_convention(found, df),
        df=df,
        n=fit.n,
        clusters=fit.clusters,
        treated_clusters=moving,
        baseline=float(np.average(data.outcome, weights=data.weight)),
        compared="on average",
        refit=refit,
        influence=partial(_influence, fit, weights) if clustered else None,
        related=related or {},
        aside=aside,
        fit=fit,
        model=model,
    )


def _convention(found: Errors, df: float) -> str:
    none = bool(np.isnan(found.covariance).any())
    return found.words if none else f"{found.words}; t distribution with {df:.4g} degrees of freedom"


def _no_errors(fit: PanelFit) -> Errors:
    """No errors: with so few clusters that change, the regression fits these almost exactly."""
    words = f"none shown: the treatment changes in {changers(fit)} of {fit.clusters:,} clusters"
    size = fit.regression.asked
    return Errors(np.full((size, size), np.nan), np.full(size, fit.clusters - 1.0), words)


def changers(fit: PanelFit) -> int:
    """Clusters in which the treatment is not always the same; with one row a cluster, those where it is not at its
    most frequent value."""
    terms, value = fit.terms, fit.terms.treatment
    code = np.unique(terms.cluster, return_inverse=True)[1]
    low, high = np.full(fit.clusters, np.inf), np.full(fit.clusters, -np.inf)
    np.minimum.at(low, code, value)
    np.maximum.at(high, code, value)
    if len(code) > fit.clusters and fit.transform != "differences":
        return int((high > low).sum())
    values, counts = np.unique(value, return_counts=True)
    usual = values[np.argmax(counts)]
    return int(((low != usual) | (high != usual)).sum())


def _influence(fit: PanelFit, weights: Array) -> Array:
    return np.asarray(fit.contributions[:, : len(weights)] @ weights[:, None])


def _row(value: float, error: float, moving: int, still: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "cohort": [-1],
            "period": [-1],
            "event_time": [0],
            "estimate": [value],
            "std_error": [error],
            "weight": [1.0],
            "treated_clusters": [moving],
            "comparison_clusters": [still],
        }
    )


def _when(name: str) -> str:
    if name == "same_period":
        return "in the same period"
    if name == "total":
        return "kept up, over all periods asked for"
    lag = int(name.partition("_")[2])
    return f"{lag} period{'s' if lag > 1 else ''} later"


def _held(covariates: Sequence[str]) -> str:
    return f", holding constant {', '.join(covariates)}" if covariates else ""


def _left_out(fit: PanelFit, data: Rows) -> str:
    if fit.transform == "differences":
        return f"; {fit.n:,} changes between neighbouring periods"
    gone = data.n - fit.n
    reason = "seen once or without a known earlier treatment"
    return f"; {gone:,} rows left out ({reason})" if gone else ""
