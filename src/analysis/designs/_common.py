"""Pieces every design of the difference-in-differences family returns in the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import numpy as np

from analysis.panel import NEVER, Array, Panel, Sample
from analysis.refusal import Refusal

if TYPE_CHECKING:
    import pandas as pd


FEWEST = 3


class Facts(TypedDict):
    """What every design of a panel reports in the same way."""

    n: int
    clusters: int
    treated_clusters: int
    df: float
    baseline: float
    effective: float | None
    against: float | None


def panel_of(
    data: Panel | Sample, *, name: str, gaps: bool = False, treatment: bool = False, eligible: bool = False
) -> Panel:
    """`data` as the panel that a design can use; gaps, treatment and eligible say which features it knows.

    Raises Refusal: rows observed once (E130), gaps (P007), a treatment that switches off (P002), a group the policy is
    not meant for (E131), fewer than three clusters (E103).
    """
    words = name.replace("_", " ")
    if isinstance(data, Sample):
        fix = "use `design: two_by_two`, or group_time for several dates"
        raise Refusal("E130", "design", f"{words} needs the same units over time", fix)
    if data.clusters < FEWEST:
        problem = f"{data.clusters} clusters: nothing can be learnt about chance from so few"
        fix = "add units that decide for themselves, or report the comparison as a description"
        raise Refusal("E103", data.labels.cluster or data.labels.unit, problem, fix)
    if data.treatment is not None and not treatment:
        raise _switches_off(data)
    if data.eligible is not None and not eligible:
        fix = "use `design: triple_difference`, or remove `eligible`"
        raise Refusal("E131", "eligible", f"{words} would ignore which units the policy is meant for", fix)
    if not gaps and data.n < data.outcome.size:
        _refuse_gaps(data, words)
    return data


def _switches_off(panel: Panel) -> Refusal:
    assert panel.treatment is not None
    column = panel.labels.treatment or "treatment"
    fix = "set `design: switching`, or recode the column as adoption dates"
    off = np.diff(np.nan_to_num(panel.treatment), axis=1) < 0
    units = np.flatnonzero(off.any(axis=1))
    if not len(units):
        return Refusal("P002", column, "the treatment takes more values than 0 and 1", fix)
    first = units[0]
    example = f"{panel.units[first]} in {panel.periods[int(off[first].argmax()) + 1]:g}"
    plural = "s" if len(units) > 1 else ""
    return Refusal("P002", column, f"treatment switches off for {len(units)} unit{plural} (e.g. {example})", fix)


def _refuse_gaps(panel: Panel, words: str) -> None:
    for cohort in panel.cohorts:
        missing = ~np.isfinite(panel.outcome[panel.adoption == cohort])
        if (missing.any(axis=0) & ~missing.all(axis=0)).any():
            fix = "set `unbalanced: drop_units`, or choose `design: group_time` or `imputation`, which work with gaps"
            where = f"({panel.labels.unit},{panel.labels.time})"
            raise Refusal("P007", where, f"{words} needs every unit in every period", fix)


def facts(panel: Panel, anticipation: int = 0, cohorts: Array | None = None) -> Facts:
    """Counts, degrees of freedom and the level before, of the cohorts (positions) whose effects are estimated."""
    return {
        "n": panel.n,
        "clusters": panel.clusters,
        "treated_clusters": panel.treated_clusters,
        "df": panel.clusters - 1,
        "baseline": baseline(panel, anticipation, cohorts),
        "effective": effective(panel),
        "against": against(panel),
    }


def shares(panel: Panel, cohorts: Array) -> tuple[Array, Array, Array, Array]:
    """For cohorts (positions): shares of all units' weight, labels and clusters, (G,) each, and `overlap`, (G, G)."""
    size = np.array([panel.weight[panel.adoption == cohort].sum() for cohort in cohorts])
    counts, concentration = cohort_clusters(panel, cohorts)
    return size / panel.weight.sum(), labelled(panel, cohorts), counts, overlap(panel, cohorts, concentration)


def overlap(panel: Panel, cohorts: Array, concentration: Array) -> Array:
    """(G, G) sums over clusters of the product of their shares in two cohorts' weights: cohorts that share clusters are
    worth fewer than both together. concentration: (G,) its diagonal."""
    if panel.clusters == len(panel.units):
        return np.diag(concentration)
    share = np.zeros((panel.clusters, len(cohorts)))
    for column, cohort in enumerate(cohorts):
        member = panel.adoption == cohort
        size = np.bincount(panel.cluster[member], weights=panel.weight[member], minlength=panel.clusters)
        share[:, column] = size / size.sum()
    return np.asarray(share.T @ share)


def clusters_with(panel: Panel, cohorts: Array) -> int:
    """Clusters with units of any of the cohorts (positions)."""
    return len(np.unique(panel.cluster[np.isin(panel.adoption, cohorts)]))


def cell_table(
    panel: Panel, cohort: Array, period: Array, values: Array, errors: Array, comparison: Array
) -> pd.DataFrame:
    """The table of cells: cohort and period positions (K,), estimates, errors, comparison clusters.

    A treated cell weighs as much as the units of its cohort, a cell before adoption nothing.
    """
    import pandas as pd

    present, code = np.unique(cohort, return_inverse=True)
    size = shares(panel, present)[0][code]
    weight = np.where(period >= cohort, size, 0.0)
    return pd.DataFrame(
        {
            "cohort": labelled(panel, cohort),
            "period": labelled(panel, period),
            "event_time": period - cohort,
            "estimate": values,
            "std_error": errors,
            "weight": weight / weight.sum(),
            "treated_clusters": cohort_clusters(panel, present)[0][code],
            "comparison_clusters": comparison,
        }
    )


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


def against(panel: Panel) -> float:
    """Equally weighted clusters that units without the policy are worth (the last cohort's, where all adopt)."""
    last = NEVER if (panel.adoption == NEVER).any() else panel.adoption.max()
    member = panel.adoption == last
    size = np.bincount(panel.cluster[member], weights=panel.weight[member])
    return float(size.sum() ** 2 / (size @ size))


def effective(panel: Panel) -> float:
    """Equally weighted treated clusters that the treated unit-periods are worth (inverse Herfindahl of their sizes)."""
    simple = panel.treatment is None and panel.eligible is None
    reached = panel.adoption != NEVER
    exposed = np.where(reached, len(panel.periods) - panel.adoption, 0) if simple else panel.treated.sum(axis=1)
    size = np.bincount(panel.cluster, weights=panel.weight * exposed)
    return float(size.sum() ** 2 / (size @ size))


def weight_words(panel: Panel) -> str:
    """How units count in the averages."""
    if not panel.weighted:
        return "every unit counts the same"
    return f"units weighted by {panel.labels.word(panel.labels.weight)}"


def cluster_word(panel: Panel) -> str:
    """The column that names the clusters."""
    return panel.labels.word(panel.labels.cluster or panel.labels.unit)


def labelled(panel: Panel, places: Array) -> Array:
    """Period labels at `places`."""
    return np.asarray(panel.periods[places])
