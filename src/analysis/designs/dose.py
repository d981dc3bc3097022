"""Treatments of different strength: the average effect at the doses received, and how the effect changes with the dose.

Estimand: the average over treated units of ATT(d|d), the effect of the dose d they received against none; beside it the
    dose response ATT(d) and its average slope, the effect of a little more dose.
Assumes: without the policy, units of every dose would have moved in parallel with untreated ones: this identifies the
    level at each dose. Comparing doses (the slope) needs strong parallel trends: units of one dose would, at another,
    have had the effect that the units with that dose had. No anticipation beyond the declared periods.
Reference: Callaway, Goodman-Bacon and Sant'Anna (2024), Difference-in-differences with a continuous treatment; R
    package contdid (cubic B-spline without interior knots).
Fails when: units chose doses by what they gain from them (the slope then mixes the effect of the dose with who chose
    it), no unit is untreated, or a cubic curve cannot follow the response.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from analysis.designs import _common, _splines, group_time, two_way_fixed_effects
from analysis.inference.moments import Moments, cluster_influence, moments
from analysis.panel import NEVER, Array, Panel, Sample
from analysis.refusal import Refusal
from analysis.result import Effects

AVERAGES = ("simple", "event_time", "cohort", "period")
FEWEST = 5
MORE = "effect of one more unit of dose, if parallel trends hold at every dose for every unit (strong parallel trends)"
QUANTILES = np.arange(1, 20) / 20


@dataclass(frozen=True, eq=False)
class _Cohort:
    """A cohort whose doses determine a curve: its units, the periods used with their comparison rows, and the curve of
    its change summed over those periods."""

    members: Array
    base: int
    cells: tuple[tuple[int, Array], ...]
    curve: _splines.Curve


def estimate(
    data: Panel | Sample,
    *,
    comparison: str = "not_yet_treated",
    base_period: str = "universal",
    anticipation: int = 0,
) -> Effects:
    """Group-time effects at the doses received; `related` holds "slope", "response" and "slope_response".

    slope: the average derivative of the dose response over the treated units' doses. response and slope_response: the
    dose response and its derivative at twenty-quantiles of the dose (one row each, column `dose`), each resting on the
    cohorts whose doses reach from below to above it. All three weight every treated unit and period equally. Cohorts
    with fewer than five distinct doses are left out of them; without any other cohort `related` is empty and `method`
    says so.

    Args:
        data: a Panel with `dose`. comparison, base_period, anticipation: as in group_time.

    Raises:
        Refusal: no dose, negative doses, treated units without one, untreated units with one, no untreated unit (E132);
            what group_time refuses.
    """
    panel = _common.panel_of(data, name="dose").without_early_reactions(anticipation)
    _check_doses(panel)
    options: dict[str, Any] = {"comparison": comparison, "base_period": base_period, "anticipation": anticipation}
    level = _level(panel, **options)
    cohorts = _cohorts(panel, comparison, anticipation)
    if not cohorts:
        note = f"no dose response: no cohort has {FEWEST} distinct doses"
        return replace(level, method=f"{level.method}; {note}")
    resting = _resting_on(panel, level, cohorts)
    grid = _grid(cohorts)
    pieces = {
        "slope": _slope(panel, level, cohorts),
        "response": _response(panel, level, cohorts, grid, slope=False),
        "slope_response": _response(panel, level, cohorts, grid, slope=True),
    }
    related = {
        name: replace(piece, method=piece.method + resting, refit=partial(_refit, name, **options))
        for name, piece in pieces.items()
    }
    return replace(level, related=related)


def _refit(name: str, data: Panel | Sample, **options: Any) -> Effects:
    related = estimate(data, **options).related
    if name not in related:
        raise Refusal("E132", "dose", f"no cohort has {FEWEST} distinct doses", "estimate the level alone")
    return related[name]


def _level(data: Panel | Sample, **options: Any) -> Effects:
    """The effects at the doses received, which need no dose: any treated unit against the untreated."""
    effects = group_time.estimate(data, **options)
    return replace(
        effects,
        estimand=effects.estimand.replace("effect on the treated", "effect on the treated of the doses they received"),
        refit=partial(_level, **options),
    )


def _resting_on(panel: Panel, level: Effects, cohorts: list[_Cohort]) -> str:
    """Names the cohorts whose doses are used, where others have too few."""
    used = _common.labelled(panel, np.array([panel.adoption[cohort.members[0]] for cohort in cohorts]))
    reached = level.table.loc[level.table["event_time"] >= 0, "cohort"].unique()
    if len(used) == len(reached):
        return ""
    return f"; doses of adopters of {', '.join(f'{date:g}' for date in used)} alone, the others have too few"


def _check_doses(panel: Panel) -> None:
    name = panel.labels.dose or "dose"
    if panel.dose is None:
        raise Refusal("E132", "dose", "the data name no dose", "name the column under `dose`")
    never = panel.adoption == NEVER
    found = [
        (~np.isfinite(panel.dose), "without a dose", "write 0 for units that are never treated"),
        (panel.dose < 0, "with a negative dose", "write how much treatment the unit received"),
        (~never & (panel.dose == 0), "treated with a dose of 0", "give their dose, or leave the adoption date blank"),
        (never & (panel.upcoming == 0) & (panel.dose > 0), "never treated but with a dose", "write 0 for them"),
    ]
    for defect, problem, fix in found:
        if defect.any():
            count = int(defect.sum())
            example = panel.units[int(defect.argmax())]
            raise Refusal("E132", name, f"{count} unit{'s' if count > 1 else ''} {problem} (e.g. {example})", fix)
    if not never.any() and not panel.staggered:
        raise Refusal("E132", name, "no untreated unit to compare the doses with", "add units that are never treated")


def _cohorts(panel: Panel, comparison: str, anticipation: int) -> list[_Cohort]:
    """The cohorts with enough distinct doses, and a treated period with a comparison."""
    assert panel.dose is not None
    kernel = moments(panel)
    found = []
    for row, adoption in enumerate(kernel.cohorts):
        base = int(adoption) - 1 - anticipation
        members = np.flatnonzero(panel.adoption == adoption)
        if adoption == NEVER or base < 0 or len(np.unique(panel.dose[members])) < FEWEST:
            continue
        cells = _cells(kernel, row, base, comparison, anticipation)
        if cells:
            periods = [period for period, _ in cells]
            path = panel.outcome[members]
            change = path[:, periods].sum(axis=1) - len(cells) * path[:, base]
            curve = _splines.fit(panel.dose[members], change, panel.weight[members])
            if curve is not None:
                found.append(_Cohort(members, base, cells, curve))
    return found


def _cells(kernel: Moments, row: int, base: int, comparison: str, anticipation: int) -> tuple[tuple[int, Array], ...]:
    """Treated periods of the cohort in `row`, each with the rows it is compared with (as in group_time)."""
    seen = np.isfinite(kernel.mean)
    never = kernel.cohorts == NEVER
    cells = []
    for period in range(int(kernel.cohorts[row]), kernel.periods):
        waiting = never | (kernel.cohorts > period + anticipation) if comparison == "not_yet_treated" else never
        controls = np.flatnonzero(waiting & seen[:, period] & seen[:, base])
        if len(controls) and seen[row, period] and seen[row, base]:
            cells.append((period, controls))
    return tuple(cells)


def _grid(cohorts: list[_Cohort]) -> Array:
    """Twenty-quantiles of the dose over treated units, each counted by its weight."""
    dose = np.concatenate([cohort.curve.dose for cohort in cohorts])
    weight = np.concatenate([cohort.curve.weight for cohort in cohorts])
    order = np.argsort(dose, kind="stable")
    reached = np.cumsum(weight[order]) / weight.sum()
    return np.unique(dose[order][np.searchsorted(reached, QUANTILES - 1e-12)])


def _slope(panel: Panel, level: Effects, cohorts: list[_Cohort]) -> Effects:
    """The average derivative over treated units and periods."""
    weight = np.array([[cohort.curve.weight.sum()] for cohort in cohorts])
    found = [cohort.curve.average_slope() for cohort in cohorts]
    values = np.array([[value] for value, _ in found])
    parts = [part[:, None] for _, part in found]
    estimates, psi = _averaged(panel, cohorts, weight, values, parts)
    treated = _clusters(panel, cohorts)
    error = float(np.sqrt(psi[:, 0] @ psi[:, 0]))
    table = two_way_fixed_effects.single_row(float(estimates[0]), error, treated, treated)
    return _related(level, table, psi, f"{MORE}, averaged over the doses of the treated")


def _response(panel: Panel, level: Effects, cohorts: list[_Cohort], grid: Array, *, slope: bool) -> Effects:
    """The dose response, or its derivative, at the doses of `grid`."""
    inside = [(cohort.curve.dose.min() <= grid) & (grid <= cohort.curve.dose.max()) for cohort in cohorts]
    weight = np.array([cohort.curve.weight.sum() * reached for cohort, reached in zip(cohorts, inside, strict=True)])
    found = [cohort.curve.slope_at(grid) if slope else cohort.curve.at(grid) for cohort in cohorts]
    values = np.array([value for value, _ in found])
    untreated = np.zeros(len(grid))
    if not slope:
        share = weight / (weight * _lengths(cohorts)).sum(axis=0)
        values, untreated = _less_untreated(panel, cohorts, values, share)
    estimates, psi = _averaged(panel, cohorts, weight, values, [part for _, part in found])
    psi = psi + untreated
    treated = _clusters(panel, cohorts)
    rows = pd.DataFrame({"cohort": -1, "period": -1, "event_time": 0, "dose": grid, "estimate": estimates})
    table = rows.assign(
        std_error=np.sqrt((psi**2).sum(axis=0)),
        weight=1 / len(grid),
        treated_clusters=treated,
        comparison_clusters=treated if slope else int(level.table["comparison_clusters"].min()),
    )
    return _related(level, table, psi, f"{MORE}, by dose" if slope else "effect of a dose on its receivers, by dose")


def _lengths(cohorts: list[_Cohort]) -> Array:
    """(G, 1) number of treated periods of each cohort."""
    return np.array([[len(cohort.cells)] for cohort in cohorts])


def _less_untreated(panel: Panel, cohorts: list[_Cohort], values: Array, share: Array) -> tuple[Array, Array]:
    """Summed changes (G, M) less those of the comparison units, and what these add (clusters, M)."""
    kernel = moments(panel)
    scores = np.zeros((len(kernel.cohorts), kernel.periods + 2, values.shape[1]))
    pooled = np.zeros((len(cohorts), 1))
    for g, cohort in enumerate(cohorts):
        for period, controls in cohort.cells:
            size = kernel.size[controls]
            change = (kernel.mean[:, period] - kernel.mean[:, cohort.base])[controls]
            mean = float(size @ change / size.sum())
            pooled[g] += mean
            by = share[g] / size.sum()
            scores[controls, period] -= by
            scores[controls, cohort.base] += by
            scores[controls, kernel.periods] -= (change - mean)[:, None] * by
    return values - pooled, cluster_influence(panel, scores)


def _averaged(
    panel: Panel, cohorts: list[_Cohort], weight: Array, values: Array, parts: list[Array]
) -> tuple[Array, Array]:
    """Averages (M,) over treated units and periods of each cohort's summed `values` (G, M), and contributions
    (clusters, M): those to the sums, `parts` (units, M), and those of the units to the size of their cohort."""
    length = _lengths(cohorts)
    total = (weight * length).sum(axis=0)
    estimates = (weight * values).sum(axis=0) / total
    psi = np.zeros((panel.clusters, values.shape[1]))
    for g, cohort in enumerate(cohorts):
        share = weight[g] / total
        moved = np.where(weight[g] > 0, (values[g] - length[g] * estimates) / total, 0.0)
        units = parts[g] * share + np.outer(cohort.curve.weight, moved)
        np.add.at(psi, panel.cluster[cohort.members], units)
    return estimates, psi


def _clusters(panel: Panel, cohorts: list[_Cohort]) -> int:
    return len(np.unique(panel.cluster[np.concatenate([cohort.members for cohort in cohorts])]))


def _related(level: Effects, table: pd.DataFrame, psi: Array, words: str) -> Effects:
    none = np.empty(0)
    return replace(
        level,
        table=table,
        joint=psi.T @ psi,
        kind="single",
        estimand=words,
        method=f"cubic B-spline of the change on the dose among the treated; {level.method}",
        share=none,
        share_cohorts=none,
        cohort_clusters=none,
        concentration=none,
        reference=None,
        influence=partial(np.asarray, psi),
    )
