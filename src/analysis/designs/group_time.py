"""Group-time average treatment effects: each adoption cohort in each period against units not (yet) treated.

Estimand: ATT(g, t), the average effect in period t on the units that adopted in g; averaged over treated cells, event
    times, cohorts or periods.
Assumes: without the policy, each cohort would have moved in parallel with the comparison units from its base period
    on; no anticipation beyond the declared periods.
Reference: Callaway and Sant'Anna (2021), sections 2-4; R package did (no covariates, analytic errors).
Fails when: cohorts were on other paths before adopting, comparison units are touched by the policy, or cohorts hold
    too few units for their means to be stable.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from analysis.designs import _common
from analysis.inference.moments import Moments, cluster_influence, moments, never_row
from analysis.panel import NEVER, Array, Panel, Sample
from analysis.refusal import Refusal
from analysis.result import Effects

AVERAGES = ("simple", "event_time", "cohort", "period")


@dataclass(frozen=True)
class _Cell:
    """One effect: row of the cohort, its period, the base period, and the rows of the comparison cohorts."""

    row: int
    period: int
    base: int
    controls: tuple[int, ...]


def estimate(
    data: Panel | Sample,
    *,
    comparison: str = "not_yet_treated",
    base_period: str = "universal",
    anticipation: int = 0,
) -> Effects:
    """All group-time effects with their joint covariance and that of the cohort shares.

    Args:
        data: a Panel; cells masked by `before_adoption` are left out.
        comparison: "never_treated" or "not_yet_treated" (never-treated units included).
        base_period: pre-adoption cells relative to the last period before adoption ("universal") or to the
            period before them ("varying"). Cells from adoption on are the same under both.
        anticipation: periods before adoption in which units may already react.

    Raises:
        Refusal: repeated cross-sections; never-treated comparison without never-treated units; no estimable cell.
    """
    if isinstance(data, Sample):
        raise Refusal("E130", "design", "group-time effects need the same units over time", "use `design: two_by_two`")
    data = data.without_early_reactions(anticipation)
    kernel = moments(data)
    if comparison == "never_treated" and never_row(kernel) is None:
        raise Refusal("P006", "comparison", "no never-treated group", "set `comparison: not_yet_treated`")
    cells = _cells(kernel, comparison, base_period, anticipation)
    if not any(cell.period >= kernel.cohorts[cell.row] for cell in cells):
        raise Refusal(
            "P005", "comparison", "no treated cell has a comparison", "widen `since`/`until` or change `comparison`"
        )
    scores, values = _scores(kernel, cells)
    cohorts = np.unique([cell.row for cell in cells])
    shares = _share_scores(kernel, cohorts)
    joint = kernel.covariance(np.concatenate([scores, shares], axis=2))
    df = kernel.clusters - 1
    estimated = np.unique([cell.row for cell in cells if cell.period >= kernel.cohorts[cell.row]])
    counts, concentration = _common.cohort_clusters(data, kernel.cohorts)
    return Effects(
        table=_table(data, kernel, cells, values, joint, counts),
        joint=joint,
        share=kernel.size[cohorts] / kernel.size.sum(),
        share_cohorts=_common.labelled(data, kernel.cohorts[cohorts]),
        kind="cells",
        reference=-1 - anticipation if base_period == "universal" else None,
        anticipation=anticipation,
        estimand=_estimand(data, kernel, cells),
        method=f"group-time effects against {comparison.replace('_', '-')} units; {_common.weight_words(data)}",
        inference=_convention(data, kernel, df),
        df=df,
        n=data.n,
        clusters=kernel.clusters,
        treated_clusters=kernel.treated_clusters,
        baseline=_common.baseline(data, anticipation, kernel.cohorts[estimated]),
        cohort_clusters=counts[cohorts],
        concentration=concentration[cohorts],
        refit=partial(estimate, comparison=comparison, base_period=base_period, anticipation=anticipation),
        influence=partial(cluster_influence, data, np.concatenate([scores, shares], axis=2)),
    )


def _estimand(panel: Panel, kernel: Moments, cells: list[_Cell]) -> str:
    """What is averaged; names the cohorts and periods when not every treated cell has a comparison."""
    words = "average effect on the treated, every treated unit and period counting the same"
    post = [(cell.row, cell.period) for cell in cells if cell.period >= kernel.cohorts[cell.row]]
    treated = sum(kernel.periods - int(g) for g in kernel.cohorts if g != NEVER)
    if len(post) == treated:
        return words
    cohorts = ", ".join(f"{d:g}" for d in _common.labelled(panel, kernel.cohorts[sorted({row for row, _ in post})]))
    return f"{words}; only adopters of {cohorts}, up to {panel.periods[max(t for _, t in post)]}, have a comparison"


def _convention(panel: Panel, kernel: Moments, df: int) -> str:
    return (
        f"standard errors from influence functions summed by {_common.cluster_word(panel)} ({kernel.clusters} "
        f"clusters), including the estimated cohort shares, no small-sample factor; t distribution with {df} "
        "degrees of freedom"
    )


def _cells(kernel: Moments, comparison: str, base_period: str, anticipation: int) -> list[_Cell]:
    seen = np.isfinite(kernel.mean)
    cells = []
    for row, adoption in enumerate(kernel.cohorts):
        last_clean = int(adoption) - 1 - anticipation
        if adoption == NEVER or last_clean < 0:
            continue
        for period in range(kernel.periods):
            base = last_clean if base_period == "universal" or period >= adoption else period - 1
            if base < 0:
                continue
            controls = _controls(kernel, row, max(period, base) + anticipation, comparison)
            controls = tuple(c for c in controls if seen[c, period] and seen[c, base])
            if controls and seen[row, period] and seen[row, base]:
                cells.append(_Cell(row, period, base, controls))
    return cells


def _controls(kernel: Moments, row: int, untreated_until: int, comparison: str) -> tuple[int, ...]:
    never = kernel.cohorts == NEVER
    chosen = never | (kernel.cohorts > untreated_until) if comparison == "not_yet_treated" else never
    return tuple(int(c) for c in np.flatnonzero(chosen) if c != row)


def _scores(kernel: Moments, cells: list[_Cell]) -> tuple[Array, Array]:
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


def _add(scores: Array, k: int, cell: _Cell, row: int, by: float) -> None:
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


def _table(
    panel: Panel, kernel: Moments, cells: list[_Cell], values: Array, joint: Array, clusters: Array
) -> pd.DataFrame:
    adoption = kernel.cohorts[[cell.row for cell in cells]]
    period = np.array([cell.period for cell in cells])
    size = kernel.size[[cell.row for cell in cells]]
    weight = np.where(period >= adoption, size, 0.0)
    return pd.DataFrame(
        {
            "cohort": _common.labelled(panel, adoption),
            "period": _common.labelled(panel, period),
            "event_time": period - adoption,
            "estimate": values,
            "std_error": np.sqrt(np.clip(np.diag(joint)[: len(cells)], 0, None)),
            "weight": weight / weight.sum(),
            "treated_clusters": clusters[[cell.row for cell in cells]],
            "comparison_clusters": [int(clusters[list(cell.controls)].sum()) for cell in cells],
        }
    )
