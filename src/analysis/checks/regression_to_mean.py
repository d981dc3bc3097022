"""Were units picked at a passing high or low? What then fades would look like an effect of the policy.

Reference: Ashenfelter (1978) on the dip before training; Daw and Hatfield (2018), "Matching and Regression to the Mean
in Difference-in-Differences Analysis". The departure of adopters in their last clean period from their own earlier
mean, less that of units not yet under the policy; cohorts are pooled by size, which is held fixed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from analysis.checks._common import ALPHA, about, permuted_p
from analysis.inference import few_clusters
from analysis.inference.jackknife import jackknife
from analysis.inference.moments import Moments, cluster_influence, moments
from analysis.panel import NEVER, Array, Panel
from analysis.refusal import Refusal
from analysis.report.display import fixed, level_words, p_words
from analysis.result import Check, Data, Effects

ASSUMPTION = "Units did not come under the policy at a passing high or low of the outcome."


@dataclass(frozen=True)
class _Found:
    """The departure, its p-value, and its bounds (None under permutation, of so many reassignments)."""

    value: float
    p_value: float
    low: float | None = None
    high: float | None = None
    draws: int = 0


def run(data: Data, effects: Effects, path: Effects | None, *, level: float, seed: int, anticipation: int) -> Check:
    """Departure of the last period before the policy from earlier ones, and the groups' difference in level then."""
    if not isinstance(data, Panel):
        return _impossible("the rows are not the same units over time")
    try:
        lean = few_clusters.support(effects, "simple").lean
        found = _tested(data, _departure(data, effects=effects, anticipation=anticipation), level, seed, lean=lean)
    except Refusal as refusal:
        return _impossible(refusal.problem)
    return _verdict(found, _difference_in_level(data, anticipation), level)


def _tested(panel: Panel, one: Effects, level: float, seed: int, *, lean: bool) -> _Found:
    if few_clusters.too_few(panel, one, "simple"):
        p_value, assignments = permuted_p(panel, one, "simple", seed)
        return _Found(float(one.estimate[0]), p_value, draws=assignments - 1)
    estimate = few_clusters.headline(panel, one, average="simple", level=level, seed=seed)
    if lean:
        low, high, p_value = jackknife(panel, one, average="simple").interval(level)
        return _Found(float(one.estimate[0]), p_value, low, high)
    return _Found(estimate.value, estimate.p_value, estimate.low, estimate.high)


def _departure(panel: Panel, *, effects: Effects, anticipation: int) -> Effects:
    """The pooled departure as effects of one piece, so that the usual inference applies."""
    kernel = moments(panel)
    scores, value, treated, comparison = _contrast(kernel, anticipation)
    variance = kernel.covariance(scores)
    one = effects.along("simple").averaged_over()
    empty = np.empty(0)
    return replace(
        one,
        table=one.table.assign(
            estimate=value,
            std_error=float(np.sqrt(max(variance[0, 0], 0.0))),
            treated_clusters=_clusters(panel, treated),
            comparison_clusters=_clusters(panel, comparison),
        ),
        joint=variance,
        share=empty,
        share_cohorts=empty,
        by_cohort=None,
        cohort_clusters=empty,
        concentration=empty,
        influence=partial(cluster_influence, panel, scores),
        df=kernel.clusters - 1,
        refit=partial(_departure, effects=effects, anticipation=anticipation),
    )


def _contrast(kernel: Moments, anticipation: int) -> tuple[Array, float, Array, Array]:
    """Scores (G, T+2, 1) and value of the departure, and the adoption positions on either side of it."""
    last = kernel.cohorts - 1 - anticipation
    rows = [g for g in range(len(last)) if last[g] >= 1 and _controls(kernel, g).any()]
    if not rows:
        raise Refusal("E127", "since", "there are not two periods before the policy", "widen `since`")
    total = kernel.size[rows].sum()
    scores, value = np.zeros((len(kernel.cohorts), kernel.periods + 2, 1)), 0.0
    for g in rows:
        line = np.zeros(kernel.periods)
        line[: last[g]], line[last[g]] = -1 / last[g], 1.0
        change, controls = kernel.mean @ line, np.flatnonzero(_controls(kernel, g))
        pooled = float(np.average(change[controls], weights=kernel.size[controls]))
        share = kernel.size[g] / total
        value += float(share * (change[g] - pooled))
        scores[g, :-2, 0] += line / total
        scores[controls, :-2, 0] -= share / kernel.size[controls].sum() * line
        scores[controls, -2, 0] -= share / kernel.size[controls].sum() * (change[controls] - pooled)
    compared = np.any([_controls(kernel, g) for g in rows], axis=0)
    return scores, value, kernel.cohorts[rows], kernel.cohorts[compared]


def _controls(kernel: Moments, row: int) -> Array:
    """(G,) the cohorts that adopt later than `row`, or never."""
    return np.asarray((kernel.cohorts == NEVER) | (kernel.cohorts > kernel.cohorts[row]))


def _clusters(panel: Panel, cohorts: Array) -> int:
    return len(np.unique(panel.cluster[np.isin(panel.adoption, cohorts)]))


def _difference_in_level(panel: Panel, anticipation: int) -> float:
    """Adopters less units not yet under the policy in their last clean period, in standard deviations of all these
    units then; cohorts weighted by size."""
    found, size = [], []
    for cohort in panel.cohorts[panel.cohorts > anticipation]:
        own, others = panel.adoption == cohort, (panel.adoption == NEVER) | (panel.adoption > cohort)
        if others.any():
            y = panel.outcome[:, cohort - 1 - anticipation]
            spread = float(np.nanstd(y[own | others]))
            gap = _mean(y, panel.weight, own) - _mean(y, panel.weight, others)
            found.append(gap / spread if spread > 0 else 0.0)
            size.append(panel.weight[own].sum())
    return float(np.average(found, weights=size))


def _mean(y: Array, weight: Array, member: Array) -> float:
    seen = member & np.isfinite(y)
    return float(np.average(y[seen], weights=weight[seen]))


def _verdict(found: _Found, level_gap: float, level: float) -> Check:
    hit = found.p_value <= ALPHA
    error = (
        f"{level_words(level)} {{low_number}} to {{high}}, p = {p_words(found.p_value)}"
        if found.low is not None
        else f"p = {p_words(found.p_value)} among {found.draws} reassignments of the policy to other clusters"
    )
    chance = "more than chance explains" if hit else "no more than chance explains"
    stood = f"{fixed(abs(level_gap), 1)} standard deviations {'above' if level_gap >= 0 else 'below'} the others"
    return Check(
        "regression_to_mean",
        "E127",
        ASSUMPTION,
        f"In the last period before the policy, units about to adopt stood {stood}. From their own earlier mean they "
        f"had moved by {{moved}} against the others, {chance} ({error}). Were such a movement to fade, that alone "
        "would move the answer by up to {fade}.",
        "Look for what made that period unusual; compare with units at the same level then, or leave it out."
        if hit
        else "A difference in trends would look the same; the interval says how large a passing movement could be.",
        "warn" if hit else "note",
        found.value,
        found.p_value,
        found.low,
        found.high,
        {"moved": found.value, "fade": -found.value, "low": found.low or 0.0, "high": found.high or 0.0},
    )


def _impossible(why: str) -> Check:
    finding = f"Selection on a passing high or low of the outcome cannot be checked with these data: {why}."
    return about(
        "regression_to_mean", "E127", ASSUMPTION, finding, "Look for earlier data, and ask how units were chosen."
    )
