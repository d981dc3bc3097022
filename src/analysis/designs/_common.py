"""Pieces every design of the difference-in-differences family returns in the same way."""

from __future__ import annotations

import numpy as np

from analysis.panel import NEVER, Array, Panel


def baseline(panel: Panel, anticipation: int = 0, cohorts: Array | None = None) -> float:
    """Mean outcome in the last period before adoption (and anticipation) of the treated units whose effects are
    estimated: those of `cohorts` (positions), or all; weighted like the units."""
    wanted = panel.adoption != NEVER if cohorts is None else np.isin(panel.adoption, cohorts)
    treated = np.flatnonzero(wanted & (panel.adoption > anticipation))
    if not len(treated):
        return float("nan")
    before = panel.outcome[treated, panel.adoption[treated] - 1 - anticipation]
    seen = np.isfinite(before)
    return float(np.average(before[seen], weights=panel.weight[treated][seen]))


def cohort_clusters(panel: Panel, cohorts: Array) -> tuple[Array, Array]:
    """(G,) clusters of each cohort, and (G,) the sum of squared shares of its clusters in the cohort's weight."""
    counts, concentration = np.zeros(len(cohorts), dtype=int), np.zeros(len(cohorts))
    own = panel.clusters == len(panel.units)
    for row, cohort in enumerate(cohorts):
        member = panel.adoption == cohort
        size = panel.weight[member]
        if not own:
            size = np.bincount(panel.cluster[member], weights=size)
            size = size[size > 0]
        counts[row], concentration[row] = len(size), ((size / size.sum()) ** 2).sum()
    return counts, concentration


def comparison_clusters(panel: Panel) -> int:
    """Clusters with never-treated units; without any, clusters of the cohort that adopts last."""
    last = NEVER if (panel.adoption == NEVER).any() else panel.adoption.max()
    return len(np.unique(panel.cluster[panel.adoption == last]))


def effective(panel: Panel) -> float:
    """Equally weighted treated clusters that the treated unit-periods are worth (inverse Herfindahl of their sizes)."""
    size = np.bincount(panel.cluster, weights=panel.weight * panel.treated.sum(axis=1))
    return float(size.sum() ** 2 / (size @ size))


def weight_words(panel: Panel) -> str:
    """How units count in the averages."""
    return f"units weighted by {panel.labels.weight}" if panel.weighted else "every unit counts the same"


def cluster_word(panel: Panel) -> str:
    """The column that names the clusters."""
    return panel.labels.cluster or panel.labels.unit


def labelled(panel: Panel, places: Array) -> Array:
    """Period labels at `places`."""
    return np.asarray(panel.periods[places])
