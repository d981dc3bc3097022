"""Event study with two-way fixed effects: one coefficient per period relative to adoption.

Estimand: the effect in each period since adoption relative to the period before it, if effects are the same for every
    cohort.
Assumes: parallel trends without the policy; no anticipation beyond the declared periods; with several adoption dates
    also the same effect path in every cohort.
Reference: fixest::feols with i(event time, ref = -1) and unit and period effects, clustered (Berge 2018); Sun and
    Abraham (2021) on its contamination.
Fails when: adoption is staggered and effects differ between cohorts, or no unit is never treated (the coefficients
    are then not identified and are refused).
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from analysis.designs import _common, _two_way
from analysis.inference.moments import Moments, cluster_influence, moments
from analysis.panel import NEVER, Array, Panel, Sample
from analysis.refusal import Refusal
from analysis.result import Effects


def estimate(data: Panel | Sample, *, anticipation: int = 0) -> Effects:
    """Coefficients by event time, relative to the last period before adoption (and before anticipation).

    Raises Refusal for repeated cross-sections and where the coefficients are not separately identified.
    """
    panel = _panel(data).without_early_reactions(anticipation)
    kernel = moments(panel)
    reference = -1 - anticipation
    times, regressors = _indicators(kernel.cohorts, len(panel.periods), reference)
    fit = _two_way.regress(kernel, regressors, panel.n, [f"event time {e:+d}" for e in times])
    table = _table(times, fit, reference)
    counts, _ = _two_way.clusters_of(kernel)
    table["treated_clusters"] = _clusters_at(kernel, counts, table["event_time"].to_numpy())
    table["comparison_clusters"] = counts[0 if kernel.cohorts[0] == NEVER else -1]
    keep = np.flatnonzero(table["event_time"] != reference)
    joint = np.zeros((len(table), len(table)))
    joint[np.ix_(keep, keep)] = fit.covariance
    scores = np.zeros((*fit.scores.shape[:2], len(table)))
    scores[:, :, keep] = fit.scores
    return Effects(
        table=table,
        joint=joint,
        kind="event_time",
        reference=reference,
        anticipation=anticipation,
        estimand="average effect on the treated, equal weight to every period since adoption",
        method=f"two-way fixed effects event study; {_common.weight_words(panel)}",
        inference=_two_way.convention(panel),
        **_common.facts(panel, anticipation),
        refit=partial(estimate, anticipation=anticipation),
        influence=partial(cluster_influence, panel, scores),
    )


def _panel(data: Panel | Sample) -> Panel:
    data = _common.panel_of(data, name="event_study")
    if data.cohorts[0] != NEVER and not data.staggered:
        raise Refusal("P005", "design", "every unit adopts at the same date", "add units that never adopt")
    return data


def _indicators(cohorts: Array, periods: int, reference: int) -> tuple[list[int], Array]:
    event = np.arange(periods)[None, :] - cohorts[:, None]
    treated = cohorts != NEVER
    times = [int(e) for e in np.unique(event[treated]) if e != reference]
    return times, np.stack([(event == e) & treated[:, None] for e in times]).astype(float)


def _clusters_at(kernel: Moments, counts: Array, times: Array) -> Array:
    """Treated clusters observed at each event time, from those of each cohort."""
    place = kernel.cohorts[:, None] + times[None, :]
    observed = (kernel.cohorts[:, None] != NEVER) & (place >= 0) & (place < kernel.periods)
    return np.asarray(counts @ observed)


def _table(times: list[int], fit: _two_way.TwoWay, reference: int) -> pd.DataFrame:
    errors = np.sqrt(np.clip(np.diag(fit.covariance), 0, None))
    rows = pd.DataFrame({"event_time": times, "estimate": fit.estimate, "std_error": errors})
    rows.loc[len(rows)] = [reference, 0.0, 0.0]
    rows = rows.sort_values("event_time").reset_index(drop=True).astype({"event_time": int})
    post = rows["event_time"] >= 0
    return rows.assign(cohort=-1, period=-1, weight=np.where(post, 1 / post.sum(), 0.0))
