"""Power of a comparison of two arms, and the smallest effect that it finds (Bloom 1995; Donner and Klar 2000)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from analysis.fits.randomised_trial import Trial


def std_error(
    n_treated: float, n_control: float, spread: float, *, icc: float = 0.0, size: float = 1.0, explained: float = 0.0
) -> float:
    """Standard error of a difference in means of rows with standard deviation `spread` within arms.

    icc: correlation of two rows of one cluster. size: rows per cluster, assigned together. explained: share of the
    variance that covariates take away.
    """
    effect = 1 + (size - 1) * icc
    return spread * math.sqrt((1 - explained) * effect * (1 / n_treated + 1 / n_control))


def power(effect: float, error: float, df: float, level: float = 0.95) -> float:
    """Chance that a two-sided t test finds `effect`, whose estimate has standard error `error`."""
    from scipy import stats

    critical = float(stats.t.ppf((1 + level) / 2, df))
    shift = effect / error
    return float(stats.nct.sf(critical, df, shift) + stats.nct.cdf(-critical, df, shift))


def detectable(error: float, df: float, level: float = 0.95, wanted: float = 0.8) -> float:
    """The smallest effect that the test finds with chance `wanted`."""
    from scipy import optimize, stats

    def short(effect: float) -> float:
        return power(effect * error, error, df, level) - wanted

    about = float(stats.t.ppf((1 + level) / 2, df) + stats.t.ppf(wanted, df))
    return float(optimize.brentq(short, 0.0, 2 * about, xtol=1e-10)) * error


def units_needed(effect: float, error: float, df: float, units: int, level: float = 0.95, wanted: float = 0.8) -> int:
    """Units (rows, or clusters) with which `effect` is found with chance `wanted`, all else as in a trial of `units`
    whose error is `error`."""
    return int(np.ceil(units * (detectable(error, df, level, wanted) / effect) ** 2))


@dataclass(frozen=True)
class Plan:
    """What a trial like this one finds. smallest: effect found four times in five. chance: that an effect of
    `worthwhile` is found. needed: units with which it is found four times in five, of `units` now. twice: smallest with
    twice as many.
    """

    worthwhile: float
    smallest: float
    chance: float
    units: int
    needed: int
    twice: float


def plan(effects: Trial, worthwhile: float, level: float) -> Plan | None:
    """The power of the trial for `worthwhile`; None without a standard error."""
    answer = effects.average(level)
    if answer.std_error is None or not answer.std_error > 0:
        return None
    error, units = answer.std_error, effects.clusters
    return Plan(
        worthwhile,
        detectable(error, effects.df, level),
        power(worthwhile, error, effects.df, level),
        units,
        units_needed(worthwhile, error, effects.df, units, level),
        detectable(error / math.sqrt(2), 2 * effects.df, level),
    )
