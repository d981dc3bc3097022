"""The effect of a panel regression under every convention of inference that applies to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analysis.estimate import Estimate, t_interval
from analysis.fits.panel_fixed_effects import PanelEffects
from analysis.inference import cluster_robust
from analysis.inference.cluster_robust import Robust
from analysis.inference.panel_fit import PanelFit
from analysis.inference.panel_models import estimate
from analysis.inference.wild_bootstrap import wild_bootstrap
from analysis.refusal import Refusal

AFFORDABLE = 500  # clusters up to which CR2 and CR3 are computed
LONG = 10  # periods from which Driscoll-Kraay errors are shown


def conventions(effects: PanelEffects, *, level: float, draws: int, seed: int) -> list[Estimate]:
    """The effect with interval and p-value under each convention; `inference` names it, short name first.

    Classical and robust errors take every row as independent; CR1, CR2, CR3 and the wild bootstrap every cluster;
    Driscoll and Kraay's allow for shocks common to units, and need many periods.
    """
    fit = effects.regression
    found = [_named(estimate(fit, effects, level, kind), kind) for kind in ("classical", "robust")]
    if fit.clusters < 2:
        return found
    found.append(_cr1(fit, effects, level))
    if fit.clusters <= AFFORDABLE:
        found += _corrected(fit, effects, level)
    found.append(_wild(fit, effects, level, draws, seed))
    if len(np.unique(fit.terms.period)) >= LONG:
        found.append(_named(estimate(fit, effects, level, "driscoll_kraay"), "Driscoll-Kraay"))
    return found


def _named(one: Estimate, name: str) -> Estimate:
    return replace(one, inference=f"{name}: {one.inference}")


def _cr1(fit: PanelFit, effects: PanelEffects, level: float) -> Estimate:
    own = fit.contributions
    words = "errors clustered, factor G/(G-1) x (N-1)/(N-K)"
    robust = Robust(own.T @ own, np.full(own.shape[1], fit.clusters - 1.0), words, np.zeros(own.shape[1], dtype=int))
    return _with(fit, effects, level, "CR1", robust)


def _corrected(fit: PanelFit, effects: PanelEffects, level: float) -> list[Estimate]:
    if not fit.exact:
        return []
    found = [_with(fit, effects, level, "CR2", cluster_robust.cr2(fit.regression))]
    jackknife = cluster_robust.cr3(fit.regression)
    if not jackknife.undefined[0]:
        found.append(_with(fit, effects, level, "CR3", jackknife))
    return found


def _with(fit: PanelFit, effects: PanelEffects, level: float, name: str, robust: Robust) -> Estimate:
    error, df = float(np.sqrt(robust.covariance[0, 0])), float(robust.df[0])
    low, high, p_value = t_interval(fit.value, error, df, level)
    words = f"{name}: {robust.words}; {fit.clusters:,} clusters; t distribution with {df:.4g} degrees of freedom"
    own = effects.average(level)
    return replace(own, std_error=error, df=df, low=low, high=high, p_value=p_value, inference=words)


def _wild(fit: PanelFit, effects: PanelEffects, level: float, draws: int, seed: int) -> Estimate:
    found = wild_bootstrap(fit.regression, draws=draws, seed=seed)
    try:
        low, high = found.interval(level)
    except Refusal:
        low, high = -np.inf, np.inf
    own = effects.average(level)
    words = f"wild bootstrap: {found.words()}"
    return replace(own, std_error=None, df=None, low=low, high=high, p_value=found.p_value, inference=words)
