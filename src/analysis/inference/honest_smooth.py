"""Smoothness: the difference in trends may change its slope by at most `bend` from one period to the next.

Restriction: |second difference of the path without the policy| <= bend (Rambachan and Roth 2023, section 2.4.2). With
bend = 0 it is a straight line, and the effect is measured from its continuation.

Every linear estimator with a bounded bias is the base estimator (the average, measured from the line through the last
period before the reference and the reference) plus a combination u of the bends before the reference. Its worst bias is
bend * (reach of the bends after it + |u|_1), its variance quadratic in u. So the best trade of bias for variance is a
lasso path, which is piecewise linear and followed exactly from one end to the other; the fixed-length confidence
interval (Armstrong and Kolesar 2018; section 4.1.1) is its best point. HonestDiD searches it by a conic solver and
takes the critical value from a million draws.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from analysis.inference.honest_problem import Problem
from analysis.panel import Array

ROUNDING = 1e-12
SMALLEST = 1 / 64
DOUBLINGS = 40
HALVINGS = 30


@dataclass(frozen=True, eq=False)
class Affine:
    """One linear estimator with its interval. combination: (pre - 1,) u. bias: the worst one. error: its sd."""

    low: float
    high: float
    bias: float
    error: float
    combination: Array

    @property
    def half(self) -> float:
        """Half the length of the interval."""
        return (self.high - self.low) / 2


@dataclass(frozen=True, eq=False)
class Frontier:
    """The estimators that trade worst bias for variance best: the lasso path, its corners by falling penalty.

    base: (N,) weights of the base estimator. before: (pre - 1, N) bends before the reference. quadratic, linear and
    constant: the variance is u'Qu + 2 c'u + v.
    """

    problem: Problem
    base: Array
    before: Array
    quadratic: Array
    linear: Array
    constant: float
    penalties: Array
    combinations: Array

    def at(self, penalty: float) -> tuple[Array, float, float]:
        """The combination u at `penalty`, its worst bias per unit of bend, and its standard error."""
        order = self.penalties[::-1]
        u = np.array([np.interp(penalty, order, column[::-1]) for column in self.combinations.T])
        variance = self.constant + 2 * self.linear @ u + u @ self.quadratic @ u
        bias = float(np.abs(self.problem.bend_reach).sum() + np.abs(u).sum())
        return u, bias, float(np.sqrt(variance))

    def best(self, bend: float) -> Affine:
        """The shortest interval at `bend`: the point of the path where less bias no longer pays for more variance."""
        from scipy import optimize

        top = float(self.penalties[0])
        if bend <= 0 or top <= 0:
            penalty = 0.0
        elif self._gain(top, bend) >= 0:
            penalty = top
        else:
            penalty = float(optimize.brentq(self._gain, 0.0, top, args=(bend,), xtol=ROUNDING * top))
        u, bias, error = self.at(penalty)
        half = error * folded(bend * bias / error, self.problem.level)
        value = float((self.base + u @ self.before) @ self.problem.beta)
        return Affine(value - half, value + half, bend * bias, error, u)

    def _gain(self, penalty: float, bend: float) -> float:
        """How the half length changes with the bias along the path, where variance falls at the rate of `penalty`."""
        _, bias, error = self.at(penalty)
        t = bend * bias / error
        quantile = folded(t, self.problem.level)
        steep = math.tanh(quantile * t)
        return bend * steep - penalty / error * (quantile - t * steep)


def frontier(problem: Problem) -> Frontier:
    """All estimators worth considering for `problem`, whatever the bend allowed."""
    before, base = problem.bends[: problem.pre - 1], problem.continued
    quadratic, linear = before @ problem.covariance @ before.T, before @ problem.covariance @ base
    penalties, combinations = lasso_path(quadratic, linear)
    constant = float(base @ problem.covariance @ base)
    return Frontier(problem, base, before, quadratic, linear, constant, penalties, combinations)


def interval(problem: Problem, bend: float) -> tuple[float, float]:
    """The fixed-length confidence interval at `bend` >= 0, per period, in the outcome's unit."""
    found = frontier(problem).best(bend)
    return found.low, found.high


def breakdown(problem: Problem) -> float:
    """The bend up to which the fixed-length interval leaves out zero, in the outcome's unit per period.

    Zero where a straight line suffices to explain the estimate; infinite where none does.
    """
    path = frontier(problem)
    low, high = 0.0, SMALLEST * problem.error / float(np.abs(problem.bend_reach).sum())
    if _holds_zero(path.best(0.0)):
        return 0.0
    for _ in range(DOUBLINGS):
        if _holds_zero(path.best(high)):
            break
        low, high = high, 2 * high
    else:
        return math.inf
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if _holds_zero(path.best(middle)) else (middle, high)
    return low


def conditional(problem: Problem, bend: float) -> tuple[float, float]:
    """The conditional least-favourable hybrid set at `bend`: in closed form.

    Its moments involve the reference, the period before it and those after: the base estimator alone. Pairs are sure
    to be -2 bend, so that they truncate the statistic but never are it. Wider than the fixed-length interval wherever
    earlier periods tell the slope; kept because it needs no choice of an estimator.
    """
    from scipy import special

    after = problem.bends[problem.pre - 1 :]
    base, size = problem.continued, np.abs(problem.bend_reach)
    spread = np.sqrt(np.einsum("ti,ij,tj->t", after, problem.covariance, after))
    error, kappa = float(np.sqrt(base @ problem.covariance @ base)), problem.alpha / 10
    low, high = -bend * float(size @ spread) / float(spread.max()) / error, -float(special.ndtri(kappa / 2))
    share = (problem.alpha - kappa) / (1 - kappa)
    beyond = special.ndtr(-high) + share * (special.ndtr(-low) - special.ndtr(-high))
    half = bend * float(size.sum()) + error * max(0.0, -float(special.ndtri(beyond)))
    value = float(base @ problem.beta)
    return value - half, value + half


def identified(problem: Problem, bend: float) -> tuple[float, float]:
    """What the restriction leaves open if the estimates were the truth; NaN where these bend more than it allows."""
    if problem.largest_bend > bend * (1 + ROUNDING):
        return math.nan, math.nan
    value = float(problem.continued @ problem.beta)
    half = bend * float(np.abs(problem.bend_reach).sum())
    return value - half, value + half


def folded(t: float, level: float) -> float:
    """The quantile at `level` of |Z + t|, Z standard normal."""
    from scipy import optimize, special

    t = abs(t)
    upper = t - float(special.ndtri((1 - level) / 2))
    inside = lambda c: float(special.ndtr(c - t) - special.ndtr(-c - t)) - level  # noqa: E731
    return float(optimize.brentq(inside, 0.0, upper, xtol=1e-14, rtol=1e-14))


def lasso_path(quadratic: Array, linear: Array) -> tuple[Array, Array]:
    """Corners of the path of min u'Qu / 2 + c'u + penalty |u|_1, from the penalty at which u = 0 down to none.

    Returns penalties (B,), falling, and combinations (B, P); between corners u is linear in the penalty.
    """
    u, gradient = np.zeros(len(linear)), linear.astype(float)
    penalty = float(np.abs(linear).max(initial=0.0))
    corners = [(penalty, u)]
    active = [int(np.abs(linear).argmax())] if penalty > 0 else []
    signs = [-float(np.sign(linear[k])) for k in active]
    floor = ROUNDING * penalty
    while penalty > floor:
        move = np.zeros(len(u))
        move[active] = np.linalg.solve(quadratic[np.ix_(active, active)], signs)
        drift = quadratic @ move
        step, who, sign = _next(u, gradient, move, drift, penalty, active, floor)
        u, gradient, penalty = u + step * move, gradient + step * drift, penalty - step
        if who in active:
            place = active.index(who)
            u[who] = 0.0
            del active[place], signs[place]
        elif who >= 0:
            active.append(who)
            signs.append(sign)
        corners.append((max(penalty, 0.0), u.copy()))
    return np.array([p for p, _ in corners]), np.array([c for _, c in corners])


def _next(
    u: Array, gradient: Array, move: Array, drift: Array, penalty: float, active: list[int], floor: float
) -> tuple[float, int, float]:
    """How far the penalty falls until a coefficient joins (with its sign) or leaves; -1 when none does before zero."""
    found = (penalty, -1, 0.0)
    for k in range(len(u)):
        steps = [(-u[k] / move[k], 0.0)] if k in active and move[k] else []
        if k not in active:
            steps = [
                ((penalty - s * gradient[k]) / (1 + s * drift[k]), -s)
                for s in (1.0, -1.0)
                if 1 + s * drift[k] > ROUNDING
            ]
        found = min([found, *((step, k, sign) for step, sign in steps if step > floor)])
    return found


def _holds_zero(found: Affine) -> bool:
    return found.low <= 0 <= found.high
