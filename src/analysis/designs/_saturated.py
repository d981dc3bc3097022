"""Designs with one coefficient per cohort and period: which cells they use, which they estimate, what they return."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.designs import _common, _two_way
from analysis.inference.moments import Moments, moments
from analysis.panel import NEVER, Array, Panel, Sample
from analysis.refusal import Refusal
from analysis.result import Effects

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Grid:
    """The cells of a saturated regression. G cohorts, T periods, K estimated cells in order of cohort and period.

    used: (G, T) in the regression. untreated: (G, T) used cells that show the outcome without the policy.
    rows, periods: (K,) positions of the estimated cells, the other used ones. reference: cells that are zero by
    definition, as positions (rows, periods).
    """

    panel: Panel
    kernel: Moments
    used: Array
    untreated: Array
    rows: Array
    periods: Array
    reference: tuple[Array, Array]

    @property
    def observations(self) -> int:
        """Unit-periods in the regression."""
        return int(self.kernel.count @ self.used.sum(axis=1))

    @property
    def regressors(self) -> Array:
        """(K, G, T) indicators of the estimated cells."""
        out = np.zeros((len(self.rows), *self.used.shape))
        out[np.arange(len(self.rows)), self.rows, self.periods] = 1.0
        return out

    @property
    def names(self) -> list[str]:
        """The estimated cells in words."""
        dates = _common.labelled(self.panel, self.kernel.cohorts[self.rows])
        periods = _common.labelled(self.panel, self.periods)
        return [f"{date:g} in {period:g}" for date, period in zip(dates, periods, strict=True)]


def clean(data: Panel | Sample, name: str, anticipation: int) -> Panel:
    """The panel a saturated design can use, without units that have no period before they may react."""
    panel = _common.panel_of(data, name=name).without_early_reactions(anticipation)
    if not anticipation:
        return panel
    keep = (panel.adoption == NEVER) | (panel.adoption > anticipation)
    if not keep.any():
        raise Refusal("P005", "anticipation", "no unit is observed before it may react", "set a smaller `anticipation`")
    return panel.only(keep, f"adopts within {anticipation} periods of the first one: none is left before it may react")


def against_one_cohort(panel: Panel, anticipation: int) -> Grid:
    """Every other cell of every cohort against the never-treated cohort, each relative to its reference period.

    Without never-treated units the cohort that adopts last takes their place, up to the period in which it may react
    (Sun and Abraham 2021, section 3). Raises Refusal P005 where no treated cell can be estimated.
    """
    kernel = moments(panel)
    control = _control(kernel)
    base = kernel.cohorts - 1 - anticipation
    used = np.isfinite(kernel.mean) & _until_all_react(kernel, anticipation) & np.isfinite(kernel.mean[control])
    treated = np.arange(len(kernel.cohorts)) != control
    if not used[treated, base[treated]].all():
        raise Refusal("P005", "comparison", "a cohort's reference period is not observed", "widen `since`/`until`")
    untreated = np.zeros_like(used)
    untreated[control] = used[control]
    untreated[treated, base[treated]] = True
    return _grid(panel, kernel, used, untreated, (np.flatnonzero(treated), base[treated]))


def against_untreated_cells(panel: Panel, anticipation: int) -> Grid:
    """Every cell from adoption (less anticipation) on against all cells before it and those of never-treated units.

    Raises Refusal P005 where no treated cell can be estimated.
    """
    kernel = moments(panel)
    place = np.arange(kernel.periods)
    before = (kernel.cohorts[:, None] == NEVER) | (place < kernel.cohorts[:, None] - anticipation)
    used = np.isfinite(kernel.mean) & _until_all_react(kernel, anticipation)
    none = np.empty(0, dtype=int)
    return _grid(panel, kernel, used, used & before, (none, none))


def _control(kernel: Moments) -> int:
    """The row of the cohort to compare with: never treated, or the last to adopt."""
    return 0 if kernel.cohorts[0] == NEVER else len(kernel.cohorts) - 1


def _until_all_react(kernel: Moments, anticipation: int) -> Array:
    """(T,) periods in which some cohort cannot have reacted yet."""
    if kernel.cohorts[0] == NEVER:
        return np.ones(kernel.periods, dtype=bool)
    return np.asarray(np.arange(kernel.periods) < kernel.cohorts[-1] - anticipation)


def _grid(panel: Panel, kernel: Moments, used: Array, untreated: Array, reference: tuple[Array, Array]) -> Grid:
    rows, periods = np.nonzero(used & ~untreated)
    if not (periods >= kernel.cohorts[rows]).any():
        problem = "no treated cell has a comparison"
        raise Refusal("P005", "comparison", problem, "add units that never adopt, or widen `since`/`until`")
    return Grid(panel, kernel, used, untreated, rows, periods, reference)


def effects(
    grid: Grid,
    values: Array,
    covariance: Array,
    influence: Callable[[], Array],
    *,
    anticipation: int,
    method: str,
    inference: str,
    refit: Callable[[Any], Effects],
) -> Effects:
    """The effects of the K estimated cells, their reference cells and the cohort shares, which count as fixed.

    Args:
        grid: the cells. values: (K,). covariance: (K, K).
        influence: gives (clusters, K) contributions to `values`.
        method, inference: in words.
    """
    kernel, panel = grid.kernel, grid.panel
    rows = np.concatenate([grid.rows, grid.reference[0]])
    periods = np.concatenate([grid.periods, grid.reference[1]])
    order = np.lexsort((periods, rows))
    rows, periods, place = rows[order], periods[order], np.argsort(order)[: len(values)]
    cohorts = np.unique(rows)
    counts, concentration = _two_way.clusters_of(kernel)
    joint = np.zeros((len(rows) + len(cohorts), len(rows) + len(cohorts)))
    joint[np.ix_(place, place)] = covariance
    table = _table(grid, rows, periods, counts)
    table.loc[place, "estimate"] = values
    table.loc[place, "std_error"] = np.sqrt(np.clip(np.diag(covariance), 0, None))
    return Effects(
        table=table,
        joint=joint,
        kind="cells",
        share=kernel.size[cohorts] / kernel.size.sum(),
        share_cohorts=_common.labelled(panel, kernel.cohorts[cohorts]),
        cohort_clusters=counts[cohorts],
        concentration=_common.overlap(panel, kernel.cohorts[cohorts], concentration[cohorts]),
        reference=-1 - anticipation if len(rows) > len(values) else None,
        anticipation=anticipation,
        estimand=_estimand(grid),
        df=kernel.clusters - 1,
        n=grid.observations,
        clusters=kernel.clusters,
        treated_clusters=kernel.treated_clusters,
        against=_common.against(panel),
        baseline=_baseline(grid, anticipation),
        refit=refit,
        influence=partial(_placed, influence, place, len(joint)),
        method=method,
        inference=inference,
    )


def _table(grid: Grid, rows: Array, periods: Array, clusters: Array) -> pd.DataFrame:
    """The table of cells, with zeros for estimates and errors."""
    import pandas as pd

    adoption = grid.kernel.cohorts[rows]
    weight = np.where(periods >= adoption, grid.kernel.size[rows], 0.0)
    return pd.DataFrame(
        {
            "cohort": _common.labelled(grid.panel, adoption),
            "period": _common.labelled(grid.panel, periods),
            "event_time": periods - adoption,
            "estimate": 0.0,
            "std_error": 0.0,
            "weight": weight / weight.sum(),
            "treated_clusters": clusters[rows],
            "comparison_clusters": _comparison(grid, rows, periods, clusters),
        }
    )


def _baseline(grid: Grid, anticipation: int) -> float:
    """Mean outcome in the last clean period before adoption of the cohorts whose effects are estimated."""
    kernel = grid.kernel
    rows = np.unique(grid.rows[grid.periods >= kernel.cohorts[grid.rows]])
    before = kernel.mean[rows, kernel.cohorts[rows] - 1 - anticipation]
    seen = np.isfinite(before)
    return float(np.average(before[seen], weights=kernel.size[rows][seen])) if seen.any() else float("nan")


def _placed(influence: Callable[[], Array], place: Array, width: int) -> Array:
    """Contributions put in the columns `place` of `width`, zero elsewhere."""
    found = influence()
    out = np.zeros((len(found), width))
    out[:, place] = found
    return out


def _comparison(grid: Grid, rows: Array, periods: Array, clusters: Array) -> Array:
    """(K,) clusters of the other cohorts that are untreated in each cell's period."""
    control = grid.untreated.copy()
    control[grid.reference] = False
    return np.asarray(clusters @ control[:, periods] - np.where(control[rows, periods], clusters[rows], 0))


def _estimand(grid: Grid) -> str:
    """What is averaged; names the cohorts and periods when not every treated cell has a comparison."""
    words = "average effect on the treated, every treated unit and period counting the same"
    cohorts = grid.kernel.cohorts
    post = grid.periods >= cohorts[grid.rows]
    if post.sum() == sum(grid.kernel.periods - int(g) for g in cohorts if g != NEVER):
        return words
    dates = ", ".join(f"{d:g}" for d in _common.labelled(grid.panel, cohorts[np.unique(grid.rows[post])]))
    last = grid.panel.periods[grid.periods[post].max()]
    return f"{words}; only adopters of {dates}, up to {last:g}, have a comparison"
