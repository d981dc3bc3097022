"""Did the groups move together before? A joint test of the pre-adoption effects, and the trend it could have missed.

Reference: Roth (2022), "Pretest with Caution". The test is a Wald test of all pre-adoption effects with an F
distribution (K, clusters - 1), its power that of the noncentral F under a linear difference in trends. Effects with
fewer than ten treated clusters behind them are left out: their errors are far too small. With fewer than ten treated
clusters in all, adoption dates are permuted instead.
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


@dataclass(frozen=True)
class Joint:
    """Wald statistic divided by the number of effects K, and its p-value."""

    statistic: float
    k: int
    p_value: float


def run(data: Data, effects: Effects, path: Effects | None, *, level: float, average: str, seed: int) -> Check:
    """The joint test on `path`; a caution where it rejects, or could have missed a trend that would undo the answer."""
    pre = path.pre() if path is not None else None
    if path is None or pre is None or not len(pre.table):
        return _untestable("there are not two periods before the policy to compare")
    if isinstance(data, Panel) and too_few(data, effects):
        return _by_permutation(data, path, level, seed)
    pre = pre.resting_on(ENOUGH)
    joint = joint_test(pre.estimate, pre.covariance, pre.df)
    if joint is None:
        return _untestable(f"too few clusters are observed before the policy ({len(pre.table)} effects to test)")
    slope = detectable_slope(trend(pre), pre.covariance, pre.df, 1 - level, power=0.8)
    bias = slope * mean_distance(data, effects, path, average)
    answer = (path if average == "event_time" else effects).average(level)
    nearest = min(abs(answer.low), abs(answer.high)) if answer.excludes(0.0) else (answer.high - answer.low) / 2
    return _verdict(joint, slope, bias, rejected=joint.p_value < 1 - level, blind=bias >= nearest)


def joint_test(estimate: Array, covariance: Array, df: float) -> Joint | None:
    """Wald test that all of `estimate` (K,) are zero; None where it is empty or K exceeds the covariance's rank."""
    from scipy import stats

    if not len(estimate):
        return None
    rank = int(np.linalg.matrix_rank(covariance, hermitian=True, tol=1e-10 * max(np.diag(covariance).max(), 1e-300)))
    if rank < len(estimate):
        return None
    statistic = float(estimate @ np.linalg.solve(covariance, estimate)) / len(estimate)
    return Joint(statistic, len(estimate), float(stats.f.sf(statistic, len(estimate), df)))


def detectable_slope(shape: Array, covariance: Array, df: float, alpha: float, power: float) -> float:
    """The slope per period of a linear difference in trends that the joint test finds with probability `power`.

    shape: (K,) what a slope of one makes of each effect.
    """
    from scipy import optimize, stats

    k = len(shape)
    critical = stats.f.ppf(1 - alpha, k, df)
    needed = optimize.brentq(lambda ncp: stats.ncf.sf(critical, k, df, ncp) - power, 1e-8, 1e4)
    return float(np.sqrt(needed / (shape @ np.linalg.solve(covariance, shape))))


def trend(pre: Effects) -> Array:
    """What a slope of one per period would make of each pre-adoption effect.

    Relative to a fixed reference it grows with the distance; period by period it is the same everywhere.
    """
    if pre.reference is None:
        return np.ones(len(pre.table))
    return np.asarray(pre.table["event_time"].to_numpy(dtype=float) - pre.reference)


def _verdict(joint: Joint, slope: float, bias: float, *, rejected: bool, blind: bool) -> Check:
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
        f"A joint test of {many} finds them {seen} (F = {joint.statistic:.2f}, p = {p_words(joint.p_value)}). Four "
        "times in five it notices a difference in trends of {slope} a period; a trend of that size would by itself "
        f"move the answer by {{bias}}{missed}.",
        advice,
        "warn" if rejected or blind else "note",
        joint.statistic,
        joint.p_value,
        amounts={"slope": slope, "bias": bias},
    )


def _by_permutation(panel: Panel, path: Effects, level: float, seed: int) -> Check:
    sizes, exact = permuted(panel, path, lambda e: float((e.pre().estimate ** 2).mean()), seed=seed)
    p_value = float((sizes >= sizes[0] * (1 - 1e-9)).mean())
    rejected = p_value < 1 - level
    how = "all" if exact else "random"
    return Check(
        "pretrends",
        "E111" if rejected else "E110",
        ASSUMPTION,
        f"Pre-adoption differences this large appear in {int((sizes[1:] >= sizes[0] * (1 - 1e-9)).sum())} of "
        f"{len(sizes) - 1} ({how}) reassignments of the policy to other clusters (p = {p_words(p_value)}). With "
        f"{path.treated_clusters} treated, the test would miss all but very large differences in trends.",
        "A quiet pre-period says little here; the answer rests on the assumption.",
        "warn",
        float(np.sqrt(sizes[0])),
        p_value,
    )


def _untestable(why: str) -> Check:
    return Check(
        "pretrends",
        "E110",
        ASSUMPTION,
        f"Parallel trends cannot be checked with these data: {why}.",
        "Look for earlier data on both groups; until then the answer rests on the assumption alone.",
        "warn",
    )
