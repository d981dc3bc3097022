"""Randomisation inference: the same contrast had chance assigned the arms otherwise, within strata and by clusters.

Every assignment keeps the number of units (or clusters) of each arm in each stratum. The statistic is the ratio of the
estimate to its error (without small-sample factor), exact under no effect for anyone and right in large samples under
no average effect (Wu and Ding 2021, "Randomization tests for weak null hypotheses"). The interval holds the constant
effects that the same test does not reject: taking effect t out of the treated rows moves the estimate of every
assignment by t times its slope and its variance along a quadratic, so that no assignment is computed twice.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from analysis.inference.trial_regression import Problem
from analysis.panel import Array
from analysis.refusal import Refusal

TIE = 1e-9
MANY = 10**9


@dataclass(frozen=True, eq=False)
class Draws:
    """Of every assignment, the observed one first: estimate of the outcome and of the exposure (what the effect is an
    effect of: the observed assignment, or what was received), and the variances and covariance of both."""

    estimate: Array
    slope: Array
    variance: Array
    mixed: Array
    exposed: Array
    exact: bool

    def p_value(self, effect: float = 0.0) -> float:
        """Share of assignments whose ratio is at least as far from `effect` as the observed one."""
        variance = self.variance - 2 * effect * self.mixed + effect**2 * self.exposed
        squared = (self.estimate - effect * self.slope) ** 2
        floor = 1e-14 * np.maximum(self.variance, squared)
        variance = np.where(variance > floor, variance, 0.0)
        return float((squared * variance[0] >= squared[0] * variance * (1 - TIE)).mean())

    def interval(self, level: float) -> tuple[float, float]:
        """The constant effects not rejected at `level`; infinite where the test cannot reject."""
        if not self.slope[0]:
            return -math.inf, math.inf
        centre = float(self.estimate[0] / self.slope[0])
        step = max(math.sqrt(float(self.variance[0])), float(self.estimate.std()), 1e-300) / abs(float(self.slope[0]))
        return self._edge(centre, -step, 1 - level), self._edge(centre, step, 1 - level)

    def _edge(self, centre: float, step: float, alpha: float) -> float:
        inside, outside = 0.0, step
        while self.p_value(centre + outside) > alpha:
            inside, outside = outside, 1.5 * outside
            if abs(outside) > 1e6 * abs(step):
                return math.copysign(math.inf, step)
        while abs(outside - inside) > 1e-11 * abs(outside):
            middle = (inside + outside) / 2
            kept = self.p_value(centre + middle) > alpha
            inside, outside = (middle, outside) if kept else (inside, middle)
        return centre + (inside + outside) / 2


def draws(problem: Problem, clustered: bool, count: int, seed: int, exposure: Array | None = None) -> Draws:
    """Up to `count` other assignments of `problem`; every one of them where there are fewer.

    exposure: (n,) what the constant effect is per unit of; the observed assignment if None.

    Raises Refusal E105 where the assignment varies within clusters, or a cluster lies in several strata.
    """
    groups = problem.cluster if clustered else np.arange(problem.n)
    unit, label, stratum = units(problem.assigned, problem.strata, groups)
    fixed = problem.fixed() * np.sqrt(problem.weight)[:, None]
    basis = np.linalg.qr(fixed)[0]
    targets = np.column_stack([problem.outcome, problem.assigned if exposure is None else exposure])
    targets = _without(targets * np.sqrt(problem.weight)[:, None], basis)
    parts = []
    exact = _number(label, stratum) <= count + 1
    for other in itertools.chain([label], assignments(label, stratum, exact, seed, count)):
        parts.append(_statistics(problem, other[unit], basis, targets, problem.cluster if clustered else None))
    estimate, slope, variance, mixed, exposed = np.array(parts).T
    return Draws(estimate, slope, variance, mixed, exposed, exact)


def units(assigned: Array, strata: Array, groups: Array) -> tuple[Array, Array, Array]:
    """What was assigned as one: code of each row (n,), arm and stratum of each unit. Raises Refusal E105."""
    _, first, unit = np.unique(groups, return_index=True, return_inverse=True)
    for values, name, problem in (
        (assigned, "cluster", "the assignment varies within clusters: reassigning rows would ignore what they share"),
        (strata, "strata", "a cluster lies in several strata"),
    ):
        if not (values[first][unit] == values).all():
            raise Refusal("E105", name, problem, "use `uncertainty: design`, or correct the column")
    return unit, assigned[first], strata[first]


def assignments(label: Array, stratum: Array, exact: bool, seed: int, count: int) -> Iterator[Array]:
    """Other assignments of `label` (units,) within `stratum`: all but the observed one, or `count` at random."""
    members = [np.flatnonzero(stratum == code) for code in np.unique(stratum)]
    if exact:
        for choice in itertools.product(*(_chosen(label, member) for member in members)):
            found = np.concatenate(choice)[np.argsort(np.concatenate(members), kind="stable")]
            if not (found == label).all():
                yield found
        return
    generator = np.random.default_rng(seed)
    for _ in range(count):
        found = label.copy()
        for member in members:
            found[member] = generator.permutation(label[member])
        yield found


def _chosen(label: Array, member: Array) -> list[Array]:
    own = label[member]
    treated = int(own.sum())
    return [
        np.isin(np.arange(len(own)), chosen).astype(float)
        for chosen in itertools.combinations(range(len(own)), treated)
    ]


def _number(label: Array, stratum: Array) -> float:
    """Different assignments of two arms."""
    total = 1
    for code in np.unique(stratum):
        own = label[stratum == code]
        if not np.isin(own, (0.0, 1.0)).all():
            return math.inf
        total *= math.comb(len(own), int(own.sum()))
        if total > MANY:
            return math.inf
    return float(total)


def _statistics(problem: Problem, assigned: Array, basis: Array, targets: Array, cluster: Array | None) -> list[float]:
    """Estimates of outcome and exposure (`targets`) under `assigned`, and the cross products of their scores."""
    moving = _without(problem.moving(assigned) * np.sqrt(problem.weight)[:, None], basis)
    inverse = np.linalg.pinv(moving.T @ moving)
    found = inverse @ (moving.T @ targets)
    score = (moving @ inverse[:, 0])[:, None] * (targets - moving @ found)
    if cluster is not None:
        score = np.column_stack([np.bincount(cluster, column) for column in score.T])
    cross = score.T @ score
    return [found[0, 0], found[0, 1], cross[0, 0], cross[0, 1], cross[1, 1]]


def _without(columns: Array, basis: Array) -> Array:
    """`columns` less their projection on `basis`."""
    return np.asarray(columns - basis @ (basis.T @ columns))
