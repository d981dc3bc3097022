"""Conformal inference for a single synthetic path: residuals under a hypothesised effect, compared across periods.

Source: Chernozhukov, Wuethrich and Zhu (2021), section 2, with blocks of one period: the effect under test is taken off
the treated path, weights are fitted to the periods before and the one tested together, and the residual there is
compared with those of all of them. The average effect is tested on the mean of the periods after as one such period
(as the R package augsynth does).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from analysis.inference.synthetic import Problem, Weigher, effects
from analysis.panel import Array

DOUBLINGS = 14
HALVINGS = 40
CLOSE = 1e-6  # an end of an interval is found to this share of the first distance tried


def average(problem: Problem, weigh: Weigher, level: float) -> tuple[float, float, float]:
    """Interval of the average effect over all periods since the start, and the p-value of none."""
    return _interval(_collapsed(problem), weigh, level)


def chance_of_none(problem: Problem, weigh: Weigher) -> float:
    """The p-value of no effect on average over all periods since the start."""
    return _chance(_collapsed(problem), weigh, 0.0)


def _collapsed(problem: Problem) -> Problem:
    """The periods since the start as one, their mean."""
    start = problem.start
    treated = np.append(problem.treated[:start], problem.treated[start:].mean())
    donors = np.column_stack([problem.donors[:, :start], problem.donors[:, start:].mean(axis=1)])
    return replace(problem, treated=treated, donors=donors)


def by_period(problem: Problem, weigh: Weigher, level: float) -> Array:
    """(T - start, 3) low, high, p-value of the effect in each period since the start."""
    found = []
    for place in range(problem.start, len(problem.treated)):
        kept = np.append(np.arange(problem.start), place)
        one = replace(problem, treated=problem.treated[kept], donors=problem.donors[:, kept])
        found.append(_interval(one, weigh, level))
    return np.array(found)


def _interval(problem: Problem, weigh: Weigher, level: float) -> tuple[float, float, float]:
    """Interval and p-value of none for the effect in the last period, the only one under the policy."""
    chance = partial(_chance, problem, weigh)
    gap = effects(problem, weigh(problem))
    width = max(float(np.abs(gap[problem.first : problem.start]).max()), 1e-3 * problem.noise) / 2
    middle = _accepted(chance, float(gap[-1]), width)
    low, high = (_end(chance, middle, step, 1 - level) for step in (-width, width))
    return low, high, chance(0.0)


def _chance(problem: Problem, weigh: Weigher, value: float) -> float:
    """The share of periods whose residual is at least that of the last one, were the effect there `value`."""
    treated = problem.treated.copy()
    treated[-1] -= value
    null = replace(problem, treated=treated, start=len(treated))
    residual = np.abs(effects(null, weigh(null))[problem.first :])
    return float((residual >= residual[-1] * (1 - 1e-7)).mean())


def _accepted(chance: Callable[[float], float], value: float, width: float) -> float:
    """Of the estimate and values around it, the one with the largest p-value: the search for ends starts there."""
    tried = [value, *(value + width * step for step in (-1.0, -0.5, -0.25, 0.25, 0.5, 1.0))]
    return max(tried, key=lambda one: (chance(one), -abs(one - value)))


def _end(chance: Callable[[float], float], inside: float, step: float, alpha: float) -> float:
    """Where the p-value falls to alpha or below, from a value where it is above; infinite where it never does."""
    close, origin, outside = CLOSE * abs(step), inside, inside + step
    for _ in range(DOUBLINGS):
        if chance(outside) <= alpha + 1e-12:
            break
        inside, step = outside, 2 * step
        outside = origin + step
    else:
        return float(np.sign(step) * np.inf)
    for _ in range(HALVINGS):
        if abs(outside - inside) <= close:
            break
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if chance(middle) > alpha + 1e-12 else (inside, middle)
    return inside
