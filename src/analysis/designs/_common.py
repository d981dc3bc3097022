"""Pieces every design of the difference-in-differences family returns in the same way."""

from __future__ import annotations

import numpy as np

from analysis.panel import NEVER, Array, Panel


def baseline(panel: Panel) -> float:
    """Mean outcome of treated units in their last observed period before adoption (weighted like the units)."""
    treated = np.flatnonzero(panel.adoption != NEVER)
    before = panel.outcome[treated, panel.adoption[treated] - 1]
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


def weight_words(panel: Panel) -> str:
    """How units count in the averages."""
    return f"units weighted by {panel.labels.weight}" if panel.weighted else "every unit counts the same"


def cluster_word(panel: Panel) -> str:
    """The column that names the clusters."""
    return panel.labels.cluster or panel.labels.unit


def labelled(panel: Panel, places: Array) -> Array:
    """Period labels at `places`."""
    return np.asarray(panel.periods[places])
