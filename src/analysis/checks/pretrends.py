"""Did the groups move together before? A joint test of the pre-adoption effects, and the trend it could have missed.

Reference: Roth (2022), "Pretest with Caution". The test is Hotelling's: with G clusters, d = G - 2 and K effects, the
Wald statistic times (d - K + 1) / (G K) has an F(K, d - K + 1) distribution; a plain Wald test rejects parallel trends
far too often (with 30 clusters and five effects 12 % of the time, and 6 % this way, at a nominal 5 %). Its power
is that of the noncentral F under a linear difference in trends. Among studies whose test stays quiet such a trend
biases the answer by another amount than among all, because effects before and after adoption share noise; for this
test the amount has a closed form (`selection`), for the rule "no single effect differs significantly" it is integrated
(`quiet`). Effects with fewer than ten treated or ten comparison clusters behind them are left out; where the answer
itself rests on so few, adoption dates are permuted instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.inference.few_clusters import ENOUGH, too_few
from analysis.inference.permutation import permuted
from analysis.inference.trends import mean_distance
from analysis.panel import Array, Panel
from analysis.report.display import p_words
from analysis.result import Check, Data, Effects, t_interval

ASSUMPTION = "Without the policy, treated and comparison units would have moved in parallel."
ALPHA = 0.05
NO_LEADS = "this design estimates no effects before adoption (`group_time` does)"


@dataclass(frozen=True)
class Joint:
    """F statistic, its degrees of freedom K and `df`, its p-value, and what multiplies a Wald statistic to give K F."""

    statistic: float
    k: int
    df: float
    p_value: float
    factor: float


def run(
    data: Data, effects: Effects, path: Effects | None, *, average: str, draws: int, seed: int, covariates: list[str]
) -> Check:
    """The joint test on `path`; a caution where it rejects, or could have missed a trend that would undo the answer."""
    pre = path.pre() if path is not None else None
    if path is None or pre is None or not len(pre.table):
        early = isinstance(data, Panel) and bool((data.adoption > 1).any()) and path is not None
        return _untestable(NO_LEADS if early else "there are not two periods before the policy to compare")
    bare = covariates and not any(name in path.method for name in covariates)
    adjusted = " (without the covariates)" if bare else ""
    if isinstance(data, Panel) and too_few(data, effects, average):
        return _by_permutation(data, path, draws, seed, adjusted)
    left_out = len(pre.table)
    pre = pre.resting_on(ENOUGH)
    left_out -= len(pre.table)
    if left_out:
        adjusted += f" ({left_out} more, on fewer than {ENOUGH} clusters, are left out)"
    joint = joint_test(pre.estimate, pre.covariance, pre.clusters)
    if joint is None:
        return _untestable(f"{len(pre.table)} effects rest on enough clusters, and {pre.clusters} clusters test them")
    answer = effects.along(average).averaged_over()
    amounts = _missed(pre, joint, mean_distance(data, effects, average), shared_noise(answer, pre))
    estimate = answer.average(1 - ALPHA)
    nearest = min(abs(estimate.low), abs(estimate.high)) if estimate.excludes(0.0) else estimate.high - estimate.value
    return _verdict(joint, amounts, adjusted, blind=amounts["bias"] >= nearest)


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


def shared_noise(answer: Effects, pre: Effects) -> Array | None:
    """(K,) covariance of the answer with each pre-adoption effect; None where contributions by cluster are unknown."""
    if answer.influence is None or pre.influence is None:
        return None
    own, others = answer.influence()[:, 0], pre.influence()[:, : len(pre.table)]
    return np.asarray(own @ others) if len(own) == len(others) else None


def selection(mean: Array, covariance: Array, shared: Array, joint: Joint) -> float:
    """What the joint test's staying quiet adds to the expected answer when pre-adoption effects are `mean` (K,).

    Given a quiet test the effects' own mean shrinks by the ratio of two noncentral F probabilities (its whitened form
    lies along `mean`); the answer, which shares noise with them by `shared` (K,), follows by regression.
    """
    from scipy import stats

    solved = np.linalg.solve(covariance, mean)
    ncp, critical = float(mean @ solved), float(stats.f.ppf(1 - ALPHA, joint.k, joint.df))
    wider = stats.ncf.cdf(critical * joint.k / (joint.k + 2), joint.k + 2, joint.df, ncp)
    return float(shared @ solved * (wider / stats.ncf.cdf(critical, joint.k, joint.df, ncp) - 1))


def quiet(mean: Array, covariance: Array, critical: float) -> tuple[float, Array]:
    """Probability that no effect differs significantly on its own, and the effects' mean (K,) where none does.

    Args:
        mean: (K,) true effects; covariance: (K, K) of their estimates; critical: standard errors that make one differ.

    Integrated over a rectangle of the normal distribution, one coordinate after another (Genz 1992), on a fixed grid
    of 8,192 Sobol points: about five digits, and always the same ones.
    """
    from scipy import special
    from scipy.stats import qmc

    k, power = len(mean), 13
    root, limit = np.linalg.cholesky(covariance), critical * np.sqrt(np.diag(covariance))
    points = qmc.Sobol(k, scramble=False).random_base2(power) + 0.5 ** (power + 1)
    drawn, weight = np.zeros_like(points), np.ones(len(points))
    for place in range(k):
        centre = mean[place] + drawn[:, :place] @ root[place, :place]
        low, high = (special.ndtr((bound - centre) / root[place, place]) for bound in (-limit[place], limit[place]))
        weight *= high - low
        inside = np.clip(low + points[:, place] * (high - low), 1e-300, 1 - 1e-16)
        drawn[:, place] = special.ndtri(inside)
    return float(weight.mean()), mean + root @ (weight @ drawn) / weight.sum()


def single_slope(shape: Array, covariance: Array, critical: float, power: float) -> float:
    """The slope per period at which, with probability `power`, at least one effect differs significantly on its own.

    shape: (K,) what a slope of one makes of each effect. Zero where chance alone already finds one that often.
    Roth (2022), section I; his R package calls the rule "no individually significant" coefficient.
    """
    from scipy import optimize, stats

    if 1 - quiet(0 * shape, covariance, critical)[0] >= power:
        return 0.0
    enough = critical + max(0.0, float(stats.norm.ppf(power)))
    highest = float((enough * np.sqrt(np.diag(covariance)) / np.abs(shape)).min())
    return float(
        optimize.brentq(lambda slope: 1 - quiet(slope * shape, covariance, critical)[0] - power, 0.0, highest * 1.01)
    )


def trend(pre: Effects) -> Array:
    """What a slope of one per period would make of each pre-adoption effect.

    Relative to a fixed reference it grows with the distance; period by period it is the same everywhere.
    """
    if pre.reference is None:
        return np.ones(len(pre.table))
    return np.asarray(pre.table["event_time"].to_numpy(dtype=float) - pre.reference)


def _missed(pre: Effects, joint: Joint, distance: float, shared: Array | None) -> dict[str, float]:
    """Slopes that the tests find four times in five, and every other time, and what these would do to the answer.

    `single` names the rule that looks at one effect at a time. *_quiet: the bias where the test says nothing.
    """
    shape, covariance = trend(pre), pre.covariance
    critical = t_interval(0.0, 1.0, pre.df, 1 - ALPHA)[1]
    slope, half = (detectable_slope(shape, covariance, joint, power) for power in (0.8, 0.5))
    single, single_half = (single_slope(shape, covariance, critical, power) for power in (0.8, 0.5))
    found = {"slope": slope, "slope_half": half, "single_slope": single, "single_slope_half": single_half}
    found |= {name.replace("slope", "bias"): abs(value * distance) for name, value in found.items()}
    if shared is not None:
        found["bias_half_quiet"] = abs(half * distance + selection(half * shape, covariance, shared, joint))
        given = quiet(single_half * shape, covariance, critical)[1] - single_half * shape
        found["single_bias_half_quiet"] = abs(single_half * distance + shared @ np.linalg.solve(covariance, given))
    return found


def _verdict(joint: Joint, amounts: dict[str, float], adjusted: str, *, blind: bool) -> Check:
    rejected = joint.p_value < ALPHA
    many = f"{joint.k} pre-adoption differences" if joint.k > 1 else "the one pre-adoption difference"
    seen = "larger than chance explains" if rejected else "no larger than chance explains"
    missed = ", enough to undo it" if blind else ""
    off = "{bias_half_quiet}" if "bias_half_quiet" in amounts else "{bias_half}"
    half = f" It misses one of {{slope_half}} every other time, and the answer would then be off by {off}."
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
        f"itself move the answer by {{bias}}{missed}.{'' if rejected else half}",
        advice,
        "warn" if rejected or blind else "note",
        joint.statistic,
        joint.p_value,
        amounts=amounts,
    )


def _by_permutation(panel: Panel, path: Effects, draws: int, seed: int, adjusted: str) -> Check:
    sizes, exact = permuted(panel, path, _size, seed=seed, draws=draws)
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
