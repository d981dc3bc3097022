"""Group-time average treatment effects: each adoption cohort in each period against units not (yet) treated.

Estimand: ATT(g, t), the average effect in period t on the units that adopted in g; averaged over treated cells, event
    times, cohorts or periods.
Assumes: without the policy, each cohort would have moved in parallel with the comparison units (with those of the same
    covariates, where there are any) from its base period on; no anticipation beyond the declared periods.
    Covariates have their value in the earlier of the two periods compared, before adoption; rows observed once have
    only their own, which the policy must leave alone. Units with gaps count in the periods in which they are observed.
Reference: Callaway and Sant'Anna (2021), sections 2-4; Sant'Anna and Zhao (2020) for the adjustment; R packages did and
    DRDID (analytic errors).
Fails when: cohorts were on other paths before adopting, comparison units are touched by the policy, cohorts hold too
    few units for their means to be stable, or covariates all but determine who adopts.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from analysis.designs import _common
from analysis.designs._group_cells import (
    ADJUSTED,
    SPARE,
    Cell,
    Pieces,
    carried,
    few_never_treated,
    from_changes,
    limits,
    nothing_left,
    omission,
    wanted,
)
from analysis.designs._group_rows import from_means, from_rows, rows_of_panel, rows_of_sample
from analysis.inference.few_clusters import ENOUGH
from analysis.inference.moments import Moments, cluster_influence, moments
from analysis.panel import NEVER, Array, Panel, Sample
from analysis.refusal import Refusal
from analysis.result import Effects

AVERAGES = ("simple", "event_time", "cohort", "period")


def estimate(
    data: Panel | Sample,
    *,
    comparison: str = "not_yet_treated",
    base_period: str = "universal",
    anticipation: int = 0,
    covariates: Sequence[str] = (),
    adjustment: str = "doubly_robust",
) -> Effects:
    """All group-time effects with their joint covariance and that of the cohort shares.

    Args:
        data: a Panel, with gaps or without, or a Sample; cells masked by `before_adoption` are left out.
        comparison: "never_treated" or "not_yet_treated" (never-treated units included).
        base_period: pre-adoption cells relative to the last period before adoption ("universal") or to the
            period before them ("varying"). Cells from adoption on are the same under both.
        anticipation: periods before adoption in which units may already react.
        covariates: names of covariates to adjust for. adjustment: "doubly_robust", "regression" or "weighting".

    Cells whose groups do not overlap (a fitted propensity of .999 or more), or are too small for the covariates, are
    left out and `method` says so.

    Raises:
        Refusal: never-treated comparison without never-treated units (P006), or with fewer than the covariates need
            (E113); no estimable cell (P005, E107, E126); rows in fewer than ten clusters on one side (E104); a
            switching treatment (P002); eligible units (E131).
    """
    names = list(covariates)
    data = data.without_early_reactions(anticipation)
    book = _common.panel_of(_bookkeeping(data), name="group_time", gaps=True)
    _check_never_treated(data, book, comparison, len(names))
    _check_clusters(data, book)
    cells = wanted(book.cohorts, _seen(data, book), comparison, base_period, anticipation)
    found = _estimated(data, book, cells, names, adjustment, anticipation)
    adoption = book.cohorts[found.row]
    post = found.period >= adoption
    if not post.any():
        raise nothing_left(found, book.periods, book.cohorts, names)
    sets = {cell.controls: 0 for cell in found.cells}
    sets = {rows: _common.clusters_with(book, book.cohorts[list(rows)]) for rows in sets}
    behind = np.array([sets[cell.controls] for cell in found.cells], dtype=int)
    return Effects(
        **carried(book, found, book.cohorts, behind),
        **_facts(data, book, anticipation, np.unique(adoption[post])),
        reference=-1 - anticipation if base_period == "universal" else None,
        anticipation=anticipation,
        estimand="average effect on the treated, every treated unit and period counting the same"
        + limits(book, adoption[post], found.period[post]),
        method=_method(data, book, found, comparison, names, adjustment),
        inference=_convention(data, book),
        refit=partial(
            estimate,
            comparison=comparison,
            base_period=base_period,
            anticipation=anticipation,
            covariates=tuple(names),
            adjustment=adjustment,
        ),
    )


def _bookkeeping(data: Panel | Sample) -> Panel:
    """The panel itself, or the rows of a sample as units without outcomes, so that both are counted alike."""
    if isinstance(data, Panel):
        return data
    return Panel(
        outcome=np.empty((data.n, 0)),
        units=np.arange(data.n),
        periods=data.periods,
        adoption=data.adoption,
        weight=data.weight,
        cluster=data.cluster,
        labels=data.labels,
        upcoming=np.zeros(data.n, dtype=int),
        eligible=data.eligible,
    )


def _check_never_treated(data: Panel | Sample, book: Panel, comparison: str, covariates: int) -> None:
    if comparison != "never_treated":
        return
    never = int((book.adoption == NEVER).sum())
    if not never:
        raise Refusal("P006", "comparison", "no never-treated group", "set `comparison: not_yet_treated`")
    units = never / len(data.periods) if isinstance(data, Sample) else never
    if covariates and units < covariates + SPARE:
        raise few_never_treated(units, covariates)


def _check_clusters(data: Panel | Sample, book: Panel) -> None:
    fewest = min(book.treated_clusters, _common.comparison_clusters(book))
    if isinstance(data, Sample) and data.clustered and fewest < ENOUGH:
        raise Refusal(
            "E104",
            "cluster",
            f"only {fewest} clusters on one side: cluster-robust errors would be far too small",
            "average the rows by cluster and period and declare the cluster as the unit, so that dates can be permuted",
        )


def _seen(data: Panel | Sample, book: Panel) -> Array:
    """(G, T) whether any unit of a cohort is observed in a period."""
    code = np.searchsorted(book.cohorts, book.adoption)
    count = np.zeros((len(book.cohorts), len(book.periods)), dtype=int)
    if isinstance(data, Sample):
        np.add.at(count, (code, data.period), 1)
        return count > 0
    return np.stack([np.isfinite(book.outcome[code == row]).any(axis=0) for row in range(len(count))])


def _estimated(
    data: Panel | Sample, book: Panel, cells: list[Cell], names: list[str], adjustment: str, anticipation: int
) -> Pieces:
    """The cells from rows (observed once, or with gaps), from units' changes, or from cohort moments alone."""
    if isinstance(data, Sample) or _has_gaps(book):
        rows = rows_of_sample(data, names) if isinstance(data, Sample) else rows_of_panel(book, names, anticipation)
        return from_rows(rows, cells, adjustment) if names else from_means(rows, cells)
    return from_changes(book, cells, names, adjustment) if names else _from_moments(book, cells)


def _has_gaps(panel: Panel) -> bool:
    """A cohort's cell is missing for some of its units only."""
    if panel.n == panel.outcome.size:
        return False
    seen = [np.isfinite(panel.outcome[panel.adoption == cohort]) for cohort in panel.cohorts]
    return any(bool((one.any(axis=0) & ~one.all(axis=0)).any()) for one in seen)


def _from_moments(panel: Panel, cells: list[Cell]) -> Pieces:
    """Differences of cohort means, with covariances from the moment kernel."""
    kernel = moments(panel)
    scores, values = _scores(kernel, cells)
    scores = np.concatenate([scores, _share_scores(kernel, np.unique([cell.row for cell in cells]))], axis=2)
    return Pieces(cells, values, kernel.covariance(scores), partial(cluster_influence, panel, scores))


def _scores(kernel: Moments, cells: list[Cell]) -> tuple[Array, Array]:
    """Scores (G, T+2, K) and estimates (K,). A pooled control mean adds each control cohort's departure from it."""
    scores = np.zeros((len(kernel.cohorts), kernel.periods + 2, len(cells)))
    values = np.zeros(len(cells))
    for k, cell in enumerate(cells):
        if cell.period == cell.base:
            continue
        change = kernel.mean[:, cell.period] - kernel.mean[:, cell.base]
        controls = list(cell.controls)
        size = kernel.size[controls]
        pooled = float(size @ change[controls] / size.sum())
        values[k] = change[cell.row] - pooled
        _add(scores, k, cell, cell.row, 1 / kernel.size[cell.row])
        for control in controls:
            _add(scores, k, cell, control, -1 / size.sum())
            scores[control, kernel.periods, k] = -(change[control] - pooled) / size.sum()
    return scores, values


def _add(scores: Array, k: int, cell: Cell, row: int, by: float) -> None:
    scores[row, cell.period, k] += by
    scores[row, cell.base, k] -= by


def _share_scores(kernel: Moments, cohorts: Array) -> Array:
    """Scores of the cohort shares p_g = size_g / total: (w_i 1(i in g) - p_g) / n for each unit."""
    n = kernel.count.sum()
    scores = np.zeros((len(kernel.cohorts), kernel.periods + 2, len(cohorts)))
    for column, row in enumerate(cohorts):
        scores[row, kernel.periods, column] = 1 / n
        scores[:, kernel.periods + 1, column] = -kernel.size[row] / kernel.size.sum() / n
    return scores


def _facts(data: Panel | Sample, book: Panel, anticipation: int, cohorts: Array) -> _common.Facts:
    """Counts and the level before; cohorts: positions of those whose effects are estimated."""
    if isinstance(data, Panel):
        return _common.facts(book, anticipation, cohorts)
    before = np.isin(data.adoption, cohorts) & (data.period == data.adoption - 1 - anticipation)
    return {
        "n": data.n,
        "clusters": data.clusters,
        "treated_clusters": data.treated_clusters,
        "df": data.clusters - 1,
        "baseline": float(np.average(data.outcome[before], weights=data.weight[before])) if before.any() else np.nan,
        "effective": None,
        "against": None,
    }


def _method(
    data: Panel | Sample, book: Panel, found: Pieces, comparison: str, names: list[str], adjustment: str
) -> str:
    adjusted = f", adjusted for {', '.join(names)} ({ADJUSTED[adjustment]})" if names else ""
    once = "; rows observed once" if isinstance(data, Sample) else ""
    left = omission(found, book.periods, book.cohorts)
    return (
        f"group-time effects against {comparison.replace('_', '-')} units{adjusted}{once}; {_common.weight_words(book)}"
        + (f"; left out: {left}" if left else "")
    )


def _convention(data: Panel | Sample, book: Panel) -> str:
    clusters = f"summed by {_common.cluster_word(book)} ({book.clusters} clusters)"
    if isinstance(data, Sample) and not data.clustered:
        clusters = f"of {data.n} rows taken as independent"
    return (
        f"standard errors from influence functions {clusters}, including the estimated cohort shares, no small-sample "
        f"factor; t distribution with {book.clusters - 1} degrees of freedom"
    )
