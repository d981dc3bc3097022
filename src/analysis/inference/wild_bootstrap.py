"""The wild cluster bootstrap of one coefficient: p-value, t statistic and the interval of effects not rejected.

Bootstrap samples multiply the scores of each cluster by a random weight with mean zero and variance one; only G scores
of length P enter, whatever the number of rows (Roodman, MacKinnon, Nielsen and Webb 2019). Under null imposition the
scores come from the regression in which the coefficient has its hypothesised value. Variants, as in MacKinnon, Nielsen
and Webb (2023) and in R package fwildclusterboot: the first digit says whether scores are plain (1) or of residuals
from a fit without their own cluster (3), the second whether t statistics use CR1 (1) or the jackknife CR3 (3).
Estimates that are no regression coefficient have a bootstrap of their contributions by cluster ("score").

Scores are linear in d = estimate - hypothesised value, so that with null imposition every bootstrap statistic is
(a + b d) / sqrt(c + 2 e d + f d^2), and the interval is found without drawing again.

Rademacher weights are enumerated when 2^G <= draws. A vector of weights and its negative give statistics of the same
size, so half of them (first weight +1) is the whole distribution. Two p-values are kept. `p_value` counts statistics at
least as large as the observed one; with enumeration and the null imposed these include the weights that reproduce the
data and their negative, as in a permutation test. `strict` counts larger ones only and is what fwildclusterboot
reports: then 2 / 2^G less. Ties are decided with a relative tolerance of 1e-9.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from analysis.inference.cluster_robust import Regression, cr1, cr3, without
from analysis.panel import Array
from analysis.refusal import Refusal

Weights = Literal["rademacher", "webb", "mammen"]
Variant = Literal["11", "13", "31", "33", "score"]
Ends = list[tuple[Array, Array, Array]]
TIE = 1e-9
BLOCK = 4_096
POINTS = {
    "rademacher": (np.array([-1.0, 1.0]), np.array([0.5, 0.5])),
    "webb": (np.sqrt([1.5, 1.0, 0.5, 0.5, 1.0, 1.5]) * [-1, -1, -1, 1, 1, 1], np.full(6, 1 / 6)),
    "mammen": (
        np.array([(1 - math.sqrt(5)) / 2, (1 + math.sqrt(5)) / 2]),
        np.array([(math.sqrt(5) + 1), (math.sqrt(5) - 1)]) / (2 * math.sqrt(5)),
    ),
}


@dataclass(frozen=True, eq=False)
class WildBootstrap:
    """The bootstrap distribution of one t statistic, and what follows from it.

    numerator, denominator: coefficients in d, (2, B) and (3, B). error: the standard error behind `t`. distance:
    estimate minus hypothesised value. draws: B, the distinct weight vectors; exact: all of them were used.
    """

    estimate: float
    error: float
    distance: float
    numerator: Array
    denominator: Array
    exact: bool
    clusters: int
    weights: Weights
    variant: Variant
    imposed: bool
    seed: int

    @property
    def t(self) -> float:
        """The observed t statistic."""
        return self.distance / self.error if self.error else math.copysign(math.inf, self.distance)

    @property
    def draws(self) -> int:
        """Bootstrap samples, counting those that enumeration need not compute."""
        return int(self.numerator.shape[1]) * (2 if self.exact else 1)

    @property
    def strict(self) -> float:
        """Share of statistics strictly larger in absolute value than the observed one."""
        return self.p_value_of(self.distance, strict=True)

    @property
    def p_value(self) -> float:
        """Share of statistics at least as large; without enumeration the observed one counts as one more."""
        return self.p_value_of(self.distance)

    @cached_property
    def distribution(self) -> Array:
        """(B,) the bootstrap statistics at the hypothesised value."""
        powers = self.distance ** np.arange(3)
        return np.asarray((powers[:2] @ self.numerator) / np.sqrt(powers @ self.denominator))

    def p_value_of(self, distance: float, *, strict: bool = False) -> float:
        """p-value of the hypothesis that the coefficient is `distance` below its estimate."""
        d = distance if self.imposed else 0.0
        powers = d ** np.arange(3)
        above = (self.error * (powers[:2] @ self.numerator)) ** 2
        bar = distance**2 * (powers @ self.denominator)
        if strict:
            return float((above > bar * (1 + TIE)).mean())
        reached = above >= bar * (1 - TIE)
        return float(reached.mean()) if self.exact else float((reached.sum() + 1) / (len(reached) + 1))

    def interval(self, level: float, *, strict: bool = False) -> tuple[float, float]:
        """The hypothesised values around the estimate with a p-value above 1 - level; infinite where none is found."""
        ends = [self._edge(sign, 1 - level + 1e-12, strict) for sign in (1.0, -1.0)]
        return self.estimate - ends[0], self.estimate - ends[1]

    def _edge(self, sign: float, alpha: float, strict: bool) -> float:
        if not self.error:
            return 0.0
        inside, outside = 0.0, sign * self.error
        while self.p_value_of(outside, strict=strict) > alpha:
            inside, outside = outside, outside * 1.5
            if abs(outside) > 1e6 * self.error:
                return sign * math.inf
        for _ in range(200):
            middle = (inside + outside) / 2
            if abs(outside - inside) <= 1e-13 * self.error or middle in (inside, outside):
                break
            kept = self.p_value_of(middle, strict=strict) > alpha
            inside, outside = (middle, outside) if kept else (inside, middle)
        return (inside + outside) / 2

    def words(self) -> str:
        """The convention."""
        how = f"all {self.draws:,} sign changes" if self.exact else f"{self.draws:,} draws, seed {self.seed}"
        null = "null imposed" if self.imposed else "null not imposed"
        own = {"13": ", jackknife errors", "31": ", jackknife residuals", "33": ", jackknife throughout"}
        return (
            f"wild cluster {'score ' if self.variant == 'score' else ''}bootstrap ({self.weights.title()} weights, "
            f"{null}{own.get(self.variant, '')}; {how}; {self.clusters} clusters); interval from the values that the "
            "test does not reject"
        )


def wild_bootstrap(
    fit: Regression,
    *,
    draws: int,
    seed: int,
    coefficient: int = 0,
    null: float = 0.0,
    weights: Weights = "rademacher",
    variant: Variant = "11",
    imposed: bool = True,
) -> WildBootstrap:
    """The wild cluster bootstrap of `coefficient` of `fit`, against the value `null`.

    Raises Refusal E104 where a variant needs the estimate without a cluster and the others do not identify it.
    """
    robust = cr1(fit) if variant[1] == "1" else cr3(fit)
    error = float(robust.errors[coefficient])
    if math.isnan(error):
        raise _unidentified()
    fixed, moving = _scores(fit, coefficient, jackknifed=variant[0] == "3", imposed=imposed)
    left, own, right, factor = _studentising(fit, coefficient, jackknife=variant[1] == "3")
    column = fit.inverse[:, coefficient]
    ends = [(part @ column, (own * part).sum(axis=1), right @ part.T) for part in (fixed, moving)]
    exact = weights == "rademacher" and 2**fit.clusters <= draws
    sums = _sums(ends, left, factor, _weights(fit.clusters, weights, draws, seed, exact))
    value = float(fit.estimate[coefficient])
    return WildBootstrap(value, error, value - null, *sums, exact, fit.clusters, weights, variant, imposed, seed)


def score_bootstrap(
    contributions: Array, shares: Array, value: float, *, draws: int, seed: int, weights: Weights = "rademacher"
) -> WildBootstrap:
    """The wild cluster score bootstrap of an estimate that is no regression coefficient (Kline and Santos 2012).

    Args:
        contributions: (G,) of each cluster to the estimate `value`, summing to zero; their sum of squares is its
            variance. shares: (G,) what a constant effect of one in a cluster's treated cells adds to the estimate,
            summing to one: under a null at distance d they add d times themselves to the contributions.

    The bootstrap variance takes each cluster's share of the signed sum out of its signed contribution.
    """
    g = len(contributions)
    ends = [(part, part, part[None]) for part in (contributions, shares)]
    exact = weights == "rademacher" and 2**g <= draws
    sums = _sums(ends, -shares[:, None], 1.0, _weights(g, weights, draws, seed, exact))
    error = float(np.linalg.norm(contributions))
    return WildBootstrap(value, error, value, *sums, exact, g, weights, "score", True, seed)


def _sums(ends: Ends, left: Array, factor: float, blocks: Iterator[Array]) -> tuple[Array, Array]:
    """Coefficients in d of numerators (2, B) and denominators (3, B); `ends` holds, for the part at the estimate and
    the part that moves with d, contributions (G,), own (G,) and low (P, G) with E = own v + left (low v)."""
    numerator, denominator = [], []
    for v in blocks:
        numerator.append(np.stack([contribution @ v for contribution, _, _ in ends]))
        e, f = (own[:, None] * v + left @ (low @ v) for _, own, low in ends)
        denominator.append(factor * np.stack([(e * e).sum(axis=0), 2 * (e * f).sum(axis=0), (f * f).sum(axis=0)]))
    return np.concatenate(numerator, axis=1), np.concatenate(denominator, axis=1)


def _scores(fit: Regression, k: int, *, jackknifed: bool, imposed: bool) -> tuple[Array, Array]:
    """Scores (G, P) at the estimate, and what one unit of d adds to them."""
    nothing = np.zeros((fit.clusters, fit.regressors.shape[1]))
    if not jackknifed:
        plain = fit.scores(fit.residual)
        column = fit.inverse[:, k]
        return plain, fit.scores(fit.regressors @ column) / column[k] if imposed else nothing
    if not imposed:
        return _left_out_scores(fit, fit.outcome, np.arange(nothing.shape[1])), nothing
    others = np.flatnonzero(np.arange(nothing.shape[1]) != k)
    own = fit.regressors[:, k]
    at_estimate = _left_out_scores(fit, fit.outcome - own * fit.estimate[k], others)
    return at_estimate, _left_out_scores(fit, own, others)


def _left_out_scores(fit: Regression, outcome: Array, columns: Array) -> Array:
    """Scores (G, P) of the residuals of each cluster from a fit of `outcome` on `columns` without that cluster."""
    total, moment = fit.gram(np.arange(len(outcome))), fit.scores(outcome)
    whole = moment.sum(axis=0)[columns]
    found = np.empty_like(moment)
    for g, row in enumerate(fit.rows):
        gram = fit.gram(row)
        kept = np.ix_(columns, columns)
        inverse, _ = without(fit, (total - gram)[kept], total[kept])
        found[g] = moment[g] - gram[:, columns] @ (inverse @ (whole - moment[g, columns]))
    return found


def _studentising(fit: Regression, k: int, *, jackknife: bool) -> tuple[Array, Array, Array, float]:
    """left, own (G, P), right (P, P) and a factor: with E_g = own_g's_g v_g + left_g'right sum_h s_h v_h the bootstrap
    variance is the factor times the sum of E_g^2."""
    g, column = fit.clusters, fit.inverse[:, k]
    if not jackknife:
        left = -fit.scores(fit.regressors @ column)
        factor = g / (g - 1) * (len(fit.outcome) - 1) / (len(fit.outcome) - fit.parameters("fixest"))
        return left, np.broadcast_to(column, left.shape), fit.inverse, factor
    total = fit.gram(np.arange(len(fit.outcome)))
    out = np.stack([_column_without(fit, total - fit.gram(row), total, k) for row in fit.rows])
    return out - column, -out, np.eye(len(column)), (g - 1) / g


def _column_without(fit: Regression, gram: Array, total: Array, k: int) -> Array:
    inverse, identified = without(fit, gram, total)
    if not identified[k]:
        raise _unidentified()
    return np.asarray(inverse[:, k])


def _unidentified() -> Refusal:
    problem = "the effect cannot be estimated without one of the clusters, so that the jackknife has no value"
    return Refusal("E104", "cluster", problem, "use the wild bootstrap with CR1 errors, or permutation")


def _weights(clusters: int, weights: Weights, draws: int, seed: int, exact: bool) -> Iterator[Array]:
    """Blocks (G, b) of weight vectors; with enumeration those whose first weight is +1."""
    if exact:
        bits = np.arange(2 ** (clusters - 1))
        for start in range(0, len(bits), BLOCK):
            block = bits[start : start + BLOCK]
            signs = 1.0 - 2.0 * ((block >> np.arange(clusters - 1)[:, None]) & 1)
            yield np.vstack([np.ones(len(block)), signs])
        return
    points, chances = POINTS[weights]
    generator = np.random.default_rng(seed)
    edges = np.cumsum(chances)[:-1]
    for start in range(0, draws, BLOCK):
        uniform = generator.random((clusters, min(BLOCK, draws - start)))
        yield points[np.searchsorted(edges, uniform)]
