"""Extended two-way fixed effects: the regression with one treatment coefficient per cohort and period.

Estimand: the average effect on each cohort in each period since adoption, in units of the outcome; averaged over
    treated cells, event times, cohorts or periods by cohort size.
Assumes: without the policy, means of all cohorts would have moved in parallel in every period (family linear), or in
    proportion (family poisson), for units with the same covariates; no anticipation beyond the declared periods.
    Covariates are those of the last period before anyone may react.
Reference: Wooldridge (2021), section 5, linear; Wooldridge (2023), section 3, exponential mean by Poisson
    quasi-maximum likelihood; R package etwfe. Without covariates the linear effects equal those of imputation.
Fails when: cohorts were on other paths before adopting: with not-yet-treated comparisons every earlier period counts,
    not only the last; or covariates leave too few untreated units to say what treated ones would have done.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from analysis.designs import _common, _counterfactual, _saturated, _two_way
from analysis.designs._saturated import Grid
from analysis.inference.moments import cluster_influence
from analysis.panel import NEVER, Array, Panel, Sample
from analysis.refusal import Refusal
from analysis.result import Effects

AVERAGES = ("simple", "event_time", "cohort", "period")
Found = tuple[Array, Array, Callable[[], Array]]


def estimate(
    data: Panel | Sample,
    *,
    comparison: str = "not_yet_treated",
    anticipation: int = 0,
    family: str = "linear",
    covariates: list[str] | tuple[str, ...] = (),
) -> Effects:
    """All cohort-by-period effects on the treated with their joint covariance; cohort shares count as fixed.

    Args:
        data: a Panel; cells masked by `before_adoption` are left out.
        comparison: "not_yet_treated": coefficients for treated cells only, so that every untreated cell is a
            comparison; "never_treated": also for cells before adoption, relative to the last clean one.
        anticipation: periods before adoption in which units may already react; they get coefficients of their own.
        family: "linear", or "poisson" for an exponential mean; effects are average marginal effects on the treated.
        covariates: interacted with periods, cohorts and treated cells, centred at cohort means, which count as fixed.

    Raises:
        Refusal: repeated cross-sections (E130), gaps (P007), no never-treated units where they are the comparison
            (P006), no treated cell with a comparison (P005), negative or nowhere positive outcomes under poisson
            (E108), covariates that repeat others or leave the counterfactual unidentified (E107).
    """
    panel = _saturated.clean(data, "extended_twfe", anticipation)
    grid = _grid(panel, comparison, anticipation)
    if family == "poisson":
        _refuse_outcome(grid)
    if covariates:
        found = _of_units(grid, covariates, anticipation, family == "poisson")
    else:
        found = _exponential(grid) if family == "poisson" else _linear(grid)
    options = {"comparison": comparison, "anticipation": anticipation, "family": family, "covariates": covariates}
    effects = _saturated.effects(
        grid,
        *found,
        anticipation=anticipation,
        method=_method(grid, comparison, family, covariates),
        inference=_inference(panel, family),
        refit=partial(estimate, **options),  # type: ignore[arg-type]
    )
    return replace(effects, linear=family == "linear")


def _grid(panel: Panel, comparison: str, anticipation: int) -> Grid:
    if comparison == "not_yet_treated":
        return _saturated.against_untreated_cells(panel, anticipation)
    if panel.cohorts[0] != NEVER:
        raise Refusal("P006", "comparison", "no never-treated group", "set `comparison: not_yet_treated`")
    return _saturated.against_one_cohort(panel, anticipation)


def _linear(grid: Grid) -> Found:
    fit = _two_way.regress(grid.kernel, grid.regressors, grid.observations, grid.names, grid.used)
    return fit.estimate, fit.covariance, partial(cluster_influence, grid.panel, fit.scores)


def _exponential(grid: Grid) -> Found:
    """From cohort means: each stands for its units, weighted by their number; scores as in inference.moments."""
    kernel = grid.kernel
    one = np.ones((1, 1))
    blocks = [_counterfactual.Block(one, m[None], s[None]) for m, s in zip(kernel.mean, kernel.size, strict=True)]
    found = _counterfactual.fit(blocks, grid.untreated, grid.rows, grid.periods, exponential=True)
    pull = found.pull[:, :, 0]
    scores = np.zeros((len(kernel.cohorts), kernel.periods + 2, len(found.values)))
    scores[:, : kernel.periods] = -pull
    scores[grid.rows, grid.periods, np.arange(len(grid.rows))] += 1 / kernel.size[grid.rows]
    left = kernel.mean - np.exp(found.cohort + found.period[:, 0])
    scores[:, kernel.periods] = -np.einsum("gtk,gt->gk", pull, np.where(grid.untreated, left, 0.0))
    scores *= np.sqrt(_two_way.small_sample(kernel.clusters, grid.observations, found.k))
    return found.values, kernel.covariance(scores), partial(cluster_influence, grid.panel, scores)


def _of_units(grid: Grid, covariates: list[str] | tuple[str, ...], anticipation: int, exponential: bool) -> Found:
    panel, kernel = grid.panel, grid.kernel
    z = _columns(panel, covariates, anticipation)
    members = [np.flatnonzero(panel.adoption == cohort) for cohort in kernel.cohorts]
    blocks = [_counterfactual.Block(z[own], panel.outcome[own], panel.weight[own]) for own in members]
    found = _counterfactual.fit(blocks, grid.untreated, grid.rows, grid.periods, exponential)
    psi = np.zeros((panel.clusters, len(found.values)))
    for row, own in enumerate(members):
        cells = np.flatnonzero(grid.rows == row)
        before = np.flatnonzero(grid.untreated[row])
        parts = (found, blocks[row], row, before, cells, grid.periods[cells], exponential)
        np.add.at(psi, panel.cluster[own], _counterfactual.contributions(*parts))
    psi *= np.sqrt(_two_way.small_sample(panel.clusters, grid.observations, found.k))
    return found.values, psi.T @ psi, partial(np.asarray, psi)


def _columns(panel: Panel, covariates: list[str] | tuple[str, ...], anticipation: int) -> Array:
    """(units, q) a constant and the covariates, in standard deviations from their mean, before anyone may react.

    Raises Refusal E107 for a covariate that does not vary or repeats others.
    """
    place = int(panel.adoption[panel.adoption != NEVER].min()) - 1 - anticipation
    columns = [np.ones(len(panel.units))]
    for name in covariates:
        column = panel.covariates[name][:, place]
        spread = column.std()
        columns.append((column - column.mean()) / spread if spread > 0 else np.zeros(len(column)))
        z = np.column_stack(columns)
        if np.linalg.matrix_rank(z.T @ z / len(z), tol=_counterfactual.TOLERANCE, hermitian=True) < len(columns):
            raise Refusal("E107", f"covariates:{name}", "the column is constant or repeats others", f"drop {name}")
    return np.column_stack(columns)


def _refuse_outcome(grid: Grid) -> None:
    """An exponential mean needs outcomes that are nowhere negative and somewhere positive in every cell."""
    panel, name = grid.panel, grid.panel.labels.outcome
    if np.nanmin(panel.outcome) < 0:
        negative = int((panel.outcome < 0).sum())
        plural = "s" if negative > 1 else ""
        raise Refusal("E108", name, f"{negative} value{plural} < 0 under `family: poisson`", "set `family: linear`")
    rows, periods = np.nonzero(grid.used & (np.nan_to_num(grid.kernel.mean, nan=1.0) == 0))
    if len(rows):
        adoption = grid.kernel.cohorts[rows[0]]
        who = "never-treated units" if adoption == NEVER else f"adopters of {panel.periods[adoption]:g}"
        more = f", and in {len(rows) - 1} more cells" if len(rows) > 1 else ""
        when = panel.periods[periods[0]]
        problem = f"every value is 0 among {who} in {when:g}{more}: a mean of 0 has no logarithm"
        raise Refusal("E108", name, problem, "set `family: linear`, or pool periods")


def _method(grid: Grid, comparison: str, family: str, covariates: list[str] | tuple[str, ...]) -> str:
    mean = "exponential mean (Poisson)" if family == "poisson" else "linear"
    against = "all untreated cells" if comparison == "not_yet_treated" else "never-treated units"
    added = f", with {', '.join(covariates)} before adoption" if covariates else ""
    return f"extended two-way fixed effects, {mean}, against {against}{added}; {_common.weight_words(grid.panel)}"


def _inference(panel: Panel, family: str) -> str:
    delta = "; average marginal effects by the delta method" if family == "poisson" else ""
    return f"{_two_way.convention(panel)}{delta}; cohort shares taken as fixed"
