"""Imputation: what treated units would have seen without the policy, from unit and period effects of untreated cells.

Estimand: the average effect on the treated, every treated unit and period counting the same; by cohort and period, and
    their averages by event time, cohort or period.
Assumes: without the policy, outcomes are a unit effect plus a period effect, so that trends are parallel in all periods
    before adoption too; no anticipation beyond the declared periods. Covariates enter as their value in the last period
    before the panel's first adoption (less anticipation), times period effects.
Reference: Borusyak, Jaravel and Spiess (2024), section 4; R package didimputation. The point estimates are those of
    Gardner's two-stage regression (R package did2s).
Fails when: trends differed in any period before adoption, since all of them serve as the baseline; a cohort holds so
    few units that departures from its own average understate the error (one unit alone shows none).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from analysis.designs import _common, _imputed
from analysis.inference.moments import Moments, cluster_influence, moments
from analysis.panel import NEVER, Array, Panel, Sample
from analysis.refusal import Refusal
from analysis.result import Effects

AVERAGES = ("simple", "event_time", "cohort", "period")


@dataclass(frozen=True, eq=False)
class _Fit:
    """Effects of E cells (adoption and period positions), then L leads: values and joint covariance (E+L, E+L).

    influence gives the (clusters, E+L) contributions behind it. free: (G, T) whether each cohort of the panel has an
    untreated cell in each period.
    """

    adoption: Array
    period: Array
    leads: Array
    values: Array
    joint: Array
    influence: Callable[[], Array]
    free: Array


def estimate(data: Panel | Sample, *, anticipation: int = 0, covariates: list[str] | tuple[str, ...] = ()) -> Effects:
    """Effects of every treated cell with their joint covariance, and the coefficients of time to adoption before.

    Args:
        data: a Panel, also one with gaps; units without an untreated cell are left out.
        anticipation: periods before adoption in which units may already react; they are imputed like treated ones.
        covariates: taken from the last period before the panel's first adoption (less `anticipation`).

    A lead is one coefficient common to all cohorts, from a regression on untreated cells alone (section 4.4); the cell
    of each cohort at that time to adoption holds it, so that averages by event time return it.

    Raises:
        Refusal: repeated cross-sections; collinear covariates; no treated cell that can be imputed.
    """
    given = _common.panel_of(data, name="imputation", gaps=True).without_early_reactions(anticipation)
    panel = _with_untreated(given, anticipation, list(covariates))
    by_cohort = not covariates and not _has_gaps(panel)
    fit = _from_moments(panel, anticipation) if by_cohort else _from_units(panel, anticipation, list(covariates))
    post = fit.period >= fit.adoption
    if not post.any():
        raise _nothing("no treated cell has an untreated unit beside it")
    adoption, period, spread = _rows(panel, fit, anticipation)
    share, labels, counts, concentration = _common.shares(panel, np.unique(adoption))
    joint = np.pad(spread @ fit.joint @ spread.T, (0, len(share)))
    errors = np.sqrt(np.clip(np.diag(joint)[: len(spread)], 0, None))
    comparison = _comparisons(panel, fit, adoption, period)
    return Effects(
        table=_common.cell_table(panel, adoption, period, spread @ fit.values, errors, comparison),
        joint=joint,
        share=share,
        share_cohorts=labels,
        kind="cells",
        reference=-1 - anticipation if len(fit.leads) else None,
        anticipation=anticipation,
        estimand=_estimand(panel, fit.adoption[post], fit.period[post]),
        method=_method(panel, len(given.units), fit, list(covariates), anticipation),
        inference=_convention(panel),
        cohort_clusters=counts,
        concentration=concentration,
        refit=partial(estimate, anticipation=anticipation, covariates=covariates),
        influence=partial(_padded, fit.influence, spread, len(share)),
        **_common.facts(panel, anticipation, np.unique(fit.adoption[post])),
    )


def _padded(influence: Callable[[], Array], spread: Array, shares: int) -> Array:
    """The contributions to the rows of the table, and none to the cohort shares, which are taken as given."""
    return np.pad(influence() @ spread.T, ((0, 0), (0, shares)))


def _with_untreated(panel: Panel, anticipation: int, covariates: list[str]) -> Panel:
    """Without units that have no untreated cell, or no value of a covariate in the period it is taken from."""
    some = (panel.adoption == NEVER) | (panel.adoption > anticipation)
    if panel.n < panel.outcome.size:
        some = _untreated(panel.adoption, np.isfinite(panel.outcome), anticipation).any(axis=1)
    panel = panel.only(np.asarray(some), "no period in which the unit is untreated")
    if not (panel.adoption != NEVER).any():
        raise _nothing("no treated unit has an untreated period")
    known = np.ones(len(panel.units), dtype=bool)
    for name in covariates:
        known &= np.isfinite(panel.covariates[name][:, _before(panel, anticipation)])
    return panel.only(known, f"no value of {', '.join(covariates)} in the period before the first adoption")


def _nothing(problem: str) -> Refusal:
    return Refusal("P005", "design", problem, "widen `since`/`until`, or add units that adopt later or never")


def _before(panel: Panel, anticipation: int) -> int:
    """Position of the last period before the panel's first adoption, less anticipation."""
    return max(int(panel.cohorts[panel.cohorts != NEVER].min()) - 1 - anticipation, 0)


def _has_gaps(panel: Panel) -> bool:
    """A cohort observed in part in some period (a cohort masked as a whole is not a gap)."""
    if panel.n == panel.outcome.size:
        return False
    parts = (np.isfinite(panel.outcome[panel.adoption == cohort]) for cohort in panel.cohorts)
    return any((part.any(axis=0) & ~part.all(axis=0)).any() for part in parts)


def _untreated(adoption: Array, seen: Array, anticipation: int) -> Array:
    """(R, T) 1.0 in observed cells that no policy touches yet."""
    reach = np.where(adoption == NEVER, seen.shape[1], adoption - anticipation)
    return np.asarray(seen & (np.arange(seen.shape[1]) < reach[:, None]), dtype=float)


def _from_moments(panel: Panel, anticipation: int) -> _Fit:
    """Cohorts stand for their units: their mean paths hold the estimates, their moments the covariance."""
    kernel = moments(panel)
    adoption, seen = kernel.cohorts, np.isfinite(kernel.mean)
    y, free = np.where(seen, kernel.mean, 0.0), _untreated(adoption, seen, anticipation)
    equations = _imputed.normal(free, kernel.size, np.ones((len(adoption), 1)))
    effects = equations.effects(y)
    x = np.eye(kernel.periods) - equations.share[:, None, :]
    row, period = np.nonzero(seen & (free == 0) & equations.estimable(x[..., None]))
    scores = _scores(kernel, equations, free * effects, equations.solved(x[row, period, :, None])[..., 0].T)
    shift = _off_centre(kernel)
    shift -= (equations.share * shift).sum(axis=1, keepdims=True)
    cell = np.arange(len(row))
    scores[row, :-2, cell] += x[row, period] / kernel.size[row, None]
    scores[row, -2, cell] -= shift[row, period] / kernel.size[row]
    observations = int(kernel.count @ free.sum(axis=1))
    found = _imputed.leads(equations, y, adoption, -2 - anticipation, observations, kernel.clusters)
    lean = found.pull[..., 0].T
    own = np.stack([found.own.get(int(g), 0 * lean) for g in adoption])
    scores = np.concatenate([scores, _scores(kernel, equations, found.residual, lean - own)], axis=2)
    values = np.concatenate([effects[row, period], found.estimate])
    influence = partial(cluster_influence, panel, scores)
    return _Fit(adoption[row], period, found.times, values, kernel.covariance(scores), influence, free > 0)


def _scores(kernel: Moments, equations: _imputed.Normal, residual: Array, pull: Array) -> Array:
    """Scores (G, T+2, K) of untreated cells whose weights on unit paths are -`pull`, (T, K) or (G, T, K)."""
    scores = np.zeros((len(residual), kernel.periods + 2, pull.shape[-1]))
    scores[:, :-2] = equations.net(np.broadcast_to(-pull, (len(residual), *pull.shape[-2:])))
    scores[:, -2] = np.einsum("gt,gtk->gk", residual, scores[:, :-2])
    return scores


def _off_centre(kernel: Moments) -> Array:
    """(G, T) by how much the mean path over clusters with squared weights exceeds the mean path.

    The average effect from which residuals are taken weights clusters by the square of their weight, which makes the
    sum of squared residuals smallest (Borusyak, Jaravel and Spiess 2024, section 4.3).
    """
    if kernel.cross is not None:
        return np.asarray(kernel.cross[:, -2, :-2] / kernel.cross[:, -2, -2, None])
    assert kernel.pairs is not None
    found = np.zeros(kernel.mean.shape)
    for row in range(len(found)):
        z = kernel.pairs[kernel.pair_cohort == row]
        found[row] = z[:, -2] @ z[:, :-2] / (z[:, -2] @ z[:, -2])
    return found


def _from_units(panel: Panel, anticipation: int, covariates: list[str]) -> _Fit:
    """Every unit a row: panels with gaps, and covariates."""
    adoption, seen = panel.adoption, np.isfinite(panel.outcome)
    y, free = np.where(seen, panel.outcome, 0.0), _untreated(adoption, seen, anticipation)
    equations = _imputed.normal(free, panel.weight, _regressors(panel, anticipation, covariates))
    effects = equations.effects(y)
    treated = panel.cohorts[panel.cohorts != NEVER]
    found = [_cohort_cells(panel, equations, effects, seen & (free == 0), cohort) for cohort in treated]
    period, values, x = (np.concatenate(part) for part in zip(*(cells[:3] for cells in found), strict=True))
    lead = _imputed.leads(equations, y, adoption, -2 - anticipation, int(free.sum()), panel.clusters)
    psi = np.empty((panel.clusters, len(period) + len(lead.times)))
    psi[:, : len(period)] = _imputed.contributions(equations, free * effects, equations.solved(x), panel.cluster)
    psi[:, len(period) :] = _imputed.lead_contributions(equations, lead, adoption, panel.cluster)
    counts = [len(cells[0]) for cells in found]
    for end, cells in zip(np.cumsum(counts), found, strict=True):
        psi[cells[3], end - len(cells[0]) : end] += cells[4]
    cohort_free = np.stack([free[adoption == g].any(axis=0) for g in panel.cohorts])
    values = np.concatenate([values, lead.estimate])
    return _Fit(np.repeat(treated, counts), period, lead.times, values, psi.T @ psi, partial(np.copy, psi), cohort_free)


def _cohort_cells(
    panel: Panel, equations: _imputed.Normal, effects: Array, touched: Array, cohort: int
) -> tuple[Array, Array, Array, Array, Array]:
    """One cohort's cells that can be imputed: periods (E,), mean effects (E,), targets (E, T, q), and for each of its
    clusters (codes (C,)) what the departures from the average effect add, (C, E).

    The average effect weights clusters by the square of their weight, as `_off_centre` says.
    """
    rows = np.flatnonzero(panel.adoption == cohort)
    counts = panel.weight[rows, None] * touched[rows]
    size = counts.sum(axis=0)
    x = _imputed.targets(equations, rows, counts)
    period = np.flatnonzero((size > 0) & equations.estimable(x))
    counts, size, values = counts[:, period], size[period], effects[np.ix_(rows, period)]
    codes, own = np.unique(panel.cluster[rows], return_inverse=True)
    weight, total = _imputed.summed(counts, own, len(codes)), _imputed.summed(counts * values, own, len(codes))
    average = (weight * total).sum(axis=0) / (weight**2).sum(axis=0)
    return period, (counts * values).sum(axis=0) / size, x[period], codes, (total - average * weight) / size


def _regressors(panel: Panel, anticipation: int, covariates: list[str]) -> Array:
    """(units, q) a constant and the covariates before the first adoption, scaled. Raises Refusal where collinear."""
    place = _before(panel, anticipation)
    z = np.ones((len(panel.units), 1 + len(covariates)))
    for k, name in enumerate(covariates, start=1):
        value = panel.covariates[name][:, place]
        z[:, k] = (value - value.mean()) / (value.std() or 1.0)
        if np.linalg.matrix_rank(z[:, : k + 1], tol=1e-8 * np.sqrt(len(z))) <= k:
            raise Refusal("E107", f"covariates:{name}", "the column repeats others", f"drop {name}")
    return z


def _rows(panel: Panel, fit: _Fit, anticipation: int) -> tuple[Array, Array, Array]:
    """Adoption and period positions of the table's rows, and (rows, E+L) which estimate each holds.

    Leads and the reference cell, where there are any, stand in every cohort that has an untreated cell there.
    """
    which = dict(zip(fit.leads.tolist(), range(len(fit.period), len(fit.values)), strict=True))
    which |= {-1 - anticipation: -1} if which else {}
    rows = list(zip(fit.adoption.tolist(), fit.period.tolist(), range(len(fit.period)), strict=True))
    for row, period in zip(*np.nonzero(fit.free), strict=True):
        cohort = int(panel.cohorts[row])
        if cohort != NEVER and int(period) - cohort in which:
            rows.append((cohort, int(period), which[int(period) - cohort]))
    adoption, places, estimate_of = np.array(sorted(rows)).T
    return adoption, places, (estimate_of[:, None] == np.arange(len(fit.values))).astype(float)


def _comparisons(panel: Panel, fit: _Fit, adoption: Array, period: Array) -> Array:
    """(rows,) clusters of other cohorts with an untreated cell in the row's period."""
    counts, _ = _common.cohort_clusters(panel, panel.cohorts)
    own = fit.free[np.searchsorted(panel.cohorts, adoption), period] * counts[np.searchsorted(panel.cohorts, adoption)]
    return np.asarray((counts @ fit.free)[period] - own, dtype=int)


def _estimand(panel: Panel, adoption: Array, period: Array) -> str:
    """What is averaged; names the cohorts and periods when not every treated cell can be imputed."""
    words = "average effect on the treated, every treated unit and period counting the same"
    if _has_gaps(panel):
        words = "average effect on the treated, every cohort and period counting by the size of the cohort"
    treated = sum(len(panel.periods) - int(g) for g in panel.cohorts if g != NEVER)
    if len(period) == treated:
        return words
    cohorts = ", ".join(f"{d:g}" for d in _common.labelled(panel, np.unique(adoption)))
    return f"{words}; only adopters of {cohorts}, up to {panel.periods[period.max()]}, have untreated units beside them"


def _method(panel: Panel, units: int, fit: _Fit, covariates: list[str], anticipation: int) -> str:
    words = "imputation from unit and period effects of untreated cells"
    if covariates:
        date = panel.periods[_before(panel, anticipation)]
        words += f", {' and '.join(covariates)} in {date:g} times period effects"
    lost = units - len(panel.units)
    if lost:
        without = "an untreated period" + (" or a value of each covariate" if covariates else "")
        words += f", {lost} unit{'s' if lost > 1 else ''} without {without} left out"
    if not len(fit.leads):
        words += ", no coefficients before adoption (untreated cells cannot tell them from unit and period effects)"
    return f"{words}; {_common.weight_words(panel)}"


def _convention(panel: Panel) -> str:
    return (
        "conservative standard errors of Borusyak, Jaravel and Spiess (departures from the average effect of a cohort "
        f"in a period) summed by {_common.cluster_word(panel)} ({panel.clusters} clusters), cohort shares as given, no "
        "small-sample factor (before adoption G/(G-1) x (N-1)/(N-K), K counting leads and periods); t distribution "
        f"with {panel.clusters - 1} degrees of freedom"
    )
