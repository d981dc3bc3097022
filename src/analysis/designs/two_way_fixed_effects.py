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

from functools import partial

import numpy as np
import pandas as pd

from analysis.designs import _common, _two_way
from analysis.inference.moments import moments
from analysis.panel import NEVER, Array, Panel, Sample
from analysis.refusal import Refusal
from analysis.result import Effects


def estimate(data: Panel | Sample, *, covariates: list[str] | tuple[str, ...] = ()) -> Effects:
    """The coefficient of the treatment indicator.

    Covariates enter as their value in the first period times period indicators, so that a covariate the policy moves
    cannot absorb the effect; the regression is then linearmodels' PanelOLS with the same clustering convention.
    """
    if isinstance(data, Sample):
        raise Refusal("E130", "design", "unit effects need the same units over time", "use `design: two_by_two`")
    kernel_fit = _with_covariates(data, list(covariates)) if covariates else _from_moments(data)
    value, variance = kernel_fit
    df = data.clusters - 1
    with_covariates = f", first-period {', '.join(covariates)} by period" if covariates else ""
    return Effects(
        table=single_row(value, float(np.sqrt(variance)), data.treated_clusters, _common.comparison_clusters(data)),
        joint=np.array([[variance]]),
        kind="single",
        estimand="average effect on the treated, weighted as two-way fixed effects weight it",
        method=f"two-way fixed effects{with_covariates}; {_common.weight_words(data)}",
        inference=_two_way.CONVENTION.format(cluster=_common.cluster_word(data), clusters=data.clusters, df=df),
        df=df,
        n=data.n,
        clusters=data.clusters,
        treated_clusters=data.treated_clusters,
        baseline=_common.baseline(data),
        effective=_common.effective(data),
        refit=partial(estimate, covariates=covariates),
    )


def single_row(value: float, error: float, treated: int, comparison: int) -> pd.DataFrame:
    """The table of a design that estimates one number."""
    row = {"cohort": -1, "period": -1, "event_time": 0, "estimate": value, "std_error": error, "weight": 1.0}
    return pd.DataFrame([row | {"treated_clusters": treated, "comparison_clusters": comparison}])


def _from_moments(panel: Panel) -> tuple[float, float]:
    kernel = moments(panel)
    place = np.arange(len(panel.periods))[None, :]
    treated = (kernel.cohorts[:, None] != NEVER) & (place >= kernel.cohorts[:, None])
    fit = _two_way.regress(kernel, treated[None].astype(float), panel.n, ["treated"])
    return float(fit.estimate[0]), float(fit.covariance[0, 0])


def _with_covariates(panel: Panel, covariates: list[str]) -> tuple[float, float]:
    from linearmodels.panel import PanelOLS

    frame = _long(panel)
    columns = {"treated": panel.treated.astype(float).ravel()}
    periods = panel.periods[1:]
    for place, period in enumerate(periods, start=1):
        dummy = np.zeros(panel.outcome.shape)
        dummy[:, place] = 1.0
        columns[f"period {period}"] = dummy.ravel()
        for name in covariates:
            columns[f"{name} x {period}"] = (dummy * panel.covariates[name][:, :1]).ravel()
    exog = pd.DataFrame(columns, index=frame.index)
    clusters = pd.DataFrame({"cluster": np.repeat(panel.cluster, len(panel.periods))}, index=frame.index)
    model = PanelOLS(frame["y"], exog, weights=frame["weight"], entity_effects=True)
    fit = model.fit(
        cov_type="clustered", clusters=clusters, auto_df=False, count_effects=False, group_debias=True, debiased=True
    )
    # Both scale by (N-1)/(N-K), but fixest's K counts every period and linearmodels' here all but the first.
    own = (panel.n - exog.shape[1]) / (panel.n - exog.shape[1] - 1)
    return float(fit.params["treated"]), float(fit.cov.to_numpy()[0, 0]) * own


def _long(panel: Panel) -> pd.DataFrame:
    n, t = panel.outcome.shape
    index = pd.MultiIndex.from_arrays([np.repeat(np.arange(n), t), np.tile(np.arange(t), n)])
    values: dict[str, Array] = {"y": panel.outcome.ravel(), "weight": np.repeat(panel.weight, t)}
    return pd.DataFrame(values, index=index)
