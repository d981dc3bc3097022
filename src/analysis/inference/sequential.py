"""Intervals that may be read at any time: an asymptotic confidence sequence.

Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), "Time-uniform central limit theory and asymptotic confidence
sequences", Annals of Statistics, theorem 2.2: with t observations and standard error s_t, the interval
estimate +- s_t x sqrt((1 + 1/(t r)) (log(t r + 1) + 2 log(1/alpha))) covers the truth at all t at once with probability
1 - alpha. r > 0 chooses the t at which it is narrowest (their equation for rho, solved in closed form to first order).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.panel import Array


def factor(t: Array | float, planned: float, level: float) -> Array:
    """How many standard errors the interval is wide to each side after `t` observations.

    planned: the number of observations at which it should be narrowest.
    """
    alpha = 1 - level
    log = -2 * np.log(alpha)
    r = (log + np.log(log + 1)) / planned
    scaled = np.asarray(t, dtype=float) * r
    return np.asarray(np.sqrt((1 + 1 / scaled) * (np.log(scaled + 1) + log)))


def p_value(ratio: float, t: float, planned: float) -> float:
    """The smallest alpha at which the interval after `t` observations leaves zero out, estimate/error being `ratio`."""
    low, high = 1e-12, 1 - 1e-12
    if abs(ratio) >= float(factor(t, planned, 1 - low)):
        return low
    if abs(ratio) <= float(factor(t, planned, 1 - high)):
        return 1.0
    for _ in range(200):
        middle = float(np.sqrt(low * high))
        if abs(ratio) >= float(factor(t, planned, 1 - middle)):
            high = middle
        else:
            low = middle
    return high


@dataclass(frozen=True, eq=False)
class Looks:
    """Readings along the way, in order. share: of the rows read. n: rows. estimate, low, high: always-valid interval;
    fixed_low, fixed_high: the interval of a single reading. All (looks,)."""

    share: Array
    n: Array
    estimate: Array
    low: Array
    high: Array
    fixed_low: Array
    fixed_high: Array

    @property
    def crossed(self) -> tuple[int | None, int | None]:
        """The first reading at which the always-valid, and at which the single interval leaves zero out."""
        return _first((self.low > 0) | (self.high < 0)), _first((self.fixed_low > 0) | (self.fixed_high < 0))

    @property
    def alarms(self) -> int:
        """How many of the readings a single interval would have called an effect."""
        return int(((self.fixed_low > 0) | (self.fixed_high < 0)).sum())


def _first(flags: Array) -> int | None:
    return int(flags.argmax()) if flags.any() else None


def ends(order: Array, looks: int) -> Array:
    """(<= looks,) values of `order` up to which each reading reads, at about equal shares of the rows; no value is
    split."""
    values, counts = np.unique(order, return_counts=True)
    read = np.cumsum(counts)
    if len(values) <= looks:
        return np.asarray(values)
    wanted = np.ceil(len(order) * np.arange(1, looks + 1) / looks)
    return np.asarray(values[np.unique(np.searchsorted(read, wanted))])
