"""Static two-way fixed effects: one coefficient for "treated by now", with unit and period effects.

Estimand: a weighted average of the effects of all cohorts and periods, whose weights follow from the adoption dates
    and can be negative.
Assumes: parallel trends without the policy; no anticipation; with several adoption dates also the same effect in
    every cohort and period.
Reference: fixest::feols(y ~ treated | unit + period), clustered (Berge 2018); Goodman-Bacon (2021) on what it
    averages.
Fails when: adoption is staggered and effects grow or differ: units treated early then serve as controls for later
    ones. Shown for comparison, never as a staggered headline.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from analysis.designs import _common, _two_way
from analysis.inference.moments import cluster_influence, moments
from analysis.panel import NEVER, Array, Panel, Sample
from analysis.result import Effects


def estimate(data: Panel | Sample, *, covariates: list[str] | tuple[str, ...] = ()) -> Effects:
    """The coefficient of the treatment indicator.

    Covariates enter as their value in the last period before anybody adopts, times period indicators, so that a
    covariate the policy moves cannot absorb the effect; the regression is then linearmodels' PanelOLS with the same
    clustering convention.
    """
    panel = _common.panel_of(data, name="two_way_fixed_effects")
    value, variance, influence = _with_covariates(panel, list(covariates)) if covariates else _from_moments(panel)
    with_covariates = f", {', '.join(covariates)} before the policy by period" if covariates else ""
    comparison = _common.comparison_clusters(panel)
    return Effects(
        table=single_row(value, float(np.sqrt(max(variance, 0.0))), panel.treated_clusters, comparison),
        joint=np.array([[variance]]),
        kind="single",
        estimand="average effect on the treated, weighted as two-way fixed effects weight it",
        method=f"two-way fixed effects{with_covariates}; {_common.weight_words(panel)}",
        inference=_two_way.convention(panel),
        **_common.facts(panel),
        refit=partial(estimate, covariates=covariates),
        influence=influence,
    )


def single_row(value: float, error: float, treated: int, comparison: int) -> pd.DataFrame:
    """The table of a design that estimates one number."""
    row = {"cohort": -1, "period": -1, "event_time": 0, "estimate": value, "std_error": error, "weight": 1.0}
    return pd.DataFrame([row | {"treated_clusters": treated, "comparison_clusters": comparison}])


def _from_moments(panel: Panel) -> tuple[float, float, Callable[[], Array]]:
    kernel = moments(panel)
    place = np.arange(len(panel.periods))[None, :]
    treated = (kernel.cohorts[:, None] != NEVER) & (place >= kernel.cohorts[:, None])
    fit = _two_way.regress(kernel, treated[None].astype(float), panel.n, ["treated"])
    return float(fit.estimate[0]), float(fit.covariance[0, 0]), partial(cluster_influence, panel, fit.scores)


def _with_covariates(panel: Panel, covariates: list[str]) -> tuple[float, float, Callable[[], Array]]:
    from linearmodels.panel import PanelOLS

    frame, exog = _long(panel), _regressors(panel, covariates)
    model = PanelOLS(frame["y"], exog, weights=frame["weight"], entity_effects=True)
    fit = model.fit(
        cov_type="clustered",
        clusters=frame[["cluster"]],
        auto_df=False,
        count_effects=False,
        group_debias=True,
        debiased=True,
    )
    # Both scale by (N-1)/(N-K), but fixest's K counts every period and linearmodels' here all but the first.
    own = (panel.n - exog.shape[1]) / (panel.n - exog.shape[1] - 1)
    variance = float(fit.cov.to_numpy()[0, 0]) * own
    residual = fit.resids.to_numpy()
    return float(fit.params["treated"]), variance, partial(_influence, panel, covariates, residual)


def _influence(panel: Panel, covariates: list[str], residual: Array) -> Array:
    """(clusters, 1) contributions: the treatment net of everything else (Frisch and Waugh 1933) times the residual."""
    from linearmodels.panel import PanelOLS

    frame, exog = _long(panel), _regressors(panel, covariates)
    model = PanelOLS(exog["treated"], exog.drop(columns="treated"), weights=frame["weight"], entity_effects=True)
    net, weight = model.fit().resids.to_numpy(), frame["weight"].to_numpy()
    score = weight * net * residual / (weight @ net**2)
    factor = np.sqrt(_two_way.small_sample(panel.clusters, panel.n, exog.shape[1] + 1))
    return np.asarray(np.bincount(frame["cluster"], weights=score, minlength=panel.clusters) * factor)[:, None]


def _regressors(panel: Panel, covariates: list[str]) -> pd.DataFrame:
    """Treated, period indicators, and covariates from before the policy times them: a row per unit and period seen."""
    before = int(panel.cohorts[panel.cohorts != NEVER].min()) - 1
    columns = {"treated": panel.treated.astype(float)}
    for place, period in enumerate(panel.periods[1:], start=1):
        dummy = np.zeros(panel.outcome.shape)
        dummy[:, place] = 1.0
        columns[f"period {period}"] = dummy
        for name in covariates:
            columns[f"{name} x {period}"] = dummy * panel.covariates[name][:, [before]]
    frame = _rows(panel, columns)
    return frame.loc[:, (frame != 0).any()]


def _long(panel: Panel) -> pd.DataFrame:
    """Outcome, weight and cluster, one row per observed unit and period."""
    each = np.ones(panel.outcome.shape)
    columns = {"y": panel.outcome, "weight": panel.weight[:, None] * each, "cluster": panel.cluster[:, None] * each}
    return _rows(panel, columns).astype({"cluster": int})


def _rows(panel: Panel, columns: dict[str, Array]) -> pd.DataFrame:
    n, t = panel.outcome.shape
    index = pd.MultiIndex.from_arrays([np.repeat(np.arange(n), t), np.tile(np.arange(t), n)])
    frame = pd.DataFrame({name: values.ravel() for name, values in columns.items()}, index=index)
    return frame[np.isfinite(panel.outcome).ravel()]
