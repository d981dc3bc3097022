"""Group-time cells from the rows of two periods: units with gaps, or rows observed once.

A unit observed in one of a cell's periods only still counts there, as in R's did with allow_unbalanced_panel; its rows
stay together in the contributions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from analysis.designs._group_cells import (
    Cell,
    Covariates,
    Members,
    Pieces,
    Problem,
    members_of,
    pieces,
    standardised,
)
from analysis.inference import doubly_robust
from analysis.panel import NEVER, Array, Panel, Sample


@dataclass(frozen=True, eq=False)
class Rows:
    """Observations one by one. member: (n,) whose they are. covariates: from rows and a period to (rows, k) values."""

    outcome: Array
    period: Array
    member: Array
    members: Members
    covariates: Callable[[Array, int], Array]


def from_rows(rows: Rows, cells: list[Cell], adjustment: str) -> Pieces:
    """Adjusted differences between the levels of the rows observed in a cell's two periods."""
    members = rows.members
    cohort, weight, cluster = members.cohort[rows.member], members.weight[rows.member], members.cluster[rows.member]
    found_at = _groups(cohort, rows.period)
    values, contributions = np.zeros(len(cells)), np.zeros((len(cells), members.clusters))
    problems: dict[int, Problem] = {}
    start: dict[int, Array | None] = {}
    for k, cell in enumerate(cells):
        if cell.period == cell.base:
            continue
        sides = (cell.row, *cell.controls)
        found = np.concatenate([found_at[g, t] for t in (cell.base, cell.period) for g in sides])
        design = rows.covariates(found, cell.earlier)
        known = np.isfinite(design).all(axis=1)
        found, design = found[known], design[known]
        treated, after = cohort[found] == cell.row, rows.period[found] == cell.period
        groups = doubly_robust.compared(
            treated, design, weight[found], adjustment, after=after, start=start.get(cell.row)
        )
        if groups.problem:
            problems[k] = Problem(groups.problem, groups.column)
            continue
        start[cell.row] = groups.coefficients
        values[k], parts = doubly_robust.levels(groups, rows.outcome[found])
        contributions[k] = np.bincount(cluster[found], weights=parts, minlength=members.clusters)
    return pieces(cells, values, contributions, problems, members)


def from_means(rows: Rows, cells: list[Cell]) -> Pieces:
    """Differences of the means of the rows observed in each period, without covariates.

    A row of cohort g and period t contributes w (e u + c), with w its weight and e its departure from the mean of g in
    t: u weighs that mean in the cell, and c is what g's own departure from a pooled comparison mean adds.
    """
    members = rows.members
    cohort, cluster = members.cohort[rows.member], members.cluster[rows.member]
    weight, own = members.weight[rows.member], members.clusters == len(members.weight)
    found_at = _groups(cohort, rows.period)
    size, mean = np.zeros((2, int(cohort.max()) + 1, int(rows.period.max()) + 1))
    for place, found in found_at.items():
        size[place] = weight[found].sum()
        mean[place] = np.average(rows.outcome[found], weights=weight[found]) if len(found) else 0.0
    values, of_mean, of_pool = _contrasts(size, mean, cells)
    contributions = np.zeros((len(cells), members.clusters))
    for place, found in found_at.items():
        ks = np.flatnonzero(of_mean[place])
        part = np.outer(of_mean[place][ks], weight[found] * (rows.outcome[found] - mean[place]))
        part += np.outer(of_pool[place][ks], weight[found])
        if own:
            contributions[ks[:, None], cluster[found]] += part
        else:
            contributions[ks] += doubly_robust.summed(part.T, cluster[found], members.clusters).T
    return pieces(cells, values, contributions, {}, members)


def _contrasts(size: Array, mean: Array, cells: list[Cell]) -> tuple[Array, Array, Array]:
    """Estimates (K,) from sizes and means (G, T), and the weights u and c of rows (G, T, K) in them."""
    values = np.zeros(len(cells))
    of_mean, of_pool = np.zeros((2, *mean.shape, len(cells)))
    for k, cell in enumerate(cells):
        if cell.period == cell.base:
            continue
        controls = list(cell.controls)
        for sign, when in ((1, cell.period), (-1, cell.base)):
            total = size[controls, when].sum()
            pooled = size[controls, when] @ mean[controls, when] / total
            values[k] += sign * (mean[cell.row, when] - pooled)
            of_mean[cell.row, when, k] = sign / size[cell.row, when]
            of_mean[controls, when, k] = -sign / total
            of_pool[controls, when, k] = -sign * (mean[controls, when] - pooled) / total
    return values, of_mean, of_pool


def _groups(cohort: Array, period: Array) -> dict[tuple[int, int], Array]:
    """The rows of each cohort in each period."""
    periods = int(period.max()) + 1
    code = cohort * periods + period
    order = np.argsort(code, kind="stable")
    ends = np.cumsum(np.bincount(code))
    parts = np.split(order, ends[:-1])
    return {divmod(place, periods): rows for place, rows in enumerate(parts)}


def rows_of_panel(panel: Panel, names: Iterable[str], anticipation: int) -> Rows:
    """The observed cells of a panel with gaps."""
    unit, period = np.nonzero(np.isfinite(panel.outcome))
    covariates = Covariates([known_before(panel.covariates[name], panel.adoption, anticipation) for name in names])
    values = panel.outcome[unit, period]
    return Rows(values, period, unit, members_of(panel), lambda found, place: covariates.at(unit[found], place))


def rows_of_sample(sample: Sample, names: Iterable[str]) -> Rows:
    """The rows of repeated cross-sections; covariates are the row's own, whatever the period."""
    design = np.column_stack([np.ones(sample.n), *(standardised(sample.covariates[name]) for name in names)])
    own = np.arange(sample.n)
    return Rows(sample.outcome, sample.period, own, members_of(sample), lambda found, place: design[found])


def known_before(values: Array, adoption: Array, anticipation: int = 0) -> Array:
    """Covariates (units, periods) with gaps filled: the last value seen, or before any the first one still to come.

    A first value that comes only after the unit could react to its own adoption is not used, unless the covariate
    never changes in any unit.
    """
    seen = np.isfinite(values)
    if seen.all():
        return values
    first = seen.argmax(axis=1)
    start = values[np.arange(len(values)), first][:, None]
    last = np.maximum.accumulate(np.where(seen, np.arange(values.shape[1]), -1), axis=1)
    filled = np.where(last >= 0, np.take_along_axis(values, np.maximum(last, 0), axis=1), start)
    if ((values == start) | ~seen).all():
        return np.asarray(filled)
    late = (adoption != NEVER) & (first >= adoption - anticipation)
    return np.where((last < 0) & late[:, None], np.nan, filled)
