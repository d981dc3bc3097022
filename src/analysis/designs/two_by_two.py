"""Two groups, before and after: the change where the policy came minus the change where it did not.

Estimand: the average effect on the treated group over the periods since the policy started.
Assumes: without the policy both groups would have changed by the same amount; no anticipation; the policy leaves the
    comparison group alone.
Reference: Card and Krueger (1994); Wooldridge, Introductory Econometrics, section 13.2 (repeated cross-sections);
    fixest::feols for panels.
Fails when: something else changed in one group at the same time, groups were on different paths, or, in
    repeated cross-sections, the composition of a group changed.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from analysis.designs import two_way_fixed_effects
from analysis.inference.few_clusters import ENOUGH
from analysis.panel import Array, Panel, Sample
from analysis.refusal import Refusal
from analysis.result import Effects

ERRORS = {
    "classical": "classical least-squares errors (every row independent, same variance)",
    "robust": "heteroskedasticity-robust errors (HC1: factor N/(N-K); every row independent)",
    "clustered": "errors clustered by {cluster} ({clusters} clusters), factor G/(G-1) x (N-1)/(N-K)",
}


def estimate(
    data: Panel | Sample, *, covariates: list[str] | tuple[str, ...] = (), errors: str = "clustered"
) -> Effects:
    """The difference in differences of one group with one start date.

    Panels: least squares with unit and period effects, clustered (errors has no other choice there). Repeated
    cross-sections: least squares on group, period indicators, their interaction and `covariates`.

    Raises:
        Refusal: several adoption dates (E101), or clustered errors without a cluster column (E105).
    """
    if data.staggered:
        problem = f"{len(data.dates)} adoption dates, and this design compares one date before and after"
        raise Refusal("E101", "design", problem, "use `design: group_time`")
    if isinstance(data, Panel):
        return _of_panel(data, covariates, errors)
    return _of_sample(data, covariates, errors)


def _of_panel(panel: Panel, covariates: list[str] | tuple[str, ...], errors: str) -> Effects:
    from dataclasses import replace

    if errors != "clustered":
        raise Refusal("E105", "errors", f"{errors} errors ignore that a unit resembles itself", "errors: clustered")
    effects = two_way_fixed_effects.estimate(panel, covariates=covariates)
    method = effects.method.replace("two-way fixed effects", "difference in differences with unit and period effects")
    return replace(
        effects,
        method=method,
        estimand="average effect on the treated over all periods since the start",
        refit=partial(estimate, covariates=covariates, errors=errors),
    )


def _of_sample(sample: Sample, covariates: list[str] | tuple[str, ...], errors: str) -> Effects:
    untreated = len(np.unique(sample.cluster[~sample.treated]))
    _check_errors(sample, errors, min(sample.treated_clusters, untreated))
    fit, df, clusters = _least_squares(sample, list(covariates), errors)
    value, variance = float(fit.params[0]), float(fit.cov_params()[0, 0])
    before = sample.treated & (sample.period < sample.start)
    words = f" adjusted for {', '.join(covariates)}" if covariates else ""
    named = ERRORS[errors].format(cluster=sample.labels.word(sample.labels.cluster), clusters=clusters)
    return Effects(
        table=two_way_fixed_effects.single_row(value, float(np.sqrt(variance)), sample.treated_clusters, untreated),
        joint=np.array([[variance]]),
        kind="single",
        estimand="average effect on the group the policy reached, over all periods since the start",
        method=f"difference in differences of repeated cross-sections, least squares{words}",
        inference=f"{named}; t distribution with {df:g} degrees of freedom",
        df=df,
        n=sample.n,
        clusters=clusters,
        treated_clusters=sample.treated_clusters,
        baseline=float(np.average(sample.outcome[before], weights=sample.weight[before])),
        refit=partial(estimate, covariates=covariates, errors=errors),
    )


def _check_errors(sample: Sample, errors: str, fewest: int) -> None:
    if errors != "clustered" and sample.clustered:
        raise Refusal(
            "E105", "errors", f"{errors} errors ignore `cluster`", "set `errors: clustered` or drop `cluster`"
        )
    if errors != "clustered":
        return
    if not sample.clustered:
        raise Refusal("E105", "errors", "clustered errors need a cluster column", "name `cluster`, or errors: robust")
    if fewest < ENOUGH:
        raise Refusal(
            "E104",
            "errors",
            f"only {fewest} clusters in one of the groups: cluster-robust errors would be far too small",
            "average the rows by cluster and period and declare the cluster as the unit, so that dates can be permuted",
        )


def _least_squares(sample: Sample, covariates: list[str], errors: str) -> tuple[Any, float, int]:
    import statsmodels.api as sm

    design = _design(sample, covariates)
    model = sm.WLS(sample.outcome, design, weights=sample.weight)
    if errors == "clustered":
        fit = model.fit(cov_type="cluster", cov_kwds={"groups": sample.cluster, "use_correction": True}, use_t=True)
        return fit, float(sample.clusters - 1), sample.clusters
    fit = model.fit(cov_type="nonrobust" if errors == "classical" else "HC1", use_t=True)
    return fit, float(fit.df_resid), sample.n


def _design(sample: Sample, covariates: list[str]) -> Array:
    """Columns: treated x after, constant, treated, period indicators, covariates. Raises Refusal where collinear."""
    after = sample.period >= sample.start
    columns = [sample.treated & after, np.ones(sample.n), sample.treated]
    columns += [sample.period == place for place in range(1, len(sample.periods))]
    columns += [sample.covariates[name] for name in covariates]
    design = np.column_stack([np.asarray(column, dtype=float) for column in columns])
    scaled = design / np.sqrt((design**2).sum(axis=0))
    for k in range(3, design.shape[1] + 1):
        if np.linalg.matrix_rank(scaled[:, :k]) < k:
            name = covariates[k - design.shape[1] - 1] if k > design.shape[1] - len(covariates) else "treated"
            raise Refusal("E107", f"covariates:{name}", "the column repeats others", f"drop {name}")
    return design
