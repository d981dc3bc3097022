"""Did the groups move together before? A joint test of the pre-adoption effects, and the trend it could have missed.

Reference: Roth (2022), "Pretest with Caution". The test is Hotelling's: with G clusters, d = G - 2 and K effects, the
Wald statistic times (d - K + 1) / (G K) has an F(K, d - K + 1) distribution; a plain Wald test rejects parallel trends
far too often (with 30 clusters and five effects 12 % of the time, and 6 % this way, at a nominal 5 %). Its power
is that of the noncentral F under a linear difference in trends. Effects with fewer than ten treated or ten comparison
clusters behind them are left out; where the answer itself rests on so few, adoption dates are permuted instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.inference.few_clusters import ENOUGH, too_few
from analysis.inference.permutation import permuted
from analysis.inference.trends import mean_distance
from analysis.panel import Array, Panel
from analysis.report.display import p_words
from analysis.result import Check, Data, Effects

ASSUMPTION = "Without the policy, treated and comparison units would have moved in parallel."
ALPHA = 0.05


@dataclass(frozen=True)
class Joint:
    """F statistic, its degrees of freedom K and `df`, its p-value, and what multiplies a Wald statistic to give K F."""

    statistic: float
    k: int
    df: float
    p_value: float
    factor: float


def run(data: Data, effects: Effects, path: Effects | None, *, average: str, seed: int, covariates: list[str]) -> Check:
    """The joint test on `path`; a caution where it rejects, or could have missed a trend that would undo the answer."""
    pre = path.pre() if path is not None else None
    if path is None or pre is None or not len(pre.table):
        return _untestable("there are not two periods before the policy to compare")
    adjusted = " (without the covariates)" if covariates else ""
    if isinstance(data, Panel) and too_few(data, effects, average):
        return _by_permutation(data, path, seed, adjusted)
    left_out = len(pre.table)
    pre = pre.resting_on(ENOUGH)
    left_out -= len(pre.table)
    if left_out:
        adjusted += f" ({left_out} more, on fewer than {ENOUGH} clusters, are left out)"
    joint = joint_test(pre.estimate, pre.covariance, pre.clusters)
    if joint is None:
        return _untestable(f"{len(pre.table)} effects rest on enough clusters, and {pre.clusters} clusters test them")
    slope = detectable_slope(trend(pre), pre.covariance, joint, power=0.8)
    bias = slope * mean_distance(data, effects, average)
    answer = effects.along(average).average(1 - ALPHA)
    nearest = min(abs(answer.low), abs(answer.high)) if answer.excludes(0.0) else (answer.high - answer.low) / 2
    return _verdict(joint, slope, bias, adjusted, blind=abs(bias) >= nearest)


def joint_test(estimate: Array, covariance: Array, clusters: int) -> Joint | None:
    """Hotelling's test that all of `estimate` (K,) are zero.

    None where there is nothing to test, the covariance is singular, or K exceeds a third of the clusters.
    """
    from scipy import stats

    k = len(estimate)
    if not k or 3 * k > clusters or not np.diag(covariance).min() > 0:
        return None
    if np.linalg.matrix_rank(covariance, hermitian=True, tol=1e-10 * np.diag(covariance).max()) < k:
        return None
    df = clusters - 2 - k + 1
    factor = df / clusters
    statistic = float(estimate @ np.linalg.solve(covariance, estimate)) * factor / k
    return Joint(statistic, k, df, float(stats.f.sf(statistic, k, df)), factor)


def detectable_slope(shape: Array, covariance: Array, joint: Joint, power: float) -> float:
    """The slope per period of a linear difference in trends that the joint test finds with probability `power`.

    shape: (K,) what a slope of one makes of each effect.
    """
    from scipy import optimize, stats

    critical = stats.f.ppf(1 - ALPHA, joint.k, joint.df)
    needed = optimize.brentq(lambda ncp: stats.ncf.sf(critical, joint.k, joint.df, ncp) - power, 1e-8, 1e4)
    return float(np.sqrt(needed / (shape @ np.linalg.solve(covariance, shape))))


def trend(pre: Effects) -> Array:
    """What a slope of one per period would make of each pre-adoption effect.

    Relative to a fixed reference it grows with the distance; period by period it is the same everywhere.
    """
    if pre.reference is None:
        return np.ones(len(pre.table))
    return np.asarray(pre.table["event_time"].to_numpy(dtype=float) - pre.reference)


def _verdict(joint: Joint, slope: float, bias: float, adjusted: str, *, blind: bool) -> Check:
    rejected = joint.p_value < ALPHA
    many = f"{joint.k} pre-adoption differences" if joint.k > 1 else "the one pre-adoption difference"
    seen = "larger than chance explains" if rejected else "no larger than chance explains"
    missed = ", enough to undo it" if blind else ""
    advice = (
        "Treat the answer as doubtful: ask what moved one group before the policy."
        if rejected
        else "A quiet pre-period cannot show that trends were parallel; weigh the answer against what it could hide."
    )
    return Check(
        "pretrends",
        "E111" if rejected else "E110",
        ASSUMPTION,
        f"A joint test of {many}{adjusted} finds them {seen} (F = {joint.statistic:.2f}, p = {p_words(joint.p_value)}"
        "). Four times in five it notices a difference in trends of {slope} a period; a trend of that size would by "
        f"itself move the answer by {{bias}}{missed}.",
        advice,
        "warn" if rejected or blind else "note",
        joint.statistic,
        joint.p_value,
        amounts={"slope": slope, "bias": abs(bias)},
    )


def _by_permutation(panel: Panel, path: Effects, seed: int, adjusted: str) -> Check:
    sizes, exact = permuted(panel, path, _size, seed=seed)
    reached = sizes >= sizes[0] * (1 - 1e-9)
    p_value = float(reached.mean())
    rejected = p_value <= ALPHA + 1e-9
    how = "" if exact else "random "
    return Check(
        "pretrends",
        "E111" if rejected else "E110",
        ASSUMPTION,
        f"Pre-adoption differences{adjusted} this large appear in {int(reached[1:].sum())} of {len(sizes) - 1} {how}"
        f"reassignments of the policy to other clusters (p = {p_words(p_value)}). With {path.treated_clusters} treated"
        ", the test would miss all but very large differences in trends.",
        "A quiet pre-period says little here; the answer rests on the assumption.",
        "warn",
        float(np.sqrt(sizes[0])),
        p_value,
    )


def _size(effects: Effects) -> float:
    """Mean square of the pre-adoption effects by event time."""
    path = effects.by("event_time") if effects.kind == "cells" else effects
    return float((path.pre().estimate ** 2).mean())


def _untestable(why: str) -> Check:
    return Check(
        "pretrends",
        "E110",
        ASSUMPTION,
        f"Parallel trends cannot be checked with these data: {why}.",
        "Look for earlier data on both groups; until then the answer rests on the assumption alone.",
        "warn",
    )
