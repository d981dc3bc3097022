"""The nested choice of a synthetic control with predictors: weights of donors inside, weights of predictors outside.

Inside, donors' weights minimise the weighted squared distance in predictors, sum_k v_k (x1_k - sum_j w_j x0_jk)^2;
outside, v minimises the squared gap in the outcome before the policy (Abadie, Diamond and Hainmueller 2010, section
2.3). The outer problem is full of local optima: it is descended from many starts along its exact gradient (with the
donors in use held), then from places around the best end, across changes of the donors in use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from analysis.inference.simplex import FLOOR, nearest
from analysis.inference.synthetic import Fit, Problem
from analysis.panel import Array

LOWEST = -16.0  # smallest logarithm of a predictor's weight, relative to the largest
SAME = 0.01  # starts whose mean squared gap is within this share of the best reached it
EQUAL = 1e-6  # a gap within this share of the lowest possible one cannot be improved
STARTS = 24  # random starts, most of their predictors with little weight
FEW = 4  # random starts of a placebo unit
TRIES, JUMP, MOVED = 0.75, 3.0, 0.4  # descents around the best end, per random start; their spread; share moved
STEPS = 100  # evaluations of one descent


@dataclass(frozen=True)
class Match:
    """What is matched, with predictors over their standard deviation: own (k,), others (J, k); the outcome's path in
    the periods fitted: path (F,), paths (J, F)."""

    own: Array
    others: Array
    path: Array
    paths: Array


@dataclass(frozen=True)
class Choice:
    """weights (J,) of donors, predictor (k,) with sum one, loss: mean squared gap; residual of the inner optimum;
    reached: how many of `tried` starts ended at the best loss."""

    weights: Array
    predictor: Array
    loss: float
    residual: float
    reached: int = 1
    tried: int = 1


def matched(
    problem: Problem, *, search: bool, seed: int, random: int = STARTS, first: Mapping[int, Array] | None = None
) -> Fit:
    """Donors' weights at searched or regression-based weights of predictors; first: weights to start from, by date."""
    match = match_of(problem)
    if search:
        start = (first or {}).get(problem.start)
        return _fit(problem, searched(match, seed, random, start))
    return _fit(problem, with_weights(match, regression_based(match)))


def held(problem: Problem, *, predictor: Mapping[int, Array]) -> Fit:
    """Donors' weights at given weights of predictors, by date."""
    return _fit(problem, with_weights(match_of(problem), predictor[problem.start]))


def match_of(problem: Problem) -> Match:
    """The predictors of a problem, scaled, with the paths that judge them."""
    assert problem.own is not None and problem.others is not None
    return Match(*scaled(problem.own, problem.others), problem.path, problem.paths)


def _fit(problem: Problem, choice: Choice) -> Fit:
    level = np.zeros(len(problem.treated))
    return Fit(choice.weights, level, choice.loss, choice.residual, choice.predictor, choice.reached, choice.tried)


def scaled(own: Array, others: Array) -> tuple[Array, Array]:
    """Predictors over their standard deviation across the treated unit and all donors."""
    spread = np.vstack([own[None], others]).std(axis=0, ddof=1)
    spread = np.where(spread > 0, spread, 1.0)
    return own / spread, others / spread


def with_weights(match: Match, predictor: Array, start: Array | None = None, refine: bool = True) -> Choice:
    """The inner optimum at given weights of predictors, searched from the support of `start`."""
    root = np.sqrt(predictor)
    found = nearest((match.others * root).T, match.own * root, start=start, refine=refine)
    gap = match.path - found.weights @ match.paths
    return Choice(found.weights, predictor, float(gap @ gap) / len(gap), found.residual)


def regression_based(match: Match) -> Array:
    """(k,) weights from how strongly each predictor moves with the outcomes before, all units together."""
    rows = np.vstack([match.own[None], match.others])
    rows = np.column_stack([np.ones(len(rows)), rows])
    slopes = np.linalg.lstsq(rows, np.vstack([match.path[None], match.paths]), rcond=None)[0][1:]
    size = (slopes**2).sum(axis=1)
    return np.asarray(size / size.sum())


def searched(match: Match, seed: int, random: int = STARTS, first: Array | None = None) -> Choice:
    """The best optimum over starts from equal weights, from a regression, from `first`, and from `random` ones.

    No search goes on once the gap is as small as that of weights fitted to the path alone: nothing can be better.
    """
    if len(match.own) == 1:
        return with_weights(match, np.ones(1))
    unit = _in_own_unit(match)
    fit = nearest(unit.paths.T, unit.path)
    lowest = float(((unit.path - fit.weights @ unit.paths) ** 2).mean()) * (1 + EQUAL)
    search, ends = _Search(unit), []
    for start in _starts(unit, seed, random, first):
        ends.append(search.descended(start))
        if ends[-1].loss <= lowest:
            break
    best = min(ends, key=lambda end: end.loss)
    if best.loss > lowest:
        best = search.around(best, seed, round(TRIES * random))
    reached = sum(end.loss <= best.loss * (1 + SAME) for end in ends)
    return replace(with_weights(match, best.predictor), reached=max(1, reached), tried=len(ends))


def _in_own_unit(match: Match) -> Match:
    """The path over its distance to the donors' paths, so that a search does not depend on the outcome's unit."""
    size = float(np.sqrt(((match.paths - match.path) ** 2).mean())) or 1.0
    return replace(match, path=match.path / size, paths=match.paths / size)


def _starts(match: Match, seed: int, random: int, first: Array | None) -> list[Array]:
    k = len(match.own)
    drawn = np.random.default_rng(seed).dirichlet(np.full(k, 0.3), size=random)
    given = [] if first is None else [first]
    return [*given, regression_based(match), np.full(k, 1 / k), *drawn]


class _Search:
    """One descent: each inner problem starts from the donors in use at the last one."""

    def __init__(self, match: Match) -> None:
        self.match = match
        self.last: Array | None = None

    def descended(self, start: Array) -> Choice:
        from scipy.optimize import minimize

        theta = _logs(start)
        limits = [(LOWEST, 0.0)] * len(theta)
        options = {"maxfun": STEPS}
        found = minimize(self.loss_and_slope, theta, jac=True, method="TNC", bounds=limits, options=options)
        return with_weights(self.match, _share(found.x))

    def around(self, best: Choice, seed: int, tries: int) -> Choice:
        """The best end of descents from `best` with some predictors' weights moved at random."""
        rng = np.random.default_rng(seed)
        for _ in range(tries):
            move = rng.normal(scale=JUMP, size=len(best.predictor)) * (rng.random(len(best.predictor)) < MOVED)
            best = min(best, self.descended(np.exp(_logs(best.predictor) + move)), key=lambda end: end.loss)
        return best

    def loss(self, theta: Array) -> float:
        return self._inner(_share(theta)).loss

    def loss_and_slope(self, theta: Array) -> tuple[float, Array]:
        """The mean squared gap at log weights `theta`, and its gradient with the donors in use held."""
        match, v = self.match, _share(theta)
        choice = self._inner(v)
        places = np.flatnonzero(choice.weights > 0)
        weights = choice.weights[places]
        away = match.others[places] - match.own
        gap = match.path - weights @ match.paths[places]
        by_weight = -2 * match.paths[places] @ gap / len(gap)
        adjoint = _adjoint(match, v, away, by_weight)
        slope = -(adjoint @ away) * (weights @ away)
        return choice.loss, v * (slope - v @ slope)

    def _inner(self, v: Array) -> Choice:
        choice = with_weights(self.match, v, self.last, refine=False)
        self.last = choice.weights
        return choice


def _adjoint(match: Match, v: Array, away: Array, by_weight: Array) -> Array:
    """How the loss moves with the slopes of the inner problem, from its conditions on the donors in use."""
    n = len(away)
    size = float(((match.others - match.own) ** 2 @ v).sum()) / len(match.others)
    system = np.ones((n + 1, n + 1))
    system[:n, :n] = (away * v) @ away.T + FLOOR * size * np.eye(n)
    system[n, n] = 0.0
    return np.asarray(np.linalg.solve(system, np.append(by_weight, 0.0))[:n])


def _logs(weights: Array) -> Array:
    return np.asarray(np.clip(np.log(np.maximum(weights / weights.max(), 1e-300)), LOWEST, 0.0))


def _share(theta: Array) -> Array:
    raw = np.exp(np.clip(theta - theta.max(), LOWEST, 0.0))
    return np.asarray(raw / raw.sum())
