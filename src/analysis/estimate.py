"""One number with its uncertainty."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """One number with its uncertainty, in the unit of the outcome.

    low and high bound the interval at `level`; they are infinite where the method cannot bound it. std_error is None
    where none is shown (permutation). df: degrees of freedom of the t distribution behind interval and p-value.
    effective: the number of equally weighted treated clusters that the average is worth, where it is known. centre: the
    middle of the distribution behind interval and chances, where it is not `value` (bias-corrected estimates).
    unstated: why no standard error is shown, where that is not the number of clusters.
    """

    value: float
    std_error: float | None
    low: float
    high: float
    level: float
    p_value: float
    df: float | None
    n: int
    clusters: int
    treated_clusters: int
    estimand: str
    method: str
    inference: str
    effective: float | None = None
    centre: float | None = None
    unstated: str = ""

    def excludes(self, x: float) -> bool:
        """The interval does not contain `x`."""
        return not (math.isnan(self.low) or self.low <= x <= self.high)

    def chance_above(self, x: float) -> float | None:
        """Probability that the effect exceeds `x`, reading the estimate's t distribution as a flat-prior posterior.

        None where no standard error is shown.
        """
        if self.std_error is None or self.df is None:
            return None
        from scipy import stats

        middle = self.value if self.centre is None else self.centre
        if self.std_error == 0:
            return float(middle > x)
        return float(stats.t.sf((x - middle) / self.std_error, self.df))

    def detectable(self, power: float = 0.8) -> float | None:
        """The smallest effect that a test at this level finds with probability `power`; None without an error."""
        if self.std_error is None or self.df is None:
            return None
        from scipy import stats

        half = (1 + self.level) / 2
        return float((stats.t.ppf(half, self.df) + stats.t.ppf(power, self.df)) * self.std_error)


def t_interval(value: float, error: float, df: float, level: float) -> tuple[float, float, float]:
    """Interval bounds at `level` and the two-sided p-value of no effect, from a t distribution."""
    from scipy import stats

    half = float(stats.t.ppf((1 + level) / 2, df)) * error
    p_value = float(2 * stats.t.sf(abs(value) / error, df)) if error > 0 else float(value == 0)
    return value - half, value + half, p_value
