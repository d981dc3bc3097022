"""Group-time cells: which there are, their estimates from the changes of units, and what they give to `Effects`.

Every cluster's contribution to every cell and to the cohort shares is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, TypedDict

import numpy as np

from analysis.designs import _common
from analysis.inference import doubly_robust
from analysis.panel import NEVER, Array, Panel, Sample
from analysis.refusal import Refusal

if TYPE_CHECKING:
    import pandas as pd

ADJUSTED = {
    "doubly_robust": "regression and reweighting, right when either model is",
    "regression": "regression among the comparison units",
    "weighting": "reweighting the comparison units by their odds of treatment",
}
SPARE = 5


@dataclass(frozen=True)
class Cell:
    """One effect: row of the cohort, its period, the base period, and the rows of the comparison cohorts."""

    row: int
    period: int
    base: int
    controls: tuple[int, ...]

    @property
    def earlier(self) -> int:
        """The earlier of its two periods: always before adoption."""
        return min(self.base, self.period)


@dataclass(frozen=True)
class Problem:
    """Why a cell is left out, and the position of the covariate to blame among the covariates, if one is."""

    words: str
    column: int | None = None


@dataclass(frozen=True, eq=False)
class Pieces:
    """Estimated cells (K,), the joint covariance of estimates and cohort shares (K+G, K+G), and what it comes from."""

    cells: list[Cell]
    values: Array
    joint: Array
    influence: Callable[[], Array]
    omitted: tuple[tuple[Cell, Problem], ...] = ()

    @property
    def row(self) -> Array:
        """(K,) rows of the cells' cohorts."""
        return np.array([cell.row for cell in self.cells], dtype=int)

    @property
    def period(self) -> Array:
        """(K,) positions of the cells' periods."""
        return np.array([cell.period for cell in self.cells], dtype=int)


class Carried(TypedDict):
    """What the pieces give to `Effects`."""

    table: pd.DataFrame
    joint: Array
    kind: Literal["cells"]
    share: Array
    share_cohorts: Array
    cohort_clusters: Array
    concentration: Array
    influence: Callable[[], Array]


def carried(panel: Panel, found: Pieces, cohorts: Array, behind: Array) -> Carried:
    """Table, covariance and shares. panel: whom the shares count. behind: (K,) comparison clusters of the cells."""
    errors = np.sqrt(np.clip(np.diag(found.joint)[: len(found.cells)], 0, None))
    share, labels, clusters, concentration = _common.shares(panel, cohorts[np.unique(found.row)])
    return {
        "table": _common.cell_table(panel, cohorts[found.row], found.period, found.values, errors, behind),
        "joint": found.joint,
        "kind": "cells",
        "share": share,
        "share_cohorts": labels,
        "cohort_clusters": clusters,
        "concentration": concentration,
        "influence": found.influence,
    }


@dataclass(frozen=True, eq=False)
class Members:
    """Those whom cohort shares count: units of a panel, or rows observed once. cohort: (n,) rows of the cohorts."""

    cohort: Array
    weight: Array
    cluster: Array
    clusters: int


def wanted(cohorts: Array, seen: Array, comparison: str, base_period: str, anticipation: int) -> list[Cell]:
    """The cells that have units in both periods on both sides. cohorts: (G,) positions. seen: (G, T) any observed."""
    cells = []
    for row, adoption in enumerate(cohorts):
        last_clean = int(adoption) - 1 - anticipation
        if adoption == NEVER or last_clean < 0:
            continue
        for period in range(seen.shape[1]):
            base = last_clean if base_period == "universal" or period >= adoption else period - 1
            if base < 0:
                continue
            controls = _controls(cohorts, row, max(period, base) + anticipation, comparison)
            controls = tuple(c for c in controls if seen[c, period] and seen[c, base])
            if controls and seen[row, period] and seen[row, base]:
                cells.append(Cell(row, period, base, controls))
    return cells


def _controls(cohorts: Array, row: int, untreated_until: int, comparison: str) -> tuple[int, ...]:
    never = cohorts == NEVER
    chosen = never | (cohorts > untreated_until) if comparison == "not_yet_treated" else never
    return tuple(int(c) for c in np.flatnonzero(chosen) if c != row)


def from_changes(panel: Panel, cells: list[Cell], names: Iterable[str], adjustment: str) -> Pieces:
    """Adjusted differences between the changes of units; a propensity is fitted once for all cells that share it."""
    members, covariates = members_of(panel), Covariates([panel.covariates[name] for name in names])
    blocks: dict[tuple[int, tuple[int, ...], int], list[int]] = {}
    for k, cell in enumerate(cells):
        if cell.period != cell.base:
            blocks.setdefault((cell.row, cell.controls, covariates.place(cell.earlier)), []).append(k)
    values, contributions = np.zeros(len(cells)), np.zeros((len(cells), panel.clusters))
    problems: dict[int, Problem] = {}
    start: dict[int, Array | None] = {}
    for (row, controls, place), ks in blocks.items():
        units = np.flatnonzero(np.isin(members.cohort, (row, *controls)))
        treated, design = members.cohort[units] == row, covariates.at(units, place)
        groups = doubly_robust.compared(treated, design, panel.weight[units], adjustment, start=start.get(row))
        if groups.problem:
            problems.update(dict.fromkeys(ks, Problem(groups.problem, groups.column)))
            continue
        start[row] = groups.coefficients
        values[ks], parts = doubly_robust.changes(groups, change(panel, units, [cells[k] for k in ks]))
        _place(contributions, ks, parts, panel.cluster[units], own=panel.clusters == len(panel.units))
    return pieces(cells, values, contributions, problems, members)


def change(panel: Panel, units: Array, cells: list[Cell]) -> Array:
    """(units, cells) changes of the outcome from each cell's base to its period."""
    outcome = panel.outcome[units]
    return np.asarray(outcome[:, [cell.period for cell in cells]] - outcome[:, [cell.base for cell in cells]])


def _place(contributions: Array, ks: list[int], parts: Array, cluster: Array, *, own: bool) -> None:
    """Writes contributions (n, len(ks)) of single observations into `contributions` (K, clusters).

    own: every observation is its cluster's only one.
    """
    if own:
        contributions[np.array(ks)[:, None], cluster] = parts.T
    else:
        contributions[ks] = doubly_robust.summed(parts, cluster, contributions.shape[1]).T


def pieces(
    cells: list[Cell], values: Array, contributions: Array, problems: dict[int, Problem], members: Members
) -> Pieces:
    """The cells without a problem, with contributions (K, clusters), and the contributions to their cohorts' shares.

    A cohort without any other cell loses its reference cell, too.
    """
    left = {cell.row for k, cell in enumerate(cells) if k not in problems and cell.period != cell.base}
    kept = [k for k, cell in enumerate(cells) if k not in problems and cell.row in left]
    rows = np.unique([cells[k].row for k in kept]).astype(int)
    share = np.zeros((len(rows), members.clusters))
    for g, row in enumerate(rows):
        member = members.weight * (members.cohort == row)
        each = (member - member.sum() / members.weight.sum()) / len(member)
        share[g] = np.bincount(members.cluster, weights=each, minlength=members.clusters)
    stacked = np.concatenate([contributions[kept] if len(kept) < len(cells) else contributions, share])
    omitted = tuple((cells[k], problems[k]) for k in sorted(problems))
    return Pieces([cells[k] for k in kept], values[kept], stacked @ stacked.T, partial(np.transpose, stacked), omitted)


def members_of(data: Panel | Sample) -> Members:
    """The units of a panel, or the rows of a sample."""
    return Members(np.searchsorted(data.cohorts, data.adoption), data.weight, data.cluster, data.clusters)


class Covariates:
    """Standardised covariates (units, periods) of a panel, with a constant; one table where none ever varies.

    A cell uses their values in the earlier of its two periods, as R's did does: before adoption in any case.
    """

    def __init__(self, tables: list[Array]) -> None:
        self.constant = all(bool((one == one[:, :1]).all()) for one in tables)
        self.tables = [standardised(one[:, :1] if self.constant else one) for one in tables]

    def place(self, period: int) -> int:
        """The period whose values stand for those of `period`."""
        return 0 if self.constant else period

    def at(self, units: Array, period: int) -> Array:
        """(units, 1 + covariates) values in `period`, a constant first; NaN where unknown then."""
        return np.column_stack([np.ones(len(units)), *(one[units, self.place(period)] for one in self.tables)])


def standardised(values: Array) -> Array:
    """`values` less their mean, over their standard deviation."""
    return np.asarray((values - np.nanmean(values)) / (np.nanstd(values) or 1.0))


def omission(found: Pieces, periods: Array, cohorts: Array) -> str:
    """The cells left out, in words; empty where there are none. cohorts: (G,) positions among `periods`."""
    if not found.omitted:
        return ""
    cell, problem = found.omitted[0]
    more = f" and {len(found.omitted) - 1} other cells" if len(found.omitted) > 1 else ""
    return f"{problem.words} for group {periods[cohorts[cell.row]]:g}, time {periods[cell.period]:g}{more}"


def nothing_left(found: Pieces, periods: Array, cohorts: Array, names: list[str]) -> Refusal:
    """The refusal when no treated cell can be estimated: the covariate to blame (E107), overlap (E126) or neither."""
    if not found.omitted:
        fix = "widen `since`/`until` or change `comparison`"
        return Refusal("P005", "comparison", "no treated cell has a comparison", fix)
    words, column = omission(found, periods, cohorts), found.omitted[0][1].column
    if column is not None:
        name = names[column - 1] if column else names[0]
        return Refusal("E107", f"covariates:{name}", words, f"drop {name}")
    fix = "drop the covariates that give the treatment away, or set `adjustment: regression`"
    return Refusal("E126", "covariates", words, fix)


def few_never_treated(units: float, covariates: int) -> Refusal:
    """The refusal of a never-treated comparison group too small for the covariates (as in R's did)."""
    given = f"{covariates} covariate{'s' if covariates > 1 else ''}"
    problem = f"{units:g} never-treated units are too few to compare with, given {given}"
    return Refusal("E113", "comparison", problem, "set `comparison: not_yet_treated`, or drop covariates")


def limits(panel: Panel, adoption: Array, period: Array) -> str:
    """The cohorts and periods of treated cells (positions), in words; empty where every treated cell is estimated."""
    if len(adoption) == sum(len(panel.periods) - int(cohort) for cohort in panel.cohorts if cohort != NEVER):
        return ""
    cohorts = ", ".join(f"{d:g}" for d in _common.labelled(panel, np.unique(adoption)))
    return f"; only adopters of {cohorts}, up to {panel.periods[period.max()]}, have a comparison"
