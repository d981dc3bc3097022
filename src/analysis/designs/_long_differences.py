"""Regressions of long differences of outcomes on treatment: shared by `stacked` and `local_projection`.

A row is a cohort beside one adoption date, with the change of its outcome from the last clean period to another one.
All units of a cohort have the same row, so that coefficients are contrasts of cohort mean paths; a unit that serves
beside several dates is clustered with itself (see inference.moments). P dates, G cohorts, T periods.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from analysis.designs import _common
from analysis.inference.moments import Moments, cluster_influence
from analysis.panel import NEVER, Array, Panel
from analysis.refusal import Refusal
from analysis.result import Effects


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a regression: (P, G) which cohorts are treated at a date and which are its clean controls.

    share: (P,) what each date counts in the estimate, summing to one. part: (P,) the treated rows' part in the weight
    that the regression gives the rows of a date.
    """

    treated: Array
    controls: Array
    share: Array
    part: Array


@dataclass(frozen=True, eq=False)
class Coefficient:
    """One event time: its estimate, scores (G, T+2), the share of each cohort in it (G,), and what stands behind it:
    the fewest comparison clusters at any date, and all clusters of the regression."""

    time: int
    estimate: float
    scores: Array
    cohorts: Array
    comparison: int
    clusters: int


@dataclass(frozen=True)
class Words:
    """What goes with a path: its estimand, its method, and what the regression's parameters are."""

    estimand: str
    method: str
    parameters: str


def clean(kernel: Moments, comparison: str, untreated_until: Array) -> Array:
    """(P, G) cohorts that no policy touches up to each of the positions `untreated_until` (P,).

    Raises Refusal where the never-treated units asked for do not exist.
    """
    never = kernel.cohorts == NEVER
    if comparison == "never_treated":
        if not never.any():
            raise Refusal("P006", "comparison", "no never-treated group", "set `comparison: not_yet_treated`")
        return np.tile(never, (len(untreated_until), 1))
    return np.asarray(never | (kernel.cohorts > untreated_until[:, None]))


def mean_changes(kernel: Moments, period: Array, base: Array) -> Array:
    """(P, G) changes of mean outcomes between positions `base` and `period` (P,); NaN where a cohort is not observed
    in one of them, or one of them is not in the panel."""
    inside = (base >= 0) & (base < kernel.periods) & (period >= 0) & (period < kernel.periods)
    change = kernel.mean[:, np.where(inside, period, 0)] - kernel.mean[:, np.where(inside, base, 0)]
    return np.where(inside, change, np.nan).T


def coefficient(
    kernel: Moments, rows: Rows, period: Array, base: Array, time: int, *, observations: int, k: int
) -> Coefficient:
    """The coefficient of treatment in a weighted regression of changes, with an effect for every date.

    Args:
        kernel: moments of the panel.
        rows: the rows of the regression and its weights.
        period, base: (P,) positions between which outcomes change, each different at every date.
        time: the event time that this is.
        observations, k: N and K of the small-sample factor.
    """
    member = rows.treated | rows.controls
    change = np.where(member, mean_changes(kernel, period, base), 0.0)
    size = kernel.size * rows.treated, kernel.size * rows.controls
    total = [np.maximum(part.sum(axis=1), np.finfo(float).tiny) for part in size]
    moved, others = ((part * change).sum(axis=1) / whole for part, whole in zip(size, total, strict=True))
    estimate = float(rows.share @ (moved - others))
    effect = others + rows.part * (moved - others - estimate)
    residual = change - effect[:, None] - estimate * rows.treated
    weight = (rows.treated / total[0][:, None] - rows.controls / total[1][:, None]) * rows.share[:, None]
    clusters = clusters_in(kernel, np.asarray(member.any(axis=0)))
    scores = np.zeros((len(kernel.cohorts), kernel.periods + 2))
    used = rows.share > 0
    scores[:, period[used]] += weight[used].T
    scores[:, base[used]] -= weight[used].T
    scores[:, -2] = (weight * residual).sum(axis=0)
    return Coefficient(
        time=time,
        estimate=estimate,
        scores=scores * np.sqrt(clusters / max(clusters - 1, 1) * (observations - 1) / max(observations - k, 1)),
        cohorts=rows.share @ rows.treated,
        comparison=min(clusters_in(kernel, control) for control in rows.controls[used]),
        clusters=clusters,
    )


def clusters_in(kernel: Moments, member: Array) -> int:
    """Clusters with units of the cohorts in `member` (G,)."""
    if kernel.pairs is None:
        return int(kernel.count[member].sum())
    return len(np.unique(kernel.pair_cluster[member[kernel.pair_cohort]]))


def named(panel: Panel, kernel: Moments, kept: Array, why: str) -> str:
    """ "; only adopters of ... `why`" where a cohort that adopts is not among the positions `kept`."""
    if set(kernel.cohorts.tolist()) <= {NEVER, *kept.tolist()}:
        return ""
    return f"; only adopters of {', '.join(f'{d:g}' for d in _common.labelled(panel, np.sort(kept)))} {why}"


def effects(
    panel: Panel,
    kernel: Moments,
    path: list[Coefficient],
    anticipation: int,
    words: Words,
    refit: Callable[[Any], Effects],
    related: Mapping[str, Effects],
) -> Effects:
    """The coefficients of `path`, in order of event time with the reference among them, as Effects."""
    rows = np.flatnonzero(np.any([piece.cohorts > 0 for piece in path], axis=0))
    share, labels, counts, concentration = _common.shares(panel, kernel.cohorts[rows])
    scores = np.stack([piece.scores for piece in path], axis=2)
    padded = np.concatenate([scores, np.zeros((*scores.shape[:2], len(rows)))], axis=2)
    joint = kernel.covariance(padded)
    clusters = max(piece.clusters for piece in path)
    behind = np.array([clusters_in(kernel, piece.cohorts > 0) for piece in path])
    facts = _common.facts(panel, anticipation, kernel.cohorts[rows])
    facts |= {"clusters": clusters, "df": clusters - 1}
    facts["treated_clusters"] = clusters_in(kernel, np.isin(kernel.cohorts, kernel.cohorts[rows]))
    return Effects(
        table=_table(kernel, path, joint, behind),
        joint=joint,
        share=share,
        share_cohorts=labels,
        by_cohort=np.stack([piece.cohorts[rows] for piece in path]),
        kind="event_time",
        reference=-1 - anticipation,
        anticipation=anticipation,
        estimand=words.estimand,
        method=f"{words.method}; {_common.weight_words(panel)}",
        inference=_convention(panel, clusters, words.parameters),
        cohort_clusters=counts,
        concentration=concentration,
        refit=refit,
        influence=partial(cluster_influence, panel, padded),
        related=related,
        **facts,
    )


def _table(kernel: Moments, path: list[Coefficient], joint: Array, behind: Array) -> pd.DataFrame:
    """The table; an event time weighs as much as the units of the cohorts that it is estimated from."""
    times = np.array([piece.time for piece in path])
    size = np.array([kernel.size[piece.cohorts > 0].sum() if piece.time >= 0 else 0.0 for piece in path])
    return pd.DataFrame(
        {
            "cohort": -1,
            "period": -1,
            "event_time": times,
            "estimate": [piece.estimate for piece in path],
            "std_error": np.sqrt(np.clip(np.diag(joint)[: len(path)], 0, None)),
            "weight": size / size.sum(),
            "treated_clusters": behind,
            "comparison_clusters": [piece.comparison for piece in path],
        }
    )


def _convention(panel: Panel, clusters: int, parameters: str) -> str:
    return (
        f"standard errors clustered by {_common.cluster_word(panel)} ({clusters} clusters, each with itself where it "
        f"serves), corrected by G/(G-1) x (N-1)/(N-K), K counting {parameters}; t distribution with "
        f"{clusters - 1} degrees of freedom"
    )
