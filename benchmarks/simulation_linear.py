"""Thousands of draws of an estimator that is linear in outcomes, at the price of a few dozen calls.

Without covariates and gaps, with equal weights and every unit its own cluster, an estimate is a weighted sum of
outcomes, and so are the contributions of clusters to its variance and the estimate without one cluster. The weights are
the same for all units of a cohort. They are read off the project's own estimator (its estimates and `influence()` for
outcomes that are 1 in one cell and 0 elsewhere), and then all draws, permutations and leave-outs are matrix products.
`verify` compares with direct calls of the rule that chooses what a report shows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
from scipy import stats

from analysis.inference import few_clusters
from analysis.panel import NEVER, Panel
from analysis.refusal import Refusal
from analysis.result import Effects
from benchmarks.simulation_draws import Array

Estimator = Callable[[Any], Effects]
EXACT_UP_TO = 2_000
TIE = 1e-9


@dataclass(frozen=True, eq=False)
class Linear:
    """An average as weights on outcomes. N units in H cohorts, T periods.

    weights: (H, T) on a unit of each cohort. own: (H, T) of a unit's contribution on its own outcomes beyond what
    `common`, (H, H, T), puts on those of any unit: common[g, h] is the weight, in the contribution of a unit of cohort
    g, on a unit of cohort h. left: (H, H, T) weights of the estimate without a unit of cohort g on a unit of cohort h;
    None where it cannot be estimated without a unit. shown: which inference the project's rule chooses.
    """

    panel: Panel
    fit: Estimator
    average: str
    effects: Effects
    cohort: Array
    weights: Array
    own: Array
    common: Array
    left: Array | None
    shown: str

    @property
    def units(self) -> int:
        """Number of units and clusters."""
        return len(self.cohort)

    def estimates(self, y: Array) -> Array:
        """(D,) estimates of outcomes (D, N, T)."""
        return np.asarray(np.einsum("dnt,nt->d", y, self.weights[self.cohort], optimize=True))

    def analytic(self, y: Array) -> tuple[Array, Array]:
        """(D,) analytic standard errors and p-values of no effect."""
        one = self._permuted(y, self.cohort[None])
        return np.sqrt(one[1][:, 0]), self._p_value(one[0][:, 0], np.sqrt(one[1][:, 0]))

    def jackknife(self, y: Array) -> tuple[Array, Array]:
        """(D,) jackknife errors and p-values; missing where a unit cannot be left out."""
        if self.left is None:
            return np.full(len(y), np.nan), np.full(len(y), np.nan)
        sums = self._sums(y)
        whole = np.einsum("dht,ght->dg", sums, self.left, optimize=True)[:, self.cohort]
        own = self.left[np.arange(len(self.left)), np.arange(len(self.left))][self.cohort]
        without = whole - np.einsum("dnt,nt->dn", y, own, optimize=True)
        estimates, n = self.estimates(y), self.units
        error = np.sqrt((n - 1) / n * ((without - estimates[:, None]) ** 2).sum(axis=1))
        return error, self._p_value(estimates, error)

    def permutation(self, y: Array, *, ratio: bool, seed: int, draws: int = 999) -> Array:
        """(D,) p-values of no effect when adoption dates are permuted: of estimates, or of ratios to errors."""
        found = []
        assignments = self.assignments(seed, draws)
        for part in np.array_split(y, max(1, len(y) // 50)):
            value, variance = self._permuted(part, assignments)
            if ratio:
                kept = np.where(variance > 1e-14 * np.maximum(variance, value**2), variance, 0.0)
                reached = value**2 * kept[:, :1] >= value[:, :1] ** 2 * kept * (1 - TIE)
            else:
                reached = np.abs(value) >= np.abs(value[:, :1]) * (1 - TIE)
            found.append(reached.mean(axis=1))
        return np.concatenate(found)

    def shown_p_value(self, y: Array, seed: int, draws: int = 999) -> Array:
        """(D,) p-values of no effect as the project's rule shows them."""
        if self.shown == "analytic":
            return self.analytic(y)[1]
        if self.shown == "jackknife":
            return self.jackknife(y)[1]
        return self.permutation(y, ratio=self.shown.endswith("ratios"), seed=seed, draws=draws)

    def assignments(self, seed: int, draws: int) -> Array:
        """(P, N) cohort rows: the observed ones, then all others when there are few, else random ones."""
        sizes = np.bincount(self.cohort)
        rest, total = self.units, 1
        for size in sizes[self._dated()]:
            total, rest = total * comb(rest, int(size)), rest - int(size)
        if total <= EXACT_UP_TO:
            every = [row for row in self._enumerated() if (row != self.cohort).any()]
            return np.stack([self.cohort, *every])
        generator, codes = np.random.default_rng(seed), self.panel.adoption
        drawn = np.stack([codes, *(generator.permutation(codes) for _ in range(draws))])
        return np.searchsorted(self.panel.cohorts, drawn)

    def verify(self, y: Array, seed: int) -> None:
        """Raises AssertionError unless the rule, called directly, shows these numbers for the outcome (N, T)."""
        data = self.panel.with_outcome(y)
        real = few_clusters.headline(data, self.fit(data), average=self.average, level=0.95, seed=seed, draws=99)
        p_value = float(self.shown_p_value(y[None], seed, 99)[0])
        assert abs(real.value - self.estimates(y[None])[0]) < 1e-8, (real.value, self.estimates(y[None])[0])
        assert abs(real.p_value - p_value) < 1e-8, (self.shown, real.inference, real.p_value, p_value)

    def _p_value(self, estimates: Array, error: Array) -> Array:
        return np.asarray(2 * stats.t.sf(np.abs(estimates) / error, self.effects.df))

    def _sums(self, y: Array) -> Array:
        """(D, H, T) sums over the units of each cohort."""
        member = np.eye(len(self.weights))[self.cohort]
        return np.asarray(np.einsum("dnt,nh->dht", y, member, optimize=True))

    def _permuted(self, y: Array, assignments: Array) -> tuple[Array, Array]:
        """(D, P) estimates and variances when units have the cohorts in `assignments` (P, N)."""
        draws, n, t = y.shape
        own = np.einsum("dnt,ht->dnh", y, self.own, optimize=True)
        sums, linear, squares, sizes = [], [], [], np.bincount(self.cohort)
        for h in range(len(self.weights)):
            features = np.concatenate([y, own[:, :, h, None], own[:, :, h, None] ** 2], axis=2)
            total = (assignments == h).astype(float) @ features.transpose(1, 0, 2).reshape(n, -1)
            total = total.reshape(len(assignments), draws, t + 2).transpose(1, 0, 2)
            sums.append(total[:, :, :t])
            linear.append(total[:, :, t])
            squares.append(total[:, :, t + 1])
        path = np.stack(sums, axis=2)
        value = np.einsum("dpht,ht->dp", path, self.weights, optimize=True)
        common = np.einsum("dpht,ght->gdp", path, self.common, optimize=True)
        variance = sum(squares[g] + 2 * common[g] * linear[g] + sizes[g] * common[g] ** 2 for g in range(len(sizes)))
        return value, np.maximum(variance, 0.0)

    def _dated(self) -> Array:
        return np.flatnonzero(self.panel.cohorts != NEVER)

    def _enumerated(self) -> list[Array]:
        never = np.flatnonzero(self.panel.cohorts == NEVER)
        partial = [np.full(self.units, never[0] if len(never) else -1)]
        taken = [np.zeros(self.units, dtype=bool)]
        for h in self._dated():
            size, found = int((self.cohort == h).sum()), []
            for row, used in zip(partial, taken, strict=True):
                for chosen in combinations(np.flatnonzero(~used), size):
                    new, full = row.copy(), used.copy()
                    new[list(chosen)], full[list(chosen)] = h, True
                    found.append((new, full))
            partial, taken = [a for a, _ in found], [b for _, b in found]
        return partial


def compiled(panel: Panel, fit: Estimator, average: str = "simple", example: Array | None = None) -> Linear:
    """The weights of `fit` on panels like `panel`; `example` is an outcome (N, T) on which the rule is asked."""
    cohort = np.searchsorted(panel.cohorts, panel.adoption)
    groups, periods = len(panel.cohorts), panel.outcome.shape[1]
    first = np.array([np.flatnonzero(cohort == h)[0] for h in range(groups)])
    last = np.array([np.flatnonzero(cohort == h)[-1] for h in range(groups)])
    weights, own = np.zeros((groups, periods)), np.zeros((groups, periods))
    common = np.zeros((groups, groups, periods))
    for h in range(groups):
        for t in range(periods):
            value, psi = _answer(panel, fit, average, _cell(panel, first[h], t))
            weights[h, t], common[:, h, t] = value, psi[last]
            if first[h] == last[h]:
                common[h, h, t], own[h, t] = 0.0, psi[first[h]]
            else:
                own[h, t] = psi[first[h]] - psi[last[h]]
    outcome: Array = np.random.default_rng(0).normal(size=panel.outcome.shape) if example is None else example
    effects = fit(panel.with_outcome(outcome))
    left = _left(panel, fit, average, cohort, first)
    return Linear(
        panel, fit, average, effects, cohort, weights, own, common, left, _shown(effects, average, left is not None)
    )


def _shown(effects: Effects, average: str, removable: bool) -> str:
    rests_on = few_clusters.support(effects, average)
    if rests_on.few:
        return "permutation of ratios" if rests_on.studentised else "permutation of estimates"
    return "jackknife" if rests_on.lean and removable else "analytic"


def _cell(panel: Panel, unit: int, period: int) -> Array:
    y = np.zeros(panel.outcome.shape)
    y[unit, period] = 1.0
    return y


def _answer(panel: Panel, fit: Estimator, average: str, outcome: Array) -> tuple[float, Array]:
    one = fit(panel.with_outcome(outcome)).along(average).averaged_over()
    assert one.influence is not None
    return float(one.estimate[0]), one.influence()[:, 0]


def _left(panel: Panel, fit: Estimator, average: str, cohort: Array, first: Array) -> Array | None:
    groups, periods = len(first), panel.outcome.shape[1]
    found = np.zeros((groups, groups, periods))
    for g in range(groups):
        keep = np.arange(len(cohort)) != first[g]
        for h in range(groups):
            size = int((cohort[keep] == h).sum())
            for t in range(periods) if size else ():
                y = np.zeros(panel.outcome.shape)
                y[cohort == h, t] = 1 / size
                rest = replace(panel, outcome=y).only(keep, "left out")
                try:
                    found[g, h, t] = float(fit(rest).along(average).averaged_over().estimate[0])
                except (Refusal, ValueError):
                    return None
    return found
