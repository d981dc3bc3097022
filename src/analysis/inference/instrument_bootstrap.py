"""The Anderson-Rubin test from a wild cluster bootstrap, for instruments that few clusters carry.

For an effect b, outcome - b x treatment gets the sign of its cluster's draw, which imposes that the instruments are not
related to it (Finlay and Magnusson 2019; Roodman, MacKinnon, Nielsen and Webb 2019). All of it is linear in outcome and
treatment, so that one set of draws serves every b.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analysis.fits.instrumental_variable import Problem, Region
from analysis.inference import anderson_rubin, instruments
from analysis.inference.instruments import Pair
from analysis.panel import Array

GRID = 240  # effects at which the test is made before ends are refined
STEPS = 30  # of halving an interval that holds an end
TIE = 1e-9  # relative difference of statistics that rounding explains
REACH = 1e4  # in scales of the estimate; an effect beyond it counts as without end


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """The test on `problem` with `draws` of Rademacher signs."""

    problem: Problem
    draws: int
    seed: int

    @cached_property
    def own(self) -> Pair:
        """Outcome and treatment on the instruments."""
        return instruments.pair(self.problem)

    @cached_property
    def drawn(self) -> tuple[Array, Array, Array, Array, Array]:
        """(draws, L) coefficients of outcome and treatment and (draws, L, L) their covariances, as in `Pair`."""
        rng, problem = np.random.default_rng(self.seed), self.problem
        codes = problem.cluster if problem.errors == "clustered" else _places(problem)
        columns = problem.outcome / problem.root, problem.treatment / problem.root
        found = []
        for _ in range(self.draws):
            sign = rng.choice([-1.0, 1.0], size=problem.clusters)[codes]
            found.append(_pair(problem, self.own.basis, *(problem.without(sign * column) for column in columns)))
        outcome, treatment, oo, ot, tt = (np.array(part) for part in zip(*found, strict=True))
        return outcome, treatment, oo, ot, tt

    def p_value(self, effect: float) -> float:
        """The p-value of an effect per unit of treatment."""
        outcome, treatment, oo, ot, tt = self.drawn
        gap = outcome - effect * treatment
        cov = oo - effect * (ot + ot.transpose(0, 2, 1)) + effect**2 * tt
        drawn = (gap[:, None, :] @ np.linalg.solve(cov, gap[:, :, None]))[:, 0, 0] / gap.shape[1]
        own = anderson_rubin.statistic(self.own, effect)
        return float((1 + (drawn >= own * (1 - TIE)).sum()) / (1 + self.draws))

    def region(self, level: float) -> Region:
        """The effects of the reported change that the test does not reject at `level`."""
        centre, scale = anderson_rubin.around(self.own)
        turns = np.linspace(-math.atan(REACH), math.atan(REACH), GRID + 1)
        effects = [centre + scale * math.tan(turn) for turn in turns]
        kept = [self.p_value(effect) > 1 - level for effect in effects]
        pieces: list[tuple[float, float]] = []
        low = -math.inf
        for place in range(GRID + 1):
            if kept[place] and place and not kept[place - 1]:
                low = self._end(effects[place], effects[place - 1], level)
            if kept[place] and (place == GRID or not kept[place + 1]):
                high = math.inf if place == GRID else self._end(effects[place], effects[place + 1], level)
                pieces.append((low, high))
        return anderson_rubin.times(pieces, self.problem.change, level)

    def _end(self, inside: float, outside: float, level: float) -> float:
        for _ in range(STEPS):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if self.p_value(middle) > 1 - level else (inside, middle)
        return (inside + outside) / 2


def _places(problem: Problem) -> Array:
    """(n,) codes of the rows that do not depend on their order."""
    order = np.lexsort((*problem.instruments.T, problem.treatment, problem.outcome))
    found = np.empty(problem.n, dtype=int)
    found[order] = np.arange(problem.n)
    return found


def _pair(problem: Problem, basis: Array, outcome: Array, treatment: Array) -> tuple[Array, ...]:
    both, k = np.column_stack([outcome, treatment]), basis.shape[1]
    coefficients = basis.T @ both
    cov = instruments.covariance(problem, basis, both - basis @ coefficients, np.eye(k))
    return coefficients[:, 0], coefficients[:, 1], cov[:k, :k], cov[:k, k:], cov[k:, k:]
