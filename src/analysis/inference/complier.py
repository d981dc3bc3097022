"""The effect of taking part on those who take part because they were assigned: Wald's ratio, and Anderson-Rubin's set.

Angrist, Imbens and Rubin (1996). The error of the ratio is that of the contrast of outcome - effect x received, over
the first stage; the Anderson-Rubin set holds every effect for which that contrast is not told from zero, which is right
however few comply (Anderson and Rubin 1949; Dufour 2003).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from analysis.inference.trial_regression import Contrast, Errors, Problem, contrast
from analysis.panel import Array


@dataclass(frozen=True)
class Ratio:
    """The effect as a contrast, the first stage, its F-statistic, and the pieces of the Anderson-Rubin set."""

    effect: Contrast
    first: Contrast
    reduced: Contrast
    mixed: float

    @property
    def strength(self) -> float:
        """F-statistic of the assignment in what was received."""
        return math.inf if not self.first.variance else self.first.value**2 / self.first.variance

    def anderson_rubin(self, level: float) -> tuple[float, float]:
        """The ends of the set; infinite where it is unbounded, as with too few compliers."""
        from scipy import stats

        critical = float(stats.t.ppf((1 + level) / 2, self.effect.df)) ** 2
        a = self.first.value**2 - critical * self.first.variance
        b = self.reduced.value * self.first.value - critical * self.mixed
        c = self.reduced.value**2 - critical * self.reduced.variance
        root = b**2 - a * c
        if a <= 0 or root < 0:
            return -math.inf, math.inf
        return (b - math.sqrt(root)) / a, (b + math.sqrt(root)) / a


def ratio(problem: Problem, received: Array, errors: Errors) -> Ratio:
    """The effect per unit of `received` (n,) of an assignment that moves it; psi adds up to its variance."""
    reduced, first = contrast(problem, errors), contrast(replace(problem, outcome=received), errors)
    effect = reduced.value / first.value if first.value else math.inf
    centred = replace(problem, outcome=problem.outcome - effect * received) if math.isfinite(effect) else problem
    rest = contrast(centred, errors)
    scale = abs(first.value) if first.value else math.nan
    wald = Contrast(effect, rest.variance / scale**2, rest.df, rest.psi / scale)
    return Ratio(wald, first, reduced, _mixed(problem, received, reduced, first, errors))


def _mixed(problem: Problem, received: Array, reduced: Contrast, first: Contrast, errors: Errors) -> float:
    """Covariance of the two contrasts, from the variance of their sum in units in which both are alike."""
    unit = math.sqrt(reduced.variance / first.variance) if first.variance and reduced.variance else 1.0
    both = contrast(replace(problem, outcome=problem.outcome + unit * received), errors)
    return (both.variance - reduced.variance - unit**2 * first.variance) / (2 * unit)
