"""Weights of donors and of periods before: what the designs of the synthetic control family share, arrays in and out.

Every design compares the treated path with a weighted mean of donors' paths, and measures the gap from a weighted mean
of the gaps before (or from zero): gap_t = y1_t - sum_j w_j y0_jt, effect_t = gap_t - sum_s l_s gap_s. Designs differ in
how w and l are chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analysis.inference import frank_wolfe
from analysis.inference.simplex import nearest
from analysis.panel import Array

FAINT = 1e-6  # ridge of designs that want none, in units of the noise (as in synthdid)


@dataclass(frozen=True)
class Problem:
    """One adoption date. treated: (T,) mean path of `units` treated units; donors: (J, T). Periods first..start-1 are
    fitted, start is the first one under the policy. own: (k,) and others: (J, k) hold predictors, where there are any.
    """

    treated: Array
    donors: Array
    first: int
    start: int
    units: int = 1
    own: Array | None = None
    others: Array | None = None

    @property
    def path(self) -> Array:
        """(F,) the treated path in the periods fitted."""
        return self.treated[self.first : self.start]

    @property
    def paths(self) -> Array:
        """(J, F) the donors' paths in the periods fitted."""
        return self.donors[:, self.first : self.start]

    @property
    def noise(self) -> float:
        """Standard deviation of the donors' changes from one fitted period to the next."""
        changes = np.diff(self.paths, axis=1)
        return float(changes.std(ddof=1)) if changes.size > 1 else 0.0


@dataclass(frozen=True)
class Fit:
    """unit: (J,) weights of donors with sum one; level: (T,) weights of periods that gaps are measured from, zeros
    where levels must agree. objective: mean squared gap in the periods fitted, and ridge; residual: violation of the
    conditions of an optimum, relative. predictor: (k,) weights of predictors. reached, tried: searches of them."""

    unit: Array
    level: Array
    objective: float = float("nan")
    residual: float = 0.0
    predictor: Array | None = None
    reached: int = 1
    tried: int = 1

    @property
    def shifted(self) -> bool:
        """A difference in level is allowed for."""
        return bool(self.level.any())


Weigher = Callable[[Problem], Fit]


def effects(problem: Problem, fit: Fit) -> Array:
    """(T,) gaps from the level that the fit allows for."""
    gap = problem.treated - fit.unit @ problem.donors
    return np.asarray(gap - gap @ fit.level)


def distance(problem: Problem, fit: Fit) -> float:
    """Root mean squared gap in the periods fitted, around its mean where a level difference is allowed."""
    gap = problem.path - fit.unit @ problem.paths
    return float(np.sqrt(((gap - gap.mean() if fit.shifted else gap) ** 2).mean()))


def plain(problem: Problem, solver: str = "exact") -> Fit:
    """Synthetic control: donors' weights fitted to the treated path, level and all."""
    zeta = FAINT * problem.noise
    return _fitted(problem.paths.T, problem.path, zeta, problem, np.zeros(len(problem.treated)), solver)


def differenced(problem: Problem, solver: str = "exact") -> Fit:
    """Matching on differences: donors' weights fitted to the treated path less its mean before."""
    paths, path = _centred(problem)
    return _fitted(paths.T, path, FAINT * problem.noise, problem, _evenly(problem), solver)


def difference_in_differences(problem: Problem, solver: str = "exact") -> Fit:
    """Equal weights of donors and of periods before."""
    unit = np.full(len(problem.donors), 1 / len(problem.donors))
    paths, path = _centred(problem)
    gap = path - unit @ paths
    return Fit(unit, _evenly(problem), float(gap @ gap) / len(gap))


def synthetic_did(problem: Problem, solver: str = "exact") -> Fit:
    """Ridge weights of donors that make the gap constant before, and weights of periods that predict donors after."""
    level = np.zeros(len(problem.treated))
    level[problem.first : problem.start] = period_weights(problem, solver)
    paths, path = _centred(problem)
    return _fitted(paths.T, path, unit_ridge(problem), problem, level, solver)


def unit_ridge(problem: Problem) -> float:
    """zeta of the unit weights: (treated units x periods after)^(1/4) times the noise."""
    after = len(problem.treated) - problem.start
    return float((problem.units * after) ** 0.25 * problem.noise)


def period_weights(problem: Problem, solver: str = "exact") -> Array:
    """(F,) weights of the fitted periods that best predict the donors' mean after, from level differences aside."""
    before = problem.paths - problem.paths.mean(axis=0)
    after = problem.donors[:, problem.start :].mean(axis=1)
    after = after - after.mean()
    if solver == "frank_wolfe":
        return frank_wolfe.weights(before, after, FAINT * problem.noise, problem.noise)
    return nearest(before, after, len(before) * (FAINT * problem.noise) ** 2).weights


def augmented(problem: Problem, ridge: float) -> Fit:
    """Synthetic control plus a ridge regression on its remaining gaps: weights that may be negative, with sum one.

    ridge: lambda of Ben-Michael, Feller and Rothstein (2021), section 3. Periods are centred at the donors' mean.
    """
    base = plain(problem)
    unit = base.unit + _corrections(problem.paths, problem.path, base.unit, np.array([ridge]))[:, 0]
    gap = problem.path - unit @ problem.paths
    return Fit(unit, np.zeros(len(problem.treated)), float(gap @ gap) / len(gap), base.residual)


def chosen_ridge(problem: Problem) -> float:
    """lambda by leaving out one fitted period at a time: the largest one whose mean squared error in the periods left
    out is within one standard error of the smallest."""
    centred = problem.paths - problem.paths.mean(axis=0)
    grid = float(np.linalg.norm(centred, 2)) ** 2 * np.logspace(0, -8, 21)
    whole = plain(problem).unit
    errors = np.array([_left_out(problem, place, grid, whole) for place in range(len(problem.path))])
    mean, spread = errors.mean(axis=0), errors.std(axis=0, ddof=1) / np.sqrt(len(errors))
    best = int(mean.argmin())
    return float(grid[np.flatnonzero(mean <= mean[best] + spread[best])[0]])


def _left_out(problem: Problem, place: int, grid: Array, whole: Array) -> Array:
    """(R,) squared errors in one period of weights found without it, from the donors in use with it."""
    paths, path = np.delete(problem.paths, place, axis=1), np.delete(problem.path, place)
    base = nearest(paths.T, path, len(path) * (FAINT * problem.noise) ** 2, start=whole).weights
    found = base[:, None] + _corrections(paths, path, base, grid)
    return np.asarray((problem.path[place] - problem.paths[:, place] @ found) ** 2)


def _corrections(paths: Array, path: Array, unit: Array, ridges: Array) -> Array:
    """(J, R) what the ridge regression adds to the weights, with sum zero, at each penalty."""
    centred = paths - paths.mean(axis=0)
    size, turn = np.linalg.eigh(centred.T @ centred)
    missed = turn.T @ (path - unit @ paths)
    return np.asarray(centred @ turn @ (missed[:, None] / (np.maximum(size, 0.0)[:, None] + ridges)))


def _fitted(columns: Array, target: Array, zeta: float, problem: Problem, level: Array, solver: str) -> Fit:
    """Unit weights by the chosen solver; zeta as in synthdid, per fitted period."""
    if solver == "frank_wolfe":
        unit = frank_wolfe.weights(columns, target, zeta, problem.noise)
        residual = float("nan")
    else:
        found = nearest(columns, target, len(target) * zeta**2)
        unit, residual = found.weights, found.residual
    gap = target - columns @ unit
    return Fit(unit, level, float(gap @ gap) / len(gap) + zeta**2 * float(unit @ unit), residual)


def _centred(problem: Problem) -> tuple[Array, Array]:
    return problem.paths - problem.paths.mean(axis=1, keepdims=True), problem.path - problem.path.mean()


def _evenly(problem: Problem) -> Array:
    level = np.zeros(len(problem.treated))
    level[problem.first : problem.start] = 1 / (problem.start - problem.first)
    return level
