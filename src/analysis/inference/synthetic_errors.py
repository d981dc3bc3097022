"""Uncertainty of weighted-donor effects: placebo units, jackknife, bootstrap; arrays in, arrays out.

Source: Arkhangelsky et al. (2021), algorithms 2 to 4 (bootstrap, jackknife, placebo); Abadie, Diamond and Hainmueller
(2010) for the permutation of the treated unit among donors; Firpo and Possebom (2018) for intervals by its inversion.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analysis.inference.synthetic import Fit, Problem, Weigher
from analysis.inference.synthetic_groups import DONOR, Estimated, Setting, estimated, with_fits
from analysis.panel import Array

EXACT = 1e-3  # a fit with gaps below this share of the noise is as good as exact, and no yardstick


@dataclass(frozen=True, eq=False)
class Draws:
    """paths: (B, K) effects of each draw; rmspe: (B,) its gap in the periods fitted."""

    paths: Array
    rmspe: Array


def one_by_one(setting: Setting, weigh: Weigher) -> Draws:
    """Every donor in the place of the treated units, against the other donors."""
    return _stacked([_as_treated(setting, place, weigh) for place in range(len(setting.donors))])


def _as_treated(setting: Setting, place: int, weigh: Weigher) -> Estimated:
    rows = setting.donors
    problems, fits = [], []
    for c in range(len(setting.starts)):
        cohort = np.full(len(rows), DONOR)
        cohort[place] = c
        problem = setting.among(rows, cohort).problem(c)
        problems.append(problem)
        fits.append(weigh(problem))
    return with_fits(setting, problems, fits)


def in_sets(setting: Setting, weigh: Weigher, draws: int, seed: int) -> Draws:
    """Random sets of donors, as many as there are treated units with their dates, against the other donors."""
    rng = np.random.default_rng(seed)
    rows = setting.donors
    roles = np.full(len(rows), DONOR)
    roles[: setting.sizes.sum()] = np.repeat(np.arange(len(setting.starts)), setting.sizes)
    return _stacked([estimated(setting.among(rows, rng.permutation(roles)), weigh) for _ in range(draws)])


def resampled(setting: Setting, weigh: Weigher, draws: int, seed: int) -> Draws:
    """Units drawn with replacement until treated ones and donors are among them, weights found again each time."""
    rng = np.random.default_rng(seed)
    n = len(setting.cohort)
    found: list[Estimated] = []
    while len(found) < draws:
        rows = np.sort(rng.integers(n, size=n))
        cohort = setting.cohort[rows]
        if (cohort == DONOR).sum() < 2 or (cohort == DONOR).all():
            continue
        drawn = setting.among(rows, cohort).present()
        one = estimated(drawn, weigh)
        found.append(replace(one, path=_on(setting.events, drawn.events, one.path)))
    return _stacked(found)


def left_out(setting: Setting, fits: list[Fit]) -> Draws:
    """Every unit left out in turn, weights held and scaled to sum one again (as in synthdid)."""
    found, place = [], {row: k for k, row in enumerate(setting.donors)}
    for row in range(len(setting.cohort)):
        keep = np.flatnonzero(np.arange(len(setting.cohort)) != row)
        inner = setting.among(keep, setting.cohort[keep])
        used = [_without(fit, place[row]) for fit in fits] if row in place else fits
        found.append(with_fits(inner, inner.problems(), used))
    return _stacked(found)


def _without(fit: Fit, place: int) -> Fit:
    unit = np.delete(fit.unit, place)
    return replace(fit, unit=unit / unit.sum())


def _on(events: Array, own: Array, path: Array) -> Array:
    """The path on all event times, missing where the draw has none."""
    full = np.full(len(events), np.nan)
    full[np.searchsorted(events, own)] = path
    return full


def _stacked(found: list[Estimated]) -> Draws:
    return Draws(np.array([one.path for one in found]), np.array([one.rmspe for one in found]))


def spread(draws: Draws, scale: Array | float = 1.0) -> Array:
    """(K, K) covariance of the effects over the draws, each times its scale; divided by their number (as synthdid)."""
    paths = draws.paths * np.reshape(scale, (-1, 1))
    away = np.nan_to_num(paths - np.nanmean(paths, axis=0))
    return np.asarray(away.T @ away / len(away))


def jackknifed(draws: Draws) -> Array:
    """(K, K) jackknife covariance of effects with one unit left out at a time."""
    return np.asarray((len(draws.paths) - 1) * spread(draws))


def yardsticks(own: Estimated, draws: Draws, noise: float, *, by_fit: bool) -> tuple[float, Array, bool]:
    """What the average gaps of the treated units and of each draw are measured in: their gap in the periods fitted, or
    one where the design asks for none or a fit is as good as exact; and whether it is the former."""
    exact = min(own.rmspe, float(draws.rmspe.min())) <= EXACT * noise
    if exact or not by_fit:
        return 1.0, np.ones(len(draws.rmspe)), False
    return own.rmspe, draws.rmspe, True


def permuted(value: float, scale: float, others: Array, level: float) -> tuple[float, float, float]:
    """Interval and p-value of an average effect by its rank among placebos.

    value: the estimate; others: (B,) placebo statistics |average| / yardstick; scale: the treated units' yardstick. The
    p-value of a constant effect c is the share of |value - c| / scale and the placebos at least as large as the former;
    the interval holds every c above 1 - level. It is unbounded with too few placebos for that.
    """
    others = np.sort(others)[::-1]
    own = abs(value) / scale
    p_value = (1 + int((others >= own * (1 - 1e-9)).sum())) / (1 + len(others))
    most = int(np.floor((1 - level) * (1 + len(others)) + 1e-9))
    half = float(others[most - 1]) * scale if most >= 1 else float("inf")
    return value - half, value + half, p_value


def ratio_rank(own: float, others: Array) -> float:
    """The share of units, the treated one among them, whose ratio of gaps after to before is at least `own`."""
    return float((1 + (others >= own * (1 - 1e-9)).sum()) / (1 + len(others)))


def ratios(paths: Array, rmspe: Array, weights: Array) -> Array:
    """(B,) root mean squared gap after (weighted like the average) over the gap before."""
    after = np.sqrt((paths**2) @ weights)
    return np.asarray(np.divide(after, rmspe, out=np.full(len(after), np.inf), where=rmspe > 0))


def noise(problems: list[Problem]) -> float:
    """The least noise of the cohorts' donors."""
    return min(problem.noise for problem in problems)
